//! All integration tests, in one binary: one file a concern.

#[cfg(feature = "gui")]
mod desktop;
#[cfg(all(feature = "gui", feature = "pictures"))]
mod desktop_pictures;
#[cfg(feature = "gui")]
mod desktop_scenes;

//! All integration tests, in one binary: one file a concern.

#[cfg(feature = "gui")]
mod playground;

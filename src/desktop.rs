//! The window: state folded from updates, views that show it, commands that answer.
//!
//! In: [`Update`](crate::engine::Update)s. Out: pixels and [`Command`](crate::engine::Command)s. A view
//! is one file and its line in [`view::views`].

pub mod app;
pub mod fonts;
pub mod icons;
pub mod state;
pub mod theme;
pub mod view;
pub mod widgets;

mod monitor;
mod playground;
mod runs;
mod settings;

//! The window, driven by the names of its controls, over an engine that the test plays.

mod alerts;
mod app;
mod bench;
mod bench_report;
mod charts;
mod checks;
mod compare;
mod doubtful;
mod endpoints;
mod fields;
mod first_steps;
mod gateway;
mod inspector;
mod keys;
mod limits;
mod monitor;
mod notifications;
mod over_view;
mod palette;
#[cfg(feature = "pictures")]
mod pictures;
pub mod player;
mod probes;
mod rig;
mod runs;
mod scale;
pub mod scenes;
mod targets;
mod views;
mod wire;

pub use self::{
    player::{Desktop, Player, layout_of, open},
    rig::{Dropped, shows},
    scenes::Scene,
};

use self::rig::{
    SIZES, WIDE, click, click_row, edits, field, heard, is_on, open_view, press, run_queries,
    series_queries, turn_wheel, type_into, write_into,
};

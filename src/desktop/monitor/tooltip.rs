//! What tooltips of the charts say of a target and of a stretch of time.

use egui::Ui;

use super::track::Track;
pub use crate::desktop::tooltip::tooltip;
use crate::{
    desktop::{
        looks::sample_ui,
        theme::{Theme, caption, strong},
        widgets::date_time,
    },
    endpoint::local_gateway,
};

/// Shows a target's name, and how it is drawn.
pub fn track_ui(ui: &mut Ui, theme: &Theme, track: &Track) {
    ui.horizontal(|ui| {
        sample_ui(ui, track.look, theme.series_color(track.look.color));
        ui.label(strong(local_gateway::shown(&track.target)));
    });
}

/// Says which stretch of time the tooltip is about (nanoseconds since 1970).
pub fn stretch_ui(ui: &mut Ui, theme: &Theme, from: i64, to: i64) {
    let [from, to] = [from, to].map(date_time);
    ui.label(caption(theme, format!("{from} to {to}")));
}

//! Tooltips of charts: they stand beside what is pointed at, and name its target.

use egui::{Pos2, Rect, Response, Tooltip, Ui, Vec2};

use super::track::Track;
use crate::{
    desktop::{
        looks::sample_ui,
        theme::{Theme, caption, strong},
        widgets::date_time,
    },
    endpoint::local_gateway,
};

/// How far the tooltip stays away from the point, in both directions together.
const ROOM: f32 = 14.0;

/// Shows a tooltip beside a point of a chart.
pub fn tooltip(ui: &Ui, response: &Response, at: Pos2, content: impl FnOnce(&mut Ui)) {
    let place = Rect::from_center_size(at, Vec2::splat(ROOM));
    Tooltip::always_open(ui.ctx().clone(), ui.layer_id(), response.id, place).show(content);
}

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

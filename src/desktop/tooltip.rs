//! Tooltips of charts: they stand beside what is pointed at.

use egui::{Pos2, Rect, Response, Tooltip, Ui, Vec2};

/// How far the tooltip stays away from the point, in both directions together.
const ROOM: f32 = 14.0;

/// Shows a tooltip beside a point of a chart.
pub fn tooltip(ui: &Ui, response: &Response, at: Pos2, content: impl FnOnce(&mut Ui)) {
    let place = Rect::from_center_size(at, Vec2::splat(ROOM));
    Tooltip::always_open(ui.ctx().clone(), ui.layer_id(), response.id, place).show(content);
}

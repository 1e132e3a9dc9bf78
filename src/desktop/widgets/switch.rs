//! A switch that turns something on and off.

use egui::{CornerRadius, Response, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, vec2};

use crate::desktop::theme::Theme;

/// A switch; `name` is its accessible name and says what it turns on.
pub fn switch(ui: &mut Ui, theme: &Theme, on: bool, name: &str) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(34.0, 18.0), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::Switch, true, on, name));
    let (fill, knob) = if on {
        (theme.accent, theme.on_accent)
    } else {
        (theme.raised, theme.text_dim)
    };
    let line = if response.has_focus() {
        Stroke::new(1.5, theme.text)
    } else if on {
        Stroke::NONE
    } else {
        Stroke::new(1.0, theme.line_strong)
    };
    let radius = CornerRadius::same(9);
    let painter = ui.painter();
    painter.rect(rect, radius, fill, line, StrokeKind::Inside);
    let side = rect.height() / 2.0;
    let x = if on {
        rect.right() - side
    } else {
        rect.left() + side
    };
    painter.circle_filled(egui::pos2(x, rect.center().y), side - 4.0, knob);
    let hover = if on { "Turn it off" } else { "Turn it on" };
    response.on_hover_text(hover)
}

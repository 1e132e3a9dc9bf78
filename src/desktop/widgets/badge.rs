//! Badges, one word on a tint of its colour, and hints of keyboard keys.

use egui::{
    Color32, CornerRadius, FontId, Response, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, vec2,
};

use crate::{
    desktop::{
        icons,
        theme::{Theme, size},
    },
    visible::visible_line,
};

/// A word on a tint of its colour.
pub fn badge(ui: &mut Ui, theme: &Theme, text: &str, color: Color32) -> Response {
    tag(ui, text, color, theme.wash(color), Stroke::NONE)
}

/// The same with an icon before the word.
pub fn badge_with_icon(
    ui: &mut Ui,
    theme: &Theme,
    icon: &str,
    text: &str,
    color: Color32,
) -> Response {
    let response = badge(ui, theme, &format!("{icon} {text}"), color);
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, text));
    response
}

/// Says that the built-in simulator answered, and what that means.
pub fn simulated_badge(ui: &mut Ui, theme: &Theme) -> Response {
    badge_with_icon(ui, theme, icons::SIMULATED, "simulated", theme.warn).on_hover_text(
        "Answered by the built-in simulator on this machine: real HTTP, made-up model",
    )
}

/// A key or key combination, drawn like a key.
pub fn key_hint(ui: &mut Ui, theme: &Theme, keys: &str) -> Response {
    tag(
        ui,
        keys,
        theme.text_dim,
        theme.surface,
        Stroke::new(1.0, theme.line_strong),
    )
}

/// A word in a rounded box whose height does not depend on the row's.
fn tag(ui: &mut Ui, text: &str, color: Color32, fill: Color32, border: Stroke) -> Response {
    let font = FontId::proportional(size::TINY);
    let galley = ui
        .painter()
        .layout_no_wrap(visible_line(text).into_owned(), font, color);
    let (rect, response) = ui.allocate_exact_size(galley.size() + vec2(12.0, 4.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, text));
    let radius = CornerRadius::same(4);
    let painter = ui.painter();
    painter.rect(rect, radius, fill, border, StrokeKind::Inside);
    painter.galley(rect.min + vec2(6.0, 2.0), galley, color);
    response
}

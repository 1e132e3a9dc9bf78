//! Badges: one word on a wash of its colour; keys of the keyboard.

use egui::{Color32, CornerRadius, Frame, Margin, Response, RichText, Stroke, Ui};

use crate::desktop::{
    icons,
    theme::{Theme, size},
};

/// A word on a wash of its colour.
pub fn badge(ui: &mut Ui, theme: &Theme, text: &str, color: Color32) -> Response {
    Frame::new()
        .fill(theme.wash(color))
        .corner_radius(CornerRadius::same(4))
        .inner_margin(Margin::symmetric(6, 1))
        .show(ui, |ui| {
            let text = RichText::new(text).size(size::TINY).color(color);
            ui.add(egui::Label::new(text).selectable(false).extend());
        })
        .response
}

/// The same with an icon before the word.
pub fn badge_with_icon(
    ui: &mut Ui,
    theme: &Theme,
    icon: &str,
    text: &str,
    color: Color32,
) -> Response {
    badge(ui, theme, &format!("{icon} {text}"), color)
}

/// Says that the built-in simulator answered, and what that means.
pub fn simulated_badge(ui: &mut Ui, theme: &Theme) -> Response {
    badge_with_icon(ui, theme, icons::SIMULATED, "simulated", theme.warn).on_hover_text(
        "Answered by the built-in simulator on this machine: real HTTP, made-up model",
    )
}

/// A key or combination, as it stands on a keyboard.
pub fn key_hint(ui: &mut Ui, theme: &Theme, keys: &str) -> Response {
    Frame::new()
        .fill(theme.surface)
        .stroke(Stroke::new(1.0, theme.line_strong))
        .corner_radius(CornerRadius::same(4))
        .inner_margin(Margin::symmetric(5, 0))
        .show(ui, |ui| {
            let text = RichText::new(keys).size(size::TINY).color(theme.text_dim);
            ui.add(egui::Label::new(text).selectable(false).extend());
        })
        .response
}

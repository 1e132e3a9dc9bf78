//! A part of the inspector: a small title with what belongs to it.

use egui::Ui;

use crate::desktop::theme::{Theme, size, space, strong};

/// Shows a part.
pub fn part(ui: &mut Ui, theme: &Theme, title: &str, content: impl FnOnce(&mut Ui)) {
    ui.add_space(space::S);
    title_ui(ui, theme, title);
    content(ui);
}

/// The title of a part.
pub fn title_ui(ui: &mut Ui, theme: &Theme, title: &str) {
    ui.label(strong(title).size(size::SMALL).color(theme.text_dim));
}

//! Notices and frames: banners, cards, empty states, sections.

use egui::{
    Color32, CornerRadius, Frame, InnerResponse, Layout, Margin, Response, RichText, Stroke, Ui,
    vec2,
};

use crate::desktop::{
    icons,
    theme::{RADIUS_L, Theme, caption, heading, size, space, strong},
};

/// How serious a notice is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Good to know.
    Info,
    /// Something to mind.
    Warn,
    /// Something is broken.
    Bad,
}

impl Tone {
    fn look(self, theme: &Theme) -> (&'static str, Color32) {
        match self {
            Self::Info => (icons::INFO, theme.accent),
            Self::Warn => (icons::WARN, theme.warn),
            Self::Bad => (icons::FAULT, theme.bad),
        }
    }
}

/// A line across the view that stays until its cause is gone; `buttons` stand at its right.
pub fn banner<R>(
    ui: &mut Ui,
    theme: &Theme,
    tone: Tone,
    text: &str,
    buttons: impl FnOnce(&mut Ui) -> R,
) -> R {
    let (icon, color) = tone.look(theme);
    Frame::new()
        .fill(theme.wash(color))
        .stroke(Stroke::new(1.0, theme.wash(color)))
        .inner_margin(Margin::symmetric(12, 6))
        .show(ui, |ui| {
            ui.horizontal(|ui| {
                ui.label(RichText::new(icon).size(size::HEADING).color(color));
                let width = (ui.available_width() - 140.0).max(120.0);
                ui.allocate_ui(vec2(width, 0.0), |ui| {
                    ui.add(egui::Label::new(RichText::new(text).color(theme.text)).wrap());
                });
                ui.with_layout(Layout::right_to_left(egui::Align::Center), buttons)
                    .inner
            })
            .inner
        })
        .inner
}

/// A raised frame.
pub fn card<R>(ui: &mut Ui, theme: &Theme, content: impl FnOnce(&mut Ui) -> R) -> InnerResponse<R> {
    Frame::new()
        .fill(theme.surface)
        .stroke(theme.hairline())
        .corner_radius(CornerRadius::same(RADIUS_L))
        .inner_margin(Margin::same(12))
        .show(ui, content)
}

/// What a view shows when it has nothing to show: what it will be, and what to do.
pub fn empty<R>(
    ui: &mut Ui,
    theme: &Theme,
    icon: &str,
    title: &str,
    text: &str,
    actions: impl FnOnce(&mut Ui) -> R,
) -> R {
    let room = ui.available_height();
    ui.vertical_centered(|ui| {
        ui.add_space((room * 0.32 - 40.0).max(space::L));
        ui.label(RichText::new(icon).size(28.0).color(theme.text_dim));
        ui.add_space(space::S);
        ui.label(strong(title).size(size::HEADING));
        ui.add_space(space::XS);
        ui.scope(|ui| {
            ui.set_max_width(420.0);
            ui.label(RichText::new(text).color(theme.text_dim));
        });
        ui.add_space(space::M);
        actions(ui)
    })
    .inner
}

/// A heading with a line of explanation.
pub fn section(ui: &mut Ui, theme: &Theme, title: &str, text: &str) {
    ui.label(heading(title));
    if !text.is_empty() {
        ui.label(caption(theme, text));
    }
    ui.add_space(space::S);
}

/// A hairline across.
pub fn hairline(ui: &mut Ui, theme: &Theme) {
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 1.0), egui::Sense::hover());
    ui.painter()
        .hline(rect.x_range(), rect.center().y, theme.hairline());
}

/// A name and its value on one line, names in one column of `width`.
pub fn key_value(
    ui: &mut Ui,
    theme: &Theme,
    width: f32,
    name: &str,
    value: impl Into<egui::WidgetText>,
) -> Response {
    ui.horizontal_top(|ui| {
        let (rect, _) = ui.allocate_exact_size(vec2(width, 18.0), egui::Sense::hover());
        ui.put(rect, |ui: &mut Ui| {
            ui.with_layout(Layout::left_to_right(egui::Align::Center), |ui| {
                ui.label(caption(theme, name))
            })
            .inner
        });
        ui.add(egui::Label::new(value).wrap())
    })
    .inner
}

//! Notices and frames: banners, cards, empty states, sections.

use egui::{
    Color32, Context, CornerRadius, Frame, Id, InnerResponse, Layout, Margin, Modal, Response,
    RichText, Stroke, Ui, UiBuilder, vec2,
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
    /// Something to be careful about.
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

/// A line across the view, with `buttons` at its right.
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
                ui.with_layout(Layout::right_to_left(egui::Align::Center), |ui| {
                    let inner = buttons(ui);
                    ui.with_layout(Layout::left_to_right(egui::Align::Center), |ui| {
                        ui.label(RichText::new(icon).size(size::HEADING).color(color));
                        ui.add(egui::Label::new(RichText::new(text).color(theme.text)).wrap());
                    });
                    inner
                })
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

/// Shows content in exactly the space that is left: what does not fit is clipped, so that a panel around it keeps its
/// size.
pub fn contained<R>(ui: &mut Ui, content: impl FnOnce(&mut Ui) -> R) -> R {
    let rect = ui.available_rect_before_wrap();
    let mut child = ui.new_child(UiBuilder::new().max_rect(rect));
    child.shrink_clip_rect(rect);
    let inner = content(&mut child);
    ui.advance_cursor_after_rect(rect);
    inner
}

/// Shows a dialog over the window; returns what `content` returned, and whether Escape or a click outside closed it.
pub fn dialog<R>(
    ctx: &Context,
    theme: &Theme,
    id: &str,
    width: f32,
    content: impl FnOnce(&mut Ui) -> R,
) -> (R, bool) {
    let shade = if theme.dark { 130 } else { 60 };
    let frame = Frame::popup(&ctx.global_style()).inner_margin(Margin::same(20));
    let response = Modal::new(Id::unique(("dialog", id)))
        .backdrop_color(Color32::from_black_alpha(shade))
        .frame(frame.corner_radius(CornerRadius::same(RADIUS_L)))
        .show(ctx, |ui| {
            ui.set_width(width);
            content(ui)
        });
    let closed = response.should_close();
    (response.inner, closed)
}

/// An empty state: says what will be here, and what to do.
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

/// A horizontal hairline.
pub fn hairline(ui: &mut Ui, theme: &Theme) {
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 1.0), egui::Sense::hover());
    ui.painter()
        .hline(rect.x_range(), rect.center().y, theme.hairline());
}

/// A name and its value on one line; the name takes up `width`.
pub fn key_value(
    ui: &mut Ui,
    theme: &Theme,
    width: f32,
    name: &str,
    value: impl Into<egui::WidgetText>,
) -> Response {
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = 0.0;
        let height = ui.text_style_height(&egui::TextStyle::Body);
        let (rect, response) = ui.allocate_exact_size(vec2(width, height), egui::Sense::hover());
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, name));
        let font = egui::FontId::proportional(size::SMALL);
        let galley = ui
            .painter()
            .layout(name.to_owned(), font, theme.text_dim, width - space::S);
        let at = egui::pos2(
            rect.left(),
            rect.top() + (height - size::SMALL * 1.25).max(0.0) / 2.0,
        );
        ui.painter().galley(at, galley, theme.text_dim);
        ui.add(egui::Label::new(value).wrap())
    })
    .inner
}

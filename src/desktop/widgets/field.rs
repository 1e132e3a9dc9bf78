//! Fields: a label above, a problem below, and an accessible name.

use egui::{ComboBox, Id, Margin, Rect, Response, RichText, TextEdit, Ui, UiBuilder, vec2};

use super::icon_button;
use crate::desktop::{
    icons,
    theme::{Theme, size},
};

/// A one-line field with its label above and its problem, if any, below.
pub fn labeled_field(
    ui: &mut Ui,
    theme: &Theme,
    label: &str,
    text: &mut String,
    hint: &str,
    problem: Option<&str>,
) -> Response {
    ui.vertical(|ui| {
        ui.label(RichText::new(label).size(size::SMALL).color(theme.text_dim));
        let response = ui
            .scope(|ui| {
                if problem.is_some() {
                    ui.visuals_mut().widgets.inactive.bg_stroke.color = theme.bad;
                }
                let hint = RichText::new(hint).color(theme.text_dim);
                let edit = TextEdit::singleline(text)
                    .hint_text(hint)
                    .desired_width(f32::INFINITY);
                ui.add(edit.margin(vec2(8.0, 5.0)))
            })
            .inner
            .accessible_name(label);
        problem_ui(ui, theme, problem);
        response
    })
    .inner
}

/// A field of several lines without a label of its own.
pub fn multiline_field(
    ui: &mut Ui,
    theme: &Theme,
    name: &str,
    text: &mut String,
    hint: &str,
    rows: usize,
) -> Response {
    let hint = RichText::new(hint).color(theme.text_dim);
    let edit = TextEdit::multiline(text)
        .hint_text(hint)
        .desired_rows(rows)
        .desired_width(f32::INFINITY);
    ui.add(edit.margin(vec2(8.0, 5.0))).accessible_name(name)
}

/// What is wrong with a field, if anything is.
pub fn problem_ui(ui: &mut Ui, theme: &Theme, problem: Option<&str>) {
    if let Some(problem) = problem {
        ui.label(RichText::new(problem).size(size::SMALL).color(theme.bad));
    }
}

/// A search field with a button that clears it; always as wide as `width`, whether the button shows or not.
pub fn search_box(
    ui: &mut Ui,
    theme: &Theme,
    id: Id,
    name: &str,
    text: &mut String,
    width: f32,
) -> Response {
    let icon = RichText::new(icons::SEARCH).color(theme.text_dim);
    let hint = RichText::new(name).color(theme.text_dim);
    let filled = !text.is_empty();
    let margin = Margin {
        left: 8,
        right: if filled { CROSS + 4 } else { 8 },
        top: 5,
        bottom: 5,
    };
    let edit = TextEdit::singleline(text)
        .id(id)
        .prefix(icon)
        .hint_text(hint)
        .desired_width(width)
        .margin(margin);
    let mut response = ui.add(edit).accessible_name(name);
    if filled {
        let side = f32::from(CROSS);
        let center = response.rect.right_center() - vec2(side / 2.0 + 2.0, 0.0);
        let place = Rect::from_center_size(center, vec2(side, side));
        let mut inside = ui.new_child(UiBuilder::new().id_salt((id, "clear")).max_rect(place));
        if icon_button(&mut inside, theme, icons::CLOSE, "Clear the search").clicked() {
            text.clear();
            response.mark_changed();
        }
    }
    response
}

/// Size of the clear button, in points.
const CROSS: i8 = 24;

/// A combo box with this application's arrow.
pub fn choice_box(salt: &str) -> ComboBox<'_> {
    ComboBox::from_id_salt(salt).icon(|ui, area, visuals, _open| {
        let font = egui::FontId::proportional(size::SMALL);
        let color = visuals.fg_stroke.color.gamma_multiply(0.7);
        let center = egui::Align2::CENTER_CENTER;
        ui.painter()
            .text(area.center(), center, icons::CHEVRON_DOWN, font, color);
    })
}

/// A labelled check box.
pub fn toggle(ui: &mut Ui, on: &mut bool, label: &str) -> Response {
    ui.checkbox(on, label)
}

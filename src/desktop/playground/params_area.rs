//! A field of several lines among a pane's settings, and what is said of it.

use egui::{RichText, TextEdit, Ui, vec2};

use super::params_check::ParamsCheck;
use crate::desktop::theme::{Theme, caption, size};

/// A field of several lines, by its key, its label and what stands in it while it is empty; and what is said of it.
pub fn area_ui(
    ui: &mut Ui,
    theme: &Theme,
    (field, label, hint): (&'static str, &str, &str),
    text: &mut String,
    check: &ParamsCheck,
) {
    let problem = check.problem(field);
    ui.label(caption(theme, label));
    ui.scope(|ui| {
        if problem.is_some() {
            ui.visuals_mut().widgets.inactive.bg_stroke.color = theme.bad;
        }
        let rows = text.lines().count().clamp(2, 8);
        let hint = RichText::new(hint).color(theme.text_dim).size(size::SMALL);
        let edit = TextEdit::multiline(text)
            .code_editor()
            .hint_text(hint)
            .desired_rows(rows)
            .lock_focus(false)
            .desired_width(f32::INFINITY);
        ui.add(edit.margin(vec2(8.0, 5.0))).accessible_name(label);
    });
    let problem = problem.map(|text| RichText::new(text).size(size::SMALL).color(theme.bad));
    let notes = check.notes(field).iter().map(|note| caption(theme, note));
    let said: Vec<RichText> = problem.into_iter().chain(notes).collect();
    said_ui(ui, theme, (field, check.is_checking(field)), said);
}

/// What is said of a field. While it is being checked, the room that this took is kept: nothing jumps at each key.
fn said_ui(
    ui: &mut Ui,
    theme: &Theme,
    (field, checking): (&'static str, bool),
    said: Vec<RichText>,
) {
    let id = ui.make_persistent_id(("said", field));
    let took = ui.data(|data| data.get_temp::<f32>(id));
    if let (true, Some(height)) = (checking, took) {
        ui.scope(|ui| {
            ui.set_min_height(height);
            ui.label(caption(theme, "Checking…"));
        });
    } else if !said.is_empty() {
        let shown = ui.scope(|ui| said.into_iter().for_each(|text| drop(ui.label(text))));
        let height = shown.response.rect.height();
        ui.data_mut(|data| data.insert_temp(id, height));
    } else if !checking {
        ui.data_mut(|data| data.remove::<f32>(id));
    }
}

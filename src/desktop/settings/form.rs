//! What the forms of an endpoint and of an alert have in common: a head, when problems are shown, how one is saved and
//! removed, and fields with many lines.

use std::sync::Arc;

use egui::{Align, Layout, Response, TextEdit, Ui, vec2};

use crate::{
    desktop::{
        icons,
        theme::{Theme, caption, title},
        view::Cx,
        widgets::{danger_button, icon_button, primary_button},
    },
    settings::Settings,
};

/// How far a form is.
#[derive(Debug, Default)]
pub struct FormProgress {
    /// Whether the user has tried to save it, or to try it out: problems are shown from then on.
    pub has_tried: bool,
    /// The settings when it was saved; it closes once newer ones arrive.
    saving: Option<Arc<Settings>>,
    confirms_removal: bool,
}

impl FormProgress {
    /// Whether what was saved has arrived with new settings, so that the form can close.
    pub fn is_saved(&mut self, cx: &Cx<'_>) -> bool {
        let Some(before) = &self.saving else {
            return false;
        };
        if cx.state.settings_problem.is_some() {
            // The form stays open: the banner says what to fix, then Save works again.
            self.saving = None;
            return false;
        }
        !Arc::ptr_eq(before, &cx.state.settings)
    }

    /// An edit was sent that saves it.
    pub fn saves(&mut self, cx: &Cx<'_>) {
        self.saving = Some(cx.state.settings.clone());
    }

    /// Shows the button that saves it; returns whether it was clicked.
    pub fn save_button(&self, ui: &mut Ui, theme: &Theme) -> bool {
        let is_saving = self.saving.is_some();
        let label = if is_saving { "Saving…" } else { "Save" };
        ui.add_enabled_ui(!is_saving, |ui| primary_button(ui, theme, label))
            .inner
            .clicked()
    }

    /// Shows the button that removes what is edited, at the right. It takes a second click, beside which stands what
    /// becomes of the rest; returns whether it was removed.
    pub fn remove_button(
        &mut self,
        ui: &mut Ui,
        theme: &Theme,
        [ask, confirm]: [&str; 2],
        rest: Option<&str>,
    ) -> bool {
        let button_ui = |ui: &mut Ui| {
            if !self.confirms_removal {
                self.confirms_removal = danger_button(ui, theme, ask).clicked();
                return false;
            }
            let is_removed = danger_button(ui, theme, confirm).clicked();
            self.confirms_removal = !ui.button("Keep it").clicked();
            if let Some(rest) = rest {
                ui.label(caption(theme, rest));
            }
            is_removed
        };
        ui.with_layout(Layout::right_to_left(Align::Center), button_ui)
            .inner
    }
}

/// Shows the head: a button that goes back, and a name; returns whether the form stays open.
pub fn head_ui(ui: &mut Ui, theme: &Theme, back: &str, name: String) -> bool {
    ui.horizontal(|ui| {
        let stays = !icon_button(ui, theme, icons::CHEVRON_LEFT, back).clicked();
        ui.label(title(name));
        stays
    })
    .inner
}

/// A field as wide as there is room, with what it takes above.
pub fn captioned_field(
    ui: &mut Ui,
    theme: &Theme,
    (name, takes): (&str, &str),
    edit: TextEdit<'_>,
) -> Response {
    ui.label(caption(theme, takes));
    let edit = edit.desired_width(f32::INFINITY).margin(vec2(8.0, 5.0));
    ui.add(edit).accessible_name(name)
}

/// The lines of a field with one thing a line.
pub fn lines(text: &str) -> Vec<String> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}

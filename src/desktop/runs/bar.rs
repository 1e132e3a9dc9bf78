//! What stands above the table of runs, and in its place while it has no rows.

use egui::{Id, Layout, Margin, Panel, Ui};

use super::Runs;
use crate::desktop::{
    icons,
    theme::{caption, space},
    view::{Action, Cx, ViewId},
    widgets::{counted, danger_icon, empty, ghost_button, primary_button, search_box},
};

impl Runs {
    /// The search, the filters, and what is done with all runs that they leave.
    pub(super) fn bar_ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let theme = cx.theme;
        let frame = egui::Frame::new().inner_margin(Margin::symmetric(16, 10));
        Panel::top("runs.bar").frame(frame).show(ui, |ui| {
            ui.horizontal(|ui| {
                let id = Id::unique("runs.search");
                if std::mem::take(&mut self.focus_search) {
                    ui.memory_mut(|memory| memory.request_focus(id));
                }
                let width = (ui.available_width() * 0.3).clamp(160.0, 300.0);
                if search_box(ui, theme, id, "Search runs", &mut self.wanted.text, width).changed()
                {
                    self.changed_at = ui.input(|input| input.time);
                }
                self.wanted.filters_ui(ui, &self.known);
                ui.with_layout(Layout::right_to_left(egui::Align::Center), |ui| {
                    let any = self.pages.total().is_some_and(|total| total > 0);
                    let button = egui::Button::new(format!("{} Export…", icons::EXPORT));
                    if ui.add_enabled(any, button).clicked() {
                        self.open_export();
                    }
                    ui.add_enabled_ui(any, |ui| {
                        let name = "Delete all runs of this search and filters…";
                        if danger_icon(ui, theme, icons::DELETE, name).clicked() {
                            self.ask_to_delete_shown();
                        }
                    });
                    if let Some(total) = self.pages.total() {
                        ui.label(caption(theme, counted(total as u64, "run")));
                    }
                });
            });
        });
    }

    /// What is shown where there is no row.
    pub(super) fn empty_ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let theme = cx.theme;
        if self.wanted.is_filtered() {
            empty(
                ui,
                theme,
                icons::SEARCH,
                "No run matches",
                "No run matches the search text and all filters",
                |ui| {
                    if ghost_button(ui, theme, "Clear all filters").clicked() {
                        self.wanted = self.wanted.unfiltered();
                    }
                },
            );
        } else {
            empty(
                ui,
                theme,
                icons::RUNS,
                "No runs yet",
                "Every prompt that you send becomes a row here, with its figures, its text and its errors",
                |ui| {
                    if primary_button(ui, theme, "Open the playground").clicked() {
                        cx.actions.push(Action::Go(ViewId::Playground));
                    }
                },
            );
        }
        ui.add_space(space::L);
    }
}

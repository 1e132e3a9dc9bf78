//! The bar at the top: the panels at the side, and what can be done with the comparison that is shown.

use egui::{Button, Ui};

use super::{CompareView, DeleteComparison, HEAD, SharedComparison, is_running};
use crate::{
    compare::{CompareState, CompareStopReason},
    desktop::{
        icons,
        view::Cx,
        widgets::{danger_item, icon_button, menu_gap, menu_item},
    },
};

impl CompareView {
    pub(super) fn head_ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut Cx<'_>,
        state: Option<&SharedComparison>,
    ) {
        let mut side = self.kept.side;
        HEAD.ui(ui, &mut side, |ui| {
            if let Some(state) = state {
                self.acts_ui(ui, cx, state);
            }
        });
        self.kept.side = side;
    }

    /// What can be done with the comparison that is shown.
    fn acts_ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, state: &SharedComparison) {
        let name = "More for this comparison";
        let more = icon_button(ui, cx.theme, icons::MORE, name);
        egui::Popup::menu(&more).accessible_name(name).show(|ui| {
            if menu_item(ui, icons::CLOSE, "Close") {
                self.shown.close();
            }
            if !state.is_running && !state.is_running_elsewhere {
                menu_gap(ui);
                if danger_item(ui, icons::DELETE, "Delete…") {
                    self.delete = Some(DeleteComparison::new(state));
                }
            }
        });
        let report = ui.button(format!("{} Report…", icons::EXPORT));
        if report
            .on_hover_text("Writes a report on this comparison as one HTML file")
            .clicked()
        {
            self.open_report();
        }
        if can_be_resumed(state) {
            let button = Button::new(format!("{} Resume", icons::PLAY));
            let resume = ui.add_enabled(!is_running(cx), button);
            let resume = resume
                .on_hover_text("Goes on where it ended, and asks what it would have asked next")
                .on_disabled_hover_text("Another comparison runs");
            if resume.clicked() {
                self.resume(state.head.id, cx);
            }
        }
    }
}

/// Whether it would go on if it were resumed.
fn can_be_resumed(state: &CompareState) -> bool {
    let reason = state.end.as_ref().map(|end| end.reason);
    let is_open = matches!(
        reason,
        None | Some(CompareStopReason::Stopped | CompareStopReason::Failed)
    );
    is_open && !state.is_running && !state.is_running_elsewhere
}

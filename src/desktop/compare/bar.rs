//! The bar at the top: the panels at the side, and what can be done with the comparison that is shown.

use egui::{Align, Button, Layout, Margin, Panel, Role, Ui, WidgetInfo};

use super::{CompareView, DeleteComparison, SharedComparison, is_running, verb::CompareSide};
use crate::{
    compare::{CompareState, CompareStopReason},
    desktop::{
        icons,
        theme::{space, title},
        view::Cx,
        widgets::{danger_item, icon_button, menu_gap, menu_item},
    },
};

impl CompareView {
    pub(super) fn bar_ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut Cx<'_>,
        state: Option<&SharedComparison>,
    ) {
        let frame = egui::Frame::new().inner_margin(Margin::symmetric(16, 10));
        Panel::top("compare.bar").frame(frame).show(ui, |ui| {
            ui.horizontal(|ui| {
                let meaning = "Asks several targets, or one in several ways, the same in pairs and random order, and says \
                    which is faster, by how much, and how sure that is";
                ui.label(title("Compare")).on_hover_text(meaning);
                ui.add_space(space::S);
                for (side, icon, word, name) in [
                    (CompareSide::SetUp, icons::PARAMS, "Set up", "Set up a comparison"),
                    (CompareSide::Saved, icons::HISTORY, "Saved", "Saved comparisons"),
                ] {
                    let on = self.kept.side == Some(side);
                    let button = Button::selectable(on, format!("{icon} {word}"));
                    let response = ui.add(button);
                    response.widget_info(|| WidgetInfo::selected(Role::Button, true, on, name));
                    if response.on_hover_text(name).clicked() {
                        self.kept.side = (!on).then_some(side);
                    }
                }
                if let Some(state) = state {
                    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                        self.acts_ui(ui, cx, state);
                    });
                }
            });
        });
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

//! The section about data: where it is, how much there is, what is kept, and what is deleted.

use egui::Ui;

use super::{cleanup::Cleanup, limits::LimitsForm, pages};
use crate::desktop::{
    theme::{caption, space},
    view::Cx,
    widgets::hairline,
};

/// The section.
#[derive(Debug, Default)]
pub struct DataSection {
    limits: LimitsForm,
    cleanup: Option<Cleanup>,
    /// The value of `State::finished` when the history was last asked for its size.
    asked_at: Option<u64>,
}

impl DataSection {
    /// Takes what was asked.
    pub fn logic(&mut self, cx: &mut Cx<'_>) {
        self.limits.logic();
        if let Some(cleanup) = &mut self.cleanup
            && cleanup.logic(cx)
        {
            self.cleanup = None;
            // The size has changed.
            self.asked_at = None;
        }
    }

    /// Shows it.
    pub fn ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        if self.asked_at != Some(cx.state.finished) {
            self.asked_at = Some(cx.state.finished);
            self.limits.ask(cx.commands);
        }
        let theme = cx.theme;
        pages::data_ui(ui, cx, self.limits.runs());
        self.limits.ui(ui, cx);
        ui.add_space(space::M);
        hairline(ui, theme);
        ui.add_space(space::M);
        if ui.button("Delete from the history…").clicked() {
            self.cleanup = Some(Cleanup::default());
        }
        ui.label(caption(
            theme,
            "Of some days, of one target, or both. A single run is deleted in Runs",
        ));
        if let Some(mut cleanup) = self.cleanup.take() {
            self.cleanup = cleanup.ui(ui.ctx(), cx).then_some(cleanup);
        }
    }
}

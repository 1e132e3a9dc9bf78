//! The runs view.

use egui::Ui;

use super::view::{Cx, View, ViewId};

/// The runs view.
#[derive(Debug, Default)]
pub struct Runs {}

impl View for Runs {
    fn id(&self) -> ViewId {
        ViewId::Runs
    }

    fn title(&self) -> &'static str {
        "Runs"
    }

    fn icon(&self) -> &'static str {
        ""
    }

    fn ui(&mut self, ui: &mut Ui, _cx: &mut Cx<'_>) {
        ui.label("Runs");
    }
}

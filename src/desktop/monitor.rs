//! The monitor view.

use egui::Ui;

use super::view::{Cx, View, ViewId};

/// The monitor view.
#[derive(Debug, Default)]
pub struct Monitor {}

impl View for Monitor {
    fn id(&self) -> ViewId {
        ViewId::Monitor
    }

    fn title(&self) -> &'static str {
        "Monitor"
    }

    fn icon(&self) -> &'static str {
        ""
    }

    fn ui(&mut self, ui: &mut Ui, _cx: &mut Cx<'_>) {
        ui.label("Monitor");
    }
}

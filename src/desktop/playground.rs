//! The playground view.

use egui::Ui;

use super::view::{Cx, View, ViewId};

mod markdown;

/// The playground view.
#[derive(Debug, Default)]
pub struct Playground {}

impl View for Playground {
    fn id(&self) -> ViewId {
        ViewId::Playground
    }

    fn title(&self) -> &'static str {
        "Playground"
    }

    fn icon(&self) -> &'static str {
        ""
    }

    fn ui(&mut self, ui: &mut Ui, _cx: &mut Cx<'_>) {
        ui.label("Playground");
    }
}

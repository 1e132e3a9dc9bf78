//! The settings view.

use egui::Ui;

use super::view::{Cx, View, ViewId};

/// The settings view.
#[derive(Debug, Default)]
pub struct SettingsView {}

impl View for SettingsView {
    fn id(&self) -> ViewId {
        ViewId::Settings
    }

    fn title(&self) -> &'static str {
        "Settings"
    }

    fn icon(&self) -> &'static str {
        ""
    }

    fn ui(&mut self, ui: &mut Ui, _cx: &mut Cx<'_>) {
        ui.label("Settings");
    }
}

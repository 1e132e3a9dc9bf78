//! A field for the path of a file, with a button for the system's file chooser.

use egui::Ui;

use super::{
    chooser::{self, ChosenFile},
    theme::Theme,
    widgets::labeled_field,
};
use crate::visible::visible;

/// The field's state.
#[derive(Debug, Default)]
pub struct PathField {
    /// The path.
    pub path: String,
    /// What is wrong with it.
    pub problem: Option<String>,
    chooser: Option<ChosenFile>,
}

/// What a file is chosen for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChooseFor {
    /// To be read: any of these endings.
    Open(&'static [&'static str]),
    /// To be written, with this ending.
    Save(&'static str),
}

impl PathField {
    /// A field with this path in it.
    #[must_use]
    pub fn new(path: String) -> Self {
        Self {
            path,
            ..Self::default()
        }
    }

    /// A path in the user's folder for documents.
    #[must_use]
    pub fn in_documents(name: &str) -> Self {
        let dirs = directories::UserDirs::new();
        let folder = dirs.map(|dirs| dirs.document_dir().unwrap_or(dirs.home_dir()).to_path_buf());
        Self::new(folder.unwrap_or_default().join(name).display().to_string())
    }

    /// Takes what was chosen.
    pub fn take_in(&mut self) {
        let answer = self
            .chooser
            .as_ref()
            .and_then(|chooser| chooser.try_recv().ok());
        let Some(answer) = answer else { return };
        self.chooser = None;
        match answer {
            Ok(Some(path)) => self.path = path.display().to_string(),
            Ok(None) => {}
            Err(why) => self.problem = Some(format!("{why}: type the path")),
        }
    }

    /// Shows the field.
    pub fn ui(&mut self, ui: &mut Ui, theme: &Theme, what: ChooseFor) -> egui::Response {
        self.named_ui(ui, theme, "File", what)
    }

    /// Shows the field with a label of its own, where there are several.
    pub fn named_ui(
        &mut self,
        ui: &mut Ui,
        theme: &Theme,
        label: &str,
        what: ChooseFor,
    ) -> egui::Response {
        let problem = self.problem.as_deref().map(visible);
        let field = labeled_field(ui, theme, label, &mut self.path, "", problem.as_deref());
        let button = egui::Button::new("Choose…");
        if ui.add_enabled(self.chooser.is_none(), button).clicked() {
            self.chooser = Some(match what {
                ChooseFor::Open(extensions) => chooser::to_open(ui.ctx(), extensions),
                ChooseFor::Save(extension) => chooser::to_save(ui.ctx(), &self.path, extension),
            });
        }
        field
    }

    /// The path, without blanks around it; `None` if there is none.
    #[must_use]
    pub fn given(&self) -> Option<&str> {
        Some(self.path.trim()).filter(|path| !path.is_empty())
    }
}

//! A field for the path of a file, with a button for the system's file chooser.

use std::{
    path::PathBuf,
    sync::mpsc::{Receiver, TryRecvError},
};

use egui::Ui;

use super::{
    chooser::{self, ChosenFile},
    theme::Theme,
    user_folders,
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
    documents: Documents,
}

/// Whether the path is to be put into the user's folder for documents.
#[derive(Debug, Default)]
enum Documents {
    /// It stands as it is.
    #[default]
    Unwanted,
    /// It is, once the field is shown.
    Wanted,
    /// It is, once the folder is known.
    Awaited(Receiver<PathBuf>),
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

    /// A path in the user's folder for documents: the name alone until that folder is known.
    #[must_use]
    pub fn in_documents(name: &str) -> Self {
        Self {
            documents: Documents::Wanted,
            ..Self::new(name.to_owned())
        }
    }

    /// Takes the folder for documents, and what was chosen.
    pub fn take_in(&mut self) {
        self.take_documents();
        let answer = self
            .chooser
            .as_ref()
            .and_then(|chooser| chooser.try_recv().ok());
        let Some(answer) = answer else { return };
        self.chooser = None;
        match answer {
            Ok(Some(path)) => {
                self.path = path.display().to_string();
                self.documents = Documents::Unwanted;
            }
            Ok(None) => {}
            Err(why) => self.problem = Some(format!("{why}: type the path")),
        }
    }

    fn take_documents(&mut self) {
        let Documents::Awaited(folder) = &self.documents else {
            return;
        };
        let folder = match folder.try_recv() {
            Ok(folder) => folder,
            Err(TryRecvError::Empty) => return,
            // No thread could be started.
            Err(TryRecvError::Disconnected) => PathBuf::new(),
        };
        self.path = folder.join(&self.path).display().to_string();
        self.documents = Documents::Unwanted;
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
        if matches!(self.documents, Documents::Wanted) {
            self.documents = Documents::Awaited(user_folders::documents(ui.ctx()));
        }
        let problem = self.problem.as_deref().map(visible);
        let field = labeled_field(ui, theme, label, &mut self.path, "", problem.as_deref());
        if field.changed() {
            self.documents = Documents::Unwanted;
        }
        let button = egui::Button::new("Choose…");
        if ui.add_enabled(self.chooser.is_none(), button).clicked() {
            self.chooser = Some(match what {
                ChooseFor::Open(extensions) => chooser::to_open(ui.ctx(), extensions),
                ChooseFor::Save(extension) => chooser::to_save(ui.ctx(), &self.path, extension),
            });
        }
        field
    }

    /// The path, without blanks around it; `None` if there is none, or the folder for documents is still awaited.
    #[must_use]
    pub fn given(&self) -> Option<&str> {
        let stands = matches!(self.documents, Documents::Unwanted);
        Some(self.path.trim()).filter(|path| stands && !path.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use std::{
        path::Path,
        sync::mpsc::{Sender, channel},
    };

    use super::*;

    fn awaiting() -> (Sender<PathBuf>, PathField) {
        let (send, receive) = channel();
        let mut field = PathField::in_documents("run.har");
        field.documents = Documents::Awaited(receive);
        (send, field)
    }

    #[test]
    fn a_name_is_no_path_until_the_folder_is_known() {
        let (found, mut field) = awaiting();
        field.take_in();
        assert_eq!((field.path.as_str(), field.given()), ("run.har", None));
        // The format was changed meanwhile.
        field.path = "run.tscap".to_owned();
        found.send("/home/u/Documents".into()).unwrap();
        field.take_in();
        let path = Path::new("/home/u/Documents").join("run.tscap");
        assert_eq!(field.given(), path.to_str());
    }

    #[test]
    fn a_name_stands_where_nobody_can_tell_the_folder() {
        let (found, mut field) = awaiting();
        drop(found);
        field.take_in();
        assert_eq!(field.given(), Some("run.har"));
    }
}

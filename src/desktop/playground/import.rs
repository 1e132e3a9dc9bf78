//! The dialog that imports conversations from a file. The engine reads it.

use std::{path::PathBuf, task::Poll};

use egui::{Context, Ui};

use crate::{
    conversation::ConversationId,
    desktop::{
        path_field::{ChooseFor, PathField},
        theme::{Theme, caption, heading, space},
        widgets::{counted, dialog, primary_button},
    },
    engine::{Asked, Command, ConversationCommand, ImportedFile, ask},
};

/// The dialog while it is open.
#[derive(Debug)]
pub struct ImportDialog {
    file: PathField,
    reading: Option<Asked<Result<ImportedFile, String>>>,
    done: Option<ImportedFile>,
    /// Whether the field is to take the focus.
    is_new: bool,
}

/// What is to happen after the dialog was shown.
#[derive(Debug)]
pub enum ImportStep {
    /// It stays open.
    Stay,
    /// It is closed.
    Close,
    /// The engine has something to do.
    Ask(Command),
    /// It is closed, and this conversation is shown.
    Open(ConversationId),
}

impl ImportDialog {
    /// A dialog for a file, whose path may be known.
    #[must_use]
    pub fn new(path: Option<PathBuf>) -> Self {
        let path = path.map(|path| path.display().to_string());
        Self {
            file: PathField::new(path.unwrap_or_default()),
            reading: None,
            done: None,
            is_new: true,
        }
    }

    /// Takes in what the engine and the file chooser say; returns whether conversations were imported just now.
    pub fn logic(&mut self) -> bool {
        self.file.take_in();
        let Some(reading) = &mut self.reading else {
            return false;
        };
        let problem = match reading.poll() {
            Poll::Pending => return false,
            Poll::Ready(Some(Ok(done))) => {
                self.reading = None;
                self.done = Some(done);
                return true;
            }
            Poll::Ready(Some(Err(problem))) => problem,
            Poll::Ready(None) => "there is no history that it could be stored in".to_owned(),
        };
        self.reading = None;
        self.file.problem = Some(problem);
        false
    }

    /// Shows the dialog.
    pub fn ui(&mut self, ctx: &Context, theme: &Theme) -> ImportStep {
        let is_reading = self.reading.is_some();
        let (step, closed) = dialog(ctx, theme, "import-conversations", 480.0, |ui| {
            ui.label(heading("Import conversations"));
            match &self.done {
                Some(done) => done_ui(ui, theme, done),
                None => self.fields_ui(ui, theme),
            }
        });
        match step {
            ImportStep::Stay if closed && !is_reading => ImportStep::Close,
            step => step,
        }
    }

    fn fields_ui(&mut self, ui: &mut Ui, theme: &Theme) -> ImportStep {
        ui.label(caption(
            theme,
            "A JSON file that Tokenscope exported, conversations.json of ChatGPT or Claude, or data.json of Cherry Studio 1. \
             If something is wrong with it, nothing is imported",
        ));
        ui.add_space(space::M);
        let is_reading = self.reading.is_some();
        let field = ui.add_enabled_ui(!is_reading, |ui| {
            self.file.ui(ui, theme, ChooseFor::Open(&["json"]))
        });
        if std::mem::take(&mut self.is_new) {
            field.inner.request_focus();
        }
        ui.add_space(space::M);
        let mut step = ImportStep::Stay;
        ui.horizontal(|ui| {
            let path = self.file.given().filter(|_| !is_reading).map(PathBuf::from);
            let import =
                ui.add_enabled_ui(path.is_some(), |ui| primary_button(ui, theme, "Import"));
            if let (true, Some(path)) = (import.inner.clicked(), path) {
                step = self.read(path);
            }
            if ui.button("Cancel").clicked() {
                step = ImportStep::Close;
            }
            if is_reading {
                ui.label(caption(theme, "Reading…"));
            }
        });
        step
    }

    fn read(&mut self, path: PathBuf) -> ImportStep {
        let (reply, reading) = ask();
        self.reading = Some(reading);
        self.file.problem = None;
        let command = ConversationCommand::Import { path, reply };
        ImportStep::Ask(Command::Conversation(command))
    }
}

/// Says what was imported, and what was not.
fn done_ui(ui: &mut Ui, theme: &Theme, done: &ImportedFile) -> ImportStep {
    let conversations = counted(done.count.conversations as u64, "conversation");
    let answers = counted(done.count.answers as u64, "answer");
    ui.label(format!(
        "{conversations} of {} with {answers} imported.",
        done.source
    ));
    if !done.left_out.is_empty() {
        ui.label(caption(
            theme,
            format!("Left out: {}", done.left_out.in_words()),
        ));
    }
    ui.add_space(space::M);
    let mut step = ImportStep::Stay;
    ui.horizontal(|ui| {
        if let Some(latest) = done.count.latest
            && primary_button(ui, theme, "Open the latest").clicked()
        {
            step = ImportStep::Open(latest);
        }
        if ui.button("Close").clicked() {
            step = ImportStep::Close;
        }
    });
    step
}

//! The dialog that saves what went over the wire of a run to a file. The engine writes the file.

use std::{path::PathBuf, task::Poll};

use egui::{Context, Ui};

use crate::{
    capture::CaptureFormat,
    desktop::{
        path_field::{ChooseFor, PathField},
        theme::{Theme, caption, heading, space},
        view::{Action, Cx},
        widgets::{dialog, primary_button, segmented},
    },
    dialect::DialectId,
    engine::{Asked, CaptureCommand, CaptureSource, Command, SavedAs, ask},
    run::Run,
};

/// The dialog while it is open.
#[derive(Debug)]
pub struct SaveDialog {
    of: CaptureSource,
    what: SavedAs,
    /// The ending of a file with the body alone.
    body_extension: &'static str,
    file: PathField,
    saving: Option<Asked<Result<String, String>>>,
}

impl SaveDialog {
    /// A dialog for the capture of a run.
    #[must_use]
    pub fn new(run: &Run, of: CaptureSource, what: SavedAs) -> Self {
        let body_extension = body_extension(run.head.dialect);
        let name = format!("tokenscope-run-{}", run.head.id.0);
        let name = format!("{name}.{}", extension(what, body_extension));
        Self {
            of,
            what,
            body_extension,
            file: PathField::in_documents(&name),
            saving: None,
        }
    }

    /// Handles the answers of the engine and of the file chooser; returns whether the dialog stays open.
    pub fn logic(&mut self, cx: &mut Cx<'_>) -> bool {
        self.file.take_in();
        let Some(saving) = &mut self.saving else {
            return true;
        };
        let problem = match saving.poll() {
            Poll::Pending => return true,
            Poll::Ready(Some(Ok(told))) => {
                cx.actions.push(Action::Tell(told));
                return false;
            }
            Poll::Ready(Some(Err(problem))) => format!("Not saved: {problem}"),
            Poll::Ready(None) => "Not saved: the engine has ended".to_owned(),
        };
        self.saving = None;
        self.file.problem = Some(problem);
        true
    }

    /// Shows the dialog; returns whether it stays open.
    pub fn ui(&mut self, ctx: &Context, cx: &mut Cx<'_>) -> bool {
        let theme = cx.theme;
        let is_saving = self.saving.is_some();
        let (stays, closed) = dialog(ctx, theme, "save-wire", 460.0, |ui| {
            ui.label(heading("Save what went over the wire"));
            ui.label(caption(theme, self.meaning()));
            ui.add_space(space::M);
            ui.add_enabled_ui(!is_saving, |ui| {
                self.fields_ui(ui, theme);
                ui.add_space(space::M);
                self.buttons_ui(ui, cx)
            })
            .inner
        });
        stays && (is_saving || !closed)
    }

    fn meaning(&self) -> &'static str {
        match self.what {
            SavedAs::Whole(CaptureFormat::Har) => {
                "Request, response and each read with its time, keys covered, as HAR 1.2: opens in browsers’ \
                 developer tools, and here"
            }
            SavedAs::Whole(CaptureFormat::Tscap) => {
                "Request, response and each read with its time, keys covered, as lines of JSON: opens here, and is \
                 read by jq"
            }
            SavedAs::Body => "The response’s body alone, byte for byte",
        }
    }

    fn fields_ui(&mut self, ui: &mut Ui, theme: &Theme) {
        let formats = [
            (SavedAs::Whole(CaptureFormat::Har), "HAR"),
            (SavedAs::Whole(CaptureFormat::Tscap), ".tscap"),
            (SavedAs::Body, "Body"),
        ];
        if segmented(ui, theme, "Format", &mut self.what, &formats) {
            let path = PathBuf::from(&self.file.path).with_extension(self.extension());
            self.file.path = path.display().to_string();
        }
        ui.add_space(space::S);
        let choose = ChooseFor::Save(self.extension());
        self.file.ui(ui, theme, choose);
    }

    fn extension(&self) -> &'static str {
        extension(self.what, self.body_extension)
    }

    fn buttons_ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) -> bool {
        let mut stays = true;
        ui.horizontal(|ui| {
            let to = self.file.given().map(PathBuf::from);
            let save = ui.add_enabled_ui(to.is_some(), |ui| primary_button(ui, cx.theme, "Save"));
            if let (true, Some(to)) = (save.inner.clicked(), to) {
                self.file.problem = None;
                let (reply, saving) = ask();
                self.saving = Some(saving);
                cx.commands.push(Command::Capture(CaptureCommand::Save {
                    of: self.of.clone(),
                    what: self.what,
                    to,
                    reply,
                }));
            }
            stays = !ui.button("Cancel").clicked();
        });
        stays
    }
}

fn extension(what: SavedAs, of_body: &'static str) -> &'static str {
    match what {
        SavedAs::Whole(CaptureFormat::Har) => "har",
        SavedAs::Whole(CaptureFormat::Tscap) => "tscap",
        SavedAs::Body => of_body,
    }
}

/// How files with the bodies of a protocol end, where it streams.
fn body_extension(dialect: DialectId) -> &'static str {
    match dialect {
        DialectId::VertexGrpc => "bin",
        DialectId::Ollama => "jsonl",
        DialectId::OpenaiChat
        | DialectId::OpenaiResponses
        | DialectId::Anthropic
        | DialectId::Gemini => "sse",
    }
}

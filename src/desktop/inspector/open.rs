//! Opens the file of a capture: by a dialog, or at once where its path is known. The engine reads the file.

use std::{path::PathBuf, sync::Arc, task::Poll};

use egui::Context;

use crate::{
    desktop::{
        path_field::{ChooseFor, PathField},
        theme::{Theme, caption, heading, space},
        view::{Action, Cx},
        widgets::{dialog, primary_button},
    },
    engine::{Asked, CaptureCommand, Command, OpenedCapture, ask},
};

/// How files of captures end.
const EXTENSIONS: &[&str] = &["tscap", "har"];

/// What is being opened.
#[derive(Debug, Default)]
pub struct OpenFile {
    dialog: Option<PathField>,
    opening: Option<Asked<Result<Arc<OpenedCapture>, String>>>,
    /// Whether the dialog is to take the focus.
    is_new: bool,
}

impl OpenFile {
    /// Shows the dialog.
    pub fn ask_for_path(&mut self) {
        self.dialog = Some(PathField::default());
        self.is_new = true;
    }

    /// Whether the dialog is open.
    #[must_use]
    pub fn has_dialog(&self) -> bool {
        self.dialog.is_some()
    }

    /// Opens a file; one that is being opened is given up.
    pub fn begin(&mut self, path: PathBuf, cx: &mut Cx<'_>) {
        let (reply, opening) = ask();
        self.opening = Some(opening);
        cx.commands
            .push(Command::Capture(CaptureCommand::Open { path, reply }));
    }

    /// Takes what was opened; a problem is told in the dialog, or as a toast without one.
    pub fn logic(&mut self, cx: &mut Cx<'_>) -> Option<Arc<OpenedCapture>> {
        if let Some(field) = &mut self.dialog {
            field.take_in();
        }
        let problem = match self.opening.as_mut()?.poll() {
            Poll::Pending => return None,
            Poll::Ready(Some(Ok(opened))) => {
                *self = Self::default();
                return Some(opened);
            }
            Poll::Ready(Some(Err(problem))) => problem,
            Poll::Ready(None) => "A defect in Tokenscope kept it from being opened".to_owned(),
        };
        self.opening = None;
        match &mut self.dialog {
            Some(field) => field.problem = Some(problem),
            None => cx.actions.push(Action::Tell(problem)),
        }
        None
    }

    /// Shows the dialog, if it is open.
    pub fn ui(&mut self, ctx: &Context, cx: &mut Cx<'_>) {
        let Some(mut field) = self.dialog.take() else {
            return;
        };
        let is_opening = self.opening.is_some();
        let is_new = std::mem::take(&mut self.is_new);
        let (step, closed) = dialog(ctx, cx.theme, "open-capture", 460.0, |ui| {
            fields_ui(ui, cx.theme, &mut field, (is_new, is_opening))
        });
        let stays = match step {
            // A click outside gives nothing up that was begun.
            OpenStep::Stays => is_opening || !closed,
            OpenStep::Close => {
                self.opening = None;
                false
            }
            OpenStep::Open(path) => {
                field.problem = None;
                self.begin(path, cx);
                true
            }
        };
        self.dialog = stays.then_some(field);
    }
}

enum OpenStep {
    Stays,
    Close,
    Open(PathBuf),
}

/// Shows the fields; `is_new` says whether they were just opened, `is_opening` whether a file is being read.
fn fields_ui(
    ui: &mut egui::Ui,
    theme: &Theme,
    field: &mut PathField,
    (is_new, is_opening): (bool, bool),
) -> OpenStep {
    ui.label(heading("Open a capture"));
    let text = "A .tscap file, or a HAR that Tokenscope saved: it is shown as a run, and can be replayed. \
                You can drop it on the window, too";
    ui.label(caption(theme, text));
    ui.add_space(space::M);
    let edit = ui.add_enabled_ui(!is_opening, |ui| {
        field.ui(ui, theme, ChooseFor::Open(EXTENSIONS))
    });
    let edit = edit.inner;
    if is_new {
        edit.request_focus();
    }
    let entered = edit.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
    ui.add_space(space::M);
    let mut step = OpenStep::Stays;
    ui.horizontal(|ui| {
        let path = field.given().filter(|_| !is_opening).map(PathBuf::from);
        let open = ui.add_enabled_ui(path.is_some(), |ui| primary_button(ui, theme, "Open"));
        if let (true, Some(path)) = (entered || open.inner.clicked(), path) {
            step = OpenStep::Open(path);
        }
        if ui.button("Cancel").clicked() {
            step = OpenStep::Close;
        }
        if is_opening {
            ui.label(caption(theme, "Reading…"));
        }
    });
    step
}

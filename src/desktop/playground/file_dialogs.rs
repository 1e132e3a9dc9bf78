//! Conversations that go into a file, and conversations that come from one: which dialog is open, and what comes of it.

use std::path::PathBuf;

use egui::Context;

use super::{
    Playground,
    export::{ExportDialog, ExportOf},
    import::{ImportDialog, ImportStep},
};
use crate::{
    conversation::ConversationId,
    desktop::view::{Action, Cx},
};

/// The dialogs, at most one of which is open.
#[derive(Debug, Default)]
pub enum FileDialog {
    /// None is.
    #[default]
    Closed,
    /// Writes a file.
    Export(ExportDialog),
    /// Reads a file.
    Import(ImportDialog),
}

impl Playground {
    /// Asks where to write a conversation, or all. What was not saved of the one that is shown is saved first.
    pub(super) fn ask_to_export(&mut self, of: ExportOf, cx: &mut Cx<'_>) {
        let shown = self.conversation.id;
        let is_shown = matches!(of, ExportOf::One(id) | ExportOf::LastTurn(id) if id == shown);
        if is_shown && self.conversation.panes.iter().all(|p| p.turns.is_empty()) {
            let why = "Nothing was asked in this conversation yet".to_owned();
            return cx.actions.push(Action::Tell(why));
        }
        self.file_dialog = FileDialog::Export(ExportDialog::new(of));
    }

    /// Asks for a file to import.
    pub(super) fn ask_to_import(&mut self, path: Option<PathBuf>) {
        self.file_dialog = FileDialog::Import(ImportDialog::new(path));
    }

    /// Takes in what the engine says of the file.
    pub(super) fn follow_file(&mut self, cx: &mut Cx<'_>) {
        match &mut self.file_dialog {
            FileDialog::Closed => {}
            FileDialog::Export(dialog) => {
                if !dialog.logic(cx) {
                    self.file_dialog = FileDialog::Closed;
                }
            }
            FileDialog::Import(dialog) => {
                if dialog.logic() {
                    self.sessions.list(cx.commands);
                }
            }
        }
    }

    /// Shows the dialog that is open, if one is.
    pub(super) fn file_dialog_ui(&mut self, ctx: &Context, cx: &mut Cx<'_>) {
        let open = match &mut self.file_dialog {
            FileDialog::Closed => return,
            FileDialog::Export(dialog) => {
                let (stays, command) = dialog.ui(ctx, cx.theme);
                if let Some(command) = command {
                    self.keep_changes(cx);
                    cx.commands.push(command);
                }
                (stays, None)
            }
            FileDialog::Import(dialog) => match dialog.ui(ctx, cx.theme) {
                ImportStep::Stay => (true, None),
                ImportStep::Close => (false, None),
                ImportStep::Open(id) => (false, Some(id)),
                ImportStep::Ask(command) => {
                    cx.commands.push(command);
                    (true, None)
                }
            },
        };
        self.close_file_dialog(open, cx);
    }

    fn close_file_dialog(&mut self, open: (bool, Option<ConversationId>), cx: &mut Cx<'_>) {
        if !open.0 {
            self.file_dialog = FileDialog::Closed;
        }
        if let Some(id) = open.1 {
            self.sessions.open = true;
            self.open(id, cx);
        }
    }
}

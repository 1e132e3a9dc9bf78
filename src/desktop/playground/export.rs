//! The dialog that writes conversations to a file. The engine writes it.

use std::{
    path::{Path, PathBuf},
    task::Poll,
};

use egui::{Context, Ui};

use crate::{
    conversation::ConversationId,
    conversation_file::{ConversationFormat, Extent},
    desktop::{
        path_field::{ChooseFor, PathField},
        theme::{Theme, caption, heading, space},
        view::{Action, Cx},
        widgets::{count, dialog, primary_button, segmented},
    },
    engine::{Asked, Command, ConversationCommand, ask},
};

/// What is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportOf {
    /// A conversation.
    One(ConversationId),
    /// The last question of each pane of a conversation with its answers, as a page.
    LastTurn(ConversationId),
    /// All conversations.
    All,
}

impl ExportOf {
    fn heading(self) -> &'static str {
        match self {
            Self::One(_) => "Export the conversation",
            Self::LastTurn(_) => "Save the last answers as HTML",
            Self::All => "Export all conversations",
        }
    }

    fn extent(self) -> Extent {
        match self {
            Self::LastTurn(_) => Extent::LastTurn,
            Self::One(_) | Self::All => Extent::Whole,
        }
    }

    fn only(self) -> Option<Vec<ConversationId>> {
        match self {
            Self::One(id) | Self::LastTurn(id) => Some(vec![id]),
            Self::All => None,
        }
    }
}

/// The dialog while it is open.
#[derive(Debug)]
pub struct ExportDialog {
    of: ExportOf,
    format: ConversationFormat,
    file: PathField,
    writing: Option<Asked<Result<usize, String>>>,
}

impl ExportDialog {
    /// A dialog for these.
    #[must_use]
    pub fn new(of: ExportOf) -> Self {
        let format = match of {
            ExportOf::One(_) => ConversationFormat::Markdown,
            ExportOf::LastTurn(_) => ConversationFormat::Html,
            ExportOf::All => ConversationFormat::Json,
        };
        let what = match of {
            ExportOf::One(_) => "conversation",
            ExportOf::LastTurn(_) => "answers",
            ExportOf::All => "conversations",
        };
        let pattern = format!("tokenscope-{what}-%Y%m%d-%H%M%S.{}", format.as_str());
        let name = jiff::Zoned::now().strftime(&pattern).to_string();
        Self {
            of,
            format,
            file: PathField::in_documents(&name),
            writing: None,
        }
    }

    /// Takes in what the engine and the file chooser say; returns whether the dialog stays open.
    pub fn logic(&mut self, cx: &mut Cx<'_>) -> bool {
        self.file.take_in();
        let Some(writing) = &mut self.writing else {
            return true;
        };
        let problem = match writing.poll() {
            Poll::Pending => return true,
            Poll::Ready(Some(Ok(written))) => {
                let path = self.file.path.trim();
                cx.actions.push(Action::Tell(match self.of {
                    ExportOf::All => {
                        format!("{} conversations written to {path}", count(written as u64))
                    }
                    ExportOf::One(_) | ExportOf::LastTurn(_) => format!("Written to {path}"),
                }));
                return false;
            }
            Poll::Ready(Some(Err(problem))) => problem,
            Poll::Ready(None) => "there is no history that it could be read from".to_owned(),
        };
        self.writing = None;
        self.file.problem = Some(format!("Not written: {problem}"));
        true
    }

    /// Shows the dialog; returns whether it stays open, and a command once its button was clicked.
    pub fn ui(&mut self, ctx: &Context, theme: &Theme) -> (bool, Option<Command>) {
        let is_writing = self.writing.is_some();
        let ((writes, cancels), closed) = dialog(ctx, theme, "export-conversations", 440.0, |ui| {
            ui.label(heading(self.of.heading()));
            ui.add_space(space::M);
            ui.add_enabled_ui(!is_writing, |ui| self.fields_ui(ui, theme));
            ui.add_space(space::M);
            ui.horizontal(|ui| {
                let ready = !is_writing && self.file.given().is_some();
                let write = ui.add_enabled_ui(ready, |ui| primary_button(ui, theme, "Export"));
                let cancels = ui.button("Cancel").clicked();
                if is_writing {
                    ui.label(caption(theme, "Writing…"));
                }
                (write.inner.clicked(), cancels)
            })
            .inner
        });
        // A click outside does not stop what is being written.
        let stays = !cancels && (is_writing || !closed);
        (stays, writes.then(|| self.write()))
    }

    fn fields_ui(&mut self, ui: &mut Ui, theme: &Theme) {
        if !matches!(self.of, ExportOf::LastTurn(_)) {
            let formats = [
                (ConversationFormat::Markdown, "Markdown"),
                (ConversationFormat::Json, "JSON"),
                (ConversationFormat::Html, "HTML"),
            ];
            if segmented(ui, theme, "Format", &mut self.format, &formats) {
                let path = Path::new(&self.file.path).with_extension(self.format.as_str());
                self.file.path = path.display().to_string();
            }
            ui.add_space(space::S);
        }
        ui.label(caption(
            theme,
            match self.format {
                ConversationFormat::Markdown => "The answers that are shown, as text with headings",
                ConversationFormat::Json => {
                    "All answers with what was measured of them. Tokenscope can import it again"
                }
                ConversationFormat::Html => {
                    "One page that needs nothing else: the answers side by side, their figures, and how these are made"
                }
            },
        ));
        ui.add_space(space::S);
        self.file
            .ui(ui, theme, ChooseFor::Save(self.format.as_str()));
    }

    fn write(&mut self) -> Command {
        let (reply, writing) = ask();
        self.writing = Some(writing);
        self.file.problem = None;
        Command::Conversation(ConversationCommand::Export {
            only: self.of.only(),
            format: self.format,
            extent: self.of.extent(),
            to: PathBuf::from(self.file.path.trim()),
            reply,
        })
    }
}

//! The dialog that writes a report as one HTML file. The engine writes it.

use std::{path::PathBuf, task::Poll};

use egui::Context;

use super::{
    path_field::{ChooseFor, PathField},
    theme::{caption, heading, space},
    view::{Action, Cx},
    widgets::{dialog, labeled_field, primary_button},
};
use crate::engine::{Asked, Command, Reply, ask};

/// What a dialog says of its report.
#[derive(Clone, Copy, Debug)]
pub struct ReportWords {
    /// What the report is on.
    pub heading: &'static str,
    /// What is in it.
    pub text: &'static str,
}

/// A report that the engine is to write.
#[derive(Debug)]
pub struct WantedReport {
    /// Where to.
    pub to: PathBuf,
    /// Where the measuring machine stands, in its owner's words; empty where that is not asked for.
    pub vantage: String,
    /// Whether it is written, or why not.
    pub reply: Reply<Result<(), String>>,
}

/// The dialog.
#[derive(Debug)]
pub struct ReportDialog {
    words: ReportWords,
    file: PathField,
    /// `None` where what is reported on has its own.
    vantage: Option<String>,
    writing: Option<Asked<Result<(), String>>>,
}

impl ReportDialog {
    /// A dialog for a file of this name.
    #[must_use]
    pub fn new(words: ReportWords, file: &str) -> Self {
        Self {
            words,
            file: PathField::in_documents(file),
            vantage: None,
            writing: None,
        }
    }

    /// Asks where the measuring machine stands, too.
    #[must_use]
    pub fn with_vantage(self) -> Self {
        Self {
            vantage: Some(String::new()),
            ..self
        }
    }

    /// Handles the answers of the engine and of the file chooser; returns whether the dialog stays open.
    pub fn logic(&mut self, cx: &mut Cx<'_>) -> bool {
        self.file.take_in();
        let Some(writing) = &mut self.writing else {
            return true;
        };
        let problem = match writing.poll() {
            Poll::Pending => return true,
            Poll::Ready(Some(Ok(()))) => {
                let told = format!("The report is written to {}", self.file.path.trim());
                cx.actions.push(Action::Tell(told));
                return false;
            }
            Poll::Ready(Some(Err(problem))) => problem,
            Poll::Ready(None) => "there is no history that it could be read from".to_owned(),
        };
        self.writing = None;
        self.file.problem = Some(format!("Not written: {problem}"));
        true
    }

    /// Shows the dialog; returns whether it stays open. `command` has the engine write the report.
    pub fn ui(
        &mut self,
        ctx: &Context,
        cx: &mut Cx<'_>,
        command: impl FnOnce(WantedReport) -> Command,
    ) -> bool {
        let theme = cx.theme;
        let is_writing = self.writing.is_some();
        let ((writes, stays), closed) = dialog(ctx, theme, "report", 440.0, |ui| {
            ui.label(heading(self.words.heading));
            ui.label(caption(theme, self.words.text));
            ui.add_space(space::M);
            ui.add_enabled_ui(!is_writing, |ui| {
                self.file.ui(ui, theme, ChooseFor::Save("html"));
                if let Some(vantage) = &mut self.vantage {
                    let hint = "where this machine stands: it heads the report";
                    labeled_field(ui, theme, "Vantage", vantage, hint, None);
                }
                ui.add_space(space::M);
                ui.horizontal(|ui| {
                    let ready = self.file.given().is_some();
                    let write =
                        ui.add_enabled_ui(ready, |ui| primary_button(ui, theme, "Write it"));
                    (write.inner.clicked(), !ui.button("Cancel").clicked())
                })
                .inner
            })
            .inner
        });
        if writes {
            let (reply, writing) = ask();
            self.writing = Some(writing);
            self.file.problem = None;
            cx.commands.push(command(WantedReport {
                to: PathBuf::from(self.file.path.trim()),
                vantage: self.vantage.clone().unwrap_or_default(),
                reply,
            }));
        }
        stays && (is_writing || !closed)
    }
}

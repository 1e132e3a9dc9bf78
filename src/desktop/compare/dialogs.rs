//! The dialogs of the view: the report, deletion.

use std::task::Poll;

use egui::Context;

use crate::{
    compare::{CompareState, ComparisonId},
    desktop::{
        report_dialog::{ReportDialog, ReportWords},
        theme::{caption, heading, space},
        view::{Action, Cx},
        widgets::{danger_button, date_time, dialog},
    },
    engine::{Asked, Command, CompareCommand, ask},
};

/// What the report on a comparison is.
const REPORT: ReportWords = ReportWords {
    heading: "Report on this comparison",
    text: "One HTML file without scripts: method, vantage, times, versions, n, what is left out, all verdicts and plots",
};

/// A dialog for the report on a comparison.
#[must_use]
pub fn report_dialog(id: ComparisonId) -> ReportDialog {
    ReportDialog::new(REPORT, &format!("tokenscope-comparison-{id}.html"))
}

/// The dialog that deletes a comparison, once that is confirmed.
#[derive(Debug)]
pub struct DeleteComparison {
    id: ComparisonId,
    /// Which it is, in words.
    what: String,
    deleting: Option<Asked<Result<bool, String>>>,
    problem: Option<String>,
}

impl DeleteComparison {
    /// A dialog for a comparison.
    #[must_use]
    pub fn new(state: &CompareState) -> Self {
        Self {
            id: state.head.id,
            what: format!(
                "Begun {}, {} rounds",
                date_time(state.head.began_unix_ns),
                state.rounds.len()
            ),
            deleting: None,
            problem: None,
        }
    }

    /// Handles the answer of the engine; returns the comparison once it is deleted.
    pub fn logic(&mut self, cx: &mut Cx<'_>) -> Option<ComparisonId> {
        let problem = match self.deleting.as_mut()?.poll() {
            Poll::Pending => return None,
            Poll::Ready(Some(Ok(true))) => {
                cx.actions
                    .push(Action::Tell("Deleted the comparison".to_owned()));
                return Some(self.id);
            }
            Poll::Ready(Some(Ok(false))) => "It is no longer in the history".to_owned(),
            Poll::Ready(Some(Err(problem))) => format!("It was not deleted: {problem}"),
            Poll::Ready(None) => "It was not deleted: the engine has ended".to_owned(),
        };
        (self.deleting, self.problem) = (None, Some(problem));
        None
    }

    /// Shows the dialog; returns whether it stays open.
    pub fn ui(&mut self, ctx: &Context, cx: &mut Cx<'_>) -> bool {
        let theme = cx.theme;
        let is_waiting = self.deleting.is_some();
        let (keeps, closed) = dialog(ctx, theme, "compare-delete", 380.0, |ui| {
            ui.label(heading("Delete this comparison?"));
            ui.label(&self.what);
            let text =
                "Its verdicts, its plots and all marks go for good. Its runs stay in the history";
            ui.label(caption(theme, text));
            if let Some(problem) = &self.problem {
                ui.add_space(space::S);
                ui.colored_label(theme.bad, problem);
            }
            ui.add_space(space::M);
            ui.add_enabled_ui(!is_waiting, |ui| {
                ui.horizontal(|ui| {
                    if danger_button(ui, theme, "Delete the comparison").clicked() {
                        let (reply, deleting) = ask();
                        (self.deleting, self.problem) = (Some(deleting), None);
                        let command = CompareCommand::Delete { id: self.id, reply };
                        cx.commands.push(Command::Compare(command));
                    }
                    ui.button("Keep it").clicked()
                })
                .inner
            })
            .inner
        });
        is_waiting || !(keeps || closed)
    }
}

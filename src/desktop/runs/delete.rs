//! The dialog that deletes runs, one or all of a search, once it is known how many these are and that is confirmed. The
//! engine finds and deletes them.

use std::sync::Arc;

use egui::Context;

use crate::{
    desktop::{
        theme::{caption, heading, space},
        view::{Action, Cx},
        widgets::{count, counted, danger_button, dialog},
    },
    engine::{Asked, Command, HistoryCommand, ask},
    history::{Deletion, DeletionCount, RunQuery},
    run::RunId,
};

/// The dialog while it is open.
#[derive(Debug)]
pub struct Delete {
    what: What,
    deleting: Asked<Result<DeletionCount, String>>,
    problem: Option<String>,
}

/// What is to be deleted.
#[derive(Debug)]
enum What {
    Run(RunId),
    /// All runs of a search that are over.
    Found {
        query: RunQuery,
        is_filtered: bool,
        finding: Asked<Result<Vec<RunId>, String>>,
        /// `None` until they are known.
        runs: Option<Arc<[RunId]>>,
    },
}

impl Delete {
    /// A dialog for one run.
    #[must_use]
    pub fn run(run: RunId) -> Self {
        Self::new(What::Run(run))
    }

    /// A dialog for all runs of a search; not filtered, these are all that there are.
    #[must_use]
    pub fn found(query: RunQuery, is_filtered: bool) -> Self {
        Self::new(What::Found {
            query,
            is_filtered,
            finding: Asked::default(),
            runs: None,
        })
    }

    fn new(what: What) -> Self {
        Self {
            what,
            deleting: Asked::default(),
            problem: None,
        }
    }

    /// Handles the answers of the engine; returns the runs once they are deleted.
    pub fn logic(&mut self, cx: &mut Cx<'_>) -> Option<Arc<[RunId]>> {
        self.find(cx);
        let answer = self.deleting.take()?;
        self.deleting = Asked::default();
        match answer {
            Ok(deleted) if !deleted.is_empty() => {
                let told = match self.what {
                    What::Run(_) => "Deleted the run".to_owned(),
                    What::Found { .. } => format!("Deleted {}", counted(deleted.runs, "run")),
                };
                cx.actions.push(Action::Tell(told));
                return self.what.runs();
            }
            Ok(_) => {
                let why = match self.what {
                    What::Run(_) => {
                        "It was not deleted: it is under way, or no longer in the history"
                    }
                    What::Found { .. } => "Nothing was deleted: they are no longer in the history",
                };
                self.problem = Some(why.to_owned());
            }
            Err(problem) => self.problem = Some(problem),
        }
        None
    }

    /// Asks which runs these are, once.
    fn find(&mut self, cx: &mut Cx<'_>) {
        let What::Found {
            query,
            finding,
            runs,
            ..
        } = &mut self.what
        else {
            return;
        };
        match finding.take() {
            Some(Ok(found)) => *runs = Some(found.into()),
            Some(Err(problem)) => self.problem = Some(problem),
            None if runs.is_none() && !finding.is_waiting() && self.problem.is_none() => {
                let (reply, asked) = ask();
                *finding = asked;
                let query = query.clone();
                let command = HistoryCommand::EndedRuns { query, reply };
                cx.commands.push(Command::History(command));
            }
            None => {}
        }
    }

    /// Shows the dialog; returns whether it stays open.
    pub fn ui(&mut self, ctx: &Context, cx: &mut Cx<'_>) -> bool {
        let theme = cx.theme;
        let waiting = self.deleting.is_waiting();
        let runs = self.what.runs().filter(|runs| !runs.is_empty());
        let (keeps, closed) = dialog(ctx, theme, "delete-run", 380.0, |ui| {
            ui.label(heading(self.what.question()));
            ui.label(caption(theme, self.what.what_goes()));
            if let Some(problem) = &self.problem {
                ui.add_space(space::S);
                ui.colored_label(theme.bad, problem);
            }
            ui.add_space(space::M);
            ui.add_enabled_ui(!waiting, |ui| {
                ui.horizontal(|ui| {
                    if let Some(runs) = runs
                        && danger_button(ui, theme, &self.what.button()).clicked()
                    {
                        let (reply, deleting) = ask();
                        self.deleting = deleting;
                        self.problem = None;
                        let deletion = Deletion::Runs(runs);
                        let command = HistoryCommand::Delete { deletion, reply };
                        cx.commands.push(Command::History(command));
                    }
                    ui.button(self.what.keep()).clicked()
                })
                .inner
            })
            .inner
        });
        waiting || !(keeps || closed)
    }
}

impl What {
    /// The runs, as far as they are known.
    fn runs(&self) -> Option<Arc<[RunId]>> {
        match self {
            Self::Run(run) => Some([*run].into()),
            Self::Found { runs, .. } => runs.clone(),
        }
    }

    fn question(&self) -> String {
        match self {
            Self::Run(_) => "Delete this run?".to_owned(),
            Self::Found { runs: None, .. } => "Counting the runs…".to_owned(),
            Self::Found {
                runs: Some(runs), ..
            } if runs.is_empty() => "There is nothing to delete".to_owned(),
            Self::Found {
                runs: Some(runs),
                is_filtered: true,
                ..
            } => format!(
                "Delete the {} that match?",
                counted(runs.len() as u64, "run")
            ),
            Self::Found {
                runs: Some(runs), ..
            } => format!(
                "Delete all {} runs of the history?",
                count(runs.len() as u64)
            ),
        }
    }

    fn what_goes(&self) -> &'static str {
        match self {
            Self::Run(_) => {
                "Its question, answer, figures and findings go for good, and files that nothing else uses. \
                 In a conversation its turn stays, without the answer"
            }
            Self::Found { .. } => {
                "Their questions, answers, figures and findings go for good, and files that nothing else uses. \
                 In conversations their turns stay, without the answers. Runs under way stay. Whole days, and all that \
                 probes left, are deleted in the settings, under Data"
            }
        }
    }

    fn button(&self) -> String {
        match self {
            Self::Found {
                runs: Some(runs), ..
            } => format!("Delete {}", counted(runs.len() as u64, "run")),
            _ => "Delete the run".to_owned(),
        }
    }

    fn keep(&self) -> &'static str {
        match self {
            Self::Run(_) => "Keep it",
            Self::Found { .. } => "Keep them",
        }
    }
}

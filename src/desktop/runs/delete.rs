//! The dialog that deletes a run, once it is confirmed. The engine deletes it.

use egui::Context;

use crate::{
    desktop::{
        theme::{caption, heading, space},
        view::{Action, Cx},
        widgets::{danger_button, dialog},
    },
    engine::{Asked, Command, HistoryCommand, ask},
    history::{Deletion, DeletionCount},
    run::RunId,
};

/// The dialog while it is open.
#[derive(Debug)]
pub struct Delete {
    run: RunId,
    deleting: Asked<Result<DeletionCount, String>>,
    problem: Option<String>,
}

impl Delete {
    /// A dialog for one run.
    #[must_use]
    pub fn new(run: RunId) -> Self {
        Self {
            run,
            deleting: Asked::default(),
            problem: None,
        }
    }

    /// Handles the answer of the engine; returns the run once it is deleted.
    pub fn logic(&mut self, cx: &mut Cx<'_>) -> Option<RunId> {
        let answer = self.deleting.take()?;
        self.deleting = Asked::default();
        match answer {
            Ok(count) if !count.is_empty() => {
                cx.actions.push(Action::Tell("Deleted the run".to_owned()));
                return Some(self.run);
            }
            Ok(_) => {
                let why = "It was not deleted: it is under way, or no longer in the history";
                self.problem = Some(why.to_owned());
            }
            Err(problem) => self.problem = Some(problem),
        }
        None
    }

    /// Shows the dialog; returns whether it stays open.
    pub fn ui(&mut self, ctx: &Context, cx: &mut Cx<'_>) -> bool {
        let theme = cx.theme;
        let waiting = self.deleting.is_waiting();
        let (keeps, closed) = dialog(ctx, theme, "delete-run", 380.0, |ui| {
            ui.label(heading("Delete this run?"));
            ui.label(caption(
                theme,
                "Its question, answer, figures and findings go for good, and files that nothing else uses. \
                 In a conversation its turn stays, without the answer",
            ));
            if let Some(problem) = &self.problem {
                ui.add_space(space::S);
                ui.colored_label(theme.bad, problem);
            }
            ui.add_space(space::M);
            ui.add_enabled_ui(!waiting, |ui| {
                ui.horizontal(|ui| {
                    if danger_button(ui, theme, "Delete the run").clicked() {
                        let (reply, deleting) = ask();
                        self.deleting = deleting;
                        self.problem = None;
                        let deletion = Deletion::Run(self.run);
                        let command = HistoryCommand::Delete { deletion, reply };
                        cx.commands.push(Command::History(command));
                    }
                    ui.button("Keep it").clicked()
                })
                .inner
            })
            .inner
        });
        waiting || !(keeps || closed)
    }
}

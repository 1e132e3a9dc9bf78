//! The dialog that deletes runs of some days, of one target or of all, once it is known how much that is. The engine
//! counts and deletes.

use std::str::FromStr as _;

use egui::Context;
use jiff::civil::Date;

use crate::{
    desktop::{
        theme::{Theme, caption, heading, space},
        view::{Action, Cx},
        widgets::{count, danger_button, dialog, ghost_button, labeled_field},
    },
    endpoint::TargetId,
    engine::{Asked, Command, HistoryCommand, ask},
    history::{Deletion, DeletionCount},
};

/// The dialog while it is open.
#[derive(Debug, Default)]
pub struct Cleanup {
    target: String,
    from: String,
    to: String,
    counting: Asked<Result<DeletionCount, String>>,
    deleting: Asked<Result<DeletionCount, String>>,
    /// What was counted, and how much that is.
    counted: Option<(Deletion, DeletionCount)>,
    /// What is being counted.
    asked: Option<Deletion>,
    problem: Option<String>,
}

/// What the user did in a frame.
enum CleanupStep {
    Count(Deletion),
    Delete(Deletion),
    Close,
}

impl Cleanup {
    /// Handles the engine's answers; returns whether it is done.
    pub fn logic(&mut self, cx: &mut Cx<'_>) -> bool {
        if let Some(answer) = self.counting.take() {
            match (answer, self.asked.take()) {
                (Ok(found), Some(deletion)) => self.counted = Some((deletion, found)),
                (Ok(_), None) => {}
                (Err(why), _) => self.problem = Some(why),
            }
        }
        match self.deleting.take() {
            Some(Ok(deleted)) => {
                cx.actions
                    .push(Action::Tell(format!("Deleted {}", listed(deleted))));
                true
            }
            Some(Err(why)) => {
                self.problem = Some(why);
                false
            }
            None => false,
        }
    }

    /// Shows the dialog; returns whether it stays open.
    pub fn ui(&mut self, ctx: &Context, cx: &mut Cx<'_>) -> bool {
        let waiting = self.deleting.is_waiting();
        let (done, closed) = dialog(ctx, cx.theme, "cleanup", 420.0, |ui| {
            ui.add_enabled_ui(!waiting, |ui| self.content_ui(ui, cx.theme))
                .inner
        });
        match done {
            Some(CleanupStep::Count(deletion)) => {
                let (reply, asked) = ask();
                self.counting = asked;
                self.asked = Some(deletion.clone());
                self.problem = None;
                let command = HistoryCommand::Count { deletion, reply };
                cx.commands.push(Command::History(command));
            }
            Some(CleanupStep::Delete(deletion)) => {
                let (reply, asked) = ask();
                self.deleting = asked;
                self.problem = None;
                let command = HistoryCommand::Delete { deletion, reply };
                cx.commands.push(Command::History(command));
            }
            Some(CleanupStep::Close) => return waiting,
            None => {}
        }
        waiting || !closed
    }

    fn content_ui(&mut self, ui: &mut egui::Ui, theme: &Theme) -> Option<CleanupStep> {
        ui.label(heading("Delete from the history"));
        ui.label(caption(
            theme,
            "Runs go with their texts, captures and findings; rolled-up probes, gaps and checks of these days, too. \
             Runs under way stay. Nothing is deleted before you have seen how much it is",
        ));
        ui.add_space(space::M);
        let target = read_target(&self.target);
        let problem = target.as_ref().err().map(String::as_str);
        labeled_field(
            ui,
            theme,
            "Target",
            &mut self.target,
            "all targets",
            problem,
        );
        ui.add_space(space::S);
        let (from, to) = (read_day(&self.from), read_day(&self.to));
        ui.columns_const(|[left, right]| {
            let hint = "from the beginning";
            let problem = from.as_ref().err().map(String::as_str);
            labeled_field(
                left,
                theme,
                "First day (UTC)",
                &mut self.from,
                hint,
                problem,
            );
            let problem = to.as_ref().err().map(String::as_str);
            labeled_field(
                right,
                theme,
                "Last day (UTC)",
                &mut self.to,
                "to the end",
                problem,
            );
        });
        let wanted = match (target, from, to) {
            (Ok(target), Ok(from), Ok(to)) => wanted(target, from, to),
            _ => Ok(None),
        };
        let problem = wanted.as_ref().err().or(self.problem.as_ref());
        if let Some(problem) = problem {
            ui.add_space(space::S);
            ui.colored_label(theme.bad, problem);
        }
        ui.add_space(space::S);
        let wanted = wanted.ok().flatten();
        let counted = (self.counted.as_ref())
            .filter(|(deletion, _)| Some(deletion) == wanted.as_ref())
            .map(|(_, counted)| *counted);
        let text = match (&wanted, counted) {
            (None, _) => "Name a target, or a day".to_owned(),
            (Some(_), None) if self.counting.is_waiting() => "Counting…".to_owned(),
            (Some(_), None) => "Not counted yet".to_owned(),
            (Some(_), Some(counted)) if counted.is_empty() => {
                "There is nothing to delete".to_owned()
            }
            (Some(_), Some(counted)) => format!("This deletes {}", listed(counted)),
        };
        ui.label(text);
        ui.add_space(space::M);
        let can_delete = counted.map(|counted| !counted.is_empty());
        buttons_ui(ui, theme, wanted.as_ref(), can_delete)
    }
}

/// The buttons. Only what was counted, and is something, can be deleted.
fn buttons_ui(
    ui: &mut egui::Ui,
    theme: &Theme,
    wanted: Option<&Deletion>,
    can_delete: Option<bool>,
) -> Option<CleanupStep> {
    let mut done = None;
    ui.horizontal(|ui| {
        if can_delete == Some(true) {
            let delete = danger_button(ui, theme, "Delete it for good").clicked();
            done = wanted.filter(|_| delete).cloned().map(CleanupStep::Delete);
        } else {
            let can_count = wanted.is_some() && can_delete.is_none();
            let button = ui.add_enabled(can_count, egui::Button::new("Count"));
            let button = button.on_hover_text("Says how much this is; deletes nothing");
            done = wanted
                .filter(|_| button.clicked())
                .cloned()
                .map(CleanupStep::Count);
        }
        if ghost_button(ui, theme, "Cancel").clicked() {
            done = Some(CleanupStep::Close);
        }
    });
    done
}

fn read_target(text: &str) -> Result<Option<TargetId>, String> {
    match text.trim() {
        "" => Ok(None),
        text => (text.parse())
            .map(Some)
            .map_err(|_| "A target is written as openai/gpt-5-mini".to_owned()),
    }
}

fn read_day(text: &str) -> Result<Option<Date>, String> {
    match text.trim() {
        "" => Ok(None),
        text => Date::from_str(text)
            .map(Some)
            .map_err(|_| "A day is written as 2026-11-30".to_owned()),
    }
}

/// What is to be deleted; nothing without a target or a day.
fn wanted(
    target: Option<TargetId>,
    from: Option<Date>,
    to: Option<Date>,
) -> Result<Option<Deletion>, String> {
    if from.zip(to).is_some_and(|(from, to)| from > to) {
        return Err("The first day is after the last".to_owned());
    }
    let is_named = target.is_some() || from.is_some() || to.is_some();
    Ok(is_named.then(|| Deletion::Days {
        target,
        from: from.map(Deletion::day),
        before: to.map(|day| Deletion::day(day) + 1),
    }))
}

/// The counts that are not zero.
fn listed(found: DeletionCount) -> String {
    let texts: Vec<String> = (found.named())
        .map(|(number, noun)| format!("{} {noun}", count(number)))
        .collect();
    if texts.is_empty() {
        "nothing".to_owned()
    } else {
        texts.join(", ")
    }
}

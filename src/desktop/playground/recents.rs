//! The latest answers of targets from the history, from which their standard deviations are calculated.
//!
//! In: targets that are compared. Out: [`HistoryCommand::Recent`], and the rows of its answers.

use std::collections::HashMap;

use crate::{
    endpoint::TargetId,
    engine::{Asked, Command, HistoryCommand, ask},
    history::RunRow,
};

/// The rows so far, and open requests.
#[derive(Debug, Default)]
pub struct Recents {
    rows: HashMap<TargetId, Vec<RunRow>>,
    /// The targets asked for since the last run was sent.
    asked: HashMap<TargetId, Asked<Vec<RunRow>>>,
}

impl Recents {
    /// Asks for a target's latest answers, if that was not done since the last [`Self::outdate`].
    pub fn want(&mut self, target: &TargetId, commands: &mut Vec<Command>) {
        if self.asked.contains_key(target) {
            return;
        }
        let (reply, asked) = ask();
        self.asked.insert(target.clone(), asked);
        let target = target.clone();
        commands.push(Command::History(HistoryCommand::Recent { target, reply }));
    }

    /// Takes the answers that have arrived.
    pub fn take_in(&mut self) {
        for (target, asked) in &mut self.asked {
            if let Some(rows) = asked.take() {
                self.rows.insert(target.clone(), rows);
            }
        }
    }

    /// Marks all rows as outdated, so that they are asked for again.
    pub fn outdate(&mut self) {
        self.asked.clear();
    }

    /// The known rows, by target.
    pub fn rows(&self) -> &HashMap<TargetId, Vec<RunRow>> {
        &self.rows
    }
}

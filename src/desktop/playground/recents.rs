//! The latest answers of targets in the history: how far they scatter.
//!
//! In: targets that are compared. Out: [`HistoryCommand::Recent`], and the rows that answer it.

use std::collections::HashMap;

use crate::{
    endpoint::TargetId,
    engine::{Asked, Command, HistoryCommand, ask},
    history::RunRow,
};

/// What is known of them, and what is asked.
#[derive(Debug, Default)]
pub struct Recents {
    rows: HashMap<TargetId, Vec<RunRow>>,
    /// What was asked since the last run was sent.
    asked: HashMap<TargetId, Asked<Vec<RunRow>>>,
}

impl Recents {
    /// Asks for a target's latest answers, if they are not known as they stand.
    pub fn want(&mut self, target: &TargetId, commands: &mut Vec<Command>) {
        if self.asked.contains_key(target) {
            return;
        }
        let (reply, asked) = ask();
        self.asked.insert(target.clone(), asked);
        let target = target.clone();
        commands.push(Command::History(HistoryCommand::Recent { target, reply }));
    }

    /// Takes in what came.
    pub fn take_in(&mut self) {
        for (target, asked) in &mut self.asked {
            if let Some(rows) = asked.take() {
                self.rows.insert(target.clone(), rows);
            }
        }
    }

    /// Says that there are newer answers.
    pub fn outdate(&mut self) {
        self.asked.clear();
    }

    /// The answers that are known, by target.
    pub fn rows(&self) -> &HashMap<TargetId, Vec<RunRow>> {
        &self.rows
    }
}

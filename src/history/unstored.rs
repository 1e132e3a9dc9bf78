//! What could not be stored, reported when the history is closed.

use std::collections::BTreeSet;

use super::write_queue::Batch;
use crate::run::RunId;

/// What could not be stored, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq, thiserror::Error)]
#[error("{}: {why}", self.what())]
pub struct Unstored {
    runs: BTreeSet<RunId>,
    /// Runs that were dropped for lack of memory, and items that SQLite refused.
    others: usize,
    /// Whether a change of a conversation, a gap or a check could not be stored.
    others_changed: bool,
    why: String,
}

impl Unstored {
    /// Adds a batch that was given up.
    pub(super) fn add(&mut self, batch: &Batch, why: &str) {
        self.runs.extend(batch.runs());
        self.others_changed |=
            !(batch.conversations.is_empty() && batch.gaps.is_empty() && batch.checks.is_empty());
        why.clone_into(&mut self.why);
    }

    /// A batch was written: its finished runs are not missing any more.
    pub(super) fn stored(&mut self, batch: &Batch) {
        for id in batch.finished.keys() {
            self.runs.remove(id);
        }
    }

    /// Adds one item that SQLite refused.
    pub(super) fn add_refused(&mut self, why: &str) {
        self.others += 1;
        why.clone_into(&mut self.why);
    }

    /// Whether everything was stored in the end; `dropped` runs had no room in memory.
    ///
    /// # Errors
    /// With what is missing.
    pub(super) fn into_result(mut self, dropped: usize) -> Result<(), Self> {
        self.others += dropped;
        if self.why.is_empty() {
            "there was no room for them while the file could not be written"
                .clone_into(&mut self.why);
        }
        let all_stored = self.runs.is_empty() && self.others == 0 && !self.others_changed;
        if all_stored { Ok(()) } else { Err(self) }
    }

    fn what(&self) -> String {
        match self.runs.len() + self.others {
            0 => "what was changed last could not be stored".into(),
            1 => "1 run could not be stored in the history".into(),
            n => format!("{n} runs could not be stored in the history"),
        }
    }
}

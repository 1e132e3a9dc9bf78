//! Which runs stay in the state.

use std::collections::HashSet;

use super::State;
use crate::{history::Storage, run::RunId};

/// Runs that stay although no view shows them: the latest, which may be looked at next.
pub(super) const SPARE: usize = 16;

impl State {
    /// Whether what ends now is written to the history.
    pub(super) fn is_storing(&self) -> bool {
        match &self.storage {
            Some(Storage::Ok | Storage::SetAside { .. }) => true,
            None | Some(Storage::ReadOnly { .. } | Storage::Failing { .. }) => false,
        }
    }

    pub(super) fn note_stored(&mut self, id: RunId) {
        if self.is_storing() && !self.stored.contains(&id) {
            self.stored.push(id);
        }
    }

    /// Lets runs go that are not shown, but for the latest; looks for them only if there may be any.
    pub(in crate::desktop) fn let_go(&mut self, shown: &[RunId]) {
        let (looked, were_shown) = self.looked_through;
        if self.stored.len() <= looked + SPARE && shown.len() == were_shown {
            return;
        }
        let count = shown.len();
        let shown: HashSet<&RunId> = shown.iter().collect();
        let (mut spare, mut gone) = (SPARE, Vec::new());
        for id in self.stored.iter().rev().filter(|id| !shown.contains(id)) {
            match spare {
                0 => gone.push(*id),
                _ => spare -= 1,
            }
        }
        for id in gone {
            self.drop_run(id);
        }
        self.stored.retain(|id| self.runs.contains_key(id));
        self.looked_through = (self.stored.len(), count);
    }

    fn drop_run(&mut self, id: RunId) {
        self.runs.remove(&id);
        self.own.remove(&id);
        self.findings.remove(&id);
    }

    /// Drops runs that were deleted.
    pub(in crate::desktop) fn forget(&mut self, ids: &[RunId]) {
        for id in ids {
            self.drop_run(*id);
        }
        self.missing_runs.extend(ids);
        self.stored.retain(|id| self.runs.contains_key(id));
    }
}

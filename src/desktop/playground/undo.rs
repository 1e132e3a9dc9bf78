//! Undoes changes of panes and turns, and keeps what was done since, here or in another window.

use crate::conversation::{Pane, merge};

/// How many changes can be undone.
const MAX_STEPS: usize = 20;

/// The changes, latest last.
#[derive(Debug, Default)]
pub struct Undo(Vec<UndoStep>);

#[derive(Debug)]
struct UndoStep {
    what: &'static str,
    before: Vec<Pane>,
    /// `None` while the change is being made.
    after: Option<Vec<Pane>>,
}

impl Undo {
    /// Records the panes before a change.
    pub fn note(&mut self, what: &'static str, before: &[Pane]) {
        self.0.push(UndoStep {
            what,
            before: before.to_vec(),
            after: None,
        });
        let over = self.0.len().saturating_sub(MAX_STEPS);
        self.0.drain(..over);
    }

    /// Records the panes after that change, if one was recorded.
    pub fn finish(&mut self, after: &[Pane]) {
        if let Some(step) = self.0.last_mut() {
            step.after.get_or_insert_with(|| after.to_vec());
        }
    }

    /// The name of the change that [`Self::undo`] would undo.
    pub fn last(&self) -> Option<&'static str> {
        self.0.last().map(|step| step.what)
    }

    /// Undoes the latest change: merges the difference from after it to before it into the current panes.
    pub fn undo(&mut self, panes: &mut Vec<Pane>) {
        if let Some(step) = self.0.pop() {
            let after = step.after.as_deref().unwrap_or(panes);
            *panes = merge::panes(after, &step.before, panes);
        }
    }

    /// Forgets all changes, for when another conversation is shown.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::RunId;

    fn asked(pane: &mut Pane) -> RunId {
        pane.ask(Vec::new(), None);
        let run = RunId::new();
        pane.turns[0].runs.push(run);
        run
    }

    #[test]
    fn what_another_window_asked_meanwhile_stays() {
        let mut panes = vec![Pane::default()];
        asked(&mut panes[0]);
        let first = panes[0].turns[0].clone();
        let mut undo = Undo::default();
        undo.note("clear a pane", &panes);
        panes[0].turns.clear();
        undo.finish(&panes);
        asked(&mut panes[0]);
        let theirs = panes[0].turns[0].clone();
        undo.undo(&mut panes);
        assert_eq!(panes[0].turns, [first, theirs]);
        assert_eq!(undo.last(), None);
    }
}

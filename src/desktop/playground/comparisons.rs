//! The comparisons of all turns of a conversation, calculated again when a run has begun or ended.
//!
//! In: panes and their runs. Out: a [`Comparison`] for each turn of each pane. A frame without a change only checks
//! that there was none.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::Arc,
};

use super::{
    compare::Comparison,
    deviation::Deviations,
    sheet::{Sheet, Sheets},
};
use crate::{
    conversation::{Pane, Turn},
    endpoint::TargetId,
    history::RunRow,
    run::{Run, RunId},
};

/// The latest answers of targets, from the history.
type Recent = HashMap<TargetId, Vec<RunRow>>;

/// The comparisons of a conversation.
#[derive(Debug, Default)]
pub struct Comparisons {
    /// A hash of what they were calculated from.
    made_of: u64,
    by_turn: HashMap<(u32, usize), Arc<Comparison>>,
}

impl Comparisons {
    /// Compares again if a run was added, was removed or has ended.
    pub fn follow(
        &mut self,
        panes: &[Pane],
        runs: &HashMap<RunId, Run>,
        recent: &Recent,
        sheets: &mut Sheets,
    ) {
        let made_of = made_of(panes, runs, recent);
        if self.made_of == made_of {
            return;
        }
        self.made_of = made_of;
        self.by_turn.clear();
        let turns = panes.iter().flat_map(|pane| &pane.turns);
        let known = turns
            .flat_map(|turn| &turn.runs)
            .filter_map(|id| runs.get(id));
        let known: Vec<Arc<Sheet>> = known.map(|run| sheets.of(run)).collect();
        let deviations = Deviations::of(&known, recent);
        for (place, pane) in panes.iter().enumerate() {
            for (index, turn) in pane.turns.iter().enumerate() {
                if self.by_turn.contains_key(&(pane.id, index)) {
                    continue;
                }
                // Panes before this one asked something else.
                let same = panes[place..]
                    .iter()
                    .filter(|other| asks(other, index, turn));
                let same: Vec<&Pane> = same.collect();
                let shown = same
                    .iter()
                    .filter_map(|pane| runs.get(&pane.turns.get(index)?.run()?));
                let answers: Vec<Arc<Sheet>> = shown.map(|run| sheets.of(run)).collect();
                let comparison = Arc::new(Comparison::of(&answers, &deviations));
                let keys = same.iter().map(|pane| (pane.id, index));
                (self.by_turn).extend(keys.map(|key| (key, Arc::clone(&comparison))));
            }
        }
    }

    /// How a pane's answer in this turn compares with those of the panes that asked the same.
    pub fn of(&self, pane: u32, turn: usize) -> Arc<Comparison> {
        self.by_turn.get(&(pane, turn)).cloned().unwrap_or_default()
    }
}

fn asks(pane: &Pane, index: usize, asked: &Turn) -> bool {
    (pane.turns.get(index)).is_some_and(|turn| turn.user == asked.user)
}

/// A hash that changes whenever a comparison may change.
fn made_of(panes: &[Pane], runs: &HashMap<RunId, Run>, recent: &Recent) -> u64 {
    let mut hash = DefaultHasher::new();
    for pane in panes {
        (pane.id, pane.turns.len()).hash(&mut hash);
        // Newer answers in the history change the standard deviations.
        let rows = pane.target.as_ref().and_then(|target| recent.get(target));
        let rows = rows.map(|rows| rows.iter().map(|row| row.id.0).max());
        rows.hash(&mut hash);
        for turn in &pane.turns {
            (turn.shown, turn.runs.len()).hash(&mut hash);
            for id in &turn.runs {
                let over = runs.get(id).filter(|run| run.state.is_over());
                let what =
                    over.map(|run| (run.stamps.last_token, run.answer.usage.map(|u| u.output)));
                (id.0, what).hash(&mut hash);
            }
        }
    }
    hash.finish()
}

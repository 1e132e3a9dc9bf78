//! Prints what comes of a comparison until it is over.

use std::io::Write as _;

use anyhow::bail;

use super::super::{note, targets::Ready, terminal::stdout};
use crate::{
    compare::{CompareState, PairedComparison, pair_line, verdict_in_words},
    engine::{CompareNews, HistoryNews, RunNews, Update},
    history::Storage,
    record,
};

/// Prints each round as a line of JSON, if that is wanted, and how it goes on standard error; gives the whole comparison.
///
/// # Errors
/// If it can't begin.
pub(super) fn until_ended(ready: &Ready, json: bool) -> anyhow::Result<CompareState> {
    let mut out = stdout();
    let mut progress = ComparisonProgress::default();
    while let Some(update) = ready.engine.next() {
        match update {
            Update::Compare(CompareNews::Refused(why)) => bail!(why),
            Update::Compare(CompareNews::Is(state)) => progress.tell(&state),
            Update::Compare(CompareNews::Round { head, round }) if json => {
                record::write_line(&mut out, &pair_line(&head, &round))?;
                out.flush()?;
            }
            Update::Compare(CompareNews::Ended(state)) => {
                if let Some(end) = &state.end {
                    note(&format!("it stopped: {}", end.reason.in_words()));
                }
                return Ok(*state);
            }
            Update::Run(RunNews::Refused { fault, .. }) => note(&fault.to_string()),
            Update::History(HistoryNews::Storage(
                Storage::Failing { why } | Storage::ReadOnly { why },
            )) => note(&format!("it goes on, and is not stored: {why}")),
            _ => {}
        }
    }
    bail!("the engine ended before the comparison did")
}

/// How far it is, told now and then.
#[derive(Default)]
struct ComparisonProgress {
    has_begun: bool,
    /// It is told again from so many rounds on.
    next: usize,
    failed: usize,
}

impl ComparisonProgress {
    fn tell(&mut self, state: &CompareState) {
        let plan = state.plan();
        let names: Vec<String> = (0..plan.arms.len()).map(|arm| plan.name(arm)).collect();
        if !std::mem::replace(&mut self.has_begun, true) {
            note(&format!(
                "comparison {}, seed {}: {}",
                state.head.id,
                plan.seed,
                names.join(", ")
            ));
            if state.head.places.iter().any(|place| place.simulated) {
                note("simulated: the answers of the simulator say nothing of any provider");
            }
        }
        let rounds = state.rounds.len();
        if rounds < self.next.max(1) {
            return;
        }
        self.next = rounds + (rounds / 4).max(10);
        self.failed = failed(&state.result);
        let failed = match self.failed {
            0 => String::new(),
            failed => format!(", {failed} runs failed"),
        };
        let cost = match state.cost.known.dollars() {
            0.0 => String::new(),
            _ => format!(", {}", state.cost.known),
        };
        let words = if rounds == 1 { "round" } else { "rounds" };
        note(&format!("{rounds} {words}{failed}{cost}{}", so_far(state)));
    }
}

fn failed(result: &PairedComparison) -> usize {
    let arms = result.kinds.iter().flat_map(|kind| &kind.arms);
    arms.map(crate::compare::ArmSummary::failed).sum()
}

/// What can be told so far, where watching does no harm.
fn so_far(state: &CompareState) -> String {
    let plan = state.plan();
    if plan.is_fixed() {
        return String::new();
    }
    let mut text = String::new();
    for kind in &state.result.kinds {
        for arm in &kind.against_first {
            let decided = arm.decided_figure(plan);
            if let Some(decided) = decided {
                let words = verdict_in_words(&plan.name(arm.arm), arm, decided);
                text.extend([" · ", kind.connection.as_str(), ": ", words.as_str()]);
            }
        }
    }
    text
}

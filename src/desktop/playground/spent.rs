//! What a conversation costs: the sum of its answers' costs.
//!
//! In: panes, their runs, the sheets. Out: [`Spent`], shown above the panes.

use std::collections::HashSet;

use super::sheet::Sheets;
use crate::{
    conversation::Pane,
    desktop::state::State,
    measure::cost_sum::CostSum,
    run::{RunId, RunState},
};

/// The sum of the known costs of a conversation, retries included, each answer once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent(CostSum);

impl Spent {
    /// The sum of all runs that are over. What is still loading is left out.
    pub fn of(panes: &[Pane], state: &State, sheets: &mut Sheets) -> Self {
        let mut spent = Self::default();
        let mut seen: HashSet<RunId> = HashSet::new();
        let turns = panes.iter().flat_map(|pane| &pane.turns);
        for id in turns.flat_map(|turn| &turn.runs) {
            if !seen.insert(*id) {
                continue;
            }
            match state.runs.get(id) {
                Some(run) => {
                    let sheet = sheets.of(run);
                    let Some(cost) = &sheet.cost else { continue };
                    let usd = cost.usd.ok().filter(|_| !cost.is_free);
                    spent
                        .0
                        .add(usd, cost.is_free, sheet.state == RunState::Fault);
                }
                None => spent.0.unknown += usize::from(state.missing_runs.contains(id)),
            }
        }
        spent
    }

    /// The sum as text; `None` (blank) if no cost is known.
    pub fn text(&self) -> Option<String> {
        self.0.text("at least ")
    }

    /// How it is made, for the hover text.
    pub fn explanation(&self) -> String {
        let mut text = format!(
            "The answers of this conversation, retries included: reported tokens × price, for {} of {}",
            self.0.known,
            answers(self.0.answers())
        );
        if self.0.unknown > 0 {
            text.push_str(". The others have no known cost");
        }
        if self.0.broken > 0 {
            text.push_str(". Of answers that broke off, what was counted until then");
        }
        text
    }
}

fn answers(count: usize) -> String {
    match count {
        1 => "1 answer".to_owned(),
        n => format!("{n} answers"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::price::Usd;

    #[test]
    fn a_sum_with_unknown_parts_says_at_least_and_without_known_ones_is_blank() {
        let cents = |cents: u64| Some(Usd::of_pico(cents * 10_000_000_000));
        for (what, added, text) in [
            ("nothing", vec![], None),
            ("only simulated", vec![(None, true, false)], None),
            ("only unknown", vec![(None, false, false)], None),
            (
                "all known",
                vec![(cents(1), false, false), (cents(25), false, false)],
                Some("$0.260"),
            ),
            (
                "simulated ones cost nothing",
                vec![(cents(1), false, false), (None, true, false)],
                Some("$0.0100"),
            ),
            (
                "one unknown",
                vec![(cents(1), false, false), (None, false, false)],
                Some("at least $0.0100"),
            ),
            (
                "one broke off",
                vec![(cents(150), false, true)],
                Some("at least $1.50"),
            ),
            (
                "more than there is",
                vec![
                    (Some(Usd::of_pico(u64::MAX)), false, false),
                    (cents(1), false, false),
                ],
                Some("at least $18446744.07"),
            ),
        ] {
            let mut spent = Spent::default();
            for (usd, is_free, is_broken) in added {
                spent.0.add(usd, is_free, is_broken);
            }
            assert_eq!(spent.text().as_deref(), text, "{what}");
        }
    }
}

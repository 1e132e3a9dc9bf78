//! The sum of what several answers cost, where some costs may not be known.

use super::cost;
use crate::{
    price::{PriceTable, Usd},
    run::{Run, RunState},
};

/// The sum of the known costs of some answers, and how many have none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CostSum {
    /// The sum of those that are known.
    pub usd: Usd,
    /// Answers with a known cost.
    pub known: usize,
    /// Answers that cost something which is not known.
    pub unknown: usize,
    /// Of those with a known cost, the answers that broke off: they cost at least what was counted until then.
    pub broken: usize,
}

impl CostSum {
    /// Adds a run that is over.
    pub fn add_run(&mut self, run: &Run, prices: &PriceTable) {
        let is_free = cost::is_free(run);
        let usd = cost::of(run, prices).ok().filter(|_| !is_free);
        self.add(usd, is_free, run.state == RunState::Fault);
    }

    /// Adds an answer: its cost if it is known, whether it can have cost nothing, and whether it broke off.
    pub fn add(&mut self, usd: Option<Usd>, is_free: bool, is_broken: bool) {
        match usd.and_then(|usd| self.usd.checked_add(usd)) {
            Some(sum) => {
                self.usd = sum;
                self.known += 1;
                self.broken += usize::from(is_broken);
            }
            None => self.unknown += usize::from(!is_free),
        }
    }

    /// How many answers cost something.
    #[must_use]
    pub fn answers(&self) -> usize {
        self.known + self.unknown
    }

    /// The sum as text, behind `at_least` if some of it is not known; `None` (blank) if no cost is known.
    #[must_use]
    pub fn text(&self, at_least: &str) -> Option<String> {
        let is_whole = self.unknown == 0 && self.broken == 0;
        let at_least = if is_whole { "" } else { at_least };
        (self.known > 0).then(|| format!("{at_least}{}", self.usd))
    }
}

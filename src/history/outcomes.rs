//! How runs ended, counted.

use std::collections::BTreeMap;

use crate::event::FaultClass;

/// How runs ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcomes {
    /// Runs with a clean end.
    pub ok: usize,
    /// Failed runs by the class of their fault, by its name.
    pub faults: BTreeMap<&'static str, usize>,
}

impl Outcomes {
    /// How many runs failed.
    #[must_use]
    pub fn failed(&self) -> usize {
        self.faults.values().sum()
    }

    /// How many runs there are.
    #[must_use]
    pub fn runs(&self) -> usize {
        self.ok + self.failed()
    }

    /// The share of failed runs, from 0 to 1; `None` if there are no runs.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts of runs")]
    pub fn error_rate(&self) -> Option<f64> {
        let runs = self.runs();
        (runs > 0).then(|| self.failed() as f64 / runs as f64)
    }

    /// Adds runs by the word of their outcome. Those that the user stopped or a sleep cut off don't count.
    pub(super) fn add_word(&mut self, outcome: &str, runs: u64) {
        let runs = usize::try_from(runs).unwrap_or(usize::MAX);
        if outcome == "ok" {
            self.ok += runs;
            return;
        }
        let class = FaultClass::parse(outcome).filter(|class| !class.is_no_failure());
        if let Some(class) = class {
            *self.faults.entry(class.as_str()).or_default() += runs;
        }
    }

    /// Adds other runs.
    pub fn merge(&mut self, other: &Self) {
        self.ok += other.ok;
        for (class, runs) in &other.faults {
            *self.faults.entry(class).or_default() += runs;
        }
    }

    /// Adds a run with this fault, or with a clean end.
    pub(super) fn add(&mut self, fault: Option<FaultClass>) {
        match fault {
            None => self.ok += 1,
            Some(class) => *self.faults.entry(class.as_str()).or_default() += 1,
        }
    }
}

//! A comparison as it is shown: live, or opened again.

use std::{sync::Arc, time::Duration};

use super::{
    CompareEnd, ComparePlan, CompareRound, ComparisonHead, PairMark, PairedComparison,
    SavedComparison,
};
use crate::{price::Usd, run::RunId};

/// A run of a comparison that is under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunUnderWay {
    /// The number of its round.
    pub round: u64,
    /// The arm, by its place in the plan.
    pub arm: usize,
    /// The run; `None` while it is waited after a 429, as long as the endpoint asked for.
    pub run: Option<RunId>,
}

/// What the runs of a comparison cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CompareCost {
    /// The runs whose cost is known.
    pub known: Usd,
    /// How many runs have a cost that is not known.
    pub unknown: u64,
    /// What counts for the limit: the known costs, and of the others what they cost at most.
    pub counted: Usd,
}

impl CompareCost {
    /// The cost of these rounds.
    #[must_use]
    pub fn of(rounds: &[CompareRound]) -> Self {
        let mut sum = Self::default();
        for round in rounds {
            sum.add(round);
        }
        sum
    }

    /// Adds the cost of a round.
    pub fn add(&mut self, round: &CompareRound) {
        for sample in &round.samples {
            match sample.cost {
                Some(cost) => self.known = self.known.checked_add(cost).unwrap_or(self.known),
                None => self.unknown += 1,
            }
            let counted = sample.counted.unwrap_or_default();
            self.counted = self.counted.checked_add(counted).unwrap_or(self.counted);
        }
    }
}

/// How a comparison stands. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct CompareState {
    /// The part that does not change.
    pub head: Arc<ComparisonHead>,
    /// Its rounds that are over, in their order.
    pub rounds: Arc<Vec<CompareRound>>,
    /// What people thought of the answers.
    pub marks: Arc<Vec<PairMark>>,
    /// What the pairs say. While it runs it is computed now and then, and may be behind `rounds`.
    pub result: Arc<PairedComparison>,
    /// The run that is under way.
    pub under_way: Option<RunUnderWay>,
    /// What it cost so far.
    pub cost: CompareCost,
    /// How long it was under way so far.
    pub elapsed: Duration,
    /// How it ended; `None` while it runs, and for one that was cut off and can be resumed.
    pub end: Option<CompareEnd>,
    /// Whether this process runs it now.
    pub is_running: bool,
    /// Whether another process did when it was opened.
    pub is_running_elsewhere: bool,
}

impl CompareState {
    /// A comparison of the history. Computing what its pairs say may take a while.
    #[must_use]
    pub fn of_saved(saved: SavedComparison) -> Self {
        let SavedComparison {
            head,
            rounds,
            marks,
            end,
            is_running_elsewhere,
        } = saved;
        let reason = end.as_ref().map(|end| end.reason);
        let result = PairedComparison::of(&head.plan, &rounds, &marks, reason);
        Self {
            result: Arc::new(result),
            cost: CompareCost::of(&rounds),
            elapsed: rounds.last().map(|round| round.elapsed).unwrap_or_default(),
            head: Arc::new(head),
            rounds: Arc::new(rounds),
            marks: Arc::new(marks),
            under_way: None,
            end,
            is_running: false,
            is_running_elsewhere,
        }
    }

    /// Its plan.
    #[must_use]
    pub fn plan(&self) -> &ComparePlan {
        &self.head.plan
    }
}

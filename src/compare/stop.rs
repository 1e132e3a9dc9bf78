//! When a comparison stops, and why.

use std::time::Duration;

use super::{ComparePlan, CompareRound, CompareSample};
use crate::{event::words, measure::float, price::Usd, run::ConnectionKind};

words! {
    /// Why a comparison stopped.
    CompareStopReason {
        /// Somebody stopped it.
        Stopped = "stopped",
        /// It has its pairs.
        Pairs = "pairs",
        /// Its time is over.
        Time = "time",
        /// One more round might cost more than it may.
        Cost = "cost",
        /// The verdict that it is about can be told.
        Settled = "settled",
        /// Too many runs of an arm failed.
        Faults = "faults",
        /// Too many rounds gave no pair: their runs were late here, or could not go over an open connection.
        NoPairs = "no_pairs",
        /// It could not go on here.
        Failed = "failed",
    }
}

impl CompareStopReason {
    /// It in words, for people.
    #[must_use]
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Stopped => "it was stopped",
            Self::Pairs => "it has its pairs",
            Self::Time => "its time is over",
            Self::Cost => "one more round might cost more than it may",
            Self::Settled => "it is settled",
            Self::Faults => "too many runs failed",
            Self::NoPairs => {
                "too many rounds gave no pair: their runs were late here, or found no open connection"
            }
            Self::Failed => "it could not go on here",
        }
    }
}

/// So many runs of an arm are over before the share of those that failed can stop a comparison.
const LEAST_RUNS: usize = 10;
/// So many rounds in a row without a pair stop it.
const MOST_VOID: usize = 50;

/// How far a comparison is.
#[derive(Clone, Copy, Debug)]
pub struct CompareProgress<'a> {
    /// Its plan.
    pub plan: &'a ComparePlan,
    /// Its rounds that are over.
    pub rounds: &'a [CompareRound],
    /// How long it was under way.
    pub elapsed: Duration,
    /// What it cost, as its limit counts it.
    pub counted: Usd,
    /// What the next round costs at most.
    pub next: Usd,
    /// Whether the verdict that it is about can be told for each arm and kind of connection.
    pub is_settled: bool,
}

impl ComparePlan {
    /// Whether each arm has its pairs over this kind of connection after these rounds: then no more rounds go over it.
    #[must_use]
    pub fn has_its_pairs(&self, rounds: &[CompareRound], kind: ConnectionKind) -> bool {
        let Some(pairs) = self.stop.pairs else {
            return false;
        };
        (1..self.arms.len()).all(|arm| {
            let counts =
                |round: &&CompareRound| round.connection == kind && round.is_counted(arm, self);
            rounds.iter().filter(counts).count() as u64 >= pairs
        })
    }
}

impl CompareProgress<'_> {
    /// Why it stops before the next round, if it does.
    #[must_use]
    pub fn stop(&self) -> Option<CompareStopReason> {
        let rule = &self.plan.stop;
        let kinds = self.plan.connections.kinds();
        let would_cost = self.counted.checked_add(self.next);
        let is_over = |usd: Usd| would_cost.is_none_or(|cost| cost > usd);
        if self.has_too_many_faults() {
            Some(CompareStopReason::Faults)
        } else if kinds
            .iter()
            .all(|kind| self.plan.has_its_pairs(self.rounds, *kind))
        {
            Some(CompareStopReason::Pairs)
        } else if rule.until_settled && self.is_settled {
            Some(CompareStopReason::Settled)
        } else if rule.time.is_some_and(|time| self.elapsed >= time) {
            Some(CompareStopReason::Time)
        } else if rule.usd.is_some_and(is_over) {
            Some(CompareStopReason::Cost)
        } else {
            self.gives_no_pairs().then_some(CompareStopReason::NoPairs)
        }
    }

    fn has_too_many_faults(&self) -> bool {
        (0..self.plan.arms.len()).any(|arm| {
            let samples = self
                .rounds
                .iter()
                .filter_map(|round| round.samples.get(arm));
            let told: Vec<bool> = samples.filter_map(CompareSample::has_failed).collect();
            let failed = told.iter().filter(|failed| **failed).count();
            told.len() >= LEAST_RUNS && float(failed) > self.plan.most_faults * float(told.len())
        })
    }

    fn gives_no_pairs(&self) -> bool {
        let last = self.rounds.iter().rev().take(MOST_VOID);
        let is_void = |round: &CompareRound| {
            (1..self.plan.arms.len()).all(|arm| !round.is_counted(arm, self.plan))
        };
        self.rounds.len() >= MOST_VOID && last.into_iter().all(is_void)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        compare::samples::tests::{answered, failed, plan_of, round},
        event::FaultClass,
    };

    fn stop(
        plan: &ComparePlan,
        rounds: &[CompareRound],
        is_settled: bool,
    ) -> Option<CompareStopReason> {
        let progress = CompareProgress {
            plan,
            rounds,
            elapsed: Duration::from_mins(1),
            counted: Usd::of_pico(90),
            next: Usd::of_pico(10),
            is_settled,
        };
        progress.stop()
    }

    fn rounds(count: u64, samples: impl Fn(u64) -> Vec<CompareSample>) -> Vec<CompareRound> {
        (0..count)
            .map(|index| round(index, samples(index)))
            .collect()
    }

    fn warm() -> CompareSample {
        answered(ConnectionKind::Warm, 20)
    }

    #[test]
    fn the_first_rule_that_holds_stops_it() {
        let mut plan = plan_of(2);
        let five = rounds(5, |_| vec![warm(), warm()]);
        assert_eq!(stop(&plan, &five, true), None, "no rule");
        plan.stop.usd = Some(Usd::of_pico(100));
        assert_eq!(stop(&plan, &five, true), None, "it fits exactly");
        plan.stop.usd = Some(Usd::of_pico(99));
        assert_eq!(stop(&plan, &five, true), Some(CompareStopReason::Cost));
        plan.stop.time = Some(Duration::from_secs(61));
        assert_eq!(stop(&plan, &five, true), Some(CompareStopReason::Cost));
        plan.stop.time = Some(Duration::from_mins(1));
        assert_eq!(stop(&plan, &five, true), Some(CompareStopReason::Time));
        plan.stop.until_settled = true;
        assert_eq!(stop(&plan, &five, false), Some(CompareStopReason::Time));
        assert_eq!(stop(&plan, &five, true), Some(CompareStopReason::Settled));
        plan.stop.pairs = Some(6);
        assert_eq!(stop(&plan, &five, true), Some(CompareStopReason::Settled));
        plan.stop.pairs = Some(5);
        assert_eq!(stop(&plan, &five, true), Some(CompareStopReason::Pairs));
    }

    #[test]
    fn only_pairs_that_count_are_counted_and_failures_do() {
        let mut plan = plan_of(2);
        plan.stop.pairs = Some(4);
        let cold = || answered(ConnectionKind::Cold, 20);
        // The first one opened the connections.
        let samples = |index| match index {
            0 => vec![cold(), cold()],
            1 => vec![warm(), failed(FaultClass::RateLimited)],
            _ => vec![warm(), warm()],
        };
        assert_eq!(stop(&plan, &rounds(4, samples), false), None);
        let five = rounds(5, samples);
        assert_eq!(stop(&plan, &five, false), Some(CompareStopReason::Pairs));
    }

    #[test]
    fn an_arm_that_fails_too_often_and_rounds_without_pairs_stop_it() {
        let mut plan = plan_of(2);
        plan.stop.pairs = Some(1000);
        let half = |index: u64| {
            let other = if index.is_multiple_of(2) {
                failed(FaultClass::Reset)
            } else {
                warm()
            };
            vec![warm(), other]
        };
        assert_eq!(stop(&plan, &rounds(20, half), false), None, "just half");
        let all = |_| vec![warm(), failed(FaultClass::Auth)];
        assert_eq!(stop(&plan, &rounds(9, all), false), None, "too few");
        assert_eq!(
            stop(&plan, &rounds(10, all), false),
            Some(CompareStopReason::Faults)
        );
        let cold = |_| vec![answered(ConnectionKind::Cold, 5), warm()];
        assert_eq!(stop(&plan, &rounds(49, cold), false), None);
        assert_eq!(
            stop(&plan, &rounds(50, cold), false),
            Some(CompareStopReason::NoPairs)
        );
    }
}

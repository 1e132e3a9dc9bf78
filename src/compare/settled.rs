//! Whether a comparison is settled: whether the verdict that it is about can be told. It is asked before each round, so it
//! is kept up to date round by round.

use std::collections::BTreeMap;

use super::{ComparePlan, CompareRound};
use crate::{
    measure::evidence::{Conclusion, Pair, Watched},
    run::ConnectionKind,
};

/// The pairs that decide, of each arm but the first over each kind of connection.
#[derive(Clone, Debug, Default)]
pub struct SettlementWatch {
    /// How many rounds were taken.
    taken: usize,
    pairs: BTreeMap<(ConnectionKind, usize), Watched>,
}

impl SettlementWatch {
    /// Takes the rounds that came since the last call. `rounds` are all rounds so far.
    pub fn take(&mut self, plan: &ComparePlan, rounds: &[CompareRound]) {
        let figure = plan.decided_by.figure;
        for round in rounds.iter().skip(self.taken) {
            for arm in 1..plan.arms.len() {
                let (a, b) = round.values(arm, plan, |sample| figure.ms(sample));
                let pairs = self.pairs.entry((round.connection, arm)).or_default();
                pairs.push(Pair { a, b });
            }
        }
        self.taken = rounds.len();
    }

    /// Whether the verdict can be told for each arm and kind of connection, at this look. On the median it costs next
    /// to nothing however many rounds there were; on P95 and P99 it goes over all pairs a few times.
    #[must_use]
    pub fn is_settled(&self, plan: &ComparePlan) -> bool {
        let can_be_told = |kind: ConnectionKind, arm: usize| {
            let pairs = self.pairs.get(&(kind, arm));
            let quantile = plan.decided_by.quantile();
            pairs.is_some_and(|it| it.outcome(quantile, plan.margin) != Conclusion::CantTell)
        };
        let mut kinds = plan.connections.kinds().iter();
        kinds.all(|kind| (1..plan.arms.len()).all(|arm| can_be_told(*kind, arm)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        compare::{
            ComparedConnections, PairedComparison,
            samples::tests::{answered, plan_of, round},
        },
        measure::evidence::Quantile,
    };

    /// Rounds in which the second arm takes about a fifth less.
    fn rounds(count: u64) -> Vec<CompareRound> {
        let sample = |ttft_ms| answered(ConnectionKind::Warm, ttft_ms);
        let of = |index: u64| {
            let wave = index * 37 % 23;
            round(index, vec![sample(100 + wave), sample(80 + wave * 11 % 23)])
        };
        (0..count).map(of).collect()
    }

    #[test]
    fn it_says_after_each_round_what_the_verdict_of_all_pairs_says() {
        let mut plan = plan_of(2);
        for (percent, count) in [(50, 40), (95, 400)] {
            plan.decided_by.percent = percent;
            let (all, mut watch) = (rounds(count), SettlementWatch::default());
            let mut told = Vec::new();
            for n in 1..=all.len() {
                watch.take(&plan, &all[..n]);
                told.push(watch.is_settled(&plan));
            }
            let whole = |n: usize| PairedComparison::of(&plan, &all[..n], &[], None).is_settled;
            let first = told.iter().position(|told| *told).unwrap();
            assert_eq!(
                (whole(first), whole(first + 1)),
                (false, true),
                "{percent} %"
            );
        }
    }

    #[test]
    fn a_round_is_read_once() {
        let plan = plan_of(2);
        let (mut all, mut watch) = (rounds(60), SettlementWatch::default());
        watch.take(&plan, &all[..59]);
        // Whoever read them again would find a pair that never came.
        all[..59].iter_mut().for_each(|round| round.samples.clear());
        watch.take(&plan, &all);
        let pairs = &watch.pairs[&(ConnectionKind::Warm, 1)];
        assert_eq!(pairs.n(), 60);
        assert_eq!(pairs.verdict(Quantile::Median, 0.0).n, 60);
    }

    #[test]
    fn each_kind_of_connection_and_each_arm_must_be_told() {
        let mut plan = plan_of(2);
        let all = rounds(60);
        let mut watch = SettlementWatch::default();
        assert!(!watch.is_settled(&plan), "without a round");
        watch.take(&plan, &all);
        assert!(watch.is_settled(&plan));
        plan.connections = ComparedConnections::Both;
        assert!(!watch.is_settled(&plan), "none was cold");
        plan = plan_of(3);
        let mut watch = SettlementWatch::default();
        watch.take(&plan, &all);
        assert!(!watch.is_settled(&plan), "the third arm was not asked");
    }
}

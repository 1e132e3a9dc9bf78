//! The order in which arms are asked: random, and the same for the same seed.
//!
//! A round asks each arm once, one after the other, in an order of its own. If two arms are equal, each order is as likely,
//! so that neither arm gains by what drifts in time or by coming second.

use super::ComparePlan;
use crate::{run::ConnectionKind, seeded::SeededRandom};

/// What a round asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoundPlan {
    /// Its number, counted from 0.
    pub index: u64,
    /// Over which kind of connection.
    pub connection: ConnectionKind,
    /// The prompt, by its place in the plan.
    pub prompt: usize,
    /// The arms, by their places in the plan, in the order in which they are asked.
    pub order: Vec<usize>,
}

impl ComparePlan {
    /// The round of this number. It depends on the plan alone, so that a comparison that goes on after a kill asks what it
    /// would have asked.
    #[must_use]
    pub fn round(&self, index: u64) -> RoundPlan {
        let kinds = self.connections.kinds();
        let (block, in_block) = split(index, kinds.len());
        let kind = RandomUse::Connections.shuffled(self.seed, block, kinds.len());
        let (pass, in_pass) = split(block, self.prompts.len());
        let prompt = RandomUse::Prompts.shuffled(self.seed, pass, self.prompts.len());
        RoundPlan {
            index,
            connection: kinds[kind[in_block]],
            prompt: prompt.get(in_pass).copied().unwrap_or_default(),
            order: RandomUse::Arms.shuffled(self.seed, index, self.arms.len()),
        }
    }
}

/// In which stretch of this length a number lies, and where in it.
fn split(index: u64, length: usize) -> (u64, usize) {
    let length = length.max(1) as u64;
    let place = usize::try_from(index % length).unwrap_or_default();
    (index / length, place)
}

/// What random numbers are for: each has numbers of its own.
#[derive(Clone, Copy)]
pub(super) enum RandomUse {
    Connections = 1,
    Prompts = 2,
    Arms = 3,
    /// On which side an answer is shown.
    Sides = 4,
}

impl RandomUse {
    /// Its random numbers for the `index`-th of what it is for.
    pub(super) const fn random(self, seed: u64, index: u64) -> SeededRandom {
        let of_use = SeededRandom::new(seed ^ (self as u64).rotate_right(8)).next();
        SeededRandom::new(SeededRandom::new(of_use ^ index).next())
    }

    /// The numbers below `count`, shuffled (Fisher and Yates).
    fn shuffled(self, seed: u64, index: u64, count: usize) -> Vec<usize> {
        let mut random = self.random(seed, index);
        let mut places: Vec<usize> = (0..count).collect();
        for last in (1..count).rev() {
            places.swap(last, random.below(last + 1));
        }
        places
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::compare::{Arm, ComparePrompt, ComparedConnections};

    fn plan(seed: u64) -> ComparePlan {
        let target = "here/m".parse().unwrap();
        ComparePlan {
            arms: vec![Arm::of(target); 3],
            prompts: ["a", "b", "c"].map(ComparePrompt::of_text).into(),
            connections: ComparedConnections::Both,
            seed,
            ..ComparePlan::default()
        }
    }

    #[test]
    fn a_seed_gives_one_order_and_another_seed_another() {
        let rounds =
            |seed| -> Vec<RoundPlan> { (0..50).map(|index| plan(seed).round(index)).collect() };
        assert_eq!(rounds(1), rounds(1));
        assert_ne!(rounds(1), rounds(2));
        // Kept, so that a later version does not change it.
        let first: Vec<_> = rounds(1).into_iter().take(3).map(|r| r.order).collect();
        assert_eq!(first, [[0, 1, 2], [0, 2, 1], [2, 1, 0]]);
    }

    #[test]
    fn each_order_comes_equally_often_and_each_prompt_and_connection() {
        let plan = plan(7);
        let (mut orders, mut asked) = (BTreeMap::new(), BTreeMap::new());
        let rounds = 6_000;
        for index in 0..rounds {
            let round = plan.round(index);
            *orders.entry(round.order).or_insert(0_u64) += 1;
            *asked
                .entry((round.connection, round.prompt))
                .or_insert(0_u64) += 1;
        }
        assert_eq!(orders.len(), 6, "{orders:?}");
        for (order, count) in orders {
            // 1,000 are expected, with a standard deviation of 29.
            assert!((850..1150).contains(&count), "{order:?}: {count}");
        }
        assert!(asked.values().all(|count| *count == rounds / 6));
    }

    #[test]
    fn a_block_has_each_kind_of_connection_with_the_same_prompt() {
        let plan = plan(3);
        let mut cold_first = 0;
        for block in 0..200 {
            let [one, other] = [plan.round(2 * block), plan.round(2 * block + 1)];
            assert_ne!(one.connection, other.connection);
            assert_eq!(one.prompt, other.prompt);
            cold_first += u32::from(one.connection == ConnectionKind::Cold);
        }
        assert!((70..130).contains(&cold_first), "{cold_first}");
    }
}

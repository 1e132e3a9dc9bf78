//! The order in which arms are asked: random, and the same for the same seed.
//!
//! A round asks each arm once, one after the other, in an order of its own. If two arms are equal, each order is as likely,
//! so that neither arm gains by what drifts in time or by coming second.

use super::ComparePlan;
use crate::run::ConnectionKind;

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
        let kind = SeededRandom::of(self.seed, RandomUse::Connections, block).shuffled(kinds.len());
        let (pass, in_pass) = split(block, self.prompts.len());
        let prompt =
            SeededRandom::of(self.seed, RandomUse::Prompts, pass).shuffled(self.prompts.len());
        RoundPlan {
            index,
            connection: kinds[kind[in_block]],
            prompt: prompt.get(in_pass).copied().unwrap_or_default(),
            order: SeededRandom::of(self.seed, RandomUse::Arms, index).shuffled(self.arms.len()),
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

/// Random numbers by a seed: `SplitMix64` (Steele, Lea & Flood 2014). Not a crate's, since a seed must give the same order
/// in each version.
pub(super) struct SeededRandom(u64);

impl SeededRandom {
    pub(super) fn of(seed: u64, stream: RandomUse, index: u64) -> Self {
        let mut random = Self(seed ^ (stream as u64).rotate_right(8));
        random.0 = random.next() ^ index;
        Self(random.next())
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// The numbers below this one, shuffled (Fisher and Yates).
    fn shuffled(&mut self, count: usize) -> Vec<usize> {
        let mut places: Vec<usize> = (0..count).collect();
        for last in (1..count).rev() {
            places.swap(last, self.below(last + 1));
        }
        places
    }

    /// A number below this one. The bias of the product is below 1e-18 for our few.
    fn below(&mut self, bound: usize) -> usize {
        let wide = u128::from(self.next()) * bound as u128;
        usize::try_from(wide >> 64).unwrap_or_default()
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
        let again: Vec<_> = rounds(1).into_iter().take(3).map(|r| r.order).collect();
        assert_eq!(first, again);
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

//! Values in order of size, to which others are added one by one.

/// Values per block at most; a full one is halved.
const FULL: usize = 1024;

/// Sorted values in blocks: adding one of n, or finding one by its rank, takes about √n steps, all within the processor's
/// caches (100,000 values are some 200 blocks).
#[derive(Clone, Debug, Default)]
pub(super) struct SortedValues {
    blocks: Vec<Vec<f64>>,
    len: usize,
}

impl SortedValues {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Adds a value; it must not be NaN.
    pub(super) fn insert(&mut self, value: f64) {
        self.len += 1;
        let last = self.blocks.len().saturating_sub(1);
        let ends_below = |block: &Vec<f64>| block.last().is_some_and(|end| *end < value);
        let at = self.blocks.partition_point(ends_below).min(last);
        let Some(block) = self.blocks.get_mut(at) else {
            self.blocks.push(vec![value]);
            return;
        };
        let place = block.partition_point(|other| *other < value);
        block.insert(place, value);
        if block.len() >= FULL {
            let upper = block.split_off(FULL / 2);
            self.blocks.insert(at + 1, upper);
        }
    }

    /// The value of this rank, from 1.
    pub(super) fn rank(&self, rank: usize) -> Option<f64> {
        let mut left = rank.checked_sub(1)?;
        for block in &self.blocks {
            if left < block.len() {
                return block.get(left).copied();
            }
            left -= block.len();
        }
        None
    }

    /// How many are below a value.
    pub(super) fn below(&self, value: f64) -> usize {
        self.count(|other| other < value)
    }

    /// How many are above a value.
    pub(super) fn above(&self, value: f64) -> usize {
        self.len - self.count(|other| other <= value)
    }

    /// How many a condition holds for that holds up to some value.
    fn count(&self, holds: impl Fn(f64) -> bool) -> usize {
        let mut count = 0;
        for block in &self.blocks {
            if block.last().is_some_and(|end| holds(*end)) {
                count += block.len();
            } else {
                return count + block.partition_point(|value| holds(*value));
            }
        }
        count
    }
}

impl FromIterator<f64> for SortedValues {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        let mut sorted: Vec<f64> = values.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        Self {
            blocks: sorted.chunks(FULL / 2).map(<[f64]>::to_vec).collect(),
            len: sorted.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn values_added_one_by_one_are_those_sorted_at_once(
            first in prop::collection::vec(-50..50i32, 0..1500),
            then in prop::collection::vec(-50..50i32, 0..1500),
        ) {
            let mut found: SortedValues = first.iter().copied().map(f64::from).collect();
            for value in &then {
                found.insert(f64::from(*value));
            }
            let mut all: Vec<f64> = first.iter().chain(&then).copied().map(f64::from).collect();
            all.sort_by(f64::total_cmp);
            prop_assert_eq!(found.len(), all.len());
            let ranked: Vec<f64> = (1..=all.len()).filter_map(|rank| found.rank(rank)).collect();
            prop_assert_eq!(&ranked, &all);
            prop_assert_eq!(found.rank(0), None);
            prop_assert_eq!(found.rank(all.len() + 1), None);
            for value in [-60.0, -3.0, 0.0, 0.5, 60.0] {
                prop_assert_eq!(found.below(value), all.iter().filter(|other| **other < value).count());
                prop_assert_eq!(found.above(value), all.iter().filter(|other| **other > value).count());
            }
        }
    }
}

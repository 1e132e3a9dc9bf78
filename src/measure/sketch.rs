//! Sketches of times: of any number of values, merged without loss, in a few bytes.
//!
//! In: times in nanoseconds. Out: their median, and bytes from which the same sketch is made again. A sketch is an
//! `HdrHistogram` of whole microseconds with two significant digits, stored in its format V2: a value is known to within
//! [`RELATIVE_ERROR`] of itself, or half a microsecond where that is more. Merging adds nothing to that.

mod bytes;

use hdrhistogram::{
    Histogram,
    serialization::{Deserializer, Serializer as _, V2Serializer},
};

use super::percentile::is_estimable;

/// How far a value of a sketch may be from the true one, as a share of it: buckets are at most a 128th of their values
/// wide, and the middle stands for a bucket.
pub const RELATIVE_ERROR: f64 = 0.004;

/// Significant decimal digits.
const DIGITS: u8 = 2;

const NS_PER_US: u64 = 1_000;

/// A sketch could not be made or read.
#[derive(Debug, thiserror::Error)]
#[error("a sketch of times can't be used: {0}")]
pub struct SketchError(String);

/// How times are distributed.
#[derive(Clone, Debug, PartialEq)]
pub struct TimeSketch {
    /// Of whole microseconds.
    counts: Histogram<u32>,
}

impl TimeSketch {
    /// An empty one.
    ///
    /// # Errors
    /// None that can happen: the number of digits is a fixed one.
    pub fn new() -> Result<Self, SketchError> {
        let counts = Histogram::new(DIGITS).map_err(SketchError::of)?;
        Ok(Self { counts })
    }

    /// Adds a time in nanoseconds.
    ///
    /// # Errors
    /// If the counts have no room for it: it is over 2^62 microseconds.
    pub fn record(&mut self, ns: u64) -> Result<(), SketchError> {
        let us = (ns.saturating_add(NS_PER_US / 2)) / NS_PER_US;
        self.counts.record(us).map_err(SketchError::of)
    }

    /// Adds a time in milliseconds that was made of whole nanoseconds.
    ///
    /// # Errors
    /// If the counts have no room for it.
    pub fn record_ms(&mut self, ms: f64) -> Result<(), SketchError> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "conversion saturates"
        )]
        self.record((ms * 1e6).round() as u64)
    }

    /// Adds all times of another sketch.
    ///
    /// # Errors
    /// If the counts have no room for them.
    pub fn merge(&mut self, other: &Self) -> Result<(), SketchError> {
        self.counts.add(&other.counts).map_err(SketchError::of)
    }

    /// Adds all times of the sketch of these bytes, as [`merge`](Self::merge) does, but faster where they are few.
    ///
    /// # Errors
    /// If they are none of a sketch; some may have been added then. If the counts have no room for them.
    pub fn merge_bytes(&mut self, bytes: &[u8]) -> Result<(), SketchError> {
        self.merge_counts(bytes::counts(bytes).ok_or_else(unreadable)?)
    }

    /// Adds all times of the sketch of these [counts](Self::to_counts).
    ///
    /// # Errors
    /// If they are none of a sketch; some may have been added then. If the counts have no room for them.
    pub fn merge_counts(&mut self, counts: &[u8]) -> Result<(), SketchError> {
        let added = bytes::for_each_count(counts, |index, count| {
            let count = u32::try_from(count).ok()?;
            self.counts.record_n(bytes::value_of(index)?, count).ok()
        });
        added.ok_or_else(unreadable)
    }

    /// How many times there are.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.counts.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// The median in milliseconds, of an even number the mean of the two in the middle; `None` if there are no times.
    #[must_use]
    pub fn median_ms(&self) -> Option<f64> {
        let n = self.len();
        let middle = self.at_ranks([n.checked_sub(1)? / 2, n / 2]);
        Some(f64::midpoint(*middle.first()?, *middle.last()?))
    }

    /// Percentiles in milliseconds, each `None` where there are too few times for it. They are made as
    /// [`percentile`](super::percentile::percentile) makes them. The shares are in ascending order.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "ranks of times"
    )]
    pub fn percentiles_ms(&self, shares: &[f64]) -> Vec<Option<f64>> {
        let n = usize::try_from(self.len()).unwrap_or(usize::MAX);
        let place = |share: f64| share * n.saturating_sub(1) as f64;
        let ranks = shares.iter().map(|share| place(*share));
        let ranks = ranks.flat_map(|place| [place.floor() as u64, place.ceil() as u64]);
        let found = self.at_ranks(ranks);
        let pairs = shares.iter().zip(found.chunks_exact(2));
        let mut known = pairs.map(|(share, pair)| {
            let value = pair[0] + (pair[1] - pair[0]) * place(*share).fract();
            is_estimable(n, *share).then_some(value)
        });
        shares.iter().map(|_| known.next().flatten()).collect()
    }

    /// The times of some ranks in ascending order, counted from 0, in milliseconds.
    #[must_use]
    pub fn at_ranks(&self, ranks: impl IntoIterator<Item = u64>) -> Vec<f64> {
        let mut ranks = ranks.into_iter().peekable();
        let mut below = 0;
        let mut found = Vec::new();
        for step in self.counts.iter_recorded() {
            below += step.count_since_last_iteration();
            while ranks.next_if(|rank| *rank < below).is_some() {
                found.push(self.middle_ms(step.value_iterated_to()));
            }
            if ranks.peek().is_none() {
                break;
            }
        }
        found
    }

    /// The middle of the bucket of a time in microseconds, in milliseconds.
    fn middle_ms(&self, us: u64) -> f64 {
        let (low, high) = (
            self.counts.lowest_equivalent(us),
            self.counts.highest_equivalent(us),
        );
        #[expect(clippy::cast_precision_loss, reason = "2^53 µs are 285 years")]
        let middle = f64::midpoint(low as f64, high as f64);
        middle / 1e3
    }

    /// Its bytes.
    ///
    /// # Errors
    /// If there is no memory for them.
    pub fn to_bytes(&self) -> Result<Vec<u8>, SketchError> {
        let mut bytes = Vec::new();
        V2Serializer::new()
            .serialize(&self.counts, &mut bytes)
            .map_err(SketchError::of)?;
        Ok(bytes)
    }

    /// Its bytes without their header, which is the same for all but for the length and the highest value.
    ///
    /// # Errors
    /// If there is no memory for them.
    pub fn to_counts(&self) -> Result<Vec<u8>, SketchError> {
        let bytes = self.to_bytes()?;
        Ok(bytes.get(bytes::HEADER..).unwrap_or_default().to_vec())
    }

    /// How many times the sketch of these [counts](Self::to_counts) has, and their median as [`median_ms`](Self::median_ms)
    /// gives it, without making the sketch; `None` if there are none.
    #[must_use]
    pub fn median_of_counts(counts: &[u8]) -> Option<(u64, f64)> {
        bytes::median_ms(counts)
    }

    /// The sketch of these bytes.
    ///
    /// # Errors
    /// If they are none of a sketch.
    pub fn of_bytes(mut bytes: &[u8]) -> Result<Self, SketchError> {
        let mut counts: Histogram<u32> = Deserializer::new()
            .deserialize(&mut bytes)
            .map_err(SketchError::of)?;
        if counts.sigfig() != DIGITS || counts.low() != 1 {
            return Err(SketchError("it has another resolution".into()));
        }
        counts.auto(true);
        Ok(Self { counts })
    }
}

fn unreadable() -> SketchError {
    SketchError("its bytes can’t be read".into())
}

impl SketchError {
    fn of(why: impl std::fmt::Display) -> Self {
        Self(why.to_string())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{measure::percentile::percentiles, run::ms};

    fn of(times: &[u64]) -> TimeSketch {
        let mut sketch = TimeSketch::new().unwrap();
        for ns in times {
            sketch.record(*ns).unwrap();
        }
        sketch
    }

    /// The stated error, and half a microsecond for rounding.
    fn allowed(truth: f64) -> f64 {
        (truth * RELATIVE_ERROR).max(0.0005) + 0.0005
    }

    fn median(mut times: Vec<u64>) -> f64 {
        times.sort_unstable();
        f64::midpoint(ms(times[(times.len() - 1) / 2]), ms(times[times.len() / 2]))
    }

    proptest! {
        #[test]
        fn a_median_is_within_the_stated_error_however_often_sketches_were_merged_and_stored(
            parts in prop::collection::vec(prop::collection::vec(0_u64..3_600_000_000_000, 1..30), 1..8),
            shift in 0_u32..32,
        ) {
            // Times of all magnitudes.
            let parts: Vec<Vec<u64>> = parts.into_iter()
                .map(|part| part.into_iter().map(|ns| ns >> shift).collect())
                .collect();
            let mut merged = TimeSketch::new().unwrap();
            for part in &parts {
                let stored = of(part).to_bytes().unwrap();
                merged.merge(&TimeSketch::of_bytes(&stored).unwrap()).unwrap();
                merged = TimeSketch::of_bytes(&merged.to_bytes().unwrap()).unwrap();
            }
            let all = parts.concat();
            prop_assert_eq!(merged.len(), all.len() as u64);
            let (found, truth) = (merged.median_ms().unwrap(), median(all.clone()));
            prop_assert!((found - truth).abs() <= allowed(truth), "{} {}", found, truth);
            let shares = [0.5, 0.9, 0.95, 0.99];
            let exact = percentiles(all.iter().map(|ns| ms(*ns)), &shares);
            for (found, exact) in merged.percentiles_ms(&shares).into_iter().zip(exact) {
                prop_assert_eq!(found.is_some(), exact.value.is_some());
                let (found, truth) = (found.unwrap_or_default(), exact.value.unwrap_or_default());
                prop_assert!((found - truth).abs() <= allowed(truth), "{} {}", found, truth);
            }
        }

        #[test]
        fn bytes_are_merged_as_the_sketch_that_they_are(
            one in prop::collection::vec(any::<u64>(), 0..40),
            other in prop::collection::vec(any::<u64>(), 0..40),
            shift in 0_u32..64,
        ) {
            // Up to 2^62 microseconds there is room.
            let ns = |times: Vec<u64>| times.into_iter().map(|ns| ns >> shift).collect::<Vec<_>>();
            let (one, other) = (of(&ns(one)), of(&ns(other)));
            let bytes = other.to_bytes().unwrap();
            let (mut merged, mut by_bytes) = (one.clone(), one);
            merged.merge(&other).unwrap();
            by_bytes.merge_bytes(&bytes).unwrap();
            let all = |sketch: &TimeSketch| sketch.at_ranks(0..sketch.len());
            prop_assert_eq!(all(&merged), all(&by_bytes));
            let counts = merged.to_counts().unwrap();
            let mut by_counts = TimeSketch::new().unwrap();
            by_counts.merge_counts(&counts).unwrap();
            prop_assert_eq!(all(&merged), all(&by_counts));
            let median = merged.median_ms().map(|ms| (merged.len(), ms));
            prop_assert_eq!(TimeSketch::median_of_counts(&counts), median);
        }
    }

    #[test]
    fn an_empty_one_has_no_median_and_other_bytes_are_refused() {
        let empty = of(&[]);
        assert_eq!((empty.median_ms(), empty.is_empty()), (None, true));
        let bytes = empty.to_bytes().unwrap();
        assert!(TimeSketch::of_bytes(&bytes).unwrap().is_empty());
        let whole = of(&[700_000_000]).to_bytes().unwrap();
        for bytes in [&[][..], b"not a sketch at all", &whole[..whole.len() - 1]] {
            assert!(TimeSketch::of_bytes(bytes).is_err(), "{bytes:?}");
            assert!(of(&[]).merge_bytes(bytes).is_err(), "{bytes:?}");
        }
    }
}

//! Sketches of times: of any number of values, merged without loss, in a few bytes.
//!
//! In: times in nanoseconds. Out: their median, and bytes from which the same sketch is made again. A sketch is an
//! `HdrHistogram` of whole microseconds with two significant digits, stored in its format V2: a value is known to within
//! [`RELATIVE_ERROR`] of itself, or half a microsecond where that is more. Merging adds nothing to that.

use hdrhistogram::{
    Histogram,
    serialization::{Deserializer, Serializer as _, V2Serializer},
};

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

    /// Adds all times of another sketch.
    ///
    /// # Errors
    /// If the counts have no room for them.
    pub fn merge(&mut self, other: &Self) -> Result<(), SketchError> {
        self.counts.add(&other.counts).map_err(SketchError::of)
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
        let lower = self.at_rank(n.checked_sub(1)? / 2)?;
        Some(f64::midpoint(lower, self.at_rank(n / 2)?))
    }

    /// The value of a rank, counted from 0, in milliseconds.
    fn at_rank(&self, rank: u64) -> Option<f64> {
        let mut below = 0;
        let found = self.counts.iter_recorded().find(|step| {
            below += step.count_since_last_iteration();
            below > rank
        })?;
        let us = found.value_iterated_to();
        let (low, high) = (
            self.counts.lowest_equivalent(us),
            self.counts.highest_equivalent(us),
        );
        #[expect(clippy::cast_precision_loss, reason = "2^53 µs are 285 years")]
        Some(f64::midpoint(low as f64, high as f64) / 1e3)
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

impl SketchError {
    fn of(why: impl std::fmt::Display) -> Self {
        Self(why.to_string())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::run::ms;

    fn of(times: &[u64]) -> TimeSketch {
        let mut sketch = TimeSketch::new().unwrap();
        for ns in times {
            sketch.record(*ns).unwrap();
        }
        sketch
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
            let (found, truth) = (merged.median_ms().unwrap(), median(all));
            let allowed = (truth * RELATIVE_ERROR).max(0.0005) + 0.0005;
            prop_assert!((found - truth).abs() <= allowed, "{} {}", found, truth);
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
        }
    }
}

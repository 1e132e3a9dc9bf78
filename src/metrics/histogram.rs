//! A histogram in both forms: classic, with a fixed list of bounds, and native, whose buckets grow by a factor.
//!
//! Native buckets are those of Prometheus's schema 3: the upper bounds are powers of 2^(1/8), so that a quantile that is
//! read from them is off by 4.5 % at most. <https://prometheus.io/docs/specs/native_histograms/>

use std::collections::BTreeMap;

/// The schema: a bound is 2^(1/8) times the one before it.
pub(super) const SCHEMA: i32 = 3;
/// Bounds to each doubling.
const PER_DOUBLING: f64 = 8.0;
/// Values up to this one count as zero: Prometheus's own default, 2⁻¹²⁸.
pub(super) const ZERO_THRESHOLD: f64 = f64::from_bits((1023 - 128) << 52);

/// A distribution of values that are 0 or more.
#[derive(Clone, Debug)]
pub struct Histogram {
    /// The classic buckets' upper bounds, in order.
    bounds: &'static [f64],
    /// The values up to each bound and above the one before it.
    classic: Box<[u64]>,
    /// The values of each native bucket that has any: bucket i ends at 2^(i/8).
    native: BTreeMap<i32, u64>,
    /// Values up to [`ZERO_THRESHOLD`].
    zeros: u64,
    count: u64,
    sum: f64,
}

impl Histogram {
    /// An empty one; the bounds of its classic buckets are in order.
    #[must_use]
    pub fn new(bounds: &'static [f64]) -> Self {
        Self {
            bounds,
            classic: vec![0; bounds.len()].into(),
            native: BTreeMap::new(),
            zeros: 0,
            count: 0,
            sum: 0.0,
        }
    }

    /// Counts a value. Not a number is left out.
    pub fn add(&mut self, value: f64) {
        if value.is_nan() {
            return;
        }
        self.count += 1;
        self.sum += value;
        let classic = self.bounds.partition_point(|bound| *bound < value);
        if let Some(bucket) = self.classic.get_mut(classic) {
            *bucket += 1;
        }
        if value <= ZERO_THRESHOLD {
            self.zeros += 1;
        } else {
            *self.native.entry(native_bucket(value)).or_default() += 1;
        }
    }

    /// How many values it has.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn sum(&self) -> f64 {
        self.sum
    }

    pub(super) fn zeros(&self) -> u64 {
        self.zeros
    }

    /// The classic buckets: each bound, and how many values are at or below it.
    pub(super) fn cumulative(&self) -> impl Iterator<Item = (f64, u64)> {
        let mut below = 0;
        let buckets = self.bounds.iter().zip(&self.classic);
        buckets.map(move |(bound, count)| {
            below += count;
            (*bound, below)
        })
    }

    /// The native buckets that have a value, in order: each number, and how many values.
    pub(super) fn native(&self) -> impl Iterator<Item = (i32, u64)> {
        self.native.iter().map(|(bucket, count)| (*bucket, *count))
    }
}

/// The bucket of a value above 0: the first whose bound, 2^(i/8), is not below it.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a finite value's logarithm is within ±1,100; an infinite one's saturates"
)]
fn native_bucket(value: f64) -> i32 {
    let bound = |bucket: i32| (f64::from(bucket) / PER_DOUBLING).exp2();
    let near = (value.min(f64::MAX).log2() * PER_DOUBLING).ceil() as i32;
    // The logarithm may be rounded across a bound.
    match near {
        near if bound(near - 1) >= value => near - 1,
        near if bound(near) < value => near + 1,
        near => near,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_is_at_or_below_its_bound_and_above_the_one_before() {
        for (value, bucket) in [
            (1.0, 0),
            (1.000_001, 1),
            (2.0, 8),
            (0.5, -8),
            (0.25, -16),
            (1e-9, -239),
        ] {
            assert_eq!(native_bucket(value), bucket, "{value}");
        }
        for bucket in -500..500 {
            let bound = (f64::from(bucket) / 8.0).exp2();
            assert_eq!(native_bucket(bound), bucket);
            assert_eq!(native_bucket(bound.next_up()), bucket + 1);
        }
        assert_eq!(ZERO_THRESHOLD.to_bits(), 2f64.powi(-128).to_bits());
        assert_eq!(native_bucket(f64::INFINITY), 8192);
    }

    #[test]
    fn both_forms_have_every_value() {
        let mut histogram = Histogram::new(&[0.1, 1.0]);
        for value in [0.0, 0.1, 0.100_001, 1.0, 7.0, f64::NAN] {
            histogram.add(value);
        }
        assert_eq!(histogram.count(), 5);
        assert!((histogram.sum() - 8.200_001).abs() < 1e-12);
        let classic: Vec<_> = histogram.cumulative().collect();
        assert_eq!(classic, [(0.1, 2), (1.0, 4)]);
        let native: u64 = histogram.native().map(|(_, count)| count).sum();
        assert_eq!((native, histogram.zeros()), (4, 1));
    }
}

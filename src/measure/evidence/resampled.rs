//! The paired bootstrap: two targets' quantiles in pairs drawn again and again from those that came.

use super::special::float;
use crate::seeded::SeededRandom;

/// How often all pairs are drawn again.
const TIMES: usize = 2_000;

/// Both targets' p-quantiles in each resample. The same pairs give the same resamples.
///
/// Only pairs near the quantile or beyond can decide it, so the others are drawn but not looked at: 2,000 resamples of
/// 1,000 pairs take some milliseconds.
pub(super) fn quantiles(pairs: &[(f64, f64)], p: f64) -> Vec<(f64, f64)> {
    let n = pairs.len();
    let deciding = deciding(pairs, p);
    let mut random = SeededRandom::new(n as u64);
    let mut drawn = (Vec::new(), Vec::new());
    (0..TIMES)
        .map(|_| {
            drawn.0.clear();
            drawn.1.clear();
            for _ in 0..n {
                if let Some((a, b)) = deciding.get(random.below(n)) {
                    drawn.0.push(*a);
                    drawn.1.push(*b);
                }
            }
            (from_top(&mut drawn.0, n, p), from_top(&mut drawn.1, n, p))
        })
        .collect()
}

/// The pairs with a value that may be at or beyond the quantile of a resample: those above a rank twelve standard
/// deviations below it.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rank among the values"
)]
fn deciding(pairs: &[(f64, f64)], p: f64) -> Vec<(f64, f64)> {
    let n = float(pairs.len());
    let rank = (n * p - 12.0 * (n * p * (1.0 - p)).sqrt() - 10.0).max(0.0) as usize;
    let least = |values: &mut Vec<f64>| {
        let rank = rank.min(values.len() - 1);
        *values.select_nth_unstable_by(rank, f64::total_cmp).1
    };
    if pairs.is_empty() {
        return Vec::new();
    }
    let a = least(&mut pairs.iter().map(|(a, _)| *a).collect());
    let b = least(&mut pairs.iter().map(|(_, b)| *b).collect());
    let decides = |(of_a, of_b): &&(f64, f64)| *of_a >= a || *of_b >= b;
    pairs.iter().filter(decides).copied().collect()
}

/// The p-quantile of `n` values of which only the largest are given, linear between the two nearest.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a position in the sample"
)]
fn from_top(largest: &mut [f64], n: usize, p: f64) -> f64 {
    let position = p * float(n - 1);
    let place = (n - 1 - position.floor() as usize).min(largest.len().saturating_sub(1));
    if largest.is_empty() {
        return f64::NAN;
    }
    let (above, low, _) = largest.select_nth_unstable_by(place, |x, y| y.total_cmp(x));
    let high = above.iter().copied().min_by(f64::total_cmp).unwrap_or(*low);
    *low + (high - *low) * position.fract()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::measure::percentile::percentile;

    proptest! {
        #[test]
        fn the_largest_values_decide_a_quantile(values in prop::collection::vec(0.0..1e3f64, 400..600), p in 0.8..0.99f64) {
            let pairs: Vec<(f64, f64)> = values.iter().map(|v| (*v, 1e3 - *v)).collect();
            let deciding = deciding(&pairs, p);
            let mut a: Vec<f64> = deciding.iter().map(|(a, _)| *a).collect();
            let expected = percentile(values.iter().copied(), p).value.unwrap();
            prop_assert!((from_top(&mut a, pairs.len(), p) - expected).abs() < 1e-9);
        }
    }

    #[test]
    fn a_resample_has_pairs_that_came() {
        let pairs: Vec<(f64, f64)> = (0..500).map(|k| (float(k), float(k) + 7.0)).collect();
        let found = quantiles(&pairs, 0.95);
        assert_eq!(found, quantiles(&pairs, 0.95));
        assert_eq!(found.len(), TIMES);
        assert!(found.iter().all(|(a, b)| (b - a - 7.0).abs() < 1e-9));
        let mean = found.iter().map(|(a, _)| a).sum::<f64>() / float(TIMES);
        assert!((mean - 474.0).abs() < 2.0, "{mean}");
    }
}

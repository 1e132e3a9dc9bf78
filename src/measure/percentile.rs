//! Percentiles with their sample size and a distribution-free interval.
//!
//! In: values of any distribution. Out: [`Percentile`]s. The interval is a pair of order statistics:
//! the number of values below the true p-quantile is binomial(n, p), so ranks that leave at most
//! 2.5 % on each side cover it with at least 95 % (Conover, *Practical Nonparametric Statistics*, §3.2).

use super::float;

/// A percentile with its sample size and interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Percentile {
    /// Which quantile, between 0 and 1.
    pub p: f64,
    /// The number of values.
    pub n: usize,
    /// The estimate; blank if the sample is too small to have a value beyond it (P99: n < 100).
    pub value: Option<f64>,
    /// Lower end of the 95 % interval; blank if the sample is too small, and without an estimate.
    pub low: Option<f64>,
    /// Upper end of the 95 % interval; blank if the sample is too small (P99: n < 368), and without an estimate.
    pub high: Option<f64>,
}

/// The chance that the interval misses on one side.
const TAIL: f64 = 0.025;

/// The p-quantile of values in any order; NaN is left out.
#[must_use]
pub fn percentile(values: impl IntoIterator<Item = f64>, p: f64) -> Percentile {
    of_sorted(&sorted(values), p)
}

/// Several quantiles of the same values.
#[must_use]
pub fn percentiles(values: impl IntoIterator<Item = f64>, ps: &[f64]) -> Vec<Percentile> {
    let sorted = sorted(values);
    ps.iter().map(|&p| of_sorted(&sorted, p)).collect()
}

/// The median.
#[must_use]
pub fn median(values: impl IntoIterator<Item = f64>) -> Percentile {
    percentile(values, 0.5)
}

/// The estimate of the p-quantile alone, as [`percentile`] gives it, in linear time. Reorders the values, none of which
/// may be NaN.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a position in the sample"
)]
pub fn estimate(values: &mut [f64], p: f64) -> Option<f64> {
    if !is_estimable(values.len(), p) {
        return None;
    }
    let position = p.clamp(0.0, 1.0) * float(values.len().checked_sub(1)?);
    let rank = position.floor() as usize;
    let (_, low, above) = values.select_nth_unstable_by(rank, f64::total_cmp);
    let low = *low;
    let high = above.iter().copied().min_by(f64::total_cmp).unwrap_or(low);
    Some(low + (high - low) * position.fract())
}

fn sorted(values: impl IntoIterator<Item = f64>) -> Vec<f64> {
    let mut sorted: Vec<f64> = values.into_iter().filter(|v| !v.is_nan()).collect();
    sorted.sort_by(f64::total_cmp);
    sorted
}

fn of_sorted(sorted: &[f64], p: f64) -> Percentile {
    let p = p.clamp(0.0, 1.0);
    let n = sorted.len();
    if !is_estimable(n, p) {
        // From two values on there is a lower end of P95, which alone tells nothing.
        return Percentile {
            p,
            n,
            value: None,
            low: None,
            high: None,
        };
    }
    let (below, above) = interval_ranks(n, p);
    let rank = |rank: usize| sorted.get(rank.checked_sub(1)?).copied();
    Percentile {
        p,
        n,
        value: interpolated(sorted, p),
        low: below.and_then(rank),
        high: above.and_then(rank),
    }
}

/// Whether the sample is expected to have a value beyond the quantile, on its rarer side. The median can always be
/// estimated.
pub(super) fn is_estimable(n: usize, p: f64) -> bool {
    let rarer = p.min(1.0 - p);
    // The tolerance is for 1 − 0.99, which is not quite 0.01.
    n > 0 && (rarer >= 0.5 || float(n) * rarer >= 1.0 - 1e-9)
}

/// Linear between the two nearest values (type 7 of Hyndman & Fan 1996).
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a position in the sample"
)]
fn interpolated(sorted: &[f64], p: f64) -> Option<f64> {
    let position = p * float(sorted.len().checked_sub(1)?);
    let low = *sorted.get(position.floor() as usize)?;
    let high = *sorted.get(position.ceil() as usize)?;
    Some(low + (high - low) * position.fract())
}

/// The ranks (from 1) of the order statistics that enclose the p-quantile.
///
/// With B binomial(n, p), `P(X(r) > q) = P(B < r)` and `P(X(s) < q) ≤ P(B ≥ s)`: the lower rank is the
/// largest with `P(B ≤ r − 1) ≤ 2.5 %`, the upper the smallest with `P(B ≤ s − 1) ≥ 97.5 %`.
fn interval_ranks(n: usize, p: f64) -> (Option<usize>, Option<usize>) {
    if n == 0 || p <= 0.0 || p >= 1.0 {
        return (None, None);
    }
    let (mut low, mut high) = (None, None);
    let mut at_most = 0.0;
    for (k, chance) in likely_counts(n, p) {
        at_most += chance;
        // Here `at_most` is P(B ≤ k), so rank k + 1 is in question.
        if at_most <= TAIL {
            low = Some(k + 1);
        }
        if at_most >= 1.0 - TAIL && k < n {
            high = Some(k + 1);
            break;
        }
    }
    (low, high)
}

/// Binomial probabilities of every count within 12 standard deviations plus 50 of the mean: the rest sums to less than
/// 1e-20.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts between 0 and n"
)]
fn likely_counts(n: usize, p: f64) -> impl Iterator<Item = (usize, f64)> {
    let mean = float(n) * p;
    let reach = 12.0 * (mean * (1.0 - p)).sqrt() + 50.0;
    let first = (mean - reach).max(0.0) as usize;
    let last = ((mean + reach).ceil() as usize).min(n);
    let ways = ln_factorial(n);
    (first..=last).map(move |k| {
        let ln_chance = ways - ln_factorial(k) - ln_factorial(n - k)
            + float(k) * p.ln()
            + float(n - k) * (-p).ln_1p();
        (k, ln_chance.exp())
    })
}

/// ln n!, by Stirling's series from 20 on (error below 1e-13 there).
fn ln_factorial(n: usize) -> f64 {
    if n < 20 {
        return (2..=n).map(|k| float(k).ln()).sum();
    }
    let x = float(n);
    let series = 1.0 / (12.0 * x) - 1.0 / (360.0 * x.powi(3)) + 1.0 / (1260.0 * x.powi(5));
    (x + 0.5) * x.ln() - x + 0.5 * std::f64::consts::TAU.ln() + series
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn one_to(n: u32) -> impl Iterator<Item = f64> {
        (1..=n).map(f64::from)
    }

    #[test]
    fn medians_and_percentiles_of_known_samples() {
        for (values, p, expected) in [
            (vec![7.0], 0.5, Some(7.0)),
            (vec![3.0, 1.0, 2.0], 0.5, Some(2.0)),
            (vec![4.0, 1.0, 2.0, 3.0], 0.5, Some(2.5)),
            (vec![], 0.5, None),
            (vec![1.0, f64::NAN, 3.0], 0.5, Some(2.0)),
            // R: quantile(1:101, .99) = 100
            (one_to(101).collect(), 0.99, Some(100.0)),
            // R: quantile(1:20, .95) = 19.05
            (one_to(20).collect(), 0.95, Some(19.05)),
            (one_to(19).collect(), 0.95, None),
        ] {
            assert_eq!(percentile(values.clone(), p).value, expected, "{values:?}");
        }
    }

    #[test]
    fn p99_is_blank_until_the_sample_allows_it() {
        // 1 − 0.99^n ≥ 0.975 first holds at n = 368; so does every other bound by its own formula.
        for (n, value, high) in [
            (99, false, false),
            (100, true, false),
            (367, true, false),
            (368, true, true),
        ] {
            let p99 = percentile(one_to(n), 0.99);
            assert_eq!(
                (p99.value.is_some(), p99.high.is_some()),
                (value, high),
                "{n}"
            );
        }
        assert_eq!(percentile(one_to(368), 0.99).high, Some(368.0));
    }

    #[test]
    fn without_an_estimate_there_is_no_end_of_an_interval() {
        for n in 0..120 {
            for p in [0.01, 0.05, 0.5, 0.9, 0.95, 0.99] {
                let found = percentile(one_to(n), p);
                let has_end = found.low.is_some() || found.high.is_some();
                assert!(found.value.is_some() || !has_end, "{n} {p}: {found:?}");
            }
        }
        let p95 = percentile(one_to(20), 0.95);
        assert!(p95.value.is_some() && p95.low.is_some());
    }

    #[test]
    fn a_median_has_an_interval_from_six_values_on() {
        // 2 × 0.5⁵ = 6.25 %, 2 × 0.5⁶ = 3.1 %.
        let five = median(one_to(5));
        assert_eq!((five.low, five.high), (None, None));
        let six = median(one_to(6));
        assert_eq!((six.low, six.high), (Some(1.0), Some(6.0)));
    }

    #[test]
    fn interval_ranks_match_published_ones() {
        // Median: tables of the sign test (Conover, table A3; the same as R's qbinom(.025, n, .5)).
        for (n, low, high) in [
            (10, 2, 9),
            (20, 6, 15),
            (25, 8, 18),
            (50, 18, 33),
            (100, 40, 61),
        ] {
            assert_eq!(interval_ranks(n, 0.5), (Some(low), Some(high)), "{n}");
        }
        // 1,000 values fix P99 only to P98.3 … P99.7.
        let (low, high) = interval_ranks(1000, 0.99);
        assert_eq!((low, high), (Some(983), Some(997)));
    }

    #[test]
    fn binomial_chances_add_up_for_any_size() {
        for n in [1, 19, 20, 21, 368, 10_000, 1_000_000] {
            for p in [0.01, 0.5, 0.99] {
                let sum: f64 = likely_counts(n, p).map(|(_, chance)| chance).sum();
                assert!((sum - 1.0).abs() < 1e-6, "{n} {p}: {sum}");
            }
        }
        // No exceedance in 299 proves P99 at 95 %, in 459 at 99 % (0.99^n).
        let none = |n: usize| likely_counts(n, 0.99).last().unwrap().1;
        assert!(none(298) > 0.05 && none(299) < 0.05);
        assert!(none(458) > 0.01 && none(459) < 0.01);
    }

    proptest! {
        #[test]
        fn an_interval_contains_its_estimate(
            values in prop::collection::vec(-1e6..1e6f64, 1..500),
            p in 0.01..0.99f64,
        ) {
            let found = percentile(values.clone(), p);
            prop_assert_eq!(found.n, values.len());
            if let (Some(low), Some(value)) = (found.low, found.value) {
                prop_assert!(low <= value + 1e-9);
            }
            if let (Some(high), Some(value)) = (found.high, found.value) {
                prop_assert!(value <= high + 1e-9);
            }
        }

        #[test]
        fn an_estimate_is_that_of_the_percentile(
            mut values in prop::collection::vec(-1e6..1e6f64, 0..200),
            p in 0.0..=1.0f64,
        ) {
            let expected = percentile(values.clone(), p).value;
            prop_assert_eq!(estimate(&mut values, p), expected);
        }

        #[test]
        fn a_percentile_grows_with_p(values in prop::collection::vec(0.0..1e3f64, 200..300)) {
            let found = percentiles(values, &[0.05, 0.25, 0.5, 0.75, 0.95]);
            for pair in found.windows(2) {
                prop_assert!(pair[0].value <= pair[1].value);
            }
        }
    }
}

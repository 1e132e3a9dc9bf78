//! Verdicts at a number of pairs that was fixed beforehand: narrower, but they hold at that one look only.

use super::{
    Conclusion, IntervalEstimate, LatencyVerdict, Method, Quantile, conclusion,
    needed::{self, Growth, SeenRatio},
    resampled,
    special::float,
};
use crate::measure::percentile::{median, percentile};

/// The share of resamples outside the interval. Intervals of quantiles come out narrow this way: at 5 % they miss in up to
/// 5 %, and above in some rows of the table in `docs/method.md`.
const OUTSIDE: f64 = 0.04;

/// The verdict on pairs with both values.
pub(super) fn verdict(pairs: &[(f64, f64)], quantile: Quantile, margin: f64) -> LatencyVerdict {
    let (difference, ratio) = match quantile {
        Quantile::Median => medians(pairs),
        Quantile::P95 | Quantile::P99 => quantiles(pairs, quantile.p()),
    };
    let outcome = conclusion(&difference, &ratio, margin);
    let pairs_needed = (outcome == Conclusion::CantTell).then(|| match quantile {
        Quantile::Median => by_signs(pairs, margin),
        _ => by_width(pairs.len(), &ratio, margin),
    });
    LatencyVerdict {
        quantile,
        n: pairs.len(),
        difference,
        ratio,
        outcome,
        pairs_needed: pairs_needed.flatten(),
        method: match quantile {
            Quantile::Median => Method::OrderStatistics,
            Quantile::P95 | Quantile::P99 => Method::PairedBootstrap,
        },
    }
}

fn medians(pairs: &[(f64, f64)]) -> (IntervalEstimate, IntervalEstimate) {
    let difference = median(pairs.iter().map(|(a, b)| b - a)).into();
    let ratio = are_positive(pairs).then(|| median(pairs.iter().map(|(a, b)| b / a)).into());
    (difference, ratio.unwrap_or_default())
}

fn by_signs(pairs: &[(f64, f64)], margin: f64) -> Option<u64> {
    let differences = pairs.iter().map(|(a, b)| b - a).collect();
    let ratios = are_positive(pairs).then(|| pairs.iter().map(|(a, b)| b / a).collect());
    let shares = needed::Shares {
        n: pairs.len(),
        differences: &differences,
        ratios: ratios.as_ref(),
    };
    needed::by_signs(&shares, margin, Growth::Fixed)
}

fn by_width(n: usize, ratio: &IntervalEstimate, margin: f64) -> Option<u64> {
    let seen = SeenRatio {
        ratio: ratio.value?,
        standard_error: (ratio.high? - ratio.low?) / (2.0 * 2.05),
    };
    needed::by_width(n, seen, margin, Growth::Fixed)
}

/// The difference and ratio of the targets' quantiles; intervals are blank until each target's own has ends.
fn quantiles(pairs: &[(f64, f64)], p: f64) -> (IntervalEstimate, IntervalEstimate) {
    let a = percentile(pairs.iter().map(|(a, _)| *a), p);
    let b = percentile(pairs.iter().map(|(_, b)| *b), p);
    let value = a.value.zip(b.value);
    let mut difference = IntervalEstimate {
        value: value.map(|(a, b)| b - a),
        ..IntervalEstimate::default()
    };
    let is_positive = are_positive(pairs);
    let mut ratio = IntervalEstimate {
        value: value.filter(|_| is_positive).map(|(a, b)| b / a),
        ..IntervalEstimate::default()
    };
    let has_ends =
        |of: &crate::measure::percentile::Percentile| of.low.is_some() && of.high.is_some();
    if !has_ends(&a) || !has_ends(&b) {
        return (difference, ratio);
    }
    let resampled = resampled::quantiles(pairs, p);
    (difference.low, difference.high) = middle(resampled.iter().map(|(a, b)| b - a));
    if is_positive {
        (ratio.low, ratio.high) = middle(resampled.iter().map(|(a, b)| b / a));
    }
    (difference, ratio)
}

/// The values between which all but [`OUTSIDE`] lie.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a position among the values"
)]
fn middle(values: impl Iterator<Item = f64>) -> (Option<f64>, Option<f64>) {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let cut = (0.5 * OUTSIDE * float(values.len())) as usize;
    (
        values.get(cut).copied(),
        values
            .len()
            .checked_sub(1 + cut)
            .and_then(|at| values.get(at))
            .copied(),
    )
}

fn are_positive(pairs: &[(f64, f64)]) -> bool {
    pairs.iter().all(|(a, b)| *a > 0.0 && *b > 0.0)
}

#[cfg(test)]
mod tests;

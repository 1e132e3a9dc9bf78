//! Verdicts that hold at every look, kept up to date pair by pair.

use super::{
    ALPHA, Conclusion, IntervalEstimate, LatencyVerdict, Method, Pair, Quantile, conclusion,
    mixture::{Boundary, Mixture},
    needed::{self, Growth, SeenRatio},
    quantiles::{Claim, QuantileBets, Shift, Statement},
    sorted::SortedValues,
    special::float,
};

/// The chance that a statement on one side is ruled out wrongly.
const ONE_SIDE: f64 = ALPHA / 2.0;
/// The number of pairs at which the interval of the median is tightest.
const MEDIAN_TUNED: f64 = 100.0;

/// The number of pairs at which the interval of a quantile is tightest.
const fn tuned(quantile: Quantile) -> f64 {
    match quantile {
        Quantile::Median => MEDIAN_TUNED,
        Quantile::P95 => 500.0,
        Quantile::P99 => 2_000.0,
    }
}

/// A comparison that people watch.
///
/// A pair costs about √n steps. A verdict on the median costs as much, one on P95 or P99 a few passes over all pairs:
/// `docs/method.md` has the times.
#[derive(Clone, Debug)]
pub struct Watched {
    pairs: Vec<(f64, f64)>,
    a: SortedValues,
    b: SortedValues,
    differences: SortedValues,
    ratios: SortedValues,
    is_positive: bool,
    median: Boundary,
    p95: QuantileBets,
    p99: QuantileBets,
}

impl Default for Watched {
    fn default() -> Self {
        Self::of(Vec::new())
    }
}

impl FromIterator<Pair> for Watched {
    fn from_iter<I: IntoIterator<Item = Pair>>(pairs: I) -> Self {
        Self::of(pairs.into_iter().filter_map(Pair::both).collect())
    }
}

impl Watched {
    /// These pairs at once.
    fn of(pairs: Vec<(f64, f64)>) -> Self {
        let is_positive = pairs.iter().all(are_positive);
        let ratios = pairs.iter().filter(|_| is_positive);
        let n = pairs.len();
        let bets = |of: Quantile| QuantileBets::new(of.p(), tuned(of), ONE_SIDE).at(n);
        Self {
            a: pairs.iter().map(|(a, _)| *a).collect(),
            b: pairs.iter().map(|(_, b)| *b).collect(),
            differences: pairs.iter().map(|(a, b)| b - a).collect(),
            ratios: ratios.map(|(a, b)| b / a).collect(),
            is_positive,
            median: Boundary::new(Mixture::tuned(0.5, MEDIAN_TUNED), ONE_SIDE).at(n),
            p95: bets(Quantile::P95),
            p99: bets(Quantile::P99),
            pairs,
        }
    }

    /// Adds a pair; one without both values changes nothing.
    pub fn push(&mut self, pair: Pair) {
        let Some((a, b)) = pair.both() else { return };
        self.pairs.push((a, b));
        self.a.insert(a);
        self.b.insert(b);
        self.differences.insert(b - a);
        self.is_positive &= are_positive(&(a, b));
        if self.is_positive {
            self.ratios.insert(b / a);
        }
        self.median.advance();
        self.p95.advance();
        self.p99.advance();
    }

    /// The pairs with both values.
    #[must_use]
    pub fn n(&self) -> usize {
        self.pairs.len()
    }

    /// The verdict so far. A ratio within 1 ± `margin` counts as the same.
    #[must_use]
    pub fn verdict(&self, quantile: Quantile, margin: f64) -> LatencyVerdict {
        let (difference, ratio) = match quantile {
            Quantile::Median => self.medians(),
            Quantile::P95 | Quantile::P99 => self.shifts(quantile),
        };
        let outcome = self.outcome(quantile, margin);
        LatencyVerdict {
            quantile,
            n: self.n(),
            difference,
            ratio,
            outcome,
            pairs_needed: (outcome == Conclusion::CantTell)
                .then(|| self.needed(quantile, margin))
                .flatten(),
            method: match quantile {
                Quantile::Median => Method::SignSequence,
                Quantile::P95 | Quantile::P99 => Method::QuantileSequence,
            },
        }
    }

    /// What follows so far: the same as in [`Self::verdict`], for less.
    #[must_use]
    pub fn outcome(&self, quantile: Quantile, margin: f64) -> Conclusion {
        let statement = match self.bets(quantile) {
            None => {
                let (difference, ratio) = self.medians();
                return conclusion(&difference, &ratio, margin);
            }
            Some(bets) => Statement::new(&self.pairs, [&self.a, &self.b], bets),
        };
        let ruled_out = |claim, shift| statement.is_ruled_out(claim, shift);
        let is_same = self.is_positive
            && margin > 0.0
            && ruled_out(Claim::AtLeast, Shift::Times(1.0 + margin))
            && ruled_out(Claim::AtMost, Shift::Times(1.0 - margin));
        if is_same {
            Conclusion::Same
        } else if ruled_out(Claim::AtLeast, Shift::Plus(0.0)) {
            Conclusion::Faster
        } else if ruled_out(Claim::AtMost, Shift::Plus(0.0)) {
            Conclusion::Slower
        } else {
            Conclusion::CantTell
        }
    }

    fn bets(&self, quantile: Quantile) -> Option<&QuantileBets> {
        match quantile {
            Quantile::Median => None,
            Quantile::P95 => Some(&self.p95),
            Quantile::P99 => Some(&self.p99),
        }
    }

    /// The medians of differences and ratios: order statistics, as far from the middle as it takes for their signs to
    /// be evidence.
    fn medians(&self) -> (IntervalEstimate, IntervalEstimate) {
        let n = self.n();
        let least = self.median.least();
        let of = |values: &SortedValues| IntervalEstimate {
            value: interpolated(values, 0.5),
            low: least.and_then(|least| values.rank(n + 1 - least)),
            high: least.and_then(|least| values.rank(least)),
        };
        let ratio = self.is_positive.then(|| of(&self.ratios));
        (of(&self.differences), ratio.unwrap_or_default())
    }

    /// The difference and ratio of the targets' quantiles.
    fn shifts(&self, quantile: Quantile) -> (IntervalEstimate, IntervalEstimate) {
        let Some(bets) = self.bets(quantile) else {
            return self.medians();
        };
        let p = quantile.p();
        let statement = Statement::new(&self.pairs, [&self.a, &self.b], bets);
        let estimates = interpolated(&self.a, p).zip(interpolated(&self.b, p));
        let value = estimates.map(|(a, b)| b - a);
        let difference = IntervalEstimate::new(value, statement.difference());
        let ratio = self.is_positive.then(|| {
            let value = estimates.map(|(a, b)| b / a);
            IntervalEstimate::new(value, statement.ratio())
        });
        (difference, ratio.unwrap_or_default())
    }

    fn needed(&self, quantile: Quantile, margin: f64) -> Option<u64> {
        if quantile == Quantile::Median {
            let shares = needed::Shares {
                n: self.n(),
                differences: &self.differences,
                ratios: self.is_positive.then_some(&self.ratios),
            };
            return needed::by_signs(&shares, margin, Growth::watched(MEDIAN_TUNED));
        }
        let [a, b] = [&self.a, &self.b].map(|values| relative(values, quantile.p()));
        let ((a, of_a), (b, of_b)) = a.zip(b).filter(|_| self.is_positive)?;
        let seen = SeenRatio {
            ratio: b / a,
            standard_error: b / a * of_a.hypot(of_b),
        };
        needed::by_width(self.n(), seen, margin, Growth::Quantiles(tuned(quantile)))
    }
}

/// A quantile of positive values and its relative standard error, by the order statistics that enclose it at one look.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "ranks among the values"
)]
fn relative(values: &SortedValues, p: f64) -> Option<(f64, f64)> {
    let n = float(values.len());
    let reach = 1.96 * (n * p * (1.0 - p)).sqrt();
    let low = values.rank((n * p - reach).floor().max(0.0) as usize)?;
    let high = values.rank((n * p + reach).ceil() as usize + 1)?;
    let value = interpolated(values, p)?;
    Some((value, (high - low) / (2.0 * 1.96 * value)))
}

/// One target's quantile with its interval, which holds at every look (Howard & Ramdas 2022).
pub(super) fn of_one(values: &[f64], quantile: Quantile) -> IntervalEstimate {
    let values: SortedValues = values.iter().copied().filter(|v| v.is_finite()).collect();
    let n = values.len();
    let (p, tuned) = (quantile.p(), tuned(quantile));
    let Some(value) = interpolated(&values, p) else {
        return IntervalEstimate::default();
    };
    let least = |p: f64| {
        Boundary::new(Mixture::tuned(p, tuned), ONE_SIDE)
            .at(n)
            .least()
    };
    IntervalEstimate {
        value: Some(value),
        low: least(1.0 - p).and_then(|above| values.rank(n + 1 - above)),
        high: least(p).and_then(|below| values.rank(below)),
    }
}

fn are_positive((a, b): &(f64, f64)) -> bool {
    *a > 0.0 && *b > 0.0
}

/// The estimate of a quantile, as [`crate::measure::percentile`] gives it.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a position in the sample"
)]
fn interpolated(values: &SortedValues, p: f64) -> Option<f64> {
    let n = values.len();
    if !super::super::percentile::is_estimable(n, p) {
        return None;
    }
    let position = p * float(n - 1);
    let low = values.rank(position.floor() as usize + 1)?;
    let high = values.rank(position.ceil() as usize + 1)?;
    Some(low + (high - low) * position.fract())
}

#[cfg(test)]
mod tests;

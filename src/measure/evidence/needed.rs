//! How many more pairs it would take to tell.
//!
//! In: what the pairs show so far. Out: about how many more, so that the verdict then comes in at least four of five
//! comparisons.
//!
//! What the pairs show is uncertain, so it is taken one standard error less telling than it looks. Three ends are
//! weighed, and the nearest is given: that the targets prove different; that they prove the same within the margin;
//! and that the interval is half as wide as the margin to either side, when one of the two is bound to come about.

use super::{ALPHA, LookRule, failures::ln_evidence, sorted::SortedValues, special::float};

/// How far below its expectation a count falls in one of five cases, in standard deviations.
const ONE_IN_FIVE: f64 = 0.8416;
/// By how many standard errors the pairs are taken to be less telling than they look.
const CAUTION: f64 = 1.0;
/// The pairs that differ at which the interval of failure rates is tightest.
const DISCORDANT: f64 = 50.0;
/// How much wider the interval of quantiles is than that of one bet, as it comes out from 500 to 20,000 pairs.
const QUANTILES: f64 = 1.2;
/// Beyond so many pairs nothing is said.
const MOST: f64 = 1e7;

/// How the half-width of an interval shrinks with the number of pairs.
#[derive(Clone, Copy, Debug)]
pub(super) enum Growth {
    /// Watched; its spread of bets is worth so many pairs.
    Watched(f64),
    /// Quantiles that are watched: three bets share the stake, and each value must be ruled out.
    Quantiles(f64),
    /// With the square root.
    Fixed,
}

impl Growth {
    /// An interval that is tightest at about `n` pairs.
    pub(super) fn watched(n: f64) -> Self {
        Self::Watched((n / 7.94).max(0.1))
    }

    /// The half-width, in standard errors: that of a normal mixture, which those of counts come close to (Howard et al.
    /// 2021, proposition 5).
    fn standard_errors(self, n: f64) -> f64 {
        match self {
            Self::Watched(worth) => {
                let (total, odds) = (n + worth, (n + worth) / worth);
                (total * (odds.ln() + 2.0 * (1.0 / ALPHA).ln()) / n).sqrt()
            }
            Self::Quantiles(tuned) => QUANTILES * Self::watched(tuned).standard_errors(n),
            Self::Fixed => 1.96,
        }
    }
}

/// The signs of which a verdict on the median is made.
pub(super) struct Shares<'a> {
    pub(super) n: usize,
    pub(super) differences: &'a SortedValues,
    pub(super) ratios: Option<&'a SortedValues>,
}

/// More pairs for the median of paired differences.
pub(super) fn by_signs(shares: &Shares, margin: f64, growth: Growth) -> Option<u64> {
    let n = float(shares.n);
    let caution = CAUTION * 0.5 / n.sqrt();
    let differences = shares.differences;
    let different = differences.below(0.0).max(differences.above(0.0));
    let different = pairs_for_signs(float(different) / n - caution, growth);
    let by_ratio = shares.ratios.filter(|_| margin > 0.0).map(|ratios| {
        let same = ratios.below(1.0 + margin).min(ratios.above(1.0 - margin));
        let middle = ratios.rank(shares.n.div_ceil(2)).unwrap_or(1.0);
        let half = 0.5 * margin;
        let narrow = ratios.below(middle + half).min(ratios.above(middle - half));
        let same = pairs_for_signs(float(same) / n - caution, growth);
        same.min(pairs_for_signs(float(narrow) / n, growth))
    });
    more(shares.n, different.min(by_ratio.unwrap_or(f64::INFINITY)))
}

/// The pairs after which signs of which this share is positive are evidence in four of five cases.
fn pairs_for_signs(share: f64, growth: Growth) -> f64 {
    if share <= 0.5 {
        return f64::INFINITY;
    }
    let share = share.min(1.0);
    let suffices = |n: f64| {
        let sure = n * share - ONE_IN_FIVE * (n * share * (1.0 - share)).sqrt();
        // The last half: a count is a whole number.
        sure >= 0.5 * n + growth.standard_errors(n) * 0.5 * n.sqrt() + 0.5
    };
    fewest(suffices)
}

/// A ratio of quantiles, and its standard error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct SeenRatio {
    pub(super) ratio: f64,
    pub(super) standard_error: f64,
}

/// More pairs for quantiles of two targets, by how fast an interval shrinks.
pub(super) fn by_width(n: usize, seen: SeenRatio, margin: f64, growth: Growth) -> Option<u64> {
    let pairs = float(n);
    let (away, caution) = ((seen.ratio - 1.0).abs(), CAUTION * seen.standard_error);
    // What the half-width must come down to: the estimate then still varies by a standard error of its own.
    let wanted = (away - caution)
        .max(margin - away - caution)
        .max(0.5 * margin);
    if wanted <= 0.0 {
        return None;
    }
    let suffices = |total: f64| {
        let standard_error = seen.standard_error * (pairs / total).sqrt();
        (growth.standard_errors(total) + ONE_IN_FIVE) * standard_error <= wanted
    };
    more(n, fewest(suffices))
}

/// More pairs for two failure rates, by the pairs of which one alone failed: in the first target, in the second.
pub(super) fn by_failures(
    n: usize,
    alone: [usize; 2],
    margin: f64,
    looks: LookRule,
) -> Option<u64> {
    let growth = match looks {
        LookRule::Every => Growth::watched(DISCORDANT),
        LookRule::Fixed => Growth::Fixed,
    };
    let (pairs, [a, b]) = (float(n), alone.map(float));
    let different = if a + b == 0.0 {
        f64::INFINITY
    } else {
        let share = a.max(b) / (a + b) - CAUTION * 0.5 / (a + b).sqrt();
        pairs_for_signs(share, growth) * pairs / (a + b)
    };
    // One more than came: none so far is not never.
    let often = (a + b + 1.0) / pairs;
    let seen = (a - b).abs() / pairs;
    let wanted = (margin - seen - CAUTION * (often / pairs).sqrt()).max(0.5 * margin);
    let same = fewest(|total| {
        let half = wanted - ONE_IN_FIVE * (often / total).sqrt();
        half > 0.0
            && match looks {
                LookRule::Every => {
                    let alone = 0.5 * often * total;
                    ln_evidence(-half, alone, alone, total - 2.0 * alone) >= (2.0 / ALPHA).ln()
                }
                // The last term is about what Clopper-Pearson adds.
                LookRule::Fixed => 1.96 * (often / total).sqrt() + 2.0 / total <= half,
            }
    });
    more(
        n,
        different.min(if margin > 0.0 { same } else { f64::INFINITY }),
    )
}

/// The fewest pairs that suffice, within 1 %; infinite if there are too many.
fn fewest(suffices: impl Fn(f64) -> bool) -> f64 {
    let mut enough = 4.0;
    while !suffices(enough) {
        enough *= 2.0;
        if enough > MOST {
            return f64::INFINITY;
        }
    }
    let mut short = enough * 0.5;
    while enough - short > 1.0 && enough - short > 0.01 * enough {
        let middle = f64::midpoint(short, enough);
        if suffices(middle) {
            enough = middle;
        } else {
            short = middle;
        }
    }
    enough.ceil()
}

/// How many more than `n` that is: at least one, since it can't be told yet.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "at most ten million"
)]
fn more(n: usize, total: f64) -> Option<u64> {
    total
        .is_finite()
        .then(|| (total - float(n)).max(1.0) as u64)
}

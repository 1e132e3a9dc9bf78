//! Evidence that one target is faster than another, or fails less often.
//!
//! In: pairs of values, one of each target, in the order in which they came. Out: verdicts: a difference and a ratio with
//! their 95 % intervals, what follows, and how many more pairs it would take to tell. Each method stands in one table,
//! [`Method`], with its sentence and citation; `docs/method.md` explains them and lists their error rates.
//!
//! Where people watch ([`LookRule::Every`]), an interval holds at every look at once: whoever stops at the first verdict is
//! wrong in at most 5 % of comparisons. Where the number of pairs was fixed beforehand, it is narrower.
//! Nothing here reads a clock; what is random is seeded by the number of pairs, so that the same pairs give the same verdict.

mod bisection;
mod failures;
mod fixed;
mod independent;
mod method;
mod mixture;
mod needed;
mod quantiles;
mod resampled;
mod sorted;
mod special;
mod watched;

pub use self::{independent::independent_difference, method::Method, watched::Watched};

use self::failures::PairCounts;
use super::percentile::{Percentile, percentile};

/// The chance that an interval misses what it estimates.
pub const ALPHA: f64 = 0.05;

/// When people look at a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LookRule {
    /// After any pair: the verdict must hold at every look.
    Every,
    /// Once, at a number of pairs that was fixed beforehand.
    Fixed,
}

/// What of a distribution is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Quantile {
    /// The median of the paired differences.
    Median,
    /// The difference of the two targets' 95th percentiles.
    P95,
    /// The difference of the two targets' 99th percentiles.
    P99,
}

impl Quantile {
    /// All, in order.
    pub const ALL: [Self; 3] = [Self::Median, Self::P95, Self::P99];

    /// Between 0 and 1.
    #[must_use]
    pub const fn p(self) -> f64 {
        match self {
            Self::Median => 0.5,
            Self::P95 => 0.95,
            Self::P99 => 0.99,
        }
    }

    /// Its name: `median`, `p95`, `p99`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Median => "median",
            Self::P95 => "p95",
            Self::P99 => "p99",
        }
    }
}

/// One pair: the same question to both targets within a short time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pair {
    /// What the first target took; `None` if it failed or is left out (late, fault).
    pub a: Option<f64>,
    /// What the second took.
    pub b: Option<f64>,
}

impl Pair {
    /// Both values; `None` if one is missing or no number.
    #[must_use]
    pub fn both(self) -> Option<(f64, f64)> {
        let (a, b) = (self.a?, self.b?);
        (a.is_finite() && b.is_finite()).then_some((a, b))
    }
}

/// An estimate and its 95 % interval; each blank where the sample does not allow it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct IntervalEstimate {
    /// The best guess.
    pub value: Option<f64>,
    /// Lower end of the interval.
    pub low: Option<f64>,
    /// Upper end of the interval.
    pub high: Option<f64>,
}

impl IntervalEstimate {
    /// An estimate, and the lower and upper end of its interval.
    #[must_use]
    pub fn new(value: Option<f64>, ends: Option<(f64, f64)>) -> Self {
        Self {
            value,
            low: ends.map(|(low, _)| low),
            high: ends.map(|(_, high)| high),
        }
    }

    /// Whether the interval is known and lies between two values.
    #[must_use]
    pub fn is_within(&self, low: f64, high: f64) -> bool {
        self.low.is_some_and(|found| found >= low) && self.high.is_some_and(|found| found <= high)
    }
}

impl From<Percentile> for IntervalEstimate {
    fn from(of: Percentile) -> Self {
        Self {
            value: of.value,
            low: of.low,
            high: of.high,
        }
    }
}

crate::event::words! {
    /// What follows of the second target against the first.
    Conclusion {
        /// It is faster, or fails less often: the interval excludes no difference.
        Faster = "faster",
        /// It is slower, or fails more often.
        Slower = "slower",
        /// The whole interval lies within the margin.
        Same = "same",
        /// The pairs do not suffice.
        CantTell = "cant_tell",
    }
}

impl Conclusion {
    /// Its word where failures are compared.
    #[must_use]
    pub const fn of_failures(self) -> &'static str {
        match self {
            Self::Faster => "fewer",
            Self::Slower => "more",
            Self::Same | Self::CantTell => self.as_str(),
        }
    }
}

/// A verdict on how long two targets take.
#[derive(Clone, Debug, PartialEq)]
pub struct LatencyVerdict {
    /// What is compared.
    pub quantile: Quantile,
    /// The pairs with both values.
    pub n: usize,
    /// Second − first, in the unit of the values.
    pub difference: IntervalEstimate,
    /// Second ÷ first; blank if a value of the first is not positive.
    pub ratio: IntervalEstimate,
    /// What follows.
    pub outcome: Conclusion,
    /// How many more pairs, about, until it can be told; `None` if that is not known, or once it is told.
    pub pairs_needed: Option<u64>,
    /// How it was made.
    pub method: Method,
}

/// A verdict on how often two targets fail.
#[derive(Clone, Debug, PartialEq)]
pub struct FailureVerdict {
    /// The pairs.
    pub n: usize,
    /// The share of the first target's requests that failed.
    pub a: IntervalEstimate,
    /// The share of the second's.
    pub b: IntervalEstimate,
    /// Second − first.
    pub difference: IntervalEstimate,
    /// What follows; `Faster` is: the second fails less often.
    pub outcome: Conclusion,
    /// How many more pairs, about, until it can be told; `None` if that is not known, or once it is told.
    pub pairs_needed: Option<u64>,
    /// How it was made.
    pub method: Method,
}

/// The verdict on one quantile. A ratio within 1 ± `margin` counts as the same.
///
/// [`Watched`] gives the same pair by pair, for less.
#[must_use]
pub fn verdict(pairs: &[Pair], quantile: Quantile, looks: LookRule, margin: f64) -> LatencyVerdict {
    match looks {
        LookRule::Every => {
            let watched: Watched = pairs.iter().copied().collect();
            watched.verdict(quantile, margin)
        }
        LookRule::Fixed => {
            let both: Vec<(f64, f64)> = pairs.iter().filter_map(|pair| pair.both()).collect();
            fixed::verdict(&both, quantile, margin)
        }
    }
}

/// What an interval says. Small differences come first: within the margin is the same, even if it is surely not none.
fn conclusion(difference: &IntervalEstimate, ratio: &IntervalEstimate, margin: f64) -> Conclusion {
    if ratio.is_within(1.0 - margin, 1.0 + margin) {
        Conclusion::Same
    } else if difference.high.is_some_and(|high| high < 0.0) {
        Conclusion::Faster
    } else if difference.low.is_some_and(|low| low > 0.0) {
        Conclusion::Slower
    } else {
        Conclusion::CantTell
    }
}

/// The verdict on failures: whether each target failed, pair by pair in order. Rates that differ by at most `margin` (0.01
/// is one percentage point) count as the same.
#[must_use]
pub fn failure_verdict(pairs: &[(bool, bool)], looks: LookRule, margin: f64) -> FailureVerdict {
    let counts: PairCounts = pairs.iter().copied().collect();
    let n = counts.n();
    let difference = counts.difference(looks);
    let outcome = if difference.is_within(-margin, margin) {
        Conclusion::Same
    } else {
        conclusion(&difference, &IntervalEstimate::default(), 0.0)
    };
    let alone = [counts.a_alone, counts.b_alone];
    let pairs_needed = (outcome == Conclusion::CantTell && n > 0)
        .then(|| needed::by_failures(n, alone, margin, looks));
    FailureVerdict {
        n,
        a: share(counts.both + counts.a_alone, n, looks),
        b: share(counts.both + counts.b_alone, n, looks),
        difference,
        outcome,
        pairs_needed: pairs_needed.flatten(),
        method: match looks {
            LookRule::Every => Method::FailureSequence,
            LookRule::Fixed => Method::ExactPairs,
        },
    }
}

/// A share with its 95 % interval: `count` of `n`, such as the failures among requests, or the answers that people
/// marked as better among those that they did not mark as equal.
#[must_use]
pub fn share(count: usize, n: usize, looks: LookRule) -> IntervalEstimate {
    failures::share(count.min(n), n, looks)
}

/// One target's quantile with its 95 % interval.
#[must_use]
pub fn of_one(values: &[f64], quantile: Quantile, looks: LookRule) -> IntervalEstimate {
    match looks {
        LookRule::Every => watched::of_one(values, quantile),
        LookRule::Fixed => percentile(values.iter().copied(), quantile.p()).into(),
    }
}

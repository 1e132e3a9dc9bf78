//! Two targets' quantiles, watched: which shifts between them are ruled out.
//!
//! In: pairs of values. Out: whether "the quantile of one is at least that of the other, shifted" is ruled out, and the
//! interval of shifts that are not.
//!
//! If it were so, then at q, the first target's quantile: the first exceeds q with a chance of at most 1 − p; the second,
//! shifted, is below q with a chance of at most p; and of the pairs that q separates, at most half have the first above
//! and the second below. Each of these is a bet ([`Mixture`]) that does not grow on average; so is their mean, whatever
//! the pairs have in common. Since q is not known, the statement is ruled out once the mean bet reaches 1/α at *every* q.
//! (The first two alone are the confidence sequences of Howard & Ramdas 2022. The third is sharper: it sees the
//! difference of the two counts, not each against what is expected of it.)

use super::{
    bisection::interval_end_from_none,
    mixture::{Boundary, Mixture},
    sorted::SortedValues,
};

/// The shares of the stake: on the first target's count, on the second's, on the separated pairs.
const STAKES: [f64; 3] = [0.25, 0.25, 0.5];
/// The separated pairs at which the third bet is tightest.
const SEPARATED: f64 = 50.0;
/// Halvings of the range in which an end of the interval lies: 1/65,536 of it is left.
const HALVINGS: usize = 16;

/// What is held against one statement: both targets' values, in pairs and sorted.
pub(super) struct Statement<'a> {
    pairs: &'a [(f64, f64)],
    a: &'a SortedValues,
    b: &'a SortedValues,
    bets: &'a QuantileBets,
}

/// Which of two is said to be the slower or equal one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Claim {
    /// "The quantile of b is at least that of a, shifted": ruling it out gives an upper end.
    AtLeast,
    /// "At most": ruling it out gives a lower end.
    AtMost,
}

impl Claim {
    /// The pair as (the one said to have the smaller quantile, the other one shifted back to it).
    fn turned(self, (a, b): (f64, f64), shift: Shift) -> (f64, f64) {
        match self {
            Self::AtLeast => (a, shift.back(b)),
            Self::AtMost => (b, shift.forth(a)),
        }
    }
}

/// How b is said to relate to a.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Shift {
    /// b = a + this.
    Plus(f64),
    /// b = a × this.
    Times(f64),
}

impl Shift {
    /// a, shifted to where b is said to be.
    fn forth(self, a: f64) -> f64 {
        match self {
            Self::Plus(by) => a + by,
            Self::Times(by) => a * by,
        }
    }

    /// b, shifted back.
    fn back(self, b: f64) -> f64 {
        match self {
            Self::Plus(by) => b - by,
            Self::Times(by) => b / by,
        }
    }
}

/// The three bets for a quantile.
#[derive(Clone, Debug)]
pub(super) struct QuantileBets {
    exceeds: Mixture,
    below: Mixture,
    separated: Mixture,
    threshold: f64,
    exceeding_alone: Boundary,
    below_alone: Boundary,
}

impl QuantileBets {
    /// Bets on the p-quantile, tightest at about `n` pairs, each statement with a chance of `alpha` to be ruled out wrongly.
    pub(super) fn new(p: f64, n: f64, alpha: f64) -> Self {
        let (exceeds, below) = (Mixture::tuned(1.0 - p, n), Mixture::tuned(p, n));
        Self {
            exceeds,
            below,
            separated: Mixture::tuned(0.5, SEPARATED),
            threshold: 1.0 / alpha,
            exceeding_alone: Boundary::new(exceeds, alpha * STAKES[0]),
            below_alone: Boundary::new(below, alpha * STAKES[1]),
        }
    }

    /// One more pair.
    pub(super) fn advance(&mut self) {
        self.exceeding_alone.advance();
        self.below_alone.advance();
    }

    /// At this many pairs.
    pub(super) fn at(mut self, n: usize) -> Self {
        self.exceeding_alone = self.exceeding_alone.at(n);
        self.below_alone = self.below_alone.at(n);
        self
    }

    /// The fewest values above q, and below q, that rule q out alone.
    fn least(&self) -> Option<(usize, usize)> {
        self.exceeding_alone.least().zip(self.below_alone.least())
    }

    /// Whether a value q is ruled out by what is known of it.
    fn rules_out(&self, n: usize, at: Counts) -> bool {
        let mut sum = STAKES[2] * self.separated.ln_evidence(at.for_it, at.against).exp();
        if sum < self.threshold {
            sum += STAKES[0] * self.exceeds.ln_evidence(at.above, n - at.above).exp();
            sum += STAKES[1] * self.below.ln_evidence(at.below, n - at.below).exp();
        }
        sum >= self.threshold
    }
}

/// What is counted at one value q.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    /// Values of the first above q.
    above: usize,
    /// Values of the second below q.
    below: usize,
    /// Pairs with the first above and the second below.
    for_it: usize,
    /// Pairs with the first not above and the second not below.
    against: usize,
}

impl<'a> Statement<'a> {
    /// The values of a and b must be those of the pairs, and the bets have advanced to their number.
    pub(super) fn new(
        pairs: &'a [(f64, f64)],
        [a, b]: [&'a SortedValues; 2],
        bets: &'a QuantileBets,
    ) -> Self {
        Self { pairs, a, b, bets }
    }

    /// Whether the claim about this shift is ruled out.
    pub(super) fn is_ruled_out(&self, claim: Claim, shift: Shift) -> bool {
        self.is_ruled_out_by(self.pairs, claim, shift)
    }

    /// The same, given the pairs that decide: all others have both values below where the first's count rules q out.
    fn is_ruled_out_by(&self, deciding: &[(f64, f64)], claim: Claim, shift: Shift) -> bool {
        let n = self.pairs.len();
        let Some((low, high)) = self.possible(claim, shift) else {
            return false;
        };
        if low > high {
            return true;
        }
        let pairs = deciding.iter().map(|pair| claim.turned(*pair, shift));
        let others = n - deciding.len();
        let rules_out = |mut at: Counts| {
            at.below += others;
            self.bets.rules_out(n, at)
        };
        // Most claims that stand do so in the middle already, which takes one pass.
        rules_out(counts_at(pairs.clone(), f64::midpoint(low, high)))
            && counts_within(pairs, low, high).into_iter().all(rules_out)
    }

    /// The values at which q may be: below, the first target's count rules it out alone, above, the second's.
    fn possible(&self, claim: Claim, shift: Shift) -> Option<(f64, f64)> {
        let (above, below) = self.bets.least()?;
        let from_top = self.pairs.len() + 1 - above;
        match claim {
            Claim::AtLeast => Some((self.a.rank(from_top)?, shift.back(self.b.rank(below)?))),
            Claim::AtMost => Some((self.b.rank(from_top)?, shift.forth(self.a.rank(below)?))),
        }
    }

    /// The ends of the interval of differences.
    pub(super) fn difference(&self) -> Option<(f64, f64)> {
        let [a, b] = [self.ends(self.a)?, self.ends(self.b)?];
        let low = self.end(Claim::AtMost, Shift::Plus, [b[0] - a[1], b[1] - a[0]], 0.0);
        let high = self.end(Claim::AtLeast, Shift::Plus, [b[1] - a[0], b[0] - a[1]], 0.0);
        Some((low, high))
    }

    /// The ends of the interval of ratios; all values must be positive.
    pub(super) fn ratio(&self) -> Option<(f64, f64)> {
        let [a, b] = [self.ends(self.a)?, self.ends(self.b)?];
        let low = self.end(Claim::AtMost, Shift::Times, [b[0] / a[1], b[1] / a[0]], 1.0);
        let high = self.end(
            Claim::AtLeast,
            Shift::Times,
            [b[1] / a[0], b[0] / a[1]],
            1.0,
        );
        Some((low, high))
    }

    /// The values between which one target's own quantile lies, by its counts alone.
    fn ends(&self, values: &SortedValues) -> Option<[f64; 2]> {
        let n = values.len();
        let (above, below) = self.bets.least()?;
        Some([values.rank(n - above + 1)?, values.rank(below)?])
    }

    /// One end of an interval, between a shift that the targets' own counts rule out and one that stands.
    fn end(
        &self,
        claim: Claim,
        shift: fn(f64) -> Shift,
        [out, stands]: [f64; 2],
        none: f64,
    ) -> f64 {
        let deciding = self.deciding(claim, [shift(out), shift(stands)]);
        interval_end_from_none([out, stands], none, HALVINGS, |by| {
            self.is_ruled_out_by(&deciding, claim, shift(by))
        })
    }

    /// The pairs that have a value where q may be, or above, for a shift between two.
    fn deciding(&self, claim: Claim, shifts: [Shift; 2]) -> Vec<(f64, f64)> {
        let low = self
            .possible(claim, shifts[0])
            .map_or(f64::MIN, |(low, _)| low);
        let decides = |pair: &&(f64, f64)| {
            shifts.iter().any(|shift| {
                let (first, second) = claim.turned(**pair, *shift);
                first >= low || second >= low
            })
        };
        self.pairs.iter().filter(decides).copied().collect()
    }
}

/// What is counted at one value, pairs being (first, second).
fn counts_at(pairs: impl Iterator<Item = (f64, f64)>, q: f64) -> Counts {
    let mut counts = Counts::default();
    for (first, second) in pairs {
        let (above, below) = (first > q, second < q);
        counts.above += usize::from(above);
        counts.below += usize::from(below);
        counts.for_it += usize::from(above && below);
        counts.against += usize::from(first <= q && second >= q);
    }
    counts
}

/// What is counted at each value between two, pairs being (first, second); at the values alone, since evidence is weaker
/// there than between them.
fn counts_within(
    pairs: impl Iterator<Item = (f64, f64)> + Clone,
    low: f64,
    high: f64,
) -> Vec<Counts> {
    let is_within = |value: &f64| (low..=high).contains(value);
    let mut at: Vec<f64> = pairs
        .clone()
        .flat_map(|(first, second)| [first, second])
        .filter(is_within)
        .collect();
    at.sort_by(f64::total_cmp);
    at.dedup();
    let mut changes = vec![[0_isize; 4]; at.len() + 1];
    // From the first place on at which q is at least (or beyond) a value.
    let from = |value: f64| at.partition_point(|q| *q < value);
    let beyond = |value: f64| at.partition_point(|q| *q <= value);
    for (first, second) in pairs {
        if second > high && first > high {
            changes[0][0] += 1;
        } else if first < low && second < low {
            changes[0][1] += 1;
        } else {
            add(&mut changes, 0, 0, from(first));
            add(&mut changes, 1, beyond(second), at.len());
            add(&mut changes, 2, beyond(second), from(first));
            add(&mut changes, 3, from(first), beyond(second));
        }
    }
    let mut sums = [0_isize; 4];
    changes[..at.len()]
        .iter()
        .map(|change| {
            for (sum, by) in sums.iter_mut().zip(change) {
                *sum += by;
            }
            let [above, below, for_it, against] = sums.map(isize::unsigned_abs);
            Counts {
                above,
                below,
                for_it,
                against,
            }
        })
        .collect()
}

/// Counts one in the places from one to before another.
fn add(changes: &mut [[isize; 4]], which: usize, from: usize, to: usize) {
    if from < to {
        changes[from][which] += 1;
        changes[to][which] -= 1;
    }
}

#[cfg(test)]
mod tests;

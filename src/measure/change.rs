//! Change points: when a target's usual time became another one.
//!
//! In: values in the order of time, one of each probe. Out: [`MedianChange`]s, with the medians before and after.
//!
//! Each value is ranked among those before it. While nothing changes, ranks are uniform whatever the distribution
//! (conformal prediction: Vovk, Gammerman & Shafer, *Algorithmic Learning in a Random World*, §8), so that a bet on high
//! or on low ranks gains nothing on average. Shiryaev-Roberts statistics add up what bets would have gained that began
//! at each value so far; once they are above [`FALSE_ONCE_IN`], a change is told. Without one, this takes at least that
//! many values on average (an e-detector: Shin, Ramdas & Rinaldo 2024, theorem 2.4). This is exact while no value is
//! forgotten, and holds closely with [`WINDOW`] of them; it takes values to be exchangeable, so a daily rhythm is told
//! as what it is, a change each time.

use std::collections::VecDeque;

use super::{
    float,
    percentile::{self, Percentile},
};
use crate::seeded::uniform;

/// Without a change, one is told at most once in so many values, on average: a year of probes, one in five minutes.
pub const FALSE_ONCE_IN: f64 = 100_000.0;
/// The smallest relative change of the median that is told; a smaller one begins a new stretch in silence.
pub const SMALLEST: f64 = 0.05;
/// Most values that are remembered of a stretch without a change.
pub const WINDOW: usize = 1_000;
/// A change is told only once so many values came after it: what lasts shorter is an incident.
pub const LEAST_AFTER: usize = 8;
/// How far from where the best bet was made the change may be.
const NEAR: usize = 16;
/// Values that a stretch has before it can end.
const LEAST_BEFORE: usize = 8;

/// The usual value became another one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MedianChange {
    /// The first value of the new stretch, by its place in the order of all values (from 0).
    pub index: usize,
    /// The median before, of at most [`WINDOW`] values.
    pub before: Percentile,
    /// The median since, of the values until it was told, or of more of them if they are known.
    pub after: Percentile,
}

impl MedianChange {
    /// The new median as a multiple of the old one; `None` if one of them is not known, or the old one is 0.
    #[must_use]
    pub fn ratio(&self) -> Option<f64> {
        let (before, after) = (self.before.value?, self.after.value?);
        (before > 0.0).then(|| after / before)
    }

    /// Whether it is large enough to be told.
    #[must_use]
    pub fn is_told(&self) -> bool {
        self.ratio()
            .is_none_or(|ratio| (ratio - 1.0).abs() >= SMALLEST)
    }
}

/// The changes among values in the order of time; each has the medians of the whole stretches before and after, of
/// at most [`WINDOW`] values.
#[must_use]
pub fn changes(values: &[f64]) -> Vec<MedianChange> {
    let mut detector = ChangeDetector::default();
    let found: Vec<MedianChange> = values
        .iter()
        .filter_map(|&value| detector.push(value))
        .collect();
    let ends = found
        .iter()
        .map(|change| change.index)
        .skip(1)
        .chain([values.len()]);
    let whole = found.iter().zip(ends).map(|(change, end)| {
        let end = end.min(change.index.saturating_add(WINDOW));
        let after = values.get(change.index..end).unwrap_or_default();
        MedianChange {
            after: percentile::median(after.iter().copied()),
            ..*change
        }
    });
    whole.filter(MedianChange::is_told).collect()
}

/// Finds changes as values come. Memory and time for a value are bounded.
#[derive(Clone, Debug)]
pub struct ChangeDetector {
    /// How many values there were.
    seen: usize,
    /// The values of this stretch, in the order in which they came.
    values: VecDeque<f64>,
    /// The same in the order of size.
    sorted: Vec<f64>,
    bets: [Bet; BETS],
}

/// Exponents of the bets; the larger, the bolder.
const BOLDNESS: [Power; 3] = [Power::Half, Power::One, Power::Three];
/// Each is a bet on high and one on low ranks.
const BETS: usize = 2 * BOLDNESS.len();

#[derive(Clone, Copy, Debug)]
enum Power {
    Half,
    One,
    Three,
}

impl Power {
    /// What one unit becomes: the density (k + 1)·rank^k, whose mean over uniform ranks is 1.
    fn gain(self, rank: f64) -> f64 {
        match self {
            Self::Half => 1.5 * rank.sqrt(),
            Self::One => 2.0 * rank,
            Self::Three => 4.0 * rank * rank * rank,
        }
    }
}

/// A bet on high or on low ranks.
#[derive(Clone, Copy, Debug)]
struct Bet {
    power: Power,
    on_high: bool,
    /// What units bet at each value so far have become together (Shiryaev-Roberts).
    sum: f64,
    /// What the best of them has become (the statistic of CUSUM), and the value at which it was bet.
    best: f64,
    since: usize,
}

impl Bet {
    fn new(power: Power, on_high: bool) -> Self {
        Self {
            power,
            on_high,
            sum: 0.0,
            best: 0.0,
            since: 0,
        }
    }

    fn take(&mut self, index: usize, rank: f64) {
        let gain = self
            .power
            .gain(if self.on_high { rank } else { 1.0 - rank });
        self.sum = (self.sum + 1.0) * gain;
        if self.best <= 1.0 {
            (self.best, self.since) = (1.0, index);
        }
        self.best *= gain;
    }
}

fn new_bets() -> [Bet; BETS] {
    std::array::from_fn(|at| Bet::new(BOLDNESS[at / 2], at % 2 == 0))
}

impl Default for ChangeDetector {
    fn default() -> Self {
        Self {
            seen: 0,
            values: VecDeque::new(),
            sorted: Vec::new(),
            bets: new_bets(),
        }
    }
}

impl ChangeDetector {
    /// Takes the next value; gives a change once it is sure of one. NaN is counted, and otherwise passed over.
    pub fn push(&mut self, value: f64) -> Option<MedianChange> {
        let index = self.seen;
        self.seen += 1;
        if value.is_nan() {
            return None;
        }
        let rank = self.rank(value, index);
        for bet in &mut self.bets {
            bet.take(index, rank);
        }
        self.remember(value);
        self.found()
    }

    /// Where the value stands among those before it, from 0 to 1; equal ones are put in an order by chance, which is
    /// the same each time.
    fn rank(&self, value: f64, index: usize) -> f64 {
        let below = self.sorted.partition_point(|other| *other < value);
        let upto = self.sorted.partition_point(|other| *other <= value);
        let equal = upto - below + 1;
        (float(below) + uniform(0, index as u64) * float(equal)) / float(self.sorted.len() + 1)
    }

    fn remember(&mut self, value: f64) {
        if self.values.len() == WINDOW
            && let Some(oldest) = self.values.pop_front()
        {
            let at = self.sorted.partition_point(|other| *other < oldest);
            self.sorted.remove(at);
        }
        self.values.push_back(value);
        let at = self.sorted.partition_point(|other| *other <= value);
        self.sorted.insert(at, value);
    }

    /// Where values are best told apart, near a place: where they are closest to the median of their side.
    fn split_near(&self, place: usize) -> usize {
        let median = |from: usize, to: usize| {
            let values = self.values.range(from..to).copied();
            percentile::median(values).value.unwrap_or(f64::NAN)
        };
        let (before, after) = (median(0, place), median(place, self.values.len()));
        let first = place.saturating_sub(NEAR).max(1);
        let last = (place + NEAR)
            .min(self.values.len() - LEAST_AFTER)
            .max(first);
        let off = |split: usize| {
            let side = |at: usize| if at < split { before } else { after };
            let near = (first..last).map(|at| (self.values[at] - side(at)).abs());
            near.sum::<f64>()
        };
        let splits = (first..=last).min_by(|one, other| off(*one).total_cmp(&off(*other)));
        splits.unwrap_or(place)
    }

    /// A change, if the bets won enough. It began where the best of them was made.
    fn found(&mut self) -> Option<MedianChange> {
        let mean = self.bets.iter().map(|bet| bet.sum).sum::<f64>() / float(BETS);
        if mean < FALSE_ONCE_IN {
            return None;
        }
        let best = (self.bets.iter()).max_by(|one, other| one.best.total_cmp(&other.best))?;
        // Values that were passed over are in no stretch, so this may be a few too early.
        let after = (self.seen - best.since).min(self.values.len());
        if after < LEAST_AFTER {
            return None;
        }
        let split = self.split_near(self.values.len() - after);
        let index = self.seen - (self.values.len() - split);
        let since = self.values.split_off(split);
        let before = std::mem::replace(&mut self.values, since);
        let change = MedianChange {
            index,
            before: percentile::median(before.iter().copied()),
            after: percentile::median(self.values.iter().copied()),
        };
        self.sorted = self.values.iter().copied().collect();
        self.sorted.sort_by(f64::total_cmp);
        self.bets = new_bets();
        (before.len() >= LEAST_BEFORE).then_some(change)
    }
}

#[cfg(test)]
mod tests {
    use rand::{Rng, RngExt as _, SeedableRng as _, rngs::SmallRng};

    use super::*;

    /// Log-normal, as times to the first token are: the median, and the standard deviation of the logarithm.
    fn ttft(random: &mut impl Rng, median: f64, spread: f64) -> f64 {
        let [one, other]: [f64; 2] = [random.random(), random.random()];
        let normal = (-2.0 * (1.0 - one).ln()).sqrt() * (std::f64::consts::TAU * other).cos();
        median * (spread * normal).exp()
    }

    #[test]
    #[expect(clippy::print_stdout, reason = "the rate is to be seen")]
    fn twenty_years_without_a_change_have_no_more_marks_than_is_said() {
        // One probe in five minutes.
        let year = 365 * 24 * 12;
        let mut marks = 0;
        for target in 0..20 {
            let mut random = SmallRng::seed_from_u64(target);
            let spread = [0.05, 0.1, 0.2, 0.43][usize::try_from(target % 4).unwrap()];
            let mut detector = ChangeDetector::default();
            let found = (0..year).filter_map(|_| detector.push(ttft(&mut random, 500.0, spread)));
            // Marks that are too small to be told count here, too.
            marks += found.count();
        }
        let said = 20.0 * f64::from(year) / FALSE_ONCE_IN;
        println!(
            "marks in 20 years of a target without a change: {marks}, said: at most {said:.0}"
        );
        assert!(float(marks) <= said, "{marks} > {said}");
    }

    #[test]
    #[expect(clippy::print_stdout, reason = "the rate is to be seen")]
    fn a_change_of_fifteen_percent_is_told_within_an_hour_of_probes() {
        // The standard deviation of the logarithm, and how many probes an hour of them has that finds it.
        for (spread, hour) in [(0.05, 12), (0.1, 30), (0.15, 60), (0.2, 60)] {
            let mut waits = Vec::new();
            let mut off = Vec::new();
            let mut ratios = Vec::new();
            for seed in 0..100 {
                let mut random = SmallRng::seed_from_u64(1_000 + seed);
                let mut detector = ChangeDetector::default();
                for _ in 0..500 {
                    detector.push(ttft(&mut random, 400.0, spread));
                }
                let faster = if seed % 2 == 0 { 1.15 } else { 1.0 / 1.15 };
                let change = (0..10_000)
                    .find_map(|_| detector.push(ttft(&mut random, 400.0 * faster, spread)));
                let change = change.expect("it is told at some time");
                waits.push(float(detector.seen - 500));
                off.push(float(change.index.abs_diff(500)));
                ratios.push(change.ratio().unwrap() / faster);
            }
            let within = waits
                .iter()
                .filter(|wait| **wait <= f64::from(hour))
                .count();
            let [wait, off, ratio] =
                [waits, off, ratios].map(|values| percentile::median(values).value.unwrap());
            println!(
                "spread {spread}: told after {wait} probes (median); {within} of 100 within {hour}; \
                 its beginning is off by {off}, its size by a factor of {ratio:.2}"
            );
            assert!((0.9..1.1).contains(&ratio), "{ratio}");
            assert!(
                within >= 50,
                "{within} of 100 within {hour} probes at a spread of {spread}"
            );
        }
    }

    #[test]
    fn each_of_several_changes_is_told_once_with_its_size() {
        let mut random = SmallRng::seed_from_u64(7);
        let medians = [300.0, 600.0, 300.0, 312.0];
        let values: Vec<f64> = (medians.iter())
            .flat_map(|median| std::iter::repeat_n(*median, 400))
            .map(|median| ttft(&mut random, median, 0.1))
            .collect();
        let found = changes(&values);
        let told: Vec<_> = (found.iter())
            .map(|change| (change.index.div_ceil(100), change.ratio().unwrap().round()))
            .collect();
        assert_eq!(told.len(), 2, "a change of 4 % is not told: {found:?}");
        assert_eq!(told[0].0, 4, "{found:?}");
        assert!((found[0].ratio().unwrap() - 2.0).abs() < 0.1, "{found:?}");
        assert!((found[1].ratio().unwrap() - 0.5).abs() < 0.05, "{found:?}");
        assert!(
            found[0].after.n > 300,
            "the whole stretch counts: {found:?}"
        );
    }

    #[test]
    fn an_incident_of_a_few_probes_is_no_change() {
        let mut random = SmallRng::seed_from_u64(3);
        let mut values: Vec<f64> = (0..600).map(|_| ttft(&mut random, 400.0, 0.2)).collect();
        for value in &mut values[300..306] {
            *value = 9_000.0;
        }
        assert_eq!(changes(&values), []);
    }

    #[test]
    fn equal_values_and_odd_ones_tell_nothing() {
        assert_eq!(changes(&vec![5.0; 5_000]), []);
        assert_eq!(changes(&[f64::NAN; 100]), []);
        assert_eq!(changes(&[]), []);
        assert_eq!(changes(&[1.0, f64::INFINITY, 2.0]), []);
        let mut values = vec![f64::NAN; 3];
        values.extend([10.0; 40]);
        values.extend([20.0; 40]);
        let found = changes(&values);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].index, 43);
    }
}

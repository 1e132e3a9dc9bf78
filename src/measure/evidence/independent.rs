//! The difference of two values that were measured apart, each with an interval of its own.

use super::IntervalEstimate;

/// `b` − `a` with its 95 % interval, from the 95 % intervals of two samples that know nothing of each other. Blank ends
/// where an end of theirs is.
///
/// It is the method of variance estimates recovery ([`Method::Mover`](super::Method::Mover)): the distance from an estimate
/// to an end of its interval stands for its error on that side, and errors of independent estimates add up as squares.
#[must_use]
pub fn independent_difference(a: &IntervalEstimate, b: &IntervalEstimate) -> IntervalEstimate {
    let Some((of_a, of_b)) = a.value.zip(b.value) else {
        return IntervalEstimate::default();
    };
    let value = of_b - of_a;
    let below = |b_low: f64, a_high: f64| value - (of_b - b_low).hypot(a_high - of_a);
    let above = |b_high: f64, a_low: f64| value + (b_high - of_b).hypot(of_a - a_low);
    IntervalEstimate {
        value: Some(value),
        low: b.low.zip(a.high).map(|(b, a)| below(b, a)),
        high: b.high.zip(a.low).map(|(b, a)| above(b, a)),
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt as _, SeedableRng as _, rngs::SmallRng};

    use super::*;
    use crate::{bench::figures::share_interval, measure::percentile::percentile};

    fn estimate(value: f64, low: f64, high: f64) -> IntervalEstimate {
        IntervalEstimate {
            value: Some(value),
            low: Some(low),
            high: Some(high),
        }
    }

    /// Table II of Newcombe 1998, method 10: 56 of 70 against 48 of 80.
    #[test]
    fn of_shares_it_is_newcombes_interval() {
        let share = |of_these: u32, of: u32| {
            let (low, high) = share_interval(of_these.into(), of.into()).unwrap();
            estimate(f64::from(of_these) / f64::from(of), low, high)
        };
        let found = independent_difference(&share(48, 80), &share(56, 70));
        let ends = [found.value, found.low, found.high].map(|end| end.unwrap());
        let expected = [0.2, 0.0524, 0.3339];
        for (end, expected) in ends.iter().zip(expected) {
            assert!((end - expected).abs() < 5e-5, "{ends:?}");
        }
    }

    #[test]
    fn what_is_not_known_stays_blank() {
        let blank = IntervalEstimate::default();
        let known = estimate(2.0, 1.0, 4.0);
        assert_eq!(independent_difference(&blank, &known), blank);
        let open = IntervalEstimate {
            high: None,
            ..known
        };
        let found = independent_difference(&open, &known);
        assert_eq!((found.value, found.low), (Some(0.0), None));
        assert!(found.high.is_some());
    }

    /// How often the interval misses, of samples of log-normal times as TTFTs are.
    fn misses(p: f64, n: usize, repeats: u32) -> u32 {
        let mut random = SmallRng::seed_from_u64(11);
        let mut sample = |median: f64, spread: f64| -> IntervalEstimate {
            let values = (0..n).map(|_| {
                let [one, other]: [f64; 2] = [random.random(), random.random()];
                let normal =
                    (-2.0 * (1.0 - one).ln()).sqrt() * (std::f64::consts::TAU * other).cos();
                median * (spread * normal).exp()
            });
            percentile(values, p).into()
        };
        // The 95th percentile of a normal distribution is 1.645 deviations above its median.
        let deviations = if p > 0.5 { 1.644_853_626_951 } else { 0.0 };
        let quantile = |median: f64, spread: f64| median * (spread * deviations).exp();
        let truth = quantile(130.0, 0.6) - quantile(100.0, 0.2);
        (0..repeats).fold(0, |misses, _| {
            let (a, b) = (sample(100.0, 0.2), sample(130.0, 0.6));
            let found = independent_difference(&a, &b);
            let holds = found.low.unwrap() <= truth && truth <= found.high.unwrap();
            misses + u32::from(!holds)
        })
    }

    #[test]
    fn it_misses_in_at_most_5_percent() {
        for (p, n) in [(0.5, 50), (0.5, 200), (0.95, 150), (0.95, 400)] {
            let missed = misses(p, n, 1_000);
            // 5 % of 1,000, and two deviations of chance.
            assert!(missed <= 64, "p {p}, n {n}: {missed} of 1,000");
        }
    }
}

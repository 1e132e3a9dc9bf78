//! The TTFTs of late, and their quantiles: newer ones count for more.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// Most samples that are kept.
const MOST: usize = 512;
/// How long a sample is kept.
const WINDOW: Duration = Duration::from_mins(15);
/// After this time a sample counts half.
const HALF_LIFE: Duration = Duration::from_mins(3);
/// How long a computed quantile holds: sorting for each request would cost more than it gives.
const HOLDS: Duration = Duration::from_millis(100);

/// Recent TTFTs.
#[derive(Debug, Default)]
pub(super) struct RecentTtfts {
    samples: VecDeque<(Instant, Duration)>,
    /// A quantile, when it was computed, and its value.
    computed: Option<(f64, Instant, Duration)>,
}

impl RecentTtfts {
    /// Adds one that was measured at this time.
    pub(super) fn add(&mut self, at: Instant, ttft: Duration) {
        let is_old = |taken: &Instant| at.saturating_duration_since(*taken) > WINDOW;
        while self.samples.len() >= MOST
            || self.samples.front().is_some_and(|(taken, _)| is_old(taken))
        {
            self.samples.pop_front();
        }
        self.samples.push_back((at, ttft));
    }

    /// How many there are of late.
    pub(super) fn of_late(&self, at: Instant) -> usize {
        let is_late =
            |(taken, _): &&(Instant, Duration)| at.saturating_duration_since(*taken) <= WINDOW;
        self.samples.iter().filter(is_late).count()
    }

    /// The weighted quantile at a time, if there are at least `least` samples.
    pub(super) fn quantile(
        &mut self,
        quantile: f64,
        at: Instant,
        least: usize,
    ) -> Option<Duration> {
        if self.samples.len() < least.max(1) {
            return None;
        }
        if let Some((of, when, value)) = self.computed
            && of.total_cmp(&quantile).is_eq()
            && at.saturating_duration_since(when) < HOLDS
        {
            return Some(value);
        }
        let weighted = self.samples.iter().map(|(taken, ttft)| {
            let age = at.saturating_duration_since(*taken).as_secs_f64();
            (*ttft, 0.5_f64.powf(age / HALF_LIFE.as_secs_f64()))
        });
        let mut weighted: Vec<(Duration, f64)> = weighted.collect();
        weighted.sort_unstable_by_key(|(ttft, _)| *ttft);
        let all: f64 = weighted.iter().map(|(_, weight)| weight).sum();
        let mut below = 0.0;
        let reached = weighted.iter().find(|(_, weight)| {
            below += weight;
            below >= all * quantile
        });
        let value = reached.or(weighted.last()).map(|(ttft, _)| *ttft)?;
        self.computed = Some((quantile, at, value));
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::now;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_quantile_is_one_of_the_samples_and_needs_enough_of_them() {
        let (at, mut ttfts) = (now(), RecentTtfts::default());
        assert_eq!(ttfts.quantile(0.5, at, 1), None);
        for sample in 1..=100 {
            ttfts.add(at, ms(sample));
        }
        assert_eq!(ttfts.quantile(0.95, at, 101), None);
        assert_eq!(ttfts.quantile(0.95, at, 100), Some(ms(95)));
        assert_eq!(ttfts.quantile(0.5, at, 20), Some(ms(50)));
        assert_eq!(ttfts.quantile(1.0, at, 20), Some(ms(100)));
        assert_eq!(ttfts.quantile(0.0, at, 20), Some(ms(1)));
    }

    #[test]
    fn newer_samples_count_for_more_and_old_ones_go() {
        let (at, mut ttfts) = (now(), RecentTtfts::default());
        for _ in 0..30 {
            ttfts.add(at, ms(1_000));
        }
        let later = at + HALF_LIFE * 3;
        for _ in 0..10 {
            ttfts.add(later, ms(10));
        }
        // Thirty old ones weigh as much as four new ones.
        assert_eq!(ttfts.quantile(0.6, later, 1), Some(ms(10)));
        let much_later = later + WINDOW + ms(1);
        ttfts.add(much_later, ms(7));
        assert_eq!(
            (ttfts.samples.len(), ttfts.quantile(0.0, much_later, 1)),
            (1, Some(ms(7)))
        );
    }

    #[test]
    fn no_more_are_kept_than_the_limit() {
        let (at, mut ttfts) = (now(), RecentTtfts::default());
        for sample in 0..10 * MOST as u64 {
            ttfts.add(at, ms(sample));
        }
        assert_eq!(ttfts.samples.len(), MOST);
        assert_eq!(ttfts.quantile(1.0, at, 1), Some(ms(10 * MOST as u64 - 1)));
    }
}

//! What was counted in the last minute, for the limits by rate.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// The time of the limits by rate.
const MINUTE: Duration = Duration::from_mins(1);

/// Counts, each with when it was added.
#[derive(Debug, Default)]
pub(super) struct LastMinute {
    counts: VecDeque<(Instant, u64)>,
    sum: u64,
}

impl LastMinute {
    /// Adds a count.
    pub(super) fn add(&mut self, at: Instant, count: u64) {
        self.counts.push_back((at, count));
        self.sum = self.sum.saturating_add(count);
    }

    /// The sum of the minute until this time.
    pub(super) fn sum(&mut self, at: Instant) -> u64 {
        while let Some((added, count)) = self.counts.front()
            && at.saturating_duration_since(*added) >= MINUTE
        {
            self.sum = self.sum.saturating_sub(*count);
            self.counts.pop_front();
        }
        self.sum
    }

    /// How long until the oldest count is a minute old; nothing if there is none.
    pub(super) fn until_less(&self, at: Instant) -> Duration {
        let oldest = self.counts.front();
        oldest.map_or(Duration::ZERO, |(added, _)| {
            MINUTE.saturating_sub(at.saturating_duration_since(*added))
        })
    }
}

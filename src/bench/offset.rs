//! How far the clocks of two machines are apart, from round trips between them.
//!
//! One asks the other for its time. The answer was made at some moment between the question and its arrival, so that the
//! middle of the two is wrong by half the round trip at most, whatever the network does; the shortest round trip says
//! most (Cristian 1989, “Probabilistic clock synchronization”).

use serde::{Deserialize, Serialize};

/// One question for the time: all times in nanoseconds since 1970, each on the clock of whoever took it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockRoundTrip {
    /// When we asked, at the latest.
    pub asked: i64,
    /// The time of the other clock.
    pub other: i64,
    /// When the answer had come.
    pub answered: i64,
}

/// How far another clock is ahead of ours, at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockOffset {
    /// When, on the other clock, in nanoseconds since 1970.
    pub at_unix_ns: i64,
    /// The other clock − ours, in nanoseconds.
    pub offset_ns: i64,
    /// The offset is wrong by this at most: half the shortest round trip, in nanoseconds.
    pub uncertainty_ns: u64,
    /// How many round trips were made.
    pub round_trips: u32,
}

impl ClockOffset {
    /// The offset by the shortest of these round trips; `None` without any.
    #[must_use]
    pub fn of(trips: &[ClockRoundTrip]) -> Option<Self> {
        let took = |trip: &ClockRoundTrip| trip.answered.saturating_sub(trip.asked);
        let trips_made = u32::try_from(trips.len()).unwrap_or(u32::MAX);
        let best = trips.iter().min_by_key(|trip| took(trip))?;
        let half = took(best).max(0) / 2;
        Some(Self {
            at_unix_ns: best.other,
            offset_ns: best.other - (best.asked + half),
            // The half is rounded down.
            uncertainty_ns: half.unsigned_abs() + 1,
            round_trips: trips_made,
        })
    }
}

/// A machine's clock as the machine that drove the bench measured it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeasuredClock {
    /// Which driver's clock it was measured against: a number that no other bench has.
    pub session: i64,
    /// Before the bench.
    pub before: ClockOffset,
    /// After the bench, or during it where the machine was lost; `None` if it was measured once.
    pub after: Option<ClockOffset>,
}

impl MeasuredClock {
    /// The machine's clock − the driver's at a time of the machine's clock, in nanoseconds: between the two measurements
    /// along a straight line, outside of them the nearer one.
    #[must_use]
    pub fn offset_ns(&self, at_unix_ns: i64) -> i64 {
        let before = self.before;
        let Some(after) = self.after else {
            return before.offset_ns;
        };
        let span = after.at_unix_ns.saturating_sub(before.at_unix_ns);
        let since = at_unix_ns.saturating_sub(before.at_unix_ns);
        if span <= 0 || since <= 0 {
            return before.offset_ns;
        }
        let drift = i128::from(after.offset_ns) - i128::from(before.offset_ns);
        let part = drift * i128::from(since.min(span)) / i128::from(span);
        before
            .offset_ns
            .saturating_add(i64::try_from(part).unwrap_or(0))
    }

    /// The offset is wrong by this at most where it was measured, in nanoseconds.
    #[must_use]
    pub fn uncertainty_ns(&self) -> u64 {
        let after = self.after.map_or(0, |after| after.uncertainty_ns);
        self.before.uncertainty_ns.max(after)
    }

    /// By how much the offset changed from before to after, in nanoseconds.
    #[must_use]
    pub fn drift_ns(&self) -> Option<i64> {
        let after = self.after?;
        Some(after.offset_ns.saturating_sub(self.before.offset_ns))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn offset(at_unix_ns: i64, offset_ns: i64) -> ClockOffset {
        ClockOffset {
            at_unix_ns,
            offset_ns,
            uncertainty_ns: 10,
            round_trips: 1,
        }
    }

    #[test]
    fn a_drift_is_followed_between_two_measurements_and_not_beyond() {
        let mut clock = MeasuredClock {
            session: 1,
            before: offset(1_000, 100),
            after: None,
        };
        assert_eq!((clock.offset_ns(9_000), clock.drift_ns()), (100, None));
        clock.after = Some(ClockOffset {
            uncertainty_ns: 30,
            ..offset(2_000, -100)
        });
        let offsets = [0, 1_000, 1_250, 1_500, 2_000, 9_000].map(|at| clock.offset_ns(at));
        assert_eq!(offsets, [100, 100, 50, 0, -100, -100]);
        assert_eq!(clock.drift_ns(), Some(-200));
        assert_eq!(clock.uncertainty_ns(), 30);
    }

    proptest! {
        /// Whatever the delays of both ways are, the true offset lies within what is claimed.
        #[test]
        fn the_true_offset_is_within_the_uncertainty(
            truth in -1_000_000_000_000_i64..1_000_000_000_000,
            delays in prop::collection::vec((0..200_000_000_i64, 0..200_000_000_i64), 1..12),
        ) {
            let mut now = 1_700_000_000_000_000_000;
            let trips: Vec<ClockRoundTrip> = delays.iter().map(|(there, back)| {
                let asked = now;
                let answered = asked + there + back;
                now = answered + 1_000;
                ClockRoundTrip { asked, other: asked + there + truth, answered }
            }).collect();
            let found = ClockOffset::of(&trips).unwrap();
            prop_assert!((found.offset_ns - truth).unsigned_abs() <= found.uncertainty_ns);
            let shortest = delays.iter().map(|(there, back)| there + back).min().unwrap();
            prop_assert!(found.uncertainty_ns <= shortest.unsigned_abs() / 2 + 1);
        }
    }
}

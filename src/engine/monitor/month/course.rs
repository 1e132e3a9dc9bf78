//! What happens when, as a function of the time since the month began, sleep included: so that a process that was
//! started anew goes on where the one before was killed.

use std::time::Duration;

pub(super) const TARGETS: u32 = 20;
pub(super) const EVERY: Duration = Duration::from_mins(5);
/// The targets whose endpoints are down for a while on each day.
const DOWN: [u32; 3] = [3, 9, 15];
const DAY: u32 = 24 * 60 * 60;
const HOUR: u32 = 60 * 60;

/// The course of a month. All times are since it began.
#[derive(Clone, Copy, Debug)]
pub(super) struct Course {
    /// The wall clock at the begin, in nanoseconds since 1970.
    pub(super) begin_unix_ns: i64,
    pub(super) days: u32,
}

/// A time of a day, at another minute on each.
fn time(day: u32, hour: u32, minutes: u32, stride: u32) -> Duration {
    let later = day * stride % (minutes * 60);
    Duration::from_secs((day * DAY + hour * HOUR + later).into())
}

fn day_of(at: Duration) -> u32 {
    u32::try_from(at.as_secs()).unwrap() / DAY
}

impl Course {
    /// One that ends about now.
    pub(super) fn until_now(days: u32) -> Self {
        let length = i64::from(days) * i64::from(DAY) * 1_000_000_000;
        Self {
            begin_unix_ns: crate::clock::wall_clock_ns() - length,
            days,
        }
    }

    pub(super) fn end(self) -> Duration {
        Duration::from_secs((self.days * DAY).into())
    }

    /// When the machine falls asleep, and for how long: once a day.
    pub(super) fn sleeps(self) -> Vec<(Duration, Duration)> {
        let sleep = |day| {
            let long = 20 * 60 + day * 431 % (2 * HOUR);
            (time(day, 3, 50, 977), Duration::from_secs(long.into()))
        };
        (0..self.days).map(sleep).collect()
    }

    /// The wall clock: stepped once a day, forth and back in turns, by five seconds, ninety, or an hour.
    pub(super) fn unix_ns(self, at: Duration) -> i64 {
        let size = |day: u32| [3_600, 90, 5][(day / 2 % 3) as usize];
        let step = |day: u32| {
            if day.is_multiple_of(2) {
                size(day)
            } else {
                -size(day)
            }
        };
        let is_stepped = |day: &u32| at >= time(*day, 8, 30, 613);
        let steps: i64 = (0..=day_of(at)).filter(is_stepped).map(step).sum();
        self.begin_unix_ns + i64::try_from(at.as_nanos()).unwrap() + steps * 1_000_000_000
    }

    /// Whether the machine has no network: 25 minutes a day.
    pub(super) fn is_offline(at: Duration) -> bool {
        let begin = time(day_of(at), 11, 20, 359);
        (begin..begin + Duration::from_mins(25)).contains(&at)
    }

    /// Whether a target's endpoint is down: 40 minutes a day for some.
    pub(super) fn is_down(target: u32, at: Duration) -> bool {
        let begin = time(day_of(at), 14, 15, 271);
        DOWN.contains(&target) && (begin..begin + Duration::from_mins(40)).contains(&at)
    }

    /// When the disk is full: four hours of the second day.
    pub(super) fn full_disk() -> (Duration, Duration) {
        (time(1, 17, 1, 0), time(1, 21, 1, 0))
    }

    /// How long no program runs after so many kills. The last one is started at once, to be there before the month ends.
    pub(super) fn down(self, kills: usize) -> Duration {
        if kills == self.days as usize {
            return Duration::from_secs(1);
        }
        [
            Duration::from_secs(1),
            Duration::from_mins(40),
            Duration::from_hours(2),
        ][kills % 3]
    }

    /// When the program is killed: once a day, on every fifth day while the machine has no network.
    pub(super) fn kills(self) -> Vec<Duration> {
        let kill = |day: u32| match day % 5 {
            2 => time(day, 11, 20, 359) + Duration::from_mins(12),
            _ => time(day, 22, 100, 1_277),
        };
        (0..self.days).map(kill).collect()
    }
}

//! The clocks: the monotonic one for stamps, the wall clock for display, order and keys.
//!
//! Every stamp of a byte is taken by [`now`], so that the places that stamp are few and easily found.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The monotonic clock.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the one place that reads it")]
pub fn now() -> Instant {
    Instant::now()
}

/// The monotonic clock as the timers of this thread's runtime read it. It is that of [`now`], unless a test holds it.
pub(crate) fn timer_now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// The wall clock in nanoseconds since 1970; 0 for one set before that.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "for display, order and keys only"
)]
pub fn wall_clock_ns() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
    })
}

/// A clock that shows the wall clock's time and goes on as the monotonic one does: the wall clock is read once, so that a
/// step of it changes nothing.
#[derive(Clone, Copy, Debug)]
pub struct SteadyClock {
    read_at: Instant,
    unix_ns: i64,
}

impl SteadyClock {
    /// One that is set now.
    #[must_use]
    pub fn set() -> Self {
        Self {
            read_at: now(),
            unix_ns: wall_clock_ns(),
        }
    }

    /// The time of an instant, in nanoseconds since 1970.
    #[must_use]
    pub fn unix_ns(&self, at: Instant) -> i64 {
        let ns = |span: Duration| i64::try_from(span.as_nanos()).unwrap_or(i64::MAX);
        match at.checked_duration_since(self.read_at) {
            Some(after) => self.unix_ns.saturating_add(ns(after)),
            None => self
                .unix_ns
                .saturating_sub(ns(self.read_at.duration_since(at))),
        }
    }
}

/// The wall clock in whole seconds since 1970.
#[must_use]
pub fn unix_seconds() -> u64 {
    u64::try_from(wall_clock_ns() / 1_000_000_000).unwrap_or_default()
}

/// How long the machine has been asleep since its start: the monotonic clock stands still meanwhile. 0 where the system
/// does not say, which is everywhere but on Linux.
#[must_use]
pub fn slept() -> Duration {
    #[cfg(target_os = "linux")]
    {
        use rustix::time::{ClockId, clock_gettime};
        let read = |clock| Duration::try_from(clock_gettime(clock)).unwrap_or_default();
        let awake = read(ClockId::Monotonic);
        read(ClockId::Boottime).saturating_sub(awake)
    }
    #[cfg(not(target_os = "linux"))]
    Duration::ZERO
}

/// When a limit runs out; a limit of 0 never does.
pub(crate) fn deadline(begin: Instant, limit_ms: u64) -> Option<Instant> {
    (limit_ms > 0)
        .then(|| begin.checked_add(Duration::from_millis(limit_ms)))
        .flatten()
}

/// Waits for a deadline; without one, for ever.
pub(crate) async fn wait_until(deadline: Option<Instant>) {
    match deadline {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}

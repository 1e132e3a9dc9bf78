//! The key of a run.

use std::{
    hash::{BuildHasher as _, RandomState},
    sync::atomic::{AtomicI64, Ordering},
};

use serde::{Deserialize, Serialize};

use crate::clock::wall_clock_ns;

/// A run's key: made by the client, ordered by time, unique across processes that share a history.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
pub struct RunId(pub i64);

impl RunId {
    /// The smallest key that a run since this time (nanoseconds since 1970) can have.
    #[must_use]
    pub fn first_since(unix_ns: i64) -> Self {
        Self((unix_ns.max(0) / 1_000_000) << 20)
    }

    /// A new key: 43 bits of milliseconds since 1970, then 20 bits that tell apart the runs of one millisecond.
    ///
    /// Keys of one process grow. Within one millisecond they count up from a random start, so that keys of another
    /// process in the same millisecond collide only if its random start is very close.
    #[must_use]
    pub fn new() -> Self {
        static LAST: AtomicI64 = AtomicI64::new(0);
        // Half of the 20 bits is left for counting up.
        let place = RandomState::new().hash_one(0) & 0x7_ffff;
        let fresh = ((wall_clock_ns() / 1_000_000) << 20) | i64::try_from(place).unwrap_or(0);
        let after = |last: i64| {
            if fresh >> 20 > last >> 20 {
                fresh
            } else {
                last + 1
            }
        };
        let last = LAST.update(Ordering::Relaxed, Ordering::Relaxed, after);
        Self(after(last))
    }
}

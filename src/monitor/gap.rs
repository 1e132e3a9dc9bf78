//! Times in which a target was not asked although it should have been: they are no outage.

use crate::{endpoint::TargetId, event::words};

words! {
    /// Why nobody was asked.
    GapReason {
        /// The machine was asleep.
        Asleep = "asleep",
        /// The machine had no network.
        Offline = "offline",
        /// The probe before was still under way, or this machine was too busy.
        Busy = "busy",
    }
}

/// A time in which a target was not asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeGap {
    /// The target; `None` for all.
    pub target: Option<TargetId>,
    /// Why.
    pub why: GapReason,
    /// Its begin, in nanoseconds since 1970.
    pub from_unix_ns: i64,
    /// Its end, in nanoseconds since 1970; `None` while it lasts.
    pub to_unix_ns: Option<i64>,
}

//! One target of a schedule.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use crate::endpoint::TargetId;

/// How many probes follow soon when something has changed.
const SOON: u32 = 3;
/// The time between them.
pub(super) const SOON_EVERY: Duration = Duration::from_secs(10);
/// Most changes an hour that a target is probed soon for.
const SOON_AN_HOUR: usize = 4;
const HOUR: Duration = Duration::from_hours(1);

#[derive(Debug)]
pub(super) struct ScheduleRow {
    pub(super) target: TargetId,
    /// The next time without jitter; `None` once it is not asked again.
    pub(super) next: Option<Instant>,
    /// That time with jitter.
    pub(super) due: Option<Instant>,
    pub(super) asked: u64,
    pub(super) is_under_way: bool,
    /// How many probes beyond the schedule are left, and when the next of them is due.
    pub(super) soon: Option<(u32, Instant)>,
    /// The changes of the last hour.
    changes: VecDeque<Instant>,
}

impl ScheduleRow {
    pub(super) fn new(target: TargetId) -> Self {
        Self {
            target,
            next: None,
            due: None,
            asked: 0,
            is_under_way: false,
            soon: None,
            changes: VecDeque::new(),
        }
    }

    /// Something has changed about it: a few probes follow soon, unless that was so often of late.
    pub(super) fn has_changed(&mut self, now: Instant) {
        let is_old = |change: &Instant| now.saturating_duration_since(*change) > HOUR;
        while self.changes.front().is_some_and(is_old) {
            self.changes.pop_front();
        }
        if self.soon.is_none() && self.changes.len() < SOON_AN_HOUR {
            self.changes.push_back(now);
            self.soon = Some((SOON, now + SOON_EVERY / 5));
        }
    }

    /// When its next probe is due.
    pub(super) fn due(&self) -> Option<Instant> {
        let soon = self.soon.map(|(_, due)| due);
        self.due.into_iter().chain(soon).min()
    }

    /// Takes one of the probes beyond the schedule, if it is due before the next of the schedule.
    pub(super) fn takes_soon(&mut self, now: Instant) -> bool {
        let Some((left, due)) = self.soon.filter(|(_, due)| *due <= now) else {
            return false;
        };
        if self.due.is_some_and(|scheduled| scheduled <= due) {
            return false;
        }
        self.soon = (left > 1).then(|| (left - 1, now + SOON_EVERY));
        true
    }
}

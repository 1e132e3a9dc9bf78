//! Whether this process may probe: tries to take the lease, and keeps it.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use super::MonitorState;
use crate::{
    clock::timer_now,
    monitor::{LeaseState, ProberLease},
};

/// How often it is tried to take a lease that another process has.
const AGAIN: Duration = Duration::from_secs(2);

/// The lease, or who has it.
pub(super) struct LeaseWatch {
    data: PathBuf,
    lease: Option<ProberLease>,
    /// Why there is no lease, once it was tried.
    instead: MonitorState,
    next_try: Option<Instant>,
}

impl LeaseWatch {
    /// Of the processes that share this folder, one has the lease.
    pub(super) fn new(data: PathBuf) -> Self {
        Self {
            data,
            lease: None,
            instead: MonitorState::Off,
            next_try: None,
        }
    }

    pub(super) fn is_held(&self) -> bool {
        self.lease.is_some()
    }

    /// When to try again.
    pub(super) fn next_try(&self) -> Instant {
        self.next_try.unwrap_or_else(timer_now)
    }

    /// Takes the lease if it is time to try; gives whether it has just been taken.
    pub(super) fn has_taken(&mut self) -> bool {
        if self.is_held() || self.next_try.is_some_and(|next| timer_now() < next) {
            return false;
        }
        match ProberLease::try_take(&self.data) {
            Ok(LeaseState::Held(lease)) => {
                self.lease = Some(lease);
                return true;
            }
            Ok(LeaseState::HeldElsewhere(pid)) => self.instead = MonitorState::Watching { pid },
            Err(why) => {
                self.instead = MonitorState::Failed(format!(
                    "it can't be made sure that no other process probes, so this one does not: {} can't be locked \
                     ({why}). Make the folder writable, or set TOKENSCOPE_DATA_DIR to another one",
                    self.data.display()
                ));
            }
        }
        self.next_try = Some(timer_now() + AGAIN);
        false
    }

    pub(super) fn give_back(&mut self) {
        (self.lease, self.next_try) = (None, None);
    }

    /// How the monitor stands without it.
    pub(super) fn state(&self) -> MonitorState {
        self.instead.clone()
    }
}

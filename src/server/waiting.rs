//! Connections without a request yet: they are closed if there is no room for others.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio_util::sync::CancellationToken;

use crate::clock::now;

/// How long a connection may take until its first request before it may be closed for others: long enough for a
/// thousand clients that start at once.
pub(super) const GRACE: Duration = Duration::from_secs(1);

/// The connections without a request.
#[derive(Clone, Default)]
pub(super) struct IdleConnections(Arc<Mutex<WaitingConnection>>);

#[derive(Default)]
struct WaitingConnection {
    next: u64,
    by_age: BTreeMap<u64, (Instant, CancellationToken)>,
}

/// One connection's place among them, until it asks or ends.
pub(super) struct WaitingPlace {
    waiting: IdleConnections,
    number: u64,
    closed: CancellationToken,
}

impl IdleConnections {
    /// A place for a connection that was accepted just now.
    pub(super) fn enter(&self) -> WaitingPlace {
        self.enter_at(now())
    }

    fn enter_at(&self, at: Instant) -> WaitingPlace {
        let mut held = self.held();
        let (number, closed) = (held.next, CancellationToken::new());
        held.next += 1;
        held.by_age.insert(number, (at, closed.clone()));
        WaitingPlace {
            waiting: self.clone(),
            number,
            closed,
        }
    }

    /// Closes those that have had their time.
    pub(super) fn make_room(&self) {
        let mut held = self.held();
        while let Some(oldest) = held.by_age.first_entry()
            && now().saturating_duration_since(oldest.get().0) >= GRACE
        {
            oldest.remove().1.cancel();
        }
    }

    fn held(&self) -> MutexGuard<'_, WaitingConnection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl WaitingPlace {
    /// The connection has asked something: it is not closed for others any more.
    pub(super) fn asked(&self) {
        self.waiting.held().by_age.remove(&self.number);
    }

    /// Whether the connection has asked something.
    pub(super) fn has_asked(&self) -> bool {
        !self.waiting.held().by_age.contains_key(&self.number)
    }

    /// Waits until the connection is to give way, if it has asked nothing by then.
    pub(super) async fn gives_way(&self) {
        self.closed.cancelled().await;
    }
}

impl Drop for WaitingPlace {
    fn drop(&mut self) {
        self.asked();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_that_have_asked_nothing_for_long_give_way() {
        let waiting = IdleConnections::default();
        let long_ago = now().checked_sub(GRACE * 2).unwrap();
        let old: Vec<WaitingPlace> = (0..3).map(|_| waiting.enter_at(long_ago)).collect();
        let new: Vec<WaitingPlace> = (0..1_000).map(|_| waiting.enter()).collect();
        old[0].asked();
        let closed = |place: &WaitingPlace| place.closed.is_cancelled();
        assert!(!old.iter().chain(&new).any(closed), "there was room");
        waiting.make_room();
        assert!(!closed(&old[0]), "it has asked");
        assert!(old[1..].iter().all(closed));
        assert!(!new.iter().any(closed));
        drop(old);
        assert_eq!(waiting.held().by_age.len(), 1_000);
    }
}

//! Connections that were opened and have asked nothing yet: however many there are, others get in.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio_util::sync::CancellationToken;

/// Most connections that wait for their first request; past it the oldest is closed.
const MAX_WAITING: usize = 128;

/// The connections without a request.
#[derive(Clone, Default)]
pub(super) struct Waiting(Arc<Mutex<Held>>);

#[derive(Default)]
struct Held {
    next: u64,
    by_age: BTreeMap<u64, CancellationToken>,
}

/// One connection's place among them, until it asks or ends.
pub(super) struct Place {
    waiting: Waiting,
    number: u64,
    closed: CancellationToken,
}

impl Waiting {
    /// A place for a connection that was accepted just now; the oldest gives way if there are too many.
    pub(super) fn enter(&self) -> Place {
        let mut held = self.held();
        if held.by_age.len() >= MAX_WAITING
            && let Some((_, oldest)) = held.by_age.pop_first()
        {
            oldest.cancel();
        }
        let (number, closed) = (held.next, CancellationToken::new());
        held.next += 1;
        held.by_age.insert(number, closed.clone());
        Place {
            waiting: self.clone(),
            number,
            closed,
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// The connection has asked something: it is not closed for others any more.
    pub(super) fn asked(&self) {
        self.waiting.held().by_age.remove(&self.number);
    }

    /// Waits until the connection is to give way, if it has asked nothing by then.
    pub(super) async fn gives_way(&self) {
        self.closed.cancelled().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.asked();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_that_has_asked_nothing_gives_way() {
        let waiting = Waiting::default();
        let places: Vec<Place> = (0..MAX_WAITING).map(|_| waiting.enter()).collect();
        places[0].asked();
        let more = [waiting.enter(), waiting.enter()];
        let closed = |place: &Place| place.closed.is_cancelled();
        assert!(!closed(&places[0]), "it has asked");
        assert!(closed(&places[1]));
        assert!(!places[2..].iter().chain(&more).any(closed));
        drop(places);
        assert_eq!(waiting.held().by_age.len(), 2);
    }
}

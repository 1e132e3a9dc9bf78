//! Backpressure: while too many updates wait for the client, no more is read from the socket.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::sync::Notify;

use super::RunUpdate;
use crate::event::Event;

/// About how many bytes may be queued before reading pauses.
const FULL_BYTES: usize = 8 << 20;

/// How many bytes of updates are queued between the runs and their client.
#[derive(Debug, Default)]
pub struct Backlog {
    bytes: AtomicUsize,
    closed: AtomicBool,
    room: Notify,
}

impl Backlog {
    /// Updates of this size were queued.
    pub fn add(&self, bytes: usize) {
        self.bytes.fetch_add(bytes, Ordering::AcqRel);
    }

    /// Updates of this size were consumed.
    pub fn take(&self, bytes: usize) {
        let less = |queued: usize| queued.saturating_sub(bytes);
        let before = self.bytes.update(Ordering::AcqRel, Ordering::Acquire, less);
        if before >= FULL_BYTES && less(before) < FULL_BYTES {
            self.room.notify_waiters();
        }
    }

    /// The client is gone: reading never pauses any more.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.room.notify_waiters();
    }

    /// Waits until there is room.
    pub async fn room(&self) {
        loop {
            // Registered before checking, so that a notification between the two is not missed.
            let notified = self.room.notified();
            if !self.is_full() {
                return;
            }
            notified.await;
        }
    }

    /// Whether too much is queued.
    #[must_use]
    pub fn is_full(&self) -> bool {
        !self.closed.load(Ordering::Acquire) && self.bytes.load(Ordering::Acquire) >= FULL_BYTES
    }
}

impl RunUpdate {
    /// About how many bytes it takes in memory.
    #[must_use]
    pub fn bytes_held(&self) -> usize {
        let events = self.events();
        let wire = match self {
            Self::Wire(part) => part.bytes_held(),
            _ => 0,
        };
        size_of::<Self>()
            + wire
            + size_of_val(events)
            + events.iter().map(Event::bytes_held).sum::<usize>()
    }
}

impl Event {
    /// The bytes that it holds on the heap. The bytes of files are counted, though they are shared.
    pub(crate) fn bytes_held(&self) -> usize {
        match self {
            Self::Text { text } | Self::Reasoning { text } | Self::Refusal { text } => text.len(),
            Self::ToolCall(delta) => {
                delta.arguments.len() + delta.name.as_ref().map_or(0, String::len)
            }
            Self::Signature { value } => value.len(),
            Self::Opaque { kind, raw } | Self::Unknown { kind, raw } => kind.len() + raw.len(),
            Self::Media(media) => media.data.len(),
            Self::Note(note) => note.text.len(),
            Self::Fault(fault) => fault.message.len(),
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn a_full_backlog_holds_back_until_it_is_taken_or_nobody_listens() {
        let backlog = Backlog::default();
        assert!(backlog.room().now_or_never().is_some());
        backlog.add(FULL_BYTES + 1);
        let mut room = Box::pin(backlog.room());
        assert!(room.as_mut().now_or_never().is_none());
        backlog.take(1);
        assert!(room.as_mut().now_or_never().is_none(), "still full");
        backlog.take(1);
        assert!(room.now_or_never().is_some());
        backlog.add(2 * FULL_BYTES);
        let mut room = Box::pin(backlog.room());
        assert!(room.as_mut().now_or_never().is_none());
        backlog.close();
        assert!(room.now_or_never().is_some());
    }

    #[test]
    fn an_update_weighs_what_it_says() {
        let text = Event::Text {
            text: "x".repeat(1000),
        };
        let update = RunUpdate::Closed {
            at: 0,
            events: vec![text],
            stamps: Box::default(),
        };
        assert!(
            (1_000..1_500).contains(&update.bytes_held()),
            "{}",
            update.bytes_held()
        );
    }
}

//! When the other side's TCP acknowledged the last byte of a request (Linux: `SO_TIMESTAMPING`, `TX_ACK`).
//!
//! In: that the last piece of a request's body was taken, that HTTP has written it, and that the socket was flushed.
//! Out: the time at which each [`RequestEnd`] was acknowledged.
//!
//! The kernel is asked for these stamps from the last piece of a body until it was flushed, and they are read with the
//! next bytes that come: a token costs nothing. The bytes that HTTP/2 or TLS write in the same flush count as the
//! request's.

use std::{
    sync::{
        Arc, Mutex, OnceLock, Weak,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Instant,
};

use tokio::net::TcpStream;

use super::{kernel, phases::lock};

/// The end of one request.
#[derive(Debug, Default)]
pub(super) struct RequestEnd {
    /// Whether HTTP has written the whole body: with the next flush, the socket has it.
    is_written: AtomicBool,
    acknowledged: OnceLock<Instant>,
}

impl RequestEnd {
    /// HTTP has written the last byte.
    pub(super) fn written(&self) {
        self.is_written.store(true, Relaxed);
    }

    /// When its last byte was acknowledged, as far as was read.
    pub(super) fn acknowledged(&self) -> Option<Instant> {
        self.acknowledged.get().copied()
    }
}

/// The ends of the requests on one connection.
#[derive(Debug, Default)]
pub(super) struct RequestEnds {
    state: Mutex<UnacknowledgedEnds>,
    /// Whether the kernel stamps acknowledgements now, and whether it ever did.
    is_stamping: AtomicBool,
    has_stamped: AtomicBool,
    /// Whether a request waits for its acknowledgement.
    is_waiting: AtomicBool,
}

#[derive(Debug, Default)]
struct UnacknowledgedEnds {
    /// Those that may not be with the socket yet.
    begun: Vec<Weak<RequestEnd>>,
    /// Those that are, with the place of their last byte among all that were written to the socket.
    sent: Vec<(u32, Weak<RequestEnd>)>,
    /// The latest acknowledgement: of which byte, and when.
    latest: Option<(u32, Option<Instant>)>,
    /// The clocks when the last request ended.
    clocks: Option<kernel::ClockReading>,
}

/// Whether a byte comes no later than another one on the wire, by places that may have wrapped.
fn is_up_to(place: u32, other: u32) -> bool {
    other.wrapping_sub(place) < 1 << 31
}

impl RequestEnds {
    /// Whether the socket's error queue may have made tokio take it for writable for ever.
    pub(super) fn has_stamped(&self) -> bool {
        self.has_stamped.load(Relaxed)
    }

    /// The last piece of a request's body was taken: what is written from here on may hold its last byte.
    pub(super) fn begin(&self, tcp: &TcpStream, end: &Arc<RequestEnd>) {
        let mut state = lock(&self.state);
        state.clocks = Some(kernel::clocks());
        state.begun.push(Arc::downgrade(end));
        if !self.is_stamping.load(Relaxed) && kernel::stamp_acknowledgements(tcp, true) {
            self.is_stamping.store(true, Relaxed);
            self.has_stamped.store(true, Relaxed);
        }
    }

    /// All that HTTP has written is with the socket now: `written` bytes since it was opened.
    pub(super) fn flushed(&self, tcp: &TcpStream, written: u64) {
        if !self.is_stamping.load(Relaxed) {
            return;
        }
        let mut state = lock(&self.state);
        let Some(last) = written.checked_sub(1) else {
            return;
        };
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the kernel's places wrap, too"
        )]
        let place = last as u32;
        let begun = std::mem::take(&mut state.begun);
        for end in begun {
            match end.upgrade() {
                Some(request) if request.is_written.load(Relaxed) => state.sent.push((place, end)),
                Some(_) => state.begun.push(end),
                None => {}
            }
        }
        if state.begun.is_empty() {
            kernel::stamp_acknowledgements(tcp, false);
            self.is_stamping.store(false, Relaxed);
        }
        // It may have been acknowledged, and that been read, before this thread came here.
        if let Some((acknowledged, at)) = state.latest {
            state.acknowledge(acknowledged, at);
        }
        self.is_waiting.store(!state.sent.is_empty(), Relaxed);
    }

    /// Reads the stamps that are there, if a request waits for one.
    pub(super) fn read_if_waiting(&self, tcp: &TcpStream) {
        if self.is_waiting.load(Relaxed) {
            self.read(tcp);
        }
    }

    /// Reads the stamps that are there.
    pub(super) fn read(&self, tcp: &TcpStream) {
        let mut state = lock(&self.state);
        while let Some((place, stamp_ns)) = kernel::acknowledgement(tcp) {
            let clocks = state.clocks;
            let at = clocks.and_then(|clocks| kernel::monotonic(clocks, stamp_ns));
            state.latest = Some((place, at));
            state.acknowledge(place, at);
        }
        self.is_waiting.store(!state.sent.is_empty(), Relaxed);
    }
}

impl UnacknowledgedEnds {
    /// Gives this time to the requests whose last byte is acknowledged with this one; without a time, they have none.
    fn acknowledge(&mut self, place: u32, at: Option<Instant>) {
        self.sent.retain(|(last, end)| {
            let Some(end) = end.upgrade() else {
                return false;
            };
            let is_acknowledged = is_up_to(*last, place);
            if let Some(at) = at.filter(|_| is_acknowledged) {
                let _ = end.acknowledged.set(at);
            }
            !is_acknowledged
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_wrap() {
        for (place, other, is_up) in [
            (5, 5, true),
            (5, 9, true),
            (9, 5, false),
            (u32::MAX - 1, 3, true),
            (3, u32::MAX - 1, false),
        ] {
            assert_eq!(is_up_to(place, other), is_up, "{place} {other}");
        }
    }
}

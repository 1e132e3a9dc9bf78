//! The raw stamps of a run: they are stored, and all figures are derived from them.

use serde::{Deserialize, Serialize};

use super::Link;
use crate::event::Event;

/// Nanoseconds since the run's `started`, on the monotonic clock.
pub type OffsetNs = u64;

/// A phase's begin and end, in nanoseconds since `started`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// When it began.
    pub begin: OffsetNs,
    /// When it ended.
    pub end: OffsetNs,
}

impl Span {
    /// Its length in milliseconds.
    #[must_use]
    pub fn ms(self) -> f64 {
        ms(self.end.saturating_sub(self.begin))
    }
}

/// The raw stamps of one run; each is a time since `started`, and absent if it did not happen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Stamps {
    /// `started` on the wall clock, in nanoseconds since 1970; for display and order only.
    pub started_unix_ns: i64,
    /// How long before `started` the run was due, in nanoseconds (0 when it was not scheduled).
    pub scheduled_before: u64,
    /// Name resolution of this run's own connection.
    pub dns: Option<Span>,
    /// TCP handshake of this run's own connection.
    pub tcp: Option<Span>,
    /// TLS handshake of this run's own connection.
    pub tls: Option<Span>,
    /// The last byte of the request was handed to the connection.
    pub request_sent: Option<OffsetNs>,
    /// The response head was received.
    pub headers: Option<OffsetNs>,
    /// First byte of the response body.
    pub first_byte: Option<OffsetNs>,
    /// First event of any kind.
    pub first_event: Option<OffsetNs>,
    /// First non-empty reasoning, text or tool-call piece.
    pub first_token: Option<OffsetNs>,
    /// How much later than the kernel received it this program read it, in nanoseconds; `None` if the stamp is not the
    /// kernel's. Where it was read with later ones, and `first_token` is the last one's stamp, it is the most that it can
    /// have been, once the run is over: how long this program was too busy to read it.
    pub first_token_delay: Option<u32>,
    /// First such piece that is not reasoning.
    pub first_visible: Option<OffsetNs>,
    /// Last such piece of any kind.
    pub last_token: Option<OffsetNs>,
    /// The run ended.
    pub closed: Option<OffsetNs>,
    /// The connection it went over, once there was one.
    pub link: Option<Link>,
}

/// Reads that follow each other faster than this are one arrival: hyper returns one HTTP chunk at a time, so the
/// chunks of one segment become several reads some ten microseconds apart.
pub const TOGETHER_NS: u64 = 200_000;

/// One read of response-body bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Read {
    /// When the bytes arrived: the kernel's stamp of the last of them, if there is one; else when this program read
    /// them.
    pub at: OffsetNs,
    /// How much later than the kernel's stamp this program read them, in nanoseconds; `None` if `at` is this
    /// program's own stamp.
    pub delay: Option<u32>,
    /// Whether the first of the bytes may have come before `at`: they came in several segments, and the kernel's stamp
    /// is the last one's.
    pub is_at_most: bool,
    /// How many bytes.
    pub bytes: u32,
    /// Events that this read completed.
    pub events: u32,
    /// Those of them that were tokens.
    pub tokens: u32,
}

/// Nanoseconds as milliseconds.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "2^53 ns are 104 days")]
pub fn ms(ns: u64) -> f64 {
    ns as f64 / 1e6
}

impl Stamps {
    /// Updates the stamps of first and last things with one read.
    pub fn note(&mut self, read: &Read, events: &[Event]) {
        self.first_byte.get_or_insert(read.at);
        if !events.is_empty() || read.tokens > 0 {
            self.first_event.get_or_insert(read.at);
        }
        if events.iter().any(Event::is_visible) {
            self.first_visible.get_or_insert(read.at);
        }
        if read.tokens > 0 {
            if self.first_token.is_none() {
                (self.first_token, self.first_token_delay) = (Some(read.at), read.delay);
            }
            self.last_token = Some(read.at);
        }
    }
}

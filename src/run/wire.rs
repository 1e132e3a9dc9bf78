//! What went over the wire, as it is reported while a run is live: a few times a second, beside the updates that measure.
//!
//! In: the requests, heads and chunks of an exchange. Out: [`WirePart`]s, whose bytes are shared with the socket's
//! reads. Nothing here is masked yet: whoever keeps it covers the secrets with the request's
//! [`mask`](SentRequest::mask).

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::HeaderMap;

use super::OffsetNs;
use crate::exchange::{ExchangeChunk, Head, SentRequest};

/// From so many bytes, or after so long, a part is reported with the next read.
const FULL_BYTES: usize = 64 << 10;
const SPAN: Duration = Duration::from_millis(250);

/// A part of what went over the wire; the parts of a run follow each other.
#[derive(Clone, Default)]
pub struct WirePart {
    /// The request. If there is a second one, it was sent in place of the first (gRPC that went by REST).
    pub request: Option<Arc<SentRequest>>,
    /// The head of the response.
    pub head: Option<Arc<WireHead>>,
    /// Reads of the body, in order.
    pub reads: Vec<WireRead>,
    /// The trailers behind it.
    pub trailers: Option<Arc<HeaderMap>>,
}

/// The head of a response.
#[derive(PartialEq, Eq)]
pub struct WireHead {
    /// HTTP status.
    pub status: u16,
    /// `HTTP/1.1`, `HTTP/2.0`, …
    pub http_version: String,
    /// Its headers.
    pub headers: HeaderMap,
}

/// One read of the body.
#[derive(Clone, PartialEq, Eq)]
pub struct WireRead {
    /// When the bytes arrived, by the clock of [`Read::at`](super::Read::at).
    pub at: OffsetNs,
    /// As [`Read::delay`](super::Read::delay).
    pub delay: Option<u32>,
    /// As [`Read::is_at_most`](super::Read::is_at_most).
    pub is_at_most: bool,
    /// The bytes as the decoder gets them: after content decoding.
    pub bytes: Bytes,
}

impl WirePart {
    /// About how many bytes it holds, shared ones included.
    #[must_use]
    pub fn bytes_held(&self) -> usize {
        let reads = self.reads.iter();
        size_of::<Self>() + reads.map(WireRead::bytes_held).sum::<usize>()
    }
}

impl WireRead {
    /// About how many bytes it holds.
    #[must_use]
    pub fn bytes_held(&self) -> usize {
        size_of::<Self>() + self.bytes.len()
    }
}

impl PartialEq for WirePart {
    fn eq(&self, other: &Self) -> bool {
        let same_request = match (&self.request, &other.request) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (None, None) => true,
            _ => false,
        };
        same_request
            && self.head == other.head
            && self.reads == other.reads
            && self.trailers == other.trailers
    }
}

// What a server sends may repeat a secret.
impl fmt::Debug for WireHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WireHead")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for WirePart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WirePart")
            .field("request", &self.request)
            .field("head", &self.head)
            .field("reads", &self.reads.len())
            .finish_non_exhaustive()
    }
}

/// What is not reported yet.
#[derive(Debug, Default)]
pub(super) struct PendingWire {
    part: WirePart,
    bytes: usize,
    /// The head, since the transport gives it again as the trailers of an empty body.
    head: Option<Arc<WireHead>>,
    /// The last read's time, of all parts.
    last_at: OffsetNs,
    reported_at: Option<Instant>,
}

impl PendingWire {
    /// A request was, or is about to be, sent.
    pub(super) fn request(&mut self, request: Option<&Arc<SentRequest>>) {
        if let Some(request) = request {
            self.part.request = Some(Arc::clone(request));
        }
    }

    /// The head of the response came.
    pub(super) fn head(&mut self, head: Head) {
        self.reported_at = Some(head.stamp.at);
        self.head = Some(Arc::new(WireHead {
            status: head.status,
            http_version: head.version,
            headers: head.headers,
        }));
        self.part.head.clone_from(&self.head);
    }

    /// A chunk came, at this time and so much after the kernel had it.
    pub(super) fn chunk(&mut self, chunk: &mut ExchangeChunk, at: OffsetNs, delay: Option<u32>) {
        let of_head = self.head.as_ref().map(|head| &head.headers);
        let trailers = chunk.trailers.take();
        if let Some(trailers) = trailers.filter(|trailers| Some(&**trailers) != of_head) {
            self.part.trailers = Some(Arc::new(*trailers));
        }
        if chunk.bytes.is_empty() {
            return;
        }
        self.last_at = self.last_at.max(at);
        let read = WireRead {
            at: self.last_at,
            delay,
            is_at_most: delay.is_some() && chunk.stamp.is_at_most,
            bytes: chunk.bytes.clone(),
        };
        self.bytes += read.bytes_held();
        self.part.reads.push(read);
    }

    /// What is to be reported now that a read came at this time.
    pub(super) fn due(&mut self, at: Instant) -> Option<WirePart> {
        let since = |reported: Instant| at.saturating_duration_since(reported) >= SPAN;
        let is_due = self.bytes >= FULL_BYTES || self.reported_at.is_none_or(since);
        if !is_due {
            return None;
        }
        self.reported_at = Some(at);
        self.take()
    }

    /// All that is not reported yet.
    pub(super) fn take(&mut self) -> Option<WirePart> {
        self.bytes = 0;
        let part = std::mem::take(&mut self.part);
        (part != WirePart::default()).then_some(part)
    }
}

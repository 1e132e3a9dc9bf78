//! A run's wire: request, response and each read of its body, as it is kept, saved, shown and replayed.
//!
//! In: the [`WirePart`](crate::run::WirePart)s of a run, collected by a [`WireLog`]; or a file. Out: a [`Capture`], in which
//! every secret is covered, its [`WireFrames`] beside their events, and files in two formats ([`tscap`], [`har`]).
//! Nothing here reads a socket, a file or a clock.

mod covered;
mod decode;
mod decoded;
mod file;
mod frames;
pub mod har;
mod log;
mod pace;
mod pairs;
mod text;
pub mod tscap;
mod updates;

use std::ops::Range;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

pub use self::{
    decode::CaptureDecoder,
    decoded::{DecodedCapture, FrameQuery},
    file::{CaptureFileError, CaptureFormat, MAX_FILE_BYTES, read},
    frames::{WireFrame, WireFrames},
    log::{MAX_BODY_BYTES, WireLog},
    pace::{BodyEnd, Speed},
    pairs::Headers,
    updates::RunReplay,
};
use crate::{
    dialect::DialectId,
    endpoint::TargetId,
    event::Fault,
    run::{ConnectionKind, OffsetNs, Origin, Run, RunId, Stamps},
};

/// What went over the wire in one run. No secret of its request is in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Capture {
    /// The run.
    pub run: CapturedRun,
    /// The request, if one was made.
    pub request: Option<CapturedRequest>,
    /// The response, if its head came.
    pub response: Option<CapturedResponse>,
    /// The run's fault, if it failed.
    pub fault: Option<Fault>,
}

/// Which run it was, and its stamps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CapturedRun {
    /// Its id: in files a string, since it has more digits than a number in JSON can be relied on to keep.
    #[serde(with = "text::run_id")]
    pub id: RunId,
    /// Where it went.
    #[serde(with = "text::target")]
    pub target: TargetId,
    /// The protocol of the response.
    pub dialect: DialectId,
    /// The endpoint's label for how it is reached.
    pub route: String,
    /// What started it.
    pub origin: Origin,
    /// Whether the built-in simulator answered.
    pub simulated: bool,
    /// The number of the attempt, counted from 1.
    pub attempt: u32,
    /// How many answers were asked for.
    pub choices: u64,
    /// Cold or warm, if it had a connection.
    pub connection: Option<ConnectionKind>,
    /// All stamps, in nanoseconds.
    pub stamps: Stamps,
}

/// A request as it was sent.
#[derive(Clone, Debug, PartialEq)]
pub struct CapturedRequest {
    /// `GET` or `POST`.
    pub method: String,
    /// The URL.
    pub url: String,
    /// All headers, in the order in which they were sent.
    pub headers: Headers,
    /// The body, before any framing of HTTP.
    pub body: CapturedBody,
}

/// A response as it came.
#[derive(Clone, Debug, PartialEq)]
pub struct CapturedResponse {
    /// HTTP status.
    pub status: u16,
    /// `HTTP/1.1`, `HTTP/2.0`, …
    pub http_version: String,
    /// All headers, in the order in which they came.
    pub headers: Headers,
    /// The body, after the framing of HTTP was removed, and after content decoding.
    pub body: CapturedBody,
    /// The reads of the body, in order. Where it is cut they are those of its part.
    pub reads: Vec<CapturedRead>,
    /// The trailers, if some came.
    pub trailers: Headers,
}

/// A body, or the part of it that is kept.
#[derive(Clone, Default, Debug, PartialEq, Eq)]
pub struct CapturedBody {
    /// The bytes that are kept: the first ones.
    pub bytes: Bytes,
    /// How many bytes there were.
    pub total: u64,
    /// Whether none of it is kept, since it spells a secret in a way that can't be covered byte by byte.
    pub is_withheld: bool,
}

/// One read of a response's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CapturedRead {
    /// When its bytes arrived, in nanoseconds since the run's start.
    pub at: OffsetNs,
    /// How much later than the kernel this program had them; `None` if `at` is this program's own stamp.
    pub delay: Option<u32>,
    /// Whether some of them may have come before `at`.
    pub is_at_most: bool,
    /// Where they end in the body; they begin where those of the read before end.
    pub end: usize,
}

impl CapturedRun {
    fn of(run: &Run) -> Self {
        let head = &run.head;
        Self {
            id: head.id,
            target: head.target.clone(),
            dialect: head.dialect,
            route: head.route.clone(),
            origin: head.origin,
            simulated: head.simulated,
            attempt: head.attempt,
            choices: head.request.choices(),
            connection: run.connection,
            stamps: run.stamps.clone(),
        }
    }
}

impl CapturedBody {
    /// A body that is kept whole.
    #[must_use]
    pub fn whole(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self {
            total: bytes.len() as u64,
            bytes,
            is_withheld: false,
        }
    }

    /// What of it is missing, as a sentence without its period; `None` if it is whole.
    #[must_use]
    pub fn missing(&self) -> Option<String> {
        if self.is_withheld {
            let text =
                "the body is not kept: it spells a secret of the request in pieces or escapes";
            return Some(text.to_owned());
        }
        let kept = self.bytes.len() as u64;
        let all = self.total;
        (kept < all).then(|| format!("truncated after {kept} bytes of {all}"))
    }
}

impl CapturedResponse {
    /// A read, and where its bytes stand in the body; `None` behind the last one.
    #[must_use]
    pub fn read(&self, index: usize) -> Option<(&CapturedRead, Range<usize>)> {
        let read = self.reads.get(index)?;
        let before = index.checked_sub(1).map(|before| self.reads[before].end);
        let end = read.end.min(self.body.bytes.len());
        Some((read, before.unwrap_or(0).min(end)..end))
    }

    /// The bytes of each read.
    pub fn pieces(&self) -> impl Iterator<Item = (&CapturedRead, &[u8])> {
        let reads = (0..self.reads.len()).filter_map(|index| self.read(index));
        reads.map(|(read, bytes)| (read, &self.body.bytes[bytes]))
    }
}

#[cfg(test)]
pub(crate) mod tests;

//! The trait of all decoders: bytes of one response in, [`Event`]s out.

use http::HeaderMap;

use crate::event::Event;

/// What a decoder knows of the response before the body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResponseHead {
    /// HTTP status code.
    pub status: u16,
    /// The `content-type` header, empty if there was none; `None` if unknown.
    pub content_type: Option<String>,
    /// The wait asked for by `retry-after`/`retry-after-ms`, in milliseconds (already capped).
    pub retry_after_ms: Option<u64>,
    /// How many answers were asked for; `None` if unknown (a body from a file).
    pub choices: Option<u64>,
}

impl ResponseHead {
    /// A 200 event stream: assumed for a captured SSE body.
    #[must_use]
    pub fn event_stream() -> Self {
        Self {
            status: 200,
            content_type: Some("text/event-stream".into()),
            ..Self::default()
        }
    }
}

/// Turns the bytes of one response body into events. Never panics, whatever the bytes.
pub trait Decoder: Send {
    /// Decodes the next bytes, however they are split, and appends the events that they completed.
    fn push(&mut self, bytes: &[u8], out: &mut Vec<Event>);

    /// Decodes the trailers, if they say how the answer ended.
    fn trailers(&mut self, _trailers: &HeaderMap, _out: &mut Vec<Event>) {}

    /// Whether the answer may be complete: it has all required parts, but the protocol has no end mark, or none came
    /// yet.
    fn may_end(&self) -> bool {
        false
    }

    /// Ends the body. A body that broke off before its dialect's end gives a fault.
    fn end(&mut self, out: &mut Vec<Event>);
}

/// One model of an endpoint's list.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ModelInfo {
    /// The name to send.
    pub id: String,
    /// A display name, or its owner, if the endpoint gives one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub label: String,
}

//! What every decoder is: bytes of one response in, [`Event`]s out.

use http::HeaderMap;

use crate::event::Event;

/// What a decoder may know of the response before its first body byte.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResponseHead {
    /// HTTP status code.
    pub status: u16,
    /// The `content-type` header, empty where there was none; `None` where that is not known.
    pub content_type: Option<String>,
    /// The wait asked for by `retry-after`/`retry-after-ms`, in milliseconds (already capped).
    pub retry_after_ms: Option<u64>,
    /// How many answers were asked for; `None` where that is not known (a body on disk).
    pub choices: Option<u64>,
}

impl ResponseHead {
    /// A 200 event stream: what a captured SSE body is taken to be.
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
    /// Takes the next bytes, in pieces of any size, and appends what they completed.
    fn push(&mut self, bytes: &[u8], out: &mut Vec<Event>);

    /// Takes the headers that came behind the body, where they say how the answer ended.
    fn trailers(&mut self, _trailers: &HeaderMap, _out: &mut Vec<Event>) {}

    /// Whether the answer may end here: it has all that one needs, but the protocol has no end mark, or none came yet.
    fn may_end(&self) -> bool {
        false
    }

    /// Says that the body is over. A body that broke off before its dialect's end gives a fault.
    fn end(&mut self, out: &mut Vec<Event>);
}

/// One model of an endpoint's list.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ModelInfo {
    /// The name to send.
    pub id: String,
    /// A name for people, or who owns it, where the endpoint says so.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub label: String,
}

//! What the answers of all dialects have in common: events, JSON or a page; errors; how they end.
//!
//! In: a response's head and bytes. Out: frames for a dialect's [`Reader`], and faults that no dialect
//! need know about.

pub mod beside;
mod call_ids;
pub(crate) mod count;
mod decode;
pub mod decoder;
pub mod error;
pub mod excerpt;
pub(crate) mod json;
pub mod json_values;
mod keep_alive;
mod list;
pub mod sse;
pub(crate) mod text;
mod typed;
pub mod wait;

pub use self::beside::Beside;
pub use self::decode::{Decoder, ModelInfo, ResponseHead};
pub use self::decoder::{BodyDecoder, Ended, Reader, Taken};
pub(crate) use self::list::{list_of, models, next_page};
pub(crate) use self::typed::typed;
use crate::event::{About, Event, Note};

use serde::de::IgnoredAny;

/// What a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyKind {
    /// Server-sent events.
    Events,
    /// JSON: one object, one a line, or an array of them.
    Json,
    /// A page, or plain text.
    Text,
}

/// What a body is, from its first bytes, since some servers send JSON as `text/event-stream` and events
/// as `text/plain`. `None` while more bytes could change it; more bytes never change an answer.
#[must_use]
pub fn kind_of(begun: &[u8], head: &ResponseHead) -> Option<BodyKind> {
    let text = begun.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(begun);
    let said = head.content_type.as_deref().unwrap_or_default();
    let said_events = || {
        let said = said.trim_start().to_ascii_lowercase();
        said.starts_with("text/event-stream")
    };
    match text.first() {
        None => None,
        Some(b'{' | b'[') => Some(BodyKind::Json),
        Some(b':') if said.contains("ndjson") => Some(BodyKind::Json),
        Some(b'<') => Some(BodyKind::Text),
        Some(_) if is_events(text) => Some(BodyKind::Events),
        Some(_) if sse_begins_with(text) || b"\xEF\xBB\xBF".starts_with(text) => None,
        Some(_) if said_events() => Some(BodyKind::Events),
        Some(_) => Some(BodyKind::Text),
    }
}

/// Whether a text begins with a line of server-sent events.
fn is_events(text: &[u8]) -> bool {
    SSE_FIELDS.iter().any(|field| text.starts_with(field))
}

/// The fields of server-sent events, and llama.cpp's own for an error.
const SSE_FIELDS: &[&[u8]] = &[b"data:", b"event:", b"id:", b"retry:", b"error:", b":"];

/// The note that a body is not what its content type says, if it is not. Where the type is not known (a body
/// on disk), there is nothing to say; plain JSON of a streamed answer is noted elsewhere.
#[must_use]
pub fn type_note(kind: BodyKind, head: &ResponseHead) -> Option<Event> {
    let said = head.content_type.as_deref()?;
    let bare = said.split(';').next().unwrap_or_default().trim();
    let bare = bare.to_ascii_lowercase();
    let (what, fits) = match kind {
        BodyKind::Events => ("server-sent events", bare == "text/event-stream"),
        BodyKind::Json => ("JSON", bare.contains("json")),
        BodyKind::Text => return None,
    };
    let is_ok = (200..300).contains(&head.status);
    (is_ok && !fits).then(|| {
        let text = match said {
            "" => format!("{what} came as no stated type"),
            said => format!("{what} came as “{said}”"),
        };
        Event::Note(Note::new(About::ContentType, text))
    })
}

/// Whether these bytes may be the start of a server-sent event's line.
#[must_use]
pub fn sse_begins_with(bytes: &[u8]) -> bool {
    SSE_FIELDS.iter().any(|field| field.starts_with(bytes))
}

/// Whether these bytes are the start of a JSON text that broke off: with more bytes they could become one.
#[must_use]
pub fn is_cut_json(mut text: Vec<u8>) -> bool {
    let lacks_more = |text: &[u8]| {
        let read = serde_json::from_slice::<IgnoredAny>(text);
        read.is_err_and(|why| why.is_eof())
    };
    if lacks_more(&text) {
        return true;
    }
    // serde_json takes a number without its last digits (`-`, `1.`, `1e`) for a mistake.
    text.push(b'0');
    lacks_more(&text)
}

/// Whether nothing but a byte order mark was there.
#[must_use]
pub fn is_blank(held: &[u8]) -> bool {
    held.is_empty() || held == b"\xEF\xBB\xBF"
}

#[cfg(test)]
mod tests {
    use super::is_cut_json;

    #[test]
    fn json_that_broke_off_is_told_from_what_never_was_json() {
        let json =
            r#" {"a\"\\\ud83d\ude00é": [-1.5e-10, 0, true, false, null, "", {}], "b": {"c": []}}"#;
        for at in 1..json.len() {
            let cut = &json.as_bytes()[..at];
            assert!(is_cut_json(cut.to_vec()), "{}", cut.escape_ascii());
        }
        for hopeless in [
            "{malformed",
            "{\"a\":1,,",
            "{\"a\":01",
            "[{]",
            "{\"a\":tru,",
            "{'a'",
            json,
        ] {
            assert!(!is_cut_json(hopeless.into()), "{hopeless}");
        }
        assert!(is_cut_json("[".repeat(1 << 20).into()), "however deep");
    }
}

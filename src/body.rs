//! What the responses of all dialects have in common: framing (events, JSON or a page), errors, and how they end.
//!
//! In: a response's head and bytes. Out: frames for a dialect's [`FrameReader`], and the faults that are common to
//! all dialects.

mod call_ids;
pub(crate) mod count;
mod decode;
pub mod decoder;
pub mod error;
pub mod excerpt;
pub mod extra_fields;
pub(crate) mod json;
pub mod json_values;
mod keep_alive;
mod list;
pub mod sse;
pub(crate) mod text;
mod typed;
pub mod wait;

pub use self::decode::{Decoder, ModelInfo, ResponseHead};
pub use self::decoder::{AnswerEnd, BodyDecoder, FrameOutcome, FrameReader};
pub use self::extra_fields::ExtraFields;
pub(crate) use self::list::{list_of, models, next_page};
pub(crate) use self::typed::typed;
use crate::event::{About, Event, Note};

use serde::de::IgnoredAny;

/// The kind of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyKind {
    /// Server-sent events.
    Events,
    /// JSON: one object, one a line, or an array of them.
    Json,
    /// A page, or plain text.
    Text,
}

/// The kind of a body by its first bytes, since some servers send JSON as `text/event-stream` and events as
/// `text/plain`. `None` while further bytes could change it; once returned, the kind is final.
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

/// Whether a text begins with a line of an event stream.
fn is_events(text: &[u8]) -> bool {
    SSE_FIELDS.iter().any(|field| text.starts_with(field))
}

/// The fields of server-sent events, and llama.cpp's own for an error.
const SSE_FIELDS: &[&[u8]] = &[b"data:", b"event:", b"id:", b"retry:", b"error:", b":"];

/// The note for a body that is not of its content type. `None` if the type is unknown (a body from a file). Plain
/// JSON in place of a stream is noted elsewhere.
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

/// Whether these bytes are the start of a JSON text that broke off.
#[must_use]
pub fn is_cut_json(mut text: Vec<u8>) -> bool {
    let lacks_more = |text: &[u8]| {
        let read = serde_json::from_slice::<IgnoredAny>(text);
        read.is_err_and(|why| why.is_eof())
    };
    if lacks_more(&text) {
        return true;
    }
    // serde_json reports a truncated number (`-`, `1.`, `1e`) as a syntax error.
    text.push(b'0');
    lacks_more(&text)
}

/// Whether there is nothing but perhaps a byte order mark.
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

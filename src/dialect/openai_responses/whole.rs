//! The content of a single item, or of a part of one.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value};

use crate::{
    body::json::{self, Fields, Raw},
    chat::Media,
    event::Event,
};

/// The kind of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum TextChannel {
    Text,
    Refusal,
    Reasoning,
    Summary,
    /// The transcript of audio.
    Transcript,
}

impl TextChannel {
    pub(super) fn event(self, text: String) -> Event {
        match self {
            Self::Text | Self::Transcript => Event::Text { text },
            Self::Refusal => Event::Refusal { text },
            Self::Reasoning | Self::Summary => Event::Reasoning { text },
        }
    }

    /// The field of a part that holds it.
    pub(super) fn field(self) -> &'static str {
        match self {
            Self::Refusal => "refusal",
            Self::Transcript => "transcript",
            _ => "text",
        }
    }
}

pub(super) fn id_of(item: Raw<'_>) -> serde_json::Result<Option<Cow<'_, str>>> {
    let fields = Fields::of(item)?;
    Ok(fields.stated("id").and_then(json::text))
}

/// The arguments of a call, in this field. Some servers write the object itself instead of its text.
pub(super) fn arguments_of(name: &str, call: &Fields<'_>) -> Vec<u8> {
    let Some(raw) = call.stated(name) else {
        return Vec::new();
    };
    let object = || {
        raw.get()
            .starts_with('{')
            .then(|| raw.get().as_bytes().into())
    };
    json::bytes(raw)
        .or_else(object)
        .unwrap_or_default()
        .into_owned()
}

/// Emits a built-in tool's item unchanged, or the image that it made as a file of the answer.
pub(super) fn close_other(item: &Fields<'_>, raw: Raw<'_>, out: &mut Vec<Event>) {
    let text = |name| item.stated(name).and_then(json::string);
    let kind = text("type").unwrap_or_default();
    let image = (kind == "image_generation_call").then(|| text("result"));
    let image = image.flatten().and_then(|data| STANDARD.decode(data).ok());
    match image {
        Some(data) => {
            let format = text("output_format").unwrap_or_else(|| "png".into());
            let mime = match format.as_str() {
                "svg" => "image/svg+xml".into(),
                format => format!("image/{format}"),
            };
            out.push(Event::Media(Media {
                mime,
                data: data.into(),
                ..Media::default()
            }));
        }
        None => out.push(opaque(kind, raw)),
    }
}

/// Emits the fields that must be sent back with an item, as its signature.
pub(super) fn emit_signature_fields(names: &[&str], item: &Fields<'_>, out: &mut Vec<Event>) {
    let fields = names.iter().filter_map(|name| {
        let value = json::value(item.stated(name)?.get()).ok()?;
        (!value.is_null()).then(|| ((*name).to_owned(), value))
    });
    let fields: Map<String, Value> = fields.collect();
    if !fields.is_empty() {
        let value = Value::Object(fields).to_string();
        out.push(Event::Signature { value });
    }
}

pub(super) fn opaque(kind: String, raw: Raw<'_>) -> Event {
    let raw = raw.get().to_owned();
    Event::Opaque { kind, raw }
}

pub(super) fn unknown(kind: &str, raw: Raw<'_>) -> Event {
    let (kind, raw) = (kind.to_owned(), raw.get().to_owned());
    Event::Unknown { kind, raw }
}

/// An empty piece: not a token, but a sign of activity.
pub(super) fn empty_piece() -> Event {
    Event::Text {
        text: String::new(),
    }
}

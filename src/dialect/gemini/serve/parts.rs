//! The JSON of an answer's parts, and of its sources.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

use crate::{
    chat::{Media, ToolCall},
    dialect::serve::{AnswerHead, read::arguments_object, signed_id::google_signature},
    event::Citation,
};

/// A signature as this protocol's clients get it: that of a model of another protocol is none here.
pub(super) fn own_signature<'a>(value: &'a str, head: &AnswerHead) -> Option<Cow<'a, str>> {
    if head.carry_signatures {
        google_signature(value)
    } else {
        Some(value.into())
    }
}

pub(super) fn call_part(
    call: &ToolCall,
    signature: Option<String>,
    place: usize,
    head: &AnswerHead,
) -> Value {
    let args = arguments_object(&call.arguments);
    let mut part = json!({ "functionCall": { "name": call.name, "args": args } });
    if !call.id.is_empty() {
        part["functionCall"]["id"] = call.id.as_str().into();
    }
    let made = || (place == 0).then(|| head.signature(place)).flatten();
    if let Some(signature) = signature.or_else(made) {
        part["thoughtSignature"] = signature.into();
    }
    part
}

pub(super) fn file(media: &Media) -> Value {
    let mut file = json!({ "mimeType": media.mime });
    if !media.name.is_empty() {
        file["displayName"] = media.name.as_str().into();
    }
    if let Some(uri) = &media.uri {
        file["fileUri"] = uri.as_str().into();
        return json!({ "fileData": file });
    }
    file["data"] = STANDARD.encode(&media.data).into();
    json!({ "inlineData": file })
}

/// A citation with a quote is written as a passage of the user's files, one without as a web page.
pub(super) fn source(citation: &Citation) -> Value {
    let mut source = Map::new();
    for (name, text) in [
        ("uri", &citation.url),
        ("title", &citation.title),
        ("text", &citation.quote),
    ] {
        source.extend(text.clone().map(|text| (name.to_owned(), text.into())));
    }
    if citation.quote.is_some() {
        json!({ "retrievedContext": source })
    } else {
        json!({ "web": source })
    }
}

/// An item of this protocol, which is a whole part.
pub(super) fn item(kind: &str, raw: &str) -> Option<Value> {
    let part: Value = serde_json::from_str(raw).ok()?;
    part.get(kind).is_some().then_some(part)
}

//! The JSON of an answer's parts.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

use crate::{
    chat::Media,
    dialect::openai_chat::fields::KNOWN_ITEMS,
    event::{Citation, ToolCallDelta},
};

/// The delta of a piece of a call.
pub(super) fn tool_call(delta: &ToolCallDelta) -> Value {
    let mut call = json!({ "index": delta.index });
    if let Some(id) = &delta.id {
        call["id"] = id.clone().into();
        call["type"] = "function".into();
    }
    let mut function = json!({ "arguments": delta.arguments });
    if let Some(name) = &delta.name {
        function["name"] = name.clone().into();
    }
    call["function"] = function;
    call
}

/// The annotation of a source.
pub(super) fn annotation(citation: &Citation) -> Value {
    let fields = [
        ("url", &citation.url),
        ("title", &citation.title),
        ("content", &citation.quote),
    ];
    let fields = fields.into_iter();
    let stated = fields.filter_map(|(name, text)| Some((name.to_owned(), text.clone()?.into())));
    let stated: Map<String, Value> = stated.collect();
    json!({ "type": "url_citation", "url_citation": stated })
}

/// Images in OpenRouter's form, audio in `OpenAI`'s; there is no field for other files.
pub(super) fn file(media: &Media) -> Option<Value> {
    let data = || STANDARD.encode(&media.data);
    if media.mime.starts_with("audio/") && media.uri.is_none() {
        return Some(json!({ "audio": { "data": data() } }));
    }
    let url = || format!("data:{};base64,{}", media.mime, data());
    let url = media.uri.clone().unwrap_or_else(url);
    let image = json!({ "type": "image_url", "image_url": { "url": url } });
    media.is_image().then(|| json!({ "images": [image] }))
}

/// The delta of an item of this protocol: of a server's own tools, or encrypted reasoning.
pub(super) fn item(kind: &str, raw: &str) -> Option<Value> {
    let raw: Value = serde_json::from_str(raw).ok()?;
    let has_text = |name: &str| raw.get(name).is_some_and(Value::is_string);
    match kind.split_once('.') {
        // Their text was written as reasoning already.
        Some(("reasoning", _)) if has_text("text") || has_text("summary") => None,
        Some(("reasoning", _)) => Some(json!({ "reasoning_details": [raw] })),
        Some(("context", name)) => Some(json!({ "context": { name: raw } })),
        None if kind == "reference" => Some(json!({ "content": [raw] })),
        None if KNOWN_ITEMS.contains(&kind) => Some(json!({ kind: raw })),
        _ => None,
    }
}

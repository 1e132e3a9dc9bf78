//! Encodes the conversation as alternating turns of user and assistant, each a list of content blocks.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

use super::DIALECT;
use crate::chat::{Media, Message, Part, Role, ToolCall};

/// The `messages` field. Consecutive messages of one role become one turn, with tool results first, as the protocol
/// requires. What it refuses (blank text, an empty turn) is left out.
pub(super) fn messages(messages: &[Message]) -> Vec<Value> {
    let mut turns: Vec<(&str, Vec<Value>)> = Vec::new();
    for message in messages {
        let (role, blocks) = match message.role {
            Role::Assistant => ("assistant", assistant(&message.parts)),
            Role::User | Role::Tool => ("user", message.parts.iter().filter_map(user).collect()),
        };
        match turns.last_mut() {
            _ if blocks.is_empty() => {}
            Some((last, turn)) if *last == role => turn.extend(blocks),
            _ => turns.push((role, blocks)),
        }
    }
    if let Some(("assistant", turn)) = turns.last_mut() {
        trim_end(turn);
    }
    turns
        .into_iter()
        .map(|(role, turn)| wire(role, turn))
        .collect()
}

fn wire(role: &str, mut turn: Vec<Value>) -> Value {
    // The sort is stable.
    turn.sort_by_key(|block| role == "user" && block["type"] != "tool_result");
    // A text block without further fields.
    let plain =
        |block: &Value| block["type"] == "text" && block.as_object().map(Map::len) == Some(2);
    match turn.as_slice() {
        [only] if plain(only) => json!({"role": role, "content": only["text"]}),
        _ => json!({"role": role, "content": turn}),
    }
}

/// An answer that the model is to continue must not end in whitespace.
fn trim_end(turn: &mut [Value]) {
    let text = turn.last_mut().and_then(|block| block.get_mut("text"));
    if let Some(Value::String(text)) = text {
        text.truncate(text.trim_end().len());
    }
}

fn user(part: &Part) -> Option<Value> {
    match part {
        Part::Text { text } => text_block(text),
        Part::Media(media) => Some(media_block(media)),
        Part::ToolResult { id, name, content } => {
            let id = tool_id(id, name);
            Some(json!({"type": "tool_result", "tool_use_id": id, "content": content}))
        }
        _ => None,
    }
}

/// The blocks of an assistant turn, in order: the protocol refuses thinking that was changed or moved, and a turn that
/// ends in it. Thinking without a signature of this dialect is left out, and so are files, which an assistant turn
/// can't hold.
fn assistant(parts: &[Part]) -> Vec<Value> {
    let mut blocks: Vec<Value> = Vec::new();
    for (at, part) in parts.iter().enumerate() {
        let signature = signature(parts.get(at + 1));
        blocks.extend(match part {
            Part::Text { text } => text_block(text).map(|block| with_fields(block, signature)),
            Part::ToolCall(call) => Some(with_fields(tool_use(call), signature)),
            Part::Reasoning { text } => signature.map(
                |signature| json!({"type": "thinking", "thinking": text, "signature": signature}),
            ),
            Part::Opaque { dialect, raw, .. } if is_ours(dialect) => serde_json::from_str(raw).ok(),
            _ => None,
        });
    }
    let thinks =
        |block: &Value| block["type"] == "thinking" || block["type"] == "redacted_thinking";
    while blocks.last().is_some_and(thinks) {
        blocks.pop();
    }
    blocks
}

/// Adds the extra fields that the provider sent with a block (a text's citations, a call's maker).
fn with_fields(mut block: Value, json: Option<&str>) -> Value {
    let fields = json.and_then(|json| serde_json::from_str::<Map<String, Value>>(json).ok());
    if let (Some(block), Some(fields)) = (block.as_object_mut(), fields) {
        block.extend(fields);
    }
    block
}

fn signature(part: Option<&Part>) -> Option<&str> {
    match part {
        Some(Part::Signature { dialect, value }) if is_ours(dialect) => Some(value),
        _ => None,
    }
}

fn is_ours(dialect: &str) -> bool {
    dialect == DIALECT.id.as_str()
}

fn text_block(text: &str) -> Option<Value> {
    let has_text = !text.trim().is_empty();
    has_text.then(|| json!({"type": "text", "text": text}))
}

fn tool_use(call: &ToolCall) -> Value {
    let id = tool_id(&call.id, &call.name);
    json!({"type": "tool_use", "id": id, "name": call.name, "input": input(&call.arguments)})
}

/// The arguments as the object that the protocol requires. Anything else is wrapped in one, so that the call and its
/// result are not lost.
fn input(arguments: &str) -> Value {
    match serde_json::from_str(arguments) {
        Ok(Value::Object(input)) => input.into(),
        _ if arguments.trim().is_empty() => Map::new().into(),
        _ => json!({"arguments": arguments}),
    }
}

/// An id that the protocol accepts: letters, digits, `_` and `-`. Ids of other dialects may have other characters, or
/// be empty where results are matched by name.
fn tool_id(id: &str, name: &str) -> String {
    let id = if id.is_empty() { name } else { id };
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    id.chars().map(|c| if plain(c) { c } else { '_' }).collect()
}

/// A document (PDF, or plain text of any kind), else an image.
fn media_block(media: &Media) -> Value {
    let named_pdf = |uri: &String| uri.to_ascii_lowercase().ends_with(".pdf");
    let document = match media.mime.split('/').next().unwrap_or_default() {
        "application" | "text" => true,
        "" => media.uri.as_ref().is_some_and(named_pdf),
        _ => false,
    };
    let text = std::str::from_utf8(&media.data).ok();
    let source = match (&media.uri, text) {
        (Some(uri), _) => json!({"type": "url", "url": uri}),
        (None, Some(text)) if media.mime.starts_with("text/") => {
            json!({"type": "text", "media_type": "text/plain", "data": text})
        }
        (None, _) => {
            let data = STANDARD.encode(&media.data);
            json!({"type": "base64", "media_type": media.mime, "data": data})
        }
    };
    let kind = if document { "document" } else { "image" };
    json!({"type": kind, "source": source})
}

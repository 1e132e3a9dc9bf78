//! Encodes the conversation as `messages`.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

use super::delta::REASONING_FIELD_SENT_BACK;
use crate::{
    chat::{Media, Message, Part, Role, ToolCall},
    dialect::DialectId,
};

/// The wire messages of one turn: one for each tool result, one for the rest, and a user message with the model's
/// images, which an assistant message can't hold.
pub(super) fn messages(message: &Message) -> Vec<Value> {
    let mut written: Vec<Value> = message.parts.iter().filter_map(tool_result).collect();
    let (calls, content) = (calls(message), content(message));
    // Results must directly follow their calls.
    let images: Vec<Value> = images(message).filter(|_| calls.is_empty()).collect();
    let is_empty = content.is_null() && calls.is_empty();
    if !is_empty || (written.is_empty() && images.is_empty()) {
        let mut wire = Map::new();
        wire.insert("role".into(), json!(message.role));
        let content = if is_empty { "".into() } else { content };
        wire.insert("content".into(), content);
        wire.extend(returned_fields(message, !calls.is_empty()));
        if !calls.is_empty() {
            wire.insert("tool_calls".into(), calls.into());
        }
        written.push(wire.into());
    }
    if !images.is_empty() {
        written.push(json!({"role": "user", "content": images}));
    }
    written
}

/// Images that the model made.
fn images(message: &Message) -> impl Iterator<Item = Value> {
    let images = message.parts.iter().filter_map(|part| match part {
        Part::Media(media) if media.is_image() => Some(file(media)),
        _ => None,
    });
    images.filter(|_| message.role == Role::Assistant)
}

/// Text alone is a plain string, which every server accepts; with files, it is an array of parts.
fn content(message: &Message) -> Value {
    let has_files = message.role != Role::Assistant
        && message
            .parts
            .iter()
            .any(|part| matches!(part, Part::Media(_)));
    let parts = message.parts.iter().filter_map(|part| match part {
        Part::Text { text } => Some(json!({"type": "text", "text": text})),
        Part::Media(media) if has_files => Some(file(media)),
        _ => None,
    });
    let parts: Vec<Value> = parts.collect();
    match parts.len() {
        0 => Value::Null,
        _ if !has_files => message.text().into(),
        _ => parts.into(),
    }
}

/// The part of a file: images by URL, audio with its format, other files with their name.
fn file(media: &Media) -> Value {
    let (class, kind) = media.mime.split_once('/').unwrap_or_default();
    match (class, &media.uri) {
        ("audio", None) => {
            let audio = json!({"data": STANDARD.encode(&media.data), "format": audio_format(kind)});
            json!({"type": "input_audio", "input_audio": audio})
        }
        ("application" | "text", _) => {
            let name = if media.name.is_empty() {
                "file"
            } else {
                &media.name
            };
            let file = json!({"filename": name, "file_data": url(media)});
            json!({"type": "file", "file": file})
        }
        // vLLM and OpenRouter; OpenAI accepts neither by URL.
        ("audio", Some(uri)) => json!({"type": "audio_url", "audio_url": {"url": uri}}),
        ("video", _) => json!({"type": "video_url", "video_url": {"url": url(media)}}),
        _ => json!({"type": "image_url", "image_url": {"url": url(media)}}),
    }
}

/// The protocol's name of an audio format.
pub(in crate::dialect) fn audio_format(kind: &str) -> &str {
    match kind {
        "mpeg" => "mp3",
        "x-wav" | "wave" => "wav",
        kind => kind,
    }
}

fn url(media: &Media) -> String {
    if let Some(uri) = &media.uri {
        return uri.clone();
    }
    format!(
        "data:{};base64,{}",
        media.mime,
        STANDARD.encode(&media.data)
    )
}

/// The signature of the part at this position.
fn signature(message: &Message, at: usize) -> Option<&str> {
    match message.parts.get(at + 1)? {
        Part::Signature { dialect, value } if is_ours(dialect) => Some(value),
        _ => None,
    }
}

fn is_ours(dialect: &str) -> bool {
    dialect == DialectId::OpenaiChat.as_str()
}

fn calls(message: &Message) -> Vec<Value> {
    let calls = message.parts.iter().enumerate().filter_map(|(at, part)| {
        let Part::ToolCall(call) = part else {
            return None;
        };
        let mut call = tool_call(call);
        let extra = signature(message, at).and_then(|extra| serde_json::from_str(extra).ok());
        if let Some(extra) = extra {
            call["extra_content"] = extra;
        }
        Some(call)
    });
    calls.collect()
}

fn tool_call(call: &ToolCall) -> Value {
    // Servers parse the arguments and refuse an empty text.
    let arguments = match call.arguments.as_str() {
        "" => "{}",
        arguments => arguments,
    };
    let function = json!({"name": call.name, "arguments": arguments});
    json!({"id": call.id, "type": "function", "function": function})
}

/// Fields that are sent back with an answer: OpenRouter's details unchanged, Google's `extra_content`, and other
/// reasoning text if the answer waits for results.
fn returned_fields(message: &Message, waits: bool) -> Map<String, Value> {
    let mut returned_fields = Map::new();
    let (mut details, mut thoughts) = (Vec::new(), String::new());
    for (at, part) in message.parts.iter().enumerate() {
        match part {
            Part::Opaque { dialect, kind, raw }
                if is_ours(dialect) && kind.starts_with("reasoning") =>
            {
                details.extend(serde_json::from_str::<Value>(raw));
            }
            Part::Reasoning { text }
                if signature(message, at) == Some(REASONING_FIELD_SENT_BACK) =>
            {
                thoughts.push_str(text);
            }
            Part::Text { .. } => {
                let extra = signature(message, at).map(serde_json::from_str::<Value>);
                returned_fields.extend(
                    extra
                        .and_then(Result::ok)
                        .map(|extra| ("extra_content".into(), extra)),
                );
            }
            _ => {}
        }
    }
    if !details.is_empty() {
        returned_fields.insert("reasoning_details".into(), details.into());
    }
    if waits && !thoughts.is_empty() {
        returned_fields.insert(REASONING_FIELD_SENT_BACK.into(), thoughts.into());
    }
    returned_fields
}

fn tool_result(part: &Part) -> Option<Value> {
    match part {
        Part::ToolResult { id, content, .. } => {
            Some(json!({"role": "tool", "tool_call_id": id, "content": content}))
        }
        _ => None,
    }
}

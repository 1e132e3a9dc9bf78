//! The conversation as input items.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::{
    chat::{Media, Message, Part, Role, ToolCall},
    dialect::DialectId,
};

/// The items, oldest first: texts and files in messages, calls and results on their own.
pub(super) fn input(messages: &[Message]) -> Vec<Value> {
    let mut items = Vec::new();
    for message in messages {
        let mut content = Vec::new();
        for part in &message.parts {
            if let Some(said) = spoken(message.role, part) {
                content.push(said);
            } else if let Some(item) = item(part) {
                flush(message.role, &mut content, &mut items);
                items.push(item);
            }
        }
        flush(message.role, &mut content, &mut items);
    }
    items
}

fn flush(role: Role, content: &mut Vec<Value>, items: &mut Vec<Value>) {
    if content.is_empty() {
        return;
    }
    let content = std::mem::take(content);
    // A picture that the model made can be shown to it only as the user's.
    let is_said = |part: &Value| part["type"] == "output_text";
    let role = match role {
        Role::Assistant if content.iter().all(is_said) => "assistant",
        _ => "user",
    };
    items.push(json!({"role": role, "content": content}));
}

/// A part that stands in a message.
fn spoken(role: Role, part: &Part) -> Option<Value> {
    match part {
        Part::Text { text } if text.is_empty() => None,
        Part::Text { text } if role == Role::Assistant => {
            Some(json!({"type": "output_text", "text": text}))
        }
        Part::Text { text } => Some(json!({"type": "input_text", "text": text})),
        Part::Media(media) => file(media),
        _ => None,
    }
}

/// Images by URL, sound by its format, documents with their name. The protocol takes no video.
fn file(media: &Media) -> Option<Value> {
    let (class, kind) = media.mime.split_once('/').unwrap_or_default();
    let data = || STANDARD.encode(&media.data);
    let data_url = || format!("data:{};base64,{}", media.mime, data());
    match (class, &media.uri) {
        ("image", uri) => {
            let url = uri.clone().unwrap_or_else(data_url);
            Some(json!({"type": "input_image", "image_url": url}))
        }
        ("audio", None) => {
            let format = match kind {
                "mpeg" => "mp3",
                "x-wav" | "wave" => "wav",
                kind => kind,
            };
            let audio = json!({"data": data(), "format": format});
            Some(json!({"type": "input_audio", "input_audio": audio}))
        }
        ("video" | "audio", _) => None,
        (_, Some(url)) => Some(json!({"type": "input_file", "file_url": url})),
        (_, None) => {
            let name = if media.name.is_empty() {
                "file"
            } else {
                &media.name
            };
            Some(json!({"type": "input_file", "filename": name, "file_data": data_url()}))
        }
    }
}

/// A part that is an item of its own.
fn item(part: &Part) -> Option<Value> {
    match part {
        Part::ToolCall(ToolCall {
            id,
            name,
            arguments,
        }) => {
            let arguments = if arguments.is_empty() {
                "{}"
            } else {
                arguments
            };
            Some(
                json!({"type": "function_call", "call_id": id, "name": name, "arguments": arguments}),
            )
        }
        Part::ToolResult { id, content, .. } => {
            Some(json!({"type": "function_call_output", "call_id": id, "output": content}))
        }
        Part::Opaque { dialect, raw, .. } if *dialect == DialectId::OpenaiResponses.as_str() => {
            serde_json::from_str(raw).ok()
        }
        _ => None,
    }
}

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
        let mut said: Vec<(&str, Value)> = Vec::new();
        for part in &message.parts {
            if let Some(content) = spoken(message.role, part) {
                let speaker = speaker(message.role, part);
                if said.last().is_some_and(|(last, _)| *last != speaker) {
                    flush(&mut said, &mut items);
                }
                said.push((speaker, content));
            } else if let Some(item) = item(part) {
                flush(&mut said, &mut items);
                items.push(item);
            }
        }
        flush(&mut said, &mut items);
    }
    items
}

/// A file that the model made can be shown to it only as the user's, in a message of its own.
fn speaker(role: Role, part: &Part) -> &'static str {
    match (role, part) {
        (Role::Assistant, Part::Text { .. }) => "assistant",
        _ => "user",
    }
}

fn flush(said: &mut Vec<(&str, Value)>, items: &mut Vec<Value>) {
    let Some(role) = said.first().map(|(role, _)| *role) else {
        return;
    };
    let content: Vec<Value> = said.drain(..).map(|(_, content)| content).collect();
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

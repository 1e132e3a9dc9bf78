//! The conversation as input items.

use std::collections::HashMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

use super::client_call::{ClientCall, FUNCTION};
use crate::{
    chat::{Media, Message, Part, Role, ToolCall},
    dialect::{DialectId, openai_chat::turns::sound_format},
};

/// The items, oldest first: texts and files in messages, calls and results on their own.
pub(super) fn input(messages: &[Message]) -> Vec<Value> {
    let mut written = Written::default();
    for message in messages {
        for (at, part) in message.parts.iter().enumerate() {
            let kept = kept(message.parts.get(at + 1));
            if kept.is_some() {
                written.flush();
            }
            written.write(message.role, part);
            if let Some(kept) = kept {
                written.flush();
                written.complete(&kept);
            }
        }
        written.flush();
    }
    written.items
}

/// What the part before a signature of ours goes back with: fields of its item.
fn kept(next: Option<&Part>) -> Option<Map<String, Value>> {
    match next? {
        Part::Signature { dialect, value } if is_ours(dialect) => serde_json::from_str(value).ok(),
        _ => None,
    }
}

fn is_ours(dialect: &str) -> bool {
    dialect == DialectId::OpenaiResponses.as_str()
}

/// The items so far, and the message that is being written.
#[derive(Default)]
struct Written {
    items: Vec<Value>,
    said: Vec<(&'static str, Value)>,
    /// Which program called, by the id of its call: the result says it again.
    callers: HashMap<String, Value>,
    /// The calls that are none of a function, by their ids: results are of the same type.
    others: HashMap<String, &'static ClientCall>,
}

impl Written {
    fn write(&mut self, role: Role, part: &Part) {
        if let Some(content) = spoken(role, part) {
            let speaker = speaker(role, part);
            if self.said.last().is_some_and(|(last, _)| *last != speaker) {
                self.flush();
            }
            self.said.push((speaker, content));
        } else if let Some(mut item) = self.item(part) {
            self.flush();
            if let Part::ToolResult { id, .. } = part
                && let Some(caller) = self.callers.get(id)
            {
                item["caller"] = caller.clone();
            }
            self.items.push(item);
        }
    }

    fn flush(&mut self) {
        let Some(role) = self.said.first().map(|(role, _)| *role) else {
            return;
        };
        let content: Vec<Value> = self.said.drain(..).map(|(_, content)| content).collect();
        self.items.push(if role == "assistant" {
            // llama.cpp takes it by its type only.
            json!({"type": "message", "role": role, "content": content})
        } else {
            json!({"role": role, "content": content})
        });
    }

    /// A part that is an item of its own.
    fn item(&self, part: &Part) -> Option<Value> {
        match part {
            Part::ToolResult { id, content, .. } => {
                let call = self.others.get(id).copied().unwrap_or(&FUNCTION);
                Some(call.answer(id, content))
            }
            part => item(part),
        }
    }

    /// Adds the fields that the last item goes back with.
    fn complete(&mut self, kept: &Map<String, Value>) {
        let Some(item) = self.items.last_mut() else {
            return;
        };
        let kind = kept.get("type").and_then(Value::as_str);
        if let Some(call) = kind.and_then(ClientCall::of_kind) {
            call.rewrite(item);
            let id = item["call_id"].as_str().unwrap_or_default();
            self.others.insert(id.to_owned(), call);
        }
        for (name, value) in kept {
            item[name] = value.clone();
        }
        if let (Some(id), Some(caller)) = (item["call_id"].as_str(), kept.get("caller")) {
            self.callers.insert(id.to_owned(), caller.clone());
        }
    }
}

/// A file that the model made can be shown to it only as the user's, in a message of its own.
fn speaker(role: Role, part: &Part) -> &'static str {
    match (role, part) {
        (Role::Assistant, Part::Text { .. }) => "assistant",
        _ => "user",
    }
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
            Some(json!({"type": "input_image", "image_url": url, "detail": "auto"}))
        }
        ("audio", None) => {
            let audio = json!({"data": data(), "format": sound_format(kind)});
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

/// A part that is an item of its own, a result apart.
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
        Part::Opaque { dialect, raw, .. } if is_ours(dialect) => serde_json::from_str(raw).ok(),
        _ => None,
    }
}

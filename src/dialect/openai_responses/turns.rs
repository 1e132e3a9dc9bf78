//! Encodes the conversation as input items.

use std::collections::HashMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

use super::client_call::{ClientCall, FUNCTION};
use crate::{
    chat::{Media, Message, Part, Role, ToolCall},
    dialect::{DialectId, openai_chat::turns::audio_format},
};

/// The items, oldest first: texts and files in messages; calls and results as separate items.
pub(super) fn input(messages: &[Message]) -> Vec<Value> {
    let mut written = Written::default();
    for message in messages {
        for (at, part) in message.parts.iter().enumerate() {
            let extra = signature_fields(message.parts.get(at + 1));
            if extra.is_some() {
                written.flush();
            }
            written.write(message.role, part);
            if let Some(extra) = extra {
                written.flush();
                written.add_fields(&extra);
            }
        }
        written.flush();
    }
    written.items
}

/// The fields in a signature of this dialect, which belong to the item of the part before it.
fn signature_fields(next: Option<&Part>) -> Option<Map<String, Value>> {
    match next? {
        Part::Signature { dialect, value } if is_ours(dialect) => serde_json::from_str(value).ok(),
        _ => None,
    }
}

fn is_ours(dialect: &str) -> bool {
    dialect == DialectId::OpenaiResponses.as_str()
}

/// The items so far, and the parts of the message that is being written.
#[derive(Default)]
struct Written {
    items: Vec<Value>,
    message: Vec<(&'static str, Value)>,
    /// The `caller` of a call by the call's id: the result repeats it.
    callers: HashMap<String, Value>,
    /// Calls other than function calls, by id: the type of the result depends on them.
    other_calls: HashMap<String, &'static ClientCall>,
}

impl Written {
    fn write(&mut self, role: Role, part: &Part) {
        if let Some(content) = message_content(role, part) {
            let message_role = message_role(role, part);
            if self
                .message
                .last()
                .is_some_and(|(last, _)| *last != message_role)
            {
                self.flush();
            }
            self.message.push((message_role, content));
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
        let Some(role) = self.message.first().map(|(role, _)| *role) else {
            return;
        };
        let content: Vec<Value> = self.message.drain(..).map(|(_, content)| content).collect();
        self.items.push(if role == "assistant" {
            // llama.cpp requires the type here.
            json!({"type": "message", "role": role, "content": content})
        } else {
            json!({"role": role, "content": content})
        });
    }

    /// The item of a part that does not belong into a message.
    fn item(&self, part: &Part) -> Option<Value> {
        match part {
            Part::ToolResult { id, content, .. } => {
                let call = self.other_calls.get(id).copied().unwrap_or(&FUNCTION);
                Some(call.answer(id, content))
            }
            part => item(part),
        }
    }

    /// Adds signature fields to the last item.
    fn add_fields(&mut self, extra: &Map<String, Value>) {
        let Some(item) = self.items.last_mut() else {
            return;
        };
        let kind = extra.get("type").and_then(Value::as_str);
        if let Some(call) = kind.and_then(ClientCall::of_kind) {
            call.rewrite(item);
            let id = item["call_id"].as_str().unwrap_or_default();
            self.other_calls.insert(id.to_owned(), call);
        }
        for (name, value) in extra {
            item[name] = value.clone();
        }
        if let (Some(id), Some(caller)) = (item["call_id"].as_str(), extra.get("caller")) {
            self.callers.insert(id.to_owned(), caller.clone());
        }
    }
}

/// Assistant messages can't hold files, so a file that the model made goes into a user message.
fn message_role(role: Role, part: &Part) -> &'static str {
    match (role, part) {
        (Role::Assistant, Part::Text { .. }) => "assistant",
        _ => "user",
    }
}

/// The content of a part that belongs into a message.
fn message_content(role: Role, part: &Part) -> Option<Value> {
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

/// The part of a file: images by URL, audio with its format, documents with their name. The protocol accepts no video.
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
            let audio = json!({"data": data(), "format": audio_format(kind)});
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

/// The item of a call, or of this dialect's own item.
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

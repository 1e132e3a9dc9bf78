//! Writes a conversation as `contents`.
//!
//! The protocol requires: only two roles; the results of parallel calls in one content, in the order of the calls,
//! without text; each signature on the part that it came with.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

use super::thinking::generation;
use crate::{
    chat::{ChatRequest, Media, Message, Part, Role, ToolCall},
    dialect::{DialectId, serve::signed_id::google_signature},
};

/// Sent as the signature of a call by another model: Gemini 3 refuses calls without one, but accepts this
/// (<https://ai.google.dev/gemini-api/docs/thought-signatures>).
pub(super) const NO_SIGNATURE: &str = "skip_thought_signature_validator";

/// Prefix of ids that we give to calls without one. They match calls and results here, and are not sent: a server that
/// sends no ids accepts none.
pub(in crate::dialect) const GENERATED_ID_PREFIX: &str = "made-call-";

/// The role of a content, and whether it holds tool results.
type ContentKind = (&'static str, bool);

/// The contents: consecutive messages of one kind become one.
pub(super) fn contents(request: &ChatRequest) -> Vec<Value> {
    let mut turns: Vec<(ContentKind, Vec<Value>)> = Vec::new();
    for (at, message) in request.messages.iter().enumerate() {
        let earlier = &request.messages[..at];
        let is_last = at + 1 == request.messages.len();
        for (kind, parts) in turns_of(message, earlier, is_last) {
            match turns.last_mut() {
                Some((last, turn)) if *last == kind => turn.extend(parts),
                _ => turns.push((kind, parts)),
            }
        }
    }
    let mut order = Vec::new();
    let wants_signatures = wants_signatures(&request.model);
    let turns = turns.into_iter().map(|((role, results), mut parts)| {
        if parts.len() > 1 {
            parts.retain(|part| *part != json!({"text": ""}));
        }
        if wants_signatures {
            sign_first_call(&mut parts);
        }
        if results {
            parts.sort_by_key(|result| place_of(result, &order));
        }
        order = call_ids(&parts);
        for part in &mut parts {
            remove_id(part, |id| id.starts_with(GENERATED_ID_PREFIX));
        }
        json!({"role": role, "parts": parts})
    });
    turns.collect()
}

/// The turns of one message: its tool results, then the rest.
fn turns_of(
    message: &Message,
    earlier: &[Message],
    is_last: bool,
) -> Vec<(ContentKind, Vec<Value>)> {
    let results = message
        .parts
        .iter()
        .filter_map(|part| result(part, earlier));
    let results: Vec<Value> = results.collect();
    let mut parts = parts(message);
    // An empty question is the provider's to refuse; an empty one before it says nothing.
    let needs_part = is_last && message.role != Role::Assistant && results.is_empty();
    if parts.is_empty() && needs_part {
        parts.push(json!({"text": ""}));
    }
    let role = match message.role {
        Role::User | Role::Tool => "user",
        Role::Assistant => "model",
    };
    let turns = [(("user", true), results), ((role, false), parts)];
    let turns = turns.into_iter().filter(|(_, parts)| !parts.is_empty());
    turns.collect()
}

/// The parts of a message without tool results, each with its signature.
fn parts(message: &Message) -> Vec<Value> {
    let mut parts = Vec::new();
    for (at, part) in message.parts.iter().enumerate() {
        let signature = signature(&message.parts[at + 1..]);
        let Some(mut fields) = fields(part, signature.is_some()) else {
            continue;
        };
        if let Some(signature) = signature {
            fields.insert("thoughtSignature".into(), signature.into());
        }
        parts.push(fields.into());
    }
    parts
}

/// Whether a model refuses a step whose first call has no signature.
fn wants_signatures(model: &str) -> bool {
    let is_newest = model.contains("gemini-") && model.ends_with("-latest");
    is_newest || generation(model).is_some_and(|number| number >= 3)
}

/// Signs the first call of a step if none of its calls is signed. Of parallel calls, Gemini signs the first only.
fn sign_first_call(parts: &mut [Value]) {
    let mut calls = parts
        .iter_mut()
        .filter(|part| part["functionCall"].is_object());
    let Some(first) = calls.next() else { return };
    let is_signed = |part: &Value| part["thoughtSignature"].is_string();
    if !is_signed(first) && !calls.any(|call| is_signed(call)) {
        first["thoughtSignature"] = NO_SIGNATURE.into();
    }
}

/// The signature that stands right behind a part: of this protocol, or Google's by its protocol that is like `OpenAI`'s.
fn signature(behind: &[Part]) -> Option<Cow<'_, str>> {
    let signatures = behind.iter().map_while(|part| match part {
        Part::Signature { dialect, value } => Some((dialect, value)),
        _ => None,
    });
    let mut ours = signatures.filter_map(|(dialect, value)| {
        if is_ours(dialect) {
            return Some(Cow::Borrowed(value.as_str()));
        }
        let is_extra = dialect == DialectId::OpenaiChat.as_str() && value.starts_with('{');
        is_extra.then(|| google_signature(value)).flatten()
    });
    ours.next()
}

/// Whether a part is of this protocol, by REST or by gRPC: each accepts the other's signatures.
fn is_ours(dialect: &str) -> bool {
    [DialectId::Gemini, DialectId::VertexGrpc]
        .map(DialectId::as_str)
        .contains(&dialect)
}

fn fields(part: &Part, signed: bool) -> Option<Map<String, Value>> {
    let value = match part {
        // An empty text is an error, unless it has a signature.
        Part::Text { text } if signed || !text.is_empty() => json!({"text": text}),
        // Thinking is sent back only with its signature.
        Part::Reasoning { text } if signed => json!({"text": text, "thought": true}),
        Part::Media(media) => file(media),
        Part::ToolCall(called) => json!({"functionCall": call(called)}),
        Part::Opaque { dialect, raw, .. } if is_ours(dialect) => serde_json::from_str(raw).ok()?,
        _ => return None,
    };
    match value {
        Value::Object(fields) => Some(fields),
        _ => None,
    }
}

fn file(media: &Media) -> Value {
    let mut file = Map::new();
    if !media.mime.is_empty() {
        file.insert("mimeType".into(), media.mime.as_str().into());
    }
    if let Some(uri) = &media.uri {
        file.insert("fileUri".into(), uri.as_str().into());
        return json!({"fileData": file});
    }
    file.insert("data".into(), STANDARD.encode(&media.data).into());
    json!({"inlineData": file})
}

/// A call. Arguments must be an object here; any other text is wrapped in one, so that the call and its result are not
/// lost.
fn call(call: &ToolCall) -> Value {
    let args = match serde_json::from_str(&call.arguments) {
        Ok(Value::Object(args)) => args,
        Ok(Value::Null) => Map::new(),
        _ if call.arguments.trim().is_empty() => Map::new(),
        _ => Map::from_iter([("arguments".to_owned(), call.arguments.as_str().into())]),
    };
    named(&call.id, &call.name, "args", args)
}

fn result(part: &Part, earlier: &[Message]) -> Option<Value> {
    let Part::ToolResult { id, name, content } = part else {
        return None;
    };
    let name = if name.is_empty() {
        name_of(id, earlier).unwrap_or(id)
    } else {
        name
    };
    let response = match serde_json::from_str(content) {
        Ok(Value::Object(response)) => response,
        _ => Map::from_iter([("result".to_owned(), content.as_str().into())]),
    };
    let response = named(id, name, "response", response);
    Some(json!({"functionResponse": response}))
}

/// An object with the id, if there is one, and the name.
fn named(id: &str, name: &str, key: &str, value: Map<String, Value>) -> Value {
    let mut fields = Map::new();
    if !id.is_empty() {
        fields.insert("id".into(), id.into());
    }
    fields.insert("name".into(), name.into());
    fields.insert(key.into(), value.into());
    fields.into()
}

/// The function of the last call with this id.
fn name_of<'a>(id: &str, earlier: &'a [Message]) -> Option<&'a str> {
    let parts = earlier.iter().rev().flat_map(|message| &message.parts);
    let mut calls = parts.filter_map(|part| match part {
        Part::ToolCall(call) => Some(call),
        _ => None,
    });
    calls
        .find(|call| call.id == id)
        .map(|call| call.name.as_str())
}

/// Removes the id of a call or result, if `which` is true for it.
pub(super) fn remove_id(part: &mut Value, which: fn(&str) -> bool) {
    for kind in ["functionCall", "functionResponse"] {
        let Some(fields) = part.get_mut(kind).and_then(Value::as_object_mut) else {
            continue;
        };
        let id = fields.get("id").and_then(Value::as_str);
        if id.is_some_and(which) {
            fields.shift_remove("id");
        }
    }
}

fn call_ids(parts: &[Value]) -> Vec<String> {
    let ids = parts
        .iter()
        .filter_map(|part| part.pointer("/functionCall/id")?.as_str());
    ids.map(str::to_owned).collect()
}

/// The index of a result's call among the calls; the end if it has no id.
fn place_of(result: &Value, calls: &[String]) -> usize {
    let id = result
        .pointer("/functionResponse/id")
        .and_then(Value::as_str);
    let place = id.and_then(|id| calls.iter().position(|call| call == id));
    place.unwrap_or(calls.len())
}

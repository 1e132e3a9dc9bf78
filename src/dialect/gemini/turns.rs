//! Writes a conversation as `contents`.
//!
//! What the protocol asks for: two roles only; the results of parallel calls in one content, in the order
//! of the calls, with no text beside them; signatures on the very parts that they came with.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

use super::thinking::generation;
use crate::{
    chat::{ChatRequest, Media, Message, Part, Role, ToolCall},
    dialect::DialectId,
};

/// Stands for the signature of a call that another model made: Gemini 3 refuses calls without one, but
/// takes this (<https://ai.google.dev/gemini-api/docs/thought-signatures>).
pub(super) const UNSIGNED: &str = "skip_thought_signature_validator";

/// What begins the ids that we give to calls which came without one. They pair calls and results here, and
/// are not sent: a server that gives no ids takes none.
pub(in crate::dialect) const MADE_ID: &str = "made-call-";

/// Who speaks in a content, and whether it is tool results that they say.
type Speaker = (&'static str, bool);

/// The contents: neighbouring messages of one speaker become one.
pub(super) fn contents(request: &ChatRequest) -> Vec<Value> {
    let mut turns: Vec<(Speaker, Vec<Value>)> = Vec::new();
    for (at, message) in request.messages.iter().enumerate() {
        let earlier = &request.messages[..at];
        for (speaker, parts) in turns_of(message, earlier, &request.model) {
            match turns.last_mut() {
                Some((last, told)) if *last == speaker => told.extend(parts),
                _ => turns.push((speaker, parts)),
            }
        }
    }
    let mut order = Vec::new();
    let turns = turns.into_iter().map(|((role, results), mut parts)| {
        if results {
            parts.sort_by_key(|result| place_of(result, &order));
        }
        order = call_ids(&parts);
        for part in &mut parts {
            forget_id(part, |id| id.starts_with(MADE_ID));
        }
        json!({"role": role, "parts": parts})
    });
    turns.collect()
}

/// The turns of one message: its tool results, then the rest.
fn turns_of(message: &Message, earlier: &[Message], model: &str) -> Vec<(Speaker, Vec<Value>)> {
    let results = message
        .parts
        .iter()
        .filter_map(|part| result(part, earlier));
    let results: Vec<Value> = results.collect();
    let mut parts = parts(message, model);
    let said = message.role != Role::Assistant && results.is_empty();
    if parts.is_empty() && said {
        parts.push(json!({"text": ""}));
    }
    let speaker = match message.role {
        Role::User | Role::Tool => "user",
        Role::Assistant => "model",
    };
    let turns = [(("user", true), results), ((speaker, false), parts)];
    let turns = turns.into_iter().filter(|(_, parts)| !parts.is_empty());
    turns.collect()
}

/// The parts of a message but for tool results, each with its signature.
fn parts(message: &Message, model: &str) -> Vec<Value> {
    let mut parts = Vec::new();
    let mut signed = false;
    for (at, part) in message.parts.iter().enumerate() {
        let signature = message.parts.get(at + 1).and_then(ours);
        let Some(mut fields) = fields(part, signature.is_some()) else {
            continue;
        };
        if let Some(signature) = signature {
            fields.insert("thoughtSignature".into(), signature.into());
        }
        signed |= fields.contains_key("thoughtSignature");
        parts.push(fields);
    }
    if !signed && generation(model).is_some_and(|number| number >= 3) {
        let first = parts
            .iter_mut()
            .find(|part| part.contains_key("functionCall"));
        if let Some(call) = first {
            call.insert("thoughtSignature".into(), UNSIGNED.into());
        }
    }
    parts.into_iter().map(Value::from).collect()
}

fn ours(part: &Part) -> Option<&str> {
    match part {
        Part::Signature { dialect, value } if is_ours(dialect) => Some(value),
        _ => None,
    }
}

/// Whether this protocol said it, by REST or by gRPC: what one of them signed, the other takes back.
fn is_ours(dialect: &str) -> bool {
    [DialectId::Gemini, DialectId::VertexGrpc]
        .map(DialectId::as_str)
        .contains(&dialect)
}

fn fields(part: &Part, signed: bool) -> Option<Map<String, Value>> {
    let value = match part {
        // An empty text is an error, but where it carries a signature.
        Part::Text { text } if signed || !text.is_empty() => json!({"text": text}),
        // Thoughts only go back with their signature.
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

/// A call. Arguments that are no object, which the protocol can't carry, stand below a name of ours: the
/// result that answers the call must not lose it.
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

/// An object with an id, where there is one, and a name.
fn named(id: &str, name: &str, key: &str, value: Map<String, Value>) -> Value {
    let mut fields = Map::new();
    if !id.is_empty() {
        fields.insert("id".into(), id.into());
    }
    fields.insert("name".into(), name.into());
    fields.insert(key.into(), value.into());
    fields.into()
}

/// The name of the function that a call, last made of those with this id, was for.
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

/// Takes the id of a call or result away, if it is one of these.
pub(super) fn forget_id(part: &mut Value, which: fn(&str) -> bool) {
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

/// Where the call that a result answers stands among the calls; at the end, if it has no id.
fn place_of(result: &Value, calls: &[String]) -> usize {
    let id = result
        .pointer("/functionResponse/id")
        .and_then(Value::as_str);
    let place = id.and_then(|id| calls.iter().position(|call| call == id));
    place.unwrap_or(calls.len())
}

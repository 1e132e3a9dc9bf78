//! Helpers for reading a request, common to all dialects.

use std::collections::HashMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value};

use super::{ServedRequest, refusal, remainder::remainder, unread::ReadTree};
use crate::{
    chat::{ChatRequest, Media, Message, Part, Role, Tool},
    dialect::DialectId,
    event::Fault,
};

/// The fault of a request that can't be read.
pub(in crate::dialect) fn bad(message: impl Into<String>) -> Fault {
    refusal(400, "invalid_request", message)
}

/// The JSON object of a body.
pub(in crate::dialect) fn body(bytes: &[u8]) -> Result<Value, Fault> {
    let body: Result<Map<String, Value>, _> = serde_json::from_slice(bytes);
    body.map(Value::from)
        .map_err(|e| bad(format!("The body is not a JSON object: {e}")))
}

/// Completes a request: the difference between the body that the dialect encodes from it (`written`) and the body
/// that came goes into `extra`, and the places that are not `known` are told.
pub(in crate::dialect) fn whole(
    mut request: ChatRequest,
    written: Value,
    body: Value,
    known: &ReadTree,
) -> ServedRequest {
    let unread = known.unread(&body);
    let mut bodies = [written, body];
    let stream = bodies[1].get("stream").and_then(Value::as_bool);
    for body in &mut bodies {
        // `stream` is not part of the chat request.
        body.as_object_mut()
            .map(|fields| fields.shift_remove("stream"));
    }
    let [written, body] = bodies;
    request.params.extra = remainder(&written, body);
    ServedRequest {
        request,
        stream: stream.unwrap_or(false),
        usage: true,
        unread,
        ..ServedRequest::default()
    }
}

/// The model's name, from the body.
pub(in crate::dialect) fn model(body: &Value) -> Result<String, Fault> {
    let name = body["model"].as_str().filter(|name| !name.is_empty());
    name.map(str::to_owned)
        .ok_or_else(|| bad("“model” is missing: name one of GET /v1/models"))
}

/// A non-empty list.
pub(in crate::dialect) fn list<'a>(value: &'a Value, name: &str) -> Result<&'a Vec<Value>, Fault> {
    let list = value.as_array().filter(|list| !list.is_empty());
    list.ok_or_else(|| bad(format!("“{name}” must be a list that is not empty")))
}

pub(in crate::dialect) fn text_of(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// A number, if it is there.
pub(in crate::dialect) fn number(value: &Value, name: &str) -> Result<Option<f64>, Fault> {
    match value {
        Value::Null => Ok(None),
        Value::Number(number) => Ok(number.as_f64()),
        _ => Err(bad(format!("“{name}” must be a number"))),
    }
}

/// A limit of tokens: a whole number above 0, if it is there.
pub(in crate::dialect) fn limit(value: &Value, name: &str) -> Result<Option<u32>, Fault> {
    if value.is_null() {
        return Ok(None);
    }
    let number = value.as_u64().filter(|&n| n > 0);
    let limit = number.map(|n| u32::try_from(n).unwrap_or(u32::MAX));
    limit
        .map(Some)
        .ok_or_else(|| bad(format!("“{name}” must be a whole number above 0")))
}

/// Strings that end the answer: one, or a list.
pub(in crate::dialect) fn stops(value: &Value, name: &str) -> Result<Vec<String>, Fault> {
    let wrong = || bad(format!("“{name}” must be a string or a list of strings"));
    match value {
        Value::Null => Ok(Vec::new()),
        Value::String(one) => Ok(vec![one.clone()]),
        Value::Array(many) => (many.iter())
            .map(|s| s.as_str().map(ToOwned::to_owned))
            .collect::<Option<_>>()
            .ok_or_else(wrong),
        _ => Err(wrong()),
    }
}

/// The offered functions; `schema` names the field with their parameters.
pub(in crate::dialect) fn tools<'a>(
    list: impl Iterator<Item = &'a Value>,
    schema: &str,
) -> Result<Vec<Tool>, Fault> {
    list.map(|function| {
        function["name"].as_str().map(|name| Tool {
            name: name.to_owned(),
            description: text_of(&function["description"]),
            parameters: function[schema].clone(),
        })
    })
    .collect::<Option<_>>()
    .ok_or_else(|| bad("“tools”: each needs a function with a name"))
}

pub(in crate::dialect) fn text(text: &Value) -> Part {
    Part::Text {
        text: text_of(text),
    }
}

/// An item that only this dialect understands, to be sent back unchanged.
pub(in crate::dialect) fn opaque(dialect: DialectId, kind: &str, item: &Value) -> Part {
    Part::Opaque {
        dialect: dialect.to_string(),
        kind: kind.to_owned(),
        raw: item.to_string(),
    }
}

pub(in crate::dialect) fn signature(dialect: DialectId, value: impl Into<String>) -> Part {
    Part::Signature {
        dialect: dialect.to_string(),
        value: value.into(),
    }
}

/// The fields of an object that must be sent back with it, as its signature.
pub(in crate::dialect) fn signature_fields(
    dialect: DialectId,
    item: &Value,
    names: &[&str],
) -> Option<Part> {
    let fields = names.iter().filter_map(|name| {
        let value = item.get(name).filter(|value| !value.is_null())?;
        Some(((*name).to_owned(), value.clone()))
    });
    let fields: Map<String, Value> = fields.collect();
    (!fields.is_empty()).then(|| signature(dialect, Value::from(fields).to_string()))
}

/// A call's arguments as an object. Text that is not an object becomes the field `arguments`.
pub(in crate::dialect) fn arguments_object(arguments: &str) -> Value {
    match serde_json::from_str(arguments) {
        Ok(Value::Object(object)) => object.into(),
        _ if arguments.trim().is_empty() => Map::new().into(),
        _ => serde_json::json!({ "arguments": arguments }),
    }
}

/// A file in base64. Where its label says little, or that it is an image, its bytes tell its type.
pub(in crate::dialect) fn file(mime: &str, data: &str) -> Result<Part, String> {
    let data = STANDARD
        .decode(data)
        .map_err(|e| format!("a file's base64 is broken: {e}"))?;
    let is_vague = matches!(mime, "" | "application/octet-stream") || mime.starts_with("image/");
    let known = Media::type_of(&data).filter(|_| is_vague);
    let mime = known.unwrap_or(mime);
    if mime.is_empty() {
        return Err("a file has no type, and its bytes do not tell it".to_owned());
    }
    Ok(Part::Media(Media {
        mime: mime.to_owned(),
        data: data.into(),
        uri: None,
        name: String::new(),
    }))
}

/// A file in a `data:` URL, or by URL. The latter is not fetched: its type follows from the URL's extension, else it is
/// any of its class; Google's storage wants to be told the type.
pub(in crate::dialect) fn file_url(url: &str, class: &str) -> Result<Part, String> {
    let Some(data) = url.strip_prefix("data:") else {
        return Ok(Part::Media(file_at(url, class)?));
    };
    let (mime, data) = data
        .split_once(";base64,")
        .ok_or("a file's data URL must be base64")?;
    file(mime, data)
}

fn file_at(url: &str, class: &str) -> Result<Media, String> {
    if url.starts_with("gs://") {
        return Media::at(url).map_err(|why| format!("{url}: {why}"));
    }
    let known = Media::at(url).ok();
    let fits = |media: &Media| media.mime.split('/').next() == Some(class);
    Ok(known.filter(fits).unwrap_or_else(|| Media {
        mime: format!("{class}/*"),
        uri: Some(url.to_owned()),
        ..Media::default()
    }))
}

/// Appends parts: consecutive parts of one answer, and results of its calls, become one message.
pub(in crate::dialect) fn join(messages: &mut Vec<Message>, role: Role, parts: Vec<Part>) {
    match messages.last_mut() {
        Some(last) if last.role == role && role != Role::User => last.parts.extend(parts),
        _ => messages.push(Message { role, parts }),
    }
}

/// Adds the function's name to results that have only an id.
pub(in crate::dialect) fn name_results(messages: &mut [Message]) {
    let mut names: HashMap<String, String> = HashMap::new();
    for part in messages.iter_mut().flat_map(|message| &mut message.parts) {
        match part {
            Part::ToolCall(call) => {
                names.insert(call.id.clone(), call.name.clone());
            }
            Part::ToolResult { id, name, .. } if name.is_empty() => {
                *name = names.get(id).cloned().unwrap_or_default();
            }
            _ => {}
        }
    }
}

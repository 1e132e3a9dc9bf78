//! What reading a request has in common in every protocol.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

use super::refusal;
use crate::{
    chat::{Media, Part, Tool},
    event::Fault,
};

/// A request that can't be read, and why.
pub(in crate::dialect) fn bad(message: impl Into<String>) -> Fault {
    refusal(400, "invalid_request", message)
}

pub(in crate::dialect) fn body(bytes: &[u8]) -> Result<Value, Fault> {
    serde_json::from_slice(bytes).map_err(|e| bad(format!("The body is not JSON: {e}")))
}

/// The model's name, from the body.
pub(in crate::dialect) fn model(body: &Value) -> Result<String, Fault> {
    let name = body["model"].as_str().filter(|name| !name.is_empty());
    name.map(str::to_owned)
        .ok_or_else(|| bad("“model” is missing: name one of GET /v1/models"))
}

/// A list that must hold something.
pub(in crate::dialect) fn list<'a>(value: &'a Value, name: &str) -> Result<&'a Vec<Value>, Fault> {
    let list = value.as_array().filter(|list| !list.is_empty());
    list.ok_or_else(|| bad(format!("“{name}” must be a list that is not empty")))
}

pub(in crate::dialect) fn text_of(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
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

/// Functions that are offered, by the fields that hold their names and schemas.
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

/// A file in base64.
pub(in crate::dialect) fn file(mime: &str, data: &str) -> Result<Part, String> {
    let data = STANDARD
        .decode(data)
        .map_err(|e| format!("a file's base64 is broken: {e}"))?;
    Ok(Part::Media(Media {
        mime: mime.to_owned(),
        data: data.into(),
        uri: None,
        name: String::new(),
    }))
}

/// A file in a `data:` URL. Others are never fetched: a server that fetches what it is told to can be sent
/// anywhere.
pub(in crate::dialect) fn file_url(url: &str) -> Result<Part, String> {
    let Some(data) = url.strip_prefix("data:") else {
        return Ok(Part::Text {
            text: "[a file by URL, which the simulator does not fetch]".into(),
        });
    };
    let (mime, data) = data
        .split_once(";base64,")
        .ok_or("a file's data URL must be base64")?;
    file(mime, data)
}

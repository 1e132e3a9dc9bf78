//! Parses requests.

use std::borrow::Cow;

use serde_json::Value;

use crate::{
    chat::{ChatRequest, Media, Message, Params, Part, ResponseFormat, Role, ToolCall, is_address},
    dialect::{
        DialectId,
        ollama::encode,
        serve::{
            PathParams, ServedRequest,
            read::{self, bad, join, text_of},
            signed_id,
            unread::{ReadFields, ReadTable},
        },
    },
    event::Fault,
};

const OURS: DialectId = DialectId::Ollama;

/// What is read of a body.
static READ: ReadTable = ReadTable::new(|| {
    let read = ReadFields {
        fields: &[
            "/model",
            "/stream",
            "/format",
            "/think",
            "/options/temperature",
            "/options/top_p",
            "/options/num_predict",
            "/options/stop",
            "/options/seed",
            "/tools/*/type",
            "/tools/*/function/name",
            "/tools/*/function/description",
            "/tools/*/function/parameters",
            "/messages/*/role",
            "/messages/*/content",
            "/messages/*/thinking",
            "/messages/*/images",
            "/messages/*/tool_call_id",
            "/messages/*/tool_name",
            "/messages/*/tool_calls/*/id",
            "/messages/*/tool_calls/*/type",
            "/messages/*/tool_calls/*/function/name",
            "/messages/*/tool_calls/*/function/arguments",
            "/messages/*/tool_calls/*/function/index",
        ],
        usual: &[],
        types: &[("/tools/*", &["function"])],
    };
    read.tree()
});

/// Parses the JSON of a request.
pub(super) fn parse(body: &[u8], _: &PathParams) -> Result<ServedRequest, Fault> {
    let mut body = read::body(body)?;
    let functions = body["tools"].as_array().into_iter().flatten();
    let mut request = ChatRequest {
        model: read::model(&body)?,
        params: params(&body)?,
        tools: read::tools(functions.map(|tool| &tool["function"]), "parameters")?,
        ..ChatRequest::default()
    };
    let messages = read::list(&body["messages"], "messages")?;
    for (index, message) in messages.iter().enumerate() {
        let read = read_message(message, &mut request);
        read.map_err(|what| bad(format!("messages[{index}]: {what}")))?;
    }
    let stream = body["stream"].as_bool().unwrap_or(true);
    let written = encode::body(&request);
    strip_ids(&mut body);
    Ok(ServedRequest {
        stream,
        ..read::whole(request, written, body, &READ)
    })
}

/// Leaves calls and results their own ids: the signatures in the others were read.
fn strip_ids(body: &mut Value) {
    let messages = body["messages"].as_array_mut().into_iter().flatten();
    for message in messages {
        message.get_mut("tool_call_id").and_then(signed_id::strip);
        let calls = message.get_mut("tool_calls").and_then(Value::as_array_mut);
        for id in calls.into_iter().flatten().filter_map(|c| c.get_mut("id")) {
            signed_id::strip(id);
        }
    }
}

fn params(body: &Value) -> Result<Params, Fault> {
    let options = &body["options"];
    // A negative value means no limit.
    let limit = Some(&options["num_predict"]).filter(|limit| limit.as_i64().is_none_or(|n| n >= 0));
    Ok(Params {
        temperature: read::number(&options["temperature"], "temperature")?,
        top_p: read::number(&options["top_p"], "top_p")?,
        max_tokens: read::limit(limit.unwrap_or(&Value::Null), "num_predict")?,
        stop: read::stops(&options["stop"], "stop")?,
        seed: options["seed"].as_i64(),
        reasoning_effort: match &body["think"] {
            Value::Bool(false) => Some("none".to_owned()),
            Value::Bool(true) => Some("true".to_owned()),
            word => word.as_str().map(str::to_owned),
        },
        response_format: match &body["format"] {
            Value::String(word) if word == "json" => Some(ResponseFormat::JsonObject),
            schema @ Value::Object(_) => Some(ResponseFormat::JsonSchema {
                name: String::new(),
                schema: schema.clone(),
                strict: true,
            }),
            _ => None,
        },
        ..Params::default()
    })
}

fn read_message(message: &Value, into: &mut ChatRequest) -> Result<(), String> {
    let content = text_of(&message["content"]);
    let role = match message["role"].as_str() {
        Some("system") => {
            into.system.get_or_insert_default().push_str(&content);
            return Ok(());
        }
        Some("tool") => {
            let result = Part::ToolResult {
                id: split_id(&message["tool_call_id"]).0.into_owned(),
                name: text_of(&message["tool_name"]),
                content,
            };
            join(&mut into.messages, Role::Tool, vec![result]);
            return Ok(());
        }
        Some("user") => Role::User,
        Some("assistant") => Role::Assistant,
        _ => return Err("“role” must be system, user, assistant or tool".into()),
    };
    let mut parts = Vec::new();
    if let Some(thoughts) = message["thinking"].as_str().filter(|text| !text.is_empty()) {
        let text = thoughts.to_owned();
        // The signature of this protocol is empty.
        parts.extend([Part::Reasoning { text }, read::signature(OURS, "")]);
    }
    let mut more = Vec::new();
    for image in message["images"].as_array().into_iter().flatten() {
        more.push(image_part(image.as_str().unwrap_or_default())?);
    }
    more.extend(calls(message));
    if !content.is_empty() || (parts.is_empty() && more.is_empty()) {
        parts.push(Part::Text { text: content });
    }
    parts.extend(more);
    into.messages.push(Message { role, parts });
    Ok(())
}

fn calls(message: &Value) -> impl Iterator<Item = Part> {
    let calls = message["tool_calls"].as_array().into_iter().flatten();
    calls.flat_map(|call| {
        let (id, signature) = split_id(&call["id"]);
        let call = Part::ToolCall(ToolCall {
            id: id.into_owned(),
            name: text_of(&call["function"]["name"]),
            arguments: call["function"]["arguments"].to_string(),
        });
        std::iter::once(call).chain(signature.map(signed_id::google_part))
    })
}

/// The id of a call, and the signature that it carries.
fn split_id(id: &Value) -> (Cow<'_, str>, Option<String>) {
    signed_id::split(id.as_str().unwrap_or_default())
}

/// An image; its bytes determine the type, which the protocol does not state.
fn image_part(image: &str) -> Result<Part, String> {
    if is_address(image) {
        return read::file_url(image, "image");
    }
    let mut part = read::file("image/png", image)?;
    if let Part::Media(media) = &mut part
        && let Ok(known) = Media::of_bytes(media.data.to_vec(), String::new())
        && known.is_image()
    {
        *media = known;
    }
    Ok(part)
}

//! Writes a [`ChatRequest`] as the JSON body of a streamed chat.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

use super::DIALECT;
use crate::{
    chat::{ChatRequest, Media, Message, Params, Part, ResponseFormat, ToolCall, merge_patch},
    dialect::openai_chat,
};

/// The body. Parameters that are not set are not sent. `extra` is applied last, as a JSON merge patch (RFC 7386):
/// `{"keep_alive": "10m"}` adds, `{"options": {"num_ctx": 8192}}` adds a nested field, `null` removes.
pub(super) fn body(request: &ChatRequest) -> Value {
    let params = &request.params;
    let options = options(params);
    let tools: Vec<Value> = request
        .tools
        .iter()
        .map(openai_chat::encode::tool)
        .collect();
    let mut body = Map::new();
    body.insert("model".into(), request.model.as_str().into());
    body.insert("messages".into(), messages(request).into());
    let fields = [
        ("tools", (!tools.is_empty()).then(|| tools.into())),
        ("format", params.response_format.as_ref().map(format)),
        ("think", params.reasoning_effort.as_deref().map(think)),
        ("options", (!options.is_empty()).then(|| options.into())),
        ("stream", Some(true.into())),
    ];
    for (name, value) in fields {
        body.extend(value.map(|value| (name.to_owned(), value)));
    }
    merge_patch(&mut body, &params.extra);
    body.into()
}

fn messages(request: &ChatRequest) -> Vec<Value> {
    let system = request.system.as_deref().filter(|text| !text.is_empty());
    let system = system.map(|text| json!({"role": "system", "content": text}));
    let turns = request.messages.iter().flat_map(message);
    system.into_iter().chain(turns).collect()
}

/// The wire messages of one turn: first one for each tool result, then the rest.
fn message(message: &Message) -> Vec<Value> {
    let mut written: Vec<Value> = message.parts.iter().filter_map(tool_result).collect();
    let text = message.text();
    let lists = [
        ("images", message.parts.iter().filter_map(image).collect()),
        (
            "tool_calls",
            message
                .parts
                .iter()
                .filter_map(tool_call)
                .collect::<Vec<_>>(),
        ),
    ];
    let thinking = thinking(&message.parts);
    let is_void = text.is_empty() && lists.iter().all(|(_, list)| list.is_empty());
    if is_void && thinking.is_empty() && !written.is_empty() {
        return written;
    }
    let mut wire = Map::new();
    wire.insert("role".into(), json!(message.role));
    wire.insert("content".into(), text.into());
    if !thinking.is_empty() {
        wire.insert("thinking".into(), thinking.into());
    }
    for (name, list) in lists {
        if !list.is_empty() {
            wire.insert(name.into(), list.into());
        }
    }
    written.push(wire.into());
    written
}

/// The thinking of an earlier turn, as plain text, if it came by this dialect.
fn thinking(parts: &[Part]) -> String {
    let is_ours = |part: &Part| matches!(part, Part::Signature { dialect, .. } if dialect == DIALECT.id.as_str());
    let pairs = parts.iter().zip(parts.iter().skip(1));
    let thoughts = pairs.filter_map(|(part, next)| match part {
        Part::Reasoning { text } if is_ours(next) => Some(text.as_str()),
        _ => None,
    });
    thoughts.collect()
}

/// An image as bare base64; the protocol accepts no other file. The server fetches no URLs: a URL is sent as it is, so
/// that the server's error shows it instead of a silent omission.
fn image(part: &Part) -> Option<Value> {
    let Part::Media(Media {
        data, uri, mime, ..
    }) = part
    else {
        return None;
    };
    if !mime.starts_with("image/") {
        return None;
    }
    Some(match uri {
        Some(uri) => match uri
            .strip_prefix("data:")
            .and_then(|uri| uri.split_once(";base64,"))
        {
            Some((_, base64)) => base64.into(),
            None => uri.as_str().into(),
        },
        None => STANDARD.encode(data).into(),
    })
}

fn tool_call(part: &Part) -> Option<Value> {
    let Part::ToolCall(ToolCall {
        id,
        name,
        arguments,
    }) = part
    else {
        return None;
    };
    let function = json!({"name": name, "arguments": arguments_object(arguments)});
    let mut call = Map::new();
    if !id.is_empty() {
        call.insert("id".into(), id.as_str().into());
    }
    call.insert("function".into(), function);
    Some(call.into())
}

/// The arguments as the object that the protocol requires. Anything else is wrapped in one, so that the call and its
/// result are not lost.
fn arguments_object(arguments: &str) -> Value {
    match serde_json::from_str(arguments) {
        Ok(Value::Object(object)) => object.into(),
        _ if arguments.trim().is_empty() => Map::new().into(),
        _ => json!({"arguments": arguments}),
    }
}

/// A result has its function's name; newer servers match it by the call's id, too.
fn tool_result(part: &Part) -> Option<Value> {
    let Part::ToolResult { id, name, content } = part else {
        return None;
    };
    let mut result = Map::new();
    result.insert("role".into(), "tool".into());
    for (field, value) in [("tool_name", name), ("tool_call_id", id)] {
        if !value.is_empty() {
            result.insert(field.into(), value.as_str().into());
        }
    }
    result.insert("content".into(), content.as_str().into());
    Some(result.into())
}

fn options(params: &Params) -> Map<String, Value> {
    let stop = (!params.stop.is_empty()).then(|| json!(params.stop));
    let options = [
        ("temperature", params.temperature.map(Value::from)),
        ("top_p", params.top_p.map(Value::from)),
        ("num_predict", params.max_tokens.map(Value::from)),
        ("seed", params.seed.map(Value::from)),
        ("stop", stop),
    ];
    let set = options.into_iter();
    set.filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect()
}

/// The `think` field. Most models only take true or false; some, such as gpt-oss, only a level. A number (a budget in
/// other dialects) becomes true.
fn think(effort: &str) -> Value {
    match effort.trim().to_ascii_lowercase().as_str() {
        "none" | "off" | "false" | "disabled" | "0" => false.into(),
        "on" | "true" | "auto" | "adaptive" => true.into(),
        "minimal" => "low".into(),
        number if number.parse::<u32>().is_ok() => true.into(),
        word => word.into(),
    }
}

fn format(format: &ResponseFormat) -> Value {
    match format {
        ResponseFormat::JsonObject => "json".into(),
        ResponseFormat::JsonSchema { schema, .. } => schema.clone(),
    }
}

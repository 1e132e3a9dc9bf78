//! `openai-chat`, from the server's side.
//!
//! Wire facts: the `OpenAI` API reference, "Create chat completion" and "chat.completion.chunk";
//! `reasoning_content` is `DeepSeek`'s field, which most compatible servers took over.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, header};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{
    dialect::{AnswerId, Asked, Dialect, Writer, refusal},
    model::Model,
};
use crate::{
    chat::{ChatRequest, Media, Message, Params, Part, ResponseFormat, Role, Tool, ToolCall},
    event::{Answer, Event, Fault, Finish, ToolCallDelta, Usage},
};

pub(super) static DIALECT: Dialect = Dialect {
    models_path: "/v1/models",
    chat_path: "/v1/chat/completions",
    key: bearer,
    parse,
    models,
    error,
    writer: |asked, id| Box::new(ChatWriter::new(asked, id)),
};

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, key) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(key.trim())
}

fn models(models: &[Model], created: u64) -> Value {
    let data: Vec<Value> = (models.iter())
        .map(|m| {
            json!({
                "id": m.name, "object": "model", "created": created,
                "owned_by": "simulated", "description": m.description,
            })
        })
        .collect();
    json!({ "object": "list", "data": data })
}

fn error(fault: &Fault) -> Value {
    let kind = match fault.status {
        Some(401 | 403) => "authentication_error",
        Some(429) => "rate_limit_error",
        Some(400..500) => "invalid_request_error",
        _ => "server_error",
    };
    json!({ "error": { "message": fault.message, "type": kind, "param": null, "code": fault.code } })
}

// Reading a request.

fn bad(message: impl Into<String>) -> Fault {
    refusal(400, "invalid_request", message)
}

fn parse(body: &[u8]) -> Result<Asked, Fault> {
    let body: Value =
        serde_json::from_slice(body).map_err(|e| bad(format!("The body is not JSON: {e}")))?;
    let model = body["model"]
        .as_str()
        .filter(|m| !m.is_empty())
        .ok_or_else(|| bad("“model” is missing: name one of GET /v1/models"))?;
    if body["n"].as_u64().is_some_and(|n| n != 1) {
        return Err(bad(
            "“n” must be 1: the simulator gives one answer a request",
        ));
    }
    let messages = body["messages"]
        .as_array()
        .filter(|m| !m.is_empty())
        .ok_or_else(|| bad("“messages” must be a list with at least one message"))?;
    let mut request = ChatRequest {
        model: model.to_owned(),
        params: params(&body)?,
        tools: tools(&body)?,
        ..ChatRequest::default()
    };
    for (index, message) in messages.iter().enumerate() {
        read_message(message, &mut request)
            .map_err(|what| bad(format!("messages[{index}]: {what}")))?;
    }
    Ok(Asked {
        request,
        stream: body["stream"].as_bool().unwrap_or(false),
        usage: body["stream_options"]["include_usage"]
            .as_bool()
            .unwrap_or(false),
    })
}

fn params(body: &Value) -> Result<Params, Fault> {
    let limit = [&body["max_completion_tokens"], &body["max_tokens"]]
        .into_iter()
        .find(|v| !v.is_null());
    let max_tokens = limit
        .map(|v| {
            v.as_u64()
                .filter(|&n| n > 0)
                .map(|n| u32::try_from(n).unwrap_or(u32::MAX))
                .ok_or_else(|| bad("“max_tokens” must be a whole number above 0"))
        })
        .transpose()?;
    let stop = match &body["stop"] {
        Value::Null => Vec::new(),
        Value::String(one) => vec![one.clone()],
        Value::Array(many) => (many.iter())
            .map(|s| s.as_str().map(ToOwned::to_owned))
            .collect::<Option<_>>()
            .ok_or_else(|| bad("“stop” must be a string or a list of strings"))?,
        _ => return Err(bad("“stop” must be a string or a list of strings")),
    };
    let format = &body["response_format"];
    let response_format = match format["type"].as_str() {
        None | Some("text") => None,
        Some("json_object") => Some(ResponseFormat::JsonObject),
        Some("json_schema") => Some(ResponseFormat::JsonSchema {
            name: text_of(&format["json_schema"]["name"]),
            schema: format["json_schema"]["schema"].clone(),
            strict: format["json_schema"]["strict"].as_bool().unwrap_or(false),
        }),
        Some(other) => return Err(bad(format!("response_format: no such type “{other}”"))),
    };
    Ok(Params {
        max_tokens,
        stop,
        response_format,
        seed: body["seed"].as_i64(),
        ..Params::default()
    })
}

fn tools(body: &Value) -> Result<Vec<Tool>, Fault> {
    let Some(list) = body["tools"].as_array() else {
        return Ok(Vec::new());
    };
    (list.iter())
        .map(|tool| {
            let function = &tool["function"];
            function["name"].as_str().map(|name| Tool {
                name: name.to_owned(),
                description: text_of(&function["description"]),
                parameters: function["parameters"].clone(),
            })
        })
        .collect::<Option<_>>()
        .ok_or_else(|| bad("“tools”: each needs a function with a name"))
}

fn text_of(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn read_message(message: &Value, into: &mut ChatRequest) -> Result<(), String> {
    let content = &message["content"];
    let role = match message["role"].as_str() {
        Some("system" | "developer") => {
            let text = Message {
                role: Role::User,
                parts: parts(content)?,
            }
            .text();
            let system = into.system.get_or_insert_default();
            if !system.is_empty() {
                system.push('\n');
            }
            system.push_str(&text);
            return Ok(());
        }
        Some("user") => Role::User,
        Some("assistant") => Role::Assistant,
        Some("tool") => {
            let content = Message {
                role: Role::Tool,
                parts: parts(content)?,
            }
            .text();
            let id = text_of(&message["tool_call_id"]);
            let result = Part::ToolResult {
                id,
                name: String::new(),
                content,
            };
            into.messages.push(Message {
                role: Role::Tool,
                parts: vec![result],
            });
            return Ok(());
        }
        Some(other) => return Err(format!("no such role “{other}”")),
        None => return Err("“role” is missing".into()),
    };
    let mut parts = parts(content)?;
    for call in message["tool_calls"].as_array().into_iter().flatten() {
        parts.push(Part::ToolCall(ToolCall {
            id: text_of(&call["id"]),
            name: text_of(&call["function"]["name"]),
            arguments: text_of(&call["function"]["arguments"]),
        }));
    }
    into.messages.push(Message { role, parts });
    Ok(())
}

fn parts(content: &Value) -> Result<Vec<Part>, String> {
    match content {
        Value::Null => Ok(Vec::new()),
        Value::String(text) => Ok(vec![Part::Text { text: text.clone() }]),
        Value::Array(list) => list.iter().map(part).collect(),
        _ => Err("“content” must be a string or a list of parts".into()),
    }
}

fn part(part: &Value) -> Result<Part, String> {
    match part["type"].as_str() {
        Some("text") => Ok(Part::Text {
            text: text_of(&part["text"]),
        }),
        Some("image_url") => image(part["image_url"]["url"].as_str().unwrap_or_default()),
        Some(other) => Err(format!("the simulator takes no part of type “{other}”")),
        None => Err("a part of “content” has no type".into()),
    }
}

/// An image sent in a `data:` URL. Others are never fetched: a server that fetches what it is told
/// to can be sent anywhere.
fn image(url: &str) -> Result<Part, String> {
    let Some(data) = url.strip_prefix("data:") else {
        return Ok(Part::Text {
            text: "[an image by URL, which the simulator does not fetch]".into(),
        });
    };
    let (mime, data) = data
        .split_once(";base64,")
        .ok_or("an image's data URL must be base64")?;
    let data = (STANDARD.decode(data)).map_err(|e| format!("an image's base64 is broken: {e}"))?;
    Ok(Part::Media(Media {
        mime: mime.to_owned(),
        data: Arc::from(data),
        uri: None,
        name: String::new(),
    }))
}

// Writing an answer.

struct ChatWriter {
    id: String,
    model: String,
    created: u64,
    /// Everything of a chunk that stands before its delta.
    prefix: String,
    /// Everything that stands after its finish reason.
    suffix: &'static str,
}

impl ChatWriter {
    fn new(asked: &Asked, id: AnswerId) -> Self {
        let AnswerId { run, created } = id;
        let id = format!("chatcmpl-sim-{run}");
        let model = asked.request.model.clone();
        let head = json!({
            "id": id, "object": "chat.completion.chunk", "created": created, "model": model,
            "system_fingerprint": "simulated",
        });
        let head = head.to_string();
        Self {
            id,
            model,
            created,
            prefix: format!("data: {},\"choices\":[", head.trim_end_matches('}')),
            // With `include_usage` each chunk but the last carries a null.
            suffix: if asked.usage {
                "],\"usage\":null}\n\n"
            } else {
                "]}\n\n"
            },
        }
    }

    fn chunk(&self, delta: &impl Serialize, finish: Option<&str>, out: &mut Vec<u8>) {
        let choice = Choice {
            index: 0,
            delta,
            logprobs: (),
            finish_reason: finish,
        };
        out.extend_from_slice(self.prefix.as_bytes());
        // Writing plain strings to memory can't fail.
        let _ = serde_json::to_writer(&mut *out, &choice);
        out.extend_from_slice(self.suffix.as_bytes());
    }
}

/// The one choice of a chunk; typed, since a thousand streams make fifty thousand a second.
#[derive(Serialize)]
struct Choice<'a, D> {
    index: u8,
    delta: &'a D,
    logprobs: (),
    finish_reason: Option<&'a str>,
}

/// A delta with one field.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Delta<'a> {
    Content(&'a str),
    ReasoningContent(&'a str),
    Refusal(&'a str),
    ToolCalls([Value; 1]),
}

impl Writer for ChatWriter {
    fn event(&mut self, event: &Event, out: &mut Vec<u8>) {
        match event {
            Event::Meta { .. } => {
                self.chunk(&json!({ "role": "assistant", "content": "" }), None, out);
            }
            Event::Text { text } => self.chunk(&Delta::Content(text), None, out),
            Event::Reasoning { text } => self.chunk(&Delta::ReasoningContent(text), None, out),
            Event::Refusal { text } => self.chunk(&Delta::Refusal(text), None, out),
            Event::ToolCall(delta) => {
                self.chunk(&Delta::ToolCalls([tool_call(delta)]), None, out);
            }
            Event::Finish(Finish { raw, .. }) => self.chunk(&json!({}), Some(raw), out),
            Event::Usage(usage) => {
                out.extend_from_slice(self.prefix.as_bytes());
                out.extend_from_slice(
                    format!("],\"usage\":{}}}\n\n", usage_json(usage)).as_bytes(),
                );
            }
            Event::Done => out.extend_from_slice(b"data: [DONE]\n\n"),
            Event::KeepAlive => out.extend_from_slice(b": SIMULATED PROCESSING\n\n"),
            Event::Fault(fault) => {
                out.extend_from_slice(format!("data: {}\n\n", error(fault)).as_bytes());
            }
            // This protocol has no words for these.
            Event::Note { .. }
            | Event::Unknown { .. }
            | Event::Media(_)
            | Event::Signature { .. }
            | Event::Citation(_)
            | Event::Opaque { .. }
            | Event::Timing { .. } => {}
        }
    }

    fn whole(&self, answer: &Answer) -> Value {
        let mut message = Map::new();
        message.insert("role".into(), "assistant".into());
        let silent = answer.text.is_empty() && !answer.tool_calls.is_empty();
        let content = if silent {
            Value::Null
        } else {
            answer.text.clone().into()
        };
        message.insert("content".into(), content);
        if !answer.reasoning.is_empty() {
            message.insert("reasoning_content".into(), answer.reasoning.clone().into());
        }
        if !answer.refusal.is_empty() {
            message.insert("refusal".into(), answer.refusal.clone().into());
        }
        if !answer.tool_calls.is_empty() {
            let calls = answer.tool_calls.iter().map(|call| {
                json!({ "id": call.id, "type": "function",
                    "function": { "name": call.name, "arguments": call.arguments } })
            });
            message.insert("tool_calls".into(), calls.collect());
        }
        let finish = answer.finish.as_ref().map(|f| f.raw.as_str());
        json!({
            "id": self.id, "object": "chat.completion", "created": self.created, "model": self.model,
            "system_fingerprint": "simulated",
            "choices": [{ "index": 0, "message": message, "logprobs": null, "finish_reason": finish }],
            "usage": usage_json(&answer.usage.unwrap_or_default()),
        })
    }
}

fn tool_call(delta: &ToolCallDelta) -> Value {
    let mut call = json!({ "index": delta.index });
    if let Some(id) = &delta.id {
        call["id"] = id.clone().into();
        call["type"] = "function".into();
    }
    let mut function = json!({ "arguments": delta.arguments });
    if let Some(name) = &delta.name {
        function["name"] = name.clone().into();
    }
    call["function"] = function;
    call
}

fn usage_json(usage: &Usage) -> Value {
    let (input, output) = (usage.input.unwrap_or(0), usage.output.unwrap_or(0));
    json!({
        "prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output,
        "prompt_tokens_details": { "cached_tokens": usage.cached.unwrap_or(0) },
        "completion_tokens_details": { "reasoning_tokens": usage.reasoning.unwrap_or(0) },
    })
}

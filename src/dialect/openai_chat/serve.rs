//! `openai-chat`, from the server's side.
//!
//! Wire facts: the `OpenAI` API reference, "Create chat completion" and "chat.completion.chunk";
//! `reasoning_content` is `DeepSeek`'s field, which most compatible servers took over.

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{
    chat::{ChatRequest, Message, Params, Part, ResponseFormat, Role, ToolCall},
    dialect::serve::{
        AnswerHead, Asked, ModelList, Route, Serve, Way, Writer, bearer, json_refusal,
        read::{self, bad, text_of},
    },
    event::{Answer, Event, Fault, Finish, ToolCallDelta, Usage},
};

/// How a server speaks it.
pub(super) static SERVE: Serve = Serve {
    base_path: "/v1",
    route: |path, _| match path {
        "/v1/models" => Some(Route::Models),
        "/v1/chat/completions" => Some(Route::Chat(Way::default())),
        _ => None,
    },
    key: bearer,
    timings: None,
    read: parse,
    models,
    refuse: |fault| json_refusal(fault, &error(fault)),
    writer: |asked, head| Box::new(ChatWriter::new(asked, head)),
};

pub(in crate::dialect) fn models(list: &ModelList) -> Value {
    let data: Vec<Value> = (list.models.iter())
        .map(|m| {
            json!({
                "id": m.id, "object": "model", "created": list.created,
                "owned_by": list.owner, "description": m.label,
            })
        })
        .collect();
    json!({ "object": "list", "data": data })
}

pub(in crate::dialect) fn error(fault: &Fault) -> Value {
    let kind = match fault.status {
        Some(401 | 403) => "authentication_error",
        Some(429) => "rate_limit_error",
        Some(400..500) => "invalid_request_error",
        _ => "server_error",
    };
    json!({ "error": { "message": fault.message, "type": kind, "param": null, "code": fault.code } })
}

// Reading a request.

fn parse(body: &[u8], _: &Way) -> Result<Asked, Fault> {
    let body = read::body(body)?;
    let model = read::model(&body)?;
    let messages = read::list(&body["messages"], "messages")?;
    let functions = body["tools"].as_array().into_iter().flatten();
    let mut request = ChatRequest {
        model,
        params: params(&body)?,
        tools: read::tools(functions.map(|tool| &tool["function"]), "parameters")?,
        ..ChatRequest::default()
    };
    for (index, message) in messages.iter().enumerate() {
        read_message(message, &mut request)
            .map_err(|what| bad(format!("messages[{index}]: {what}")))?;
    }
    Ok(Asked {
        request,
        stream: body["stream"].as_bool().unwrap_or(false),
        array: false,
        usage: body["stream_options"]["include_usage"]
            .as_bool()
            .unwrap_or(false),
        ..Asked::default()
    })
}

fn params(body: &Value) -> Result<Params, Fault> {
    let limits = [&body["max_completion_tokens"], &body["max_tokens"]];
    let limit = limits.into_iter().find(|v| !v.is_null());
    let max_tokens = read::limit(limit.unwrap_or(&Value::Null), "max_tokens")?;
    let stop = read::stops(&body["stop"], "stop")?;
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
        extra: body
            .get("n")
            .map(|n| ("n".to_owned(), n.clone()))
            .into_iter()
            .collect(),
        ..Params::default()
    })
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
        Some("image_url") => read::file_url(part["image_url"]["url"].as_str().unwrap_or_default()),
        Some("file") => read::file_url(part["file"]["file_data"].as_str().unwrap_or_default()),
        Some("input_audio") => {
            let audio = &part["input_audio"];
            let mime = format!("audio/{}", text_of(&audio["format"]));
            read::file(&mime, audio["data"].as_str().unwrap_or_default())
        }
        Some(other) => Err(format!("a part of type “{other}” is not taken")),
        None => Err("a part of “content” has no type".into()),
    }
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
    comment: String,
    fingerprint: Option<&'static str>,
}

impl ChatWriter {
    fn new(asked: &Asked, head: &AnswerHead) -> Self {
        let (created, fingerprint) = (head.created, head.fingerprint);
        let id = head.id("chatcmpl", '-');
        let model = asked.request.model.clone();
        let start = json!({
            "id": id, "object": "chat.completion.chunk", "created": created, "model": model,
            "system_fingerprint": fingerprint,
        });
        let start = start.to_string();
        Self {
            id,
            model,
            created,
            prefix: format!("data: {},\"choices\":[", start.trim_end_matches('}')),
            // With `include_usage` each chunk but the last carries a null.
            suffix: if asked.usage {
                "],\"usage\":null}\n\n"
            } else {
                "]}\n\n"
            },
            comment: head.comment_line(),
            fingerprint,
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
    fn event(&mut self, event: &Event, _next: &[Event], out: &mut Vec<u8>) {
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
            Event::KeepAlive { .. } => out.extend_from_slice(self.comment.as_bytes()),
            Event::Fault(fault) => {
                out.extend_from_slice(format!("data: {}\n\n", error(fault)).as_bytes());
            }
            // This protocol has no words for these.
            Event::Note(_)
            | Event::Unknown { .. }
            | Event::Media(_)
            | Event::Signature { .. }
            | Event::Citation(_)
            | Event::Opaque { .. }
            | Event::LeftOut { .. }
            | Event::Timing { .. }
            | Event::Echo { .. } => {}
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
            "system_fingerprint": self.fingerprint,
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

//! `anthropic`, from the server's side.
//!
//! Wire facts: <https://platform.claude.com/docs/en/api/messages-streaming>.

use http::HeaderMap;
use serde_json::{Map, Value, json};

use crate::{
    chat::{ChatRequest, Message, Params, Part, ResponseFormat, Role, ToolCall},
    dialect::serve::{
        AnswerHead, Asked, ModelList, Route, Serve, Way, Writer, bearer, json_refusal, named_event,
        read::{self, bad, text_of},
    },
    event::{Answer, Event, Fault, FaultClass, Finish, FinishReason, ToolCallDelta, Usage},
};

/// How a server speaks it.
pub(super) static SERVE: Serve = Serve {
    base_path: "",
    route: |path, headers| match path.split('?').next().unwrap_or_default() {
        // OpenAI's list has the same path.
        "/v1/models" if headers.contains_key("anthropic-version") => Some(Route::Models),
        "/v1/messages" => Some(Route::Chat(Way::default())),
        _ => None,
    },
    key,
    timings: None,
    read: parse,
    models,
    refuse: |fault| json_refusal(fault, &error(fault)),
    writer: |asked, head| Box::new(MessageWriter::new(asked, head)),
};

fn key(headers: &HeaderMap) -> Option<&str> {
    let own = headers.get("x-api-key").and_then(|key| key.to_str().ok());
    own.or_else(|| bearer(headers))
}

fn models(list: &ModelList) -> Value {
    let data: Vec<Value> = (list.models.iter())
        .map(|m| {
            json!({
                "type": "model", "id": m.id, "display_name": m.label,
                "created_at": "1970-01-01T00:00:00Z",
            })
        })
        .collect();
    json!({ "data": data, "has_more": false, "first_id": null, "last_id": null })
}

fn error(fault: &Fault) -> Value {
    let kind = match (fault.class, fault.status) {
        (FaultClass::Auth, _) => "authentication_error",
        (FaultClass::RateLimited, _) => "rate_limit_error",
        (FaultClass::Overloaded, _) => "overloaded_error",
        (FaultClass::NotFound, _) => "not_found_error",
        (_, Some(400..500)) => "invalid_request_error",
        _ => "api_error",
    };
    json!({ "type": "error", "error": { "type": kind, "message": fault.message } })
}

// Reading a request.

fn parse(body: &[u8], _: &Way) -> Result<Asked, Fault> {
    let body = read::body(body)?;
    let max_tokens = read::limit(&body["max_tokens"], "max_tokens")?;
    if max_tokens.is_none() {
        return Err(bad("max_tokens: Field required"));
    }
    let functions = body["tools"].as_array().into_iter().flatten();
    let format = [&body["output_config"]["format"], &body["output_format"]];
    let schema = format.into_iter().find_map(|format| format.get("schema"));
    let mut request = ChatRequest {
        model: read::model(&body)?,
        system: system(&body["system"]),
        params: Params {
            max_tokens,
            stop: read::stops(&body["stop_sequences"], "stop_sequences")?,
            response_format: schema.map(|schema| ResponseFormat::JsonSchema {
                name: String::new(),
                schema: schema.clone(),
                strict: true,
            }),
            ..Params::default()
        },
        tools: read::tools(functions, "input_schema")?,
        ..ChatRequest::default()
    };
    for (index, message) in (read::list(&body["messages"], "messages")?)
        .iter()
        .enumerate()
    {
        let read = read_message(message, &mut request.messages);
        read.map_err(|what| bad(format!("messages.{index}: {what}")))?;
    }
    Ok(Asked {
        request,
        stream: body["stream"].as_bool().unwrap_or(false),
        array: false,
        usage: true,
        ..Asked::default()
    })
}

fn system(system: &Value) -> Option<String> {
    match system {
        Value::Array(blocks) => {
            let texts: Vec<String> = blocks.iter().map(|block| text_of(&block["text"])).collect();
            Some(texts.join("\n"))
        }
        text => text.as_str().map(str::to_owned),
    }
}

/// Results of tools stand in a user's message; here they are messages of their own.
fn read_message(message: &Value, into: &mut Vec<Message>) -> Result<(), String> {
    let role = match message["role"].as_str() {
        Some("user") => Role::User,
        Some("assistant") => Role::Assistant,
        _ => return Err("role: must be “user” or “assistant”".into()),
    };
    let mut parts = Vec::new();
    match &message["content"] {
        Value::String(text) => parts.push(Part::Text { text: text.clone() }),
        Value::Array(blocks) => {
            for block in blocks {
                match block_part(block)? {
                    Some(result @ Part::ToolResult { .. }) => into.push(Message {
                        role: Role::Tool,
                        parts: vec![result],
                    }),
                    part => parts.extend(part),
                }
            }
        }
        _ => return Err("content: must be a string or a list of blocks".into()),
    }
    if !parts.is_empty() {
        into.push(Message { role, parts });
    }
    Ok(())
}

fn block_part(block: &Value) -> Result<Option<Part>, String> {
    let part = match block["type"].as_str() {
        Some("text") => read::text(&block["text"]),
        Some("image" | "document") => source(&block["source"])?,
        Some("tool_use") => Part::ToolCall(ToolCall {
            id: text_of(&block["id"]),
            name: text_of(&block["name"]),
            arguments: block["input"].to_string(),
        }),
        Some("tool_result") => Part::ToolResult {
            id: text_of(&block["tool_use_id"]),
            name: String::new(),
            content: match &block["content"] {
                Value::Array(blocks) => blocks.iter().map(|b| text_of(&b["text"])).collect(),
                text => text_of(text),
            },
        },
        Some("thinking" | "redacted_thinking") => return Ok(None),
        Some(other) => return Err(format!("a block of type “{other}” is not taken")),
        None => return Err("a block of “content” has no type".into()),
    };
    Ok(Some(part))
}

fn source(source: &Value) -> Result<Part, String> {
    match source["type"].as_str() {
        Some("base64") => read::file(
            source["media_type"].as_str().unwrap_or_default(),
            source["data"].as_str().unwrap_or_default(),
        ),
        _ => read::file_url(""),
    }
}

// Writing an answer.

struct MessageWriter {
    head: AnswerHead,
    model: String,
    /// The block that is open, and how many there were.
    open: Option<Block>,
    blocks: usize,
    finish: Option<Finish>,
    refused: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Block {
    Text,
    Thinking,
    Call(usize),
}

impl MessageWriter {
    fn new(asked: &Asked, head: &AnswerHead) -> Self {
        Self {
            head: head.clone(),
            model: asked.request.model.clone(),
            open: None,
            blocks: 0,
            finish: None,
            refused: false,
        }
    }

    fn message(&self, content: &[Value], usage: &Value) -> Value {
        json!({
            "id": self.head.id("msg", '_'), "type": "message", "role": "assistant",
            "model": self.model, "content": content, "stop_reason": null, "stop_sequence": null,
            "usage": usage,
        })
    }

    fn say(&mut self, block: Block, delta: &Value, out: &mut Vec<u8>) {
        self.begin(block, &start(block), out);
        let index = self.blocks - 1;
        let data = json!({ "type": "content_block_delta", "index": index, "delta": delta });
        named_event("content_block_delta", &data, out);
    }

    fn begin(&mut self, block: Block, start: &Value, out: &mut Vec<u8>) {
        if self.open == Some(block) {
            return;
        }
        self.close(out);
        let data =
            json!({ "type": "content_block_start", "index": self.blocks, "content_block": start });
        named_event("content_block_start", &data, out);
        self.open = Some(block);
        self.blocks += 1;
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        let index = self.blocks.saturating_sub(1);
        match self.open.take() {
            None => return,
            Some(Block::Thinking) => {
                if let Some(signature) = self.head.signature(index) {
                    let delta = json!({ "type": "signature_delta", "signature": signature });
                    let data =
                        json!({ "type": "content_block_delta", "index": index, "delta": delta });
                    named_event("content_block_delta", &data, out);
                }
            }
            Some(Block::Text | Block::Call(_)) => {}
        }
        let data = json!({ "type": "content_block_stop", "index": index });
        named_event("content_block_stop", &data, out);
    }

    fn call(&mut self, delta: &ToolCallDelta, out: &mut Vec<u8>) {
        let block = Block::Call(delta.index);
        if let Some(id) = &delta.id {
            let start = json!({ "type": "tool_use", "id": id, "name": delta.name, "input": {} });
            self.begin(block, &start, out);
        }
        if !delta.arguments.is_empty() {
            let delta = json!({ "type": "input_json_delta", "partial_json": delta.arguments });
            self.say(block, &delta, out);
        }
    }

    /// The finish with its counts, which this protocol says together.
    fn finish(&mut self, usage: &Usage, out: &mut Vec<u8>) {
        self.close(out);
        let reason = self.finish.take().map_or(FinishReason::Stop, |f| f.reason);
        let reason = stop_reason(reason, self.refused);
        let data = json!({
            "type": "message_delta",
            "delta": { "stop_reason": reason, "stop_sequence": null },
            "usage": usage_json(usage),
        });
        named_event("message_delta", &data, out);
    }
}

fn start(block: Block) -> Value {
    match block {
        Block::Thinking => json!({ "type": "thinking", "thinking": "", "signature": "" }),
        _ => json!({ "type": "text", "text": "" }),
    }
}

fn stop_reason(reason: FinishReason, refused: bool) -> &'static str {
    match reason {
        _ if refused => "refusal",
        FinishReason::Length => "max_tokens",
        FinishReason::ToolCalls => "tool_use",
        _ => "end_turn",
    }
}

fn usage_json(usage: &Usage) -> Value {
    json!({
        "input_tokens": usage.input.unwrap_or(0), "output_tokens": usage.output.unwrap_or(0),
        "cache_creation_input_tokens": 0, "cache_read_input_tokens": usage.cached.unwrap_or(0),
        "output_tokens_details": { "thinking_tokens": usage.reasoning.unwrap_or(0) },
    })
}

impl Writer for MessageWriter {
    fn event(&mut self, event: &Event, _next: &[Event], out: &mut Vec<u8>) {
        match event {
            Event::Meta { .. } => {
                let usage = json!({ "input_tokens": self.head.input_tokens, "output_tokens": 1 });
                let data = json!({ "type": "message_start", "message": self.message(&[], &usage) });
                named_event("message_start", &data, out);
            }
            Event::Text { text } => {
                self.say(
                    Block::Text,
                    &json!({ "type": "text_delta", "text": text }),
                    out,
                );
            }
            Event::Refusal { text } => {
                self.refused = true;
                self.say(
                    Block::Text,
                    &json!({ "type": "text_delta", "text": text }),
                    out,
                );
            }
            Event::Reasoning { text } => {
                let delta = json!({ "type": "thinking_delta", "thinking": text });
                self.say(Block::Thinking, &delta, out);
            }
            Event::ToolCall(delta) => self.call(delta, out),
            Event::Finish(finish) => self.finish = Some(finish.clone()),
            Event::Usage(usage) => self.finish(usage, out),
            Event::Done => named_event("message_stop", &json!({ "type": "message_stop" }), out),
            Event::KeepAlive { .. } => named_event("ping", &json!({ "type": "ping" }), out),
            Event::Fault(fault) => named_event("error", &error(fault), out),
            _ => {}
        }
    }

    fn whole(&self, answer: &Answer) -> Value {
        let mut content = Vec::new();
        if !answer.reasoning.is_empty() {
            let signature = self.head.signature(0).unwrap_or_default();
            content.push(
                json!({ "type": "thinking", "thinking": answer.reasoning, "signature": signature }),
            );
        }
        let text = format!("{}{}", answer.text, answer.refusal);
        if !text.is_empty() {
            content.push(json!({ "type": "text", "text": text }));
        }
        for call in &answer.tool_calls {
            let input: Value = serde_json::from_str(&call.arguments).unwrap_or(Map::new().into());
            content.push(
                json!({ "type": "tool_use", "id": call.id, "name": call.name, "input": input }),
            );
        }
        let usage = usage_json(&answer.usage.unwrap_or_default());
        let mut message = self.message(&content, &usage);
        let reason = answer
            .finish
            .as_ref()
            .map_or(FinishReason::Stop, |f| f.reason);
        message["stop_reason"] = stop_reason(reason, !answer.refusal.is_empty()).into();
        message
    }
}

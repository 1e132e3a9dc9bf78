//! `gemini`, from the server's side: the Gemini API's paths and Vertex AI's.
//!
//! Wire facts: <https://ai.google.dev/api/generate-content>; signatures go by
//! <https://ai.google.dev/gemini-api/docs/thought-signatures>.

use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value, json};

use super::{
    dialect::{AnswerId, Asked, COMMENT, Dialect, Route, Way, Writer, signature},
    model::Model,
    openai_chat::bearer,
    read::{self, bad, text_of},
    reply::json_refusal,
};
use crate::{
    chat::{ChatRequest, Message, Params, Part, ResponseFormat, Role, ToolCall},
    dialect::DialectId,
    event::{Answer, Event, Fault, Finish, FinishReason, ToolCallDelta, Usage},
};

pub(super) static DIALECT: Dialect = Dialect {
    id: DialectId::Gemini,
    base_path: "/v1beta",
    route,
    key,
    times: false,
    parse,
    models,
    refuse: |fault| json_refusal(fault, &error(fault)),
    writer: |asked, id| Box::new(GeminiWriter::new(asked, id, Form::of(asked))),
};

/// `…/models/{model}:{method}` below any version, project and publisher.
fn route(path: &str, _: &HeaderMap) -> Option<Route> {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    if path == "/v1beta/models" || path.ends_with("/publishers/google/models") {
        return Some(Route::Models);
    }
    let (_, method) = path.split_once("/models/")?;
    let (model, method) = method.rsplit_once(':')?;
    let stream = match method {
        "streamGenerateContent" => true,
        "generateContent" => false,
        _ => return None,
    };
    Some(Route::Chat(Way {
        model: model.to_owned(),
        stream,
        events: query
            .split('&')
            .any(|pair| pair == "alt=sse" || pair == "%24alt=sse"),
    }))
}

pub(super) fn key(headers: &HeaderMap) -> Option<&str> {
    let own = headers.get("x-goog-api-key");
    own.and_then(|key| key.to_str().ok())
        .or_else(|| bearer(headers))
}

pub(super) fn models(models: &[Model], _: u64) -> Value {
    let list: Vec<Value> = (models.iter())
        .map(|m| {
            json!({
                "name": format!("models/{}", m.name), "displayName": m.description, "version": "simulated",
                "supportedGenerationMethods": ["generateContent"],
            })
        })
        .collect();
    json!({ "models": list })
}

/// The word for a fault, which is the name of its gRPC status as well.
pub(super) fn status_name(fault: &Fault) -> &'static str {
    match StatusCode::from_u16(http_status(fault)) {
        Ok(StatusCode::UNAUTHORIZED) => "UNAUTHENTICATED",
        Ok(StatusCode::FORBIDDEN) => "PERMISSION_DENIED",
        Ok(StatusCode::NOT_FOUND) => "NOT_FOUND",
        Ok(StatusCode::TOO_MANY_REQUESTS) => "RESOURCE_EXHAUSTED",
        Ok(StatusCode::SERVICE_UNAVAILABLE) => "UNAVAILABLE",
        Ok(status) if status.is_client_error() => "INVALID_ARGUMENT",
        _ => "INTERNAL",
    }
}

fn http_status(fault: &Fault) -> u16 {
    fault.status.unwrap_or(500)
}

fn error(fault: &Fault) -> Value {
    let (code, status) = (http_status(fault), status_name(fault));
    json!({ "error": { "code": code, "message": fault.message, "status": status } })
}

// Reading a request.

/// A field by its name, or by the alias in snake case that the protocol takes as well.
fn get<'a>(value: &'a Value, name: &str) -> &'a Value {
    let mut snake = String::with_capacity(name.len() + 4);
    for character in name.chars() {
        if character.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(character.to_ascii_lowercase());
    }
    value.get(name).unwrap_or(&value[snake.as_str()])
}

fn parse(body: &[u8], way: &Way) -> Result<Asked, Fault> {
    parse_json(&read::body(body)?, way)
}

/// Reads the JSON of a request.
pub(super) fn parse_json(body: &Value, way: &Way) -> Result<Asked, Fault> {
    let config = get(body, "generationConfig");
    let tools = body["tools"].as_array().into_iter().flatten();
    let functions: Vec<&Value> = tools
        .flat_map(|tool| {
            get(tool, "functionDeclarations")
                .as_array()
                .into_iter()
                .flatten()
        })
        .collect();
    let mut tools = read::tools(functions.iter().copied(), "parametersJsonSchema")?;
    for (tool, function) in tools.iter_mut().zip(functions) {
        if tool.parameters.is_null() {
            let schemas = [&function["parameters_json_schema"], &function["parameters"]];
            let schema = schemas.into_iter().find(|schema| !schema.is_null());
            tool.parameters = schema.cloned().unwrap_or_default();
        }
    }
    let system = get(body, "systemInstruction")["parts"].as_array();
    let system: Option<String> =
        system.map(|parts| parts.iter().map(|part| text_of(&part["text"])).collect());
    let mut request = ChatRequest {
        model: way.model.clone(),
        system,
        params: Params {
            max_tokens: read::limit(get(config, "maxOutputTokens"), "maxOutputTokens")?,
            stop: read::stops(get(config, "stopSequences"), "stopSequences")?,
            seed: config["seed"].as_i64(),
            response_format: response_format(config),
            ..Params::default()
        },
        tools,
        ..ChatRequest::default()
    };
    for (index, content) in (read::list(&body["contents"], "contents")?)
        .iter()
        .enumerate()
    {
        let read = read_content(content, &mut request.messages);
        read.map_err(|what| bad(format!("contents[{index}]: {what}")))?;
    }
    Ok(Asked {
        request,
        stream: way.stream,
        array: !way.events,
        usage: true,
    })
}

fn response_format(config: &Value) -> Option<ResponseFormat> {
    let schemas = ["responseJsonSchema", "responseSchema"].map(|name| get(config, name));
    if let Some(schema) = schemas.into_iter().find(|schema| !schema.is_null()) {
        return Some(ResponseFormat::JsonSchema {
            name: String::new(),
            schema: schema.clone(),
            strict: true,
        });
    }
    let json = get(config, "responseMimeType") == "application/json";
    json.then_some(ResponseFormat::JsonObject)
}

/// Results of functions stand in a user's turn; here they are messages of their own.
fn read_content(content: &Value, into: &mut Vec<Message>) -> Result<(), String> {
    let role = match content["role"].as_str() {
        None | Some("user" | "function") => Role::User,
        Some("model") => Role::Assistant,
        Some(other) => return Err(format!("no such role “{other}”")),
    };
    let mut parts = Vec::new();
    for part in content["parts"].as_array().into_iter().flatten() {
        match content_part(part)? {
            Some(result @ Part::ToolResult { .. }) => into.push(Message {
                role: Role::Tool,
                parts: vec![result],
            }),
            part => parts.extend(part),
        }
    }
    if !parts.is_empty() {
        into.push(Message { role, parts });
    }
    Ok(())
}

fn content_part(part: &Value) -> Result<Option<Part>, String> {
    let (file, call, result) = (
        get(part, "inlineData"),
        get(part, "functionCall"),
        get(part, "functionResponse"),
    );
    Ok(Some(if part["thought"] == true {
        return Ok(None);
    } else if part["text"].is_string() {
        read::text(&part["text"])
    } else if file.is_object() {
        let mime = get(file, "mimeType").as_str().unwrap_or_default();
        // The SDK writes base64 in the URL's alphabet.
        let data = file["data"].as_str().unwrap_or_default();
        read::file(mime, &data.replace('-', "+").replace('_', "/"))?
    } else if get(part, "fileData").is_object() {
        read::file_url("")?
    } else if call.is_object() {
        Part::ToolCall(ToolCall {
            id: text_of(&call["id"]),
            name: text_of(&call["name"]),
            arguments: call["args"].to_string(),
        })
    } else if result.is_object() {
        Part::ToolResult {
            id: text_of(&result["id"]),
            name: text_of(&result["name"]),
            content: response_text(&result["response"]),
        }
    } else {
        return Err("a part of a kind that the simulator does not take".into());
    }))
}

/// A function's response is an object; clients wrap a plain text in one.
fn response_text(response: &Value) -> String {
    let wrapped = ["result", "output", "content"].map(|name| response[name].as_str());
    match wrapped.into_iter().flatten().next() {
        Some(text) if response.as_object().is_some_and(|o| o.len() == 1) => text.to_owned(),
        _ => response.to_string(),
    }
}

// Writing an answer.

/// How responses follow one another in a stream.
#[derive(Clone, Copy)]
pub(super) enum Form {
    /// As server-sent events.
    Events,
    /// As one JSON array.
    Array,
    /// Each as this makes it.
    #[cfg_attr(not(feature = "grpc"), allow(dead_code, reason = "for gRPC only"))]
    Messages(fn(&Value) -> Vec<u8>),
}

impl Form {
    fn of(asked: &Asked) -> Self {
        if asked.array {
            Self::Array
        } else {
            Self::Events
        }
    }
}

pub(super) struct GeminiWriter {
    id: AnswerId,
    model: String,
    form: Form,
    /// Whether a response was written.
    begun: bool,
    /// The call whose arguments still come.
    call: Option<ToolCall>,
    calls: usize,
    refusal: String,
    finish: Option<Finish>,
    usage: Usage,
}

impl GeminiWriter {
    pub(super) fn new(asked: &Asked, id: AnswerId, form: Form) -> Self {
        Self {
            id,
            model: asked.request.model.clone(),
            form,
            begun: false,
            call: None,
            calls: 0,
            refusal: String::new(),
            finish: None,
            usage: Usage::default(),
        }
    }

    fn response(&self, candidate: &Value) -> Value {
        json!({
            "candidates": [candidate], "modelVersion": self.model,
            "responseId": format!("sim-{}", self.id.run),
        })
    }

    fn write(&mut self, response: &Value, out: &mut Vec<u8>) {
        let bytes = match (self.form, self.begun) {
            (Form::Events, _) => format!("data: {response}\n\n").into(),
            (Form::Array, false) => format!("[{response}").into(),
            (Form::Array, true) => format!(",\n{response}").into(),
            (Form::Messages(message), _) => message(response),
        };
        self.begun = true;
        out.extend_from_slice(&bytes);
    }

    fn close(&self, out: &mut Vec<u8>) {
        if matches!(self.form, Form::Array) {
            out.extend_from_slice(b"]");
        }
    }

    fn part(&mut self, part: &Value, out: &mut Vec<u8>) {
        self.end_call(out);
        let content = json!({ "role": "model", "parts": [part] });
        let response = self.response(&json!({ "content": content, "index": 0 }));
        self.write(&response, out);
    }

    /// Calls are told whole. The first of parallel ones is signed.
    fn take_call(&mut self, delta: &ToolCallDelta, out: &mut Vec<u8>) {
        if let Some(id) = &delta.id {
            self.end_call(out);
            self.call = Some(ToolCall {
                id: id.clone(),
                name: delta.name.clone().unwrap_or_default(),
                arguments: String::new(),
            });
        }
        if let Some(call) = &mut self.call {
            call.arguments.push_str(&delta.arguments);
        }
    }

    fn end_call(&mut self, out: &mut Vec<u8>) {
        if let Some(call) = self.call.take() {
            let part = call_part(&call, self.calls, self.id.run);
            self.calls += 1;
            self.part(&part, out);
        }
    }

    /// The last response: why it ended, and the counts. Without it the answer has no end.
    fn end(&mut self, out: &mut Vec<u8>) {
        let finish = self.finish.take();
        let reason = finish_reason(finish.as_ref(), !self.refusal.is_empty());
        let mut candidate = json!({ "content": { "role": "model", "parts": [{ "text": "" }] },
            "finishReason": reason, "index": 0 });
        if !self.refusal.is_empty() {
            candidate["finishMessage"] = self.refusal.as_str().into();
        }
        let mut response = self.response(&candidate);
        response["usageMetadata"] = usage_json(&self.usage);
        self.write(&response, out);
        self.close(out);
    }
}

fn call_part(call: &ToolCall, place: usize, run: u64) -> Value {
    let args: Value = serde_json::from_str(&call.arguments).unwrap_or(Map::new().into());
    let mut part = json!({ "functionCall": { "id": call.id, "name": call.name, "args": args } });
    if place == 0 {
        part["thoughtSignature"] = signature(run, place).into();
    }
    part
}

fn finish_reason(finish: Option<&Finish>, refused: bool) -> &'static str {
    match finish.map(|finish| finish.reason) {
        _ if refused => "SAFETY",
        Some(FinishReason::Length) => "MAX_TOKENS",
        _ => "STOP",
    }
}

fn usage_json(usage: &Usage) -> Value {
    let (input, output) = (usage.input.unwrap_or(0), usage.output.unwrap_or(0));
    let thoughts = usage.reasoning.unwrap_or(0);
    json!({
        "promptTokenCount": input, "candidatesTokenCount": output - thoughts.min(output),
        "thoughtsTokenCount": thoughts, "totalTokenCount": input + output,
        "cachedContentTokenCount": usage.cached.unwrap_or(0),
    })
}

impl Writer for GeminiWriter {
    fn content_type(&self) -> &'static str {
        match self.form {
            Form::Events => "text/event-stream",
            Form::Array => "application/json",
            Form::Messages(_) => "application/octet-stream",
        }
    }

    fn event(&mut self, event: &Event, out: &mut Vec<u8>) {
        match event {
            Event::Text { text } => self.part(&json!({ "text": text }), out),
            Event::Reasoning { text } => self.part(&json!({ "text": text, "thought": true }), out),
            Event::Refusal { text } => self.refusal.push_str(text),
            Event::ToolCall(delta) => self.take_call(delta, out),
            Event::Finish(finish) => {
                self.end_call(out);
                self.finish = Some(finish.clone());
            }
            Event::Usage(usage) => self.usage = *usage,
            Event::Done => self.end(out),
            Event::KeepAlive => match self.form {
                Form::Events => out.extend_from_slice(COMMENT),
                Form::Array => out.extend_from_slice(b"\n"),
                Form::Messages(_) => {}
            },
            Event::Fault(fault) => {
                let fault = error(fault);
                self.write(&fault, out);
                self.close(out);
            }
            _ => {}
        }
    }

    fn whole(&self, answer: &Answer) -> Value {
        let mut parts = Vec::new();
        if !answer.reasoning.is_empty() {
            parts.push(json!({ "text": answer.reasoning, "thought": true }));
        }
        if !answer.text.is_empty() {
            parts.push(json!({ "text": answer.text }));
        }
        let calls = answer.tool_calls.iter().enumerate();
        parts.extend(calls.map(|(place, call)| call_part(call, place, self.id.run)));
        let reason = finish_reason(answer.finish.as_ref(), !answer.refusal.is_empty());
        let mut candidate = json!({ "content": { "role": "model", "parts": parts },
            "finishReason": reason, "index": 0 });
        if !answer.refusal.is_empty() {
            candidate["finishMessage"] = answer.refusal.as_str().into();
        }
        let mut response = self.response(&candidate);
        response["usageMetadata"] = usage_json(&answer.usage.unwrap_or_default());
        response
    }
}

//! `ollama`, from the server's side: a JSON object a line, and the server's own times in the last.
//!
//! Wire facts: <https://docs.ollama.com/api/chat>.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::{
    chat::{ChatRequest, Media, Message, Params, Part, ResponseFormat, Role, ToolCall},
    dialect::serve::{
        AnswerHead, Asked, ModelList, Route, Serve, Times, Way, Writer, bearer, json_refusal,
        open_call::OpenCall,
        read::{self, bad, text_of},
    },
    event::{Answer, Event, Fault, Finish, FinishReason, ToolCallDelta, Usage},
};

/// How a server speaks it.
pub(super) static SERVE: Serve = Serve {
    base_path: "",
    route: |path, _| match path {
        "/api/tags" => Some(Route::Models),
        "/api/chat" => Some(Route::Chat(Way::default())),
        _ => None,
    },
    key: bearer,
    timings: Some(timings),
    read: parse,
    models,
    refuse: |fault| json_refusal(fault, &json!({ "error": fault.message })),
    writer: |asked, head| Box::new(LineWriter::new(asked, head)),
};

fn models(list: &ModelList) -> Value {
    let list: Vec<Value> = (list.models.iter())
        .map(|m| {
            let details =
                json!({ "family": list.owner, "parameter_size": "0B", "quantization_level": "" });
            json!({ "name": m.id, "model": m.id, "modified_at": "1970-01-01T00:00:00Z", "size": 0,
                "digest": "", "details": details })
        })
        .collect();
    json!({ "models": list })
}

// Reading a request.

fn parse(body: &[u8], _: &Way) -> Result<Asked, Fault> {
    let body = read::body(body)?;
    let options = &body["options"];
    let functions = body["tools"].as_array().into_iter().flatten();
    // A negative limit means none.
    let limit = &options["num_predict"];
    let limit = if limit.as_i64().is_some_and(|n| n < 0) {
        &Value::Null
    } else {
        limit
    };
    let mut request = ChatRequest {
        model: read::model(&body)?,
        params: Params {
            max_tokens: read::limit(limit, "num_predict")?,
            stop: read::stops(&options["stop"], "stop")?,
            seed: options["seed"].as_i64(),
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
        },
        tools: read::tools(functions.map(|tool| &tool["function"]), "parameters")?,
        ..ChatRequest::default()
    };
    for (index, message) in (read::list(&body["messages"], "messages")?)
        .iter()
        .enumerate()
    {
        let read = read_message(message, &mut request);
        read.map_err(|what| bad(format!("messages[{index}]: {what}")))?;
    }
    Ok(Asked {
        request,
        stream: body["stream"].as_bool().unwrap_or(true),
        array: false,
        usage: true,
        ..Asked::default()
    })
}

fn read_message(message: &Value, into: &mut ChatRequest) -> Result<(), String> {
    let content = text_of(&message["content"]);
    let (role, mut parts) = match message["role"].as_str() {
        Some("system") => {
            into.system.get_or_insert_default().push_str(&content);
            return Ok(());
        }
        Some("tool") => {
            let result = Part::ToolResult {
                id: text_of(&message["tool_call_id"]),
                name: text_of(&message["tool_name"]),
                content,
            };
            (Role::Tool, vec![result])
        }
        Some("user") => (Role::User, vec![Part::Text { text: content }]),
        Some("assistant") => (Role::Assistant, vec![Part::Text { text: content }]),
        _ => return Err("“role” must be system, user, assistant or tool".into()),
    };
    for image in message["images"].as_array().into_iter().flatten() {
        // The protocol does not say what kind of picture it is.
        let mut part = read::file("image/png", image.as_str().unwrap_or_default())?;
        if let Part::Media(media) = &mut part
            && let Ok(known) = Media::of_bytes(media.data.to_vec(), String::new())
            && known.is_image()
        {
            *media = known;
        }
        parts.push(part);
    }
    for call in message["tool_calls"].as_array().into_iter().flatten() {
        parts.push(Part::ToolCall(ToolCall {
            id: text_of(&call["id"]),
            name: text_of(&call["function"]["name"]),
            arguments: call["function"]["arguments"].to_string(),
        }));
    }
    into.messages.push(Message { role, parts });
    Ok(())
}

// Writing an answer.

struct LineWriter {
    created: String,
    model: String,
    call: OpenCall,
    finish: Option<Finish>,
    usage: Usage,
    /// How long things took, by their words.
    timings: Vec<(String, u64)>,
}

impl LineWriter {
    fn new(asked: &Asked, head: &AnswerHead) -> Self {
        let seconds = i64::try_from(head.created).unwrap_or_default();
        let created = jiff::Timestamp::from_second(seconds).unwrap_or_default();
        Self {
            created: created.to_string(),
            model: asked.request.model.clone(),
            call: OpenCall::default(),
            finish: None,
            usage: Usage::default(),
            timings: Vec::new(),
        }
    }

    fn line(&self, message: &Value) -> Value {
        json!({ "model": self.model, "created_at": self.created, "message": message, "done": false })
    }

    fn write(&mut self, field: &str, value: &Value, out: &mut Vec<u8>) {
        self.end_call(out);
        self.say(field, value, out);
    }

    fn say(&self, field: &str, value: &Value, out: &mut Vec<u8>) {
        let mut message = json!({ "role": "assistant", "content": "" });
        message[field] = value.clone();
        write_line(&self.line(&message), out);
    }

    fn take_call(&mut self, delta: &ToolCallDelta, out: &mut Vec<u8>) {
        let ended = self.call.take(delta);
        self.call_out(ended, out);
    }

    fn end_call(&mut self, out: &mut Vec<u8>) {
        let ended = self.call.end();
        self.call_out(ended, out);
    }

    fn call_out(&self, call: Option<ToolCall>, out: &mut Vec<u8>) {
        if let Some(call) = call {
            self.say("tool_calls", &json!([call_json(&call)]), out);
        }
    }

    /// The last line: why it ended, the counts and the times.
    fn last(
        &self,
        message: &Value,
        finish: Option<&Finish>,
        usage: &Usage,
        timings: &[(String, u64)],
    ) -> Value {
        let mut line = self.line(message);
        line["done"] = true.into();
        line["done_reason"] = match finish.map(|finish| finish.reason) {
            Some(FinishReason::Length) => "length",
            _ => "stop",
        }
        .into();
        line["prompt_eval_count"] = usage.input.into();
        line["eval_count"] = usage.output.into();
        for (name, ns) in timings {
            line[name] = (*ns).into();
        }
        line
    }
}

/// What the last line tells of these times: all is loaded once the head is out, and the prompt read by the
/// first token.
fn timings(times: &Times) -> Vec<Event> {
    let first = times.first_token.unwrap_or(times.end);
    let timing = |(name, time): (&str, Duration)| Event::Timing {
        name: name.to_owned(),
        ns: u64::try_from(time.as_nanos()).unwrap_or(u64::MAX),
    };
    let timings = [
        ("total_duration", times.end),
        ("load_duration", times.head),
        ("prompt_eval_duration", first.saturating_sub(times.head)),
        ("eval_duration", times.end.saturating_sub(first)),
    ];
    timings.map(timing).into()
}

fn call_json(call: &ToolCall) -> Value {
    let arguments: Value = serde_json::from_str(&call.arguments).unwrap_or(Map::new().into());
    json!({ "id": call.id, "function": { "name": call.name, "arguments": arguments } })
}

fn write_line(line: &Value, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("{line}\n").as_bytes());
}

impl Writer for LineWriter {
    fn content_type(&self) -> &'static str {
        "application/x-ndjson"
    }

    fn event(&mut self, event: &Event, _next: &[Event], out: &mut Vec<u8>) {
        match event {
            Event::Text { text } | Event::Refusal { text } => {
                self.write("content", &text.as_str().into(), out);
            }
            Event::Reasoning { text } => self.write("thinking", &text.as_str().into(), out),
            Event::ToolCall(delta) => self.take_call(delta, out),
            Event::Finish(finish) => {
                self.end_call(out);
                self.finish = Some(finish.clone());
            }
            Event::Usage(usage) => self.usage = *usage,
            Event::Timing { name, ns } => self.timings.push((name.clone(), *ns)),
            Event::Done => {
                let message = json!({ "role": "assistant", "content": "" });
                let finish = self.finish.as_ref();
                let last = self.last(&message, finish, &self.usage, &self.timings);
                write_line(&last, out);
            }
            // A blank line is no object, and keeps the connection open.
            Event::KeepAlive { .. } => out.extend_from_slice(b"\n"),
            Event::Fault(fault) => write_line(&json!({ "error": fault.message }), out),
            _ => {}
        }
    }

    fn whole(&self, answer: &Answer) -> Value {
        let text = format!("{}{}", answer.text, answer.refusal);
        let mut message = json!({ "role": "assistant", "content": text });
        if !answer.reasoning.is_empty() {
            message["thinking"] = answer.reasoning.as_str().into();
        }
        if !answer.tool_calls.is_empty() {
            message["tool_calls"] = answer.tool_calls.iter().map(call_json).collect();
        }
        let usage = answer.usage.unwrap_or_default();
        self.last(&message, answer.finish.as_ref(), &usage, &answer.timings)
    }
}

//! An answer, as a stream of responses or whole.

use serde_json::{Map, Value, json};

use super::error;
use crate::{
    chat::ToolCall,
    dialect::serve::{AnswerHead, Asked, Writer, open_call::OpenCall},
    event::{Answer, Event, Finish, FinishReason, ToolCallDelta, Usage},
};

/// How responses follow one another in a stream.
#[derive(Clone, Copy)]
pub(in crate::dialect) enum Form {
    /// As server-sent events.
    Events,
    /// As one JSON array.
    Array,
    /// Each as this makes it.
    #[cfg_attr(not(feature = "grpc"), allow(dead_code, reason = "for gRPC only"))]
    Messages(fn(&Value) -> Vec<u8>),
}

impl Form {
    pub(super) fn of(asked: &Asked) -> Self {
        if asked.array {
            Self::Array
        } else {
            Self::Events
        }
    }
}

pub(in crate::dialect) struct GeminiWriter {
    head: AnswerHead,
    model: String,
    form: Form,
    /// Whether a response was written.
    begun: bool,
    call: OpenCall,
    calls: usize,
    refusal: String,
    finish: Option<Finish>,
    usage: Usage,
}

impl GeminiWriter {
    pub(in crate::dialect) fn new(asked: &Asked, head: &AnswerHead, form: Form) -> Self {
        Self {
            head: head.clone(),
            model: asked.request.model.clone(),
            form,
            begun: false,
            call: OpenCall::default(),
            calls: 0,
            refusal: String::new(),
            finish: None,
            usage: Usage::default(),
        }
    }

    fn response(&self, candidate: &Value) -> Value {
        json!({
            "candidates": [candidate], "modelVersion": self.model,
            "responseId": format!("{}-{}", self.head.server, self.head.number),
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
        self.say(part, out);
    }

    fn say(&mut self, part: &Value, out: &mut Vec<u8>) {
        let content = json!({ "role": "model", "parts": [part] });
        let response = self.response(&json!({ "content": content, "index": 0 }));
        self.write(&response, out);
    }

    /// Calls are told whole. The first of parallel ones is signed.
    fn take_call(&mut self, delta: &ToolCallDelta, out: &mut Vec<u8>) {
        let ended = self.call.take(delta);
        self.call_out(ended, out);
    }

    fn end_call(&mut self, out: &mut Vec<u8>) {
        let ended = self.call.end();
        self.call_out(ended, out);
    }

    fn call_out(&mut self, call: Option<ToolCall>, out: &mut Vec<u8>) {
        if let Some(call) = call {
            let part = call_part(&call, self.calls, &self.head);
            self.calls += 1;
            self.say(&part, out);
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

fn call_part(call: &ToolCall, place: usize, head: &AnswerHead) -> Value {
    let args: Value = serde_json::from_str(&call.arguments).unwrap_or(Map::new().into());
    let mut part = json!({ "functionCall": { "id": call.id, "name": call.name, "args": args } });
    if place == 0
        && let Some(signature) = head.signature(place)
    {
        part["thoughtSignature"] = signature.into();
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

    fn event(&mut self, event: &Event, _next: &[Event], out: &mut Vec<u8>) {
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
            Event::KeepAlive { .. } => match self.form {
                Form::Events => out.extend_from_slice(self.head.comment_line().as_bytes()),
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
        parts.extend(calls.map(|(place, call)| call_part(call, place, &self.head)));
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

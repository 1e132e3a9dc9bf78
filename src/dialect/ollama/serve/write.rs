//! Writes an answer, as lines or as one JSON object.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

use crate::{
    chat::{Media, ToolCall},
    dialect::serve::{
        AnswerHead, AnswerWriter, ServedRequest, finish_word,
        open_call::{OpenCall, SignedCall},
        read::arguments_object,
        signature_of,
    },
    event::{Answer, AnswerPieceKind, Event, Finish, FinishReason, ToolCallDelta, Usage},
};

/// The protocol's words for why an answer ended; the first of each class is the default.
const DONE_REASONS: &[(FinishReason, &str)] = &[
    (FinishReason::Stop, "stop"),
    (FinishReason::ToolCalls, "stop"),
    (FinishReason::ContentFilter, "stop"),
    (FinishReason::Length, "length"),
];

pub(super) struct LineWriter {
    head: AnswerHead,
    /// How many calls were written.
    calls: usize,
    created: String,
    model: String,
    call: OpenCall,
    finish: Option<Finish>,
    usage: Usage,
    /// Times by name, in nanoseconds.
    timings: Vec<(String, u64)>,
}

impl LineWriter {
    pub(super) fn new(asked: &ServedRequest, head: &AnswerHead) -> Self {
        let seconds = i64::try_from(head.created).unwrap_or_default();
        let created = jiff::Timestamp::from_second(seconds).unwrap_or_default();
        Self {
            head: head.clone(),
            calls: 0,
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

    fn write_field(&mut self, field: &str, value: &Value, out: &mut Vec<u8>) {
        self.end_call(out);
        self.write_message(field, value, out);
    }

    fn write_message(&self, field: &str, value: &Value, out: &mut Vec<u8>) {
        let mut message = json!({ "role": "assistant", "content": "" });
        message[field] = value.clone();
        write_line(&self.line(&message), out);
    }

    fn push_call(&mut self, delta: &ToolCallDelta, out: &mut Vec<u8>) {
        let ended = self.call.push(delta);
        self.write_call(ended, out);
    }

    fn end_call(&mut self, out: &mut Vec<u8>) {
        let ended = self.call.end();
        self.write_call(ended, out);
    }

    fn write_call(&mut self, called: Option<SignedCall>, out: &mut Vec<u8>) {
        if let Some(SignedCall { call, signature }) = called {
            let call = self.call_json(&call, self.calls, signature.as_deref());
            self.calls += 1;
            self.write_message("tool_calls", &json!([call]), out);
        }
    }

    fn call_json(&self, call: &ToolCall, index: usize, signature: Option<&str>) -> Value {
        let arguments = arguments_object(&call.arguments);
        let mut written = Map::new();
        let id = self.head.call_id(Some(&call.id), index, signature);
        written.extend(id.map(|id| ("id".to_owned(), id.into())));
        let function = json!({ "name": call.name, "arguments": arguments });
        written.insert("function".into(), function);
        written.into()
    }

    /// The last line, with the finish reason, the counts and the times.
    fn last_line(
        &self,
        message: &Value,
        finish: Option<&Finish>,
        usage: &Usage,
        timings: &[(String, u64)],
    ) -> Value {
        let mut line = self.line(message);
        line["done"] = true.into();
        let counts = [
            ("prompt_eval_count", usage.input),
            ("eval_count", usage.generated()),
        ];
        if let Some(finish) = finish {
            line["done_reason"] = finish_word(DONE_REASONS, finish).into();
        }
        for (name, count) in counts {
            if let Some(count) = count {
                line[name] = count.into();
            }
        }
        for (name, ns) in timings {
            line[name] = (*ns).into();
        }
        line
    }
}

/// An image, or a file that may be one, as base64. The protocol has no other files and no URLs.
fn image(media: &Media) -> Option<Value> {
    let may_be = media.is_image() || media.mime == "application/octet-stream";
    let is_here = may_be && media.uri.is_none();
    is_here.then(|| STANDARD.encode(&media.data).into())
}

fn write_line(line: &Value, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("{line}\n").as_bytes());
}

impl AnswerWriter for LineWriter {
    fn content_type(&self) -> &'static str {
        "application/x-ndjson"
    }

    fn event(&mut self, event: &Event, _next: &[Event], out: &mut Vec<u8>) {
        match event {
            Event::Meta { model, .. } => {
                self.model = model.clone().unwrap_or(std::mem::take(&mut self.model));
            }
            // It only shows that the model is working on the call.
            Event::Text { text } if text.is_empty() && self.call.is_open() => {}
            Event::Text { text } | Event::Refusal { text } => {
                self.write_field("content", &text.as_str().into(), out);
            }
            Event::Reasoning { text } => self.write_field("thinking", &text.as_str().into(), out),
            Event::Media(media) => {
                if let Some(image) = image(media) {
                    self.write_field("images", &json!([image]), out);
                }
            }
            Event::ToolCall(delta) => self.push_call(delta, out),
            Event::Finish(finish) => {
                self.end_call(out);
                self.finish = Some(finish.clone());
            }
            Event::Usage(usage) => self.usage.merge(*usage),
            Event::Timing { name, ns } => self.timings.push((name.clone(), *ns)),
            Event::Done => {
                self.end_call(out);
                let message = json!({ "role": "assistant", "content": "" });
                let finish = self.finish.as_ref();
                let last_line = self.last_line(&message, finish, &self.usage, &self.timings);
                write_line(&last_line, out);
            }
            // A blank line is not an object, and keeps the connection open.
            Event::KeepAlive { .. } => out.extend_from_slice(b"\n"),
            Event::Fault(fault) => {
                self.end_call(out);
                write_line(&json!({ "error": fault.message }), out);
            }
            Event::Signature { value } => {
                self.call.sign(value);
            }
            // This protocol has no form for these.
            Event::Citation(_)
            | Event::Opaque { .. }
            | Event::Note(_)
            | Event::Unknown { .. }
            | Event::LeftOut { .. }
            | Event::Echo { .. } => {}
        }
    }

    fn whole(&self, answer: &Answer) -> Value {
        let text = format!("{}{}", answer.text, answer.refusal);
        let mut message = json!({ "role": "assistant", "content": text });
        if !answer.reasoning.is_empty() {
            message["thinking"] = answer.reasoning.as_str().into();
        }
        let calls = answer.tool_calls.iter().enumerate();
        let whole = |index, call| {
            let signature = signature_of(answer, &AnswerPieceKind::ToolCall { index });
            self.call_json(call, index, signature)
        };
        let lists: [(_, Vec<Value>); 2] = [
            ("images", answer.media.iter().filter_map(image).collect()),
            (
                "tool_calls",
                calls.map(|(index, call)| whole(index, call)).collect(),
            ),
        ];
        for (name, list) in lists {
            if !list.is_empty() {
                message[name] = list.into();
            }
        }
        let usage = answer.usage.unwrap_or_default();
        let finish = answer.finish.as_ref();
        let mut line = self.last_line(&message, finish, &usage, &answer.timings);
        if let Some(model) = &answer.model {
            line["model"] = model.as_str().into();
        }
        line
    }
}

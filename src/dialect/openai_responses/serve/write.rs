//! An answer, as typed events or whole.

use serde_json::{Map, Value, json};

use crate::{
    dialect::serve::{AnswerHead, Asked, Writer, named_event, read::text_of},
    event::{Answer, Event, Finish, FinishReason, ToolCallDelta, Usage},
};

pub(super) struct ResponseWriter {
    head: AnswerHead,
    model: String,
    sequence: u64,
    /// The item that is open, and what it has said.
    open: Option<(Item, String)>,
    /// Items that are whole.
    output: Vec<Value>,
    finish: Option<Finish>,
    usage: Usage,
    /// What of the request each response says back.
    said_back: Map<String, Value>,
}

#[derive(Clone, PartialEq)]
enum Item {
    Text,
    Refusal,
    Reasoning,
    Call { id: String, name: String },
}

impl ResponseWriter {
    pub fn new(asked: &Asked, head: &AnswerHead) -> Self {
        Self {
            head: head.clone(),
            model: asked.request.model.clone(),
            sequence: 0,
            open: None,
            output: Vec::new(),
            finish: None,
            usage: Usage::default(),
            said_back: asked.echo.clone(),
        }
    }

    fn response(&self, status: &str, output: &[Value]) -> Value {
        let mut response = json!({
            "id": self.head.id("resp", '_'), "object": "response", "created_at": self.head.created,
            "status": status, "error": null, "incomplete_details": null, "model": self.model,
            "output": output, "parallel_tool_calls": true, "tool_choice": "auto", "tools": [], "usage": null,
            "metadata": {},
        });
        for (name, value) in &self.said_back {
            response[name] = value.clone();
        }
        response
    }

    /// Writes an event: its type, its number, and its own fields.
    fn emit(&mut self, kind: &str, fields: Value, out: &mut Vec<u8>) {
        let mut data = json!({ "type": kind, "sequence_number": self.sequence });
        if let (Some(data), Value::Object(fields)) = (data.as_object_mut(), fields) {
            data.extend(fields);
        }
        self.sequence += 1;
        named_event(kind, &data, out);
    }

    fn item_id(&self) -> String {
        format!("{}_{}", self.head.id("item", '_'), self.output.len())
    }

    /// Begins an item, unless it is the one that is open.
    fn begin(&mut self, item: Item, out: &mut Vec<u8>) {
        if self.open.as_ref().is_some_and(|(open, _)| *open == item) {
            return;
        }
        self.close(out);
        let (index, id) = (self.output.len(), self.item_id());
        let announced = item_json(&item, "", &id, "in_progress");
        let fields = json!({ "output_index": index, "item": announced });
        self.emit("response.output_item.added", fields, out);
        if let Some((kind, part)) = part_of(&item, "") {
            let fields =
                json!({ "item_id": id, "output_index": index, index_name(&item): 0, "part": part });
            self.emit(&format!("response.{kind}.added"), fields, out);
        }
        self.open = Some((item, String::new()));
    }

    fn say(&mut self, item: &Item, piece: &str, out: &mut Vec<u8>) {
        self.begin(item.clone(), out);
        let (index, id) = (self.output.len(), self.item_id());
        let fields =
            json!({ "item_id": id, "output_index": index, index_name(item): 0, "delta": piece });
        self.emit(&format!("response.{}.delta", event_of(item).0), fields, out);
        if let Some((_, said)) = &mut self.open {
            said.push_str(piece);
        }
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        let Some((item, said)) = self.open.take() else {
            return;
        };
        let (index, id) = (self.output.len(), self.item_id());
        let (event, field) = event_of(&item);
        let fields =
            json!({ "item_id": id, "output_index": index, index_name(&item): 0, field: said });
        self.emit(&format!("response.{event}.done"), fields, out);
        if let Some((kind, part)) = part_of(&item, &said) {
            let fields =
                json!({ "item_id": id, "output_index": index, index_name(&item): 0, "part": part });
            self.emit(&format!("response.{kind}.done"), fields, out);
        }
        let whole = self.whole_item(&item, &said, &id, index);
        let fields = json!({ "output_index": index, "item": whole });
        self.emit("response.output_item.done", fields, out);
        self.output.push(whole);
    }

    fn whole_item(&self, item: &Item, said: &str, id: &str, index: usize) -> Value {
        let mut whole = item_json(item, said, id, "completed");
        if *item == Item::Reasoning {
            whole["encrypted_content"] = self.head.signature(index).into();
        }
        whole
    }

    fn call(&mut self, delta: &ToolCallDelta, out: &mut Vec<u8>) {
        if let (Some(id), Some(name)) = (&delta.id, &delta.name) {
            let (id, name) = (id.clone(), name.clone());
            self.begin(Item::Call { id, name }, out);
        }
        if let Some((item @ Item::Call { .. }, _)) = self.open.clone()
            && !delta.arguments.is_empty()
        {
            self.say(&item, &delta.arguments, out);
        }
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        self.close(out);
        let reason = self.finish.take().map(|finish| finish.reason);
        let response = self.ended(reason, &self.output);
        let kind = format!("response.{}", text_of(&response["status"]));
        self.emit(&kind, json!({ "response": response }), out);
    }

    fn ended(&self, reason: Option<FinishReason>, output: &[Value]) -> Value {
        let cut = reason == Some(FinishReason::Length);
        let status = if cut { "incomplete" } else { "completed" };
        let mut response = self.response(status, output);
        if cut {
            response["incomplete_details"] = json!({ "reason": "max_output_tokens" });
        }
        response["usage"] = usage_json(&self.usage);
        response
    }
}

fn item_json(item: &Item, said: &str, id: &str, status: &str) -> Value {
    let part = |kind: &str, field: &str| {
        let part = json!({ "type": kind, field: said, "annotations": [] });
        if said.is_empty() {
            json!([])
        } else {
            json!([part])
        }
    };
    match item {
        Item::Text => json!({ "id": id, "type": "message", "role": "assistant", "status": status,
            "content": part("output_text", "text") }),
        Item::Refusal => {
            json!({ "id": id, "type": "message", "role": "assistant", "status": status,
            "content": part("refusal", "refusal") })
        }
        Item::Reasoning => {
            let summary = if said.is_empty() {
                json!([])
            } else {
                json!([{ "type": "summary_text", "text": said }])
            };
            json!({ "id": id, "type": "reasoning", "summary": summary })
        }
        Item::Call { id: call, name } => {
            json!({ "id": id, "type": "function_call", "call_id": call,
            "name": name, "arguments": said, "status": status })
        }
    }
}

/// The part that an item's text stands in: its event and its JSON.
fn part_of(item: &Item, said: &str) -> Option<(&'static str, Value)> {
    match item {
        Item::Text => Some((
            "content_part",
            json!({ "type": "output_text", "text": said, "annotations": [] }),
        )),
        Item::Refusal => Some((
            "content_part",
            json!({ "type": "refusal", "refusal": said }),
        )),
        Item::Reasoning => Some((
            "reasoning_summary_part",
            json!({ "type": "summary_text", "text": said }),
        )),
        Item::Call { .. } => None,
    }
}

/// The event that an item's text comes by, and the field of the whole one.
fn event_of(item: &Item) -> (&'static str, &'static str) {
    match item {
        Item::Text => ("output_text", "text"),
        Item::Refusal => ("refusal", "refusal"),
        Item::Reasoning => ("reasoning_summary_text", "text"),
        Item::Call { .. } => ("function_call_arguments", "arguments"),
    }
}

fn index_name(item: &Item) -> &'static str {
    match item {
        Item::Reasoning => "summary_index",
        _ => "content_index",
    }
}

fn usage_json(usage: &Usage) -> Value {
    let (input, output) = (usage.input.unwrap_or(0), usage.output.unwrap_or(0));
    json!({
        "input_tokens": input, "output_tokens": output, "total_tokens": input + output,
        "input_tokens_details": { "cached_tokens": usage.cached.unwrap_or(0) },
        "output_tokens_details": { "reasoning_tokens": usage.reasoning.unwrap_or(0) },
    })
}

impl Writer for ResponseWriter {
    fn event(&mut self, event: &Event, _next: &[Event], out: &mut Vec<u8>) {
        match event {
            Event::Meta { .. } => {
                for kind in ["response.created", "response.in_progress"] {
                    let response = self.response("in_progress", &[]);
                    self.emit(kind, json!({ "response": response }), out);
                }
            }
            Event::Text { text } => self.say(&Item::Text, text, out),
            Event::Reasoning { text } => self.say(&Item::Reasoning, text, out),
            Event::Refusal { text } => self.say(&Item::Refusal, text, out),
            Event::ToolCall(delta) => self.call(delta, out),
            Event::Finish(finish) => {
                self.close(out);
                self.finish = Some(finish.clone());
            }
            Event::Usage(usage) => self.usage = *usage,
            Event::Done => self.end(out),
            Event::KeepAlive { .. } => out.extend_from_slice(self.head.comment_line().as_bytes()),
            Event::Fault(fault) => {
                let fields = json!({ "code": fault.code, "message": fault.message, "param": null });
                self.emit("error", fields, out);
            }
            _ => {}
        }
    }

    fn whole(&self, answer: &Answer) -> Value {
        let mut output = Vec::new();
        let texts = [
            (Item::Reasoning, &answer.reasoning),
            (Item::Text, &answer.text),
            (Item::Refusal, &answer.refusal),
        ];
        let texts = texts.into_iter().filter(|(_, said)| !said.is_empty());
        let calls = answer.tool_calls.iter().map(|call| {
            let (id, name) = (call.id.clone(), call.name.clone());
            (Item::Call { id, name }, &call.arguments)
        });
        for (index, (item, said)) in texts.chain(calls).enumerate() {
            let id = format!("{}_{index}", self.head.id("item", '_'));
            output.push(self.whole_item(&item, said, &id, index));
        }
        let reason = answer.finish.as_ref().map(|finish| finish.reason);
        let mut response = self.ended(reason, &output);
        response["usage"] = usage_json(&answer.usage.unwrap_or_default());
        response
    }
}

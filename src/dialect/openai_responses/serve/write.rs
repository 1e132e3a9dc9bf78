//! Writes an answer, as typed events or as one response.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

use super::items::{
    ItemKind, OpenItem, annotation, cite_last, event_of, image_item, index_name, is_reasoning_item,
    kind_of, signature_fields, streams,
};
use crate::{
    chat::Media,
    dialect::{
        openai_chat::serve::error,
        serve::{
            AnswerHead, AnswerWriter, ServedRequest, counted_json, finish_word, named_event,
            read::text_of, segments, signed_id::signature_of_call,
        },
    },
    event::{Answer, Citation, Event, Fault, Finish, FinishReason, ToolCallDelta, Usage},
};

/// The protocol's words for why a response ended (a status, or the reason why it is incomplete); the first of each
/// class is the default.
const FINISH_WORDS: &[(FinishReason, &str)] = &[
    (FinishReason::Stop, "completed"),
    (FinishReason::ToolCalls, "completed"),
    (FinishReason::Length, "max_output_tokens"),
    (FinishReason::ContentFilter, "content_filter"),
];

/// Prefixes of the fields that count the prompt's and the answer's tokens.
const COUNT_PREFIXES: [&str; 2] = ["input", "output"];

pub(super) struct ResponseWriter {
    pub(super) head: AnswerHead,
    id: String,
    model: String,
    begun: bool,
    sequence: u64,
    /// The item that is being written.
    open: Option<OpenItem>,
    /// Completed items.
    output: Vec<Value>,
    finish: Option<Finish>,
    usage: Usage,
    /// The request's parameters that each response echoes.
    echoed: Map<String, Value>,
}

impl ResponseWriter {
    pub(super) fn new(asked: &ServedRequest, head: &AnswerHead) -> Self {
        Self {
            head: head.clone(),
            id: head.id("resp", '_'),
            model: asked.request.model.clone(),
            begun: false,
            sequence: 0,
            open: None,
            output: Vec::new(),
            finish: None,
            usage: Usage::default(),
            echoed: asked.echo.clone(),
        }
    }

    fn response(&self, status: &str, output: &[Value]) -> Value {
        let mut response = json!({
            "id": self.id, "object": "response", "created_at": self.head.created,
            "status": status, "error": null, "incomplete_details": null, "model": self.model,
            "output": output, "parallel_tool_calls": true, "tool_choice": "auto", "tools": [], "usage": null,
            "metadata": {},
        });
        for (name, value) in &self.echoed {
            response[name] = value.clone();
        }
        response
    }

    /// Writes an event: its type, its sequence number, and its own fields.
    fn emit(&mut self, kind: &str, fields: Value, out: &mut Vec<u8>) {
        let mut data = json!({ "type": kind, "sequence_number": self.sequence });
        if let (Some(data), Value::Object(fields)) = (data.as_object_mut(), fields) {
            data.extend(fields);
        }
        self.sequence += 1;
        named_event(kind, &data, out);
    }

    fn start(&mut self, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.begun, true) {
            for kind in ["response.created", "response.in_progress"] {
                let response = self.response("in_progress", &[]);
                self.emit(kind, json!({ "response": response }), out);
            }
        }
    }

    fn item_id(&self) -> String {
        format!("{}_{}", self.head.id("item", '_'), self.output.len())
    }

    /// Starts an item, unless it is open already.
    fn begin(&mut self, item: ItemKind, signature_fields: Map<String, Value>, out: &mut Vec<u8>) {
        if self.open.as_ref().is_some_and(|open| open.item == item) {
            return;
        }
        self.start(out);
        self.close(out);
        let (index, id) = (self.output.len(), self.item_id());
        let open = OpenItem {
            signature_fields,
            ..OpenItem::whole(item, "")
        };
        let announced = open.json(&id, "in_progress");
        let fields = json!({ "output_index": index, "item": announced });
        self.emit("response.output_item.added", fields, out);
        self.emit_part("added", &open, out);
        self.open = Some(open);
    }

    /// Announces the part of an item's text, or ends it.
    fn emit_part(&mut self, stage: &str, open: &OpenItem, out: &mut Vec<u8>) {
        if let Some((kind, part)) = open.part() {
            let mut fields = self.place(open);
            fields["part"] = part;
            self.emit(&format!("response.{kind}.{stage}"), fields, out);
        }
    }

    /// The position of an item's text, as fields of an event.
    fn place(&self, open: &OpenItem) -> Value {
        let part = index_name(&open.item);
        json!({
            "item_id": self.item_id(), "output_index": self.output.len(), part: open.parts.len(),
        })
    }

    /// Starts a new part for a paragraph of reasoning.
    fn next_part(&mut self, out: &mut Vec<u8>) {
        if let Some(mut open) = self.open.take() {
            self.end_part(&open, out);
            open.parts.push(std::mem::take(&mut open.text));
            self.emit_part("added", &open, out);
            self.open = Some(open);
        }
    }

    fn end_part(&mut self, open: &OpenItem, out: &mut Vec<u8>) {
        let (event, field) = event_of(&open.item);
        if streams(&open.item) {
            let mut fields = self.place(open);
            fields[field] = open.text.as_str().into();
            self.emit(&format!("response.{event}.done"), fields, out);
        }
        self.emit_part("done", open, out);
    }

    fn write_piece(&mut self, item: &ItemKind, mut piece: &str, out: &mut Vec<u8>) {
        self.begin(item.clone(), Map::new(), out);
        if *item == ItemKind::Reasoning
            && self.open.as_ref().is_some_and(|open| !open.text.is_empty())
            && let Some(paragraph) = piece.strip_prefix("\n\n")
        {
            self.next_part(out);
            piece = paragraph;
        }
        if streams(item)
            && let Some(open) = &self.open
        {
            let mut fields = self.place(open);
            fields["delta"] = piece.into();
            self.emit(&format!("response.{}.delta", event_of(item).0), fields, out);
        }
        if let Some(open) = &mut self.open {
            open.text.push_str(piece);
        }
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        let Some(open) = self.open.take() else {
            return;
        };
        self.end_part(&open, out);
        let mut whole = open.json(&self.item_id(), "completed");
        if open.item == ItemKind::Reasoning {
            whole["encrypted_content"] = self.head.signature(self.output.len()).into();
        }
        self.item_done(whole, out);
    }

    fn item_done(&mut self, whole: Value, out: &mut Vec<u8>) {
        let fields = json!({ "output_index": self.output.len(), "item": whole });
        self.emit("response.output_item.done", fields, out);
        self.output.push(whole);
    }

    /// Writes a piece of a call. The signature that follows its name has fields of the item.
    fn call(&mut self, delta: &ToolCallDelta, next: &[Event], out: &mut Vec<u8>) {
        let is_open = self.open.as_ref().is_some_and(
            |open| matches!(&open.item, ItemKind::Call { index, .. } if *index == delta.index),
        );
        if !is_open {
            let signature_fields = match next.first() {
                Some(Event::Signature { value }) => signature_fields(value),
                _ => Map::new(),
            };
            let made = || format!("{}_{}", self.head.id("call", '_'), delta.index);
            let signature = signature_of_call(delta.index, next);
            let id = self
                .head
                .call_id(delta.id.as_deref(), delta.index, signature);
            let item = ItemKind::Call {
                index: delta.index,
                id: id.unwrap_or_else(made),
                name: delta.name.clone().unwrap_or_default(),
                kind: kind_of(&signature_fields),
            };
            self.begin(item, signature_fields, out);
        }
        if let Some(item) = self.open.as_ref().map(|open| open.item.clone())
            && !delta.arguments.is_empty()
        {
            self.write_piece(&item, &delta.arguments, out);
        }
    }

    fn cite(&mut self, citation: &Citation, out: &mut Vec<u8>) {
        self.begin(ItemKind::Text, Map::new(), out);
        let (index, id) = (self.output.len(), self.item_id());
        let Some(open) = &mut self.open else { return };
        let annotation = annotation(citation, open.text.len());
        open.annotations.push(annotation.clone());
        let fields = json!({
            "item_id": id, "output_index": index, "content_index": 0,
            "annotation_index": open.annotations.len() - 1, "annotation": annotation,
        });
        self.emit("response.output_text.annotation.added", fields, out);
    }

    /// Writes an item of this protocol. Encrypted reasoning replaces the open item of the streamed reasoning.
    fn item(&mut self, kind: &str, raw: &str, out: &mut Vec<u8>) {
        let item = serde_json::from_str::<Value>(raw).ok();
        let Some(item) = item.filter(|item| item["type"] == kind) else {
            return;
        };
        self.start(out);
        let reasoning = self
            .open
            .take_if(|open| open.item == ItemKind::Reasoning && kind == "reasoning");
        if reasoning.is_none() {
            self.close(out);
        }
        self.item_done(item, out);
    }

    fn file(&mut self, media: &Media, out: &mut Vec<u8>) {
        if let Some(item) = image_item(media, &self.item_id()) {
            self.start(out);
            self.close(out);
            self.item_done(item, out);
        } else if media.mime.starts_with("audio/") && media.uri.is_none() {
            self.start(out);
            let delta = json!({ "delta": STANDARD.encode(&media.data) });
            self.emit("response.audio.delta", delta, out);
            self.emit("response.audio.done", json!({}), out);
        }
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        self.start(out);
        self.close(out);
        let response = self.ended(self.finish.as_ref(), &self.usage, &self.output);
        let kind = format!("response.{}", text_of(&response["status"]));
        self.emit(&kind, json!({ "response": response }), out);
    }

    fn ended(&self, finish: Option<&Finish>, usage: &Usage, output: &[Value]) -> Value {
        let word = finish.map_or("completed", |finish| finish_word(FINISH_WORDS, finish));
        let is_status = matches!(word, "completed" | "failed" | "cancelled");
        let status = if is_status { word } else { "incomplete" };
        let mut response = self.response(status, output);
        if !is_status {
            response["incomplete_details"] = json!({ "reason": word });
        }
        if *usage != Usage::default() {
            response["usage"] = counted_json(usage, COUNT_PREFIXES);
        }
        response
    }

    /// Writes an error: as the end of the response if its status is a failure, else as an event.
    fn fail(&mut self, fault: &Fault, out: &mut Vec<u8>) {
        let error = error(fault)["error"].take();
        let failed = |finish: &Finish| matches!(finish.raw.as_str(), "failed" | "cancelled");
        if self.finish.as_ref().is_some_and(failed) {
            self.close(out);
            let mut response = self.ended(self.finish.as_ref(), &self.usage, &self.output);
            response["error"] = error;
            let kind = format!("response.{}", text_of(&response["status"]));
            return self.emit(&kind, json!({ "response": response }), out);
        }
        let mut fields = error.clone();
        if let Some(fields) = fields.as_object_mut() {
            // The event has its own `type`.
            fields.shift_remove("type");
        }
        // The documentation has the fields in the event itself, the server in an object, and it is the object that its
        // SDKs look for.
        fields["error"] = error;
        self.emit("error", fields, out);
    }
}

impl AnswerWriter for ResponseWriter {
    fn event(&mut self, event: &Event, next: &[Event], out: &mut Vec<u8>) {
        match event {
            Event::Meta { id, model } => {
                self.id = id.clone().unwrap_or(std::mem::take(&mut self.id));
                self.model = model.clone().unwrap_or(std::mem::take(&mut self.model));
                self.start(out);
            }
            // An empty piece only shows that the model is working, and starts no item.
            Event::Text { text } | Event::Reasoning { text } if text.is_empty() => {}
            Event::Text { text } => self.write_piece(&ItemKind::Text, text, out),
            Event::Reasoning { text } => self.write_piece(&ItemKind::Reasoning, text, out),
            Event::Refusal { text } => self.write_piece(&ItemKind::Refusal, text, out),
            Event::ToolCall(delta) => self.call(delta, next, out),
            // A call's signature was written with the call.
            Event::Signature { value } => {
                if let Some(open) = self
                    .open
                    .as_mut()
                    .filter(|open| open.item == ItemKind::Text)
                {
                    open.signature_fields.extend(signature_fields(value));
                }
            }
            Event::Citation(citation) => self.cite(citation, out),
            Event::Media(media) => self.file(media, out),
            Event::Opaque { kind, raw } => self.item(kind, raw, out),
            Event::Echo { parameters } => self.echoed.extend(parameters.clone()),
            Event::Finish(finish) => {
                self.close(out);
                self.finish = Some(finish.clone());
            }
            Event::Usage(usage) => self.usage.merge(*usage),
            Event::Done => self.end(out),
            Event::KeepAlive { .. } => out.extend_from_slice(self.head.comment_line().as_bytes()),
            Event::Fault(fault) => self.fail(fault, out),
            // This protocol has no form for these.
            Event::Note(_)
            | Event::Unknown { .. }
            | Event::LeftOut { .. }
            | Event::Timing { .. } => {}
        }
    }

    fn whole(&self, answer: &Answer) -> Value {
        let mut output = Vec::new();
        for piece in segments(answer) {
            let id = format!("{}_{}", self.head.id("item", '_'), output.len());
            // A reasoning item of this protocol replaces the one made from its text.
            if is_reasoning_item(&piece) {
                output.pop_if(|last: &mut Value| last["type"] == "reasoning");
            }
            output.extend(self.whole_item(&piece, &id, output.len()));
        }
        if !answer.refusal.is_empty() {
            let id = format!("{}_{}", self.head.id("item", '_'), output.len());
            output.push(OpenItem::whole(ItemKind::Refusal, &answer.refusal).json(&id, "completed"));
        }
        cite_last(&mut output, &answer.citations);
        let usage = answer.usage.unwrap_or_default();
        let mut response = self.ended(answer.finish.as_ref(), &usage, &output);
        for (name, value) in [("id", &answer.response_id), ("model", &answer.model)] {
            if let Some(value) = value {
                response[name] = value.as_str().into();
            }
        }
        for (name, value) in &answer.echoed {
            response[name] = value.clone();
        }
        response
    }
}

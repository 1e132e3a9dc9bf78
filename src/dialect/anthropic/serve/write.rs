//! Writes an answer, as typed events or as one JSON object.

use serde_json::{Map, Value, json};

use super::error;
use crate::{
    dialect::{
        anthropic::{block::EXTRA_CALL_FIELDS, item},
        serve::{
            AnswerHead, AnswerSegment, AnswerWriter, ServedRequest, finish_word, named_event,
            read::arguments_object, segments,
        },
    },
    event::{Answer, AnswerPieceKind, Citation, Event, Finish, FinishReason, ToolCallDelta, Usage},
};

/// The protocol's words for why a message ended; the first of each class is the default.
const STOP_REASONS: &[(FinishReason, &str)] = &[
    (FinishReason::Stop, "end_turn"),
    (FinishReason::Stop, "stop_sequence"),
    (FinishReason::Length, "max_tokens"),
    (FinishReason::Length, "model_context_window_exceeded"),
    (FinishReason::ToolCalls, "tool_use"),
    (FinishReason::ContentFilter, "refusal"),
];

/// The `stop_reason` and the type of `stop_details` of a refusal.
const REFUSAL: &str = "refusal";

pub(super) struct MessageWriter {
    head: AnswerHead,
    id: String,
    model: String,
    /// Whether `message_start` was written.
    begun: bool,
    open: Option<OpenBlock>,
    /// A block that starts with its next piece.
    announced: Option<BlockType>,
    /// How many blocks were started.
    blocks: usize,
    /// Citations of the open text block, or of the next one.
    citations: Vec<Value>,
    finish: Option<Finish>,
    refused: bool,
    /// The text of a refusal that ends the message.
    explanation: Option<String>,
    usage: Usage,
}

/// A started block without a stop.
struct OpenBlock {
    block: BlockType,
    signed: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum BlockType {
    Text,
    Thinking,
    Call(usize),
}

impl MessageWriter {
    pub(super) fn new(asked: &ServedRequest, head: &AnswerHead) -> Self {
        Self {
            head: head.clone(),
            id: head.id("msg", '_'),
            model: asked.request.model.clone(),
            begun: false,
            open: None,
            announced: None,
            blocks: 0,
            citations: Vec::new(),
            finish: None,
            refused: false,
            explanation: None,
            usage: Usage::default(),
        }
    }

    fn message(&self, content: &[Value], usage: &Value) -> Value {
        json!({
            "id": self.id, "type": "message", "role": "assistant", "model": self.model,
            "content": content, "stop_reason": null, "stop_sequence": null, "usage": usage,
        })
    }

    /// Starts the message. Its counts are the prompt's: those that follow the model's name in `next`, or else the
    /// server's own.
    fn start(&mut self, next: &[Event], out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.begun, true) {
            return;
        }
        let stated = next.iter().find_map(|event| match event {
            Event::Usage(usage) => Some(*usage),
            _ => None,
        });
        let usage = stated.unwrap_or(Usage {
            input: Some(self.head.input_tokens),
            ..Usage::default()
        });
        let mut usage = usage_json(&usage);
        usage["output_tokens"] = 1.into();
        let data = json!({ "type": "message_start", "message": self.message(&[], &usage) });
        named_event("message_start", &data, out);
    }

    /// Writes a piece of a block; an empty piece announces a new block.
    fn piece(&mut self, block: BlockType, piece: &str, out: &mut Vec<u8>) {
        if piece.is_empty() {
            self.announced = Some(block);
            return;
        }
        self.begin(block, &start(block), out);
        let delta = match block {
            BlockType::Thinking => json!({ "type": "thinking_delta", "thinking": piece }),
            BlockType::Text => json!({ "type": "text_delta", "text": piece }),
            BlockType::Call(_) => json!({ "type": "input_json_delta", "partial_json": piece }),
        };
        self.delta(&delta, out);
    }

    fn delta(&self, delta: &Value, out: &mut Vec<u8>) {
        let index = self.blocks.saturating_sub(1);
        let data = json!({ "type": "content_block_delta", "index": index, "delta": delta });
        named_event("content_block_delta", &data, out);
    }

    fn begin(&mut self, block: BlockType, start: &Value, out: &mut Vec<u8>) {
        let apart = self.announced.take() == Some(block);
        if !apart && self.open.as_ref().is_some_and(|open| open.block == block) {
            return;
        }
        self.start(&[], out);
        self.close(out);
        self.begin_block(&start.to_string(), out);
        let signed = false;
        self.open = Some(OpenBlock { block, signed });
    }

    fn begin_announced(&mut self, out: &mut Vec<u8>) {
        if let Some(block) = self.announced {
            self.begin(block, &start(block), out);
        }
    }

    /// Starts a block, given its JSON.
    fn begin_block(&mut self, start: &str, out: &mut Vec<u8>) {
        let index = self.blocks;
        let data =
            format!(r#"{{"type":"content_block_start","index":{index},"content_block":{start}}}"#);
        out.extend_from_slice(format!("event: content_block_start\ndata: {data}\n\n").as_bytes());
        self.blocks += 1;
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        let Some(OpenBlock { block, signed }) = self.open.take() else {
            return;
        };
        let index = self.blocks.saturating_sub(1);
        match block {
            BlockType::Thinking if !signed => {
                if let Some(signature) = self.head.signature(index) {
                    let delta = json!({ "type": "signature_delta", "signature": signature });
                    self.delta(&delta, out);
                }
            }
            BlockType::Text => {
                for citation in std::mem::take(&mut self.citations) {
                    let delta = json!({ "type": "citations_delta", "citation": citation });
                    self.delta(&delta, out);
                }
            }
            BlockType::Thinking | BlockType::Call(_) => {}
        }
        self.stop(out);
    }

    fn stop(&self, out: &mut Vec<u8>) {
        let index = self.blocks.saturating_sub(1);
        let data = json!({ "type": "content_block_stop", "index": index });
        named_event("content_block_stop", &data, out);
    }

    /// Writes a piece of a call. The signature that follows its name has fields of its start.
    fn call(&mut self, delta: &ToolCallDelta, next: &[Event], out: &mut Vec<u8>) {
        let block = BlockType::Call(delta.index);
        let is_open = self.open.as_ref().is_some_and(|open| open.block == block);
        if !is_open || delta.id.is_some() {
            let made = || format!("{}_{}", self.head.id("toolu", '_'), delta.index);
            let id = delta.id.clone().unwrap_or_else(made);
            let mut start =
                json!({ "type": "tool_use", "id": id, "name": delta.name, "input": {} });
            if let Some(Event::Signature { value }) = next.first() {
                add_fields(&mut start, value, EXTRA_CALL_FIELDS);
            }
            self.begin(block, &start, out);
        }
        if !delta.arguments.is_empty() {
            self.piece(block, &delta.arguments, out);
        }
    }

    fn sign(&mut self, value: &str, out: &mut Vec<u8>) {
        self.begin_announced(out);
        match self.open.as_mut() {
            Some(open) if open.block == BlockType::Thinking => {
                open.signed = true;
                let delta = json!({ "type": "signature_delta", "signature": value });
                self.delta(&delta, out);
            }
            // The citations' own JSON replaces what was decoded from them.
            Some(open) if open.block == BlockType::Text => {
                let mut text = json!({});
                add_fields(&mut text, value, &["citations"]);
                if let Value::Array(citations) = text["citations"].take() {
                    self.citations = citations;
                }
            }
            Some(_) | None => {}
        }
    }

    /// Writes an item, if this protocol has a block for it.
    fn item(&mut self, kind: &str, raw: &str, out: &mut Vec<u8>) {
        if let Some(block) = known_item(kind, raw) {
            self.announced = None;
            self.start(&[], out);
            self.close(out);
            self.begin_block(&block, out);
            self.stop(out);
        }
    }

    fn refuse(&mut self, text: &str, next: &[Event], out: &mut Vec<u8>) {
        self.refused = true;
        let ends = |event: &Event| matches!(event, Event::Finish(finish) if finish.raw == REFUSAL);
        if next.iter().any(ends) {
            self.explanation.get_or_insert_default().push_str(text);
        } else {
            self.piece(BlockType::Text, text, out);
        }
    }

    /// Writes the finish and its counts, which this protocol sends in one event.
    fn end(&mut self, out: &mut Vec<u8>) {
        let Some(finish) = self.finish.take() else {
            return;
        };
        self.start(&[], out);
        self.close(out);
        let delta = ending(&finish, self.refused, self.explanation.take());
        let usage = usage_json(&self.usage);
        let data = json!({ "type": "message_delta", "delta": delta, "usage": usage });
        named_event("message_delta", &data, out);
    }
}

fn start(block: BlockType) -> Value {
    match block {
        BlockType::Thinking => json!({ "type": "thinking", "thinking": "", "signature": "" }),
        BlockType::Text | BlockType::Call(_) => json!({ "type": "text", "text": "" }),
    }
}

/// Adds the named fields of a signature's JSON to the block.
fn add_fields(block: &mut Value, signature: &str, names: &[&str]) {
    let fields = serde_json::from_str::<Map<String, Value>>(signature).ok();
    for (name, value) in fields.into_iter().flatten() {
        if names.contains(&name.as_str()) {
            block[name] = value;
        }
    }
}

/// The JSON of an item on one line, if it belongs to this protocol.
fn known_item(kind: &str, raw: &str) -> Option<String> {
    let block: Value = serde_json::from_str(raw).ok()?;
    let is_ours = item::is_known(kind) && block["type"] == kind;
    is_ours.then(|| {
        if raw.contains(['\n', '\r']) {
            block.to_string()
        } else {
            raw.to_owned()
        }
    })
}

fn ending(finish: &Finish, refused: bool, explanation: Option<String>) -> Value {
    let reason = if refused {
        REFUSAL
    } else {
        finish_word(STOP_REASONS, finish)
    };
    let mut ending = json!({ "stop_reason": reason, "stop_sequence": null });
    if let Some(explanation) = explanation {
        ending["stop_details"] = json!({ "type": REFUSAL, "explanation": explanation });
    }
    ending
}

/// The protocol's `input_tokens` exclude tokens read from and written to the cache.
fn usage_json(usage: &Usage) -> Value {
    let (read, written) = (usage.cached.unwrap_or(0), usage.cache_written.unwrap_or(0));
    let cache = read.saturating_add(written);
    let input = usage.input.map(|input| input.saturating_sub(cache));
    let mut counts = json!({ "output_tokens": usage.output.unwrap_or(0) });
    for (name, count) in [
        ("input_tokens", input),
        ("cache_creation_input_tokens", usage.cache_written),
        ("cache_read_input_tokens", usage.cached),
    ] {
        if let Some(count) = count {
            counts[name] = count.into();
        }
    }
    if let Some(thought) = usage.reasoning {
        counts["output_tokens_details"] = json!({ "thinking_tokens": thought });
    }
    counts
}

/// A citation that came by another protocol.
fn citation(citation: &Citation) -> Value {
    json!({
        "type": "web_search_result_location", "url": citation.url, "title": citation.title,
        "cited_text": citation.quote, "encrypted_index": "",
    })
}

impl AnswerWriter for MessageWriter {
    fn event(&mut self, event: &Event, next: &[Event], out: &mut Vec<u8>) {
        match event {
            Event::Meta { id, model } => {
                self.id = id.clone().unwrap_or(std::mem::take(&mut self.id));
                self.model = model.clone().unwrap_or(std::mem::take(&mut self.model));
                self.start(next, out);
            }
            Event::Text { text } => self.piece(BlockType::Text, text, out),
            Event::Refusal { text } => self.refuse(text, next, out),
            Event::Reasoning { text } => self.piece(BlockType::Thinking, text, out),
            Event::ToolCall(delta) => self.call(delta, next, out),
            Event::Signature { value } => self.sign(value, out),
            Event::Citation(source) => {
                self.begin_announced(out);
                self.citations.push(citation(source));
            }
            Event::Opaque { kind, raw } => self.item(kind, raw, out),
            Event::Finish(finish) => self.finish = Some(finish.clone()),
            Event::Usage(usage) => {
                self.usage.merge(*usage);
                self.end(out);
            }
            Event::Done => {
                self.end(out);
                named_event("message_stop", &json!({ "type": "message_stop" }), out);
            }
            Event::KeepAlive { .. } => {
                self.begin_announced(out);
                named_event("ping", &json!({ "type": "ping" }), out);
            }
            Event::Fault(fault) => named_event("error", &error(fault), out),
            // This protocol has no form for these.
            Event::Media(_)
            | Event::Note(_)
            | Event::Unknown { .. }
            | Event::LeftOut { .. }
            | Event::Timing { .. }
            | Event::Echo { .. } => {}
        }
    }

    fn whole(&self, answer: &Answer) -> Value {
        let mut content = Vec::new();
        for (index, piece) in segments(answer).into_iter().enumerate() {
            content.extend(block(&piece, || self.head.signature(index)));
        }
        let finish = answer.finish.as_ref();
        let explains = finish.is_some_and(|finish| finish.raw == REFUSAL);
        let explanation = Some(answer.refusal.clone()).filter(|text| !text.is_empty());
        if let Some(text) = explanation.as_ref().filter(|_| !explains) {
            content.push(json!({ "type": "text", "text": text }));
        }
        let usage = usage_json(&answer.usage.unwrap_or_default());
        let mut message = self.message(&content, &usage);
        for (name, value) in [("id", &answer.response_id), ("model", &answer.model)] {
            if let Some(value) = value {
                message[name] = value.as_str().into();
            }
        }
        if let (Some(message), Some(finish)) = (message.as_object_mut(), finish) {
            let refused = explanation.is_some();
            let ending = ending(finish, refused, explanation.filter(|_| explains));
            message.extend(ending.as_object().cloned().unwrap_or_default());
        }
        message
    }
}

/// The block of a segment of an answer, with its signature.
fn block(piece: &AnswerSegment<'_>, sign: impl Fn() -> Option<String>) -> Option<Value> {
    let signature = piece.signature;
    Some(match piece.kind {
        AnswerPieceKind::Text { .. } => {
            let mut block = json!({ "type": "text", "text": piece.text });
            add_fields(&mut block, signature.unwrap_or_default(), &["citations"]);
            block
        }
        AnswerPieceKind::Reasoning { .. } => {
            let signature = signature.map(str::to_owned).or_else(sign);
            let signature = signature.unwrap_or_default();
            json!({ "type": "thinking", "thinking": piece.text, "signature": signature })
        }
        AnswerPieceKind::ToolCall { .. } => {
            let call = piece.call?;
            let input = arguments_object(&call.arguments);
            let mut block =
                json!({ "type": "tool_use", "id": call.id, "name": call.name, "input": input });
            add_fields(&mut block, signature.unwrap_or_default(), EXTRA_CALL_FIELDS);
            block
        }
        AnswerPieceKind::Opaque { name, raw } => {
            serde_json::from_str(&known_item(name, raw)?).ok()?
        }
        AnswerPieceKind::Media { .. } => return None,
    })
}

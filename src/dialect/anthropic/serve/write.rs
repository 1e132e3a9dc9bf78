//! Writes an answer, as typed events or as one JSON object.

use serde_json::{Value, json};

use super::{
    blocks::{REFUSAL, add_fields, citation, cite_last, ending, is_json, known_item, usage_json},
    error,
};
use crate::{
    dialect::{
        DialectId,
        anthropic::block::EXTRA_CALL_FIELDS,
        openai_chat::delta::REASONING_FIELD_SENT_BACK,
        serve::{
            AnswerHead, AnswerSegment, AnswerWriter, ServedRequest, named_event,
            read::arguments_object,
            segments,
            signed_id::{foreign_signature, signature_of_call},
        },
    },
    event::{Answer, AnswerPieceKind, Event, Finish, FinishReason, ToolCallDelta, Usage},
};

#[expect(clippy::struct_excessive_bools, reason = "four independent facts")]
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
    /// Whether the finish was written.
    is_ended: bool,
    /// Whether a call was written.
    has_called: bool,
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
            is_ended: false,
            has_called: false,
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
                if let Some(signature) = self.made_signature(index) {
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

    /// A signature for a block of thinking that came without one.
    fn made_signature(&self, index: usize) -> Option<String> {
        let foreign = || foreign_signature(None);
        let foreign = self.head.carry_signatures.then(foreign);
        self.head.signature(index).or(foreign)
    }

    /// The signature of a block of thinking, which says whose it is if the model is of another protocol.
    fn thinking_signature(&self, value: &str) -> String {
        let foreign = match value {
            _ if !self.head.carry_signatures => None,
            "" => Some(DialectId::Ollama),
            REASONING_FIELD_SENT_BACK => Some(DialectId::OpenaiChat),
            _ => (self.model.contains("gemini")).then_some(DialectId::Gemini),
        };
        match foreign {
            Some(dialect) => foreign_signature(Some((dialect, value))),
            None => value.to_owned(),
        }
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
        self.has_called = true;
        if !is_open || delta.id.is_some() {
            let made = || format!("{}_{}", self.head.id("toolu", '_'), delta.index);
            let signature = signature_of_call(delta.index, next);
            let id = self
                .head
                .call_id(delta.id.as_deref(), delta.index, signature);
            let id = id.unwrap_or_else(made);
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
        if self.announced == Some(BlockType::Text) && !value.starts_with('{') {
            // Of an empty text of another protocol, which this one refuses.
            self.announced = None;
            return;
        }
        self.begin_announced(out);
        let signature = self.thinking_signature(value);
        match self.open.as_mut() {
            Some(open) if open.block == BlockType::Thinking => {
                open.signed = true;
                let delta = json!({ "type": "signature_delta", "signature": signature });
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

    /// The reason of an answer of another protocol that ended well without one: this protocol's clients wait for it.
    fn unstated_finish(&self) -> Option<Finish> {
        let is_open = self.head.carry_signatures && !self.is_ended;
        let reason = if self.has_called {
            FinishReason::ToolCalls
        } else {
            FinishReason::Stop
        };
        is_open.then(|| Finish {
            reason,
            raw: String::new(),
        })
    }

    /// Writes the finish and its counts, which this protocol sends in one event.
    fn end(&mut self, out: &mut Vec<u8>) {
        let Some(finish) = self.finish.take() else {
            return;
        };
        self.is_ended = true;
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
                self.finish = self.finish.take().or_else(|| self.unstated_finish());
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
            content.extend(self.whole_block(&piece, index));
        }
        cite_last(&mut content, &answer.citations);
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

impl MessageWriter {
    /// The block of a segment of an answer, with its signature.
    fn whole_block(&self, piece: &AnswerSegment<'_>, index: usize) -> Option<Value> {
        let signature = piece.signature;
        Some(match piece.kind {
            AnswerPieceKind::Text { .. } if piece.text.is_empty() && !is_json(signature) => {
                return None;
            }
            AnswerPieceKind::Text { .. } => {
                let mut block = json!({ "type": "text", "text": piece.text });
                add_fields(&mut block, signature.unwrap_or_default(), &["citations"]);
                block
            }
            AnswerPieceKind::Reasoning { .. } => {
                let signature = signature.map(|value| self.thinking_signature(value));
                let signature = signature.or_else(|| self.made_signature(index));
                let signature = signature.unwrap_or_default();
                json!({ "type": "thinking", "thinking": piece.text, "signature": signature })
            }
            AnswerPieceKind::ToolCall { index } => {
                let call = piece.call?;
                let input = arguments_object(&call.arguments);
                let id = self.head.call_id(Some(&call.id), *index, signature);
                let mut block = json!({ "type": "tool_use", "id": id.unwrap_or_default(), "name": call.name,
                        "input": input });
                add_fields(&mut block, signature.unwrap_or_default(), EXTRA_CALL_FIELDS);
                block
            }
            AnswerPieceKind::Opaque { name, raw } => {
                serde_json::from_str(&known_item(name, raw)?).ok()?
            }
            AnswerPieceKind::Media { .. } => return None,
        })
    }
}

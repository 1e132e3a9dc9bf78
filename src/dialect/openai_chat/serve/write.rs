//! Writes an answer, as chunks or as one completion.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{
    error,
    parts::{annotation, file, item, tool_call},
};
use crate::{
    chat::ToolCall,
    dialect::{
        openai_chat::delta::REASONING_FIELD_SENT_BACK,
        serve::{
            AnswerHead, AnswerWriter, ServedRequest, counted_json, finish_word, signature_of,
            signed_id::{google_signature, signature_of_call},
        },
    },
    event::{Answer, AnswerPieceKind, Event, FinishReason, ToolCallDelta, Usage},
};

/// The protocol's finish reasons; the first of each class is the default.
const FINISH_REASONS: &[(FinishReason, &str)] = &[
    (FinishReason::Stop, "stop"),
    (FinishReason::Length, "length"),
    (FinishReason::ToolCalls, "tool_calls"),
    (FinishReason::ToolCalls, "function_call"),
    (FinishReason::ContentFilter, "content_filter"),
];

/// Prefixes of the fields that count the prompt's and the answer's tokens.
const COUNT_PREFIXES: [&str; 2] = ["prompt", "completion"];

pub(super) struct ChatWriter {
    id: String,
    model: String,
    created: u64,
    /// The text of a chunk before its choice.
    prefix: String,
    /// The text of a chunk after its choice.
    suffix: &'static str,
    comment: String,
    fingerprint: Option<&'static str>,
    /// Whether the client asked for usage at the end of a stream.
    counts: bool,
    /// Whether the first chunk, with the role, was written.
    begun: bool,
    /// Whether the finish reason was written; the counts follow it.
    finished: bool,
    /// Counts that were not written yet.
    usage: Option<Usage>,
    last: LastContent,
    head: AnswerHead,
    /// How many calls were begun, if their ids carry signatures.
    begun_calls: usize,
}

/// What was written last: a signature belongs to it.
#[derive(Clone, Copy, PartialEq)]
enum LastContent {
    Other,
    Reasoning,
    /// The call of this index.
    Call(usize),
    /// The same, which was written with its signature.
    SignedCall(usize),
}

impl ChatWriter {
    pub(super) fn new(asked: &ServedRequest, head: &AnswerHead) -> Self {
        let mut writer = Self {
            id: head.id("chatcmpl", '-'),
            model: asked.request.model.clone(),
            created: head.created,
            prefix: String::new(),
            // With `include_usage`, every chunk but the last has a null.
            suffix: if asked.usage {
                "],\"usage\":null}\n\n"
            } else {
                "]}\n\n"
            },
            comment: head.comment_line(),
            fingerprint: head.fingerprint,
            counts: asked.usage,
            begun: false,
            finished: false,
            usage: None,
            last: LastContent::Other,
            head: head.clone(),
            begun_calls: 0,
        };
        writer.set_prefix();
        writer
    }

    /// Sets the prefix from id and model.
    fn set_prefix(&mut self) {
        let start = json!({
            "id": self.id, "object": "chat.completion.chunk", "created": self.created,
            "model": self.model, "system_fingerprint": self.fingerprint,
        });
        let start = start.to_string();
        self.prefix = format!("data: {},\"choices\":[", start.trim_end_matches('}'));
    }

    fn begin(&mut self, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.begun, true) {
            self.chunk(&json!({ "role": "assistant", "content": "" }), None, out);
        }
    }

    fn write_delta(&mut self, delta: &impl Serialize, out: &mut Vec<u8>) {
        self.begin(out);
        self.chunk(delta, None, out);
    }

    fn chunk(&self, delta: &impl Serialize, finish: Option<&str>, out: &mut Vec<u8>) {
        let choice = ChunkChoice {
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

    fn finish(&mut self, reason: &str, out: &mut Vec<u8>) {
        self.begin(out);
        self.chunk(&json!({}), Some(reason), out);
        self.finished = true;
    }

    /// Writes the counts once, in a separate chunk after the finish reason.
    fn write_usage(&mut self, out: &mut Vec<u8>) {
        if let Some(usage) = self.usage.take().filter(|_| self.counts) {
            out.extend_from_slice(self.prefix.as_bytes());
            let usage = counted_json(&usage, COUNT_PREFIXES);
            out.extend_from_slice(format!("],\"usage\":{usage}}}\n\n").as_bytes());
        }
    }

    /// Writes a piece of a call. If ids carry signatures, the first piece has the call's.
    fn write_call(&mut self, delta: &ToolCallDelta, next: &[Event], out: &mut Vec<u8>) {
        let mut call = tool_call(delta);
        let is_first = delta.index >= self.begun_calls;
        if self.last != LastContent::SignedCall(delta.index) {
            self.last = LastContent::Call(delta.index);
        }
        if self.head.carry_signatures && is_first {
            self.begun_calls = delta.index + 1;
            let signature = signature_of_call(delta.index, next);
            let own = delta.id.as_deref();
            call["id"] = self.head.call_id(own, delta.index, signature).into();
            call["type"] = "function".into();
            if let Some(extra) = signature.and_then(|value| self.extra_content(value)) {
                call["extra_content"] = extra;
                self.last = LastContent::SignedCall(delta.index);
            }
        } else if self.head.carry_signatures
            && let Some(fields) = call.as_object_mut()
        {
            // The call has an id already.
            fields.shift_remove("id");
            fields.shift_remove("type");
        }
        self.write_delta(&Delta::ToolCalls([call]), out);
    }

    /// Writes the signature of a call or a text. Reasoning needs none: its field shows that it is sent back.
    fn sign(&mut self, value: &str, out: &mut Vec<u8>) {
        let Some(extra) = self.extra_content(value) else {
            return;
        };
        match self.last {
            LastContent::SignedCall(_) => {}
            LastContent::Reasoning if self.head.carry_signatures => {}
            LastContent::Call(index) => {
                let call = json!({ "index": index, "extra_content": extra });
                self.write_delta(&json!({ "tool_calls": [call] }), out);
            }
            LastContent::Reasoning | LastContent::Other => {
                self.write_delta(&json!({ "extra_content": extra }), out);
            }
        }
    }
}

/// The one choice of a chunk; typed for speed, since a thousand streams write fifty thousand chunks a second.
#[derive(Serialize)]
struct ChunkChoice<'a, D> {
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
    Annotations([Value; 1]),
}

impl AnswerWriter for ChatWriter {
    fn event(&mut self, event: &Event, next: &[Event], out: &mut Vec<u8>) {
        match event {
            Event::Meta { id, model } => {
                self.id = id.clone().unwrap_or(std::mem::take(&mut self.id));
                self.model = model.clone().unwrap_or(std::mem::take(&mut self.model));
                self.set_prefix();
                self.begin(out);
            }
            Event::Text { text } => self.write_delta(&Delta::Content(text), out),
            Event::Reasoning { text } => self.write_delta(&Delta::ReasoningContent(text), out),
            Event::Refusal { text } => self.write_delta(&Delta::Refusal(text), out),
            Event::ToolCall(delta) => self.write_call(delta, next, out),
            Event::Citation(citation) => {
                self.write_delta(&Delta::Annotations([annotation(citation)]), out);
            }
            Event::Media(media) => {
                if let Some(delta) = file(media) {
                    self.write_delta(&delta, out);
                }
            }
            Event::Opaque { kind, raw } => {
                if let Some(delta) = item(kind, raw) {
                    self.write_delta(&delta, out);
                }
            }
            Event::Signature { value } => self.sign(value, out),
            Event::Finish(finish) => self.finish(finish_word(FINISH_REASONS, finish), out),
            Event::Usage(usage) => {
                self.usage.get_or_insert_default().merge(*usage);
                if self.finished {
                    self.write_usage(out);
                }
            }
            Event::Done => {
                if self.head.carry_signatures && !self.finished {
                    // The target ended well and did not say why: clients wait for a reason.
                    let calls = self.begun_calls > 0;
                    self.finish(if calls { "tool_calls" } else { "stop" }, out);
                }
                self.write_usage(out);
                out.extend_from_slice(b"data: [DONE]\n\n");
            }
            Event::KeepAlive { .. } => out.extend_from_slice(self.comment.as_bytes()),
            Event::Fault(fault) => {
                out.extend_from_slice(format!("data: {}\n\n", error(fault)).as_bytes());
            }
            // This protocol has no form for these.
            Event::Note(_)
            | Event::Unknown { .. }
            | Event::LeftOut { .. }
            | Event::Timing { .. }
            | Event::Echo { .. } => {}
        }
        match event {
            Event::Reasoning { .. } => self.last = LastContent::Reasoning,
            Event::Text { .. } | Event::Media(_) => self.last = LastContent::Other,
            _ => {}
        }
    }

    fn whole(&self, answer: &Answer) -> Value {
        let finish = answer.finish.as_ref();
        let finish = finish.map(|finish| finish_word(FINISH_REASONS, finish));
        json!({
            "id": answer.response_id.as_ref().unwrap_or(&self.id), "object": "chat.completion",
            "created": self.created, "model": answer.model.as_ref().unwrap_or(&self.model),
            "system_fingerprint": self.fingerprint,
            "choices": [{ "index": 0, "message": self.message(answer), "logprobs": null,
                "finish_reason": finish }],
            "usage": answer.usage.as_ref().map(|usage| counted_json(usage, COUNT_PREFIXES)),
        })
    }
}

impl ChatWriter {
    fn message(&self, answer: &Answer) -> Value {
        let mut message = Map::new();
        message.insert("role".into(), "assistant".into());
        let silent = answer.text.is_empty() && !answer.tool_calls.is_empty();
        let content = (!silent).then(|| answer.text.clone());
        message.insert("content".into(), content.into());
        // Right behind the text, whose signature it is.
        let texts = answer.pieces.iter().rev();
        let mut signed = texts.filter(|piece| matches!(piece.kind, AnswerPieceKind::Text { .. }));
        let signature = signed.find_map(|piece| piece.signature.as_deref());
        let extra = signature.and_then(|value| self.extra_content(value));
        message.extend(extra.map(|extra| ("extra_content".to_owned(), extra)));
        for (name, text) in [
            (REASONING_FIELD_SENT_BACK, &answer.reasoning),
            ("refusal", &answer.refusal),
        ] {
            if !text.is_empty() {
                message.insert(name.into(), text.clone().into());
            }
        }
        let calls = answer.tool_calls.iter().enumerate();
        let calls = calls.map(|(index, call)| self.whole_call(answer, index, call));
        let mut images = Vec::new();
        for mut file in answer.media.iter().filter_map(file) {
            match file.get_mut("images") {
                Some(image) => images.push(image[0].take()),
                // There is a field for one audio only.
                None => drop(message.insert("audio".into(), file["audio"].take())),
            }
        }
        let lists: [(_, Vec<Value>); 3] = [
            ("tool_calls", calls.collect()),
            ("images", images),
            (
                "annotations",
                answer.citations.iter().map(annotation).collect(),
            ),
        ];
        for (name, list) in lists {
            if !list.is_empty() {
                message.insert(name.into(), list.into());
            }
        }
        message.into()
    }

    fn whole_call(&self, answer: &Answer, index: usize, call: &ToolCall) -> Value {
        let signature = signature_of(answer, &AnswerPieceKind::ToolCall { index });
        let id = self.head.call_id(Some(&call.id), index, signature);
        let mut written = json!({ "id": id.unwrap_or_default(), "type": "function",
            "function": { "name": call.name, "arguments": call.arguments } });
        if let Some(extra) = signature.and_then(|value| self.extra_content(value)) {
            written["extra_content"] = extra;
        }
        written
    }

    /// Google's `extra_content` with a signature: as it came by this protocol, or made of one that came by Google's own.
    fn extra_content(&self, signature: &str) -> Option<Value> {
        let own = serde_json::from_str(signature).ok();
        let own = own.filter(Value::is_object);
        let made = || {
            let signature = google_signature(signature).filter(|_| self.head.carry_signatures)?;
            Some(json!({ "google": { "thought_signature": signature } }))
        };
        own.or_else(made)
    }
}

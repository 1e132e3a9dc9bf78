//! Writes an answer, as a stream of responses or as one response.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::{
    error,
    parts::{call_part, file, item, own_signature, source},
};
use crate::{
    dialect::serve::{
        AnswerHead, AnswerSegment, AnswerWriter, ServedRequest, finish_word,
        open_call::{OpenCall, SignedCall},
        segments,
    },
    event::{Answer, AnswerPieceKind, Citation, Event, Finish, FinishReason, ToolCallDelta, Usage},
};

/// The protocol's finish reasons; the first of each class is the default.
const FINISH_REASONS: &[(FinishReason, &str)] = &[
    (FinishReason::Stop, "STOP"),
    (FinishReason::ToolCalls, "STOP"),
    (FinishReason::Length, "MAX_TOKENS"),
    (FinishReason::ContentFilter, "SAFETY"),
    (FinishReason::ContentFilter, "RECITATION"),
    (FinishReason::ContentFilter, "BLOCKLIST"),
    (FinishReason::ContentFilter, "PROHIBITED_CONTENT"),
    (FinishReason::ContentFilter, "SPII"),
    (FinishReason::ContentFilter, "MODEL_ARMOR"),
    (FinishReason::ContentFilter, "IMAGE_SAFETY"),
    (FinishReason::ContentFilter, "IMAGE_PROHIBITED_CONTENT"),
    (FinishReason::ContentFilter, "IMAGE_RECITATION"),
];

/// How the responses of a stream are framed.
#[derive(Clone, Copy)]
pub(in crate::dialect) enum StreamForm {
    /// As server-sent events.
    Events,
    /// As one JSON array.
    Array,
    /// Each encoded by this function.
    #[cfg_attr(not(feature = "grpc"), allow(dead_code, reason = "for gRPC only"))]
    Messages(fn(&Value) -> Vec<u8>),
}

impl StreamForm {
    pub(super) fn of(asked: &ServedRequest) -> Self {
        if asked.array {
            Self::Array
        } else {
            Self::Events
        }
    }
}

pub(in crate::dialect) struct GeminiWriter {
    head: AnswerHead,
    id: String,
    model: String,
    form: StreamForm,
    /// Whether a response was written.
    begun: bool,
    call: OpenCall,
    calls: usize,
    refusal: String,
    finish: Option<Finish>,
    usage: Option<Usage>,
    /// Whether the next signature was written already, with the part before it.
    signed: bool,
}

impl GeminiWriter {
    pub(in crate::dialect) fn new(
        asked: &ServedRequest,
        head: &AnswerHead,
        form: StreamForm,
    ) -> Self {
        Self {
            head: head.clone(),
            id: format!("{}-{}", head.server, head.number),
            model: asked.request.model.clone(),
            form,
            begun: false,
            call: OpenCall::default(),
            calls: 0,
            refusal: String::new(),
            finish: None,
            usage: None,
            signed: false,
        }
    }

    fn response(&self, candidate: &Value) -> Value {
        json!({
            "candidates": [candidate], "modelVersion": self.model, "responseId": self.id,
        })
    }

    fn write_response(&mut self, response: &Value, out: &mut Vec<u8>) {
        let bytes = match (self.form, self.begun) {
            (StreamForm::Events, _) => format!("data: {response}\n\n").into(),
            (StreamForm::Array, false) => format!("[{response}").into(),
            (StreamForm::Array, true) => format!(",\n{response}").into(),
            (StreamForm::Messages(message), _) => message(response),
        };
        self.begun = true;
        out.extend_from_slice(&bytes);
    }

    fn close(&self, out: &mut Vec<u8>) {
        if matches!(self.form, StreamForm::Array) {
            out.extend_from_slice(b"]");
        }
    }

    fn part(&mut self, part: &Value, out: &mut Vec<u8>) {
        self.end_call(out);
        self.write_part(part, out);
    }

    fn write_part(&mut self, part: &Value, out: &mut Vec<u8>) {
        let content = json!({ "role": "model", "parts": [part] });
        let response = self.response(&json!({ "content": content, "index": 0 }));
        self.write_response(&response, out);
    }

    /// Writes a piece of text, with its signature if that comes next. An empty piece before a signed part is not
    /// written: readers keep signed parts separate anyway.
    fn text(&mut self, text: &str, thought: bool, next: &[Event], out: &mut Vec<u8>) {
        let continues = |event: &Event| match event {
            Event::Text { text } => !thought && !text.is_empty(),
            Event::Reasoning { text } => thought && !text.is_empty(),
            _ => false,
        };
        let is_redundant = match next {
            [Event::Signature { .. }, ..] => false,
            [first, Event::Signature { .. }, ..] if continues(first) => true,
            // It only shows that the model is working on the call.
            _ => self.call.is_open(),
        };
        if text.is_empty() && is_redundant {
            return;
        }
        let mut part = json!({ "text": text });
        if thought {
            part["thought"] = true.into();
        }
        self.signed_part(part, next, out);
    }

    fn signed_part(&mut self, mut part: Value, next: &[Event], out: &mut Vec<u8>) {
        if let Some(Event::Signature { value }) = next.first() {
            if let Some(value) = own_signature(value, &self.head) {
                part["thoughtSignature"] = value.into();
            }
            self.signed = true;
        }
        self.part(&part, out);
    }

    /// A signature that came separately from its part is written with an empty text.
    fn sign(&mut self, value: &str, out: &mut Vec<u8>) {
        if std::mem::take(&mut self.signed) {
            return;
        }
        let Some(value) = own_signature(value, &self.head) else {
            return;
        };
        if !self.call.sign(&value) {
            self.part(&json!({ "text": "", "thoughtSignature": value }), out);
        }
    }

    /// Calls are written once they are complete. The first of parallel calls is signed.
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
            let part = call_part(&call, signature, self.calls, &self.head);
            self.calls += 1;
            self.write_part(&part, out);
        }
    }

    fn cite(&mut self, citation: &Citation, out: &mut Vec<u8>) {
        self.end_call(out);
        let sources = json!({ "groundingChunks": [source(citation)] });
        let response = self.response(&json!({ "index": 0, "groundingMetadata": sources }));
        self.write_response(&response, out);
    }

    /// Writes the last response, with the finish reason and the counts; without it, clients take the answer as
    /// incomplete.
    fn end(&mut self, out: &mut Vec<u8>) {
        self.end_call(out);
        let finish = self.finish.take();
        let mut candidate = json!({ "content": { "role": "model", "parts": [{ "text": "" }] },
            "finishReason": finish_reason(finish.as_ref(), &self.refusal), "index": 0 });
        explain(&mut candidate, &self.refusal);
        let mut response = self.response(&candidate);
        if let Some(usage) = &self.usage {
            response["usageMetadata"] = usage_json(usage);
        }
        self.write_response(&response, out);
        self.close(out);
    }
}

fn explain(candidate: &mut Value, refusal: &str) {
    if !refusal.is_empty() {
        candidate["finishMessage"] = refusal.into();
    }
}

/// The default is `STOP`: without a reason, clients take the answer as incomplete.
fn finish_reason<'a>(finish: Option<&'a Finish>, refusal: &str) -> &'a str {
    match finish {
        _ if !refusal.is_empty() => "SAFETY",
        Some(finish) => finish_word(FINISH_REASONS, finish),
        None => "STOP",
    }
}

/// This protocol counts thinking separately from the candidates.
fn usage_json(usage: &Usage) -> Value {
    let thoughts = usage.reasoning;
    let generated = usage.generated();
    let candidates = generated.map(|all| all.saturating_sub(thoughts.unwrap_or(0)));
    // If all tokens are thinking, servers leave out the candidates' count.
    let candidates = candidates.filter(|count| *count > 0 || thoughts.unwrap_or(0) == 0);
    let sum = usage.input.zip(generated).map(|(a, b)| a.saturating_add(b));
    let counts = [
        ("promptTokenCount", usage.input),
        ("candidatesTokenCount", candidates),
        ("thoughtsTokenCount", thoughts),
        ("totalTokenCount", usage.total.or(sum)),
        ("cachedContentTokenCount", usage.cached),
    ];
    let stated = counts.into_iter();
    let stated = stated.filter_map(|(name, count)| Some((name.to_owned(), count?.into())));
    Value::Object(stated.collect())
}

/// The part of a segment of an answer.
fn whole_part(piece: &AnswerSegment<'_>, head: &AnswerHead) -> Option<Value> {
    let mut part = match piece.kind {
        AnswerPieceKind::Text { .. } => json!({ "text": piece.text }),
        AnswerPieceKind::Reasoning { .. } => json!({ "text": piece.text, "thought": true }),
        AnswerPieceKind::ToolCall { index } => {
            let signature = piece.signature.and_then(|value| own_signature(value, head));
            let signature = signature.map(Cow::into_owned);
            return Some(call_part(piece.call?, signature, *index, head));
        }
        AnswerPieceKind::Media { .. } => file(piece.media?),
        AnswerPieceKind::Opaque { name, raw } => return item(name, raw),
    };
    if let Some(signature) = piece.signature.and_then(|value| own_signature(value, head)) {
        part["thoughtSignature"] = signature.into();
    }
    Some(part)
}

impl AnswerWriter for GeminiWriter {
    fn content_type(&self) -> &'static str {
        match self.form {
            StreamForm::Events => "text/event-stream",
            StreamForm::Array => "application/json",
            StreamForm::Messages(_) => "application/octet-stream",
        }
    }

    fn event(&mut self, event: &Event, next: &[Event], out: &mut Vec<u8>) {
        match event {
            Event::Meta { id, model } => {
                self.id = id.clone().unwrap_or(std::mem::take(&mut self.id));
                self.model = model.clone().unwrap_or(std::mem::take(&mut self.model));
            }
            Event::Text { text } => self.text(text, false, next, out),
            Event::Reasoning { text } => self.text(text, true, next, out),
            Event::Refusal { text } => self.refusal.push_str(text),
            Event::ToolCall(delta) => self.push_call(delta, out),
            Event::Signature { value } => self.sign(value, out),
            Event::Media(media) => self.signed_part(file(media), next, out),
            Event::Citation(citation) => self.cite(citation, out),
            Event::Opaque { kind, raw } => {
                if let Some(part) = item(kind, raw) {
                    self.part(&part, out);
                }
            }
            Event::Finish(finish) => {
                self.end_call(out);
                self.finish = Some(finish.clone());
            }
            Event::Usage(usage) => self.usage.get_or_insert_default().merge(*usage),
            Event::Done => self.end(out),
            Event::KeepAlive { .. } => match self.form {
                StreamForm::Events => out.extend_from_slice(self.head.comment_line().as_bytes()),
                StreamForm::Array => out.extend_from_slice(b"\n"),
                StreamForm::Messages(_) => {}
            },
            Event::Fault(fault) => {
                self.end_call(out);
                let fault = error(fault);
                self.write_response(&fault, out);
                self.close(out);
            }
            // This protocol has no form for these.
            Event::Note(_)
            | Event::Unknown { .. }
            | Event::LeftOut { .. }
            | Event::Timing { .. }
            | Event::Echo { .. } => {}
        }
    }

    fn whole(&self, answer: &Answer) -> Value {
        let parts = segments(answer).into_iter();
        let parts: Vec<Value> = parts.filter_map(|p| whole_part(&p, &self.head)).collect();
        let reason = finish_reason(answer.finish.as_ref(), &answer.refusal);
        let mut candidate = json!({ "content": { "role": "model", "parts": parts },
            "finishReason": reason, "index": 0 });
        explain(&mut candidate, &answer.refusal);
        if !answer.citations.is_empty() {
            let sources: Vec<Value> = answer.citations.iter().map(source).collect();
            candidate["groundingMetadata"] = json!({ "groundingChunks": sources });
        }
        let mut response = json!({
            "candidates": [candidate],
            "modelVersion": answer.model.as_ref().unwrap_or(&self.model),
            "responseId": answer.response_id.as_ref().unwrap_or(&self.id),
        });
        if let Some(usage) = &answer.usage {
            response["usageMetadata"] = usage_json(usage);
        }
        response
    }
}

//! Writes an answer, as chunks or as one completion.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::error;
use crate::{
    chat::Media,
    dialect::{
        openai_chat::{delta::REASONING_FIELD_SENT_BACK, fields::KNOWN_ITEMS},
        serve::{AnswerHead, AnswerWriter, ServedRequest, counted_json, finish_word, signature_of},
    },
    event::{Answer, AnswerPieceKind, Citation, Event, FinishReason, ToolCallDelta, Usage},
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
    /// The index of the last written call, until other content is written.
    call: Option<usize>,
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
            call: None,
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

    /// Writes the counts once, in a separate chunk after the finish reason.
    fn write_usage(&mut self, out: &mut Vec<u8>) {
        if let Some(usage) = self.usage.take().filter(|_| self.counts) {
            out.extend_from_slice(self.prefix.as_bytes());
            let usage = counted_json(&usage, COUNT_PREFIXES);
            out.extend_from_slice(format!("],\"usage\":{usage}}}\n\n").as_bytes());
        }
    }

    /// Writes the signature of a call or a text. Reasoning needs none: its field shows that it is sent back.
    fn sign(&mut self, value: &str, out: &mut Vec<u8>) {
        let Some(extra) = extra_content(value) else {
            return;
        };
        match self.call {
            Some(index) => {
                let call = json!({ "index": index, "extra_content": extra });
                self.write_delta(&json!({ "tool_calls": [call] }), out);
            }
            None => self.write_delta(&json!({ "extra_content": extra }), out),
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
    fn event(&mut self, event: &Event, _next: &[Event], out: &mut Vec<u8>) {
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
            Event::ToolCall(delta) => self.write_delta(&Delta::ToolCalls([tool_call(delta)]), out),
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
            Event::Finish(finish) => {
                self.begin(out);
                self.chunk(&json!({}), Some(finish_word(FINISH_REASONS, finish)), out);
                self.finished = true;
            }
            Event::Usage(usage) => {
                self.usage.get_or_insert_default().merge(*usage);
                if self.finished {
                    self.write_usage(out);
                }
            }
            Event::Done => {
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
            Event::ToolCall(delta) => self.call = Some(delta.index),
            Event::Text { .. } | Event::Reasoning { .. } | Event::Media(_) => self.call = None,
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
            "choices": [{ "index": 0, "message": message(answer), "logprobs": null,
                "finish_reason": finish }],
            "usage": answer.usage.as_ref().map(|usage| counted_json(usage, COUNT_PREFIXES)),
        })
    }
}

fn message(answer: &Answer) -> Value {
    let mut message = Map::new();
    message.insert("role".into(), "assistant".into());
    let silent = answer.text.is_empty() && !answer.tool_calls.is_empty();
    let content = (!silent).then(|| answer.text.clone());
    message.insert("content".into(), content.into());
    for (name, text) in [
        (REASONING_FIELD_SENT_BACK, &answer.reasoning),
        ("refusal", &answer.refusal),
    ] {
        if !text.is_empty() {
            message.insert(name.into(), text.clone().into());
        }
    }
    let calls = answer.tool_calls.iter().enumerate().map(|(index, call)| {
        let mut written = json!({ "id": call.id, "type": "function",
            "function": { "name": call.name, "arguments": call.arguments } });
        let signature = signature_of(answer, &AnswerPieceKind::ToolCall { index });
        if let Some(extra) = signature.and_then(extra_content) {
            written["extra_content"] = extra;
        }
        written
    });
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

fn tool_call(delta: &ToolCallDelta) -> Value {
    let mut call = json!({ "index": delta.index });
    if let Some(id) = &delta.id {
        call["id"] = id.clone().into();
        call["type"] = "function".into();
    }
    let mut function = json!({ "arguments": delta.arguments });
    if let Some(name) = &delta.name {
        function["name"] = name.clone().into();
    }
    call["function"] = function;
    call
}

fn extra_content(signature: &str) -> Option<Value> {
    serde_json::from_str(signature)
        .ok()
        .filter(Value::is_object)
}

fn annotation(citation: &Citation) -> Value {
    let fields = [
        ("url", &citation.url),
        ("title", &citation.title),
        ("content", &citation.quote),
    ];
    let fields = fields.into_iter();
    let stated = fields.filter_map(|(name, text)| Some((name.to_owned(), text.clone()?.into())));
    let stated: Map<String, Value> = stated.collect();
    json!({ "type": "url_citation", "url_citation": stated })
}

/// Images in OpenRouter's form, audio in `OpenAI`'s; there is no field for other files.
fn file(media: &Media) -> Option<Value> {
    let data = || STANDARD.encode(&media.data);
    if media.mime.starts_with("audio/") && media.uri.is_none() {
        return Some(json!({ "audio": { "data": data() } }));
    }
    let url = || format!("data:{};base64,{}", media.mime, data());
    let url = media.uri.clone().unwrap_or_else(url);
    let image = json!({ "type": "image_url", "image_url": { "url": url } });
    media.is_image().then(|| json!({ "images": [image] }))
}

/// The delta of an item of this protocol: of a server's own tools, or encrypted reasoning.
fn item(kind: &str, raw: &str) -> Option<Value> {
    let raw: Value = serde_json::from_str(raw).ok()?;
    let has_text = |name: &str| raw.get(name).is_some_and(Value::is_string);
    match kind.split_once('.') {
        // Their text was written as reasoning already.
        Some(("reasoning", _)) if has_text("text") || has_text("summary") => None,
        Some(("reasoning", _)) => Some(json!({ "reasoning_details": [raw] })),
        Some(("context", name)) => Some(json!({ "context": { name: raw } })),
        None if kind == "reference" => Some(json!({ "content": [raw] })),
        None if KNOWN_ITEMS.contains(&kind) => Some(json!({ kind: raw })),
        _ => None,
    }
}

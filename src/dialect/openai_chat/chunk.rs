//! Reads one JSON object of an answer (a chunk, or a whole completion) into events.
//!
//! Unlisted fields that carry text become [`Event::Unknown`], raw. The lists below name the metadata
//! that is passed over, so that a field of tomorrow shows itself instead of getting lost.

use std::collections::HashMap;

use serde_json::value::RawValue;

use super::{
    fault::{self, ProviderError},
    json::{self, Fields},
    text::{Joiner, Piece},
    tool_calls::{Fragment, ToolCalls},
};
use crate::event::{Event, Finish, FinishReason, Usage};

/// Fields of a chunk that say nothing of the answer itself.
const CHUNK_METADATA: &[&str] = &[
    "created",
    "kv_transfer_params", // vLLM
    "nvext",              // Dynamo
    "obfuscation",        // OpenAI: padding against traffic analysis
    "p",                  // Mistral: the same
    "prompt_filter_results",
    "provider", // OpenRouter
    "request_id",
    "service_tier",
    "system_fingerprint",
    "timings", // llama.cpp
];

/// Fields of a choice that say nothing of the answer itself.
const CHOICE_METADATA: &[&str] = &[
    "content_filter_offsets",
    "content_filter_results", // Azure
    "finish_details",
    "logprobs",
    "matched_stop",         // SGLang
    "native_finish_reason", // OpenRouter
    "stop_reason",          // vLLM
    "text",                 // Hugging Face: the delta's content again
    "trace_details",        // Writer
];

/// Fields of a delta or a message that say nothing of the answer itself.
const DELTA_METADATA: &[&str] = &[
    "channel", // Groq: which of gpt-oss's channels
    "name",
    "obfuscation",
    "provider_specific_fields", // LiteLLM: the upstream's fields again
    "reasoning_content_signature",
    "role",
    "thinking_blocks", // LiteLLM: reasoning_content again
    "type",
];

/// The fields that reasoning comes in, in order of preference: some servers fill two with the same text.
const REASONING: &[&str] = &["reasoning_content", "reasoning", "thinking", "reasoning_text"];

/// Provider words for our classes of finish.
const FINISH: &[(FinishReason, &[&str])] = &[
    (FinishReason::Stop, &["stop", "eos", "eos_token", "end_turn", "stop_sequence", "STOP"]),
    (FinishReason::Length, &["length", "max_tokens", "model_length", "MAX_TOKENS"]),
    (FinishReason::ToolCalls, &["tool_calls", "function_call", "tool_use"]),
    (FinishReason::ContentFilter, &["content_filter", "sensitive", "safety", "SAFETY", "refusal"]),
];

/// A JSON text that is no chunk; says why.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(super) struct NotAChunk(#[from] pub serde_json::Error);

/// Reads the chunks of one answer, in order.
#[derive(Debug, Default)]
pub(super) struct ChunkReader {
    /// Whether a choice 0 was there.
    pub answered: bool,
    /// Whether a token was there.
    pub streaming: bool,
    /// The provider's last finish word.
    pub finish: Option<String>,
    has_id: bool,
    has_model: bool,
    from_deltas: bool,
    text: Joiner,
    reasoning: Joiner,
    refusal: Joiner,
    calls: ToolCalls,
    usage: Option<Usage>,
    /// The last value of each unknown field: some are repeated in every chunk.
    unknown: HashMap<String, String>,
    noted: Vec<&'static str>,
}

/// What one chunk says, sorted out.
#[derive(Default)]
struct Chunk<'a> {
    id: Option<String>,
    model: Option<String>,
    choices: Option<&'a RawValue>,
    usage: Option<Usage>,
    error: Option<&'a RawValue>,
    message: bool,
    object: Option<String>,
    unknown: Vec<(String, &'a RawValue)>,
}

impl ChunkReader {
    /// Appends what a chunk says. An error that it holds comes back, for the caller to make a fault of.
    ///
    /// # Errors
    /// If the text is not JSON, no object, nested too deep, or its `choices` are no choices.
    pub(super) fn read(
        &mut self,
        json: &str,
        out: &mut Vec<Event>,
    ) -> Result<Option<ProviderError>, NotAChunk> {
        let before = out.len();
        let fields: Fields<'_> = serde_json::from_str(json)?;
        let chunk = sorted(&fields);
        self.read_meta(&chunk, out);
        let mut alive = chunk.object.as_deref() == Some("ping");
        if let Some(choices) = chunk.choices.filter(|c| !json::is_void(c)) {
            for choice in serde_json::from_str::<Vec<Fields<'_>>>(choices.get())? {
                alive |= self.read_choice(&choice, out)?;
            }
        }
        if let Some(usage) = chunk.usage {
            self.read_usage(usage, out);
        }
        for (kind, raw) in chunk.unknown {
            self.read_unknown(kind, raw, out)?;
        }
        self.streaming |= out[before..].iter().any(Event::is_token);
        let error = match chunk.error {
            Some(error) => Some(error_of(error)),
            None if chunk.choices.is_none() && chunk.message => serde_json::from_str(json)
                .ok()
                .and_then(|value| fault::provider_error(&value)),
            None => None,
        };
        if alive && error.is_none() && out.len() == before {
            // An empty piece: no token, but a sign that the model is at work.
            out.push(Event::Text {
                text: String::new(),
            });
        }
        Ok(error)
    }

    /// Appends what still waits at the end of the answer.
    pub(super) fn end(&mut self, out: &mut Vec<Event>) {
        let piece = self.reasoning.end();
        self.tell(piece, out, |text| Event::Reasoning { text });
        let piece = self.text.end();
        self.tell(piece, out, |text| Event::Text { text });
        let piece = self.refusal.end();
        self.tell(piece, out, |text| Event::Refusal { text });
        let halves: Vec<_> = self.calls.end().collect();
        for (delta, piece) in halves {
            out.push(Event::ToolCall(delta));
            self.note_seams(&piece, out);
        }
    }

    fn read_meta(&mut self, chunk: &Chunk<'_>, out: &mut Vec<Event>) {
        let id = chunk.id.clone().filter(|_| !self.has_id);
        let model = chunk.model.clone().filter(|_| !self.has_model);
        self.has_id |= id.is_some();
        self.has_model |= model.is_some();
        if id.is_some() || model.is_some() {
            out.push(Event::Meta { id, model });
        }
    }

    fn read_usage(&mut self, usage: Usage, out: &mut Vec<Event>) {
        if usage != Usage::default() && self.usage != Some(usage) {
            self.usage = Some(usage);
            out.push(Event::Usage(usage));
        }
    }

    /// Reads one choice; gives whether it held an empty piece of text.
    fn read_choice(
        &mut self,
        choice: &Fields<'_>,
        out: &mut Vec<Event>,
    ) -> Result<bool, NotAChunk> {
        if field(choice, "index").is_some_and(|index| !matches!(index.get(), "0" | "null")) {
            self.note_once("more than one choice came; only choice 0 is shown", out);
            return Ok(false);
        }
        self.answered = true;
        let object = |name| field(choice, name).filter(|raw| raw.get().starts_with('{'));
        let alive = match (object("delta"), object("message")) {
            (Some(delta), _) => {
                let tokens = out.len();
                let alive = self.read_delta(delta, "delta", out)?;
                self.from_deltas |= out[tokens..].iter().any(Event::is_token);
                alive
            }
            (None, Some(_)) if self.from_deltas => {
                self.note_once("a whole message after its pieces was left out", out);
                false
            }
            (None, Some(message)) => self.read_delta(message, "message", out)?,
            (None, None) => match field(choice, "text") {
                Some(text) => self.read_content(text, out)?,
                None => false,
            },
        };
        for (key, raw) in &choice.0 {
            match &**key {
                "index" | "delta" | "message" => {}
                "finish_reason" => self.read_finish(raw, out),
                // Moonshot.
                "usage" => self.read_usage(usage_of(raw), out),
                key if CHOICE_METADATA.contains(&key) => {}
                key => self.read_unknown(format!("choices.{key}"), raw, out)?,
            }
        }
        Ok(alive)
    }

    fn read_finish(&mut self, raw: &RawValue, out: &mut Vec<Event>) {
        let Some(word) = json::string(raw) else {
            return;
        };
        if self.finish.as_ref() != Some(&word) {
            out.push(Event::Finish(Finish {
                reason: finish_class(&word),
                raw: word.clone(),
            }));
            self.finish = Some(word);
        }
    }

    /// Reads a delta or a whole message; gives whether it held an empty piece of text.
    fn read_delta(
        &mut self,
        delta: &RawValue,
        place: &str,
        out: &mut Vec<Event>,
    ) -> Result<bool, NotAChunk> {
        let delta = Fields::of(delta)?;
        self.read_reasoning(&delta, out);
        let mut alive = false;
        for (key, raw) in &delta.0 {
            match &**key {
                "content" => alive |= self.read_content(raw, out)?,
                "refusal" => {
                    let piece = json::bytes(raw).map(|bytes| self.refusal.push(&bytes));
                    self.tell(piece.unwrap_or_default(), out, |text| Event::Refusal { text });
                }
                "tool_calls" => self.read_tool_calls(raw, out)?,
                "function_call" if raw.get().starts_with('{') => {
                    self.read_tool_call(raw, Some(0), out)?;
                }
                "reasoning_details" => self.read_reasoning_details(raw, out)?,
                key if REASONING.contains(&key) && raw.get().starts_with('"') => {}
                key if DELTA_METADATA.contains(&key) => {}
                key => self.read_unknown(format!("{place}.{key}"), raw, out)?,
            }
        }
        Ok(alive)
    }

    fn read_reasoning(&mut self, delta: &Fields<'_>, out: &mut Vec<Event>) {
        let texts = REASONING.iter().filter_map(|name| json::bytes(field(delta, name)?));
        let mut texts = texts.filter(|text| !text.is_empty());
        match (texts.next(), texts.next()) {
            (Some(text), other) => {
                if other.is_some_and(|other| other != text) {
                    self.note_once("reasoning came in two fields that differ; one is shown", out);
                }
                let piece = self.reasoning.push(&text);
                self.tell(piece, out, |text| Event::Reasoning { text });
            }
            (None, _) => {
                // OpenRouter's details repeat `reasoning`; they count where it is missing.
                let details = field(delta, "reasoning_details").and_then(json::elements);
                for detail in details.into_iter().flatten() {
                    let Ok(detail) = Fields::of(detail) else {
                        continue;
                    };
                    let text = field(&detail, "text").or_else(|| field(&detail, "summary"));
                    if let Some(text) = text.and_then(json::bytes) {
                        let piece = self.reasoning.push(&text);
                        self.tell(piece, out, |text| Event::Reasoning { text });
                    }
                }
            }
        }
    }

    /// Keeps what of OpenRouter's details is not plain reasoning text: encrypted blocks.
    fn read_reasoning_details(
        &mut self,
        raw: &RawValue,
        out: &mut Vec<Event>,
    ) -> Result<(), NotAChunk> {
        for detail in json::elements(raw).into_iter().flatten() {
            let is_text = Fields::of(detail)
                .is_ok_and(|d| field(&d, "text").or_else(|| field(&d, "summary")).is_some());
            if !is_text {
                self.read_unknown("delta.reasoning_details".into(), detail, out)?;
            }
        }
        Ok(())
    }

    /// Reads `content`: a text, or (Mistral, some whole messages) an array of parts. Gives whether it
    /// was an empty text, or one that waits for its second half.
    fn read_content(&mut self, raw: &RawValue, out: &mut Vec<Event>) -> Result<bool, NotAChunk> {
        if let Some(text) = json::bytes(raw) {
            let piece = self.text.push(&text);
            let alive = piece.text.is_empty();
            self.tell(piece, out, |text| Event::Text { text });
            return Ok(alive);
        }
        match raw.get().as_bytes().first() {
            Some(b'[') => {
                for part in serde_json::from_str::<Vec<&RawValue>>(raw.get())? {
                    self.read_part(part, out)?;
                }
            }
            Some(b'{') => self.read_part(raw, out)?,
            _ => {}
        }
        Ok(false)
    }

    fn read_part(&mut self, raw: &RawValue, out: &mut Vec<Event>) -> Result<(), NotAChunk> {
        if raw.get().starts_with('"') {
            self.read_content(raw, out)?;
            return Ok(());
        }
        let Ok(part) = Fields::of(raw) else {
            return self.read_unknown("content".into(), raw, out);
        };
        let kind = field(&part, "type").and_then(json::string).unwrap_or_default();
        match (kind.as_str(), field(&part, "text"), field(&part, "thinking")) {
            ("text" | "output_text" | "", Some(text), _) => {
                self.read_content(text, out)?;
            }
            ("thinking" | "reasoning", text, thinking) => {
                for text in thinking.or(text).map(texts).into_iter().flatten() {
                    let piece = self.reasoning.push(&text);
                    self.tell(piece, out, |text| Event::Reasoning { text });
                }
            }
            ("refusal", ..) => {
                let text = field(&part, "refusal").and_then(json::bytes).unwrap_or_default();
                let piece = self.refusal.push(&text);
                self.tell(piece, out, |text| Event::Refusal { text });
            }
            _ => out.push(Event::Unknown {
                kind: format!("content.{kind}"),
                raw: raw.get().to_owned(),
            }),
        }
        Ok(())
    }

    fn read_tool_calls(&mut self, raw: &RawValue, out: &mut Vec<Event>) -> Result<(), NotAChunk> {
        match raw.get().as_bytes().first() {
            Some(b'[') => {
                for call in serde_json::from_str::<Vec<&RawValue>>(raw.get())? {
                    self.read_tool_call(call, None, out)?;
                }
            }
            Some(b'{') => self.read_tool_call(raw, None, out)?,
            _ => {}
        }
        Ok(())
    }

    /// Reads a fragment of a call: `{index, id, function: {name, arguments}}`, or, with `function` and
    /// the like left out, the bare function of the old `function_call`.
    fn read_tool_call(
        &mut self,
        raw: &RawValue,
        index: Option<u64>,
        out: &mut Vec<Event>,
    ) -> Result<(), NotAChunk> {
        let call = Fields::of(raw)?;
        let mut fragment = Fragment {
            index,
            ..Fragment::default()
        };
        let mut unknown = Vec::new();
        for (key, raw) in &call.0 {
            match &**key {
                "index" => fragment.index = raw.get().parse().ok(),
                "id" => fragment.id = json::string(raw),
                "type" => {}
                "function" | "custom" if raw.get().starts_with('{') => {
                    let function = Fields::of(raw)?;
                    for (key, raw) in &function.0 {
                        fill_function(&mut fragment, key, raw);
                    }
                }
                key if fill_function(&mut fragment, key, raw) => {}
                key => unknown.push((format!("tool_calls.{key}"), *raw)),
            }
        }
        let (delta, piece) = self.calls.push(fragment);
        let empty = delta.id.is_none() && delta.name.is_none() && delta.arguments.is_empty();
        if !empty {
            out.push(Event::ToolCall(delta));
        }
        self.note_seams(&piece, out);
        for (kind, raw) in unknown {
            self.read_unknown(kind, raw, out)?;
        }
        Ok(())
    }

    fn read_unknown(
        &mut self,
        kind: String,
        raw: &RawValue,
        out: &mut Vec<Event>,
    ) -> Result<(), NotAChunk> {
        const MAX_KINDS: usize = 64;
        if !json::holds_text(raw)? || self.unknown.get(&kind).is_some_and(|last| last == raw.get()) {
            return Ok(());
        }
        let raw = raw.get().to_owned();
        if self.unknown.len() < MAX_KINDS || self.unknown.contains_key(&kind) {
            self.unknown.insert(kind.clone(), raw.clone());
        }
        out.push(Event::Unknown { kind, raw });
        Ok(())
    }

    fn tell(&mut self, mut piece: Piece, out: &mut Vec<Event>, event: fn(String) -> Event) {
        let text = std::mem::take(&mut piece.text);
        if !text.is_empty() {
            out.push(event(text));
        }
        self.note_seams(&piece, out);
    }

    fn note_seams(&mut self, piece: &Piece, out: &mut Vec<Event>) {
        if piece.joined {
            note("a character was split over two chunks and joined", out);
        }
        if piece.broken {
            note("half a character had no other half and was replaced", out);
        }
    }

    fn note_once(&mut self, text: &'static str, out: &mut Vec<Event>) {
        if !self.noted.contains(&text) {
            self.noted.push(text);
            note(text, out);
        }
    }
}

/// Appends a note.
pub(super) fn note(text: &str, out: &mut Vec<Event>) {
    out.push(Event::Note { text: text.into() });
}

fn sorted<'a>(fields: &Fields<'a>) -> Chunk<'a> {
    let mut chunk = Chunk::default();
    for (key, raw) in &fields.0 {
        match &**key {
            "id" => chunk.id = json::string(raw),
            "model" => chunk.model = json::string(raw),
            "choices" => chunk.choices = Some(raw),
            "usage" => chunk.usage = Some(usage_of(raw)),
            "object" | "type" => chunk.object = json::string(raw).or(chunk.object),
            "error" => chunk.error = Some(*raw).filter(|raw| !json::is_void(raw)),
            "message" | "detail" => chunk.message = true,
            "x_groq" => sort_groq(raw, &mut chunk),
            "base_resp" => sort_minimax(raw, &mut chunk),
            "code" | "status" | "param" => {}
            key if CHUNK_METADATA.contains(&key) => {}
            key => chunk.unknown.push((key.to_owned(), raw)),
        }
    }
    chunk
}

/// Groq states usage, and errors of its own, in a field of its own.
fn sort_groq<'a>(raw: &'a RawValue, chunk: &mut Chunk<'a>) {
    let Ok(groq) = Fields::of(raw) else {
        return;
    };
    if let Some(usage) = field(&groq, "usage").map(usage_of) {
        chunk.usage = Some(usage);
    }
    chunk.error = field(&groq, "error").filter(|raw| !json::is_void(raw)).or(chunk.error);
}

/// `MiniMax` reports failures with status 200 and a `base_resp` whose code is not 0.
fn sort_minimax<'a>(raw: &'a RawValue, chunk: &mut Chunk<'a>) {
    let code = Fields::of(raw).ok().and_then(|f| field(&f, "status_code").map(RawValue::get));
    if code.is_some_and(|code| code != "0") {
        chunk.error = Some(raw);
    }
}

fn error_of(raw: &RawValue) -> ProviderError {
    serde_json::from_str(raw.get())
        .ok()
        .and_then(|value| fault::provider_error(&value))
        .unwrap_or_else(|| ProviderError::of_text(raw.get()))
}

/// Takes a field of a function over; gives whether it is one.
fn fill_function<'a>(fragment: &mut Fragment<'a>, key: &str, raw: &'a RawValue) -> bool {
    match key {
        "name" => fragment.name = json::string(raw),
        "arguments" | "input" | "parameters" => {
            fragment.arguments = match json::bytes(raw) {
                Some(text) => text,
                None if raw.get() == "null" => [].as_slice().into(),
                // Some servers send the arguments as an object instead of its text.
                None => raw.get().as_bytes().into(),
            };
        }
        _ => return false,
    }
    true
}

/// The texts of a thinking part: a string, or an array of `{text}`.
fn texts(raw: &RawValue) -> Vec<std::borrow::Cow<'_, [u8]>> {
    if let Some(text) = json::bytes(raw) {
        return vec![text];
    }
    let parts = json::elements(raw).into_iter().flatten();
    parts
        .filter_map(|part| json::bytes(field(&Fields::of(part).ok()?, "text")?))
        .collect()
}

fn field<'a>(fields: &Fields<'a>, name: &str) -> Option<&'a RawValue> {
    fields.0.iter().find(|(key, _)| key == name).map(|(_, raw)| *raw)
}

fn finish_class(word: &str) -> FinishReason {
    let row = FINISH.iter().find(|(_, words)| words.contains(&word));
    row.map_or(FinishReason::Other, |(reason, _)| *reason)
}

/// Token counts as OpenAI states them, or with the names that `DeepSeek` and others use.
fn usage_of(raw: &RawValue) -> Usage {
    let Ok(usage) = serde_json::from_str::<serde_json::Value>(raw.get()) else {
        return Usage::default();
    };
    let count = |paths: &[&str]| {
        let mut values = paths.iter().filter_map(|path| usage.pointer(path));
        values.find_map(serde_json::Value::as_u64)
    };
    Usage {
        input: count(&["/prompt_tokens", "/input_tokens"]),
        output: count(&["/completion_tokens", "/output_tokens"]),
        reasoning: count(&[
            "/completion_tokens_details/reasoning_tokens",
            "/output_tokens_details/reasoning_tokens",
            "/reasoning_tokens",
        ]),
        cached: count(&[
            "/prompt_tokens_details/cached_tokens",
            "/input_tokens_details/cached_tokens",
            "/prompt_cache_hit_tokens",
            "/cached_tokens",
        ]),
        total: count(&["/total_tokens"]),
    }
}

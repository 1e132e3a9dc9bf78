//! Reads the lines of a streamed answer: each is an object with a piece of the message; the last one has `"done": true`
//! and the server's times.

use std::{borrow::Cow, collections::HashSet};

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::metrics;
use crate::{
    body::{
        AnswerEnd, ExtraFields, FrameOutcome, FrameReader,
        error::{ProviderError, business_error_in, provider_error},
        json::{self, Fields, Raw, Scanned},
        text::{JoinedText, SurrogateJoiner},
    },
    chat::Media,
    event::{About, Event, Finish, Note, Surplus, ToolCallDelta, budget::MAX_CALLS},
};

/// The fields of a line. Of duplicate fields, the first counts.
#[derive(Default)]
struct OllamaLine<'a> {
    model: Option<Raw<'a>>,
    message: Option<Raw<'a>>,
    /// The text in the form of `/api/generate`, which some proxies send.
    response: Option<Raw<'a>>,
    thinking: Option<Raw<'a>>,
    done: Option<Raw<'a>>,
    done_reason: Option<Raw<'a>>,
    error: Option<Raw<'a>>,
    /// Whether it has times or token counts.
    has_metrics: bool,
    /// Other fields, without those that are irrelevant to the answer.
    other_fields: Vec<(Cow<'a, str>, Raw<'a>)>,
}

impl<'a> OllamaLine<'a> {
    fn of(fields: &Fields<'a>) -> Self {
        let mut line = Self::default();
        for (name, raw) in fields.iter() {
            let place = match &*name {
                "model" => &mut line.model,
                "message" => &mut line.message,
                "response" => &mut line.response,
                "thinking" => &mut line.thinking,
                "done" => &mut line.done,
                "done_reason" => &mut line.done_reason,
                "error" => &mut line.error,
                "created_at" | "logprobs" => continue,
                name if metrics::is_metric(name) => {
                    line.has_metrics = true;
                    continue;
                }
                _ => {
                    line.other_fields.push((name, raw));
                    continue;
                }
            };
            place.get_or_insert(raw);
        }
        line
    }

    fn is_answer(&self) -> bool {
        self.response.is_some()
            || self.done.is_some()
            || self.done_reason.is_some()
            // A text as `message` is a proxy's error.
            || self.message.is_some_and(|raw| raw.get().starts_with('{'))
    }
}

/// The fields of a message.
#[derive(Default)]
struct OllamaMessage<'a> {
    thinking: Option<Raw<'a>>,
    content: Option<Raw<'a>>,
    images: Option<Raw<'a>>,
    tool_calls: Option<Raw<'a>>,
    other_fields: Vec<(Cow<'a, str>, Raw<'a>)>,
}

impl<'a> OllamaMessage<'a> {
    fn of(fields: &Fields<'a>) -> Self {
        let mut message = Self::default();
        for (name, raw) in fields.iter() {
            let place = match &*name {
                "thinking" => &mut message.thinking,
                "content" => &mut message.content,
                "images" => &mut message.images,
                "tool_calls" => &mut message.tool_calls,
                "role" | "tool_name" | "tool_call_id" => continue,
                _ => {
                    message.other_fields.push((name, raw));
                    continue;
                }
            };
            place.get_or_insert(raw);
        }
        message
    }
}

/// How much of an answer came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum AnswerProgress {
    #[default]
    Nothing,
    Begun,
    /// The last line came, too.
    Done,
}

/// Reads one answer.
#[derive(Debug, Default)]
pub(super) struct OllamaReader {
    progress: AnswerProgress,
    /// Whether the model's name was emitted.
    has_model: bool,
    /// How many tool calls came.
    calls: usize,
    /// The ids of the calls.
    ids: HashSet<String>,
    /// The number of the next generated id, for calls without one.
    next_id: usize,
    /// Whether the last piece was thinking.
    in_thinking: bool,
    /// Each may hold half of a surrogate pair until the other half comes.
    text: SurrogateJoiner,
    thoughts: SurrogateJoiner,
    extra_fields: ExtraFields,
}

impl FrameReader for OllamaReader {
    const STREAMS_OBJECTS: bool = true;

    fn read(&mut self, _name: &str, data: &str, out: &mut Vec<Event>) -> FrameOutcome {
        let scanned = Scanned::of(data);
        let fields = match scanned.fields() {
            Ok(fields) => fields,
            Err(why) => {
                return FrameOutcome::Unreadable(format!("a line is not a JSON object ({why})"));
            }
        };
        let line = OllamaLine::of(&fields);
        if line.error.is_some_and(|raw| !json::is_void(raw)) {
            let error = error_of(data).unwrap_or_else(|| ProviderError::of_text(data));
            return FrameOutcome::Failed(error);
        }
        if self.progress == AnswerProgress::Done {
            unknown("after the end", data, out);
        } else if line.is_answer() {
            self.read_line(&line, &fields, out);
        } else if let Some(error) = business_error_in(data) {
            // `{"detail": …}` and the like: a proxy's error.
            return FrameOutcome::Failed(error);
        } else {
            unknown("line", data, out);
        }
        FrameOutcome::Read
    }

    fn is_over(&self) -> bool {
        self.progress == AnswerProgress::Done
    }

    fn end(&mut self, out: &mut Vec<Event>) -> AnswerEnd {
        self.end_texts(out);
        match self.progress {
            AnswerProgress::Done => AnswerEnd::Marked,
            AnswerProgress::Begun => {
                AnswerEnd::BrokeOff("the stream ended without a last line".into())
            }
            AnswerProgress::Nothing => {
                AnswerEnd::NoAnswer("this is not an answer to a chat".into())
            }
        }
    }
}

impl OllamaReader {
    fn read_line(&mut self, line: &OllamaLine<'_>, fields: &Fields<'_>, out: &mut Vec<Event>) {
        self.progress = AnswerProgress::Begun;
        if !self.has_model
            && let Some(model) = line.model.and_then(json::string)
        {
            self.has_model = true;
            let model = Some(model);
            out.push(Event::Meta { id: None, model });
        }
        self.read_text("thinking", line.thinking, true, out);
        self.read_text("response", line.response, false, out);
        if let Some(raw) = line.message {
            match Fields::of(raw) {
                Ok(message) => self.read_message(&OllamaMessage::of(&message), out),
                Err(_) => unknown("message", raw.get(), out),
            }
        }
        for (name, raw) in &line.other_fields {
            // JSON nested too deep to search may hold text.
            if json::holds_text(*raw).unwrap_or(true) {
                self.extra_fields.note(name, raw.get(), out);
            }
        }
        if line.has_metrics {
            metrics::read(fields, out);
        }
        let reason = line.done_reason.and_then(json::word);
        // Some servers send the reason without `done`.
        let done = match line.done.filter(|raw| raw.get() != "null") {
            // Some proxies write `1` or `"true"`.
            Some(raw) => matches!(raw.get(), "true" | "1" | "\"true\""),
            None => reason.is_some(),
        };
        if done {
            self.progress = AnswerProgress::Done;
            self.end_texts(out);
            self.end_thoughts(out);
            if let Some(raw) = reason {
                let reason = metrics::finish_class(&raw, self.calls > 0);
                out.push(Event::Finish(Finish { reason, raw }));
            }
            out.push(Event::Done);
        }
    }

    /// Reads a message's fields in the order in which a model generates them.
    fn read_message(&mut self, message: &OllamaMessage<'_>, out: &mut Vec<Event>) {
        self.read_text("message.thinking", message.thinking, true, out);
        self.read_text("message.content", message.content, false, out);
        each("message.images", message.images, out, |raw, out| {
            let media = image(raw)?;
            self.end_thoughts(out);
            out.push(Event::Media(media));
            Some(())
        });
        each("message.tool_calls", message.tool_calls, out, |raw, out| {
            self.read_call(raw, out)
        });
        for (name, raw) in &message.other_fields {
            // JSON nested too deep to search may hold text.
            if json::holds_text(*raw).unwrap_or(true) {
                unknown(&format!("message.{name}"), raw.get(), out);
            }
        }
    }

    /// Reads a text field, if there is one.
    fn read_text(
        &mut self,
        name: &str,
        raw: Option<Raw<'_>>,
        is_thought: bool,
        out: &mut Vec<Event>,
    ) {
        let Some(raw) = raw else { return };
        let Some(bytes) = json::bytes(raw) else {
            if !json::is_void(raw) {
                unknown(name, raw.get(), out);
            }
            return;
        };
        let joiner = if is_thought {
            &mut self.thoughts
        } else {
            &mut self.text
        };
        let piece = joiner.push(bytes);
        self.emit_text(piece, is_thought, out);
    }

    fn emit_text(&mut self, piece: JoinedText, is_thought: bool, out: &mut Vec<Event>) {
        piece.note_repairs(out);
        let text = piece.text;
        match (text.is_empty(), is_thought) {
            // Every line has both texts, of which one is usually empty: an empty one starts no part.
            (true, _) => {}
            (false, true) => {
                self.in_thinking = true;
                out.push(Event::Reasoning { text });
            }
            (false, false) => {
                self.end_thoughts(out);
                out.push(Event::Text { text });
            }
        }
    }

    /// Emits surrogate halves that are still incomplete.
    fn end_texts(&mut self, out: &mut Vec<Event>) {
        let (thought, text) = (self.thoughts.end(), self.text.end());
        self.emit_text(thought, true, out);
        self.emit_text(text, false, out);
    }

    /// Marks thinking to be sent back, as the protocol requires; its signature is empty
    /// (<https://docs.ollama.com/capabilities/tool-calling>).
    fn end_thoughts(&mut self, out: &mut Vec<Event>) {
        if std::mem::take(&mut self.in_thinking) {
            let value = String::new();
            out.push(Event::Signature { value });
        }
    }

    /// Reads a call, which is never split. Its index is ignored: some servers send 0 for all calls of an answer.
    fn read_call(&mut self, raw: Raw<'_>, out: &mut Vec<Event>) -> Option<()> {
        if self.calls >= MAX_CALLS {
            Event::left_out(Surplus::ToolCalls, out);
            return Some(());
        }
        let call = Fields::of(raw).ok()?;
        let function = Fields::of(call.get("function")?).ok()?;
        let name = function.get("name").and_then(json::string);
        if name.is_none() {
            Note::emit(About::Form, "a tool call has no name", out);
        }
        let id = self.id_of(&call, out);
        self.end_thoughts(out);
        out.push(Event::ToolCall(ToolCallDelta {
            index: self.calls,
            id: Some(id),
            name,
            arguments: function
                .get("arguments")
                .map_or_else(String::new, arguments),
        }));
        self.calls += 1;
        Some(())
    }

    /// The call's own id, or a generated one that is unique. Older servers send none and match results by name and
    /// order.
    fn id_of(&mut self, call: &Fields<'_>, out: &mut Vec<Event>) -> String {
        if let Some(id) = call.get("id").and_then(json::string) {
            if self.ids.insert(id.clone()) {
                return id;
            }
            Note::emit(About::Form, "a tool call with a used id got a new one", out);
        }
        loop {
            let id = format!("call_{}", self.next_id);
            self.next_id += 1;
            if self.ids.insert(id.clone()) {
                return id;
            }
        }
    }
}

/// The arguments' object as it was written, to keep the order of keys and the digits of numbers. Some proxies send it
/// as a string, as OpenAI does.
fn arguments(raw: Raw<'_>) -> String {
    match raw.get() {
        "null" => String::new(),
        text if text.starts_with('"') => json::string(raw).unwrap_or_default(),
        object => object.to_owned(),
    }
}

fn image(raw: Raw<'_>) -> Option<Media> {
    let data = STANDARD.decode(json::bytes(raw)?).ok()?;
    let known = Media::of_bytes(data.clone(), String::new()).ok();
    Some(known.filter(Media::is_image).unwrap_or_else(|| Media {
        mime: "application/octet-stream".to_owned(),
        data: data.into(),
        ..Media::default()
    }))
}

/// Reads the elements of a list, if there is one. Elements that are not as documented are emitted as unknown.
fn each(
    name: &str,
    list: Option<Raw<'_>>,
    out: &mut Vec<Event>,
    mut read: impl FnMut(Raw<'_>, &mut Vec<Event>) -> Option<()>,
) {
    let Some(list) = list.filter(|raw| !json::is_void(*raw)) else {
        return;
    };
    let elements = json::elements(list).map_or_else(|| vec![list], Iterator::collect);
    for element in elements {
        if read(element, out).is_none() {
            unknown(name, element.get(), out);
        }
    }
}

fn error_of(data: &str) -> Option<ProviderError> {
    let value = json::value(data).ok()?;
    provider_error(&value)
}

fn unknown(kind: &str, raw: &str, out: &mut Vec<Event>) {
    let (kind, raw) = (kind.to_owned(), raw.to_owned());
    out.push(Event::Unknown { kind, raw });
}

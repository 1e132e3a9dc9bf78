//! Reads the lines of a streamed answer: each is an object with a piece of the message, the last one
//! says `"done": true` and how long it all took.

use std::collections::HashSet;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::metrics;
use crate::{
    body::{
        Beside, Ended, Reader, Taken,
        error::{ProviderError, business_error_in, provider_error},
        json::{self, Fields, Raw, Scanned},
        text::{Joiner, Piece},
    },
    chat::Media,
    event::{About, Event, Finish, Note, Surplus, ToolCallDelta, budget::MAX_CALLS},
};

/// Fields of a message that are read, and those that say nothing of the answer itself.
const MESSAGE: &[&str] = &[
    "thinking",
    "content",
    "images",
    "tool_calls",
    "role",
    "tool_name",
    "tool_call_id",
];

/// Fields of a line that are read, or say nothing of the answer; what stands beside them is noted.
const LINE: &[&str] = &[
    "model",
    "created_at",
    "message",
    "response",
    "thinking",
    "done",
    "done_reason",
    "error",
    "logprobs",
];

/// How much of an answer was there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Progress {
    #[default]
    Nothing,
    Begun,
    /// Its last line, too.
    Done,
}

/// Reads one answer.
#[derive(Debug, Default)]
pub(super) struct ChatReader {
    progress: Progress,
    /// Whether the model's name was told.
    named: bool,
    /// How many tool calls were there.
    calls: usize,
    /// The ids that the calls have.
    ids: HashSet<String>,
    /// How many ids were tried for calls that came without.
    tried: usize,
    /// Whether thoughts were there that nothing followed yet.
    thinks: bool,
    /// Half a character may wait in each for its other half.
    text: Joiner,
    thoughts: Joiner,
    beside: Beside,
}

impl Reader for ChatReader {
    const STREAMS_OBJECTS: bool = true;

    fn read(&mut self, _name: &str, data: &str, out: &mut Vec<Event>) -> Taken {
        let scanned = Scanned::of(data);
        let line = match scanned.fields() {
            Ok(line) => line,
            Err(why) => return Taken::Unreadable(format!("a line is no JSON object ({why})")),
        };
        let answers = ["response", "done", "done_reason"].iter();
        let is_answer = answers.clone().any(|name| line.get(name).is_some())
            // A text is what a proxy says.
            || line.get("message").is_some_and(|raw| raw.get().starts_with('{'));
        let fails = line.get("error").is_some_and(|raw| !json::is_void(raw));
        if fails {
            let error = error_of(data).unwrap_or_else(|| ProviderError::of_text(data));
            return Taken::Failed(error);
        }
        if self.progress == Progress::Done {
            unknown("after the end", data, out);
        } else if is_answer {
            self.read_line(&line, out);
        } else if let Some(error) = business_error_in(data) {
            // `{"detail": …}` and its like: a proxy speaks.
            return Taken::Failed(error);
        } else {
            unknown("line", data, out);
        }
        Taken::Read
    }

    fn is_over(&self) -> bool {
        self.progress == Progress::Done
    }

    fn end(&mut self, out: &mut Vec<Event>) -> Ended {
        self.end_texts(out);
        match self.progress {
            Progress::Done => Ended::Marked,
            Progress::Begun => Ended::BrokeOff("the stream ended without a last line".into()),
            Progress::Nothing => Ended::NoAnswer("this is no answer of a chat".into()),
        }
    }
}

impl ChatReader {
    fn read_line(&mut self, line: &Fields<'_>, out: &mut Vec<Event>) {
        self.progress = Progress::Begun;
        if !self.named
            && let Some(model) = line.get("model").and_then(json::string)
        {
            self.named = true;
            let model = Some(model);
            out.push(Event::Meta { id: None, model });
        }
        // The protocol's other way to ask, `/api/generate`, which proxies put before their models.
        for (name, is_thought) in [("thinking", true), ("response", false)] {
            if let Some(raw) = line.get(name) {
                self.say(name, raw, is_thought, out);
            }
        }
        if let Some(raw) = line.get("message") {
            match Fields::of(raw) {
                Ok(message) => self.read_message(&message, out),
                Err(_) => unknown("message", raw.get(), out),
            }
        }
        for (name, raw) in line.iter() {
            // What is nested too deep to be looked into may hold text.
            let read = LINE.contains(&&*name) || metrics::reads(&name);
            if !read && json::holds_text(raw).unwrap_or(true) {
                self.beside.tell(&name, raw.get(), out);
            }
        }
        metrics::read(line, out);
        let reason = line.get("done_reason").and_then(json::word);
        // Some servers give the reason and leave the switch out.
        let done = match line.stated("done") {
            // As some proxies write it.
            Some(raw) => matches!(raw.get(), "true" | "1" | "\"true\""),
            None => reason.is_some(),
        };
        if done {
            self.progress = Progress::Done;
            self.end_texts(out);
            self.end_thoughts(out);
            if let Some(raw) = reason {
                let reason = metrics::finish_class(&raw, self.calls > 0);
                out.push(Event::Finish(Finish { reason, raw }));
            }
            out.push(Event::Done);
        }
    }

    /// What a message says, in the order that a model says it in.
    fn read_message(&mut self, message: &Fields<'_>, out: &mut Vec<Event>) {
        for (name, is_thought) in [("thinking", true), ("content", false)] {
            if let Some(raw) = message.get(name) {
                self.say(&format!("message.{name}"), raw, is_thought, out);
            }
        }
        each(message, "images", out, |raw, out| {
            let media = image(raw)?;
            self.end_thoughts(out);
            out.push(Event::Media(media));
            Some(())
        });
        each(message, "tool_calls", out, |raw, out| self.call(raw, out));
        for (name, raw) in message.iter() {
            // What is nested too deep to be looked into may hold text.
            if !MESSAGE.contains(&&*name) && json::holds_text(raw).unwrap_or(true) {
                unknown(&format!("message.{name}"), raw.get(), out);
            }
        }
    }

    fn say(&mut self, name: &str, raw: Raw<'_>, is_thought: bool, out: &mut Vec<Event>) {
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
        self.tell(piece, is_thought, out);
    }

    fn tell(&mut self, piece: Piece, is_thought: bool, out: &mut Vec<Event>) {
        piece.note_seams(out);
        let text = piece.text;
        match (text.is_empty(), is_thought) {
            // Every line states both, and mostly one is empty: no word of it makes a part.
            (true, _) => {}
            (false, true) => {
                self.thinks = true;
                out.push(Event::Reasoning { text });
            }
            (false, false) => {
                self.end_thoughts(out);
                out.push(Event::Text { text });
            }
        }
    }

    /// Half a character that no other half followed.
    fn end_texts(&mut self, out: &mut Vec<Event>) {
        let (thought, text) = (self.thoughts.end(), self.text.end());
        self.tell(thought, true, out);
        self.tell(text, false, out);
    }

    /// Marks thoughts as ones to send back, which the protocol asks for and signs with nothing
    /// (<https://docs.ollama.com/capabilities/tool-calling>).
    fn end_thoughts(&mut self, out: &mut Vec<Event>) {
        if std::mem::take(&mut self.thinks) {
            let value = String::new();
            out.push(Event::Signature { value });
        }
    }

    /// A call comes whole. Its index is no use: servers have given 0 to all calls of an answer.
    fn call(&mut self, raw: Raw<'_>, out: &mut Vec<Event>) -> Option<()> {
        if self.calls >= MAX_CALLS {
            Event::left_out(Surplus::ToolCalls, out);
            return Some(());
        }
        let call = Fields::of(raw).ok()?;
        let function = Fields::of(call.get("function")?).ok()?;
        let name = function.get("name").and_then(json::string);
        if name.is_none() {
            Note::tell(About::Form, "a tool call has no name", out);
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

    /// The call's own id, or one that no other call has. Older servers give none: results are matched by
    /// name and place there.
    fn id_of(&mut self, call: &Fields<'_>, out: &mut Vec<Event>) -> String {
        if let Some(id) = call.get("id").and_then(json::string) {
            if self.ids.insert(id.clone()) {
                return id;
            }
            Note::tell(About::Form, "a tool call with a used id got a new one", out);
        }
        loop {
            let id = format!("call_{}", self.tried);
            self.tried += 1;
            if self.ids.insert(id.clone()) {
                return id;
            }
        }
    }
}

/// The arguments' object as it was written, so that the order of its keys and the digits of its numbers
/// stay. Some proxies send it as text, as OpenAI does.
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

/// Reads the elements of a list; those that are not as documented are told word for word.
fn each(
    message: &Fields<'_>,
    name: &str,
    out: &mut Vec<Event>,
    mut read: impl FnMut(Raw<'_>, &mut Vec<Event>) -> Option<()>,
) {
    let Some(list) = message.get(name).filter(|raw| !json::is_void(*raw)) else {
        return;
    };
    let elements = json::elements(list).map_or_else(|| vec![list], Iterator::collect);
    for element in elements {
        if read(element, out).is_none() {
            unknown(&format!("message.{name}"), element.get(), out);
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

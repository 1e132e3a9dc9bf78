//! The decoder of all text dialects: it frames a body, hands each frame to the dialect's [`FrameReader`], and decides
//! whether the answer is complete or broke off.

mod ending;

use super::{
    BodyKind,
    call_ids::CallIds,
    error::{ProviderError, bare_error, of_response},
    excerpt::excerpt,
    is_blank,
    keep_alive::is_keep_alive,
    kind_of, type_note,
};
use crate::{
    body::{
        Decoder, ResponseHead,
        json_values::{JsonItem, JsonValues, MAX_OBJECT_BYTES},
        sse::{MAX_EVENT_BYTES, Sse, SseFrame},
    },
    event::{About, Event, Fault, FaultClass, Note, Phase},
};

/// Most bytes of an error's body or a page: 8 MiB.
const MAX_HELD_BYTES: usize = 8 << 20;

/// OpenAI's end mark.
const DONE: &str = "[DONE]";

/// Notes what came after the end of an answer, and is not part of it.
pub(crate) fn note_after_end(what: &str, out: &mut Vec<Event>) {
    let text = format!("behind the answer's end came: {what}");
    Note::emit(About::EndMark, text, out);
}

/// A dialect's reader of the frames of one body.
pub trait FrameReader: Send {
    /// Whether this dialect streams JSON objects, one a line. In other dialects a single object is an answer that was
    /// not streamed, which is noted.
    const STREAMS_OBJECTS: bool = false;

    /// Whether calls are sent back by id: a call that came without one gets one at the answer's end.
    const CALLS_HAVE_IDS: bool = false;

    /// Reads one frame: the data of an event with its name (`message` where none was given), or one JSON
    /// object of a body without events (its name is empty).
    fn read(&mut self, name: &str, data: &str, out: &mut Vec<Event>) -> FrameOutcome;

    /// Whether the answer may be complete, though no end mark came.
    fn may_end(&self) -> bool {
        false
    }

    /// `[DONE]` came: OpenAI's end mark, which proxies add to other dialects, too.
    fn foreign_end_mark(&mut self, out: &mut Vec<Event>) {
        let text = "the end mark of another dialect came: [DONE]";
        Note::emit(About::EndMark, text, out);
    }

    /// Whether the answer's end mark was read: an error after it does not fail the answer.
    fn is_over(&self) -> bool {
        false
    }

    /// The body is over, without a fault so far: appends the last events, and decides whether the answer is complete.
    fn end(&mut self, out: &mut Vec<Event>) -> AnswerEnd;

    /// The same for a body that was one whole JSON object, which proves that nothing is missing.
    fn end_plain(&mut self, out: &mut Vec<Event>) -> AnswerEnd {
        self.end(out)
    }
}

/// The outcome of reading a frame.
#[derive(Debug)]
pub enum FrameOutcome {
    /// It was read.
    Read,
    /// It is the provider's error.
    Failed(ProviderError),
    /// It is not a frame of this dialect; the sentence says why.
    Unreadable(String),
}

/// How an answer ended.
#[derive(Debug)]
pub enum AnswerEnd {
    /// Its end mark came: whatever came or broke off after it is not part of it.
    Marked,
    /// It is complete but for an end mark. If the protocol has one, the sentence notes that it is missing.
    Unmarked(Option<&'static str>),
    /// It is the provider's error.
    Failed(ProviderError),
    /// It broke off; the sentence says what is missing.
    BrokeOff(String),
    /// The body is not an answer of this dialect; the sentence says why.
    NoAnswer(String),
}

/// Decodes one response with a dialect's reader.
#[derive(Debug)]
pub struct BodyDecoder<R> {
    head: ResponseHead,
    reader: R,
    body: BodyState,
    frames: Vec<SseFrame>,
    found: Vec<JsonItem>,
    /// The body's first bytes, for the message if it can't be decoded.
    start: Vec<u8>,
    /// How many frames were read.
    frames_read: u64,
    token: bool,
    faulted: bool,
    /// Notes that are made only once.
    noted: Vec<&'static str>,
    calls: CallIds,
}

#[derive(Debug)]
enum BodyState {
    /// Not known yet: too few bytes, without white space.
    Unclear(Vec<u8>),
    Events(Sse),
    Json(JsonValues),
    /// An error's body, a page or plain text: read when it has ended.
    Whole(Vec<u8>),
    /// Ended, or given up.
    Over,
}

impl<R: FrameReader> BodyDecoder<R> {
    /// A decoder for a response with this head.
    pub fn new(head: &ResponseHead, reader: R) -> Self {
        Self {
            head: head.clone(),
            reader,
            body: BodyState::Unclear(Vec::new()),
            frames: Vec::new(),
            found: Vec::new(),
            start: Vec::new(),
            frames_read: 0,
            token: false,
            faulted: false,
            noted: Vec::new(),
            calls: CallIds::default(),
        }
    }
}

impl<R: FrameReader> Decoder for BodyDecoder<R> {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<Event>) {
        let before = out.len();
        self.keep_first_bytes(bytes);
        let rest = self.detect_kind(bytes, out);
        self.push_framed(rest, out);
        self.record_calls(&out[before..]);
    }

    fn may_end(&self) -> bool {
        self.is_ok() && !self.faulted && self.reader.may_end()
    }

    fn end(&mut self, out: &mut Vec<Event>) {
        if self.faulted {
            // Nothing follows a fault.
            return self.close(out);
        }
        let before = out.len();
        self.close(out);
        self.record_calls(&out[before..]);
        let mut ids = Vec::new();
        self.calls.fill(&mut ids);
        let fault = (out[before..].iter()).position(|event| matches!(event, Event::Fault(_)));
        let at = fault.map_or(out.len(), |at| before + at);
        out.splice(at..at, ids);
    }
}

impl<R: FrameReader> BodyDecoder<R> {
    fn record_calls(&mut self, events: &[Event]) {
        if R::CALLS_HAVE_IDS {
            self.calls.record(events);
        }
    }

    /// Takes bytes until the kind of the body is known, and returns the rest.
    fn detect_kind<'a>(&mut self, bytes: &'a [u8], out: &mut Vec<Event>) -> &'a [u8] {
        let mut rest = bytes;
        while let (BodyState::Unclear(held), Some((byte, more))) =
            (&mut self.body, rest.split_first())
        {
            rest = more;
            if is_blank(held) && byte.is_ascii_whitespace() {
                continue;
            }
            held.push(*byte);
            if let Some(kind) = kind_of(held, &self.head) {
                out.extend(type_note(kind, &self.head));
                let held = std::mem::take(held);
                // The body of an error is read whole, unless it comes as events.
                self.body = match kind {
                    BodyKind::Events => BodyState::Events(Sse::default()),
                    BodyKind::Json if self.is_ok() => BodyState::Json(JsonValues::default()),
                    BodyKind::Json | BodyKind::Text => BodyState::Whole(Vec::new()),
                };
                self.push_framed(&held, out);
            }
        }
        rest
    }

    fn push_framed(&mut self, bytes: &[u8], out: &mut Vec<Event>) {
        match &mut self.body {
            BodyState::Events(sse) => {
                let mut frames = std::mem::take(&mut self.frames);
                sse.push(bytes, &mut frames);
                for frame in frames.drain(..) {
                    self.read_frame(frame, out);
                }
                self.frames = frames;
            }
            BodyState::Json(values) => {
                let mut found = std::mem::take(&mut self.found);
                values.push(bytes, &mut found);
                for found in found.drain(..) {
                    self.read_found(found, out);
                }
                self.found = found;
            }
            BodyState::Whole(held) if held.len() + bytes.len() > MAX_HELD_BYTES => {
                self.body = BodyState::Over;
                let limit = format!("the body is larger than {} MiB", MAX_HELD_BYTES >> 20);
                self.fail_by_status(&limit, out);
            }
            BodyState::Whole(held) => held.extend_from_slice(bytes),
            BodyState::Unclear(_) | BodyState::Over => {}
        }
    }

    fn read_frame(&mut self, frame: SseFrame, out: &mut Vec<Event>) {
        match frame {
            SseFrame::Event { event, data } => self.read(&event, data.trim(), out),
            _ if self.faulted => {}
            SseFrame::Bare { text } => {
                if let Some(error) = bare_error(&text) {
                    self.fail_unless_over(error, &text, out);
                }
            }
            SseFrame::Error { text } => {
                self.fail_unless_over(ProviderError::of_data(&text), &text, out);
            }
            SseFrame::Undivided => {
                let text = "events came without the blank line that divides them";
                self.note_once(About::Form, text, out);
            }
            SseFrame::Comment { .. } => out.push(Event::keep_alive()),
            SseFrame::Repaired => {
                self.note(About::Form, "bytes that are not UTF-8 were replaced", out);
            }
            SseFrame::Oversized => {
                let limit = MAX_EVENT_BYTES >> 20;
                self.fail_unreadable(format!("one event is larger than {limit} MiB"), out);
            }
        }
    }

    fn read_found(&mut self, found: JsonItem, out: &mut Vec<Event>) {
        match found {
            JsonItem::Object(bytes) => match String::from_utf8(bytes) {
                Ok(text) => self.read("", &text, out),
                Err(broken) => {
                    self.note(About::Form, "bytes that are not UTF-8 were replaced", out);
                    let text = String::from_utf8_lossy(broken.as_bytes()).into_owned();
                    self.read("", &text, out);
                }
            },
            JsonItem::Comment => out.push(Event::keep_alive()),
            _ if self.faulted => {}
            JsonItem::NotAnObject => {
                let message = "something that is no JSON object stands where one should";
                self.fail_unreadable(message.into(), out);
            }
            JsonItem::TooLong => {
                let limit = MAX_OBJECT_BYTES >> 20;
                self.fail_unreadable(format!("one object is larger than {limit} MiB"), out);
            }
        }
    }

    fn read(&mut self, name: &str, data: &str, out: &mut Vec<Event>) {
        self.frames_read += 1;
        if self.faulted {
            return;
        }
        if data.is_empty() {
            return out.push(Event::keep_alive());
        }
        if is_keep_alive(data) {
            let text = "keep-alives came as data";
            self.note_once(About::Form, text, out);
            return out.push(Event::keep_alive());
        }
        let before = out.len();
        let taken = if data == DONE {
            self.reader.foreign_end_mark(out);
            FrameOutcome::Read
        } else {
            self.reader.read(name, data, out)
        };
        self.token |= out[before..].iter().any(Event::is_token);
        match taken {
            FrameOutcome::Read => {}
            FrameOutcome::Failed(error) => self.fail_unless_over(error, data, out),
            FrameOutcome::Unreadable(why) => {
                self.fail_unreadable(format!("{why}: {}", excerpt(data)), out);
            }
        }
    }

    fn is_ok(&self) -> bool {
        (200..300).contains(&self.head.status)
    }

    fn phase(&self) -> Phase {
        match self.token {
            _ if !self.is_ok() => Phase::Headers,
            true => Phase::Stream,
            false => Phase::FirstToken,
        }
    }

    fn note_once(&mut self, about: About, text: &'static str, out: &mut Vec<Event>) {
        if !self.noted.contains(&text) {
            self.noted.push(text);
            self.note(about, text, out);
        }
    }

    fn note(&self, about: About, text: &str, out: &mut Vec<Event>) {
        if !self.faulted {
            Note::emit(about, text, out);
        }
    }

    fn fail(&mut self, error: ProviderError, out: &mut Vec<Event>) {
        self.faulted = true;
        out.push(Event::Fault(error.into_fault(&self.head, self.phase())));
    }

    /// Fails the answer with an error, unless its end mark was read.
    fn fail_unless_over(&mut self, error: ProviderError, text: &str, out: &mut Vec<Event>) {
        if self.reader.is_over() {
            self.note_after_end(&excerpt(text), out);
        } else {
            self.fail(error, out);
        }
    }

    /// The same for a frame that can't be read.
    fn fail_unreadable(&mut self, why: String, out: &mut Vec<Event>) {
        if self.reader.is_over() {
            self.note_after_end(&why, out);
        } else {
            self.protocol_fault(why, out);
        }
    }

    fn note_after_end(&self, what: &str, out: &mut Vec<Event>) {
        if !self.faulted {
            note_after_end(what, out);
        }
    }

    fn fail_by_status(&mut self, body: &str, out: &mut Vec<Event>) {
        if self.is_ok() {
            return self.protocol_fault(body.to_owned(), out);
        }
        self.faulted = true;
        out.push(Event::Fault(of_response(&self.head, body)));
    }

    fn protocol_fault(&mut self, message: String, out: &mut Vec<Event>) {
        self.fault(FaultClass::Protocol, message, out);
    }

    fn interrupted_fault(&mut self, message: String, out: &mut Vec<Event>) {
        self.fault(FaultClass::Interrupted, message, out);
    }

    fn fault(&mut self, class: FaultClass, message: String, out: &mut Vec<Event>) {
        self.faulted = true;
        out.push(Event::Fault(Fault {
            status: Some(self.head.status),
            ..Fault::new(class, self.phase(), message)
        }));
    }

    /// Keeps the first bytes: more than a message shows, since control characters are dropped.
    fn keep_first_bytes(&mut self, bytes: &[u8]) {
        const KEPT: usize = 1_000;
        let room = KEPT.saturating_sub(self.start.len()).min(bytes.len());
        self.start.extend_from_slice(&bytes[..room]);
    }
}

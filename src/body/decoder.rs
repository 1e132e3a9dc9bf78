//! The decoder that dialects of text are built on: it frames a body, hands each frame to the dialect's
//! [`Reader`], and tells a whole answer from one that broke off.

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
        json_values::{Found, JsonValues, MAX_OBJECT_BYTES},
        sse::{Frame, MAX_EVENT_BYTES, Sse},
    },
    event::{About, Event, Fault, FaultClass, Note, Phase},
};

/// Most bytes of an error's body or a page that are held: 8 MiB.
const MAX_HELD_BYTES: usize = 8 << 20;

/// The end mark of OpenAI's.
const DONE: &str = "[DONE]";

/// Notes what came behind the end of an answer, of which it is no part.
pub(crate) fn note_behind_end(what: &str, out: &mut Vec<Event>) {
    let text = format!("behind the answer's end came: {what}");
    Note::tell(About::EndMark, text, out);
}

/// What a dialect makes of the frames of one body.
pub trait Reader: Send {
    /// Whether single JSON objects, one a line, are how this dialect streams; elsewhere one alone is an
    /// answer that was not streamed, which is noted.
    const STREAMS_OBJECTS: bool = false;

    /// Whether a call goes back by its id: one that came without gets one at the answer's end.
    const CALLS_HAVE_IDS: bool = false;

    /// Reads one frame: the data of an event with its name (`message` where none was given), or one JSON
    /// object of a body without events (its name is empty).
    fn read(&mut self, name: &str, data: &str, out: &mut Vec<Event>) -> Taken;

    /// Whether the answer may end here, though no end mark came.
    fn may_end(&self) -> bool {
        false
    }

    /// `[DONE]` came: the end mark of OpenAI's, which proxies put behind the events of others, too.
    fn mark(&mut self, out: &mut Vec<Event>) {
        let text = "the end mark of another dialect came: [DONE]";
        Note::tell(About::EndMark, text, out);
    }

    /// Whether the answer's own end mark was read: an error behind it takes nothing from the answer.
    fn is_over(&self) -> bool {
        false
    }

    /// The body is over, without a fault so far: says what is left to say, and whether this was the
    /// answer's end.
    fn end(&mut self, out: &mut Vec<Event>) -> Ended;

    /// The same where the body was one whole JSON object: its own end proves that nothing is missing.
    fn end_plain(&mut self, out: &mut Vec<Event>) -> Ended {
        self.end(out)
    }
}

/// What became of a frame.
#[derive(Debug)]
pub enum Taken {
    /// It was read.
    Read,
    /// It is the provider's error.
    Failed(ProviderError),
    /// It is nothing that this dialect says; why.
    Unreadable(String),
}

/// How an answer ended.
#[derive(Debug)]
pub enum Ended {
    /// Its end mark was there: what came behind it, or broke off there, is no part of it.
    Marked,
    /// It has all that an answer ends with but an end mark. Where the protocol has one, the sentence notes
    /// that it is missing.
    Unmarked(Option<&'static str>),
    /// It is the provider's error.
    Failed(ProviderError),
    /// It broke off; the sentence says what is missing.
    BrokeOff(String),
    /// What came is no answer of this dialect; the sentence says why.
    NoAnswer(String),
}

/// Decodes one response by a dialect's reader.
#[derive(Debug)]
pub struct BodyDecoder<R> {
    head: ResponseHead,
    reader: R,
    body: Body,
    frames: Vec<Frame>,
    found: Vec<Found>,
    /// The body's first bytes, to show if nothing comes of them.
    start: Vec<u8>,
    /// How many frames were there.
    frames_read: u64,
    token: bool,
    faulted: bool,
    /// What is told once only.
    noted: Vec<&'static str>,
    calls: CallIds,
}

#[derive(Debug)]
enum Body {
    /// Not known yet: too few bytes, blanks left out.
    Unclear(Vec<u8>),
    Events(Sse),
    Json(JsonValues),
    /// An error's body, a page or plain text: read when it has ended.
    Whole(Vec<u8>),
    /// Ended, or given up.
    Over,
}

impl<R: Reader> BodyDecoder<R> {
    /// A decoder for a response with this head.
    pub fn new(head: &ResponseHead, reader: R) -> Self {
        Self {
            head: head.clone(),
            reader,
            body: Body::Unclear(Vec::new()),
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

impl<R: Reader> Decoder for BodyDecoder<R> {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<Event>) {
        let before = out.len();
        self.keep_start(bytes);
        let rest = self.sniff(bytes, out);
        self.push_on(rest, out);
        self.see_calls(&out[before..]);
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
        self.see_calls(&out[before..]);
        let mut ids = Vec::new();
        self.calls.fill(&mut ids);
        let fault = (out[before..].iter()).position(|event| matches!(event, Event::Fault(_)));
        let at = fault.map_or(out.len(), |at| before + at);
        out.splice(at..at, ids);
    }
}

impl<R: Reader> BodyDecoder<R> {
    fn see_calls(&mut self, events: &[Event]) {
        if R::CALLS_HAVE_IDS {
            self.calls.see(events);
        }
    }

    /// Takes bytes until it is clear what the body is, and gives the rest.
    fn sniff<'a>(&mut self, bytes: &'a [u8], out: &mut Vec<Event>) -> &'a [u8] {
        let mut rest = bytes;
        while let (Body::Unclear(held), Some((byte, more))) = (&mut self.body, rest.split_first()) {
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
                    BodyKind::Events => Body::Events(Sse::default()),
                    BodyKind::Json if self.is_ok() => Body::Json(JsonValues::default()),
                    BodyKind::Json | BodyKind::Text => Body::Whole(Vec::new()),
                };
                self.push_on(&held, out);
            }
        }
        rest
    }

    fn push_on(&mut self, bytes: &[u8], out: &mut Vec<Event>) {
        match &mut self.body {
            Body::Events(sse) => {
                let mut frames = std::mem::take(&mut self.frames);
                sse.push(bytes, &mut frames);
                for frame in frames.drain(..) {
                    self.read_frame(frame, out);
                }
                self.frames = frames;
            }
            Body::Json(values) => {
                let mut found = std::mem::take(&mut self.found);
                values.push(bytes, &mut found);
                for found in found.drain(..) {
                    self.read_found(found, out);
                }
                self.found = found;
            }
            Body::Whole(held) if held.len() + bytes.len() > MAX_HELD_BYTES => {
                self.body = Body::Over;
                let limit = format!("the body is larger than {} MiB", MAX_HELD_BYTES >> 20);
                self.fail_by_status(&limit, out);
            }
            Body::Whole(held) => held.extend_from_slice(bytes),
            Body::Unclear(_) | Body::Over => {}
        }
    }

    fn read_frame(&mut self, frame: Frame, out: &mut Vec<Event>) {
        match frame {
            Frame::Event { event, data } => self.read(&event, data.trim(), out),
            _ if self.faulted => {}
            Frame::Bare { text } => {
                if let Some(error) = bare_error(&text) {
                    self.fail_unless_over(error, &text, out);
                }
            }
            Frame::Error { text } => {
                self.fail_unless_over(ProviderError::of_data(&text), &text, out);
            }
            Frame::Undivided => {
                let text = "events came without the blank line that divides them";
                self.note_once(About::Form, text, out);
            }
            Frame::Comment { .. } => out.push(Event::keep_alive()),
            Frame::Repaired => {
                self.note(About::Form, "bytes that are not UTF-8 were replaced", out);
            }
            Frame::Oversized => {
                let limit = MAX_EVENT_BYTES >> 20;
                self.unreadable(format!("one event is larger than {limit} MiB"), out);
            }
        }
    }

    fn read_found(&mut self, found: Found, out: &mut Vec<Event>) {
        match found {
            Found::Object(bytes) => match String::from_utf8(bytes) {
                Ok(text) => self.read("", &text, out),
                Err(broken) => {
                    self.note(About::Form, "bytes that are not UTF-8 were replaced", out);
                    let text = String::from_utf8_lossy(broken.as_bytes()).into_owned();
                    self.read("", &text, out);
                }
            },
            Found::Comment => out.push(Event::keep_alive()),
            _ if self.faulted => {}
            Found::Other => {
                let message = "something that is no JSON object stands where one should";
                self.unreadable(message.into(), out);
            }
            Found::TooLong => {
                let limit = MAX_OBJECT_BYTES >> 20;
                self.unreadable(format!("one object is larger than {limit} MiB"), out);
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
            self.reader.mark(out);
            Taken::Read
        } else {
            self.reader.read(name, data, out)
        };
        self.token |= out[before..].iter().any(Event::is_token);
        match taken {
            Taken::Read => {}
            Taken::Failed(error) => self.fail_unless_over(error, data, out),
            Taken::Unreadable(why) => {
                self.unreadable(format!("{why}: {}", excerpt(data)), out);
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
            Note::tell(about, text, out);
        }
    }

    fn fail(&mut self, error: ProviderError, out: &mut Vec<Event>) {
        self.faulted = true;
        out.push(Event::Fault(error.into_fault(&self.head, self.phase())));
    }

    /// An error that came, with its text: the answer's fault, unless the answer is whole.
    fn fail_unless_over(&mut self, error: ProviderError, text: &str, out: &mut Vec<Event>) {
        if self.reader.is_over() {
            self.note_behind_end(&excerpt(text), out);
        } else {
            self.fail(error, out);
        }
    }

    /// The same for what can't be read.
    fn unreadable(&mut self, why: String, out: &mut Vec<Event>) {
        if self.reader.is_over() {
            self.note_behind_end(&why, out);
        } else {
            self.protocol(why, out);
        }
    }

    fn note_behind_end(&self, what: &str, out: &mut Vec<Event>) {
        if !self.faulted {
            note_behind_end(what, out);
        }
    }

    fn fail_by_status(&mut self, body: &str, out: &mut Vec<Event>) {
        if self.is_ok() {
            return self.protocol(body.to_owned(), out);
        }
        self.faulted = true;
        out.push(Event::Fault(of_response(&self.head, body)));
    }

    fn protocol(&mut self, message: String, out: &mut Vec<Event>) {
        self.fault(FaultClass::Protocol, message, out);
    }

    fn interrupted(&mut self, message: String, out: &mut Vec<Event>) {
        self.fault(FaultClass::Interrupted, message, out);
    }

    fn fault(&mut self, class: FaultClass, message: String, out: &mut Vec<Event>) {
        self.faulted = true;
        out.push(Event::Fault(Fault {
            status: Some(self.head.status),
            ..Fault::new(class, self.phase(), message)
        }));
    }

    /// Keeps the first bytes; more than a message shows, since some are not printed.
    fn keep_start(&mut self, bytes: &[u8]) {
        const KEPT: usize = 1_000;
        let room = KEPT.saturating_sub(self.start.len()).min(bytes.len());
        self.start.extend_from_slice(&bytes[..room]);
    }
}

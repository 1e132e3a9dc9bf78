//! The decoder that every dialect but the oldest is built on: it frames a body, hands each frame to the
//! dialect's [`Reader`], and tells a whole answer from one that broke off.

use super::{
    BodyKind,
    error::{ProviderError, bare_error, of_response},
    excerpt::excerpt,
    is_blank, kind_of, sse_begins_with, type_note,
};
use crate::{
    dialect::{Decoder, ResponseHead},
    event::{Event, Fault, FaultClass, Phase},
    transport::{
        json_values::{Found, JsonValues, MAX_OBJECT_BYTES},
        sse::{Frame, MAX_EVENT_BYTES, Sse},
    },
};

/// Most bytes of an error's body or a page that are held: 8 MiB.
const MAX_HELD_BYTES: usize = 8 << 20;

/// What a dialect makes of the frames of one body.
pub trait Reader: Send {
    /// Whether single JSON objects, one a line, are how this dialect streams; elsewhere one alone is an
    /// answer that was not streamed, which is noted.
    const STREAMS_OBJECTS: bool = false;

    /// Whether the last event is read though its closing blank line never came, if its data is a whole
    /// JSON object. Some servers leave that line out.
    const READS_LAST_EVENT: bool = false;

    /// Reads one frame: the data of an event with its name (empty where none was given), or one JSON
    /// object of a body without events (its name is empty).
    fn read(&mut self, name: &str, data: &str, out: &mut Vec<Event>) -> Taken;

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
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was whole.
    Whole,
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
}

/// How a body came to its end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Close<'a> {
    /// As streams of its form do.
    Clean,
    /// It was one whole JSON object.
    Plain,
    /// It was cut, and where.
    Cut(&'a str),
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
        }
    }
}

impl<R: Reader> Decoder for BodyDecoder<R> {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<Event>) {
        self.keep_start(bytes);
        let rest = self.sniff(bytes, out);
        self.push_on(rest, out);
    }

    fn end(&mut self, out: &mut Vec<Event>) {
        match std::mem::replace(&mut self.body, Body::Over) {
            Body::Unclear(bytes) | Body::Whole(bytes) => self.end_whole(&bytes, out),
            Body::Events(mut sse) => {
                let tail = sse.end().unwrap_or_default();
                if let Some(error) = bare_error(&tail).filter(|_| !self.faulted) {
                    return self.fail(error, out);
                }
                let last = last_event(&tail).filter(|_| R::READS_LAST_EVENT);
                let broken = last.is_none() && !tail.is_empty() && !tail.starts_with(':');
                if let Some((name, data)) = last {
                    self.read(name, data, out);
                }
                let close = if broken {
                    Close::Cut("the stream broke off inside an event")
                } else {
                    Close::Clean
                };
                self.end_stream(close, out);
            }
            Body::Json(values) => {
                let end = values.end();
                let close = if end.unfinished.is_some() {
                    Close::Cut("the stream broke off inside a JSON object")
                } else if end.open_array {
                    Close::Cut("the stream ended without its closing bracket")
                } else if !R::STREAMS_OBJECTS && !end.closed_array && self.frames_read == 1 {
                    self.note("a plain JSON answer came to a streamed request", out);
                    Close::Plain
                } else {
                    Close::Clean
                };
                self.end_stream(close, out);
            }
            Body::Over => {}
        }
    }
}

impl<R: Reader> BodyDecoder<R> {
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
                    self.fail(error, out);
                }
            }
            Frame::Comment { .. } => out.push(Event::KeepAlive),
            Frame::Repaired => self.note("bytes that are not UTF-8 were replaced", out),
            Frame::Oversized => {
                let limit = MAX_EVENT_BYTES >> 20;
                self.protocol(format!("one event is larger than {limit} MiB"), out);
            }
        }
    }

    fn read_found(&mut self, found: Found, out: &mut Vec<Event>) {
        match found {
            Found::Object(bytes) => match String::from_utf8(bytes) {
                Ok(text) => self.read("", &text, out),
                Err(broken) => {
                    self.note("bytes that are not UTF-8 were replaced", out);
                    let text = String::from_utf8_lossy(broken.as_bytes()).into_owned();
                    self.read("", &text, out);
                }
            },
            _ if self.faulted => {}
            Found::Other => {
                let message = "something that is no JSON object stands where one should";
                self.protocol(message.into(), out);
            }
            Found::TooLong => {
                let limit = MAX_OBJECT_BYTES >> 20;
                self.protocol(format!("one object is larger than {limit} MiB"), out);
            }
        }
    }

    fn read(&mut self, name: &str, data: &str, out: &mut Vec<Event>) {
        self.frames_read += 1;
        if self.faulted {
            return;
        }
        if data.is_empty() {
            return out.push(Event::KeepAlive);
        }
        let before = out.len();
        let taken = self.reader.read(name, data, out);
        self.token |= out[before..].iter().any(Event::is_token);
        match taken {
            Taken::Read => {}
            Taken::Failed(error) => self.fail(error, out),
            Taken::Unreadable(why) => {
                self.protocol(format!("{why}: {}", excerpt(data)), out);
            }
        }
    }

    fn end_stream(&mut self, close: Close<'_>, out: &mut Vec<Event>) {
        if self.faulted {
            return;
        }
        if !self.is_ok() {
            let start = String::from_utf8_lossy(&self.start).into_owned();
            return self.fail_by_status(&start, out);
        }
        if self.frames_read == 0 && close == Close::Clean {
            let start = excerpt(&String::from_utf8_lossy(&self.start));
            return self.interrupted(format!("the stream ended before it began: {start}"), out);
        }
        let before = out.len();
        let ended = match close {
            Close::Plain => self.reader.end_plain(out),
            Close::Clean | Close::Cut(_) => self.reader.end(out),
        };
        self.token |= out[before..].iter().any(Event::is_token);
        match (ended, close) {
            (_, Close::Cut(cut)) => self.interrupted(cut.to_owned(), out),
            (Ended::Whole, _) => {}
            (Ended::BrokeOff(what), _) => self.interrupted(what, out),
            (Ended::NoAnswer(why), _) => {
                let start = excerpt(&String::from_utf8_lossy(&self.start));
                self.protocol(format!("{why}: {start}"), out);
            }
        }
    }

    fn end_whole(&mut self, bytes: &[u8], out: &mut Vec<Event>) {
        let text = String::from_utf8_lossy(bytes);
        let text = text.trim_start_matches('\u{FEFF}').trim();
        if !self.is_ok() {
            return self.fail_by_status(text, out);
        }
        let what = match text.bytes().next() {
            None => return self.protocol("the body is empty".into(), out),
            Some(_) if sse_begins_with(text.as_bytes()) => {
                let what = "the stream broke off inside its first event";
                return self.interrupted(what.into(), out);
            }
            Some(b'<') => "a page",
            Some(_) => "text",
        };
        let message = format!("{what} came instead of an answer: {}", excerpt(text));
        self.protocol(message, out);
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

    fn note(&self, text: &str, out: &mut Vec<Event>) {
        if !self.faulted {
            out.push(Event::Note { text: text.into() });
        }
    }

    fn fail(&mut self, error: ProviderError, out: &mut Vec<Event>) {
        self.faulted = true;
        out.push(Event::Fault(error.into_fault(&self.head, self.phase())));
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

/// The name and data of an event that lacks only its closing blank line.
fn last_event(tail: &str) -> Option<(&str, &str)> {
    let field = |name| {
        let mut values = tail.lines().filter_map(move |l| l.strip_prefix(name));
        values.next().map(str::trim)
    };
    let data = field("data:").filter(|data| data.starts_with('{'))?;
    let whole = serde_json::from_str::<&serde_json::value::RawValue>(data).is_ok();
    whole.then(|| (field("event:").unwrap_or_default(), data))
}

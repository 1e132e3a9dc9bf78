//! Decodes one response body: finds out what came (events, JSON, a page), and tells a whole answer from
//! one that broke off.

use super::chunk::{ChunkReader, NotAChunk, note};
use crate::{
    body::{
        BodyKind,
        error::{self, ProviderError},
        excerpt::excerpt,
        is_blank, kind_of, sse_begins_with, type_note,
    },
    dialect::{Decoder, ResponseHead},
    event::{Event, Fault, FaultClass, Phase},
    transport::sse::{Frame, MAX_EVENT_BYTES, Sse},
};

/// Most bytes of a body that has to be held whole (JSON, a page): 8 MiB.
const MAX_BODY_BYTES: usize = 8 << 20;

/// The dialect's end mark.
const DONE: &str = "[DONE]";

/// Decodes one response.
#[derive(Debug)]
pub(super) struct ChatDecoder {
    head: ResponseHead,
    body: Body,
    reader: ChunkReader,
    frames: Vec<Frame>,
    /// The body's first bytes, to show if no event comes of them.
    start: Vec<u8>,
    /// Whether an event was there.
    spoke: bool,
    done: bool,
    faulted: bool,
}

/// What the body is.
#[derive(Debug)]
enum Body {
    /// Not known yet: too few bytes, blanks left out.
    Unclear(Vec<u8>),
    Events(Sse),
    /// JSON, a page, or plain text: read when it has ended.
    Whole(Vec<u8>),
    /// Ended, or given up.
    Over,
}

impl ChatDecoder {
    pub(super) fn new(head: &ResponseHead) -> Self {
        Self {
            head: head.clone(),
            body: Body::Unclear(Vec::new()),
            reader: ChunkReader::default(),
            frames: Vec::new(),
            start: Vec::new(),
            spoke: false,
            done: false,
            faulted: false,
        }
    }
}

impl Decoder for ChatDecoder {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<Event>) {
        self.keep_start(bytes);
        let rest = self.sniff(bytes, out);
        self.push_on(rest, out);
    }

    fn end(&mut self, out: &mut Vec<Event>) {
        match std::mem::replace(&mut self.body, Body::Over) {
            Body::Unclear(held) => self.end_whole(&held, out),
            Body::Whole(bytes) => self.end_whole(&bytes, out),
            Body::Events(mut sse) => {
                let tail = sse.end();
                self.end_events(tail.as_deref().unwrap_or_default(), out);
            }
            Body::Over => {}
        }
    }
}

impl ChatDecoder {
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
                self.body = match kind {
                    BodyKind::Events => Body::Events(Sse::default()),
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
            Body::Whole(held) if held.len() + bytes.len() > MAX_BODY_BYTES => {
                self.body = Body::Over;
                let limit = format!("the body is larger than {} MiB", MAX_BODY_BYTES >> 20);
                self.fail_by_status(&limit, out);
            }
            Body::Whole(held) => held.extend_from_slice(bytes),
            Body::Unclear(_) | Body::Over => {}
        }
    }

    fn read_frame(&mut self, frame: Frame, out: &mut Vec<Event>) {
        match frame {
            Frame::Event { event, data } => self.read_event(&event, data.trim(), out),
            _ if self.faulted => {}
            Frame::Bare { text } if !self.done => {
                if let Some(error) = error::bare_error(&text) {
                    self.fail(error, out);
                }
            }
            Frame::Bare { .. } => {}
            Frame::Comment { .. } => out.push(Event::KeepAlive),
            Frame::Repaired => note("bytes that are not UTF-8 were replaced", out),
            Frame::Oversized => {
                let limit = MAX_EVENT_BYTES >> 20;
                self.protocol(format!("one event is larger than {limit} MiB"), out);
            }
        }
    }

    fn read_event(&mut self, event: &str, data: &str, out: &mut Vec<Event>) {
        self.spoke = true;
        if self.faulted {
            self.read_further_fault(event, data, out);
        } else if data.is_empty() {
            out.push(Event::KeepAlive);
        } else if data == DONE && self.done {
            note("a second [DONE] came and was ignored", out);
        } else if data == DONE {
            self.end_of_answer(out);
        } else if self.done {
            note("data after [DONE] was ignored", out);
        } else if event == "error" {
            let error = error_of(data);
            self.fail(error, out);
        } else {
            self.read_chunk(event, data, out);
        }
    }

    fn read_chunk(&mut self, event: &str, data: &str, out: &mut Vec<Event>) {
        match self.reader.read(data, out) {
            Ok(Some(error)) => self.fail(error, out),
            Ok(None) => {}
            Err(_) if matches!(event, "ping" | "heartbeat" | "keepalive" | "keep-alive") => {
                out.push(Event::KeepAlive);
            }
            Err(_) if event != "message" => out.push(Event::Unknown {
                kind: format!("event {event}"),
                raw: data.to_owned(),
            }),
            Err(error) => self.not_a_chunk("an event", &error, data, out),
        }
    }

    /// After a fault nothing counts but further errors.
    fn read_further_fault(&mut self, event: &str, data: &str, out: &mut Vec<Event>) {
        let error = if event == "error" {
            Some(error_of(data))
        } else {
            let read = ChunkReader::default().read(data, &mut Vec::new());
            read.ok().flatten()
        };
        if let Some(error) = error {
            self.fail(error, out);
        }
    }

    fn end_of_answer(&mut self, out: &mut Vec<Event>) {
        self.reader.end(out);
        out.push(Event::Done);
        self.done = true;
    }

    /// The end of an event stream; `tail` is what was left of an unfinished event.
    fn end_events(&mut self, tail: &str, out: &mut Vec<Event>) {
        if self.faulted {
            return;
        }
        if let Some(error) = error::bare_error(tail).filter(|_| !self.done) {
            return self.fail(error, out);
        }
        if !self.is_ok() {
            let start = String::from_utf8_lossy(&self.start).into_owned();
            return self.fail_by_status(&start, out);
        }
        if !self.done && tail.trim_end().strip_prefix("data:").map(str::trim) == Some(DONE) {
            note("the stream ended without the blank line behind [DONE]", out);
            self.end_of_answer(out);
        }
        if !self.done {
            self.reader.end(out);
            let broken = !tail.is_empty() && !tail.starts_with(':');
            match self.broke_off(broken) {
                Some((class, message)) => return self.fault(class, message, out),
                None => note("the stream ended without [DONE]", out),
            }
        }
        self.judge(out);
    }

    /// Why a stream without its end mark is no whole answer; `None` if its finish reason was there.
    fn broke_off(&self, inside_an_event: bool) -> Option<(FaultClass, String)> {
        let start = || excerpt(&String::from_utf8_lossy(&self.start));
        if !self.spoke && !inside_an_event && !start().starts_with(':') {
            let message = format!("this is no event stream: {}", start());
            Some((FaultClass::Protocol, message))
        } else if self.reader.finish.is_none() {
            let message = "the stream ended without a finish reason and without [DONE]";
            Some((FaultClass::Interrupted, message.into()))
        } else if inside_an_event {
            let message = "the stream broke off inside an event";
            Some((FaultClass::Interrupted, message.into()))
        } else {
            None
        }
    }

    fn end_whole(&mut self, bytes: &[u8], out: &mut Vec<Event>) {
        let text = String::from_utf8_lossy(bytes);
        let text = text.trim_start_matches('\u{FEFF}').trim();
        if !self.is_ok() {
            return self.fail_by_status(text, out);
        }
        match text.bytes().next() {
            None => self.protocol("the body is empty".into(), out),
            Some(b'{' | b'[') => self.read_whole(text, out),
            Some(b'<') => {
                let message = format!("a page came instead of an answer: {}", excerpt(text));
                self.protocol(message, out);
            }
            Some(_) if sse_begins_with(text.as_bytes()) => {
                let message = "the stream broke off inside its first event".into();
                self.fault(FaultClass::Interrupted, message, out);
            }
            Some(_) => {
                let message = format!("text came instead of an answer: {}", excerpt(text));
                self.protocol(message, out);
            }
        }
    }

    /// Reads a body that is one JSON text: a whole completion, or an error with status 200.
    fn read_whole(&mut self, text: &str, out: &mut Vec<Event>) {
        note("a plain JSON answer came to a streamed request", out);
        if text.starts_with('[') {
            let error = serde_json::from_str(text)
                .ok()
                .and_then(|v| error::provider_error(&v));
            let message = || format!("this JSON is no answer: {}", excerpt(text));
            return match error {
                Some(error) => self.fail(error, out),
                None => self.protocol(message(), out),
            };
        }
        match self.reader.read(text, out) {
            Ok(Some(error)) => self.fail(error, out),
            Ok(None) => {
                self.reader.end(out);
                self.judge(out);
            }
            Err(NotAChunk(error)) if error.is_eof() => {
                let message = "the JSON answer broke off".into();
                self.fault(FaultClass::Interrupted, message, out);
            }
            Err(error) => self.not_a_chunk("the body", &error, text, out),
        }
    }

    /// The last look at an answer that came to its end.
    fn judge(&mut self, out: &mut Vec<Event>) {
        match self.reader.finish.as_deref() {
            _ if !self.reader.answered => {
                let start = excerpt(&String::from_utf8_lossy(&self.start));
                self.protocol(format!("the answer has no choice: {start}"), out);
            }
            Some("error") => {
                let error = ProviderError::of_text("the provider finished with “error”");
                self.fail(error, out);
            }
            Some(_) => {}
            None => note("the answer has no finish reason", out),
        }
    }

    fn is_ok(&self) -> bool {
        (200..300).contains(&self.head.status)
    }

    fn phase(&self) -> Phase {
        match self.reader.streaming {
            _ if !self.is_ok() => Phase::Headers,
            true => Phase::Stream,
            false => Phase::FirstToken,
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
        out.push(Event::Fault(error::of_response(&self.head, body)));
    }

    fn not_a_chunk(&mut self, what: &str, why: &NotAChunk, raw: &str, out: &mut Vec<Event>) {
        let message = format!("{what} is not a chat completion ({why}): {}", excerpt(raw));
        self.protocol(message, out);
    }

    fn protocol(&mut self, message: String, out: &mut Vec<Event>) {
        self.fault(FaultClass::Protocol, message, out);
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

fn error_of(data: &str) -> ProviderError {
    serde_json::from_str(data)
        .ok()
        .and_then(|value| error::provider_error(&value))
        .unwrap_or_else(|| ProviderError::of_text(data))
}

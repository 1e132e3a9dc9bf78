//! How a body ends: complete, cut, or not a body of the dialect.

use super::{AnswerEnd, BodyDecoder, BodyState, DONE, FrameReader};
use crate::{
    body::{error::bare_error, excerpt::excerpt, is_cut_json, is_events, json, sse_begins_with},
    event::{About, Event},
};

/// How the framing ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum BodyClose<'a> {
    /// As a stream of its kind should.
    Clean,
    /// It was one whole JSON object.
    Plain,
    /// It was cut, and where.
    Cut(&'a str),
}

impl<R: FrameReader> BodyDecoder<R> {
    /// The body is over.
    pub(super) fn close(&mut self, out: &mut Vec<Event>) {
        match std::mem::replace(&mut self.body, BodyState::Over) {
            BodyState::Unclear(bytes) | BodyState::Whole(bytes) => self.end_whole(&bytes, out),
            BodyState::Events(mut sse) => {
                let tail = sse.end().unwrap_or_default();
                if let Some(error) = bare_error(&tail).filter(|_| !self.faulted) {
                    self.fail_unless_over(error, &tail, out);
                }
                let last = last_event(&tail);
                let broken = last.is_none() && !tail.is_empty() && !tail.starts_with(':');
                if let Some((name, data)) = last {
                    self.read(name, data, out);
                    self.note(
                        About::Form,
                        "the blank line behind the last event is missing",
                        out,
                    );
                }
                let close = if broken {
                    BodyClose::Cut("the stream broke off inside an event")
                } else {
                    BodyClose::Clean
                };
                self.end_stream(close, out);
            }
            BodyState::Json(values) => {
                let end = values.end();
                let close = if let Some(object) = end.unfinished {
                    return self.end_object(object, out);
                } else if end.open_array {
                    BodyClose::Cut("the stream ended without its closing bracket")
                } else if !R::STREAMS_OBJECTS && !end.closed_array && self.frames_read == 1 {
                    self.note(
                        About::ContentType,
                        "a plain JSON answer came to a streamed request",
                        out,
                    );
                    BodyClose::Plain
                } else {
                    BodyClose::Clean
                };
                self.end_stream(close, out);
            }
            BodyState::Over => {}
        }
    }

    /// Ends a body inside an object.
    fn end_object(&mut self, object: Vec<u8>, out: &mut Vec<Event>) {
        let start = excerpt(&String::from_utf8_lossy(&object));
        if is_cut_json(object) {
            let cut = BodyClose::Cut("the stream broke off inside a JSON object");
            self.end_stream(cut, out);
        } else if !self.faulted {
            self.protocol_fault(format!("this is no JSON: {start}"), out);
        }
    }

    fn end_stream(&mut self, close: BodyClose<'_>, out: &mut Vec<Event>) {
        if self.faulted {
            return;
        }
        if !self.is_ok() {
            let start = String::from_utf8_lossy(&self.start).into_owned();
            return self.fail_by_status(&start, out);
        }
        if self.frames_read == 0 && close == BodyClose::Clean {
            return self.end_empty(out);
        }
        let before = out.len();
        let ended = match close {
            BodyClose::Plain => self.reader.end_plain(out),
            BodyClose::Clean | BodyClose::Cut(_) => self.reader.end(out),
        };
        self.token |= out[before..].iter().any(Event::is_token);
        match (ended, close) {
            (AnswerEnd::Failed(error), _) => self.fail(error, out),
            (AnswerEnd::Marked, _) => {}
            (_, BodyClose::Cut(cut)) => self.interrupted_fault(cut.to_owned(), out),
            (AnswerEnd::Unmarked(note), _) => {
                if let Some(note) = note {
                    self.note(About::EndMark, note, out);
                }
            }
            (AnswerEnd::BrokeOff(what), _) => self.interrupted_fault(what, out),
            (AnswerEnd::NoAnswer(why), _) => {
                self.protocol_fault(format!("{why}: {}", self.first_bytes()), out);
            }
        }
    }

    /// Ends a stream without any frame.
    fn end_empty(&mut self, out: &mut Vec<Event>) {
        let first_bytes = self.first_bytes();
        if is_events(first_bytes.trim_start_matches('\u{FEFF}').as_bytes()) {
            self.interrupted_fault(
                format!("the stream ended before it began: {first_bytes}"),
                out,
            );
        } else {
            self.protocol_fault(format!("this is no event stream: {first_bytes}"), out);
        }
    }

    /// The first bytes of the body, for a message.
    fn first_bytes(&self) -> String {
        excerpt(&String::from_utf8_lossy(&self.start))
    }

    fn end_whole(&mut self, bytes: &[u8], out: &mut Vec<Event>) {
        let text = String::from_utf8_lossy(bytes);
        let text = text.trim_start_matches('\u{FEFF}').trim();
        if !self.is_ok() {
            return self.fail_by_status(text, out);
        }
        let what = match text.bytes().next() {
            None => return self.protocol_fault("the body is empty".into(), out),
            Some(_) if sse_begins_with(text.as_bytes()) => {
                let what = "the stream broke off inside its first event";
                return self.interrupted_fault(what.into(), out);
            }
            Some(b'<') => "a page",
            Some(_) => "text",
        };
        let message = format!("{what} came instead of an answer: {}", excerpt(text));
        self.protocol_fault(message, out);
    }
}

/// The name and data of a last event that lacks only its blank line, which some servers omit.
fn last_event(tail: &str) -> Option<(&str, &str)> {
    let field = |name| {
        let mut values = tail.lines().filter_map(move |l| l.strip_prefix(name));
        values.next().map(str::trim)
    };
    let data = field("data:")?;
    let is_whole = data == DONE || data.starts_with('{') && json::is_json(data);
    is_whole.then(|| (field("event:").unwrap_or("message"), data))
}

//! How a body ends: whole, cut, or as nothing that the dialect says.

use super::{Body, BodyDecoder, DONE, Ended, Reader};
use crate::{
    body::{error::bare_error, excerpt::excerpt, is_cut_json, is_events, json, sse_begins_with},
    event::{About, Event},
};

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

impl<R: Reader> BodyDecoder<R> {
    /// The body is over.
    pub(super) fn close(&mut self, out: &mut Vec<Event>) {
        match std::mem::replace(&mut self.body, Body::Over) {
            Body::Unclear(bytes) | Body::Whole(bytes) => self.end_whole(&bytes, out),
            Body::Events(mut sse) => {
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
                    Close::Cut("the stream broke off inside an event")
                } else {
                    Close::Clean
                };
                self.end_stream(close, out);
            }
            Body::Json(values) => {
                let end = values.end();
                let close = if let Some(object) = end.unfinished {
                    return self.end_object(object, out);
                } else if end.open_array {
                    Close::Cut("the stream ended without its closing bracket")
                } else if !R::STREAMS_OBJECTS && !end.closed_array && self.frames_read == 1 {
                    self.note(
                        About::ContentType,
                        "a plain JSON answer came to a streamed request",
                        out,
                    );
                    Close::Plain
                } else {
                    Close::Clean
                };
                self.end_stream(close, out);
            }
            Body::Over => {}
        }
    }

    /// The end of a body inside an object.
    fn end_object(&mut self, object: Vec<u8>, out: &mut Vec<Event>) {
        let start = excerpt(&String::from_utf8_lossy(&object));
        if is_cut_json(object) {
            let cut = Close::Cut("the stream broke off inside a JSON object");
            self.end_stream(cut, out);
        } else if !self.faulted {
            self.protocol(format!("this is no JSON: {start}"), out);
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
            return self.end_unbegun(out);
        }
        let before = out.len();
        let ended = match close {
            Close::Plain => self.reader.end_plain(out),
            Close::Clean | Close::Cut(_) => self.reader.end(out),
        };
        self.token |= out[before..].iter().any(Event::is_token);
        match (ended, close) {
            (Ended::Failed(error), _) => self.fail(error, out),
            (Ended::Marked, _) => {}
            (_, Close::Cut(cut)) => self.interrupted(cut.to_owned(), out),
            (Ended::Unmarked(note), _) => {
                if let Some(note) = note {
                    self.note(About::EndMark, note, out);
                }
            }
            (Ended::BrokeOff(what), _) => self.interrupted(what, out),
            (Ended::NoAnswer(why), _) => self.protocol(format!("{why}: {}", self.begun()), out),
        }
    }

    /// The end of a stream in which nothing was said.
    fn end_unbegun(&mut self, out: &mut Vec<Event>) {
        let begun = self.begun();
        if is_events(begun.trim_start_matches('\u{FEFF}').as_bytes()) {
            self.interrupted(format!("the stream ended before it began: {begun}"), out);
        } else {
            self.protocol(format!("this is no event stream: {begun}"), out);
        }
    }

    /// What the body began with, fit to be shown.
    fn begun(&self) -> String {
        excerpt(&String::from_utf8_lossy(&self.start))
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
}

/// The name and data of an event that lacks only its closing blank line, which some servers leave out.
fn last_event(tail: &str) -> Option<(&str, &str)> {
    let field = |name| {
        let mut values = tail.lines().filter_map(move |l| l.strip_prefix(name));
        values.next().map(str::trim)
    };
    let data = field("data:")?;
    let is_whole = data == DONE || data.starts_with('{') && json::is_json(data);
    is_whole.then(|| (field("event:").unwrap_or("message"), data))
}

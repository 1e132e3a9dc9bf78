//! The guard in front of `eventsource-stream`: bytes in, server-sent events and comments out.
//!
//! The crate reads an event's fields as WHATWG asks, but alone it panics on a byte order mark, scans a
//! pending line again at each chunk, fails on split or invalid UTF-8 and hides comments. So the guard
//! cuts the bytes into whole lines with one kind of line end, repairs their UTF-8, bounds them, and
//! hands the crate whole lines only. Every byte is looked at once and copied once, however the stream was split. Data
//! may be large: it does not go through the crate, which is asked for an event's name, and only where its lines are
//! others than those of the event before. No clock, no socket.
//!
//! Source of the rules: <https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream>.

mod names;
#[cfg(test)]
mod tests;
mod utf8;

use std::{borrow::Cow, sync::Arc};

use memchr::memchr2;

use self::{
    names::Names,
    utf8::{repaired, text_of, whole_text_of},
};
use super::json;

/// Most bytes of one line, and of one event, as of an object in other framings: a picture may stand in one.
pub const MAX_EVENT_BYTES: usize = 64 << 20;

/// The line that stands for an event's data among its lines.
const DATA: &str = "data:\n";

/// What the buffers keep of their memory between events.
const KEPT_BYTES: usize = 64 << 10;

const BOM: &[u8] = b"\xEF\xBB\xBF";

/// One thing that the stream said, in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// An event with data.
    Event {
        /// Its type; `message` where the stream gave none.
        event: Arc<str>,
        /// Its data lines, joined by line feeds.
        data: String,
    },
    /// Lines without any data that look like JSON. A stream has no such thing, yet Google's servers, and
    /// gateways before them, write an error so, pretty-printed, once an answer has begun.
    Bare {
        /// The lines.
        text: String,
    },
    /// A line `error: …`, which is llama.cpp's own: an error, mostly as JSON.
    Error {
        /// What stands behind the colon.
        text: String,
    },
    /// The event that follows was not divided from the next one by a blank line.
    Undivided,
    /// A comment line without its colon and one leading space: a keep-alive.
    Comment {
        /// The comment.
        text: String,
    },
    /// The line that follows held bytes that are not UTF-8; each run of them became U+FFFD.
    Repaired,
    /// A line or an event grew past [`MAX_EVENT_BYTES`]. Nothing follows.
    Oversized,
}

/// Reads one event stream.
#[derive(Debug)]
pub struct Sse {
    /// Bytes of the line that has not ended yet.
    line: Vec<u8>,
    /// Whole lines of the event that has not ended yet, each with its line feed; no comments, and of its data lines
    /// only the first, empty.
    event: String,
    /// The data of these lines, joined by line feeds. It may be large, so it is moved from hand to hand.
    data: Option<String>,
    /// How many lines of data there are.
    data_lines: usize,
    names: Names,
    place: Place,
    /// Most bytes of an event.
    most: usize,
}

impl Default for Sse {
    fn default() -> Self {
        Self::of_most(MAX_EVENT_BYTES)
    }
}

/// Where the next byte stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    /// At the very start, where a byte order mark may stand.
    #[default]
    Start,
    InLine,
    /// Behind a CR: a LF would belong to it.
    AfterCr,
    Closed,
}

impl Sse {
    fn of_most(most: usize) -> Self {
        Self {
            line: Vec::new(),
            event: String::new(),
            data: None,
            data_lines: 0,
            names: Names::default(),
            place: Place::Start,
            most,
        }
    }

    /// Takes the next bytes, in pieces of any size, and appends the frames they completed.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<Frame>) {
        let mut rest = bytes;
        while !rest.is_empty() {
            rest = match self.place {
                Place::Start => self.skip_bom(rest),
                Place::AfterCr => {
                    self.place = Place::InLine;
                    rest.strip_prefix(b"\n").unwrap_or(rest)
                }
                Place::InLine => self.take_line(rest, out),
                Place::Closed => return,
            };
        }
    }

    /// Ends the stream. Gives what was left of an event without its closing blank line (such an event
    /// is not dispatched), or of a last line without its end; `None` if the stream ended cleanly.
    pub fn end(&mut self) -> Option<String> {
        if self.place == Place::Closed {
            return None;
        }
        self.place = Place::Closed;
        let line = text_of(std::mem::take(&mut self.line).into());
        let mut tail = match self.data.take() {
            // The data first, as it may be large: in which order the fields of an event stand says nothing.
            Some(mut data) => {
                if self.data_lines > 1 {
                    data = data.replace('\n', "\ndata: ");
                }
                data.insert_str(0, "data: ");
                data.push('\n');
                data.push_str(&self.event.replacen(DATA, "", 1));
                data
            }
            None => std::mem::take(&mut self.event),
        };
        if tail.is_empty() {
            tail = line.into_owned();
        } else {
            tail.push_str(&line);
        }
        (!tail.is_empty()).then_some(tail)
    }

    /// Gathers the first bytes until it is clear whether they are a byte order mark.
    fn skip_bom<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let Some((first, rest)) = bytes.split_first() else {
            return bytes;
        };
        let held = self.line.len();
        if BOM.get(held) != Some(first) {
            self.place = Place::InLine;
            return bytes;
        }
        self.line.push(*first);
        if self.line == BOM {
            self.line.clear();
            self.place = Place::InLine;
        }
        rest
    }

    /// Takes bytes up to the next line end, and gives those behind it.
    fn take_line<'a>(&mut self, bytes: &'a [u8], out: &mut Vec<Frame>) -> &'a [u8] {
        let end = memchr2(b'\n', b'\r', bytes);
        let (head, rest) = bytes.split_at(end.unwrap_or(bytes.len()));
        if self.bytes_held() + self.line.len() + head.len() > self.most {
            self.close(out);
            return &[];
        }
        let Some((end, rest)) = rest.split_first() else {
            self.line.extend_from_slice(head);
            return rest;
        };
        if *end == b'\r' {
            self.place = Place::AfterCr;
        }
        if self.line.is_empty() {
            self.end_line(head.into(), out);
        } else {
            let mut line = std::mem::take(&mut self.line);
            line.extend_from_slice(head);
            self.end_line(line.into(), out);
        }
        rest
    }

    /// More came than is held.
    fn close(&mut self, out: &mut Vec<Frame>) {
        *self = Self {
            place: Place::Closed,
            ..Self::of_most(self.most)
        };
        out.push(Frame::Oversized);
    }

    /// The bytes of the event so far, its fields' names among them.
    fn bytes_held(&self) -> usize {
        let data = self.data.as_ref().map_or(0, String::len);
        self.event.len() + data + self.data_lines * "data: ".len()
    }

    fn end_line(&mut self, line: Cow<'_, [u8]>, out: &mut Vec<Frame>) {
        if line.is_empty() {
            return self.dispatch(out);
        }
        let room = self.most.saturating_sub(self.bytes_held());
        let line = match whole_text_of(line) {
            Ok(line) => line,
            Err(line) => {
                let Some(line) = repaired(&line, room) else {
                    return self.close(out);
                };
                out.push(Frame::Repaired);
                line.into()
            }
        };
        if line.starts_with("data:") || line == "data" {
            self.end_data_line(line, out);
        } else if let Some(comment) = line.strip_prefix(':') {
            out.push(Frame::Comment {
                text: comment.strip_prefix(' ').unwrap_or(comment).to_owned(),
            });
        } else if let Some(error) = line.strip_prefix("error:") {
            let text = error.trim().to_owned();
            out.push(Frame::Error { text });
        } else {
            if line.starts_with("event:") && self.event.starts_with("event:") && self.is_whole() {
                out.push(Frame::Undivided);
                self.dispatch(out);
            }
            self.event.push_str(&line);
            self.event.push('\n');
        }
    }

    /// Adds the line's data to the event's.
    fn end_data_line(&mut self, line: Cow<'_, str>, out: &mut Vec<Frame>) {
        if self.is_whole() {
            out.push(Frame::Undivided);
            self.dispatch(out);
        }
        let begin = if line.starts_with("data: ") { 6 } else { 5 };
        let begin = begin.min(line.len());
        self.data_lines += 1;
        if let Some(data) = &mut self.data {
            data.push('\n');
            data.push_str(&line[begin..]);
        } else {
            self.data = Some(match line {
                Cow::Borrowed(line) => line[begin..].to_owned(),
                Cow::Owned(mut line) => {
                    line.drain(..begin);
                    line
                }
            });
            self.event.push_str(DATA);
        }
    }

    /// Whether another line of data, or another name, begins another event though no blank line came: the data so far
    /// is a whole JSON object. Some servers divide events by one line end
    /// (<https://github.com/owndev/Open-WebUI-Functions/issues/54>).
    fn is_whole(&self) -> bool {
        let Some(first) = self.data.as_ref().filter(|_| self.data_lines == 1) else {
            return false;
        };
        let first = first.trim();
        first.starts_with('{') && json::is_json(first) || first == "[DONE]"
    }

    /// Tells the event that these lines make.
    fn dispatch(&mut self, out: &mut Vec<Frame>) {
        self.data_lines = 0;
        if let Some(data) = self.data.take() {
            let event = self.names.of(&self.event);
            out.push(Frame::Event { event, data });
        } else if self.event.starts_with(['{', '[']) {
            let text = std::mem::take(&mut self.event);
            out.push(Frame::Bare { text });
        }
        self.event.clear();
        self.event.shrink_to(KEPT_BYTES);
    }
}

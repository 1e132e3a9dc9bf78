//! Parser of server-sent events, in front of `eventsource-stream`: bytes in, events and comments out.
//!
//! The crate parses an event's fields as WHATWG specifies, but alone it panics on a byte order mark, scans a pending
//! line again at each chunk, fails on split or invalid UTF-8 and hides comments. So this parser splits the bytes into
//! whole lines with one kind of line end, repairs their UTF-8, limits their length, and hands only whole lines to the
//! crate. Every byte is read once and copied once, however the stream was split. Data may be large, so it does not go
//! through the crate, which is asked only for an event's name, and only if its lines differ from those of the
//! previous event. No clock, no socket.
//!
//! Source of the rules: <https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream>.

mod names;
#[cfg(test)]
mod tests;
mod utf8;

use std::{borrow::Cow, sync::Arc};

use memchr::memchr2;

use self::{
    names::EventNames,
    utf8::{replace_invalid, utf8, utf8_lossy},
};
use super::json;

/// Most bytes of one line, and of one event: large enough for an image. Other framings have the same limit for an
/// object.
pub const MAX_EVENT_BYTES: usize = 64 << 20;

/// The line that replaces an event's data among its lines.
const DATA: &str = "data:\n";

/// The memory that buffers keep between events.
const KEPT_BYTES: usize = 64 << 10;

const BOM: &[u8] = b"\xEF\xBB\xBF";

/// One frame of the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SseFrame {
    /// An event with data.
    Event {
        /// Its type; `message` where the stream gave none.
        event: Arc<str>,
        /// Its data lines, joined by line feeds.
        data: String,
    },
    /// Lines outside of any event that look like JSON. Not part of the format, but Google's servers, and gateways in
    /// front of them, write an error like that, pretty-printed, after an answer has begun.
    Bare {
        /// The lines.
        text: String,
    },
    /// A line `error: …`, an extension of llama.cpp: an error, mostly as JSON.
    Error {
        /// The text after the colon.
        text: String,
    },
    /// The following event was not separated from the next one by a blank line.
    Undivided,
    /// A comment line without its colon and one leading space: a keep-alive.
    Comment {
        /// The comment.
        text: String,
    },
    /// The following line had invalid UTF-8; each invalid sequence became U+FFFD.
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
    /// The data of these lines, joined by line feeds. It may be large, so it is moved, never copied.
    data: Option<String>,
    /// The number of data lines.
    data_lines: usize,
    names: EventNames,
    position: LinePosition,
    /// Most bytes of an event.
    limit: usize,
}

impl Default for Sse {
    fn default() -> Self {
        Self::with_limit(MAX_EVENT_BYTES)
    }
}

/// Where the next byte belongs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum LinePosition {
    /// At the very start, where a byte order mark may stand.
    #[default]
    Start,
    InLine,
    /// After a CR: a LF would belong to it.
    AfterCr,
    Closed,
}

impl Sse {
    fn with_limit(limit: usize) -> Self {
        Self {
            line: Vec::new(),
            event: String::new(),
            data: None,
            data_lines: 0,
            names: EventNames::default(),
            position: LinePosition::Start,
            limit,
        }
    }

    /// Parses the next bytes, however they are split, and appends the frames that they completed.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<SseFrame>) {
        let mut rest = bytes;
        while !rest.is_empty() {
            rest = match self.position {
                LinePosition::Start => self.skip_bom(rest),
                LinePosition::AfterCr => {
                    self.position = LinePosition::InLine;
                    rest.strip_prefix(b"\n").unwrap_or(rest)
                }
                LinePosition::InLine => self.take_line(rest, out),
                LinePosition::Closed => return,
            };
        }
    }

    /// Ends the stream. Returns an unfinished event (one without a blank line is not dispatched) or line; `None` if
    /// the stream ended cleanly.
    pub fn end(&mut self) -> Option<String> {
        if self.position == LinePosition::Closed {
            return None;
        }
        self.position = LinePosition::Closed;
        let line = utf8_lossy(std::mem::take(&mut self.line).into());
        let mut tail = match self.data.take() {
            // The data first, so that it is not copied: the order of an event's fields does not matter.
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
            self.position = LinePosition::InLine;
            return bytes;
        }
        self.line.push(*first);
        if self.line == BOM {
            self.line.clear();
            self.position = LinePosition::InLine;
        }
        rest
    }

    /// Takes bytes up to the next line end, and returns the rest.
    fn take_line<'a>(&mut self, bytes: &'a [u8], out: &mut Vec<SseFrame>) -> &'a [u8] {
        let end = memchr2(b'\n', b'\r', bytes);
        let (head, rest) = bytes.split_at(end.unwrap_or(bytes.len()));
        if self.bytes_held() + self.line.len() + head.len() > self.limit {
            self.close(out);
            return &[];
        }
        let Some((end, rest)) = rest.split_first() else {
            self.line.extend_from_slice(head);
            return rest;
        };
        if *end == b'\r' {
            self.position = LinePosition::AfterCr;
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

    /// The limit is exceeded.
    fn close(&mut self, out: &mut Vec<SseFrame>) {
        *self = Self {
            position: LinePosition::Closed,
            ..Self::with_limit(self.limit)
        };
        out.push(SseFrame::Oversized);
    }

    /// The bytes of the event so far, with the names of its fields.
    fn bytes_held(&self) -> usize {
        let data = self.data.as_ref().map_or(0, String::len);
        self.event.len() + data + self.data_lines * "data: ".len()
    }

    fn end_line(&mut self, line: Cow<'_, [u8]>, out: &mut Vec<SseFrame>) {
        if line.is_empty() {
            return self.dispatch(out);
        }
        let room = self.limit.saturating_sub(self.bytes_held());
        let line = match utf8(line) {
            Ok(line) => line,
            Err(line) => {
                let Some(line) = replace_invalid(&line, room) else {
                    return self.close(out);
                };
                out.push(SseFrame::Repaired);
                line.into()
            }
        };
        if line.starts_with("data:") || line == "data" {
            self.end_data_line(line, out);
        } else if let Some(comment) = line.strip_prefix(':') {
            out.push(SseFrame::Comment {
                text: comment.strip_prefix(' ').unwrap_or(comment).to_owned(),
            });
        } else if let Some(error) = line.strip_prefix("error:") {
            let text = error.trim().to_owned();
            out.push(SseFrame::Error { text });
        } else {
            if line.starts_with("event:") && self.event.starts_with("event:") && self.is_complete()
            {
                out.push(SseFrame::Undivided);
                self.dispatch(out);
            }
            self.event.push_str(&line);
            self.event.push('\n');
        }
    }

    /// Adds the line's data to the event's.
    fn end_data_line(&mut self, line: Cow<'_, str>, out: &mut Vec<SseFrame>) {
        if self.is_complete() {
            out.push(SseFrame::Undivided);
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

    /// Whether a further data line, or another name, begins a new event though no blank line came: because the data
    /// so far is a complete JSON object. Some servers separate events by a single line end
    /// (<https://github.com/owndev/Open-WebUI-Functions/issues/54>).
    fn is_complete(&self) -> bool {
        let Some(first) = self.data.as_ref().filter(|_| self.data_lines == 1) else {
            return false;
        };
        let first = first.trim();
        first.starts_with('{') && json::is_json(first) || first == "[DONE]"
    }

    /// Emits the event of these lines.
    fn dispatch(&mut self, out: &mut Vec<SseFrame>) {
        self.data_lines = 0;
        if let Some(data) = self.data.take() {
            let event = self.names.of(&self.event);
            out.push(SseFrame::Event { event, data });
        } else if self.event.starts_with(['{', '[']) {
            let text = std::mem::take(&mut self.event);
            out.push(SseFrame::Bare { text });
        }
        self.event.clear();
        self.event.shrink_to(KEPT_BYTES);
    }
}

//! The guard in front of `eventsource-stream`: bytes in, server-sent events and comments out.
//!
//! The crate reads an event's fields as WHATWG asks, but alone it panics on a byte order mark, scans a
//! pending line again at each chunk, fails on split or invalid UTF-8 and hides comments. So the guard
//! cuts the bytes into whole lines with one kind of line end, repairs their UTF-8, bounds them, and
//! hands the crate one whole event at a time, line by line. Every byte is looked at once, however the
//! stream was split. Data may be large: it does not go through the crate, and is not copied. No clock, no socket.
//!
//! Source of the rules: <https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream>.

use std::{convert::Infallible, iter};

use eventsource_stream::EventStream;
use futures_util::{FutureExt as _, StreamExt as _, stream};
use serde_json::value::RawValue;

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
        event: String,
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
        let line = text_of(std::mem::take(&mut self.line));
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
            tail = line;
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
        let end = bytes.iter().position(|b| matches!(b, b'\n' | b'\r'));
        let (head, rest) = bytes.split_at(end.unwrap_or(bytes.len()));
        if self.held() + self.line.len() + head.len() > self.most {
            self.close(out);
            return &[];
        }
        self.line.extend_from_slice(head);
        let Some((end, rest)) = rest.split_first() else {
            return rest;
        };
        self.end_line(out);
        if *end == b'\r' {
            self.place = Place::AfterCr;
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
    fn held(&self) -> usize {
        let data = self.data.as_ref().map_or(0, String::len);
        self.event.len() + data + self.data_lines * "data: ".len()
    }

    fn end_line(&mut self, out: &mut Vec<Frame>) {
        if self.line.is_empty() {
            return self.dispatch(out);
        }
        let room = self.most.saturating_sub(self.held());
        if std::str::from_utf8(&self.line).is_err() {
            let Some(line) = repaired(&self.line, room) else {
                return self.close(out);
            };
            self.line = line.into_bytes();
            out.push(Frame::Repaired);
        }
        if self.line.starts_with(b"data:") || self.line == b"data" {
            return self.end_data_line(out);
        }
        let line = String::from_utf8_lossy(&self.line);
        if let Some(comment) = line.strip_prefix(':') {
            out.push(Frame::Comment {
                text: comment.strip_prefix(' ').unwrap_or(comment).to_owned(),
            });
        } else if let Some(error) = line.strip_prefix("error:") {
            let text = error.trim().to_owned();
            out.push(Frame::Error { text });
        } else {
            let line = line.into_owned();
            if line.starts_with("event:") && self.event.starts_with("event:") && self.is_whole() {
                out.push(Frame::Undivided);
                self.dispatch(out);
            }
            self.event.push_str(&line);
            self.event.push('\n');
        }
        self.line.clear();
        self.line.shrink_to(KEPT_BYTES);
    }

    /// Adds the line's data to the event's.
    fn end_data_line(&mut self, out: &mut Vec<Frame>) {
        if self.is_whole() {
            out.push(Frame::Undivided);
            self.dispatch(out);
        }
        let begin = if self.line.starts_with(b"data: ") {
            6
        } else {
            5
        };
        let begin = begin.min(self.line.len());
        self.data_lines += 1;
        if let Some(data) = &mut self.data {
            data.push('\n');
            data.push_str(&String::from_utf8_lossy(&self.line[begin..]));
            self.line.clear();
            self.line.shrink_to(KEPT_BYTES);
        } else {
            let mut data = text_of(std::mem::take(&mut self.line));
            data.drain(..begin);
            self.data = Some(data);
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
        first.starts_with('{') && serde_json::from_str::<&RawValue>(first).is_ok()
            || first == "[DONE]"
    }

    /// Tells the event that these lines make.
    fn dispatch(&mut self, out: &mut Vec<Frame>) {
        let lines = std::mem::take(&mut self.event);
        self.data_lines = 0;
        out.extend(match self.data.take() {
            Some(data) => Some(Frame::Event {
                event: name_of(&lines),
                data,
            }),
            None => (lines.starts_with(['{', '['])).then_some(Frame::Bare { text: lines }),
        });
    }
}

/// The bytes as text, without a copy if they are UTF-8.
fn text_of(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|broken| String::from_utf8_lossy(broken.as_bytes()).into_owned())
}

/// A line with U+FFFD for what is not UTF-8, which takes up more bytes; nothing if there is no room for it.
fn repaired(line: &[u8], room: usize) -> Option<String> {
    let mut text = String::with_capacity(line.len());
    for chunk in line.utf8_chunks() {
        text.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            text.push(char::REPLACEMENT_CHARACTER);
        }
        if text.len() > room {
            return None;
        }
    }
    Some(text)
}

/// The name of the event that these lines make.
///
/// The first line is an empty comment, so that the crate's own check for a byte order mark never meets
/// the stream's bytes. The crate asks for one line at a time and never has to wait for it.
fn name_of(lines: &str) -> String {
    let message = || "message".to_owned();
    if lines == DATA {
        return message();
    }
    let lines = iter::once(":\n")
        .chain(lines.split_inclusive('\n'))
        // An event without data is none for the crate.
        .chain(["data: .\n", "\n"])
        .map(Ok::<_, Infallible>);
    let event = EventStream::new(stream::iter(lines))
        .next()
        .now_or_never()
        .flatten();
    event
        .and_then(Result::ok)
        .map_or_else(message, |event| event.event)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(bytes: &[u8], piece: usize) -> (Vec<Frame>, Option<String>) {
        let mut sse = Sse::default();
        let mut out = Vec::new();
        for chunk in bytes.chunks(piece) {
            sse.push(chunk, &mut out);
        }
        let tail = sse.end();
        (out, tail)
    }

    fn event(data: &str) -> Frame {
        Frame::Event {
            event: "message".into(),
            data: data.into(),
        }
    }

    fn comment(text: &str) -> Frame {
        Frame::Comment { text: text.into() }
    }

    #[test]
    fn comments_keep_their_place_among_events() {
        let (out, tail) = frames(b": a\ndata: 1\n: b\n\n:c\n\ndata: 2\n\n", 1);
        let expected = [
            comment("a"),
            comment("b"),
            event("1"),
            comment("c"),
            event("2"),
        ];
        assert_eq!(out, expected);
        assert_eq!(tail, None);
    }

    #[test]
    fn an_unfinished_event_is_told_and_not_dispatched() {
        let stream = b"data: 1\n\ndata: 2\ndata: 3";
        for piece in 1..stream.len() {
            let (out, tail) = frames(stream, piece);
            assert_eq!(out, [event("1")]);
            assert_eq!(tail.as_deref(), Some("data: 2\ndata: 3"));
        }
    }

    #[test]
    fn json_outside_of_an_event_is_told() {
        let stream = b"data: 1\n\n{\n  \"error\": {}\n}\n\nid: 7\n\n{\"a\": 1}\ndata: 2\n\n[3]\n";
        for piece in 1..stream.len() {
            let (out, tail) = frames(stream, piece);
            let text = "{\n  \"error\": {}\n}\n".into();
            assert_eq!(out, [event("1"), Frame::Bare { text }, event("2")]);
            assert_eq!(tail.as_deref(), Some("[3]\n"));
        }
    }

    #[test]
    fn events_divided_by_one_line_end_are_told_one_by_one() {
        let stream = b"data: {\"a\":1}\ndata: {\"b\":2}\ndata: [DONE]\n";
        for piece in 1..stream.len() {
            let (out, tail) = frames(stream, piece);
            let expected = [
                Frame::Undivided,
                event("{\"a\":1}"),
                Frame::Undivided,
                event("{\"b\":2}"),
            ];
            assert_eq!(out, expected);
            assert_eq!(tail.as_deref(), Some("data: [DONE]\n"));
        }
        let stream = b"event: x\ndata: {}\nevent: y\ndata: {}\n\n";
        let names: Vec<_> = (frames(stream, 3).0.into_iter())
            .filter_map(|frame| match frame {
                Frame::Event { event, .. } => Some(event),
                _ => None,
            })
            .collect();
        assert_eq!(names, ["x", "y"]);
    }

    #[test]
    fn one_event_of_several_lines_stays_one() {
        for (stream, data) in [
            ("data: {\ndata: \"a\": 1}\n\n", "{\n\"a\": 1}"),
            ("data: one\ndata: two\n\n", "one\ntwo"),
            ("data: {}\nid: 7\nretry: 1\n\n", "{}"),
        ] {
            assert_eq!(frames(stream.as_bytes(), 5).0, [event(data)], "{stream}");
        }
        let named_last = frames(b"data: {}\nevent: x\n\n", 5).0;
        assert!(matches!(&named_last[..], [Frame::Event { event, .. }] if event == "x"));
    }

    #[test]
    fn an_error_field_is_told_wherever_it_stands() {
        let stream = b"error: {\"message\": \"no\"}\n\ndata: 1\n\nerror:plain\n\n";
        for piece in 1..stream.len() {
            let error = |text: &str| Frame::Error { text: text.into() };
            let expected = [error("{\"message\": \"no\"}"), event("1"), error("plain")];
            assert_eq!(frames(stream, piece).0, expected);
        }
    }

    #[test]
    fn one_byte_order_mark_is_stripped_and_a_part_of_one_is_not() {
        assert_eq!(frames(b"\xEF\xBB\xBFdata: 1\n\n", 1).0, [event("1")]);
        let (out, _) = frames(b"\xEF\xBBdata: 1\n\n", 1);
        assert_eq!(out, [Frame::Repaired], "the field has another name then");
        assert_eq!(frames(b"\xEF\xBB", 1).1.as_deref(), Some("\u{FFFD}"));
    }

    #[test]
    fn invalid_utf8_is_repaired_per_line_and_flagged() {
        let stream = b"data: a\xF0\x9F\ndata: b\n\ndata: c\n\n";
        for piece in 1..stream.len() {
            let (out, _) = frames(stream, piece);
            assert_eq!(out, [Frame::Repaired, event("a\u{FFFD}\nb"), event("c")]);
        }
    }

    #[test]
    fn a_line_and_an_event_are_bounded() {
        const MOST: usize = 1 << 20;
        let mut long_line = b"data: 1\n\ndata: ".to_vec();
        long_line.resize(MOST + 100, b'x');
        long_line.extend_from_slice(b"\n\ndata: lost\n\n");
        let mut long_event = b"data: 1\n\n".to_vec();
        while long_event.len() < MOST + 200 {
            long_event.extend_from_slice(b"data: twelve more bytes\n");
        }
        let mut long_comment = b"data: 1\n\n:".to_vec();
        long_comment.resize(MOST + 100, b'x');
        // Each of its bytes becomes three.
        let mut broken = b"data: 1\n\ndata: ".to_vec();
        broken.resize(MOST / 2, 0xFF);
        broken.extend_from_slice(b"\n\ndata: lost\n\n");
        for stream in [long_line, long_event, long_comment, broken] {
            for piece in [stream.len(), 65_536, 4_099] {
                let (mut sse, mut out) = (Sse::of_most(MOST), Vec::new());
                for chunk in stream.chunks(piece) {
                    sse.push(chunk, &mut out);
                }
                assert_eq!(out, [event("1"), Frame::Oversized]);
                assert_eq!(sse.end(), None);
            }
        }
    }

    /// A reader that scans its pending line, or its pending event, again at each chunk would need some
    /// 10^13 steps here.
    #[test]
    fn the_work_is_linear_in_the_bytes() {
        let mut line = b"data: ".to_vec();
        line.resize(7 << 20, b'x');
        line.extend_from_slice(b"\n\n");
        let (out, _) = frames(&line, 1);
        assert!(matches!(&out[..], [Frame::Event { data, .. }] if data.len() == (7 << 20) - 6));

        let lines = [b"data\n".repeat(1 << 20), b"\n".to_vec()].concat();
        let (out, _) = frames(&lines, 3);
        assert!(matches!(&out[..], [Frame::Event { data, .. }] if data.len() == (1 << 20) - 1));
    }
}

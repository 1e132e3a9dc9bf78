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

use std::{
    borrow::Cow,
    convert::Infallible,
    fmt,
    pin::Pin,
    sync::{Arc, mpsc},
    task::{Context, Poll},
};

use eventsource_stream::EventStream;
use futures_util::{FutureExt as _, Stream, StreamExt as _};
use memchr::memchr2;

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

/// The bytes as text, without a copy if they are UTF-8.
fn text_of(bytes: Cow<'_, [u8]>) -> Cow<'_, str> {
    whole_text_of(bytes)
        .unwrap_or_else(|broken| String::from_utf8_lossy(&broken).into_owned().into())
}

/// The bytes as text, without a copy.
///
/// # Errors
/// The bytes, if they are not UTF-8.
fn whole_text_of(bytes: Cow<'_, [u8]>) -> Result<Cow<'_, str>, Cow<'_, [u8]>> {
    match bytes {
        Cow::Borrowed(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text.into()),
            Err(_) => Err(bytes.into()),
        },
        Cow::Owned(bytes) => match String::from_utf8(bytes) {
            Ok(text) => Ok(text.into()),
            Err(broken) => Err(broken.into_bytes().into()),
        },
    }
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

/// Tells the names of a stream's events, read by the crate.
struct Names {
    /// Where the crate's reader gets its lines from.
    lines: mpsc::Sender<String>,
    events: Box<EventStream<Lines>>,
    /// The lines of the event before, and its name.
    last: String,
    name: Arc<str>,
}

impl Names {
    /// The name of the event that these lines make. Most events of a stream have the same lines beside their data.
    fn of(&mut self, lines: &str) -> Arc<str> {
        if lines != self.last {
            let event = self.read(lines);
            if event.is_none() || lines.len() > KEPT_BYTES {
                // The crate stays at a line that it can't read, and keeps its memory.
                *self = Self::default();
            }
            let name = event.unwrap_or_else(|| "message".to_owned());
            if lines.len() > KEPT_BYTES {
                return name.into();
            }
            self.name = name.into();
            lines.clone_into(&mut self.last);
        }
        Arc::clone(&self.name)
    }

    /// The name of the event, unless the crate reads none.
    fn read(&mut self, lines: &str) -> Option<String> {
        // An event without data is none for the crate.
        self.lines.send(format!("{lines}data: .\n\n")).ok()?;
        let event = self.events.next().now_or_never()??;
        Some(event.ok()?.event)
    }
}

impl Default for Names {
    fn default() -> Self {
        let (lines, given) = mpsc::channel();
        // The first line is an empty comment, so that the crate's own check for a byte order mark never meets the
        // stream's bytes. It can't fail: the other end is here.
        let _ = lines.send(":\n".to_owned());
        Self {
            lines,
            events: Box::new(EventStream::new(Lines(given))),
            last: DATA.to_owned(),
            name: "message".into(),
        }
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Names").field(&self.name).finish()
    }
}

/// The lines that the crate reads: it never has to wait for one that it was promised.
struct Lines(mpsc::Receiver<String>);

impl Stream for Lines {
    type Item = Result<String, Infallible>;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0
            .try_recv()
            .map_or(Poll::Pending, |lines| Poll::Ready(Some(Ok(lines))))
    }
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

    fn names_of(frames: &[Frame]) -> Vec<&str> {
        let names = frames.iter().filter_map(|frame| match frame {
            Frame::Event { event, .. } => Some(&**event),
            _ => None,
        });
        names.collect()
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
        assert_eq!(names_of(&frames(stream, 3).0), ["x", "y"]);
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
        let stream = b"event: a\ndata: 1\n\nevent: a\ndata: 2\n\nid: 3\ndata: 3\n\nevent: b\nevent: a\ndata: 4\n\nevent\ndata: 5\n\n";
        let names = ["a", "a", "message", "a", "message"];
        assert_eq!(names_of(&frames(stream, 4).0), names);
        let named_last = frames(b"data: {}\nevent: x\n\n", 5).0;
        assert!(matches!(&named_last[..], [Frame::Event { event, .. }] if &**event == "x"));
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

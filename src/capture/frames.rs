//! The frames of a body, each beside the events that it completed.
//!
//! In: a [`Capture`]. Out: [`WireFrames`]: the unit of the wire that its protocol has (an event of a stream, a line, a gRPC
//! message), or a read where it has none. The decoder is fed frame by frame: its events don't depend on how it is fed.

use std::ops::Range;

use super::{Capture, CaptureDecoder, CapturedResponse};
use crate::{
    dialect::{DialectId, WireFormat},
    event::Event,
    run::OffsetNs,
};

/// All frames of a capture, in order. A frame takes some 40 bytes beside its events, and any of them is found at once.
#[derive(Debug, Default)]
pub struct WireFrames {
    frames: Vec<WireFrame>,
    events: Vec<Event>,
    /// Where the events of the end begin.
    end_events: usize,
}

/// One frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WireFrame {
    /// Its bytes in the body.
    pub bytes: Range<usize>,
    /// When its last byte arrived.
    pub at: OffsetNs,
    /// The read that brought its last byte.
    pub read: usize,
    /// Where its events stand among those of all frames.
    events: Range<usize>,
}

impl WireFrames {
    /// The frames of a capture; none without a response.
    #[must_use]
    pub fn of(capture: &Capture) -> Self {
        let mut decoder = CaptureDecoder::new(capture);
        let mut all = Self::default();
        if let Some(response) = &capture.response {
            let mut begin = 0;
            let mut read = 0;
            for end in ends(capture.run.dialect, response) {
                while response.reads.get(read).is_some_and(|read| read.end < end) {
                    read += 1;
                }
                let events = decoder.push(&response.body.bytes[begin..end]);
                let first = all.events.len();
                all.events.extend(events);
                all.frames.push(WireFrame {
                    bytes: begin..end,
                    at: response.reads.get(read).map_or(0, |read| read.at),
                    read,
                    events: first..all.events.len(),
                });
                begin = end;
            }
        }
        all.end_events = all.events.len();
        all.events.extend(decoder.end());
        all
    }

    /// The frames.
    #[must_use]
    pub fn all(&self) -> &[WireFrame] {
        &self.frames
    }

    /// The events that a frame completed.
    #[must_use]
    pub fn events(&self, frame: &WireFrame) -> &[Event] {
        &self.events[frame.events.clone()]
    }

    /// The events that only the end of the body makes known.
    #[must_use]
    pub fn end_events(&self) -> &[Event] {
        &self.events[self.end_events..]
    }
}

/// Where the frames of a body end.
fn ends(dialect: DialectId, response: &CapturedResponse) -> Vec<usize> {
    let body = &response.body.bytes;
    let mut ends = if matches!(dialect.dialect().wire, WireFormat::Grpc(_)) {
        message_ends(body)
    } else if is_event_stream(response) {
        blank_line_ends(body)
    } else if is_json_lines(response) {
        memchr::memchr_iter(b'\n', body).map(|at| at + 1).collect()
    } else {
        response
            .reads
            .iter()
            .map(|read| read.end.min(body.len()))
            .collect()
    };
    if ends.last().copied().unwrap_or(0) < body.len() {
        ends.push(body.len());
    }
    ends
}

/// Whether each line is a document, by the head.
fn is_json_lines(response: &CapturedResponse) -> bool {
    let kind = response.headers.get("content-type").unwrap_or_default();
    kind.starts_with("application/x-ndjson")
}

fn is_event_stream(response: &CapturedResponse) -> bool {
    let kind = response.headers.get("content-type").unwrap_or_default();
    let body = response.body.bytes.trim_ascii_start();
    let fields: [&[u8]; 5] = [b"data:", b"event:", b"id:", b"retry:", b":"];
    kind.contains("text/event-stream") || fields.iter().any(|field| body.starts_with(field))
}

/// Where each event of a stream ends: behind a blank line, whatever ends lines.
fn blank_line_ends(body: &[u8]) -> Vec<usize> {
    let mut ends = Vec::new();
    let mut is_line_empty = true;
    let mut at = 0;
    while at < body.len() {
        let Some(next) = memchr::memchr2(b'\n', b'\r', &body[at..]) else {
            break;
        };
        is_line_empty &= next == 0;
        at += next + 1;
        if body[at - 1] == b'\r' && body.get(at) == Some(&b'\n') {
            at += 1;
        }
        if std::mem::replace(&mut is_line_empty, true) {
            // Further blank lines belong to the same frame.
            match ends.last_mut() {
                Some(last) if body[*last..at].trim_ascii().is_empty() => *last = at,
                _ => ends.push(at),
            }
        }
    }
    ends
}

/// Where each message of gRPC ends: 0, or 1 where it is compressed, then its length in four bytes, then so many bytes.
fn message_ends(body: &[u8]) -> Vec<usize> {
    let mut ends = Vec::new();
    let mut at: usize = 0;
    while let Some([0 | 1, a, b, c, d]) = body.get(at..at + 5) {
        let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
        at = at.saturating_add(5).saturating_add(length);
        if at > body.len() {
            break;
        }
        ends.push(at);
    }
    ends
}

#[cfg(test)]
mod tests {
    use super::{super::tests as samples, *};

    #[test]
    fn blank_lines_end_events_whatever_ends_lines() {
        for (body, expected) in [
            (&b"data: a\n\ndata: b\n\n"[..], &[9, 18][..]),
            (b"data: a\r\n\r\ndata: b\r\r", &[11, 20]),
            (b":\n:\ndata: a\n\n\n\ndata: b", &[15]),
            (b"data: a", &[]),
            (b"", &[]),
        ] {
            assert_eq!(blank_line_ends(body), expected, "{body:?}");
        }
    }

    #[test]
    fn messages_end_where_their_length_says() {
        assert_eq!(message_ends(b"\0\0\0\0\x02ab\0\0\0\0\0\0\0"), [7, 12]);
        assert_eq!(message_ends(b"\0\xff\xff\xff\xffab"), [0; 0]);
        let page = b"\x01\0\0\0\x01a<html>\0\0";
        assert_eq!(message_ends(page), [6], "a page begins no message");
    }

    #[test]
    fn a_frame_knows_its_read_and_its_events() {
        let capture = samples::streamed();
        let response = capture.response.as_ref().unwrap();
        let frames = WireFrames::of(&capture);
        let mut end = 0;
        for frame in frames.all() {
            assert_eq!(frame.bytes.start, end, "no byte is left out");
            end = frame.bytes.end;
            let read = &response.reads[frame.read];
            assert!(read.end >= end && read.at == frame.at);
        }
        assert_eq!(end, response.body.bytes.len());
        let mut decoder = CaptureDecoder::new(&capture);
        let mut by_reads = Vec::new();
        for (_, bytes) in response.pieces() {
            by_reads.extend(decoder.push(bytes));
        }
        by_reads.extend(decoder.end());
        assert_eq!(frames.events, by_reads);
        assert!(frames.all().len() > 3 && !by_reads.is_empty());
    }
}

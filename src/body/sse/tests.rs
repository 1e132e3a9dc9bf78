//! Frames of whole streams, however they are cut.

use super::*;

fn frames(bytes: &[u8], piece: usize) -> (Vec<SseFrame>, Option<String>) {
    let mut sse = Sse::default();
    let mut out = Vec::new();
    for chunk in bytes.chunks(piece) {
        sse.push(chunk, &mut out);
    }
    let tail = sse.end();
    (out, tail)
}

fn event(data: &str) -> SseFrame {
    SseFrame::Event {
        event: "message".into(),
        data: data.into(),
    }
}

fn names_of(frames: &[SseFrame]) -> Vec<&str> {
    let names = frames.iter().filter_map(|frame| match frame {
        SseFrame::Event { event, .. } => Some(&**event),
        _ => None,
    });
    names.collect()
}

fn comment(text: &str) -> SseFrame {
    SseFrame::Comment { text: text.into() }
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
        assert_eq!(out, [event("1"), SseFrame::Bare { text }, event("2")]);
        assert_eq!(tail.as_deref(), Some("[3]\n"));
    }
}

#[test]
fn events_divided_by_one_line_end_are_told_one_by_one() {
    let stream = b"data: {\"a\":1}\ndata: {\"b\":2}\ndata: [DONE]\n";
    for piece in 1..stream.len() {
        let (out, tail) = frames(stream, piece);
        let expected = [
            SseFrame::Undivided,
            event("{\"a\":1}"),
            SseFrame::Undivided,
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
    assert!(matches!(&named_last[..], [SseFrame::Event { event, .. }] if &**event == "x"));
}

#[test]
fn an_error_field_is_told_wherever_it_stands() {
    let stream = b"error: {\"message\": \"no\"}\n\ndata: 1\n\nerror:plain\n\n";
    for piece in 1..stream.len() {
        let error = |text: &str| SseFrame::Error { text: text.into() };
        let expected = [error("{\"message\": \"no\"}"), event("1"), error("plain")];
        assert_eq!(frames(stream, piece).0, expected);
    }
}

#[test]
fn one_byte_order_mark_is_stripped_and_a_part_of_one_is_not() {
    assert_eq!(frames(b"\xEF\xBB\xBFdata: 1\n\n", 1).0, [event("1")]);
    let (out, _) = frames(b"\xEF\xBBdata: 1\n\n", 1);
    assert_eq!(out, [SseFrame::Repaired], "the field has another name then");
    assert_eq!(frames(b"\xEF\xBB", 1).1.as_deref(), Some("\u{FFFD}"));
}

#[test]
fn invalid_utf8_is_repaired_per_line_and_flagged() {
    let stream = b"data: a\xF0\x9F\ndata: b\n\ndata: c\n\n";
    for piece in 1..stream.len() {
        let (out, _) = frames(stream, piece);
        assert_eq!(out, [SseFrame::Repaired, event("a\u{FFFD}\nb"), event("c")]);
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
            let (mut sse, mut out) = (Sse::with_limit(MOST), Vec::new());
            for chunk in stream.chunks(piece) {
                sse.push(chunk, &mut out);
            }
            assert_eq!(out, [event("1"), SseFrame::Oversized]);
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
    assert!(matches!(&out[..], [SseFrame::Event { data, .. }] if data.len() == (7 << 20) - 6));

    let lines = [b"data\n".repeat(1 << 20), b"\n".to_vec()].concat();
    let (out, _) = frames(&lines, 3);
    assert!(matches!(&out[..], [SseFrame::Event { data, .. }] if data.len() == (1 << 20) - 1));
}

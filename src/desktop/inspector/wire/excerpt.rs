//! What a row of the wire says: its bytes as text, its events in words. All of it is safe to show.

use std::fmt::Write as _;

use crate::{
    event::Event,
    visible::{visible, visible_line},
};

/// Bytes on a line of a dump.
const DUMP: usize = 16;

/// The first characters of some bytes on one line.
#[must_use]
pub fn raw_line(bytes: &[u8], most: usize) -> String {
    let mut begin = &bytes[..bytes.len().min(most * 4)];
    let text = if is_binary(begin) {
        begin = &begin[..begin.len().min(most / 3)];
        let digits = begin.iter().map(|byte| format!("{byte:02x}"));
        digits.collect::<Vec<_>>().join(" ")
    } else {
        text_of(begin)
    };
    let is_cut = begin.len() < bytes.len();
    cut(&visible_line(text.trim_end()), most, is_cut)
}

/// The first events in words, on one line.
#[must_use]
pub fn events_line(events: &[Event], most: usize) -> String {
    let mut line = String::new();
    for event in events {
        if line.chars().count() > most {
            break;
        }
        if !line.is_empty() {
            line.push_str(" · ");
        }
        line.push_str(&event_line(event, most));
    }
    cut(&line, most, false)
}

fn event_line(event: &Event, most: usize) -> String {
    let says = event.says();
    let kind = event.kind();
    if says.is_empty() {
        return kind.to_string();
    }
    let begin: String = says.chars().take(most).collect();
    format!("{kind} {}", visible_line(&begin))
}

/// Bytes as text of several lines, up to so many characters, and whether that is all.
#[must_use]
pub fn raw_text(bytes: &[u8], most: usize) -> (String, bool) {
    let begin = &bytes[..bytes.len().min(most * 4)];
    let (text, is_all) = if is_binary(begin) {
        let begin = &begin[..begin.len().min(most / 4)];
        (dump(begin), begin.len() == bytes.len())
    } else {
        let text = text_of(begin);
        let end = text.char_indices().nth(most).map(|(at, _)| at);
        let is_all = end.is_none() && begin.len() == bytes.len();
        (text[..end.unwrap_or(text.len())].to_owned(), is_all)
    };
    (
        visible(text.trim_end_matches(['\n', '\r'])).into_owned(),
        is_all,
    )
}

/// All of some bytes, as they are copied.
#[must_use]
pub fn copied(bytes: &[u8]) -> String {
    if is_binary(bytes) {
        dump(bytes)
    } else {
        text_of(bytes)
    }
}

/// Whether bytes are no text, as gRPC's messages are.
fn is_binary(bytes: &[u8]) -> bool {
    bytes.contains(&0)
}

/// Text, in which each byte that is none is `\xNN`.
fn text_of(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            // Writing to a string can't fail.
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

/// Bytes in hexadecimal digits, with what of them is ASCII.
fn dump(bytes: &[u8]) -> String {
    let lines = bytes.chunks(DUMP).enumerate().map(|(line, bytes)| {
        let digits = bytes.iter().map(|byte| format!("{byte:02x} "));
        let ascii = bytes.iter().map(|byte| match byte {
            b' '..=b'~' => char::from(*byte),
            _ => '.',
        });
        let (digits, ascii) = (digits.collect::<String>(), ascii.collect::<String>());
        format!("{:04x}  {digits:<48} {ascii}", line * DUMP)
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn cut(text: &str, most: usize, is_cut: bool) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None if is_cut => format!("{text}…"),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_told_as_text_or_as_digits() {
        for (bytes, line) in [
            (&b"data: {\"a\":1}\n\n"[..], "data: {\"a\":1}"),
            (
                "event: a\ndata: 中\u{202e}".as_bytes(),
                "event: a\\ndata: 中\\u{202e}",
            ),
            (b"a\xffb", "a\\xffb"),
            (b"\0\0\0\0\x02ab", "00 00 00 00 02 61 62"),
            (b"", ""),
        ] {
            assert_eq!(raw_line(bytes, 40), line, "{bytes:?}");
        }
        assert_eq!(raw_line(b"abcdef", 3), "abc…");
        assert_eq!(raw_line(&[b'a'; 100], 3), "aaa…");
        assert_eq!(raw_line(b"\0\0\0\0\x02ab", 9), "00 00 00…");
        let (dumped, is_all) = raw_text(b"\0\0\0\0\x02ab", 400);
        assert!(is_all && dumped.ends_with(".....ab"), "{dumped}");
        assert_eq!(raw_text("中文\n".as_bytes(), 1), ("中".to_owned(), false));
    }

    #[test]
    fn events_are_told_with_their_kinds() {
        let events = [
            Event::Text {
                text: "He\n\u{1b}".into(),
            },
            Event::Done,
        ];
        assert_eq!(events_line(&events, 60), "text He\\n\\u{1b} · done");
        assert_eq!(events_line(&events, 6), "text H…");
        assert_eq!(events_line(&[], 6), "");
    }
}

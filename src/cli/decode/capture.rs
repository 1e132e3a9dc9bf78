//! Extracts the body from a capture: removes the response heads that `curl -i` or `curl -v` wrote, and converts from
//! UTF-16, in which Windows PowerShell saves a program's output.
//!
//! In: a capture. Out: the last head, if there is one, and the body after it.

use std::{
    io::{self, Cursor, Read},
    str::FromStr as _,
};

use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::{
    peeked::{Peeked, Unchunked},
    utf16::Utf8Of,
};
use crate::{
    body::ResponseHead,
    exchange::retry_after::retry_after_ms,
    input::{Encoding, all, encoding_of, into_text},
};

/// Largest capture with curl's remarks, in bytes.
const MAX_REMARKED: u64 = 64 << 20;

/// A capture, opened.
pub(super) struct CurlOutput {
    /// The head of the response whose body follows.
    pub head: Option<CapturedHead>,
    /// The body as it was sent.
    pub body: Box<dyn Read>,
}

/// A response's head.
#[derive(Debug, PartialEq)]
pub(super) struct CapturedHead {
    pub status: u16,
    pub headers: HeaderMap,
}

impl CapturedHead {
    /// The parts of it that a decoder needs.
    pub fn of_response(&self) -> ResponseHead {
        ResponseHead {
            status: self.status,
            content_type: Some(self.text(header::CONTENT_TYPE).to_owned()),
            retry_after_ms: retry_after_ms(&self.headers),
            choices: None,
        }
    }

    /// The content coding of the body, if there is one.
    pub fn coding(&self) -> &str {
        self.text(header::CONTENT_ENCODING)
    }

    /// Whether it was sent in chunks; curl joins them, most other programs do not.
    fn is_chunked(&self) -> bool {
        self.text(header::TRANSFER_ENCODING).contains("chunked")
    }

    fn text(&self, name: HeaderName) -> &str {
        let value = self.headers.get(name);
        value
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }
}

impl CurlOutput {
    /// Removes the heads of a capture. A text body may be in UTF-16.
    pub fn open(input: Box<dyn Read>, is_text: bool) -> io::Result<Self> {
        let mut input = Peeked::of(input);
        if is_text && let Encoding::Utf16(order) = encoding_of(input.peek(4)?) {
            input = Peeked::of(Box::new(Utf8Of::new(input, order)));
        }
        if is_text && is_remarked(input.peek(3)?) {
            input = Peeked::of(Box::new(Cursor::new(unremarked(input)?)));
        }
        let mut head = None;
        while let Some(found) = input.take_head(self::head)? {
            head = Some(found);
        }
        let chunked = head.as_ref().is_some_and(CapturedHead::is_chunked);
        let body: Box<dyn Read> = if chunked && input.peek_size()?.is_some() {
            Box::new(Unchunked::new(input))
        } else {
            Box::new(input)
        };
        Ok(Self { head, body })
    }
}

/// Parses a head: the status line, then headers. Invalid headers are skipped.
pub(super) fn head(text: &str) -> Option<CapturedHead> {
    let mut lines = text.lines();
    let mut words = lines.next()?.split_ascii_whitespace();
    let version = words.next()?.strip_prefix("HTTP/")?;
    if !version.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let status = words.next().filter(|word| word.len() == 3)?.parse().ok()?;
    let mut headers = HeaderMap::new();
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        if let (Ok(name), Ok(value)) = (
            HeaderName::from_str(name.trim()),
            HeaderValue::from_str(value.trim()),
        ) {
            headers.append(name, value);
        }
    }
    Some(CapturedHead { status, headers })
}

/// Whether it starts like the output of `curl -v`.
fn is_remarked(start: &[u8]) -> bool {
    matches!(start, [b'*' | b'<' | b'>', b' ', ..])
}

/// The capture without curl's remarks: the lines of heads, which start with `<`, and the body.
fn unremarked(input: impl Read) -> io::Result<Vec<u8>> {
    let bytes = all(input, "the capture", MAX_REMARKED).map_err(io::Error::other)?;
    let text = into_text(bytes, "the capture").map_err(io::Error::other)?;
    let mut kept = String::with_capacity(text.len());
    let mut has_head = false;
    for line in text.split_inclusive('\n') {
        let is_remark = ["* ", "> ", "{ [", "} ["]
            .iter()
            .any(|start| line.starts_with(start))
            || line.trim_end() == ">";
        if let Some(head) = line.strip_prefix('<').filter(|_| !line.starts_with("<!")) {
            kept.push_str(head.strip_prefix(' ').unwrap_or(head));
            has_head |= head.trim().is_empty();
        } else if has_head && !is_remark {
            // The last remark follows a body that ends without a line feed on the same line.
            let end = line.find("* Connection #").unwrap_or(line.len());
            kept.push_str(&line[..end]);
        }
    }
    Ok(kept.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::ByteOrder;

    /// A reader that returns its bytes in pieces of this size.
    struct Slow(Vec<u8>, usize);

    impl Read for Slow {
        fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
            let size = self.1.min(self.0.len()).min(to.len());
            for (to, from) in to.iter_mut().zip(self.0.drain(..size)) {
                *to = from;
            }
            Ok(size)
        }
    }

    fn opened(capture: &[u8], size: usize) -> (Option<CapturedHead>, Vec<u8>) {
        let slow = Box::new(Slow(capture.to_vec(), size));
        let mut opened = CurlOutput::open(slow, true).unwrap();
        let mut body = Vec::new();
        opened.body.read_to_end(&mut body).unwrap();
        (opened.head, body)
    }

    const BODY: &str = "data: {\"é\": \"👩 <\"}\n\n* no remark: data\n\ndata: [DONE]\n\n";

    #[test]
    fn heads_are_removed_and_the_last_one_counts() {
        for (before, status, kind) in [
            (
                "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n",
                200,
                "text/event-stream",
            ),
            (
                "HTTP/2 429 \ncontent-type: application/json\nretry-after: 7\n\n",
                429,
                "application/json",
            ),
            (
                "HTTP/1.1 200 Connection established\r\n\r\nHTTP/2 503 \r\n\r\n",
                503,
                "",
            ),
            (
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 307 Moved\r\nlocation: /x\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
                200,
                "",
            ),
            (
                "\u{feff}HTTP/1.0 500\r\nno header\r\nx:\u{1}\r\n\r\n",
                500,
                "",
            ),
        ] {
            for size in [1, 3, 4096] {
                let (head, body) = opened(format!("{before}{BODY}").as_bytes(), size);
                let head = head.unwrap().of_response();
                assert_eq!(
                    (head.status, head.content_type.as_deref()),
                    (status, Some(kind)),
                    "{before}"
                );
                assert_eq!(head.retry_after_ms, (status == 429).then_some(7_000));
                assert_eq!(String::from_utf8(body).unwrap(), BODY, "{before} by {size}");
            }
        }
    }

    #[test]
    fn chunks_are_joined_if_they_are_still_there() {
        let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        for (raw, joined) in [
            ("5\r\ndata:\r\n3;x=1\r\n a\n\r\n0\r\n\r\n", "data: a\n"),
            (
                "A\r\n\r\nline\r\n\r\n\r\n0\r\nx: y\r\n\r\n",
                "\r\nline\r\n\r\n",
            ),
            ("5\r\ndat", "dat"),
            ("data: a\n", "data: a\n"),
            ("{}", "{}"),
        ] {
            for size in [1, 3, 4096] {
                let (_, body) = opened(format!("{head}{raw}").as_bytes(), size);
                assert_eq!(
                    String::from_utf8(body).unwrap(),
                    joined,
                    "{raw:?} by {size}"
                );
            }
        }
    }

    #[test]
    fn text_that_is_not_a_head_stays_in_the_body() {
        for body in [
            "",
            "HTT",
            "HTTP/",
            "HTTP/1.1 is a protocol\n\nof old",
            "HTTP/one 200\n\n",
            "{}",
            BODY,
        ] {
            for size in [1, 4096] {
                assert_eq!(
                    opened(body.as_bytes(), size),
                    (None, body.as_bytes().to_vec()),
                    "{body}"
                );
            }
        }
        let (head, body) = opened(b"HTTP/1.1 204 No Content\r\nx: y", 1);
        assert_eq!(
            (head.unwrap().status, body.len()),
            (204, 0),
            "a head that breaks off"
        );
    }

    #[test]
    fn remarks_of_curl_are_not_part_of_the_body() {
        let capture = "* Trying 127.0.0.1:80...\n> POST / HTTP/1.1\n> Host: h\n>\n} [12 bytes data]\n\
            < HTTP/1.1 200 OK\r\n< content-type: text/event-stream\r\n< \r\n{ [5 bytes data]\n\
            data: a\n\ndata: b* Connection #0 to host h left intact\n";
        for start in ["", "< HTTP/1.1 100 Continue\r\n< \r\n"] {
            let (head, body) = opened(format!("{start}{capture}").as_bytes(), 7);
            let head = head.unwrap().of_response();
            assert_eq!(
                (head.status, head.content_type.as_deref()),
                (200, Some("text/event-stream"))
            );
            assert_eq!(String::from_utf8(body).unwrap(), "data: a\n\ndata: b");
        }
        let (head, body) = opened(b"<html>* x</html>", 7);
        assert_eq!(
            (head, body.as_slice()),
            (None, b"<html>* x</html>".as_slice())
        );
    }

    #[test]
    fn utf_16_is_converted() {
        let head = "HTTP/1.1 201 Made\r\n\r\n";
        for (order, marked) in [
            (ByteOrder::Little, true),
            (ByteOrder::Big, true),
            (ByteOrder::Little, false),
            (ByteOrder::Big, false),
        ] {
            let mark = if marked { "\u{feff}" } else { "" };
            let text = format!("{mark}{head}{BODY}");
            let bytes: Vec<u8> = text
                .encode_utf16()
                .flat_map(|unit| match order {
                    ByteOrder::Little => unit.to_le_bytes(),
                    ByteOrder::Big => unit.to_be_bytes(),
                })
                .collect();
            for size in [1, 3, 4096] {
                let (head, body) = opened(&bytes, size);
                assert_eq!(head.unwrap().status, 201, "{order:?} {marked} by {size}");
                assert_eq!(String::from_utf8(body).unwrap(), BODY);
            }
            let mut cut = bytes;
            cut.truncate(cut.len() - 1);
            assert!(opened(&cut, 5).1.ends_with("\u{fffd}".as_bytes()));
        }
    }
}

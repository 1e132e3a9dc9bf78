//! `.tscap`: a capture as lines of JSON, for `jq` and for people. `docs/capture.md` describes the format.
//!
//! In: a [`Capture`]. Out: its text; and back, without loss.

use std::io;

use serde::{Deserialize, Serialize};

pub use super::text::TextOrBase64;
use super::{
    Capture, CapturedBody, CapturedRead, CapturedRequest, CapturedResponse, CapturedRun, Headers,
};
use crate::{event::Fault, run::OffsetNs, visible::visible_json};

/// The version of the format: one more whenever an older program would misread a file.
pub const VERSION: u32 = 1;

/// Why a file can't be read as a capture. The text says where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TscapError {
    /// The first line is not the head of a capture.
    #[error(
        "it is no capture of Tokenscope: its first line has to be an object with the field \"tscap\" ({0})"
    )]
    NoCapture(String),
    /// It was written by a newer program.
    #[error(
        "it has version {0} of the format, and this Tokenscope reads up to version {VERSION}: update it"
    )]
    Newer(u32),
    /// A line can't be read.
    #[error("line {line}: {why}")]
    Line {
        /// Its number, counted from 1.
        line: usize,
        /// What is wrong.
        why: String,
    },
    /// The last line is missing.
    #[error("it is cut: the last line, with the field \"end\", is missing")]
    Cut,
}

/// The first line.
#[derive(Serialize, Deserialize)]
struct HeadLine {
    tscap: u32,
    #[serde(default)]
    made_by: String,
    run: CapturedRun,
    request: Option<RequestField>,
    response: Option<ResponseField>,
}

#[derive(Serialize, Deserialize)]
struct RequestField {
    method: String,
    url: String,
    headers: Headers,
    body: BodyField,
}

#[derive(Serialize, Deserialize)]
struct BodyField {
    bytes: u64,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    withheld: bool,
    #[serde(flatten)]
    kept: TextOrBase64,
}

#[derive(Serialize, Deserialize)]
struct ResponseField {
    status: u16,
    http_version: String,
    headers: Headers,
}

/// A line of a read.
#[derive(Serialize, Deserialize)]
struct ReadLine {
    at_ns: OffsetNs,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    delay_ns: Option<u32>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    at_most: bool,
    #[serde(flatten)]
    bytes: TextOrBase64,
}

/// The last line.
#[derive(Serialize, Deserialize)]
struct EndLine {
    end: EndField,
}

#[derive(Serialize, Deserialize)]
struct EndField {
    at_ns: Option<OffsetNs>,
    body_bytes: u64,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    withheld: bool,
    #[serde(default, skip_serializing_if = "Headers::is_empty")]
    trailers: Headers,
    fault: Option<Fault>,
}

/// The lines of a capture.
#[must_use]
pub fn write(capture: &Capture) -> String {
    let mut out = Vec::new();
    // Writing to memory can't fail.
    let _ = write_to(&mut out, capture);
    String::from_utf8(out).unwrap_or_default()
}

/// Writes the lines of a capture, one after another.
///
/// # Errors
/// If writing fails.
pub fn write_to(out: &mut impl io::Write, capture: &Capture) -> io::Result<()> {
    let response = capture.response.as_ref();
    write_line(out, &first_line(capture))?;
    for (read, bytes) in response.into_iter().flat_map(CapturedResponse::pieces) {
        write_line(
            out,
            &ReadLine {
                at_ns: read.at,
                delay_ns: read.delay,
                at_most: read.is_at_most,
                bytes: TextOrBase64::of(bytes),
            },
        )?;
    }
    let body = response.map(|response| &response.body);
    let end = EndField {
        at_ns: capture.run.stamps.closed,
        body_bytes: body.map_or(0, |body| body.total),
        withheld: body.is_some_and(|body| body.is_withheld),
        trailers: response
            .map(|response| response.trailers.clone())
            .unwrap_or_default(),
        fault: capture.fault.clone(),
    };
    write_line(out, &EndLine { end })
}

/// What stands in the first line: all but the response's body and what follows that.
#[must_use]
pub fn first_line(capture: &Capture) -> impl Serialize + use<> {
    HeadLine {
        tscap: VERSION,
        made_by: concat!("tokenscope ", env!("CARGO_PKG_VERSION")).to_owned(),
        run: capture.run.clone(),
        request: capture.request.as_ref().map(RequestField::of),
        response: capture.response.as_ref().map(ResponseField::of),
    }
}

fn write_line(out: &mut impl io::Write, line: &impl Serialize) -> io::Result<()> {
    let json = serde_json::to_string(line)?;
    out.write_all(visible_json(&json).as_bytes())?;
    out.write_all(b"\n")
}

/// The capture of some lines.
///
/// # Errors
/// If they are no capture, or not all of one.
pub fn read(text: &str) -> Result<Capture, TscapError> {
    let mut lines = text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty());
    let head = head(lines.next().map_or("", |(_, line)| line))?;
    let mut body = Vec::new();
    let mut reads = Vec::new();
    let mut end: Option<EndField> = None;
    for (at, line) in lines {
        let wrong = |why: String| TscapError::Line { line: at + 1, why };
        if end.is_some() {
            return Err(wrong("something follows the end".to_owned()));
        }
        let json = |why: serde_json::Error| wrong(why.to_string());
        if line.trim_start().starts_with("{\"end\"") {
            end = Some(serde_json::from_str::<EndLine>(line).map_err(json)?.end);
            continue;
        }
        let read: ReadLine = serde_json::from_str(line).map_err(json)?;
        if head.response.is_none() {
            return Err(wrong("a read, though there is no response".to_owned()));
        }
        body.extend_from_slice(&read.bytes.bytes().map_err(wrong)?);
        reads.push(CapturedRead {
            at: read.at_ns,
            delay: read.delay_ns,
            is_at_most: read.at_most,
            end: body.len(),
        });
    }
    let end = end.ok_or(TscapError::Cut)?;
    let request = head.request.map(RequestField::into_request).transpose();
    Ok(Capture {
        run: head.run,
        request: request.map_err(|why| TscapError::Line { line: 1, why })?,
        response: head.response.map(|response| CapturedResponse {
            status: response.status,
            http_version: response.http_version,
            headers: response.headers,
            body: CapturedBody {
                bytes: body.into(),
                total: end.body_bytes,
                is_withheld: end.withheld,
            },
            reads,
            trailers: end.trailers,
        }),
        fault: end.fault,
    })
}

fn head(line: &str) -> Result<HeadLine, TscapError> {
    /// What every version has.
    #[derive(Deserialize)]
    struct AnyHead {
        tscap: u32,
    }
    let any: AnyHead =
        serde_json::from_str(line).map_err(|why| TscapError::NoCapture(why.to_string()))?;
    if any.tscap > VERSION {
        return Err(TscapError::Newer(any.tscap));
    }
    serde_json::from_str(line).map_err(|why| TscapError::Line {
        line: 1,
        why: why.to_string(),
    })
}

impl RequestField {
    fn of(request: &CapturedRequest) -> Self {
        Self {
            method: request.method.clone(),
            url: request.url.clone(),
            headers: request.headers.clone(),
            body: BodyField {
                bytes: request.body.total,
                withheld: request.body.is_withheld,
                kept: TextOrBase64::of(&request.body.bytes),
            },
        }
    }

    fn into_request(self) -> Result<CapturedRequest, String> {
        let bytes = self.body.kept.bytes();
        Ok(CapturedRequest {
            method: self.method,
            url: self.url,
            headers: self.headers,
            body: CapturedBody {
                bytes: bytes
                    .map_err(|why| format!("the request's body: {why}"))?
                    .into(),
                total: self.body.bytes,
                is_withheld: self.body.withheld,
            },
        })
    }
}

impl ResponseField {
    fn of(response: &CapturedResponse) -> Self {
        Self {
            status: response.status,
            http_version: response.http_version.clone(),
            headers: response.headers.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tests as samples, *};

    #[test]
    fn what_is_written_is_read_back() {
        for (name, capture) in samples::all() {
            let text = write(&capture);
            assert_eq!(read(&text).as_ref(), Ok(&capture), "{name}");
            assert!(text.lines().all(|line| line.starts_with('{')), "{name}");
        }
    }

    #[test]
    fn what_is_no_whole_capture_is_refused_with_its_line() {
        let whole = write(&samples::streamed());
        let lines: Vec<&str> = whole.lines().collect();
        for end in 1..lines.len() {
            let cut = lines[..end].join("\n");
            assert_eq!(read(&cut), Err(TscapError::Cut), "after {end} lines");
        }
        assert!(matches!(read(""), Err(TscapError::NoCapture(_))));
        assert!(matches!(
            read("{\"log\":{}}"),
            Err(TscapError::NoCapture(_))
        ));
        let newer = whole.replacen("{\"tscap\":1,", "{\"tscap\":2,", 1);
        assert_eq!(read(&newer), Err(TscapError::Newer(2)));
        let more = format!("{whole}{{\"at_ns\":1,\"text\":\"x\"}}\n");
        let line = lines.len() + 1;
        assert!(matches!(read(&more), Err(TscapError::Line { line: at, .. }) if at == line));
        let broken = whole.replacen("{\"at_ns\":", "{\"at\":", 1);
        let error = read(&broken).unwrap_err().to_string();
        assert!(
            error.starts_with("line 2: missing field `at_ns`"),
            "{error}"
        );
    }
}

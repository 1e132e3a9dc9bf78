//! HAR 1.2 (<http://www.softwareishard.com/blog/har-12-spec/>): what browsers' developer tools and HTTP clients open.
//!
//! In: a [`Capture`]. Out: a log with one entry. What HAR has no field for stands in the entry under `_tokenscope`, so
//! that [`read`] gives back the same capture.

mod log;
mod timings;

use serde::{Deserialize, Serialize};

use self::log::{
    AnyHar, HarContent, HarCreator, HarEntry, HarFile, HarLog, HarPair, HarPostData, HarRequest,
    HarResponse,
};
use super::{
    Capture, CapturedBody, CapturedRead, CapturedRequest, CapturedResponse, CapturedRun, Headers,
    text::TextOrBase64,
};
use crate::{
    event::Fault,
    run::OffsetNs,
    visible::{visible_json, visible_line},
};

/// The version of our own fields: one more whenever an older program would misread them.
pub const VERSION: u32 = 1;

/// Why a file can't be read as a HAR of Tokenscope's. The text says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HarError {
    /// It is no HAR.
    #[error("it is no HAR: {0}")]
    NoHar(String),
    /// It has no entry of ours.
    #[error(
        "it is a HAR of another program{0}: none of its entries has the field _tokenscope, which says when each read of \
         the body came"
    )]
    Foreign(String),
    /// It was written by a newer program.
    #[error(
        "its fields have version {0}, and this Tokenscope reads up to version {VERSION}: update it"
    )]
    Newer(u32),
    /// An entry contradicts itself.
    #[error("its entry can't be read: {0}")]
    Entry(String),
}

/// What HAR has no field for.
#[derive(Serialize, Deserialize)]
struct OwnFields {
    version: u32,
    run: CapturedRun,
    request: Option<OwnRequest>,
    response: Option<OwnResponse>,
    fault: Option<Fault>,
}

#[derive(Serialize, Deserialize)]
struct OwnRequest {
    body_bytes: u64,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    withheld: bool,
    /// The body, where it is no text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct OwnResponse {
    body_bytes: u64,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    withheld: bool,
    #[serde(default, skip_serializing_if = "Headers::is_empty")]
    trailers: Headers,
    reads: Vec<OwnRead>,
}

#[derive(Serialize, Deserialize)]
struct OwnRead {
    at_ns: OffsetNs,
    bytes: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    delay_ns: Option<u32>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    at_most: bool,
}

/// The capture as the text of a HAR file.
#[must_use]
pub fn write(capture: &Capture) -> String {
    let file = HarFile {
        log: HarLog {
            version: "1.2".to_owned(),
            creator: HarCreator {
                name: "Tokenscope".to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
            },
            entries: vec![entry(capture)],
        },
    };
    // These are plain data: serialising them can't fail.
    let json = serde_json::to_string_pretty(&file).unwrap_or_default();
    visible_json(&json).into_owned() + "\n"
}

fn entry(capture: &Capture) -> HarEntry {
    let stamps = &capture.run.stamps;
    let timings = timings::of(stamps);
    let own = OwnFields {
        version: VERSION,
        run: capture.run.clone(),
        request: capture.request.as_ref().map(own_request),
        response: capture.response.as_ref().map(own_response),
        fault: capture.fault.clone(),
    };
    let version = (capture.response.as_ref())
        .map(|response| response.http_version.clone())
        .unwrap_or_default();
    HarEntry {
        started_date_time: rfc3339_ms(stamps.started_unix_ns),
        time: timings.total(),
        request: request(capture.request.as_ref(), version),
        response: response(capture.response.as_ref()),
        cache: serde_json::Map::new(),
        timings,
        connection: (stamps.link.as_ref())
            .filter(|link| link.id > 0)
            .map(|link| link.id.to_string()),
        comment: capture.fault.as_ref().map(ToString::to_string),
        own: serde_json::to_value(own).ok(),
    }
}

/// A time in ISO 8601, with milliseconds.
fn rfc3339_ms(unix_ns: i64) -> String {
    let time = jiff::Timestamp::from_nanosecond(unix_ns.into()).unwrap_or_default();
    format!("{time:.3}")
}

fn own_request(request: &CapturedRequest) -> OwnRequest {
    OwnRequest {
        body_bytes: request.body.total,
        withheld: request.body.is_withheld,
        base64: TextOrBase64::of(&request.body.bytes).base64,
    }
}

fn own_response(response: &CapturedResponse) -> OwnResponse {
    let reads = response.pieces().map(|(read, bytes)| OwnRead {
        at_ns: read.at,
        bytes: bytes.len(),
        delay_ns: read.delay,
        at_most: read.is_at_most,
    });
    OwnResponse {
        body_bytes: response.body.total,
        withheld: response.body.is_withheld,
        trailers: response.trailers.clone(),
        reads: reads.collect(),
    }
}

fn request(request: Option<&CapturedRequest>, http_version: String) -> HarRequest {
    let Some(request) = request else {
        return HarRequest {
            http_version,
            headers_size: -1,
            body_size: 0,
            ..HarRequest::default()
        };
    };
    let text = TextOrBase64::of(&request.body.bytes).text;
    let mime_type = request.headers.get("content-type").unwrap_or_default();
    HarRequest {
        method: request.method.clone(),
        query_string: query(&request.url),
        url: request.url.clone(),
        http_version,
        cookies: Vec::new(),
        headers: HarPair::all(&request.headers),
        post_data: (request.body.total > 0).then(|| HarPostData {
            mime_type: mime_type.to_owned(),
            text: text.unwrap_or_default(),
            comment: request.body.missing(),
        }),
        headers_size: -1,
        body_size: size(request.body.total),
    }
}

fn query(url: &str) -> Vec<HarPair> {
    let Ok(url) = url::Url::parse(url) else {
        return Vec::new();
    };
    let pairs = url.query_pairs().map(|(name, value)| HarPair {
        name: name.into_owned(),
        value: value.into_owned(),
    });
    pairs.collect()
}

/// Without a response, what browsers write: status 0 and no content.
fn response(response: Option<&CapturedResponse>) -> HarResponse {
    let Some(response) = response else {
        return HarResponse {
            content: HarContent {
                mime_type: "x-unknown".to_owned(),
                ..HarContent::default()
            },
            headers_size: -1,
            body_size: -1,
            ..HarResponse::default()
        };
    };
    let reason = http::StatusCode::from_u16(response.status).ok();
    let reason = reason.and_then(|status| status.canonical_reason());
    let mime_type = response.headers.get("content-type").unwrap_or("x-unknown");
    let TextOrBase64 { text, base64 } = TextOrBase64::of(&response.body.bytes);
    let encoding = base64.is_some().then(|| "base64".to_owned());
    HarResponse {
        status: response.status,
        status_text: reason.unwrap_or_default().to_owned(),
        http_version: response.http_version.clone(),
        cookies: Vec::new(),
        headers: HarPair::all(&response.headers),
        content: HarContent {
            size: size(response.body.total),
            mime_type: mime_type.to_owned(),
            text: text.or(base64),
            encoding,
            comment: response.body.missing(),
        },
        redirect_url: response
            .headers
            .get("location")
            .unwrap_or_default()
            .to_owned(),
        headers_size: -1,
        // Where a content coding was removed, its size is not known.
        body_size: match response.headers.get("content-encoding") {
            Some(_) => -1,
            None => size(response.body.total),
        },
    }
}

fn size(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

/// The capture of a HAR file: its first entry of ours.
///
/// # Errors
/// If it is no HAR, or has no entry of ours.
pub fn read(text: &str) -> Result<Capture, HarError> {
    let file: AnyHar =
        serde_json::from_str(text).map_err(|why| HarError::NoHar(why.to_string()))?;
    let creator = file.log.creator.map(|creator| creator.name);
    let mut entries = file.log.entries.into_iter();
    let entry = entries.find(|entry| entry.get("_tokenscope").is_some());
    let entry = entry.ok_or_else(|| HarError::Foreign(creator_words(creator)))?;
    let mut entry: HarEntry =
        serde_json::from_value(entry).map_err(|why| HarError::Entry(why.to_string()))?;
    let own = entry.own.take().unwrap_or_default();
    let version = own.get("version").and_then(serde_json::Value::as_u64);
    match version.and_then(|version| u32::try_from(version).ok()) {
        Some(version) if version > VERSION => return Err(HarError::Newer(version)),
        _ => {}
    }
    let wrong = |why: String| HarError::Entry(why);
    let own: OwnFields = serde_json::from_value(own).map_err(|why| wrong(why.to_string()))?;
    let HarEntry {
        request, response, ..
    } = entry;
    let request = own
        .request
        .map(|own| read_request(own, request))
        .transpose();
    let response = own
        .response
        .map(|own| read_response(own, response))
        .transpose();
    Ok(Capture {
        run: own.run,
        request: request.map_err(wrong)?,
        response: response.map_err(wrong)?,
        fault: own.fault,
    })
}

/// The name of the program that wrote a file, to follow the word for it.
fn creator_words(name: Option<String>) -> String {
    let name = name.filter(|name| !name.is_empty());
    name.map_or_else(String::new, |name| format!(" ({})", visible_line(&name)))
}

fn read_request(own: OwnRequest, request: HarRequest) -> Result<CapturedRequest, String> {
    let text = request.post_data.map(|data| data.text);
    let kept = TextOrBase64 {
        text: match own.base64 {
            Some(_) => None,
            None => Some(text.unwrap_or_default()),
        },
        base64: own.base64,
    };
    let bytes = kept
        .bytes()
        .map_err(|why| format!("the request's body: {why}"))?;
    Ok(CapturedRequest {
        method: request.method,
        url: request.url,
        headers: HarPair::headers(request.headers),
        body: CapturedBody {
            bytes: bytes.into(),
            total: own.body_bytes,
            is_withheld: own.withheld,
        },
    })
}

fn read_response(own: OwnResponse, response: HarResponse) -> Result<CapturedResponse, String> {
    let content = response.content;
    let text = content.text.unwrap_or_default();
    let kept = match content.encoding.as_deref() {
        Some("base64") => TextOrBase64 {
            text: None,
            base64: Some(text),
        },
        _ => TextOrBase64 {
            text: Some(text),
            base64: None,
        },
    };
    let body = kept
        .bytes()
        .map_err(|why| format!("the response's body: {why}"))?;
    let mut end: usize = 0;
    let reads = own.reads.iter().map(|read| {
        end = end.saturating_add(read.bytes);
        CapturedRead {
            at: read.at_ns,
            delay: read.delay_ns,
            is_at_most: read.at_most,
            end,
        }
    });
    let reads: Vec<CapturedRead> = reads.collect();
    if end != body.len() {
        let have = body.len();
        return Err(format!(
            "its reads have {end} bytes, and its content {have}"
        ));
    }
    Ok(CapturedResponse {
        status: response.status,
        http_version: response.http_version,
        headers: HarPair::headers(response.headers),
        body: CapturedBody {
            bytes: body.into(),
            total: own.body_bytes,
            is_withheld: own.withheld,
        },
        reads,
        trailers: own.trailers,
    })
}

#[cfg(test)]
mod tests {
    use super::{super::tests as samples, *};

    #[test]
    fn what_is_written_is_read_back() {
        for (name, capture) in samples::all() {
            assert_eq!(read(&write(&capture)).as_ref(), Ok(&capture), "{name}");
        }
    }

    #[test]
    fn hars_of_other_programs_are_told_as_such() {
        let chrome = r#"{"log": {"version": "1.2", "creator": {"name": "WebInspector", "version": "537.36"}, "pages": [],
            "entries": [{"_initiator": {"type": "script"}, "_priority": "High", "_resourceType": "fetch", "cache": {},
            "connection": "94", "request": {"method": "POST", "url": "https://host.example/v1/chat/completions",
            "httpVersion": "http/2.0", "headers": [], "queryString": [], "cookies": [], "headersSize": -1,
            "bodySize": 12, "postData": {"mimeType": "application/json", "text": "{}"}}, "response": {"status": 200,
            "statusText": "", "httpVersion": "http/2.0", "headers": [], "cookies": [],
            "content": {"size": 5, "mimeType": "text/event-stream"}, "redirectURL": "", "headersSize": -1,
            "bodySize": -1, "_transferSize": 5, "_error": null}, "serverIPAddress": "127.0.0.1",
            "startedDateTime": "2026-11-30T08:00:00.000Z", "time": 12.3, "timings": {"blocked": 1.2, "dns": -1,
            "ssl": -1, "connect": -1, "send": 0.1, "wait": 9.1, "receive": 1.9, "_blocked_queueing": 1.0}}]}}"#;
        let bare = r#"{"log": {"creator": {"name": "Yaak\n\u202e"}, "entries": [{"startedDateTime": "2026-11-30T08:00:00Z",
            "time": null, "request": {"method": "POST", "url": "https://host.example/"}, "response": {"status": 200,
            "content": {}}, "timings": {"send": 0, "wait": 9, "receive": 1}}]}}"#;
        for (har, name) in [
            (chrome, " (WebInspector):"),
            (bare, " (Yaak\\n\\u{202e}):"),
            (r#"{"log": {"entries": []}}"#, "program: none"),
        ] {
            let why = read(har).unwrap_err().to_string();
            assert!(why.contains(name) && why.contains("_tokenscope"), "{why}");
        }
    }

    #[test]
    fn other_hars_are_refused_with_a_reason() {
        assert!(matches!(read("[]"), Err(HarError::NoHar(_))));
        let ours = write(&samples::streamed());
        let foreign = ours.replacen("\"_tokenscope\"", "\"_other\"", 1);
        let why = read(&foreign).unwrap_err().to_string();
        assert!(why.contains("of another program (Tokenscope)"), "{why}");
        let newer = ours.replacen(
            "\"_tokenscope\": {\n          \"version\": 1",
            "\"_tokenscope\": {\n          \"version\": 2",
            1,
        );
        assert_eq!(read(&newer), Err(HarError::Newer(2)));
        let longer = ours.replacen("\"bytes\": 7", "\"bytes\": 8", 1);
        assert!(
            matches!(read(&longer), Err(HarError::Entry(why)) if why.starts_with("its reads have"))
        );
    }
}

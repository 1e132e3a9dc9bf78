//! A capture as the text of a HAR file.

use super::{
    OwnFields, OwnRead, OwnRequest, OwnResponse, VERSION,
    log::{
        HarContent, HarCreator, HarEntry, HarFile, HarLog, HarPair, HarPostData, HarRequest,
        HarResponse,
    },
    timings,
};
use crate::{
    capture::{Capture, CapturedRequest, CapturedResponse, text::TextOrBase64},
    visible::visible_json,
};

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
    let link = stamps.link.as_ref();
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
        server_ip_address: link
            .and_then(|link| link.address)
            .map(|address| address.ip().to_string()),
        connection: link
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

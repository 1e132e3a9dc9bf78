//! The capture of a HAR file.

use super::{
    HarError, OwnFields, OwnRequest, OwnResponse, VERSION,
    log::{AnyHar, HarEntry, HarPair, HarRequest, HarResponse},
};
use crate::{
    capture::{
        Capture, CapturedBody, CapturedRead, CapturedRequest, CapturedResponse, text::TextOrBase64,
    },
    visible::visible_line,
};

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

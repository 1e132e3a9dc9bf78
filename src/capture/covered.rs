//! Covers the secrets of a request in all that went over the wire.

use http::{HeaderMap, HeaderName, HeaderValue, Version, header};
use url::Url;

use super::{Capture, CaptureDecoder, CapturedBody, Headers};
use crate::{
    event::Event,
    exchange::SentRequest,
    mask::{COVER, Mask},
    transport::version_text,
    visible::{is_secret_name, shown_url},
};

/// The URL without user, password and secret fields of its query.
pub(super) fn url(mask: &Mask, url: &Url) -> String {
    let mut text = shown_url(url);
    mask.text(&mut text);
    text
}

/// The headers of a request, with those that the connection wrote.
pub(super) fn sent_headers(mask: &Mask, sent: &SentRequest, http_version: Option<&str>) -> Headers {
    let mut all = Headers::default();
    if http_version != Some(version_text(Version::HTTP_2).as_str())
        && !sent.headers.contains_key(header::HOST)
        && let Some(host) = sent.url.host_str()
    {
        let port = sent.url.port().map(|port| format!(":{port}"));
        let host = format!("{host}{}", port.unwrap_or_default());
        all.0.push((header::HOST.to_string(), host));
    }
    all.0.extend(headers(mask, &sent.headers).0);
    if !sent.body.is_empty() && !sent.headers.contains_key(header::CONTENT_LENGTH) {
        let length = sent.body.len().to_string();
        all.0.push((header::CONTENT_LENGTH.to_string(), length));
    }
    all
}

/// Headers, without any value that is a secret.
pub(super) fn headers(mask: &Mask, headers: &HeaderMap) -> Headers {
    let pairs = headers.iter().map(|(name, value)| {
        let mut text = String::from_utf8_lossy(value.as_bytes()).into_owned();
        if is_credential(name, value) {
            text = without_credential(&text);
        }
        mask.text(&mut text);
        cover_percent_encoded(mask, &mut text);
        let mut name = name.to_string();
        mask.text(&mut name);
        (name, text)
    });
    Headers(pairs.collect())
}

/// Covers what percent-encoding hides, as in gRPC's `grpc-message`: the text is then kept decoded.
fn cover_percent_encoded(mask: &Mask, text: &mut String) {
    if !text.contains('%') {
        return;
    }
    let decoded = percent_decoded(text);
    let mut covered = decoded.clone();
    mask.text(&mut covered);
    if covered != decoded {
        *text = covered;
    }
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let digits = behind.get(..2).filter(|_| *first == b'%');
        // Reading a number would take a sign, too.
        let digits = digits.filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let digits = digits.and_then(|digits| str::from_utf8(digits).ok());
        let encoded = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(encoded.unwrap_or(*first));
        rest = encoded.map_or(behind, |_| &behind[2..]);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Whether the whole value of a header is secret, whoever set it.
fn is_credential(name: &HeaderName, value: &HeaderValue) -> bool {
    let known = [
        header::COOKIE,
        header::SET_COOKIE,
        header::AUTHORIZATION,
        header::PROXY_AUTHORIZATION,
    ];
    value.is_sensitive() || known.contains(name) || is_secret_name(name.as_str())
}

/// A credential of which at most the word for its scheme is left.
fn without_credential(value: &str) -> String {
    const SCHEMES: [&str; 4] = ["Bearer", "Basic", "Digest", "Negotiate"];
    let scheme = value.split_once(' ').map(|(scheme, _)| scheme);
    let is_known = |scheme: &&str| {
        SCHEMES
            .iter()
            .any(|known| known.eq_ignore_ascii_case(scheme))
    };
    scheme
        .filter(is_known)
        .map_or_else(|| COVER.to_owned(), |scheme| format!("{scheme} {COVER}"))
}

/// The first bytes of a body of so many.
pub(super) fn body(mask: &Mask, bytes: Vec<u8>, total: u64) -> CapturedBody {
    if mask.is_spelled_in(&bytes) {
        return CapturedBody {
            total,
            is_withheld: true,
            ..CapturedBody::default()
        };
    }
    CapturedBody {
        bytes: mask.bytes(&bytes).unwrap_or(bytes).into(),
        total,
        is_withheld: false,
    }
}

/// Whether the events of a response still tell a secret, though none stands in its bytes: it comes in pieces.
pub(super) fn spells_a_secret(mask: &Mask, capture: &Capture) -> bool {
    let Some(response) = &capture.response else {
        return false;
    };
    let mut decoder = CaptureDecoder::new(capture);
    let mut masked = mask.stream();
    let mut told = Vec::new();
    for (_, bytes) in response.pieces() {
        for event in decoder.push(bytes) {
            masked.take(event, &mut told);
        }
        if told.drain(..).any(|event| tells_cover(&event)) {
            return true;
        }
    }
    for event in decoder.end() {
        // The fault of the run is not of the body, and was covered.
        if event.fault() != capture.fault.as_ref() {
            masked.take(event, &mut told);
        }
    }
    masked.end(&mut told);
    told.iter().any(tells_cover)
}

/// Whether something in an event was covered. An answer that has the mark by itself is taken for one of which
/// something was: its body is then not kept.
fn tells_cover(event: &Event) -> bool {
    let text = serde_json::to_string(event).unwrap_or_default();
    text.contains(COVER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_hexadecimal_digits_behind_a_percent_sign_are_a_byte() {
        for (text, decoded) in [
            ("a%20b%C3%a9", "a bé"),
            ("%+1%-2%2", "%+1%-2%2"),
            ("100 %é", "100 %é"),
        ] {
            assert_eq!(percent_decoded(text), decoded);
        }
    }
}

//! Which headers are passed on: a client's to a target of its protocol, and a target's to the client.

use http::{HeaderMap, HeaderName, header};

/// Headers of one connection (RFC 9110 §7.6.1), never passed on.
const OF_CONNECTION: &[&str] = &[
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Headers of a client that are the gateway's alone: its key, its names, what the connection writes itself, and what
/// a proxy would say of the client.
const OF_CLIENT: &[&str] = &[
    "accept-encoding",
    "api-key",
    "authorization",
    "content-encoding",
    "content-length",
    "cookie",
    "expect",
    "forwarded",
    "host",
    "origin",
    "referer",
    "via",
    "x-api-key",
    "x-goog-api-key",
    "x-real-ip",
];
const OF_CLIENT_PREFIXES: &[&str] = &["sec-", "x-forwarded-", "x-tokenscope-"];

/// Headers of a target that would mean something else here.
const OF_TARGET: &[&str] = &[
    "alt-svc",
    "server",
    "set-cookie",
    "strict-transport-security",
];
const OF_TARGET_PREFIXES: &[&str] = &["access-control-", "x-tokenscope-"];

/// Headers of a target that a client of another protocol gets, too.
const FOR_EVERYONE: &[&str] = &[
    "cf-ray",
    "openai-processing-ms",
    "request-id",
    "retry-after",
    "retry-after-ms",
    "server-timing",
    "x-request-id",
];
const FOR_EVERYONE_PREFIXES: &[&str] = &["anthropic-ratelimit-", "ratelimit-", "x-ratelimit-"];

/// The headers of a client's request that go on.
pub(super) fn of_request(headers: &HeaderMap) -> HeaderMap {
    kept(headers, |name| !is_any(name, OF_CLIENT, OF_CLIENT_PREFIXES))
}

/// The headers of a target's response that go to a client of the same protocol, whose body is passed on as it is, or
/// with its compression undone.
pub(super) fn of_response(headers: &HeaderMap, is_unpacked: bool) -> HeaderMap {
    let was_packed = is_unpacked && headers.contains_key(header::CONTENT_ENCODING);
    kept(headers, |name| {
        let is_of_packing = matches!(name.as_str(), "content-encoding" | "content-length");
        !(is_any(name, OF_TARGET, OF_TARGET_PREFIXES) || was_packed && is_of_packing)
    })
}

/// The headers of a target's response that go to a client of another protocol.
pub(super) fn for_everyone(headers: &HeaderMap) -> HeaderMap {
    kept(headers, |name| {
        is_any(name, FOR_EVERYONE, FOR_EVERYONE_PREFIXES)
    })
}

fn is_any(name: &HeaderName, names: &[&str], prefixes: &[&str]) -> bool {
    names.contains(&name.as_str())
        || prefixes
            .iter()
            .any(|prefix| name.as_str().starts_with(prefix))
}

/// The headers that are kept, without those of the connection and those that `connection` names.
fn kept(headers: &HeaderMap, is_kept: impl Fn(&HeaderName) -> bool) -> HeaderMap {
    let named = headers.get_all(header::CONNECTION).into_iter();
    let named: Vec<String> = named
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    let goes_on = |name: &HeaderName| {
        let is_of_connection = OF_CONNECTION.contains(&name.as_str())
            || named.iter().any(|other| other == name.as_str());
        !is_of_connection && is_kept(name)
    };
    let kept = headers.iter().filter(|(name, _)| goes_on(name));
    kept.map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(headers: &HeaderMap) -> Vec<&str> {
        headers.keys().map(HeaderName::as_str).collect()
    }

    fn with(names: &[&'static str]) -> HeaderMap {
        let of = |name: &&'static str| (HeaderName::from_static(name), "x".parse().unwrap());
        names.iter().map(of).collect()
    }

    #[test]
    fn a_clients_own_headers_go_on_and_its_key_does_not() {
        let mut headers = with(&[
            "anthropic-beta",
            "openai-organization",
            "idempotency-key",
            "user-agent",
            "authorization",
            "x-api-key",
            "x-goog-api-key",
            "host",
            "content-length",
            "transfer-encoding",
            "x-forwarded-for",
            "cookie",
            "x-of-this-hop",
        ]);
        headers.insert("connection", "close, X-Of-This-Hop".parse().unwrap());
        let kept = of_request(&headers);
        assert_eq!(
            names(&kept),
            [
                "anthropic-beta",
                "openai-organization",
                "idempotency-key",
                "user-agent"
            ]
        );
    }

    #[test]
    fn a_targets_headers_come_back() {
        let headers = with(&[
            "x-ratelimit-remaining-requests",
            "request-id",
            "retry-after",
            "openai-model",
            "content-type",
            "content-length",
            "content-encoding",
            "transfer-encoding",
            "set-cookie",
            "access-control-allow-origin",
        ]);
        let unpacked = of_response(&headers, true);
        let all = [
            "x-ratelimit-remaining-requests",
            "request-id",
            "retry-after",
            "openai-model",
            "content-type",
        ];
        assert_eq!(names(&unpacked), all);
        assert_eq!(of_response(&headers, false).len(), all.len() + 2);
        assert_eq!(names(&for_everyone(&headers)), all[..3]);
    }
}

//! The request headers of an endpoint: its key, and the user's own headers.
//!
//! In: an [`Endpoint`] and its key. Out: a [`HeaderMap`] whose secret values are marked sensitive, so that they are
//! never printed.

use http::{HeaderMap, HeaderName, HeaderValue, header};
use secrecy::{ExposeSecret as _, SecretString, zeroize::Zeroizing};
use url::Url;

use super::{
    Auth, Endpoint,
    variables::{self, Environment},
};
use crate::{
    event::{About, Fault, FaultClass, Note, Phase},
    visible::is_secret_name,
};

/// Headers that the HTTP connection writes; a second one would break or hijack the request.
const RESERVED: &[HeaderName] = &[
    header::HOST,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::CONNECTION,
    header::UPGRADE,
    header::TE,
    header::TRAILER,
];

/// The prefix of a bearer token.
const BEARER: &str = "Bearer ";

/// The key and the extra headers of an endpoint, with `${NAME}` references resolved. A header of the user takes
/// precedence over the key's. Without a key, its header is not sent.
///
/// # Errors
/// A fault of phase `prepare`: a reference to a variable that is not set, a value that is not valid in a header, or no
/// key although the endpoint needs one. The message contains no value.
pub fn request_headers(
    endpoint: &Endpoint,
    key: Option<&SecretString>,
) -> Result<HeaderMap, Fault> {
    headers_in(endpoint, key, &Environment::of_process())
}

fn headers_in(
    endpoint: &Endpoint,
    key: Option<&SecretString>,
    environment: &Environment,
) -> Result<HeaderMap, Fault> {
    let mut map = HeaderMap::new();
    for (name, text) in &endpoint.headers {
        let parsed = name_of(name).map_err(|why| bad(FaultClass::BadRequest, why))?;
        let value = variables::expand(text, environment)
            .map_err(|why| bad(FaultClass::Auth, format!("the header {name}: {why}")))?;
        let mut value = value_of(&Zeroizing::new(value), &format!("the header {name}"))?;
        value.set_sensitive(is_secret(endpoint, &parsed, text));
        map.insert(parsed, value);
    }
    let name = key_header(&endpoint.auth)?;
    if name.as_ref().is_some_and(|name| map.contains_key(name)) {
        return Ok(map);
    }
    match (name, key) {
        (Some(name), Some(key)) => {
            map.insert(name, key_value(&endpoint.auth, key)?);
        }
        (_, None) if endpoint.needs_key() => return Err(no_key(endpoint)),
        _ => {}
    }
    Ok(map)
}

/// Adds the key to a URL's query, if the endpoint expects it there. A key in the base URL takes precedence.
pub(crate) fn put_into_query(url: &mut Url, endpoint: &Endpoint, key: Option<&SecretString>) {
    const NAME: &str = "key";
    let Some(key) = key.filter(|_| endpoint.auth == Auth::Query) else {
        return;
    };
    if url.query_pairs().all(|(name, _)| name != NAME) {
        url.query_pairs_mut()
            .append_pair(NAME, bare(key.expose_secret()));
    }
}

/// Whether a user's header is secret: by its name, by the names of variables in it, or because it is the key's header.
fn is_secret(endpoint: &Endpoint, name: &HeaderName, text: &str) -> bool {
    let is_key =
        matches!(&endpoint.auth, Auth::Header(key) if name.as_str().eq_ignore_ascii_case(key));
    is_key || is_secret_name(name.as_str()) || variables::names(text).any(is_secret_name)
}

/// The name of a header that a user may set.
///
/// # Errors
/// If it is not a header name, or one that the HTTP connection writes.
pub(crate) fn name_of(name: &str) -> Result<HeaderName, String> {
    let parsed = HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| format!("“{name}” is not the name of a header"))?;
    if RESERVED.contains(&parsed) {
        return Err(format!(
            "the header {name} is written by the connection itself"
        ));
    }
    Ok(parsed)
}

fn key_header(auth: &Auth) -> Result<Option<HeaderName>, Fault> {
    match auth {
        Auth::Bearer => Ok(Some(header::AUTHORIZATION)),
        Auth::Header(name) => name_of(name)
            .map(Some)
            .map_err(|why| bad(FaultClass::BadRequest, why)),
        Auth::Query | Auth::None => Ok(None),
    }
}

/// A key without the quotes or the `Bearer ` that people paste with it.
fn bare(key: &str) -> &str {
    let key = variables::unquoted(key.trim());
    let (word, rest) = key.split_at_checked(BEARER.len()).unwrap_or_default();
    if word.eq_ignore_ascii_case(BEARER) {
        rest.trim()
    } else {
        key
    }
}

/// A note if the key is sent differently from how it is written.
pub(crate) fn key_note(key: &SecretString) -> Option<Note> {
    let key = key.expose_secret();
    let text = match bare(key) {
        same if same == key.trim() => return None,
        _ if variables::unquoted(key.trim()) == key.trim() => {
            "the key starts with “Bearer ”, which was removed: it is not part of a key"
        }
        _ => "the key is in quotes, which were removed: they are not part of a key",
    };
    Some(Note::new(About::Aside, text))
}

fn key_value(auth: &Auth, key: &SecretString) -> Result<HeaderValue, Fault> {
    let key = bare(key.expose_secret());
    match auth {
        Auth::Bearer => value_of(&Zeroizing::new(format!("Bearer {key}")), "the key"),
        _ => value_of(key, "the key"),
    }
}

/// A sensitive header value. Keys are ASCII without control characters; anything else is a typing error.
fn value_of(text: &str, what: &str) -> Result<HeaderValue, Fault> {
    let mut value = HeaderValue::from_str(text)
        .ok()
        .filter(|_| text.is_ascii())
        .ok_or_else(|| {
            let why = format!(
                "{what} contains a character that is not allowed in a header: set it again"
            );
            bad(FaultClass::Auth, why)
        })?;
    value.set_sensitive(true);
    Ok(value)
}

fn no_key(endpoint: &Endpoint) -> Fault {
    let why = format!("{} needs a key: {}", endpoint.label, endpoint.key_hint());
    bad(FaultClass::Auth, why)
}

fn bad(class: FaultClass, why: String) -> Fault {
    Fault::new(class, Phase::Prepare, why)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::endpoint::preset;

    fn openai() -> Endpoint {
        preset::find("openai")
            .unwrap()
            .endpoint(&BTreeMap::new())
            .unwrap()
    }

    fn key(text: &str) -> SecretString {
        text.to_owned().into()
    }

    #[test]
    fn the_key_is_sent_as_the_endpoint_expects_and_never_printed() {
        let mut e = openai();
        let bearer = request_headers(&e, Some(&key("sk-1"))).unwrap();
        assert_eq!(bearer["authorization"], "Bearer sk-1");
        e.auth = Auth::Header("api-key".into());
        let bare = request_headers(&e, Some(&key("sk-1"))).unwrap();
        assert_eq!(bare["api-key"], "sk-1");
        assert!(!bare.contains_key("authorization"));
        for none in [Auth::None, Auth::Query] {
            e.auth = none;
            assert!(request_headers(&e, Some(&key("sk-1"))).unwrap().is_empty());
        }
        for map in [bearer, bare] {
            assert!(!format!("{map:?}").contains("sk-1"), "{map:?}");
        }
    }

    #[test]
    fn a_key_goes_into_the_query_once_and_only_if_expected() {
        let mut e = openai();
        for (auth, base, expected) in [
            (Auth::Query, "https://h/v1", "https://h/v1?key=s+k%2F1%26"),
            (
                Auth::Query,
                "https://h/v1?alt=sse",
                "https://h/v1?alt=sse&key=s+k%2F1%26",
            ),
            (Auth::Query, "https://h/v1?key=own", "https://h/v1?key=own"),
            (Auth::Bearer, "https://h/v1", "https://h/v1"),
        ] {
            e.auth = auth;
            let mut url = base.parse().unwrap();
            put_into_query(&mut url, &e, Some(&key(" \"s k/1&\" ")));
            assert_eq!(url.as_str(), expected);
        }
        e.auth = Auth::Query;
        let fault = request_headers(&e, None).unwrap_err();
        assert_eq!(fault.class, FaultClass::Auth, "it needs one");
    }

    #[test]
    fn quotes_and_bearer_around_a_key_are_removed_with_a_note() {
        for (text, mentioned) in [
            ("sk-1", None),
            ("Bearer sk-1", Some("Bearer")),
            ("bearer  sk-1", Some("Bearer")),
            ("\"sk-1\"", Some("quotes")),
            ("'Bearer sk-1'", Some("quotes")),
        ] {
            let map = request_headers(&openai(), Some(&key(text))).unwrap();
            assert_eq!(map["authorization"], "Bearer sk-1", "{text}");
            let note = key_note(&key(text)).map(|note| note.text);
            assert_eq!(note.is_some(), mentioned.is_some(), "{text}");
            assert!(
                note.unwrap_or_default()
                    .contains(mentioned.unwrap_or_default()),
                "{text}"
            );
        }
    }

    #[test]
    fn without_a_key_only_a_cloud_preset_fails() {
        let fault = request_headers(&openai(), None).unwrap_err();
        assert_eq!(
            (fault.class, fault.phase),
            (FaultClass::Auth, Phase::Prepare)
        );
        assert!(fault.message.contains("OPENAI_API_KEY"), "{fault}");
        assert!(fault.message.contains("keys set openai"), "{fault}");
        let local = preset::find("llamacpp").unwrap().endpoint(&BTreeMap::new());
        assert!(request_headers(&local.unwrap(), None).unwrap().is_empty());
    }

    #[test]
    fn extra_headers_resolve_references_and_take_precedence_over_the_key() {
        let env = Environment::of([("TOKEN", "t-1")]);
        let mut e = openai();
        e.headers = [("Authorization", "Bearer ${TOKEN}"), ("X-Title", "scope")]
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .into();
        for key in [None, Some(key("sk-1"))] {
            let map = headers_in(&e, key.as_ref(), &env).unwrap();
            assert_eq!(map["authorization"], "Bearer t-1");
            assert_eq!(map["x-title"], "scope");
            assert!(!map["x-title"].is_sensitive(), "it is not secret");
            assert!(map["authorization"].is_sensitive());
            assert!(!format!("{map:?}").contains("t-1"), "{map:?}");
        }
        let unset = headers_in(&e, None, &Environment::of([])).unwrap_err();
        assert!(unset.message.contains("${TOKEN} is not set"), "{unset}");
    }

    #[test]
    fn invalid_header_values_are_errors_that_do_not_show_them() {
        for text in ["sk-hunter2\nX-Evil: 1", "sk-hunter2\u{7f}", "sk-hunter2…"] {
            let fault = request_headers(&openai(), Some(&key(text))).unwrap_err();
            assert_eq!(fault.class, FaultClass::Auth, "{fault}");
            assert!(!fault.message.contains("hunter2"), "{fault}");
        }
        for name in ["Host", "content-length", "Transfer-Encoding", "a b", ""] {
            assert!(name_of(name).is_err(), "{name}");
        }
    }
}

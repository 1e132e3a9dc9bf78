//! What goes on the wire for a run, or for any other request to an endpoint.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use crate::{
    chat::ChatRequest,
    dialect::Dialect,
    endpoint::{Auth, Endpoint},
    event::{Fault, FaultClass, Phase},
    transport::HttpCall,
};

/// The call of a chat request.
///
/// # Errors
/// A fault in `prepare`: `auth` for a key that no header can carry, `bad_request` for an extra header
/// that can't be sent or names a missing environment variable.
pub fn chat_call(
    dialect: &Dialect,
    endpoint: &Endpoint,
    request: &ChatRequest,
    key: Option<&SecretString>,
    proxy_password: Option<SecretString>,
) -> Result<HttpCall, Fault> {
    let url = (dialect.chat_url)(&endpoint.base_url, &request.model);
    let body = serde_json::to_vec(&(dialect.encode)(request))
        .map_err(|error| bad_request(format!("the request can't be written as JSON: {error}")))?;
    let mut call = call(Method::POST, url, endpoint, key, proxy_password)?;
    let defaults = [
        (header::CONTENT_TYPE, "application/json"),
        (header::ACCEPT, "text/event-stream"),
    ];
    for (name, value) in defaults {
        let value = HeaderValue::from_static(value);
        call.headers.entry(name).or_insert(value);
    }
    call.body = Bytes::from(body);
    Ok(call)
}

/// The call that lists an endpoint's models.
///
/// # Errors
/// As [`chat_call`].
pub fn models_call(
    dialect: &Dialect,
    endpoint: &Endpoint,
    key: Option<&SecretString>,
    proxy_password: Option<SecretString>,
) -> Result<HttpCall, Fault> {
    let url = (dialect.models_url)(&endpoint.base_url);
    let mut call = call(Method::GET, url, endpoint, key, proxy_password)?;
    let json = HeaderValue::from_static("application/json");
    call.headers.entry(header::ACCEPT).or_insert(json);
    Ok(call)
}

fn call(
    method: Method,
    url: Url,
    endpoint: &Endpoint,
    key: Option<&SecretString>,
    proxy_password: Option<SecretString>,
) -> Result<HttpCall, Fault> {
    let mut headers = HeaderMap::new();
    if let Some((name, value)) = auth_header(&endpoint.auth, key)? {
        headers.insert(name, value);
    }
    for (name, value) in &endpoint.headers {
        let (name, value) = extra_header(name, value, &|name| std::env::var(name).ok())?;
        headers.insert(name, value);
    }
    Ok(HttpCall {
        method,
        url,
        headers,
        body: Bytes::new(),
        connect: endpoint.connect.clone(),
        proxy_password,
    })
}

fn auth_header(
    auth: &Auth,
    key: Option<&SecretString>,
) -> Result<Option<(HeaderName, HeaderValue)>, Fault> {
    // A key pasted with its line break is meant without it.
    let key = key
        .map(|key| key.expose_secret().trim())
        .unwrap_or_default();
    if key.is_empty() {
        return Ok(None);
    }
    let (name, value) = match auth {
        Auth::None => return Ok(None),
        Auth::Bearer => (header::AUTHORIZATION, sensitive(&format!("Bearer {key}"))),
        Auth::Header(name) => (header_name(name)?, sensitive(key)),
    };
    let value = value.ok_or_else(|| {
        let message = "the key holds a character that no header can carry (a line break inside it?): set it again";
        Fault::new(FaultClass::Auth, Phase::Prepare, message)
    })?;
    Ok(Some((name, value)))
}

/// A header that the user wrote; its value may hold secrets.
fn extra_header(
    name: &str,
    value: &str,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<(HeaderName, HeaderValue), Fault> {
    let header = header_name(name)?;
    if [header::CONTENT_LENGTH, header::TRANSFER_ENCODING].contains(&header) {
        return Err(bad_request(format!(
            "the endpoint's header “{name}” can't be set by hand: remove it"
        )));
    }
    let value = expanded(value, variable).map_err(|why| {
        bad_request(format!(
            "the endpoint's header “{name}” can't be sent: {why}"
        ))
    })?;
    let value = sensitive(value.trim()).ok_or_else(|| {
        bad_request(format!(
            "the endpoint's header “{name}” holds a character that no header can carry"
        ))
    })?;
    Ok((header, value))
}

fn header_name(name: &str) -> Result<HeaderName, Fault> {
    name.trim()
        .parse()
        .map_err(|_| bad_request(format!("“{name}” is not a header's name")))
}

fn sensitive(value: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(value).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The text with every `${NAME}` replaced; the error names what is missing.
fn expanded(text: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut parts = text.split("${");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part
            .split_once('}')
            .ok_or_else(|| "a “${” has no “}”".to_owned())?;
        let value =
            variable(name).ok_or_else(|| format!("the environment variable {name} is not set"))?;
        out.push_str(&value);
        out.push_str(rest);
    }
    Ok(out)
}

fn bad_request(message: String) -> Fault {
    Fault::new(FaultClass::BadRequest, Phase::Prepare, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variable(name: &str) -> Option<String> {
        (name == "TEAM").then(|| "red".to_owned())
    }

    #[test]
    fn variables_are_expanded_or_named() {
        for (text, expected) in [
            ("plain", Ok("plain")),
            ("${TEAM}", Ok("red")),
            ("a ${TEAM} b ${TEAM} $ {", Ok("a red b red $ {")),
            ("${NONE}", Err("the environment variable NONE is not set")),
            ("${TEAM", Err("a “${” has no “}”")),
        ] {
            let expected = expected.map(str::to_owned).map_err(str::to_owned);
            assert_eq!(expanded(text, &variable), expected, "{text}");
        }
    }

    #[test]
    fn extra_headers_are_checked_and_hidden() {
        let (name, value) = extra_header("X-Team", "${TEAM}", &variable).unwrap();
        assert_eq!((name.as_str(), value.as_bytes()), ("x-team", &b"red"[..]));
        assert_eq!(format!("{value:?}"), "Sensitive");
        for (name, value, part) in [
            ("X-Team", "${NONE}", "NONE"),
            ("bad name", "x", "bad name"),
            ("x", "a\u{0}b", "“x”"),
            ("Content-Length", "5", "Content-Length"),
        ] {
            let fault = extra_header(name, value, &variable).unwrap_err();
            assert_eq!(
                (fault.class, fault.phase),
                (FaultClass::BadRequest, Phase::Prepare)
            );
            assert!(fault.message.contains(part), "{}", fault.message);
        }
    }

    #[test]
    fn keys_are_sent_as_the_endpoint_says() {
        let key = SecretString::from(" sk-1\n");
        let sent = |auth: &Auth, key: Option<&SecretString>| {
            auth_header(auth, key).map(|header| {
                header.map(|(name, value)| {
                    assert!(value.is_sensitive());
                    format!("{name}: {}", value.to_str().unwrap())
                })
            })
        };
        let text = |text: &str| Ok(Some(text.to_owned()));
        let named = Auth::Header("x-api-key".into());
        assert_eq!(
            sent(&Auth::Bearer, Some(&key)),
            text("authorization: Bearer sk-1")
        );
        assert_eq!(sent(&named, Some(&key)), text("x-api-key: sk-1"));
        assert_eq!(sent(&Auth::None, Some(&key)), Ok(None));
        assert_eq!(sent(&Auth::Bearer, None), Ok(None));
        let broken = SecretString::from("sk\n1");
        let fault = sent(&Auth::Bearer, Some(&broken)).unwrap_err();
        assert_eq!(fault.class, FaultClass::Auth);
        assert!(!fault.message.contains("sk"));
    }
}

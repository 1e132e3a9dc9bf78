//! Errors as servers write them, read into [`Fault`]s: the class is ours, the words are theirs.
//!
//! Shapes met: OpenAI's `{"error": {"message", "type", "code"}}`, Google's with `status` and `details`
//! (bare or in an array), `{"error": "text"}`, `{"errors": […]}`, FastAPI's `{"detail": …}`, vLLM's and
//! Cohere's bare `{"message": …}`, a page of HTML, plain text, nothing.

use serde_json::Value;

use super::{
    excerpt::{capped, excerpt},
    json,
};
use crate::{
    dialect::ResponseHead,
    event::{Fault, FaultClass, Phase},
};

/// Most characters kept of a provider's message.
const MAX_MESSAGE: usize = 4_000;

/// What a server said about its failure.
#[derive(Debug, Default)]
pub struct ProviderError {
    /// Its message, verbatim, or the whole error as JSON where it has none.
    pub message: String,
    /// Its most telling code word.
    pub code: Option<String>,
    /// The HTTP status that it states inside its body.
    http: Option<u16>,
    /// Every code word, in lower case.
    words: Vec<String>,
    retry_after_ms: Option<u64>,
}

impl ProviderError {
    /// An error that is only a text.
    #[must_use]
    pub fn of_text(message: &str) -> Self {
        Self {
            message: capped(message.to_owned(), MAX_MESSAGE),
            ..Self::default()
        }
    }

    /// The error that a text tells, in JSON or in words.
    #[must_use]
    pub fn of_data(text: &str) -> Self {
        let told = json::value(text).ok();
        let told = told.and_then(|value| provider_error(&value));
        told.unwrap_or_else(|| Self::of_text(text))
    }

    /// The fault it is, in a response with this head.
    #[must_use]
    pub fn into_fault(self, head: &ResponseHead, phase: Phase) -> Fault {
        Fault {
            class: self.class(head.status),
            phase,
            status: Some(head.status),
            code: self.code,
            message: self.message,
            retry_after_ms: head.retry_after_ms.or(self.retry_after_ms),
        }
    }

    fn class(&self, status: u16) -> FaultClass {
        let said = (self.words.iter()).find_map(|word| class_of_word(word));
        let class = match status {
            // Behind a 200 the request was understood, so a stated 400 is the provider's own trouble.
            200..=299 => said
                .or_else(|| self.http.and_then(class_of_status))
                .filter(|class| *class != FaultClass::BadRequest)
                .or(Some(FaultClass::Provider)),
            // Google says 400 to a bad key, and some gateways 500 to whatever their provider said.
            400 | 500 => said.or_else(|| class_of_status(status)),
            _ => class_of_status(status).or(said),
        };
        class.unwrap_or(FaultClass::Protocol)
    }
}

/// The fault of a response whose status is not 2xx, from its whole body.
#[must_use]
pub fn of_response(head: &ResponseHead, body: &str) -> Fault {
    let body = body.trim_start_matches('\u{FEFF}').trim();
    let value = json::value(body).ok();
    let error = match value {
        Some(value) => provider_error(&value).unwrap_or_else(|| ProviderError::of_text(body)),
        None if body.is_empty() => {
            ProviderError::of_text(&format!("HTTP {} with an empty body", head.status))
        }
        None if body.starts_with('<') => ProviderError::of_text(&format!(
            "HTTP {} with a page instead of JSON: {}",
            head.status,
            excerpt(body)
        )),
        None => ProviderError::of_text(body),
    };
    error.into_fault(head, Phase::Headers)
}

/// The error in a JSON value; `None` if nothing in it looks like one.
#[must_use]
pub fn provider_error(value: &Value) -> Option<ProviderError> {
    let whole = value.get(0).unwrap_or(value);
    let node = error_node(whole);
    let message = message(node)?;
    let mut codes = Codes::default();
    codes.collect(node);
    if !std::ptr::eq(node, whole) {
        codes.collect(whole);
    }
    let number = codes.number.map(|n| n.to_string());
    let words = codes.words.iter().map(|word| word.to_lowercase());
    Some(ProviderError {
        message: capped(message, MAX_MESSAGE),
        http: codes.http,
        words: words.chain(number.clone()).collect(),
        code: codes
            .words
            .first()
            .map(|word| (*word).to_owned())
            .or(number),
        retry_after_ms: retry_delay_ms(node),
    })
}

/// The error that stands as bare JSON outside of any event; `None` if that is none.
#[must_use]
pub fn bare_error(text: &str) -> Option<ProviderError> {
    if !text.starts_with(['{', '[']) {
        return None;
    }
    let value = json::value(text).ok()?;
    let stated = value.get(0).unwrap_or(&value).get("error");
    stated.filter(|error| !is_void(error))?;
    provider_error(&value)
}

fn error_node(value: &Value) -> &Value {
    let field = |name| value.get(name).filter(|v| !is_void(v));
    field("error")
        .or_else(|| field("errors").map(|errors| errors.get(0).unwrap_or(errors)))
        .or_else(|| field("detail"))
        .unwrap_or(value)
}

fn is_void(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

fn message(node: &Value) -> Option<String> {
    const NAMES: &[&str] = &[
        "message",
        "msg",
        "error_message",
        "error_msg",
        "status_msg",
        "detail",
        "error",
        "error_description",
    ];
    match node {
        Value::String(text) => Some(text.clone()),
        Value::Array(_) => Some(node.to_string()),
        Value::Object(fields) => {
            let stated = NAMES
                .iter()
                .filter_map(|name| fields.get(*name))
                .find(|v| !is_void(v));
            match stated {
                Some(Value::String(text)) => Some(text.clone()),
                Some(other) => Some(other.to_string()),
                // An error object that has only codes; any other object is no error at all.
                None => ["code", "type", "status"]
                    .iter()
                    .any(|name| fields.contains_key(*name))
                    .then(|| node.to_string()),
            }
        }
        _ => None,
    }
}

/// The code words and numbers of an error, the most telling first.
#[derive(Default)]
struct Codes<'a> {
    words: Vec<&'a str>,
    number: Option<i64>,
    http: Option<u16>,
}

impl<'a> Codes<'a> {
    fn collect(&mut self, node: &'a Value) {
        for name in [
            "code",
            "status",
            "type",
            "error_type",
            "error_code",
            "status_code",
        ] {
            match node.get(name) {
                Some(Value::String(word)) if !word.is_empty() && word != "error" => {
                    self.words.push(word);
                    self.http = self
                        .http
                        .or_else(|| word.parse().ok().and_then(http_status));
                }
                Some(Value::Number(number)) => {
                    self.number = self.number.or(number.as_i64());
                    let http = number.as_u64().and_then(http_status);
                    self.http = self.http.or(http);
                }
                _ => {}
            }
        }
        let details = node.get("details").and_then(Value::as_array);
        let reasons = details
            .into_iter()
            .flatten()
            .filter_map(|d| d.get("reason")?.as_str());
        self.words.extend(reasons);
    }
}

fn http_status(number: u64) -> Option<u16> {
    u16::try_from(number)
        .ok()
        .filter(|status| (100..600).contains(status))
}

/// Google's `RetryInfo`: `"retryDelay": "34.07s"`.
fn retry_delay_ms(node: &Value) -> Option<u64> {
    const MAX_SECONDS: f64 = 86_400.0;
    let details = node.get("details")?.as_array()?;
    let delay = details.iter().find_map(|d| d.get("retryDelay")?.as_str())?;
    let seconds: f64 = delay.strip_suffix('s')?.parse().ok()?;
    let ms = (seconds.clamp(0.0, MAX_SECONDS) * 1e3).round();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to 0..=86,400,000; a NaN gives 0"
    )]
    Some(ms as u64)
}

/// The class of an HTTP status that is not 2xx.
fn class_of_status(status: u16) -> Option<FaultClass> {
    Some(match status {
        401 | 403 => FaultClass::Auth,
        404 => FaultClass::NotFound,
        407 => FaultClass::Proxy,
        408 => FaultClass::Timeout,
        429 => FaultClass::RateLimited,
        503 | 529 => FaultClass::Overloaded,
        400..=499 => FaultClass::BadRequest,
        500..=599 => FaultClass::Provider,
        // Redirects are not followed: a key must not travel to another host.
        _ => return None,
    })
}

/// Code words that say more than their HTTP status, as OpenAI, Anthropic, Google, Azure, Moonshot,
/// DashScope and MiniMax (numbers) write them, in lower case.
const WORDS: &[(FaultClass, &[&str])] = &[
    (
        FaultClass::Auth,
        &[
            "invalid_api_key",
            "api_key_invalid",
            "invalidapikey",
            "authentication_error",
            "invalid_authentication_error",
            "permission_error",
            "permission_denied",
            "unauthenticated",
            "unauthorized",
            "1004",
        ],
    ),
    (
        FaultClass::RateLimited,
        &[
            "rate_limit_exceeded",
            "rate_limit_error",
            "rate_limit_reached_error",
            "too_many_requests",
            "insufficient_quota",
            "quota_exceeded",
            "exceeded_current_quota_error",
            "resource_exhausted",
            "throttling",
            "1002",
            "1008",
        ],
    ),
    (
        FaultClass::Overloaded,
        &[
            "overloaded",
            "overloaded_error",
            "server_overloaded",
            "engine_overloaded",
            "engine_overloaded_error",
            "model_overloaded",
            "over_capacity",
            "service_unavailable",
            "unavailable",
        ],
    ),
    (
        FaultClass::NotFound,
        &[
            "model_not_found",
            "not_found_error",
            "not_found",
            "deploymentnotfound",
        ],
    ),
    (
        FaultClass::Timeout,
        &[
            "timeout",
            "timeout_error",
            "request_timeout",
            "deadline_exceeded",
        ],
    ),
];

fn class_of_word(word: &str) -> Option<FaultClass> {
    let row = WORDS.iter().find(|(_, words)| words.contains(&word));
    row.map(|(class, _)| *class)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(status: u16, body: &str) -> Fault {
        let head = ResponseHead {
            status,
            ..ResponseHead::default()
        };
        of_response(&head, body)
    }

    #[test]
    fn the_class_follows_the_status() {
        for (status, class) in [
            (301, FaultClass::Protocol),
            (400, FaultClass::BadRequest),
            (401, FaultClass::Auth),
            (402, FaultClass::BadRequest),
            (403, FaultClass::Auth),
            (404, FaultClass::NotFound),
            (407, FaultClass::Proxy),
            (408, FaultClass::Timeout),
            (413, FaultClass::BadRequest),
            (422, FaultClass::BadRequest),
            (429, FaultClass::RateLimited),
            (500, FaultClass::Provider),
            (502, FaultClass::Provider),
            (503, FaultClass::Overloaded),
            (504, FaultClass::Provider),
            (529, FaultClass::Overloaded),
        ] {
            let fault = fault(status, "");
            assert_eq!(fault.class, class, "{status}");
            assert_eq!(fault.status, Some(status));
            assert_eq!(fault.message, format!("HTTP {status} with an empty body"));
        }
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table")]
    fn the_providers_words_are_kept() {
        for (status, body, class, code, message) in [
            (
                401,
                r#"{"error":{"message":"Incorrect API key","type":"invalid_request_error","code":"invalid_api_key"}}"#,
                FaultClass::Auth,
                Some("invalid_api_key"),
                "Incorrect API key",
            ),
            (
                429,
                r#"{"error":{"message":"No quota","type":"insufficient_quota","param":null,"code":null}}"#,
                FaultClass::RateLimited,
                Some("insufficient_quota"),
                "No quota",
            ),
            (
                500,
                r#"{"error":"CUDA out of memory"}"#,
                FaultClass::Provider,
                None,
                "CUDA out of memory",
            ),
            (
                400,
                r#"[{"error":{"code":400,"message":"API key not valid","status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}]"#,
                FaultClass::Auth,
                Some("INVALID_ARGUMENT"),
                "API key not valid",
            ),
            (
                422,
                r#"{"detail":[{"loc":["body"],"msg":"field required"}]}"#,
                FaultClass::BadRequest,
                None,
                r#"[{"loc":["body"],"msg":"field required"}]"#,
            ),
            (
                404,
                r#"{"detail":"Not Found"}"#,
                FaultClass::NotFound,
                None,
                "Not Found",
            ),
            (
                400,
                r#"{"object":"error","message":"too long","type":"BadRequestError","param":null,"code":400}"#,
                FaultClass::BadRequest,
                Some("BadRequestError"),
                "too long",
            ),
            (
                404,
                r#"{"id":"x","message":"gone"}"#,
                FaultClass::NotFound,
                None,
                "gone",
            ),
            (
                500,
                r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
                FaultClass::Overloaded,
                Some("overloaded_error"),
                "Overloaded",
            ),
            (
                403,
                r#"{"success":false,"errors":[{"code":10000,"message":"No"}]}"#,
                FaultClass::Auth,
                Some("10000"),
                "No",
            ),
            (
                503,
                r#"{"foo":1}"#,
                FaultClass::Overloaded,
                None,
                r#"{"foo":1}"#,
            ),
            (
                503,
                "upstream connect error\n",
                FaultClass::Overloaded,
                None,
                "upstream connect error",
            ),
            (
                502,
                "<html>\r\n<h1>502\x1b[31m Bad\tGateway</h1>",
                FaultClass::Provider,
                None,
                "HTTP 502 with a page instead of JSON: <html> <h1>502 [31m Bad Gateway</h1>",
            ),
        ] {
            let fault = fault(status, body);
            assert_eq!(fault.class, class, "{body}");
            assert_eq!(fault.code.as_deref(), code, "{body}");
            assert_eq!(fault.message, message);
        }
    }

    #[test]
    fn a_wait_comes_from_the_head_or_from_googles_details() {
        let body = r#"{"error":{"message":"slow down","details":[{"retryDelay":"34.5s"}]}}"#;
        assert_eq!(fault(429, body).retry_after_ms, Some(34_500));
        let head = ResponseHead {
            status: 429,
            retry_after_ms: Some(7),
            ..ResponseHead::default()
        };
        assert_eq!(of_response(&head, body).retry_after_ms, Some(7));
    }

    #[test]
    fn a_huge_message_is_capped() {
        let text = "é".repeat(10_000);
        assert_eq!(fault(500, &text).message.chars().count(), MAX_MESSAGE + 1);
    }
}

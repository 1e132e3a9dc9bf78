//! Errors as servers write them, read into [`Fault`]s: the class is ours, the words are theirs.
//!
//! Shapes met: OpenAI's `{"error": {"message", "type", "code"}}`, Google's with `status` and `details`
//! (bare or in an array), `{"error": "text"}`, `{"errors": […]}`, FastAPI's `{"detail": …}`, vLLM's and
//! Cohere's bare `{"message": …}`, a page of HTML, plain text, nothing.

use serde_json::{Map, Value};

use super::wait::seconds;
use super::{
    excerpt::{capped, excerpt},
    json,
};
use crate::{
    body::ResponseHead,
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
    /// What else it said beside the message, as JSON.
    details: Option<String>,
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
            details: self.details,
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
            400 => said.or_else(|| class_of_status(status)),
            500 => said
                .or_else(|| self.http.and_then(class_of_status))
                .or_else(|| class_of_status(status)),
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
    let nodes = nodes(value.get(0).unwrap_or(value));
    // The innermost object that says anything is the provider's own.
    let innermost = |say: fn(&Value) -> Option<Said>| {
        (nodes.iter().rev()).find_map(|node| Some((*node, say(node)?)))
    };
    let (node, said) = innermost(sentence).or_else(|| innermost(codes_alone))?;
    let mut codes = Codes::default();
    codes.collect(node);
    for other in nodes
        .iter()
        .rev()
        .filter(|other| !std::ptr::eq(**other, node))
    {
        codes.collect(other);
    }
    let number = codes.number.map(|n| n.to_string());
    let words = codes.words.iter().map(|word| word.to_lowercase());
    let stated = said.field.is_empty() && node.is_string()
        || node.get(said.field).is_some_and(Value::is_string);
    let inner = stated.then(|| told_as_json(&said.text)).flatten();
    let error = ProviderError {
        message: said.text.clone(),
        http: codes.http,
        words: words.chain(number.clone()).collect(),
        code: (codes.words.first().map(|word| (*word).to_owned())).or(number),
        retry_after_ms: retry_delay_ms(node),
        details: None,
    };
    let mut error = match inner {
        Some(inner) => error.around(inner),
        None => error,
    };
    error.message = capped(with_upstream(node, error.message), MAX_MESSAGE);
    let beside = beside(&nodes, &said, error.code.as_deref());
    error.details = beside
        .or(error.details)
        .map(|text| capped(text, MAX_MESSAGE));
    Some(error)
}

/// The error that a JSON value tells which came behind a status of success and is no answer: `msg` with a code,
/// `success: false`, a list of errors. `None` where it says that all is well, or nothing of the kind.
#[must_use]
pub fn business_error(value: &Value) -> Option<ProviderError> {
    let whole = value.get(0).unwrap_or(value);
    says_failure(whole).then(|| {
        provider_error(whole).unwrap_or_else(|| ProviderError::of_text(&whole.to_string()))
    })
}

/// The same of a JSON text; `None` where that is no JSON, too.
#[must_use]
pub fn business_error_in(text: &str) -> Option<ProviderError> {
    business_error(&json::value(text).ok()?)
}

/// Whether a field of this name may tell of a failure.
#[must_use]
pub fn tells_of_failure(name: &str) -> bool {
    SENTENCES.contains(&name)
        || CODES.contains(&name)
        || ["errors", "success", "ok"].contains(&name)
}

fn says_failure(node: &Value) -> bool {
    let Some(fields) = node.as_object() else {
        return false;
    };
    let is = |name: &str, value: bool| fields.get(name).is_some_and(|v| *v == Value::Bool(value));
    let stated = |name: &&str| fields.get(*name).is_some_and(|v| !is_void(v));
    if is("success", false) || is("ok", false) || ["error", "errors"].iter().any(stated) {
        return true;
    }
    let is_fine = |code: &Value| match code {
        Value::Number(code) => matches!(code.as_i64(), Some(0 | 200)),
        Value::String(word) => {
            ["0", "200", "ok", "success"].contains(&word.to_ascii_lowercase().as_str())
        }
        _ => false,
    };
    let codes = || CODES.iter().filter_map(|name| fields.get(*name));
    let fine = is("success", true) || is("ok", true) || codes().any(is_fine);
    !fine
        && SENTENCES
            .iter()
            .any(|name| fields.get(*name).is_some_and(Value::is_string))
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

/// The objects that an error is nested in, the outermost first.
fn nodes(whole: &Value) -> Vec<&Value> {
    const DEEPEST: usize = 5;
    let mut nodes = vec![whole];
    while let Some(inner) = nodes.last().and_then(|node| inner_node(node))
        && nodes.len() < DEEPEST
    {
        nodes.push(inner);
    }
    nodes
}

/// The object inside an error object that says more.
fn inner_node(node: &Value) -> Option<&Value> {
    let inner = |name| match node.get(name)? {
        Value::Array(items) if name == "errors" => items.first().filter(|item| !is_void(item)),
        value => Some(value).filter(|value| value.is_object() && !is_void(value)),
    };
    ["error", "errors", "detail", "message"]
        .into_iter()
        .find_map(inner)
}

pub(super) fn is_void(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

/// The fields that an error's sentence stands in, the best first: a mere title may stand beside the sentence.
const SENTENCES: &[&str] = &[
    "message",
    "msg",
    "error_message",
    "error_msg",
    "errorMessage",
    "errmsg",
    "err_msg",
    "status_msg",
    "error_description",
    "detail",
    "error",
    "title",
];

/// What an error says, and the field that it says it in.
struct Said {
    field: &'static str,
    text: String,
}

fn sentence(node: &Value) -> Option<Said> {
    let (field, text) = match node {
        Value::String(text) => ("", text.clone()),
        Value::Array(_) => ("", node.to_string()),
        Value::Object(fields) => {
            let text = |name: &&'static str| Some((*name, text_of(fields.get(*name)?)?));
            SENTENCES.iter().find_map(text)?
        }
        _ => return None,
    };
    Some(Said { field, text })
}

/// An error object that has only codes; any other object is no error at all.
fn codes_alone(node: &Value) -> Option<Said> {
    let mut names = ["code", "type", "status"].iter();
    let coded = node.is_object() && names.any(|name| node.get(*name).is_some());
    coded.then(|| Said {
        field: "",
        text: node.to_string(),
    })
}

/// A sentence, or several of them.
fn text_of(value: &Value) -> Option<String> {
    match value {
        _ if is_void(value) => None,
        Value::String(text) => Some(text.clone()),
        Value::Array(items) if items.iter().all(Value::is_string) => {
            let texts: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
            Some(texts.join("; "))
        }
        Value::Array(_) => Some(value.to_string()),
        // An object is looked into by itself; a number says nothing without its field.
        _ => None,
    }
}

/// The error that a message holds as JSON text: gateways pass on what their provider said so.
fn told_as_json(message: &str) -> Option<ProviderError> {
    let text = message.trim();
    if !text.starts_with(['{', '[']) {
        return None;
    }
    provider_error(&json::value(text).ok()?)
}

impl ProviderError {
    /// An error whose message was `inner`, as JSON.
    fn around(self, inner: Self) -> Self {
        Self {
            message: inner.message,
            code: inner.code.or(self.code),
            details: inner.details,
            http: inner.http.or(self.http),
            words: inner.words.into_iter().chain(self.words).collect(),
            retry_after_ms: inner.retry_after_ms.or(self.retry_after_ms),
        }
    }
}

/// An aggregator says what its provider said beside a sentence of its own: OpenRouter's `metadata`.
fn with_upstream(node: &Value, message: String) -> String {
    let Some(metadata) = node.get("metadata") else {
        return message;
    };
    let upstream = metadata.get("raw").filter(|raw| !is_void(raw));
    let upstream = upstream.map(|raw| match raw {
        Value::String(text) => told_as_json(text).map_or_else(|| text.clone(), |e| e.message),
        other => provider_error(other).map_or_else(|| other.to_string(), |e| e.message),
    });
    let message = match upstream {
        Some(said) if !message.contains(&said) => format!("{message}: {said}"),
        _ => message,
    };
    match metadata.get("provider_name").and_then(Value::as_str) {
        Some(name) if !name.is_empty() && !message.contains(name) => format!("{message} ({name})"),
        _ => message,
    }
}

/// What stands beside an error's sentence in the objects around it, as JSON; `None` where nothing does.
fn beside(nodes: &[&Value], said: &Said, code: Option<&str>) -> Option<String> {
    let mut kept = Map::new();
    for (at, node) in nodes.iter().enumerate() {
        let inner = nodes.get(at + 1).copied();
        for (name, value) in node.as_object().into_iter().flatten() {
            let is_inner = inner.is_some_and(|inner| holds(value, inner));
            let is_said = match value {
                Value::String(text) => *text == said.text || Some(text.as_str()) == code,
                Value::Number(number) => {
                    let is_status = number.as_u64().and_then(http_status).is_some();
                    is_status || Some(number.to_string().as_str()) == code
                }
                _ => text_of(value).as_ref() == Some(&said.text),
            };
            let is_plain = matches!(value.as_str(), Some("error"));
            let told = is_inner || is_said || is_plain || said.field.is_empty() && inner.is_none();
            if !told && !is_void(value) && *value != Value::Bool(true) {
                kept.insert(name.clone(), value.clone());
            }
        }
    }
    (!kept.is_empty()).then(|| Value::Object(kept).to_string())
}

/// Whether a value is this one, or a list that begins with it.
fn holds(value: &Value, inner: &Value) -> bool {
    std::ptr::eq(value, inner) || (value.get(0)).is_some_and(|first| std::ptr::eq(first, inner))
}

/// The fields that an error's code stands in, the most telling first.
const CODES: &[&str] = &[
    "code",
    "status",
    "type",
    "error_type",
    "error_code",
    "errorCode",
    "errcode",
    "status_code",
    "statusCode",
];

/// The code words and numbers of an error, the most telling first.
#[derive(Default)]
struct Codes<'a> {
    words: Vec<&'a str>,
    number: Option<i64>,
    http: Option<u16>,
}

impl<'a> Codes<'a> {
    fn collect(&mut self, node: &'a Value) {
        for name in CODES {
            match node.get(*name) {
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
        // A title that is one word is a code, as OAuth's `error`.
        let word = node.get("error").and_then(Value::as_str);
        self.words.extend(word.filter(|word| {
            !word.is_empty()
                && !word.contains(char::is_whitespace)
                && SENTENCES[..10].iter().any(|name| node.get(*name).is_some())
        }));
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

/// Google's `RetryInfo`: `"retryDelay": "34.07s"`, or an `ErrorInfo` with `"quotaResetDelay": "1h16m0.66s"`.
fn retry_delay_ms(node: &Value) -> Option<u64> {
    const MAX_SECONDS: f64 = 86_400.0;
    let details = node.get("details")?.as_array()?;
    let of = |pointer: &str| {
        let mut stated = details.iter().filter_map(|d| d.pointer(pointer)?.as_str());
        stated.find_map(seconds)
    };
    let seconds = of("/retryDelay").or_else(|| of("/metadata/quotaResetDelay"))?;
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
        let quota = r#"{"error":{"message":"no","details":[{"reason":"X"},{"metadata":{"quotaResetDelay":"1h16m0.5s"}}]}}"#;
        assert_eq!(fault(429, quota).retry_after_ms, Some(4_560_500));
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

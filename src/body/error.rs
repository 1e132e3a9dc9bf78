//! Parses errors as servers write them into [`Fault`]s: the class is ours, the words are theirs.
//!
//! Known forms: OpenAI's `{"error": {"message", "type", "code"}}`, Google's with `status` and `details` (bare or in
//! an array), `{"error": "text"}`, `{"errors": […]}`, FastAPI's `{"detail": …}`, vLLM's and Cohere's bare
//! `{"message": …}`, a page of HTML, plain text, nothing.

mod business;
mod class;
mod codes;
mod places;

use serde_json::Value;

pub use self::business::{business_error, business_error_in, reports_failure};
pub(super) use self::places::is_void;
use self::{
    codes::{Codes, retry_delay_ms, stated_delay_ms},
    places::{ErrorSentence, beside, codes_alone, nodes, sentence},
};
use super::{
    excerpt::{capped, excerpt},
    json,
};
use crate::{
    body::ResponseHead,
    event::{Fault, Phase},
};

/// Most characters kept of a provider's message.
const MAX_MESSAGE: usize = 4_000;

/// A server's error.
#[derive(Debug, Default)]
pub struct ProviderError {
    /// Its message, verbatim, or the whole error as JSON where it has none.
    pub message: String,
    /// Its most specific code.
    pub code: Option<String>,
    /// Its other fields, as JSON.
    details: Option<String>,
    /// The HTTP status stated in its body.
    http: Option<u16>,
    /// All its codes, in lower case.
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

    /// The error in a text, which may be JSON.
    #[must_use]
    pub fn of_data(text: &str) -> Self {
        let stated = json::value(text).ok();
        let stated = stated.and_then(|value| provider_error(&value));
        stated.unwrap_or_else(|| Self::of_text(text))
    }

    /// The error in a field of an object. If the field is only a string, the whole object is parsed, since another
    /// field may hold the message.
    #[must_use]
    pub fn of_field(field: &str, whole: &str) -> Self {
        Self::of_data(if field.starts_with('"') { whole } else { field })
    }

    /// The fault, for a response with this head.
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

/// The error in a JSON value; `None` if there is none.
#[must_use]
pub fn provider_error(value: &Value) -> Option<ProviderError> {
    let nodes = nodes(value.get(0).unwrap_or(value));
    // The innermost object with a message is the provider's own.
    let innermost = |say: fn(&Value) -> Option<ErrorSentence>| {
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
    let inner = stated.then(|| json_message(&said.text)).flatten();
    let error = ProviderError {
        message: said.text.clone(),
        http: codes.http,
        words: words.chain(number.clone()).collect(),
        code: (codes.words.first().map(|word| (*word).to_owned())).or(number),
        retry_after_ms: retry_delay_ms(node).or_else(|| stated_delay_ms(&said.text)),
        details: None,
    };
    let mut error = match inner {
        Some(inner) => error.wrapping(inner),
        None => error,
    };
    error.message = capped(with_upstream(node, error.message), MAX_MESSAGE);
    let beside = beside(&nodes, &said, error.code.as_deref());
    error.details = beside
        .or(error.details)
        .map(|text| capped(text, MAX_MESSAGE));
    Some(error)
}

/// The error in JSON outside of any event; `None` if it is not an error.
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

/// The error in a message that is JSON itself: gateways pass on their provider's error like that.
fn json_message(message: &str) -> Option<ProviderError> {
    let text = message.trim();
    if !text.starts_with(['{', '[']) {
        return None;
    }
    provider_error(&json::value(text).ok()?)
}

impl ProviderError {
    /// Combines an error with the one that its message held as JSON.
    fn wrapping(self, inner: Self) -> Self {
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

/// Adds the provider's message, which an aggregator puts beside its own (OpenRouter's `metadata`).
fn with_upstream(node: &Value, message: String) -> String {
    let Some(metadata) = node.get("metadata") else {
        return message;
    };
    let upstream = metadata.get("raw").filter(|raw| !is_void(raw));
    let upstream = upstream.map(|raw| match raw {
        Value::String(text) => json_message(text).map_or_else(|| text.clone(), |e| e.message),
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

#[cfg(test)]
mod tests;

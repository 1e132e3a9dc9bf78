//! How a setting reaches the wire in a protocol's own fields.
//!
//! In: settings, and the protocol. Out: what they become in its body, in words; the JSON that sets a field of
//! its own.

use serde_json::{Map, Value, json};

use super::params_form::{json, pretty};
use crate::{chat::ChatRequest, dialect::DialectId, endpoint::call::raw_body};

/// The words for reasoning effort that the models of a protocol know; any other can be typed.
pub fn efforts(dialect: Option<DialectId>) -> &'static [&'static str] {
    match dialect {
        Some(DialectId::Anthropic) => &["none", "low", "medium", "high", "max"],
        Some(DialectId::Ollama) => &["none", "true", "low", "medium", "high"],
        _ => &["none", "minimal", "low", "medium", "high"],
    }
}

/// What the reasoning effort changes about the body, field by field; nothing without an effort.
pub fn effort_sent(dialect: DialectId, request: &ChatRequest) -> Vec<String> {
    let mut without = request.clone();
    if without.params.reasoning_effort.take().is_none() {
        return Vec::new();
    }
    let body = |request| raw_body(dialect.dialect(), request);
    let mut changes = Vec::new();
    compare(&body(request), &body(&without), "", &mut changes);
    changes
}

fn compare(with: &Value, without: &Value, path: &str, changes: &mut Vec<String>) {
    let (Value::Object(with), Value::Object(without)) = (with, without) else {
        return;
    };
    let at = |key: &str| match path {
        "" => key.to_owned(),
        path => format!("{path}.{key}"),
    };
    for (key, value) in with {
        match without.get(key) {
            Some(other) if other == value => {}
            Some(other) if other.is_object() && value.is_object() => {
                compare(value, other, &at(key), changes);
            }
            _ => changes.push(format!("{}: {value}", at(key))),
        }
    }
    let gone = without.keys().filter(|key| !with.contains_key(*key));
    changes.extend(gone.map(|key| format!("without {}", at(key))));
}

/// How long a prompt is kept by a provider that keeps it only when it is asked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caching {
    /// Not asked for.
    Off,
    /// Five minutes.
    Minutes,
    /// An hour.
    Hour,
    /// Something else, written by hand.
    Other,
}

/// Anthropic's field: the end of the prompt becomes the end of what is cached
/// (<https://platform.claude.com/docs/en/build-with-claude/prompt-caching>).
const CACHE_CONTROL: &str = "cache_control";

/// What the further JSON asks of the provider's cache; nothing if it does not read.
pub fn caching(extra: &str) -> Option<Caching> {
    let extra = object(extra)?;
    let Some(control) = extra.get(CACHE_CONTROL) else {
        return Some(Caching::Off);
    };
    let known = [Caching::Minutes, Caching::Hour].into_iter();
    let mut found = known.filter(|caching| control_of(*caching).as_ref() == Some(control));
    Some(found.next().unwrap_or(Caching::Other))
}

/// The further JSON with another wish for the cache; nothing if it does not read.
pub fn with_caching(extra: &str, caching: Caching) -> Option<String> {
    let mut extra = object(extra)?;
    match control_of(caching) {
        Some(control) => extra.insert(CACHE_CONTROL.to_owned(), control),
        None => extra.shift_remove(CACHE_CONTROL),
    };
    if extra.is_empty() {
        return Some(String::new());
    }
    Some(pretty(&extra.into()))
}

fn control_of(caching: Caching) -> Option<Value> {
    match caching {
        Caching::Off | Caching::Other => None,
        Caching::Minutes => Some(json!({"type": "ephemeral"})),
        Caching::Hour => Some(json!({"type": "ephemeral", "ttl": "1h"})),
    }
}

fn object(text: &str) -> Option<Map<String, Value>> {
    match json(text).ok()? {
        None => Some(Map::new()),
        Some(Value::Object(map)) => Some(map),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::Params;

    #[test]
    fn every_protocol_tells_how_it_sends_an_effort() {
        for (dialect, model, expected) in [
            (DialectId::OpenaiChat, "gpt-5", "reasoning_effort: \"low\""),
            (DialectId::OpenaiResponses, "gpt-5", "reasoning"),
            (
                DialectId::Anthropic,
                "claude-sonnet-4-5",
                "thinking: {\"type\":\"enabled\",\"budget_tokens\":1024}",
            ),
            (DialectId::Gemini, "gemini-3-pro", "thinkingLevel"),
            (DialectId::VertexGrpc, "gemini-2.5-flash", "thinkingBudget"),
            (DialectId::Ollama, "gpt-oss", "think: \"low\""),
        ] {
            let mut request = ChatRequest::of_text(model, "Hi");
            assert!(effort_sent(dialect, &request).is_empty());
            request.params.reasoning_effort = Some("low".into());
            let said = effort_sent(dialect, &request).join("\n");
            assert!(said.contains(expected), "{dialect}: {said}");
        }
    }

    #[test]
    fn what_an_effort_takes_away_is_told() {
        let request = ChatRequest {
            params: Params {
                temperature: Some(0.2),
                reasoning_effort: Some("high".into()),
                ..Params::default()
            },
            ..ChatRequest::of_text("claude-3-7-sonnet-latest", "Hi")
        };
        let said = effort_sent(DialectId::Anthropic, &request);
        assert!(said.contains(&"without temperature".to_owned()), "{said:?}");
    }

    #[test]
    fn caching_is_a_field_of_the_further_json() {
        let with = with_caching("{\"top_k\": 5}", Caching::Hour).unwrap();
        assert_eq!(caching(&with), Some(Caching::Hour));
        assert!(with.contains("\"top_k\": 5"), "the rest stays");
        let with = with_caching(&with, Caching::Minutes).unwrap();
        assert_eq!(caching(&with), Some(Caching::Minutes));
        let without = with_caching(&with, Caching::Off).unwrap();
        assert_eq!(caching(&without), Some(Caching::Off));
        assert!(without.contains("top_k"));
        assert_eq!(with_caching("", Caching::Off).as_deref(), Some(""));
        assert_eq!(
            caching(r#"{"cache_control": {"ttl": "2h"}}"#),
            Some(Caching::Other)
        );
        assert_eq!(
            (caching("{"), with_caching("[1]", Caching::Hour)),
            (None, None)
        );
    }
}

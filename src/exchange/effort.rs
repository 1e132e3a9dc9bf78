//! How a reasoning effort reaches the wire in a protocol's own fields.
//!
//! In: a request, and the protocol. Out: what the effort changes about its body, in words.

use serde_json::Value;

use super::call::fitted_body;
use crate::{chat::ChatRequest, dialect::DialectId};

/// What the reasoning effort changes about the body, field by field; nothing without an effort.
#[must_use]
pub fn sent_as(dialect: DialectId, request: &ChatRequest) -> Vec<String> {
    let mut without = request.clone();
    if without.params.reasoning_effort.take().is_none() {
        return Vec::new();
    }
    let body = |request| fitted_body(dialect.dialect(), request);
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
            assert!(sent_as(dialect, &request).is_empty());
            request.params.reasoning_effort = Some("low".into());
            let said = sent_as(dialect, &request).join("\n");
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
        let said = sent_as(DialectId::Anthropic, &request);
        assert!(said.contains(&"without temperature".to_owned()), "{said:?}");
    }
}

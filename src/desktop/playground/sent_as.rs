//! How a setting reaches the wire in a protocol's own fields.
//!
//! In: settings, and the protocol. Out: what they become in its body, in words.

use serde_json::Value;

use crate::{chat::ChatRequest, dialect::DialectId, exchange::call::fitted_body};

/// The words for reasoning effort that are offered while no protocol is chosen.
const EFFORTS: &[&str] = &["none", "minimal", "low", "medium", "high"];

/// The words for reasoning effort that the models of a protocol know; any other can be typed.
pub fn efforts(dialect: Option<DialectId>) -> &'static [&'static str] {
    dialect.map_or(EFFORTS, |dialect| dialect.dialect().efforts)
}

/// What the reasoning effort changes about the body, field by field; nothing without an effort.
pub fn effort_sent(dialect: DialectId, request: &ChatRequest) -> Vec<String> {
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
}

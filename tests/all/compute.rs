//! What the engine computes of requests and runs for its clients.

#[cfg(feature = "gui")]
mod window;

use std::sync::Arc;

use serde_json::json;
use tokenscope::{
    chat::{ChatRequest, Params},
    dialect::DialectId,
    endpoint::Endpoint,
    engine::{BodyOf, Command, ComputeCommand},
    exchange::call::raw_body,
    schema::SchemaCheck,
    snippet::{Language, snippet},
};

use crate::engine::Driven;

fn endpoint(driven: &Driven) -> Box<Endpoint> {
    Box::new(driven.settings.endpoint("simulator").unwrap().clone())
}

#[test]
fn schemas_are_checked_in_their_order() {
    let driven = Driven::new("");
    let schemas = vec![
        json!({"type": "objct"}),
        json!({"type": "object", "properties": {"a": {}}}),
        json!([]),
    ];
    let expected: Vec<_> = schemas.iter().map(SchemaCheck::of).collect();
    let checks =
        driven.answer(|reply| Command::Compute(ComputeCommand::CheckSchemas { schemas, reply }));
    assert_eq!(checks, expected);
    let counts = checks
        .iter()
        .map(|c| (c.problems.len(), c.strict_notes.len()));
    assert_eq!(counts.collect::<Vec<_>>(), [(1, 0), (0, 2), (1, 0)]);
}

#[test]
fn an_effort_is_said_in_the_protocols_own_fields() {
    let driven = Driven::new("");
    let request = Box::new(ChatRequest {
        params: Params {
            reasoning_effort: Some("low".into()),
            ..Params::default()
        },
        ..ChatRequest::of_text("claude-sonnet-4-5", "")
    });
    let said = driven.answer(|reply| {
        Command::Compute(ComputeCommand::Effort {
            dialect: DialectId::Anthropic,
            request,
            reply,
        })
    });
    assert!(said.join(" ").contains("thinking: "), "{said:?}");
}

#[test]
fn a_body_and_a_program_are_those_that_are_written_elsewhere() {
    let driven = Driven::new("");
    let request = ChatRequest::of_text("sim-fast", "Hello");
    let body = |of: BodyOf, max_bytes| {
        driven.answer(|reply| {
            Command::Compute(ComputeCommand::Body {
                of,
                max_bytes,
                reply,
            })
        })
    };
    let of = BodyOf::Request(endpoint(&driven), Box::new(request.clone()));
    let expected = raw_body(&endpoint(&driven), &request);
    let length = expected.to_string().len();
    assert_eq!(body(of.clone(), length), Some(format!("{expected:#}")));
    assert_eq!(body(of, length - 1), None);
    let written = BodyOf::Written(json!({"odd": [1]}));
    assert_eq!(
        body(written, 99).as_deref(),
        Some("{\n  \"odd\": [\n    1\n  ]\n}")
    );
    let program = driven.answer(|reply| {
        Command::Compute(ComputeCommand::Snippet {
            language: Language::Curl,
            endpoint: endpoint(&driven),
            request: Arc::new(request.clone()),
            reply,
        })
    });
    assert_eq!(
        program,
        snippet(Language::Curl, &endpoint(&driven), &request)
    );
}

//! Requests as Anthropic documents them.

use super::*;

fn text(text: &str) -> Part {
    Part::Text { text: text.into() }
}

fn message(role: Role, parts: Vec<Part>) -> Message {
    Message { role, parts }
}

fn result(id: &str) -> Part {
    Part::ToolResult {
        id: id.into(),
        name: "f".into(),
        content: "42".into(),
    }
}

fn call(id: &str, arguments: &str) -> Part {
    Part::ToolCall(ToolCall {
        id: id.into(),
        name: "f".into(),
        arguments: arguments.into(),
    })
}

fn media(mime: &str, uri: Option<&str>) -> Part {
    Part::Media(Media {
        mime: mime.into(),
        data: b"abc".as_slice().into(),
        uri: uri.map(str::to_owned),
        name: "secret-name".into(),
    })
}

#[test]
fn a_small_request_sends_nothing_that_was_not_asked_for() {
    let written = encoded(&ChatRequest::of_text("m", "hi"));
    let expected = json!({
        "model": "m",
        "max_tokens": 8192,
        "messages": [{"role": "user", "content": "hi"}],
        "stream": true,
    });
    assert_eq!(written.to_string(), expected.to_string());
    assert_eq!(DIALECT.headers, [("anthropic-version", "2023-06-01")]);
}

#[test]
fn a_full_request_is_written_as_anthropic_documents_it() {
    let mut request = ChatRequest::of_text("claude-sonnet-4-5", "hi");
    request.system = Some("be brief".into());
    request.tools = vec![
        Tool {
            name: "f".into(),
            description: "does f".into(),
            parameters: json!({"type": "object", "properties": {"a": {}}}),
        },
        Tool {
            name: "g".into(),
            description: String::new(),
            parameters: Value::Null,
        },
    ];
    let params = &mut request.params;
    params.temperature = Some(0.5);
    params.top_p = Some(0.9);
    params.max_tokens = Some(7);
    params.seed = Some(-1);
    params.stop = vec!["END".into()];
    params.cache_prompt = Some(CacheLife::Minutes);
    params.response_format = Some(ResponseFormat::JsonSchema {
        name: "s".into(),
        schema: json!({"type": "object"}),
        strict: true,
    });
    let extra = json!({"top_k": 3, "output_config": {"effort": "low"}, "cache_control": {"ttl": "1h"}, "stream": null});
    params.extra = extra.as_object().unwrap().clone();
    let expected = json!({
        "model": "claude-sonnet-4-5",
        "max_tokens": 7,
        "system": "be brief",
        "messages": [{"role": "user", "content": "hi"}],
        "temperature": 0.5,
        "top_p": 0.9,
        "cache_control": {"type": "ephemeral", "ttl": "1h"},
        "stop_sequences": ["END"],
        "output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}, "effort": "low"},
        "tools": [
            {"name": "f", "description": "does f", "input_schema": {"type": "object", "properties": {"a": {}}}},
            {"name": "g", "input_schema": {"type": "object"}},
        ],
        "top_k": 3,
    });
    assert_eq!(encoded(&request).to_string(), expected.to_string());
}

#[test]
fn reasoning_is_asked_for_in_the_models_own_way() {
    let budget = |n: u32| json!({"type": "enabled", "budget_tokens": n});
    let adaptive = json!({"type": "adaptive", "display": "summarized"});
    for (model, effort, limit, max_tokens, thinking, effort_sent) in [
        (
            "claude-opus-4-1",
            "low",
            None,
            9_216,
            budget(1_024),
            Value::Null,
        ),
        (
            "claude-opus-4-1",
            "high",
            Some(30_000),
            30_000,
            budget(24_576),
            Value::Null,
        ),
        (
            "claude-opus-4-1",
            "2000",
            Some(100),
            2_100,
            budget(2_000),
            Value::Null,
        ),
        (
            "claude-opus-4-8",
            "max",
            Some(100),
            100,
            adaptive.clone(),
            json!("max"),
        ),
        (
            "claude-opus-4-8",
            "none",
            None,
            8_192,
            json!({"type": "disabled"}),
            Value::Null,
        ),
    ] {
        let mut request = ChatRequest::of_text(model, "hi");
        request.params.reasoning_effort = Some(effort.into());
        request.params.max_tokens = limit;
        let written = encoded(&request);
        assert_eq!(written["max_tokens"], max_tokens, "{model} {effort}");
        assert_eq!(written["thinking"], thinking, "{model} {effort}");
        let sent = written.pointer("/output_config/effort");
        assert_eq!(
            sent.unwrap_or(&Value::Null),
            &effort_sent,
            "{model} {effort}"
        );
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn turns_are_written_as_anthropic_wants_them() {
    let signed = |dialect: &str, value: &str| Part::Signature {
        dialect: dialect.into(),
        value: value.into(),
    };
    let thought = |text: &str| Part::Reasoning { text: text.into() };
    let opaque = |dialect: &str| Part::Opaque {
        dialect: dialect.into(),
        kind: "redacted_thinking".into(),
        raw: r#"{"type":"redacted_thinking","data":"x"}"#.into(),
    };
    let block = |text: &str| json!({"type": "text", "text": text});
    let answered = |id: &str| json!({"type": "tool_result", "tool_use_id": id, "content": "42"});
    let table = [
        (
            "neighbours of one side, and what is empty",
            vec![
                message(Role::User, vec![text("a"), text(" ")]),
                message(Role::Assistant, vec![text("")]),
                message(Role::User, vec![text("b")]),
                Message::assistant("so\n "),
            ],
            json!([
                {"role": "user", "content": [block("a"), block("b")]},
                {"role": "assistant", "content": "so"},
            ]),
        ),
        (
            "parallel results come first, in one turn",
            vec![
                message(Role::User, vec![text("go")]),
                message(
                    Role::Assistant,
                    vec![
                        call("c.1", r#"{"b":9007199254740993,"a":1}"#),
                        call("c2", ""),
                    ],
                ),
                message(Role::Tool, vec![result("c.1")]),
                message(Role::User, vec![text("and now?"), result("c2")]),
                message(Role::Assistant, vec![call("", "[broken")]),
            ],
            json!([
                {"role": "user", "content": "go"},
                {"role": "assistant", "content": [
                    {"type": "tool_use", "id": "c_1", "name": "f", "input": {"b": 9_007_199_254_740_993_u64, "a": 1}},
                    {"type": "tool_use", "id": "c2", "name": "f", "input": {}},
                ]},
                {"role": "user", "content": [answered("c_1"), answered("c2"), block("and now?")]},
                {"role": "assistant", "content": [
                    {"type": "tool_use", "id": "call_0", "name": "f", "input": {"arguments": "[broken"}},
                ]},
            ]),
        ),
        (
            "only what this dialect signed goes back",
            vec![
                Message::user("go"),
                message(
                    Role::Assistant,
                    vec![
                        thought("mine"),
                        signed("anthropic", "s=="),
                        opaque("anthropic"),
                        thought(""),
                        signed("anthropic", "t"),
                        thought("theirs"),
                        signed("gemini", "g"),
                        opaque("gemini"),
                        thought("unsigned"),
                        text("so"),
                    ],
                ),
            ],
            json!([
                {"role": "user", "content": "go"},
                {"role": "assistant", "content": [
                    {"type": "thinking", "thinking": "mine", "signature": "s=="},
                    {"type": "redacted_thinking", "data": "x"},
                    {"type": "thinking", "thinking": "", "signature": "t"},
                    block("so"),
                ]},
            ]),
        ),
        (
            "files",
            vec![message(
                Role::User,
                vec![
                    media("image/png", None),
                    media("application/pdf", None),
                    media("text/markdown", None),
                    media("image/png", Some("https://x.example/a.png")),
                    media("", Some("https://x.example/a.PDF")),
                ],
            )],
            json!([{"role": "user", "content": [
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "YWJj"}},
                {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "YWJj"}},
                {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "abc"}},
                {"type": "image", "source": {"type": "url", "url": "https://x.example/a.png"}},
                {"type": "document", "source": {"type": "url", "url": "https://x.example/a.PDF"}},
            ]}]),
        ),
    ];
    for (case, messages, expected) in table {
        let request = ChatRequest {
            messages,
            ..ChatRequest::default()
        };
        assert_eq!(
            encoded(&request)["messages"].to_string(),
            expected.to_string(),
            "{case}"
        );
    }
}

//! The `anthropic` dialect: our fixtures cut anywhere, recordings of the real provider, what goes back.

use std::{collections::BTreeMap, fs};

use proptest::prelude::*;
use serde_json::{Value, json};
use tokenscope::{
    body::ResponseHead,
    chat::{CacheLife, ChatRequest, Media, Message, Part, ResponseFormat, Role, Tool, ToolCall},
    dialect::{DIALECTS, anthropic::DIALECT},
    event::{Answer, Event, FaultClass, Finish, FinishReason, PieceKind},
};

use crate::{
    dialects::{self, answer, every_cut, has_note, head, recordings},
    sse::{pieces, wire_folder},
};

fn decode<'a>(head: &ResponseHead, pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Event> {
    dialects::decode(&DIALECT, head, pieces)
}

fn told(body: &str) -> Answer {
    answer(&decode(&head(200), [body.as_bytes()]))
}

fn fixture(case: &str) -> Answer {
    dialects::fixture(&DIALECT, case)
}

/// A stream that lost its end is a fault. Two cuts can't be told from a whole answer, and are clean: one
/// behind the end mark (`data: {"type":"message_stop"}` and its line's end), and one on the border of an
/// event once the stop reason was there, which is noted.
#[test]
fn every_cut_is_a_fault_unless_nothing_is_missing() {
    const NO_STOP: &str = "the stream ended without message_stop";
    every_cut(&DIALECT, |clean| {
        let (cut, whole, case) = (&clean.cut, clean.whole, clean.case());
        let finished = cut.finish.is_some() && cut.finish == whole.finish;
        assert!(cut.done || (finished && has_note(cut, NO_STOP)), "{case}");
        assert!(whole.text.is_empty() || cut.text == whole.text, "{case}");
    });
}

/// Each recording against what the official SDK made of it, field by field. Files without an expectation
/// hold several messages, which the SDK does not take: they must give no fault.
#[test]
fn recordings_decode_to_what_the_official_sdk_made_of_them() {
    let Some(folder) = wire_folder() else { return };
    let (mut decoded, mut compared) = (0, 0);
    let mut unknown: BTreeMap<String, usize> = BTreeMap::new();
    for (path, head) in recordings(&folder, "anthropic-messages") {
        let name = path.display();
        let body = fs::read(&path).unwrap();
        let events = decode(&head, [body.as_slice()]);
        decoded += 1;
        for event in &events {
            if let Event::Unknown { kind, .. } = event {
                *unknown.entry(kind.clone()).or_default() += 1;
            }
        }
        let answer = answer(&events);
        let Ok(expected) = fs::read_to_string(path.with_extension("expected.json")) else {
            assert_eq!(answer.fault, None, "{name}");
            continue;
        };
        let expected: Value = serde_json::from_str(&expected).unwrap();
        assert_eq!(fields(&answer), expected_fields(&expected), "{name}");
        assert_eq!(calls(&answer), expected_calls(&expected), "{name}");
        if expected["error"].is_null() {
            assert_eq!(blocks(&answer), expected["block_types"], "{name}");
        }
        assert_eq!(
            json!(answer.usage),
            expected_usage(&expected["usage"]),
            "{name}"
        );
        compared += 1;
    }
    println!("{decoded} recordings decoded, {compared} compared; unknown: {unknown:?}");
    assert!(decoded >= 44 && compared >= 39 && unknown.is_empty());
}

fn fields(answer: &Answer) -> Value {
    json!({
        "text": answer.text,
        "reasoning": answer.reasoning,
        "finish_reason": answer.finish.as_ref().map(|finish| &finish.raw),
        "error": answer.fault.as_ref().map(|fault| &fault.message),
    })
}

fn expected_fields(sdk: &Value) -> Value {
    json!({
        "text": sdk["text"],
        "reasoning": sdk["reasoning"],
        "finish_reason": sdk["finish_reason"],
        "error": sdk.pointer("/error/body/error/message"),
    })
}

/// What the answer is made of, in the provider's words.
fn blocks(answer: &Answer) -> Value {
    let blocks = answer.pieces.iter().map(|piece| match &piece.kind {
        PieceKind::Text { .. } => "text",
        PieceKind::Reasoning { .. } => "thinking",
        PieceKind::ToolCall { .. } => "tool_use",
        PieceKind::Media { .. } => "media",
        PieceKind::Opaque { name, .. } => name,
    });
    blocks.collect()
}

/// The calls; the arguments of one that the token limit cut are left out, since the SDK mends them.
fn calls(answer: &Answer) -> Value {
    let calls = answer.tool_calls.iter().map(|call| {
        let arguments = serde_json::from_str::<Value>(&call.arguments);
        json!([call.id, call.name, arguments.unwrap_or(json!("cut"))])
    });
    calls.collect()
}

fn expected_calls(sdk: &Value) -> Value {
    let cut = sdk["finish_reason"] == "max_tokens";
    let calls = sdk["tool_calls"].as_array().unwrap().iter().map(|call| {
        let arguments = if cut {
            json!("cut")
        } else {
            call["arguments"].clone()
        };
        json!([call["id"], call["name"], arguments])
    });
    calls.collect()
}

/// The SDK's usage in our form.
fn expected_usage(sdk: &Value) -> Value {
    if sdk.is_null() {
        return Value::Null;
    }
    let (read, written) = (
        &sdk["cache_read_input_tokens"],
        &sdk["cache_creation_input_tokens"],
    );
    let input = [&sdk["input_tokens"], read, written];
    let mut usage = json!({
        "input": input.iter().filter_map(|count| count.as_u64()).sum::<u64>(),
        "output": sdk["output_tokens"],
        "reasoning": sdk.pointer("/output_tokens_details/thinking_tokens"),
        "cached": read,
        "total": null,
    });
    if !written.is_null() {
        usage["cache_written"] = written.clone();
    }
    usage
}

#[test]
fn every_stop_reason_has_its_class() {
    for (raw, reason) in [
        ("end_turn", FinishReason::Stop),
        ("stop_sequence", FinishReason::Stop),
        ("max_tokens", FinishReason::Length),
        ("model_context_window_exceeded", FinishReason::Length),
        ("tool_use", FinishReason::ToolCalls),
        ("refusal", FinishReason::ContentFilter),
        ("pause_turn", FinishReason::Other),
    ] {
        let body = format!(
            "data: {{\"type\":\"message_delta\",\"delta\":{{\"stop_reason\":\"{raw}\"}}}}\n\ndata: {{\"type\":\"message_stop\"}}\n\n"
        );
        let raw = raw.to_owned();
        assert_eq!(told(&body).finish, Some(Finish { reason, raw }));
    }
}

#[test]
fn what_is_no_message_is_a_protocol_fault() {
    for body in [
        "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n",
        "{\"choices\":[{\"message\":{\"content\":\"Hi\"}}]}",
        "data: [1]\n\n",
        "data: {\"type\":\"message_start\",\"message\":7}\n\n",
        "<html></html>",
        "",
    ] {
        let fault = told(body).fault.unwrap();
        assert_eq!(fault.class, FaultClass::Protocol, "{body}: {fault:?}");
    }
    let pings = "event: ping\ndata: {\"type\": \"ping\"}\n\n".repeat(3);
    let answer = told(&pings);
    assert_eq!(answer.keep_alives, 3);
    assert_eq!(answer.fault.unwrap().class, FaultClass::Interrupted);
}

#[test]
fn errors_in_the_stream_keep_the_providers_words() {
    for (code, class) in [
        ("overloaded_error", FaultClass::Overloaded),
        ("rate_limit_error", FaultClass::RateLimited),
        ("authentication_error", FaultClass::Auth),
        ("timeout_error", FaultClass::Timeout),
        ("api_error", FaultClass::Provider),
        ("invalid_request_error", FaultClass::Provider),
    ] {
        let body = format!(
            "event: error\ndata: {{\"type\":\"error\",\"error\":{{\"type\":\"{code}\",\"message\":\"no\"}}}}\n\n"
        );
        let fault = told(&body).fault.unwrap();
        assert_eq!((fault.class, fault.code.as_deref()), (class, Some(code)));
        assert_eq!(fault.message, "no");
    }
}

// --- what is sent --------------------------------------------------------------------------------

fn encoded(request: &ChatRequest) -> Value {
    (DIALECT.encode)(request)
}

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

/// What came goes back: signatures byte for byte, blocks in their order, items as they were.
#[test]
fn an_answer_goes_back_as_it_came() {
    let content = |name: &str| {
        let mut request = ChatRequest::of_text("m", "hi");
        request
            .messages
            .extend(fixture(name).message(DIALECT.id.as_str()));
        encoded(&request)["messages"][1]["content"].clone()
    };
    assert_eq!(
        content("thinking"),
        json!([
            {"type": "thinking", "thinking": "Hm, yes.", "signature": "c2lnbmF0dXJlLTE+/w=="},
            {"type": "text", "text": "Yes."},
        ])
    );
    assert_eq!(
        content("thinking-hidden"),
        json!([
            {"type": "thinking", "thinking": "", "signature": "c2VjcmV0LTE="},
            {"type": "redacted_thinking", "data": "ZW5jcnlwdGVk+/="},
            {"type": "thinking", "thinking": "", "signature": "c2VjcmV0LTI="},
            {"type": "text", "text": "Done."},
            {"type": "thinking", "thinking": "Once more.", "signature": "c2VjcmV0LTM="},
            {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}},
        ])
    );
    assert_eq!(
        content("interleaved"),
        json!([
            {"type": "text", "text": "one "},
            {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"x": 1}},
            {"type": "text", "text": "two"},
        ]),
        "a turn must not end in thoughts"
    );
    let items = content("web-search");
    assert_eq!(items[0]["input"], json!({"query": "weather"}));
    assert_eq!(items[1]["content"][0]["encrypted_content"], "RW5j");
    assert_eq!(items[2]["text"], "It is 20 °C.");
    assert_eq!(items[2]["citations"][0]["encrypted_index"], "SWR4");
    assert_eq!(items[3]["text"], " Warm.");
    assert_eq!(items[3]["citations"][0]["document_index"], 0);
    assert_eq!(items[3]["citations"][1]["type"], "search_result_location");
    assert_eq!(
        content("called-by-code"),
        json!([
            {"type": "text", "text": "Let me see."},
            {"type": "server_tool_use", "id": "srvtoolu_1", "name": "code_execution", "input": {"code": "await f()"}},
            {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"x": 1},
             "caller": {"type": "code_execution_20250825", "tool_id": "srvtoolu_1"}},
            {"type": "tool_use", "id": "toolu_2", "name": "left_click", "input": {},
             "caller": {"type": "direct"}, "toolset_name": "computer"},
        ])
    );
}

/// The blocks of a recorded message, put together by the rules of the protocol's page alone.
fn recorded_blocks(body: &str) -> Vec<Value> {
    let mut blocks: Vec<Value> = Vec::new();
    let mut inputs: BTreeMap<usize, String> = BTreeMap::new();
    let lines = body.lines().filter_map(|line| line.strip_prefix("data:"));
    for event in lines.filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
        let at = event["index"]
            .as_u64()
            .and_then(|n| usize::try_from(n).ok());
        match (event["type"].as_str(), at) {
            (Some("message_start"), _) if blocks.is_empty() => {
                blocks.extend(event["message"]["content"].as_array().unwrap().clone());
            }
            (Some("content_block_start"), _) => blocks.push(event["content_block"].clone()),
            (Some("content_block_delta"), Some(at)) => {
                for (name, value) in event["delta"].as_object().unwrap() {
                    match (name.as_str(), value) {
                        ("type", _) | (_, Value::Null) => {}
                        ("partial_json", json) => {
                            inputs
                                .entry(at)
                                .or_default()
                                .push_str(json.as_str().unwrap());
                        }
                        ("citation", citation) => match &mut blocks[at]["citations"] {
                            Value::Array(all) => all.push(citation.clone()),
                            none => *none = json!([citation]),
                        },
                        (name, text) => {
                            let begun = blocks[at][name].as_str().unwrap_or_default();
                            blocks[at][name] = format!("{begun}{}", text.as_str().unwrap()).into();
                        }
                    }
                }
            }
            _ => {}
        }
    }
    for (at, input) in inputs.into_iter().filter(|(_, input)| !input.is_empty()) {
        let whole = serde_json::from_str(&input);
        blocks[at]["input"] = whole.unwrap_or_else(|_| json!({"arguments": input}));
    }
    blocks
}

/// What of those the next request must hold: plain neighbours may be one text; a text of blanks is refused.
fn to_go_back(blocks: Vec<Value>) -> Vec<Value> {
    let plain = |block: &Value| block["type"] == "text" && block.get("citations").is_none();
    let mut kept: Vec<Value> = Vec::new();
    for mut block in blocks {
        if block["type"] == "text"
            && matches!(&block["citations"], Value::Array(all) if all.is_empty())
        {
            block.as_object_mut().unwrap().remove("citations");
        }
        match kept.last_mut() {
            Some(last) if plain(last) && plain(&block) => {
                let joined = [&last["text"], &block["text"]].map(|text| text.as_str().unwrap());
                last["text"] = joined.concat().into();
            }
            _ => kept.push(block),
        }
    }
    kept.retain(|block| {
        let blank = block["text"]
            .as_str()
            .is_some_and(|text| text.trim().is_empty());
        let unsigned = block["type"] == "thinking" && block["signature"] == "";
        !blank && !unsigned
    });
    kept
}

/// Every recorded answer goes back as it came: blocks, signatures, citations and callers, in order.
#[test]
fn recorded_answers_go_back_as_they_came() {
    let Some(folder) = wire_folder() else { return };
    let mut compared = 0;
    for (path, head) in recordings(&folder, "anthropic-messages") {
        // The others hold several messages.
        if !path.with_extension("expected.json").exists() {
            continue;
        }
        let body = fs::read_to_string(&path).unwrap();
        let answer = answer(&decode(&head, [body.as_bytes()]));
        if answer.fault.is_some() {
            continue;
        }
        let mut request = ChatRequest::of_text("m", "hi");
        request.messages.extend(answer.message("anthropic"));
        request.messages.push(Message::user("and?"));
        let written = match &encoded(&request)["messages"][1]["content"] {
            Value::String(text) => json!([{"type": "text", "text": text}]),
            blocks => blocks.clone(),
        };
        let expected = to_go_back(recorded_blocks(&body));
        assert_eq!(written, json!(expected), "{}", path.display());
        compared += 1;
    }
    println!("{compared} answers went back");
    assert!(compared >= 30);
}

/// What Anthropic said beside its blocks goes to no other dialect, and takes nothing from what does.
#[test]
fn what_was_said_beside_a_block_stays_with_its_dialect() {
    for name in ["web-search", "called-by-code"] {
        let mut request = ChatRequest::of_text("m", "hi");
        request.messages.extend(fixture(name).message("anthropic"));
        for dialect in DIALECTS.iter().filter(|d| d.id != DIALECT.id) {
            let written = (dialect.encode)(&request).to_string();
            for word in ["encrypted_index", "citations", "caller", "toolset_name"] {
                assert!(!written.contains(word), "{} {name}: {written}", dialect.id);
            }
        }
    }
}

#[test]
fn the_model_that_goes_on_is_the_one_that_answered() {
    let answer = fixture("built-in-items");
    assert_eq!(answer.model.as_deref(), Some("claude-b"));
    assert_eq!(answer.response_id.as_deref(), Some("msg_01"));
}

/// Fields beside the content are kept word for word, once each; numbers alone are not.
#[test]
fn what_stands_beside_the_content_is_noted() {
    let answer = fixture("called-by-code");
    let notes: Vec<_> = answer
        .notes
        .iter()
        .map(|(note, _)| note.text.as_str())
        .collect();
    assert_eq!(
        notes,
        [
            r#"also said: container {"id":"container_1","expires_at":"2026-01-02T03:04:05Z"}"#,
            r#"also said: counted apart {"type":"compaction","input_tokens":900,"output_tokens":40}"#,
            r#"also said: context_management {"applied_edits":[{"type":"clear_thinking_20251015","cleared_input_tokens":7}]}"#,
        ]
    );
    let met = fixture("stop-sequence").notes;
    assert!(
        met.iter()
            .any(|(note, _)| note.text.starts_with("also said: stop_sequence"))
    );
}

// --- any split, any bytes ------------------------------------------------------------------------

/// Streams put together from whole and broken events, in any order.
fn streams() -> impl Strategy<Value = Vec<u8>> {
    let event = prop::sample::select(vec![
        r#"{"type":"message_start","message":{"id":"m","role":"assistant","content":[],"usage":{"input_tokens":1,"output_tokens":1}}}"#,
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":""}}"#,
        r#"{"type":"content_block_start","index":1,"content_block":{"type":"text","text":"Zoë"}}"#,
        r#"{"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"t","name":"f","input":{}}}"#,
        r#"{"type":"content_block_start","index":3,"content_block":{"type":"server_tool_use","input":{}}}"#,
        r#"{"type":"content_block_start","content_block":7}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"\ud83d"}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"s"}}"#,
        r#"{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"\ude00"}}"#,
        r#"{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{"}}"#,
        r#"{"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":"{}"}}"#,
        r#"{"type":"content_block_delta","index":18446744073709551615,"delta":{}}"#,
        r#"{"type":"content_block_delta","index":18446744073709551615,"delta":{"type":"text_delta","text":"x"}}"#,
        r#"{"type":"content_block_start","content_block":{"type":"text"}}"#,
        r#"{"type":"content_block_stop","index":0}"#,
        r#"{"type":"content_block_stop"}"#,
        r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":-1}}"#,
        r#"{"type":"message_stop"}"#,
        r#"{"type":"error","error":{"type":"overloaded_error"}}"#,
        "{broken",
        "[DONE]",
    ]);
    let end = prop::sample::select(vec!["\n\n", "\r\n\r\n", "\n\n", "\n"]);
    let raw = prop::collection::vec(any::<u8>(), 0..4);
    prop::collection::vec((event, end, raw, 0_u8..20), 0..14).prop_map(|parts| {
        let mut bytes = Vec::new();
        for (event, end, raw, dice) in parts {
            bytes.extend_from_slice(b"data: ");
            bytes.extend_from_slice(event.as_bytes());
            if dice == 0 {
                bytes.extend_from_slice(&raw);
            }
            bytes.extend_from_slice(end.as_bytes());
        }
        bytes
    })
}

proptest! {
    #[test]
    fn any_split_gives_the_same_events(
        bytes in streams(),
        lengths in prop::collection::vec(0_usize..200, 0..40),
    ) {
        let whole = decode(&head(200), [bytes.as_slice()]);
        prop_assert_eq!(&decode(&head(200), pieces(&bytes, &lengths)), &whole);
        prop_assert_eq!(&decode(&head(200), bytes.chunks(1)), &whole);
        let at = whole.iter().position(|event| matches!(event, Event::Fault(_)));
        prop_assert!(whole[at.unwrap_or(whole.len())..].iter().all(|e| matches!(e, Event::Fault(_))));
    }
}

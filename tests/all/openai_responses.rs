//! The `openai-responses` dialect: our fixtures cut anywhere, recordings of real providers, what goes back.

use std::{collections::BTreeMap, fs};

use serde_json::{Value, json};
use tokenscope::{
    chat::{ChatRequest, Media, Message, Part, ResponseFormat, Role, Tool, ToolCall},
    dialect::openai_responses::DIALECT,
    event::{Answer, Event, FaultClass, FinishReason},
};

use crate::{
    dialects::{self, answer, decode, ends_by_its_mark, every_cut, head, recordings},
    sse::wire_folder,
};

fn told(body: &str) -> Answer {
    answer(&decode(&DIALECT, &head(200), [body.as_bytes()]))
}

fn fixture(case: &str) -> Answer {
    dialects::fixture(&DIALECT, case)
}

/// A stream that lost its end is a fault, wherever it is cut; only what comes behind the response's own end
/// may be lost unseen.
#[test]
fn every_cut_is_a_fault_unless_nothing_is_missing() {
    every_cut(&DIALECT, ends_by_its_mark);
}

/// Each recording against what the official SDK made of it, field by field.
#[test]
fn recordings_decode_to_what_the_official_sdk_made_of_them() {
    let Some(folder) = wire_folder() else { return };
    let (mut decoded, mut compared) = (0, 0);
    let mut unknown: BTreeMap<String, usize> = BTreeMap::new();
    for (path, head) in recordings(&folder, "openai-responses") {
        let name = path.display();
        let body = fs::read(&path).unwrap();
        let events = decode(&DIALECT, &head, [body.as_slice()]);
        decoded += 1;
        for event in &events {
            if let Event::Unknown { kind, .. } = event {
                *unknown.entry(kind.clone()).or_default() += 1;
            }
        }
        let answer = answer(&events);
        let Ok(expected) = fs::read_to_string(path.with_extension("expected.json")) else {
            let refused = head.status >= 400;
            assert_eq!(answer.fault.is_some(), refused, "{name}");
            continue;
        };
        let expected: Value = serde_json::from_str(&expected).unwrap();
        assert_eq!(fields(&answer), expected_fields(&expected), "{name}");
        assert_eq!(calls(&answer), expected_calls(&expected), "{name}");
        let usage = expected_usage(&expected["usage"]);
        assert_eq!(json!(answer.usage), usage, "{name}");
        compared += 1;
    }
    println!("{decoded} recordings decoded, {compared} compared; unknown: {unknown:?}");
    assert!(decoded >= 66 && compared >= 61 && unknown.is_empty());
}

fn fields(answer: &Answer) -> Value {
    let refusal = &answer.refusal;
    json!({
        "text": format!("{}{refusal}", answer.text),
        "reasoning": answer.reasoning.replace("\n\n", ""),
        "finish_reason": answer.finish.as_ref().map(|finish| &finish.raw),
        "error": answer.fault.as_ref().map(|fault| &fault.message),
    })
}

/// The SDK's event stream joins the paragraphs of a summary without a break.
fn expected_fields(sdk: &Value) -> Value {
    json!({
        "text": sdk["text"],
        "reasoning": sdk["reasoning"].as_str().unwrap_or_default().replace("\n\n", ""),
        "finish_reason": sdk["finish_reason"],
        "error": sdk.pointer("/error/message"),
    })
}

/// The calls of functions: the SDK's list has no others.
fn calls(answer: &Answer) -> Value {
    let others = ["apply_patch", "shell", "local_shell", "computer"];
    let functions = (answer.tool_calls.iter()).filter(|call| !others.contains(&&*call.name));
    let calls = functions.map(|call| {
        let arguments = serde_json::from_str::<Value>(&call.arguments);
        json!([call.id, call.name, arguments.unwrap_or_default()])
    });
    calls.collect()
}

fn expected_calls(sdk: &Value) -> Value {
    let calls = sdk["tool_calls"].as_array().unwrap().iter().map(|call| {
        let arguments = match &call["arguments"] {
            Value::String(text) => serde_json::from_str(text).unwrap_or_default(),
            object => object.clone(),
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
    let mut usage = json!({
        "input": sdk["input_tokens"],
        "output": sdk["output_tokens"],
        "reasoning": sdk.pointer("/output_tokens_details/reasoning_tokens"),
        "cached": sdk.pointer("/input_tokens_details/cached_tokens"),
        "total": sdk["total_tokens"],
    });
    let written = sdk.pointer("/input_tokens_details/cache_write_tokens");
    if let Some(written) = written.filter(|written| !written.is_null()) {
        usage["cache_written"] = written.clone();
    }
    usage
}

#[test]
fn why_it_ended_has_its_class() {
    for (kind, details, reason, raw) in [
        ("completed", "null", FinishReason::Stop, "completed"),
        (
            "incomplete",
            r#"{"reason":"max_output_tokens"}"#,
            FinishReason::Length,
            "max_output_tokens",
        ),
        (
            "incomplete",
            r#"{"reason":"content_filter"}"#,
            FinishReason::ContentFilter,
            "content_filter",
        ),
        ("incomplete", "null", FinishReason::Other, "incomplete"),
    ] {
        let body = format!(
            "data: {{\"type\":\"response.{kind}\",\"response\":{{\"id\":\"r\",\"incomplete_details\":{details}}}}}\n\n"
        );
        let finish = told(&body).finish.unwrap();
        assert_eq!((finish.reason, finish.raw.as_str()), (reason, raw));
    }
}

#[test]
fn a_failure_keeps_the_providers_words_and_what_came_before() {
    for (name, class, message, text) in [
        (
            "failed",
            FaultClass::Provider,
            "The model produced invalid content",
            "So far",
        ),
        ("error-event", FaultClass::RateLimited, "Slow down", ""),
        ("error-nested", FaultClass::Overloaded, "Try later", ""),
        (
            "bad-key",
            FaultClass::Auth,
            "Incorrect API key provided",
            "",
        ),
    ] {
        let answer = fixture(name);
        let fault = answer.fault.unwrap();
        assert_eq!(
            (fault.class, fault.message.as_str()),
            (class, message),
            "{name}"
        );
        assert_eq!(answer.text, text, "{name}");
        let ended = answer.finish.map(|finish| finish.raw);
        assert_eq!(ended.as_deref(), (name == "failed").then_some("failed"));
    }
}

#[test]
fn what_is_no_response_is_a_protocol_fault() {
    for body in [
        "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n",
        "{\"choices\":[{\"message\":{\"content\":\"Hi\"}}]}",
        "data: [1]\n\n",
        "data: {\"type\":\"response.output_item.done\",\"item\":7}\n\n",
        "<html></html>",
        "",
    ] {
        let fault = told(body).fault.unwrap();
        assert_eq!(fault.class, FaultClass::Protocol, "{body}: {fault:?}");
    }
}

#[test]
fn nothing_is_told_twice_however_much_the_server_repeats() {
    let streamed = fixture("by-the-book");
    assert_eq!(streamed.text, "Hello, 世界 👋");
    let whole = fixture("items-only");
    assert_eq!(
        (whole.text.as_str(), whole.reasoning.as_str()),
        ("whole", "A\n\nB")
    );
    let end = fixture("end-only");
    assert_eq!(end.text, "all at the end");
    assert_eq!(end.tool_calls[0].arguments, "{\"a\":1}");
    let thought = fixture("reasoning-text");
    assert_eq!(
        thought.reasoning, "Hm, yes",
        "the summary is of what was told"
    );
    assert_eq!(fixture("web-search").citations.len(), 2);
    let renumbered = fixture("renumbered-at-the-end");
    assert_eq!(
        (renumbered.text.as_str(), renumbered.reasoning.as_str()),
        ("one", "Hm")
    );
}

#[test]
fn items_without_an_index_are_all_told() {
    let answer = fixture("no-indexes");
    assert_eq!(answer.text, "onetwo");
    let calls: Vec<_> = (answer.tool_calls.iter())
        .map(|call| (call.id.as_str(), call.arguments.as_str()))
        .collect();
    assert_eq!(calls, [("a", "{\"n\":1}"), ("b", "{\"n\":2}")]);
}

/// A background response can be taken up in its middle: nothing announced what goes on there.
#[test]
fn a_stream_taken_up_again_tells_its_calls_in_pieces() {
    let answer = fixture("taken-up-again");
    let calls: Vec<_> = (answer.tool_calls.iter())
        .map(|call| {
            (
                call.id.as_str(),
                call.name.as_str(),
                call.arguments.as_str(),
            )
        })
        .collect();
    assert_eq!(
        calls,
        [("call_1", "f", "{\"a\":1}"), ("call_2", "f", "{\"b\":2}")]
    );
    let unknown = answer.unknown.iter().map(|(kind, _)| kind.as_str());
    let late = ["response.function_call_arguments.delta"];
    assert!(unknown.eq(late), "what comes behind a call's end is odd");
}

#[test]
fn a_response_that_is_not_finished_is_no_answer() {
    for status in ["in_progress", "queued"] {
        let body = json!({"id": "r", "status": status, "output": []}).to_string();
        let fault = told(&body).fault.unwrap();
        assert!(fault.message.contains(status), "{fault:?}");
    }
}

#[test]
fn a_piece_that_says_nothing_hides_no_text() {
    let answer = fixture("silent-pieces");
    assert_eq!(answer.text, "told at its end");
    assert_eq!(answer.tool_calls[0].arguments, "{\"a\":1}");
}

// --- what is sent --------------------------------------------------------------------------------

fn encoded(request: &ChatRequest) -> Value {
    (DIALECT.encode)(request)
}

#[test]
fn the_smallest_request_is_small() {
    let expected = json!({
        "model": "gpt-4o",
        "input": [{"role": "user", "content": [{"type": "input_text", "text": "hi"}]}],
        "store": false,
        "stream": true,
    });
    assert_eq!(encoded(&ChatRequest::of_text("gpt-4o", "hi")), expected);
}

#[test]
fn a_full_request_is_written_as_documented() {
    let mut request = ChatRequest::of_text("gpt-5-mini", "hi");
    request.system = Some("be brief".into());
    request.tools = vec![Tool {
        name: "f".into(),
        description: "does f".into(),
        parameters: json!({"type": "object"}),
    }];
    let params = &mut request.params;
    params.top_p = Some(0.9);
    params.max_tokens = Some(7);
    params.seed = Some(1);
    params.stop = vec!["END".into()];
    params.reasoning_effort = Some("low".into());
    params.response_format = Some(ResponseFormat::JsonSchema {
        name: "s".into(),
        schema: json!({"type": "object"}),
        strict: true,
    });
    let extra = json!({"text": {"verbosity": "low"}, "store": null});
    params.extra = extra.as_object().unwrap().clone();
    let expected = json!({
        "model": "gpt-5-mini",
        "instructions": "be brief",
        "input": [{"role": "user", "content": [{"type": "input_text", "text": "hi"}]}],
        "top_p": 0.9,
        "max_output_tokens": 7,
        "reasoning": {"effort": "low", "summary": "auto"},
        "text": {
            "format": {"type": "json_schema", "name": "s", "schema": {"type": "object"}, "strict": true},
            "verbosity": "low",
        },
        "tools": [
            {"type": "function", "name": "f", "description": "does f", "parameters": {"type": "object"}, "strict": false},
        ],
        "include": ["reasoning.encrypted_content"],
        "stream": true,
    });
    assert_eq!(encoded(&request), expected);
}

#[test]
fn files_go_as_what_they_are() {
    let media = |mime: &str, uri: Option<&str>| {
        Part::Media(Media {
            mime: mime.into(),
            data: if uri.is_none() {
                b"hi".as_slice().into()
            } else {
                Media::default().data
            },
            uri: uri.map(str::to_owned),
            name: "a.pdf".into(),
        })
    };
    for (part, expected) in [
        (
            media("image/png", None),
            json!([{"type": "input_image", "image_url": "data:image/png;base64,aGk=", "detail": "auto"}]),
        ),
        (
            media("image/png", Some("https://h/a.png")),
            json!([{"type": "input_image", "image_url": "https://h/a.png", "detail": "auto"}]),
        ),
        (
            media("application/pdf", None),
            json!([{"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,aGk="}]),
        ),
        (
            media("application/pdf", Some("https://h/a.pdf")),
            json!([{"type": "input_file", "file_url": "https://h/a.pdf"}]),
        ),
        (
            media("audio/mpeg", None),
            json!([{"type": "input_audio", "input_audio": {"data": "aGk=", "format": "mp3"}}]),
        ),
    ] {
        let mut request = ChatRequest::of_text("m", "");
        request.messages[0].parts = vec![part];
        assert_eq!(encoded(&request)["input"][0]["content"], expected);
    }
    let mut request = ChatRequest::of_text("m", "look");
    request.messages[0].parts.push(media("video/mp4", None));
    let content = &encoded(&request)["input"][0]["content"];
    assert_eq!(content.as_array().unwrap().len(), 1, "no video is taken");
}

/// Encrypted thoughts and calls go back in their places, word for word; those of others do not.
#[test]
fn an_answer_goes_back_as_it_came() {
    let message = fixture("calls-in-parallel")
        .message("openai-responses")
        .unwrap();
    let result = |id: &str| Part::ToolResult {
        id: id.into(),
        name: "f".into(),
        content: "42".into(),
    };
    let foreign = Part::Opaque {
        dialect: "anthropic".into(),
        kind: "redacted_thinking".into(),
        raw: "{\"type\":\"redacted_thinking\"}".into(),
    };
    let mut request = ChatRequest::of_text("gpt-5", "weather?");
    request.messages.push(message);
    request.messages.push(Message {
        role: Role::Tool,
        parts: vec![result("call_a"), result("call_b"), foreign],
    });
    let input = encoded(&request)["input"].clone();
    let kinds: Vec<_> = input.as_array().unwrap()[1..]
        .iter()
        .map(|item| item["type"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        [
            "reasoning",
            "function_call",
            "function_call",
            "function_call_output",
            "function_call_output"
        ]
    );
    assert_eq!(input[1]["encrypted_content"], "gAAAAB+/==");
    let arguments = input[2]["arguments"].as_str().unwrap();
    assert_eq!(arguments, "{\"city\":\"Bern\",\"n\":12345678901234567890}");
    assert_eq!(input[3]["arguments"], "{}", "a call without arguments");
    assert_eq!(input[5]["call_id"], "call_b");

    let call = Part::ToolCall(ToolCall::default());
    let mut odd = ChatRequest::of_text("gpt-5", "x");
    odd.messages[0].parts.push(call);
    assert_eq!(encoded(&odd)["input"][1]["arguments"], "{}");
}

/// OpenAI refuses a call that lost its namespace, and asks for a message's phase and a call's caller.
#[test]
fn fields_that_the_provider_wants_back_go_back() {
    let message = fixture("fields-to-send-back").message("openai-responses");
    let mut request = ChatRequest::of_text("gpt-6", "weather?");
    request.messages.extend(message);
    request.messages.push(Message {
        role: Role::Tool,
        parts: vec![Part::ToolResult {
            id: "call_2".into(),
            name: "f".into(),
            content: "42".into(),
        }],
    });
    let said = |text: &str, phase: &str| {
        let content = json!([{"type": "output_text", "text": text}]);
        json!({"type": "message", "role": "assistant", "content": content, "phase": phase})
    };
    let call =
        |id: &str| json!({"type": "function_call", "call_id": id, "name": "f", "arguments": "{}"});
    let by_program = json!({"type": "program", "caller_id": "call_p"});
    let (mut first, mut second) = (call("call_1"), call("call_2"));
    first["namespace"] = "weather".into();
    first["caller"] = json!({"type": "direct"});
    second["caller"] = by_program.clone();
    let expected = [
        said("Let me look.", "commentary"),
        first,
        second,
        said("It rains.", "final_answer"),
        json!({"type": "function_call_output", "call_id": "call_2", "output": "42", "caller": by_program}),
    ];
    let body = encoded(&request);
    assert_eq!(body["input"].as_array().unwrap()[1..], expected);
    assert_eq!(body["include"], json!(["reasoning.encrypted_content"]));
}

#[test]
fn sound_is_told_once_with_what_is_said_in_it() {
    let answer = fixture("sound");
    assert_eq!(answer.text, "Hello");
    let files: Vec<_> = (answer.media.iter())
        .map(|file| (file.mime.as_str(), file.data.len()))
        .collect();
    assert_eq!(files, [("audio/pcm;rate=24000", 6), ("image/svg+xml", 6)]);
    let part = json!({"type": "output_audio", "transcript": "Hello", "data": "AQACAAMA"});
    let message = json!({"type": "message", "content": [part]});
    let whole = told(&json!({"id": "r", "output": [message]}).to_string());
    assert_eq!((whole.text.as_str(), whole.media.len()), ("Hello", 1));
}

/// What the assistant said stays the assistant's, whatever picture stands beside it.
#[test]
fn a_picture_beside_a_text_goes_back_in_a_message_of_its_own() {
    let picture = Part::Media(Media {
        mime: "image/png".into(),
        data: b"hi".as_slice().into(),
        ..Media::default()
    });
    let text = |text: &str| Part::Text { text: text.into() };
    let mut request = ChatRequest::of_text("gpt-5", "draw");
    request.messages.push(Message {
        role: Role::Assistant,
        parts: vec![text("Here:"), picture, text("Like it?")],
    });
    let image =
        json!({"type": "input_image", "image_url": "data:image/png;base64,aGk=", "detail": "auto"});
    let said = |text: &str| json!({"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]});
    let expected = [
        said("Here:"),
        json!({"role": "user", "content": [image]}),
        said("Like it?"),
    ];
    assert_eq!(
        encoded(&request)["input"].as_array().unwrap()[1..],
        expected
    );
}

/// What the model asks its client to do by other tools than functions is a call, and both go back as items of its
/// type.
#[test]
fn calls_of_other_tools_go_back_as_what_they_are() {
    let asked = json!({"type": "exec", "command": ["ls"]});
    let result = |id: &str| Part::ToolResult {
        id: id.into(),
        name: String::new(),
        content: "done".into(),
    };
    for (item, back) in [
        (
            json!({"type": "custom_tool_call", "call_id": "c", "name": "run", "input": "print(1)"}),
            json!({"type": "custom_tool_call_output", "call_id": "c", "output": "done"}),
        ),
        (
            json!({"type": "local_shell_call", "call_id": "c", "status": "completed", "action": asked}),
            json!({"type": "local_shell_call_output", "id": "c", "output": "done"}),
        ),
        (
            json!({"type": "shell_call", "call_id": "c", "status": "completed", "action": asked}),
            json!({"type": "shell_call_output", "call_id": "c", "output": [
                {"stdout": "done", "stderr": "", "outcome": {"type": "exit", "exit_code": 0}},
            ]}),
        ),
        (
            json!({"type": "apply_patch_call", "call_id": "c", "status": "completed", "operation": asked}),
            json!({"type": "apply_patch_call_output", "call_id": "c", "status": "completed", "output": "done"}),
        ),
        (
            json!({"type": "computer_call", "call_id": "c", "status": "completed", "action": asked}),
            json!({"type": "computer_call_output", "call_id": "c", "output": {
                "type": "computer_screenshot", "image_url": "done",
            }}),
        ),
    ] {
        let whole = json!({"id": "r", "status": "completed", "output": [item]}).to_string();
        let answer = answer(&decode(&DIALECT, &head(200), [whole.as_bytes()]));
        assert_eq!(answer.tool_calls.len(), 1, "{item}");
        let finish = answer.finish.as_ref().unwrap();
        assert_eq!(finish.reason.as_str(), "tool_calls");
        let mut request = ChatRequest::of_text("gpt-5", "go");
        request.messages.extend(answer.message("openai-responses"));
        request.messages.push(Message {
            role: Role::Tool,
            parts: vec![result("c")],
        });
        let input = encoded(&request)["input"].clone();
        assert_eq!(input.as_array().unwrap()[1..], [item, back]);
    }
}

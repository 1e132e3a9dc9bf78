//! The `ollama` dialect: our fixtures cut anywhere, recordings, the server's own times, what is sent.

use std::fs;

use serde_json::{Value, json};
use tokenscope::{
    chat::{ChatRequest, Media, Message, Part, ResponseFormat, Role, Tool},
    dialect::ollama::DIALECT,
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

/// A stream that lost its last line is a fault, wherever it is cut.
#[test]
fn every_cut_is_a_fault_unless_nothing_is_missing() {
    every_cut(&DIALECT, ends_by_its_mark);
}

#[test]
fn recordings_decode_to_what_they_say() {
    let Some(folder) = wire_folder() else { return };
    let mut compared = 0;
    for (path, head) in recordings(&folder, "ollama-ndjson") {
        let name = path.display();
        let events = decode(&DIALECT, &head, [fs::read(&path).unwrap().as_slice()]);
        let answer = answer(&events);
        assert!(
            answer.unknown.is_empty() && answer.fault.is_none(),
            "{name}"
        );
        assert_eq!(answer.timings.len(), 4, "{name}");
        let expected = fs::read_to_string(path.with_extension("expected.json")).unwrap();
        let expected: Value = serde_json::from_str(&expected).unwrap();
        let usage = answer.usage.unwrap();
        let finish = answer.finish.unwrap();
        assert_eq!(json!(answer.text), expected["text"], "{name}");
        assert_eq!(json!(finish.raw), expected["finish_reason"], "{name}");
        assert_eq!(json!(usage.input), expected["usage"]["prompt_eval_count"]);
        assert_eq!(json!(usage.output), expected["usage"]["eval_count"]);
        compared += 1;
    }
    println!("{compared} recordings compared");
    assert!(compared >= 2);
}

#[test]
fn the_servers_own_times_are_told_in_its_words() {
    let answer = fixture("by-the-book");
    let names: Vec<_> = answer
        .timings
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "total_duration",
            "load_duration",
            "prompt_eval_duration",
            "eval_duration"
        ]
    );
    assert_eq!(answer.timings[0].1, 3_400_500_600);
}

#[test]
fn calls_are_whole_and_each_has_an_id_of_its_own() {
    let answer = fixture("tool-calls");
    let ids: Vec<_> = answer
        .tool_calls
        .iter()
        .map(|call| call.id.as_str())
        .collect();
    assert_eq!(ids, ["call_0", "call_7", "call_8"]);
    assert_eq!(
        answer.tool_calls[0].arguments,
        r#"{"zone":"CET", "city":"Bern","id":12345678901234567890123,"x":1.10}"#
    );
    assert_eq!(answer.finish.unwrap().reason, FinishReason::ToolCalls);
}

/// Results are matched by id, so no two calls may share one, whoever made it.
#[test]
fn no_two_calls_share_an_id() {
    for (given, expected) in [
        ([None, None], ["call_0", "call_1"]),
        ([Some("call_0"), None], ["call_0", "call_1"]),
        ([None, Some("call_0")], ["call_0", "call_1"]),
        ([Some("x"), Some("x")], ["x", "call_0"]),
        ([Some(""), Some("x")], ["call_0", "x"]),
    ] {
        let calls = given.map(|id| json!({"id": id, "function": {"name": "f", "arguments": {}}}));
        let line = json!({"message": {"tool_calls": calls}, "done": true});
        let ids: Vec<_> = (told(&line.to_string()).tool_calls.into_iter())
            .map(|call| call.id)
            .collect();
        assert_eq!(ids, expected, "{given:?}");
    }
}

#[test]
fn errors_have_their_class_and_words() {
    for (name, class) in [
        ("not-found", FaultClass::NotFound),
        ("bad-request", FaultClass::BadRequest),
        ("busy", FaultClass::Overloaded),
        ("unauthorized", FaultClass::Auth),
        ("error-in-stream", FaultClass::Provider),
        ("error-first", FaultClass::Provider),
        ("no-last-line", FaultClass::Interrupted),
        ("another-dialect", FaultClass::Protocol),
    ] {
        let fault = fixture(name).fault.unwrap();
        assert_eq!(fault.class, class, "{name}: {fault:?}");
        assert!(!fault.message.is_empty(), "{name}");
    }
    assert_eq!(
        told("<html></html>").fault.unwrap().class,
        FaultClass::Protocol
    );
    assert_eq!(told("").fault.unwrap().class, FaultClass::Protocol);
}

// --- what is sent --------------------------------------------------------------------------------

fn encoded(request: &ChatRequest) -> Value {
    (DIALECT.encode)(request)
}

#[test]
fn the_smallest_request_is_small() {
    let expected = json!({
        "model": "gemma3",
        "messages": [{"role": "user", "content": "hi"}],
        "stream": true,
    });
    assert_eq!(encoded(&ChatRequest::of_text("gemma3", "hi")), expected);
}

#[test]
fn a_full_request_is_written_as_ollama_documents_it() {
    let mut request = ChatRequest::of_text("qwen3", "hi");
    request.system = Some("be brief".into());
    request.messages[0].parts.push(Part::Media(Media {
        mime: "image/png".into(),
        data: b"hi".as_slice().into(),
        ..Media::default()
    }));
    request.messages[0].parts.push(Part::Media(Media {
        mime: "application/pdf".into(),
        data: b"no".as_slice().into(),
        ..Media::default()
    }));
    request.tools = vec![Tool {
        name: "f".into(),
        description: "does f".into(),
        parameters: json!({"type": "object"}),
    }];
    let params = &mut request.params;
    params.temperature = Some(0.5);
    params.top_p = Some(0.9);
    params.max_tokens = Some(7);
    params.seed = Some(1);
    params.stop = vec!["END".into()];
    params.reasoning_effort = Some("none".into());
    params.response_format = Some(ResponseFormat::JsonSchema {
        name: "s".into(),
        schema: json!({"type": "object"}),
        strict: true,
    });
    let extra = json!({"keep_alive": "10m", "options": {"num_ctx": 8192}});
    params.extra = extra.as_object().unwrap().clone();
    let expected = json!({
        "model": "qwen3",
        "messages": [
            {"role": "system", "content": "be brief"},
            {"role": "user", "content": "hi", "images": ["aGk="]},
        ],
        "tools": [
            {"type": "function", "function": {"name": "f", "description": "does f", "parameters": {"type": "object"}}},
        ],
        "format": {"type": "object"},
        "think": false,
        "options": {"temperature": 0.5, "top_p": 0.9, "num_predict": 7, "seed": 1, "stop": ["END"], "num_ctx": 8192},
        "stream": true,
        "keep_alive": "10m",
    });
    assert_eq!(encoded(&request), expected);
}

#[test]
fn an_answer_and_its_results_go_back() {
    let answer = fixture("tool-calls");
    let mut request = ChatRequest::of_text("llama3.2", "weather?");
    request.messages.push(answer.message("ollama").unwrap());
    let result = |id: &str, name: &str| Part::ToolResult {
        id: id.into(),
        name: name.into(),
        content: "42".into(),
    };
    request.messages.push(Message {
        role: Role::Tool,
        parts: vec![
            result("call_0", "get_weather"),
            result("call_7", "get_time"),
        ],
    });
    let messages = encoded(&request)["messages"].clone();
    let calls = messages[1]["tool_calls"].as_array().unwrap();
    assert_eq!(calls.len(), 3);
    assert_eq!(calls[2]["function"]["arguments"], json!({}));
    assert_eq!(
        messages[2],
        json!({"role": "tool", "tool_name": "get_weather", "tool_call_id": "call_0", "content": "42"})
    );
    assert_eq!(messages[3]["tool_name"], "get_time");
}

#[test]
fn thinking_goes_by_a_switch_or_a_word() {
    for (effort, think) in [
        ("none", json!(false)),
        ("0", json!(false)),
        ("on", json!(true)),
        ("auto", json!(true)),
        ("2048", json!(true)),
        ("minimal", json!("low")),
        ("high", json!("high")),
    ] {
        let mut request = ChatRequest::of_text("gpt-oss", "hi");
        request.params.reasoning_effort = Some(effort.into());
        assert_eq!(encoded(&request)["think"], think);
    }
    let thought = fixture("thinking");
    let mut request = ChatRequest::of_text("gpt-oss", "hi");
    request.messages.extend(thought.message("ollama"));
    assert_eq!(
        encoded(&request)["messages"][1],
        json!({"role": "assistant", "content": "Hello!", "thinking": "The user greets. So will I."}),
        "thoughts go back"
    );
    request.messages.truncate(1);
    request.messages.extend(thought.message("anthropic"));
    assert_eq!(encoded(&request)["messages"][1].get("thinking"), None);
    let events = decode(&DIALECT, &head(200), [b"{\"done\":true}\n".as_slice()]);
    assert_eq!(events, [Event::Done], "no reason is made up");
}

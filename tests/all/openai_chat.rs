//! The `openai-chat` decoder: our fixtures, recordings of real providers, any split, any cut.

use std::{collections::BTreeMap, fs};

use proptest::prelude::*;
use serde_json::{Value, json};
use tokenscope::{
    body::ResponseHead,
    chat::{ChatRequest, Message, Part, Role, ToolCall},
    dialect::openai_chat,
    event::{Answer, Event, Fault, FaultClass, Phase},
};

use crate::{
    dialects::{self, answer, every_cut, fixtures, has_note, head, recordings},
    sse::{pieces, wire_folder},
};

fn decode<'a>(head: &ResponseHead, pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Event> {
    dialects::decode(&openai_chat::DIALECT, head, pieces)
}

fn faults(events: &[Event]) -> Vec<&Fault> {
    let mut faults = Vec::new();
    for event in events {
        if let Event::Fault(fault) = event {
            faults.push(fault);
        }
    }
    faults
}

fn first_fault(status: u16, body: &[u8]) -> Fault {
    let events = decode(&head(status), [body]);
    (*faults(&events)
        .first()
        .unwrap_or_else(|| panic!("no fault in {events:?}")))
    .clone()
}

/// A stream that lost its end is a fault. Two cuts can't be told from a whole answer, and are clean: one
/// behind the end mark, and one behind an event's data once the finish reason was there, which is how
/// servers without `[DONE]` end; that one is noted.
#[test]
fn every_cut_is_a_fault_unless_nothing_is_missing() {
    const NO_DONE: &str = "the stream ended without [DONE]";
    every_cut(&openai_chat::DIALECT, |clean| {
        let (cut, whole, case) = (&clean.cut, clean.whole, clean.case());
        let kept = String::from_utf8_lossy(clean.kept);
        let ended_by_mark = kept.contains("data: [DONE]") || kept.contains("data:[DONE]");
        let last = kept.rsplit(['\n', '\r']).next().unwrap_or_default();
        let on_border =
            kept.trim_end_matches(' ').ends_with(['\n', '\r', '}']) || last.starts_with(':');
        let finished = cut.finish.is_some() && cut.finish == whole.finish;
        let unmarked = finished && on_border && has_note(cut, NO_DONE);
        assert!(ended_by_mark || unmarked, "{case}");
        assert!(whole.text.is_empty() || cut.text == whole.text, "{case}");
    });
}

/// Each recording against what the official SDK made of it, field by field. `n_events` is left out: it
/// counts the SDK's chunks, which our events are not. Usage is compared where it was stated.
#[test]
fn recordings_decode_to_what_the_official_sdk_made_of_them() {
    let Some(folder) = wire_folder() else { return };
    let mut compared = 0;
    let mut decoded = 0;
    let mut unknown: BTreeMap<String, usize> = BTreeMap::new();
    for (path, head) in recordings(&folder, "openai-chat") {
        let name = path.display();
        let body = fs::read(&path).unwrap();
        let events = decode(&head, [body.as_slice()]);
        assert_eq!(decode(&head, body.chunks(1)), events, "{name} byte by byte");
        decoded += 1;
        for event in &events {
            if let Event::Unknown { kind, .. } = event {
                *unknown.entry(kind.clone()).or_default() += 1;
            }
        }
        let answer = answer(&events);
        let Ok(expected) = fs::read_to_string(path.with_extension("expected.json")) else {
            assert_eq!(
                answer.fault.is_some(),
                head.status != 200,
                "{name}: {:?}",
                answer.fault
            );
            continue;
        };
        let expected: Value = serde_json::from_str(&expected).unwrap();
        assert_eq!(
            compared_fields(&answer),
            expected_fields(&expected),
            "{name}"
        );
        if expected["error"].is_null() {
            assert_eq!(
                usage_fields(&answer, &expected["usage"]),
                json!(answer.usage),
                "{name}"
            );
        }
        compared += 1;
    }
    println!(
        "{decoded} recordings decoded, {compared} compared with the SDK; unknown: {unknown:?}"
    );
    assert!(compared >= 91 && unknown.is_empty());
}

fn compared_fields(answer: &Answer) -> Value {
    json!({
        "text": answer.text,
        "reasoning": answer.reasoning,
        "tool_calls": answer.tool_calls,
        "finish_reason": answer.finish.as_ref().map(|f| &f.raw),
        "error": answer.fault.as_ref().map(|f| &f.message),
    })
}

fn expected_fields(expected: &Value) -> Value {
    json!({
        "text": expected["text"],
        "reasoning": expected["reasoning"],
        "tool_calls": expected["tool_calls"],
        "finish_reason": expected["finish_reason"],
        "error": expected["error"].get("message"),
    })
}

/// The SDK's usage in our form; a detail it does not know stays ours.
fn usage_fields(answer: &Answer, sdk: &Value) -> Value {
    let Some(ours) = answer.usage.filter(|_| !sdk.is_null()) else {
        return Value::Null;
    };
    let or_ours =
        |path: &str, ours: Option<u64>| sdk.pointer(path).and_then(Value::as_u64).or(ours);
    let mut usage = json!({
        "input": sdk["prompt_tokens"],
        "output": sdk["completion_tokens"],
        "reasoning": or_ours("/completion_tokens_details/reasoning_tokens", ours.reasoning),
        "cached": or_ours("/prompt_tokens_details/cached_tokens", ours.cached),
        "total": sdk["total_tokens"],
    });
    let written = "/prompt_tokens_details/cache_write_tokens";
    if let Some(written) = or_ours(written, ours.cache_written) {
        usage["cache_written"] = written.into();
    }
    usage
}

/// Error bodies of every provider, since this dialect is also spoken through gateways to them.
#[test]
fn recorded_http_errors_keep_the_providers_words() {
    let Some(folder) = wire_folder() else { return };
    let mut seen = 0;
    for entry in fs::read_dir(folder.join("open/errors")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if name.ends_with(".request.json") {
            continue;
        }
        let status: u16 = name.split('_').nth(1).unwrap().parse().unwrap();
        let body = fs::read_to_string(&path).unwrap();
        let fault = first_fault(status, body.as_bytes());
        let said: Value = serde_json::from_str(&body).unwrap();
        let said = said.pointer("/error/message").unwrap_or(&said["message"]);
        assert_eq!(json!(fault.message), *said, "{name}");
        assert_eq!((fault.status, fault.phase), (Some(status), Phase::Headers));
        let class = match status {
            400 if body.contains("API_KEY_INVALID") => FaultClass::Auth,
            400 if body.contains("model_not_found") => FaultClass::NotFound,
            400 => FaultClass::BadRequest,
            403 => FaultClass::Auth,
            404 => FaultClass::NotFound,
            429 => FaultClass::RateLimited,
            _ => panic!("{name}: a new status"),
        };
        assert_eq!(fault.class, class, "{name}");
        seen += 1;
    }
    println!("{seen} error bodies");
    assert!(seen >= 25);
}

// --- what goes back ---------------------------------------------------------------------------------

/// The messages that an answer, and the results of its calls, become in the next request.
fn sent_back(name: &str) -> Vec<Value> {
    let name = format!("openai-chat {name}");
    let found = fixtures(&openai_chat::DIALECT)
        .into_iter()
        .find(|f| f.name == name);
    let found = found.unwrap();
    let answer = answer(&decode(&found.head, [found.body.as_slice()]));
    let mut request = ChatRequest::of_text("m", "hi");
    request.messages.extend(answer.message("openai-chat"));
    let mut body = (openai_chat::DIALECT.encode)(&request);
    body["messages"].as_array_mut().unwrap().split_off(1)
}

#[test]
fn thoughts_and_signatures_go_back_with_the_calls_that_they_led_to() {
    let sent = sent_back("thoughts-to-send-back");
    let call = |id: &str| json!({"id": id, "type": "function", "function": {"name": "f", "arguments": "{}"}});
    let mut signed = call("call_0");
    signed["extra_content"] = json!({"google": {"thought_signature": "c2ln+/=="}});
    let expected = json!([{
        "role": "assistant",
        "content": "Asking.",
        "reasoning_content": "I must askBoth",
        "tool_calls": [signed, call("call_1")],
    }]);
    assert_eq!(json!(sent), expected);

    let sent = sent_back("openrouter-signed-details");
    let expected = json!([
        {"type": "reasoning.text", "text": "Let me", "format": "x-v1", "index": 0, "signature": "c2ln"},
        {"type": "reasoning.encrypted", "data": "gAAA=", "id": "rs_1", "index": 1},
        {"type": "reasoning.encrypted", "data": "gBBB=", "id": "rs_2", "index": 1},
    ]);
    assert_eq!(sent[0]["reasoning_details"], expected);
    assert_eq!(sent[0]["reasoning_content"], Value::Null);
}

/// Thoughts that led to no call, or that came by another protocol, stay here.
#[test]
fn other_thoughts_stay_here() {
    let sent = sent_back("two-reasoning-fields");
    assert_eq!(sent[0]["reasoning_content"], Value::Null, "{sent:?}");
    let thought = |by: &str| {
        let signature = Part::Signature {
            dialect: by.into(),
            value: "reasoning_content".into(),
        };
        let call = Part::ToolCall(ToolCall::default());
        vec![Part::Reasoning { text: "Hm".into() }, signature, call]
    };
    for (by, kept) in [("openai-chat", json!("Hm")), ("ollama", Value::Null)] {
        let mut request = ChatRequest::of_text("m", "hi");
        request.messages.push(Message {
            role: Role::Assistant,
            parts: thought(by),
        });
        let body = (openai_chat::DIALECT.encode)(&request);
        assert_eq!(body["messages"][1]["reasoning_content"], kept, "{by}");
    }
}

#[test]
fn what_the_model_drew_is_shown_to_it_as_the_users() {
    let sent = sent_back("files");
    assert_eq!(
        sent[0],
        json!({"role": "assistant", "content": "Look:Hello"})
    );
    assert_eq!(sent[1]["role"], "user");
    let urls: Vec<_> = (sent[1]["content"].as_array().unwrap().iter())
        .map(|part| part["image_url"]["url"].as_str().unwrap())
        .collect();
    let expected = [
        "data:image/png;base64,iVBORw0KGgpmaXh0dXJl",
        "https://a.example/cat.webp",
    ];
    assert_eq!(urls, expected);
    assert_eq!(sent.len(), 2);
}

// --- odd bodies -------------------------------------------------------------------------------------

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn bodies_that_are_no_answer_are_faults_of_their_kind() {
    use FaultClass::{Auth, Interrupted, Overloaded, Protocol, Provider, RateLimited};
    let table = [
        ("", Protocol, "the body is empty"),
        (" \r\n\n", Protocol, "the body is empty"),
        (
            "<!doctype html>\n<p>Sign in",
            Protocol,
            "a page came instead of an answer: <!doctype html> <p>Sign in",
        ),
        (
            "no healthy upstream",
            Protocol,
            "text came instead of an answer: no healthy upstream",
        ),
        (
            r#"{"choices":null}"#,
            Protocol,
            r#"the answer has no choice: {"choices":null}"#,
        ),
        (
            r#"{"choices":[]}"#,
            Protocol,
            r#"the answer has no choice: {"choices":[]}"#,
        ),
        (
            "data: [DONE]\n\n",
            Protocol,
            "the answer has no choice: data: [DONE]",
        ),
        (
            "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n",
            Interrupted,
            "without a finish reason",
        ),
        (
            "data: {\"choices\": oops}\n\n",
            Protocol,
            "{\"choices\": oops}",
        ),
        (
            "data: <html>\n\n",
            Protocol,
            "this is not a chat completion",
        ),
        (
            ": ping\n\n: ping\n\n",
            Interrupted,
            "the stream ended before it began",
        ),
        ("da", Interrupted, "inside its first event"),
        (
            r#"{"choices":[{"mess"#,
            Interrupted,
            "broke off inside a JSON object",
        ),
        (
            r#"{"choices":7}"#,
            Protocol,
            "this is not a chat completion",
        ),
        ("[1,2]", Protocol, "no JSON object stands where one should"),
        (
            r#"[{"error":{"code":503,"message":"busy"}}]"#,
            Overloaded,
            "busy",
        ),
        (r#"{"error":"text"}"#, Provider, "text"),
        (
            r#"{"code":"InvalidApiKey","message":"Invalid key."}"#,
            Auth,
            "Invalid key.",
        ),
        (
            r#"{"base_resp":{"status_code":1002,"status_msg":"too fast"},"choices":null}"#,
            RateLimited,
            "too fast",
        ),
        (
            "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"error\"}]}\n\ndata: [DONE]\n\n",
            Provider,
            "finished with",
        ),
        (
            "event: error\ndata: engine died\n\n",
            Provider,
            "engine died",
        ),
    ];
    for (body, class, said) in table {
        let fault = first_fault(200, body.as_bytes());
        assert_eq!(fault.class, class, "{body}: {fault:?}");
        assert!(fault.message.contains(said), "{body}: {fault:?}");
    }
}

#[test]
fn deep_and_huge_bodies_are_protocol_faults() {
    let deep = "[".repeat(100_000);
    let closed = format!("{deep}\"a\"{}", "]".repeat(100_000));
    let parts = "[{\"text\":".repeat(100_000) + "\"a\"" + &"}]".repeat(100_000);
    let delta = format!("{{\"content\":{parts},\"tool_calls\":{parts}}}");
    let huge = "x".repeat(9 << 20);
    for (body, said) in [
        (
            format!("data: {{\"choices\":{deep}\n\n"),
            "this is not a chat completion",
        ),
        (
            format!("data: {{\"choices\":[],\"x\":{closed}}}\n\n"),
            "recursion limit",
        ),
        (
            format!("data: {{\"choices\":[{{\"delta\":{delta}}}]}}\n\n"),
            "recursion limit",
        ),
        (closed, "no JSON object stands where one should"),
        (
            format!("data: {}", huge.repeat(8)),
            "one event is larger than 64 MiB",
        ),
        (
            format!("{{\"a\":\"{}", huge.repeat(8)),
            "one object is larger than 64 MiB",
        ),
    ] {
        let fault = first_fault(200, body.as_bytes());
        assert_eq!(fault.class, FaultClass::Protocol, "{fault:?}");
        assert!(fault.message.contains(said), "{fault:?}");
        assert!(fault.message.chars().count() < 500);
    }
}

#[test]
fn the_first_bytes_count_for_more_than_the_content_type() {
    let sse = b"data: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    let json = b"\n {\"choices\":[{\"message\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}";
    for content_type in [
        None,
        Some("text/plain"),
        Some("application/json"),
        Some("text/event-stream"),
    ] {
        let head = ResponseHead {
            content_type: content_type.map(str::to_owned),
            ..head(200)
        };
        for body in [sse.as_slice(), json] {
            let answer = answer(&decode(&head, [body]));
            assert_eq!(
                (answer.text.as_str(), &answer.fault),
                ("a", &None),
                "{content_type:?}"
            );
        }
    }
    let odd = b"data\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}\n\n";
    let answer = answer(&decode(&ResponseHead::event_stream(), [odd.as_slice()]));
    assert_eq!(
        answer.text, "a",
        "only the content type tells this is a stream"
    );
}

#[test]
fn after_a_fault_nothing_comes() {
    let stream = b"data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\ndata: {\"error\":{\"message\":\"one\"}}\n\n: c\n\n\
        data: {\"choices\":[{\"delta\":{\"content\":\"b\"}}]}\n\nevent: error\ndata: two\n\ndata: [DONE]\n\n";
    let events = decode(&head(200), [stream.as_slice()]);
    assert_eq!(faults(&events)[0].message, "one");
    assert_eq!(answer(&events).text, "a");
    assert!(matches!(events[1..], [Event::Fault(_)]), "{events:?}");
}

#[test]
fn a_wait_asked_for_in_the_head_is_part_of_the_fault() {
    let head = ResponseHead {
        retry_after_ms: Some(1_500),
        ..head(429)
    };
    let events = decode(&head, [b"{}".as_slice()]);
    assert_eq!(faults(&events)[0].retry_after_ms, Some(1_500));
    assert_eq!(faults(&events)[0].class, FaultClass::RateLimited);
}

/// A megabyte of reasoning in one-character pieces, then one huge tool call: the work must not grow with
/// what was read before.
#[test]
fn a_long_answer_is_read_in_linear_time() {
    let piece = b"data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"name\":\"f\",\"arguments\":\"{[\\\"a\\\"\"}}]}}]}\n\n";
    let body = piece.repeat(50_000);
    let answer = answer(&decode(&head(200), body.chunks(7)));
    assert_eq!(answer.tool_calls.len(), 1);
    assert_eq!(answer.tool_calls[0].arguments.len(), 50_000 * 5);
}

// --- random splits and random bytes ------------------------------------------------------------------

/// Streams put together from whole and broken events.
fn streams() -> impl Strategy<Value = Vec<u8>> {
    let event = prop::sample::select(vec![
        r#"data: {"id":"x","model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}"#,
        r#"data: {"choices":[{"index":0,"delta":{"content":"Zoë 中文"}}]}"#,
        r#"data: {"choices":[{"index":0,"delta":{"content":"\ud83d"}}]}"#,
        r#"data: {"choices":[{"index":0,"delta":{"content":"\ude00 "}}]}"#,
        r#"data: {"choices":[{"index":1,"delta":{"content":"other"}}]}"#,
        r#"data: {"choices":[{"delta":{"reasoning":"hm"}}]}"#,
        r#"data: {"choices":[{"delta":{"tool_calls":[{"id":"c","function":{"name":"f","arguments":"{"}}]}}]}"#,
        r#"data: {"choices":[{"delta":{"tool_calls":[{"index":3,"function":{"arguments":"}"}}]}}]}"#,
        r#"data: {"choices":[{"delta":{"audio":{"data":"AAAA"}},"finish_reason":"stop"}]}"#,
        r#"data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":5}}"#,
        r#"data: {"error":{"message":"no","code":"server_error"}}"#,
        "event: error\ndata: plain",
        "data: {broken",
        "data: [DONE]",
        ": keep-alive",
        "",
        "\u{FEFF}",
        "{\"choices\":[{\"message\":{\"content\":\"whole\"}}]}",
        "<html>",
    ]);
    let end = prop::sample::select(vec!["\n\n", "\r\n\r\n", "\r\r", "\n", ""]);
    let raw = prop::collection::vec(any::<u8>(), 0..5);
    prop::collection::vec((event, end, raw, 0_u8..20), 0..12).prop_map(|parts| {
        let mut bytes = Vec::new();
        for (event, end, raw, dice) in parts {
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
        status in prop::sample::select(vec![200_u16, 200, 200, 429, 500]),
    ) {
        let whole = decode(&head(status), [bytes.as_slice()]);
        prop_assert_eq!(&decode(&head(status), pieces(&bytes, &lengths)), &whole);
        prop_assert_eq!(&decode(&head(status), bytes.chunks(1)), &whole);
        let at = whole.iter().position(|event| matches!(event, Event::Fault(_)));
        prop_assert!(at.is_none_or(|at| at + 1 == whole.len()));
        prop_assert!(status == 200 || at.is_some());
    }
}

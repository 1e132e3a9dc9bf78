//! The `openai-chat` decoder and encoder: our fixtures, recordings of real providers, any split, any cut.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use proptest::prelude::*;
use serde_json::{Value, json};
use tokenscope::{
    chat::{ChatRequest, Image, Message, Part, ResponseFormat, Role, Tool, ToolCall},
    dialect::{DIALECTS, DialectId, ResponseHead, openai_chat},
    event::{Answer, Event, Fault, FaultClass, Phase},
};

use crate::sse::{pieces, wire_folder};

fn head(status: u16) -> ResponseHead {
    ResponseHead {
        status,
        ..ResponseHead::default()
    }
}

fn decode<'a>(head: &ResponseHead, pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Event> {
    let mut decoder = (openai_chat::DIALECT.decoder)(head);
    let mut events = Vec::new();
    for piece in pieces {
        decoder.push(piece, &mut events);
    }
    decoder.end(&mut events);
    events
}

fn answer(events: &[Event]) -> Answer {
    let mut answer = Answer::default();
    events.iter().for_each(|event| answer.apply(event));
    answer
}

fn faults(events: &[Event]) -> Vec<&Fault> {
    let fault = |event| match event {
        &Event::Fault(ref fault) => Some(fault),
        _ => None,
    };
    events.iter().filter_map(fault).collect()
}

fn first_fault(status: u16, body: &[u8]) -> Fault {
    let events = decode(&head(status), [body]);
    (*faults(&events).first().unwrap_or_else(|| panic!("no fault in {events:?}"))).clone()
}

#[test]
fn every_dialect_file_is_in_the_table() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/dialect");
    let mut files: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "rs"))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().replace('_', "-"))
        .collect();
    let mut rows: Vec<String> = DIALECTS.iter().map(|d| d.id.to_string()).collect();
    files.sort();
    rows.sort();
    assert_eq!(files, rows);
    assert_eq!(DIALECTS.len(), DialectId::ALL.len());
    for id in DialectId::ALL {
        assert_eq!(id.dialect().id, *id);
    }
}

// --- our own fixtures ---------------------------------------------------------------------------

struct Fixture {
    name: String,
    head: ResponseHead,
    body: Vec<u8>,
    expected: PathBuf,
}

/// `<case>[.<status>].<sse|json|html>`, each with its events in `<case>.events.jsonl`.
fn fixtures() -> Vec<Fixture> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/openai-chat");
    let mut fixtures = Vec::new();
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap().to_str().unwrap();
        let parts: Vec<&str> = file.split('.').collect();
        let status = match parts.as_slice() {
            [_, "events", "jsonl"] => continue,
            [_, status, _] => status.parse().unwrap(),
            _ => 200,
        };
        fixtures.push(Fixture {
            name: parts[0].to_owned(),
            head: head(status),
            body: fs::read(&path).unwrap(),
            expected: folder.join(format!("{}.events.jsonl", parts[0])),
        });
    }
    fixtures.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(fixtures.len() >= 15);
    fixtures
}

/// With `TOKENSCOPE_BLESS` set, the expectations are written anew, to be read before they are kept.
#[test]
fn every_fixture_gives_its_events_however_it_is_cut() {
    for fixture in fixtures() {
        let name = &fixture.name;
        let events = decode(&fixture.head, [fixture.body.as_slice()]);
        let lines: String = (events.iter())
            .map(|event| serde_json::to_string(event).unwrap() + "\n")
            .collect();
        if std::env::var_os("TOKENSCOPE_BLESS").is_some() {
            fs::write(&fixture.expected, &lines).unwrap();
        }
        assert_eq!(lines, fs::read_to_string(&fixture.expected).unwrap(), "{name}");
        for size in 1..fixture.body.len().min(64) {
            let cut = decode(&fixture.head, fixture.body.chunks(size));
            assert_eq!(cut, events, "{name} in pieces of {size}");
        }
        for at in 0..=fixture.body.len() {
            let (a, b) = fixture.body.split_at(at);
            assert_eq!(decode(&fixture.head, [a, b]), events, "{name} split at {at}");
        }
    }
}

/// A stream that lost its end is a fault. Two cuts can't be told from a whole answer, and are clean: one
/// behind the end mark, and one on the border of an event once the finish reason was there, which is how
/// servers without `[DONE]` end; that one is noted.
#[test]
fn every_cut_is_a_fault_unless_nothing_is_missing() {
    const NO_DONE: &str = "the stream ended without [DONE]";
    let mut cuts = 0;
    for fixture in fixtures() {
        let whole = answer(&decode(&fixture.head, [fixture.body.as_slice()]));
        for at in 0..fixture.body.len() {
            let kept = &fixture.body[..at];
            let cut = answer(&decode(&fixture.head, [kept]));
            cuts += 1;
            if cut.fault.is_some() {
                continue;
            }
            let case = format!("{} cut at {at}: {cut:?}", fixture.name);
            let text = String::from_utf8_lossy(kept);
            let ended_by_mark = text.contains("data: [DONE]") || text.contains("data:[DONE]");
            let on_border = text.trim_end_matches(' ').ends_with(['\n', '\r'])
                || text.rsplit(['\n', '\r']).next().is_some_and(|line| line.starts_with(':'));
            let finished = cut.finish.is_some() && cut.finish == whole.finish;
            let noted = cut.notes.iter().any(|(note, _)| note == NO_DONE);
            let lost_blanks_only = fixture.body[at..].trim_ascii().is_empty();
            assert!(
                lost_blanks_only || ended_by_mark || (finished && on_border && noted),
                "{case}"
            );
            assert!(whole.text.is_empty() || cut.text == whole.text, "{case}");
        }
    }
    println!("{cuts} cuts");
}

// --- recordings -----------------------------------------------------------------------------------

/// Rows of the manifest: file, protocol, status, content type.
fn recordings(folder: &Path) -> Vec<(PathBuf, ResponseHead)> {
    let manifest = fs::read_to_string(folder.join("MANIFEST.tsv")).unwrap();
    let rows = manifest.lines().skip(1).map(|line| line.split('\t').collect::<Vec<_>>());
    rows.filter(|row| row[2] == "openai-chat")
        .map(|row| {
            let content_type = Some(row[9].to_owned()).filter(|t| !t.is_empty());
            let head = ResponseHead {
                status: row[8].parse().unwrap(),
                content_type,
                retry_after_ms: None,
            };
            (folder.join(row[0]), head)
        })
        .collect()
}

/// Each recording against what the official SDK made of it, field by field. `n_events` is left out: it
/// counts the SDK's chunks, which our events are not. Usage is compared where it was stated.
#[test]
fn recordings_decode_to_what_the_official_sdk_made_of_them() {
    let Some(folder) = wire_folder() else { return };
    let mut compared = 0;
    let mut decoded = 0;
    let mut unknown: BTreeMap<String, usize> = BTreeMap::new();
    for (path, head) in recordings(&folder.join("open")) {
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
            assert_eq!(answer.fault.is_some(), head.status != 200, "{name}: {:?}", answer.fault);
            continue;
        };
        let expected: Value = serde_json::from_str(&expected).unwrap();
        assert_eq!(compared_fields(&answer), expected_fields(&expected), "{name}");
        if expected["error"].is_null() {
            assert_eq!(usage_fields(&answer, &expected["usage"]), json!(answer.usage), "{name}");
        }
        compared += 1;
    }
    println!("{decoded} recordings decoded, {compared} compared with the SDK; unknown: {unknown:?}");
    assert!(compared >= 91);
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
    let or_ours = |path: &str, ours: Option<u64>| sdk.pointer(path).and_then(Value::as_u64).or(ours);
    json!({
        "input": sdk["prompt_tokens"],
        "output": sdk["completion_tokens"],
        "reasoning": or_ours("/completion_tokens_details/reasoning_tokens", ours.reasoning),
        "cached": or_ours("/prompt_tokens_details/cached_tokens", ours.cached),
        "total": sdk["total_tokens"],
    })
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

// --- odd bodies -------------------------------------------------------------------------------------

#[test]
fn bodies_that_are_no_answer_are_faults_of_their_kind() {
    let deep = "[".repeat(100_000);
    let deep_event = format!("data: {{\"choices\":{deep}\n\n");
    let deep_unknown = format!(
        "data: {{\"choices\":[],\"x\":{deep}\"a\"{}}}\n\n",
        "]".repeat(100_000)
    );
    let huge_event = [b"data: ".as_slice(), &vec![b'x'; 9 << 20]].concat();
    let huge_json = [b"{\"a\":\"".as_slice(), &vec![b'x'; 9 << 20]].concat();
    for (body, class, said) in [
        (b"".as_slice(), FaultClass::Protocol, "the body is empty"),
        (b" \r\n\n", FaultClass::Protocol, "the body is empty"),
        (b"<!doctype html>\n<p>Sign in", FaultClass::Protocol, "a page came instead of an answer: <!doctype html> <p>Sign in"),
        (b"no healthy upstream", FaultClass::Protocol, "text came instead of an answer: no healthy upstream"),
        (b"{\"choices\":null}", FaultClass::Protocol, "the answer has no choice: {\"choices\":null}"),
        (b"{\"choices\":[]}", FaultClass::Protocol, "the answer has no choice: {\"choices\":[]}"),
        (b"data: [DONE]\n\n", FaultClass::Protocol, "the answer has no choice: data: [DONE]"),
        (b"data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n", FaultClass::Interrupted, "without a finish reason"),
        (b"data: {\"choices\": oops}\n\n", FaultClass::Protocol, "{\"choices\": oops}"),
        (b"data: <html>\n\n", FaultClass::Protocol, "an event is not a chat completion"),
        (b": ping\n\n: ping\n\n", FaultClass::Interrupted, "without a finish reason"),
        (b"da", FaultClass::Interrupted, "inside its first event"),
        (b"{\"choices\":[{\"mess", FaultClass::Interrupted, "the JSON answer broke off"),
        (b"{\"choices\":7}", FaultClass::Protocol, "the body is not a chat completion"),
        (b"[1,2]", FaultClass::Protocol, "this JSON is no answer: [1,2]"),
        (b"[{\"error\":{\"code\":503,\"message\":\"busy\"}}]", FaultClass::Overloaded, "busy"),
        (b"{\"error\":\"text\"}", FaultClass::Provider, "text"),
        (b"{\"code\":\"InvalidApiKey\",\"message\":\"Invalid API-key provided.\"}", FaultClass::Auth, "Invalid API-key provided."),
        (b"{\"base_resp\":{\"status_code\":1002,\"status_msg\":\"rate limit\"},\"choices\":null}", FaultClass::RateLimited, "rate limit"),
        (b"data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"error\"}]}\n\ndata: [DONE]\n\n", FaultClass::Provider, "finished with"),
        (b"event: error\ndata: engine died\n\n", FaultClass::Provider, "engine died"),
        (deep_event.as_bytes(), FaultClass::Protocol, "an event is not a chat completion"),
        (deep_unknown.as_bytes(), FaultClass::Protocol, "recursion limit"),
        (deep.as_bytes(), FaultClass::Protocol, "this JSON is no answer"),
        (&huge_event, FaultClass::Protocol, "one event is larger than 8 MiB"),
        (&huge_json, FaultClass::Protocol, "the body is larger than 8 MiB"),
    ] {
        let start = String::from_utf8_lossy(&body[..body.len().min(80)]);
        let fault = first_fault(200, body);
        assert_eq!(fault.class, class, "{start}: {fault:?}");
        assert!(fault.message.contains(said), "{start}: {fault:?}");
        assert!(fault.message.chars().count() < 500, "{start}");
    }
}

#[test]
fn the_first_bytes_count_for_more_than_the_content_type() {
    let sse = b"data: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    let json = b"\n {\"choices\":[{\"message\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}";
    for content_type in [None, Some("text/plain"), Some("application/json"), Some("text/event-stream")] {
        let head = ResponseHead {
            content_type: content_type.map(str::to_owned),
            ..head(200)
        };
        for body in [sse.as_slice(), json] {
            let answer = answer(&decode(&head, [body]));
            assert_eq!((answer.text.as_str(), &answer.fault), ("a", &None), "{content_type:?}");
        }
    }
    let odd = b"data\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}\n\n";
    let answer = answer(&decode(&ResponseHead::event_stream(), [odd.as_slice()]));
    assert_eq!(answer.text, "a", "only the content type tells this is a stream");
}

#[test]
fn after_a_fault_only_further_faults_come() {
    let stream = b"data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\ndata: {\"error\":{\"message\":\"one\"}}\n\n: c\n\n\
        data: {\"choices\":[{\"delta\":{\"content\":\"b\"}}]}\n\nevent: error\ndata: two\n\ndata: [DONE]\n\n";
    let events = decode(&head(200), [stream.as_slice()]);
    let said: Vec<_> = faults(&events).iter().map(|f| f.message.clone()).collect();
    assert_eq!(said, ["one", "two"]);
    assert_eq!(answer(&events).text, "a");
    assert!(matches!(events[1..], [Event::Fault(_), Event::Fault(_)]), "{events:?}");
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
        prop_assert!(whole[at.unwrap_or(whole.len())..].iter().all(|e| matches!(e, Event::Fault(_))));
        prop_assert!(status == 200 || at.is_some());
    }
}

// --- requests -----------------------------------------------------------------------------------------

fn image() -> Part {
    Part::Image(Image {
        mime: "image/png".into(),
        data: [1_u8, 2, 3].as_slice().into(),
        name: "secret-name.png".into(),
    })
}

fn text(text: &str) -> Part {
    Part::Text { text: text.into() }
}

#[test]
fn a_small_request_sends_nothing_that_was_not_asked_for() {
    let body = (openai_chat::DIALECT.encode)(&ChatRequest::of_text("m", "hi"));
    let expected = json!({
        "model": "m",
        "messages": [{"role": "user", "content": "hi"}],
        "stream": true,
        "stream_options": {"include_usage": true},
    });
    assert_eq!(body.to_string(), expected.to_string());
}

#[test]
fn a_full_request_is_written_as_openai_documents_it() {
    let mut request = ChatRequest::of_text("m", "look");
    request.system = Some("be brief".into());
    request.messages[0].parts = vec![text("look"), image()];
    let call = ToolCall {
        id: "c1".into(),
        name: "f".into(),
        arguments: r#"{"a":1}"#.into(),
    };
    request.messages.push(Message {
        role: Role::Assistant,
        parts: vec![Part::ToolCall(call)],
    });
    let result = |id: &str| Part::ToolResult {
        id: id.into(),
        name: "f".into(),
        content: "42".into(),
    };
    request.messages.push(Message {
        role: Role::Tool,
        parts: vec![result("c1"), result("c2")],
    });
    request.messages.push(Message::assistant("done"));
    request.tools = vec![Tool {
        name: "f".into(),
        description: "does f".into(),
        parameters: json!({"type": "object"}),
    }];
    request.params.temperature = Some(0.5);
    request.params.top_p = Some(0.9);
    request.params.max_tokens = Some(7);
    request.params.seed = Some(-1);
    request.params.stop = vec!["END".into()];
    request.params.reasoning_effort = Some("low".into());
    request.params.response_format = Some(ResponseFormat::JsonSchema {
        name: "s".into(),
        schema: json!({"type": "string"}),
        strict: true,
    });
    let body = (openai_chat::DIALECT.encode)(&request);
    let expected = json!({
        "model": "m",
        "messages": [
            {"role": "system", "content": "be brief"},
            {"role": "user", "content": [
                {"type": "text", "text": "look"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AQID"}},
            ]},
            {"role": "assistant", "content": null, "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{\"a\":1}"}},
            ]},
            {"role": "tool", "tool_call_id": "c1", "content": "42"},
            {"role": "tool", "tool_call_id": "c2", "content": "42"},
            {"role": "assistant", "content": "done"},
        ],
        "temperature": 0.5,
        "top_p": 0.9,
        "max_tokens": 7,
        "seed": -1,
        "stop": ["END"],
        "reasoning_effort": "low",
        "response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": {"type": "string"}, "strict": true}},
        "tools": [{"type": "function", "function": {"name": "f", "description": "does f", "parameters": {"type": "object"}}}],
        "stream": true,
        "stream_options": {"include_usage": true},
    });
    assert_eq!(body.to_string(), expected.to_string());
    request.params.response_format = Some(ResponseFormat::JsonObject);
    let body = (openai_chat::DIALECT.encode)(&request);
    assert_eq!(body["response_format"], json!({"type": "json_object"}));
}

#[test]
fn extra_json_is_merged_last_and_null_takes_out() {
    let mut request = ChatRequest::of_text("m", "hi");
    request.params.max_tokens = Some(7);
    let extra = json!({
        "max_tokens": null,
        "max_completion_tokens": 9,
        "stream_options": {"include_usage": null, "include_obfuscation": false},
        "model": "other",
        "provider": {"order": ["a"], "gone": null},
    });
    request.params.extra = extra.as_object().unwrap().clone();
    let body = (openai_chat::DIALECT.encode)(&request);
    let expected = json!({
        "model": "other",
        "messages": [{"role": "user", "content": "hi"}],
        "stream": true,
        "stream_options": {"include_obfuscation": false},
        "max_completion_tokens": 9,
        "provider": {"order": ["a"]},
    });
    assert_eq!(body.to_string(), expected.to_string());
}

#[test]
fn the_system_text_and_empty_turns_are_sent_sensibly() {
    let mut request = ChatRequest::of_text("m", "");
    request.system = Some(String::new());
    let mut parts = vec![text("see: ")];
    parts.push(Part::ToolResult {
        id: "c".into(),
        name: String::new(),
        content: "r".into(),
    });
    parts.push(text("what now?"));
    request.messages.push(Message {
        role: Role::User,
        parts,
    });
    let call = Part::ToolCall(ToolCall::default());
    request.messages.push(Message {
        role: Role::Assistant,
        parts: vec![call, text("calling")],
    });
    let body = (openai_chat::DIALECT.encode)(&request);
    let expected = json!([
        {"role": "user", "content": ""},
        {"role": "tool", "tool_call_id": "c", "content": "r"},
        {"role": "user", "content": "see: what now?"},
        {"role": "assistant", "content": "calling", "tool_calls": [
            {"id": "", "type": "function", "function": {"name": "", "arguments": "{}"}},
        ]},
    ]);
    assert_eq!(body["messages"].to_string(), expected.to_string());
}

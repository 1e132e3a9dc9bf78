//! The `gemini` dialect: our fixtures cut anywhere, recordings against Google's SDK, conversations that go
//! back as they came.

use std::{collections::BTreeMap, fs, path::Path};

use proptest::prelude::*;
use serde_json::{Value, json};
use tokenscope::{
    chat::{ChatRequest, Message, Part, Role},
    dialect::{DialectId, gemini::DIALECT},
    endpoint::Endpoint,
    event::{Answer, Event, FaultClass, FinishReason},
    exchange::call::raw_body,
};

use crate::{
    dialects::{self, answer, decode, every_cut, fixtures, head, recordings},
    sse::{pieces, wire_folder},
};

const PROTOCOLS: [&str; 3] = ["gemini-sse", "gemini-json-array", "gemini-unary"];

/// Recordings that hold no whole answer, each with the fault that this is.
const FAULTS: &[(&str, FaultClass)] = &[
    // No finish reason, which is this protocol's end; the second is whole, and says nothing.
    (
        "firebase_streaming_failure_empty_content",
        FaultClass::Interrupted,
    ),
    (
        "firebase_unary_failure_malformed_content",
        FaultClass::Protocol,
    ),
    // Not of this protocol: another JSON, and counts of tokens.
    (
        "firebase_streaming_failure_invalid_json",
        FaultClass::Protocol,
    ),
    (
        "firebase_unary_success_detailed_token_response",
        FaultClass::Protocol,
    ),
    ("firebase_unary_success_total_tokens", FaultClass::Protocol),
];

fn fixture(case: &str) -> Answer {
    dialects::fixture(&DIALECT, case)
}

/// The signatures that stand in a JSON text, in order, as they were written (none of them is escaped).
fn signatures(json: &str) -> Vec<String> {
    let after = json.split("\"thoughtSignature\"").skip(1);
    after
        .map(|rest| rest.split('"').nth(1).unwrap().to_owned())
        .collect()
}

/// What the next request says of an answer.
fn sent_back(answer: &Answer) -> Value {
    let mut request = ChatRequest::of_text("gemini-3-pro", "go on");
    let message = answer.message(DialectId::Gemini.as_str());
    request.messages.splice(0..0, message);
    (DIALECT.encode)(&request)
}

// --- fixtures ---------------------------------------------------------------------------------------

/// A stream that lost its end is a fault. The protocol has no end mark, so a cut on the border of events
/// behind a finish reason can't be told from a whole answer: in streams that say `STOP` early, or that go
/// on behind their answer's end.
#[test]
fn every_cut_is_a_fault_unless_nothing_is_missing() {
    const EARLY: [&str; 3] = [
        "gemini keep-alives",
        "gemini stop-before-calls",
        "gemini stop-in-each-chunk",
    ];
    every_cut(&DIALECT, |clean| {
        let kept = clean.kept;
        let comment = kept.rsplit(|b| *b == b'\n').next().unwrap_or_default();
        let on_border = kept.trim_ascii_end().ends_with(b"}")
            || comment.starts_with(b":")
            || comment.is_empty();
        let early = EARLY.contains(&clean.name);
        assert!(
            early && on_border && clean.cut.finish.is_some(),
            "{}",
            clean.case()
        );
    });
}

/// Whatever was signed goes back with the same signatures in the same order, and all that was said.
#[test]
fn every_fixture_goes_back_with_its_signatures() {
    let mut signed = 0;
    for fixture in fixtures(&DIALECT) {
        let answer = answer(&decode(&DIALECT, &fixture.head, [fixture.body.as_slice()]));
        let body = String::from_utf8_lossy(&fixture.body).into_owned();
        let came = signatures(&body);
        signed += came.len();
        let mut went = signatures(&sent_back(&answer).to_string());
        went.retain(|signature| signature != "skip_thought_signature_validator");
        assert_eq!(went, came, "{}", fixture.name);
    }
    assert!(signed >= 10, "{signed}");
}

#[test]
fn signed_parts_stand_apart_from_their_neighbours() {
    let expected = json!([
        {"role": "model", "parts": [
            {"text": "A is"},
            {"text": " B", "thoughtSignature": "c2ln/+A="},
            {"text": ", so"},
            {"text": "", "thoughtSignature": "_-lastA=="},
        ]},
        {"role": "user", "parts": [{"text": "go on"}]},
    ]);
    assert_eq!(
        sent_back(&fixture("signed-thoughts"))["contents"].to_string(),
        expected.to_string()
    );
    let expected = json!([
        {"text": "Hm", "thought": true, "thoughtSignature": "dGhvdWdodA=="},
        {"text": "one"},
        {"text": " two", "thoughtSignature": "dHdv"},
    ]);
    let sent = sent_back(&fixture("signed-thought"));
    assert_eq!(
        sent["contents"][0]["parts"].to_string(),
        expected.to_string()
    );
}

#[test]
fn built_in_tools_and_drafts_go_back_word_for_word() {
    let sent = sent_back(&fixture("code-execution"));
    let expected = json!([
        {"text": "Sum: "},
        {"executableCode": {"language": "PYTHON", "code": "print(28)\n"}, "thoughtSignature": "Y29kZQ=="},
        {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "28\n"}},
        {"text": "28."},
    ]);
    assert_eq!(
        sent["contents"][0]["parts"].to_string(),
        expected.to_string()
    );
    let sent = sent_back(&fixture("images"));
    let expected = json!([
        {"inlineData": {"mimeType": "image/png", "data": "ZHJhZnQ="}, "thought": true, "thoughtSignature": "ZHJhZnQ="},
        {"text": "Here: "},
        {"inlineData": {"mimeType": "image/png", "data": "iVBORw0K"}, "thoughtSignature": "aW1n"},
        {"fileData": {"mimeType": "video/mp4", "fileUri": "gs://b/v.mp4"}},
    ]);
    assert_eq!(
        sent["contents"][0]["parts"].to_string(),
        expected.to_string()
    );
}

/// Gemini 3 refuses a conversation whose signatures are not those that it gave: three turns, the first with
/// parallel calls, each decoded, kept and sent again with all before it.
#[test]
fn a_tool_conversation_keeps_every_signature() {
    let mut request = ChatRequest::of_text("gemini-3-pro-preview", "Weather and time?");
    let mut came = Vec::new();
    let result = |id: &str, content: &str| Part::ToolResult {
        id: id.into(),
        name: String::new(),
        content: content.into(),
    };
    let results = [
        // Out of order, and apart: they come home as the protocol wants them.
        vec![
            vec![result("c2", "rain")],
            vec![result("c1", r#"{"sky":"clear"}"#)],
        ],
        vec![vec![result("c3", "12:00")]],
        vec![],
    ];
    for (case, results) in ["parallel-calls", "second-turn", "third-turn"]
        .into_iter()
        .zip(results)
    {
        let body = fixtures(&DIALECT)
            .into_iter()
            .find(|f| f.name == format!("gemini {case}"));
        came.extend(signatures(&String::from_utf8(body.unwrap().body).unwrap()));
        request.messages.extend(fixture(case).message("gemini"));
        request
            .messages
            .extend(results.into_iter().map(|parts| Message {
                role: Role::Tool,
                parts,
            }));
        // As the history keeps it.
        let kept = serde_json::to_string(&request).unwrap();
        request = serde_json::from_str(&kept).unwrap();
        let sent = (DIALECT.encode)(&request).to_string();
        assert_eq!(signatures(&sent), came, "{case}");
    }
    assert_eq!(came.len(), 3);
    let big = 12_345_678_901_234_567_890_123_f64;
    let expected = json!([
        {"role": "user", "parts": [{"text": "Weather and time?"}]},
        {"role": "model", "parts": [
            {"functionCall": {"id": "c1", "name": "weather", "args": {"city": "Zürich", "n": big, "z": {"b": 1, "a": []}}}, "thoughtSignature": "UGFyaXM/+w=="},
            {"functionCall": {"id": "c2", "name": "weather", "args": {"city": "Paris"}}},
        ]},
        {"role": "user", "parts": [
            {"functionResponse": {"id": "c1", "name": "weather", "response": {"sky": "clear"}}},
            {"functionResponse": {"id": "c2", "name": "weather", "response": {"result": "rain"}}},
        ]},
        {"role": "model", "parts": [
            {"text": "Now the time."},
            {"functionCall": {"id": "c3", "name": "time", "args": {}}, "thoughtSignature": "c2Vjb25k+/A="},
        ]},
        {"role": "user", "parts": [
            {"functionResponse": {"id": "c3", "name": "time", "response": {"result": "12:00"}}},
        ]},
        {"role": "model", "parts": [{"text": "It is noon."}, {"text": "", "thoughtSignature": "dGhpcmQ_-w"}]},
    ]);
    let sent = (DIALECT.encode)(&request);
    assert_eq!(sent["contents"].to_string(), expected.to_string());
}

#[test]
fn arguments_are_kept_as_they_were_written() {
    let calls = fixture("parallel-calls").tool_calls;
    assert_eq!(
        calls[0].arguments,
        r#"{"city":"Zürich","n":12345678901234567890123,"z":{"b":1,"a":[]}}"#
    );
    let calls = fixture("streamed-arguments").tool_calls;
    let calls: Vec<_> = calls.iter().map(|c| (&*c.name, &*c.arguments)).collect();
    assert_eq!(
        calls,
        [
            (
                "read",
                r#"{"where":{"path":"/etc"},"lines":[7],"all":true}"#
            ),
            ("list", "{}"),
            ("read", "{}"),
        ]
    );
}

#[test]
fn finish_words_have_their_class() {
    use FinishReason::{ContentFilter, Length, Other, Stop};
    for (word, reason) in [
        ("STOP", Stop),
        ("MAX_TOKENS", Length),
        ("SAFETY", ContentFilter),
        ("RECITATION", ContentFilter),
        ("BLOCKLIST", ContentFilter),
        ("PROHIBITED_CONTENT", ContentFilter),
        ("SPII", ContentFilter),
        ("IMAGE_SAFETY", ContentFilter),
        ("LANGUAGE", Other),
        ("OTHER", Other),
        ("MALFORMED_FUNCTION_CALL", Other),
        ("UNEXPECTED_TOOL_CALL", Other),
        ("SOMETHING_NEW", Other),
    ] {
        let body = format!(r#"{{"candidates":[{{"finishReason":"{word}"}}]}}"#);
        let answer = answer(&decode(&DIALECT, &head(200), [body.as_bytes()]));
        let finish = answer.finish.unwrap();
        assert_eq!((finish.reason, finish.raw.as_str()), (reason, word));
        assert_eq!(answer.fault, None, "{word}");
    }
    for case in ["parallel-calls", "stop-before-calls", "stop-in-each-chunk"] {
        let finish = fixture(case).finish.unwrap();
        let expected = (FinishReason::ToolCalls, "STOP");
        assert_eq!((finish.reason, finish.raw.as_str()), expected, "{case}");
    }
}

// --- recordings -------------------------------------------------------------------------------------

/// Each recording against what Google's SDK made of it, field by field. `n_events` is left out: it counts
/// the SDK's chunks.
#[test]
fn recordings_decode_to_what_the_sdk_made_of_them() {
    let Some(folder) = wire_folder() else { return };
    let (mut decoded, mut compared) = (0, 0);
    let mut unknown: BTreeMap<String, usize> = BTreeMap::new();
    let all = PROTOCOLS.iter().flat_map(|p| recordings(&folder, p));
    for (path, head) in all {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let body = fs::read(&path).unwrap();
        let events = decode(&DIALECT, &head, [body.as_slice()]);
        decoded += 1;
        for event in &events {
            if let Event::Unknown { kind, .. } = event {
                *unknown.entry(kind.clone()).or_default() += 1;
            }
        }
        let answer = answer(&events);
        let class = FAULTS
            .iter()
            .find(|(n, _)| *n == name)
            .map(|(_, class)| *class);
        if head.status == 200 {
            assert_eq!(answer.fault.as_ref().map(|f| f.class), class, "{name}");
        } else {
            assert!(answer.fault.is_some(), "{name}");
        }
        let text = String::from_utf8_lossy(&body);
        let mut went = signatures(&sent_back(&answer).to_string());
        went.retain(|signature| signature != "skip_thought_signature_validator");
        assert_eq!(went, signatures(&text), "{name}");
        if let Some(expected) = expected_of(&path) {
            assert_eq!(ours(&answer), theirs(name, &expected), "{name}");
            assert_usage(name, &answer, &expected["usage"]);
            compared += 1;
        }
    }
    println!("{decoded} recordings decoded, {compared} compared; unknown: {unknown:?}");
    assert!(decoded >= 79 && compared >= 60);
}

fn expected_of(path: &Path) -> Option<Value> {
    let text = fs::read_to_string(path.with_extension("expected.json")).ok()?;
    Some(serde_json::from_str(&text).unwrap())
}

fn ours(answer: &Answer) -> Value {
    let calls = answer.tool_calls.iter().map(|call| {
        let arguments: Value = serde_json::from_str(&call.arguments).unwrap();
        json!({"name": call.name, "arguments": arguments})
    });
    json!({
        "text": answer.text,
        "reasoning": answer.reasoning,
        "tool_calls": calls.collect::<Vec<_>>(),
        "finish_reason": answer.finish.as_ref().map(|f| &f.raw),
        "inline_data": answer.media.len(),
    })
}

fn theirs(name: &str, expected: &Value) -> Value {
    let mut calls: Vec<Value> = (expected["tool_calls"].as_array().unwrap().iter())
        .map(|call| json!({"name": call["name"], "arguments": call["arguments"]}))
        .collect();
    if name == "vercel_google_stream_no_args_tool_call" {
        // The SDK gives the pieces of streamed arguments as calls of their own; we put them together.
        calls = vec![json!({"name": "read_theme", "arguments": {}})];
        let ids = ["A", "B", "C"];
        calls.extend(ids.map(|id| json!({"name": "read_screen", "arguments": {"id": id}})));
    }
    // A blocked prompt is no candidate's end to the SDK; to us it is why the answer ended. The reason's
    // zero may be left out.
    let feedback = &expected["prompt_feedback"];
    let unnamed = json!("BLOCK_REASON_UNSPECIFIED");
    let blocked = match &feedback["blockReason"] {
        Value::Null if !feedback["blockReasonMessage"].is_null() => &unnamed,
        reason => reason,
    };
    let finish = &expected["finish_reason"];
    json!({
        "text": expected["text"],
        "reasoning": expected["reasoning"],
        "tool_calls": calls,
        "finish_reason": if finish.is_null() { blocked } else { finish },
        "inline_data": expected["inline_data"].as_u64().unwrap_or(0),
    })
}

fn assert_usage(name: &str, answer: &Answer, stated: &Value) {
    let count = |field: &str| stated[field].as_u64();
    let sum = |a: Option<u64>, b: Option<u64>| match (a, b) {
        (None, None) => None,
        (a, b) => Some(a.unwrap_or(0) + b.unwrap_or(0)),
    };
    let usage = answer.usage.unwrap_or_default();
    let input = sum(count("promptTokenCount"), count("toolUsePromptTokenCount"));
    let generated = sum(count("candidatesTokenCount"), count("thoughtsTokenCount"));
    assert_eq!(usage.input, input, "{name}");
    assert_eq!(usage.reasoning, count("thoughtsTokenCount"), "{name}");
    assert_eq!(usage.cached, count("cachedContentTokenCount"), "{name}");
    assert_eq!(usage.total, count("totalTokenCount"), "{name}");
    assert_eq!(usage.generated(), generated, "{name}");
    if let Some(output) = count("candidatesTokenCount") {
        assert_eq!(usage.output, Some(output), "{name}");
    }
}

// --- odd bodies -------------------------------------------------------------------------------------

#[test]
fn deep_and_odd_bodies_are_faults_of_their_kind() {
    let deep = "[".repeat(100_000);
    let closed = format!("{deep}\"a\"{}", "]".repeat(100_000));
    for body in [
        format!("data: {{\"candidates\":{deep}\n\n"),
        format!("data: {{\"candidates\":[],\"x\":{closed}}}\n\n"),
        format!("data: {{\"candidates\":[{{\"content\":{{\"parts\":{closed}}}}}]}}\n\n"),
        format!("data: {{\"usageMetadata\":{{\"x\":{closed}}}}}\n\n"),
        format!("data: {closed}\n\n"),
        "data: {\"candidates\":{}}\n\n".into(),
        "data: 3\n\n".into(),
        "data: {\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":3}]}}]}\n\n".into(),
        "{\"choices\":[{\"message\":{\"content\":\"a\"}}]}".into(),
        "<p>Sign in".into(),
        String::new(),
    ] {
        let answer = answer(&decode(&DIALECT, &head(200), [body.as_bytes()]));
        let fault = answer.fault.unwrap_or_else(|| panic!("{body:.80}"));
        assert_eq!(fault.class, FaultClass::Protocol, "{body:.80} {fault}");
        assert!(fault.message.chars().count() < 500);
    }
    let bare =
        "data: {\"code\":429,\"message\":\"Slow down\",\"status\":\"RESOURCE_EXHAUSTED\"}\n\n";
    let answer = answer(&decode(&DIALECT, &head(200), [bare.as_bytes()]));
    let fault = answer.fault.unwrap();
    assert_eq!(
        (fault.class, &*fault.message),
        (FaultClass::RateLimited, "Slow down")
    );
}

/// Streams put together from whole and broken events.
fn streams() -> impl Strategy<Value = Vec<u8>> {
    let event = prop::sample::select(vec![
        r#"{"candidates":[{"content":{"parts":[{"text":"Zoë 中文"}]}}],"responseId":"x"}"#,
        r#"{"candidates":[{"content":{"parts":[{"text":"\ud83d"}]}}]}"#,
        r#"{"candidates":[{"content":{"parts":[{"text":"\ude00","thought":true}]}}]}"#,
        r#"{"candidates":[{"content":{"parts":[{"text":"s","thoughtSignature":"QQ=="}]}}]}"#,
        r#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","willContinue":true}}]}}]}"#,
        r#"{"candidates":[{"content":{"parts":[{"functionCall":{"partialArgs":[{"jsonPath":"$.a[3]","stringValue":"x"}],"willContinue":true}}]}}]}"#,
        r#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"g","args":[1]}}]}}]}"#,
        r#"{"candidates":[{"content":{"parts":[{"inlineData":{"data":"AA"}},{"x":{}}]},"finishReason":"STOP"}]}"#,
        r#"{"usageMetadata":{"promptTokenCount":3,"totalTokenCount":18446744073709551615}}"#,
        r#"{"promptFeedback":{"blockReason":"OTHER"}}"#,
        r#"{"error":{"message":"no","code":500}}"#,
        "[DONE]",
        "{broken",
        "[1,2]",
    ]);
    let frame = prop::sample::select(vec![
        ("data: ", "\n\n"),
        ("data:", "\r\n\r\n"),
        ("", ",\n"),
        ("[", "]"),
    ]);
    let raw = prop::collection::vec(any::<u8>(), 0..5);
    prop::collection::vec((event, frame, raw, 0_u8..20), 0..12).prop_map(|parts| {
        let mut bytes = Vec::new();
        for (event, (before, after), raw, dice) in parts {
            bytes.extend_from_slice(before.as_bytes());
            bytes.extend_from_slice(event.as_bytes());
            if dice == 0 {
                bytes.extend_from_slice(&raw);
            }
            bytes.extend_from_slice(after.as_bytes());
        }
        bytes
    })
}

proptest! {
    #[test]
    fn any_split_gives_the_same_events(
        bytes in streams(),
        lengths in prop::collection::vec(0_usize..200, 0..40),
        status in prop::sample::select(vec![200_u16, 200, 200, 429]),
    ) {
        let whole = decode(&DIALECT, &head(status), [bytes.as_slice()]);
        prop_assert_eq!(&decode(&DIALECT, &head(status), pieces(&bytes, &lengths)), &whole);
        prop_assert_eq!(&decode(&DIALECT, &head(status), bytes.chunks(1)), &whole);
        let sent = sent_back(&answer(&whole));
        prop_assert!(sent["contents"].is_array());
    }
}

// --- requests ---------------------------------------------------------------------------------------

fn request(json: Value) -> ChatRequest {
    serde_json::from_value(json).unwrap()
}

/// Vertex AI refuses a request that has an id in it, be it one of the Gemini API or of another provider.
#[test]
fn ids_of_calls_do_not_go_to_vertex() {
    let asked = request(json!({"messages": [
        {"role": "assistant", "parts": [
            {"type": "tool_call", "id": "c1", "name": "f", "arguments": "{\"id\":1}"},
            {"type": "tool_call", "id": "c2", "name": "f", "arguments": "{\"id\":2}"}]},
        {"role": "tool", "parts": [
            {"type": "tool_result", "id": "c2", "name": "", "content": "{\"id\":2}"},
            {"type": "tool_result", "id": "c1", "name": "", "content": "{\"id\":1}"}]}]}));
    let sent_to = |base: &str| {
        let endpoint = Endpoint::custom("e", base.parse().unwrap(), DialectId::Gemini);
        raw_body(&endpoint, &asked)["contents"].to_string()
    };
    let vertex = json!([
        {"role": "model", "parts": [
            {"functionCall": {"name": "f", "args": {"id": 1}}},
            {"functionCall": {"name": "f", "args": {"id": 2}}}]},
        {"role": "user", "parts": [
            {"functionResponse": {"name": "f", "response": {"id": 1}}},
            {"functionResponse": {"name": "f", "response": {"id": 2}}}]},
    ]);
    for base in [
        "https://l-aiplatform.googleapis.com/v1/projects/p/locations/l",
        "https://aiplatform.googleapis.com/v1",
        "http://gateway/vertex/v1/projects/p/locations/l",
    ] {
        assert_eq!(sent_to(base), vertex.to_string(), "{base}");
    }
    let gemini = sent_to("https://generativelanguage.googleapis.com/v1beta");
    assert_eq!(gemini.matches(r#""id":"c1""#).count(), 2, "{gemini}");
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn requests_are_written_as_google_documents_them() {
    let user = json!({"role": "user", "parts": [{"type": "text", "text": "hi"}]});
    let hi = json!({"role": "user", "parts": [{"text": "hi"}]});
    let call = |id: &str, arguments: &str| json!({"type": "tool_call", "id": id, "name": "f", "arguments": arguments});
    let signature = |by: &str| json!({"type": "signature", "dialect": by, "value": "c2ln"});
    let table = [
        (
            "nothing that was not asked for",
            json!({"model": "m", "system": "", "messages": [user]}),
            json!({"contents": [hi]}),
        ),
        (
            "all settings",
            json!({"model": "gemini-2.5-flash", "system": "be brief", "messages": [user],
                "params": {"temperature": 0.5, "top_p": 0.9, "max_tokens": 7, "seed": -1, "stop": ["END"],
                    "reasoning_effort": "low", "extra": {"generationConfig": {"seed": null, "topK": 40}, "labels": {"a": "b"}},
                    "response_format": {"type": "json_schema", "name": "s", "schema": {"type": "string"}, "strict": true}},
                "tools": [{"name": "f", "description": "does f", "parameters": {"type": "object"}}, {"name": "g", "parameters": {}}]}),
            json!({
                "systemInstruction": {"parts": [{"text": "be brief"}]},
                "contents": [hi],
                "tools": [{"functionDeclarations": [
                    {"name": "f", "description": "does f", "parametersJsonSchema": {"type": "object"}},
                    {"name": "g", "parametersJsonSchema": {}},
                ]}],
                "generationConfig": {"temperature": 0.5, "topP": 0.9, "maxOutputTokens": 7, "stopSequences": ["END"],
                    "responseMimeType": "application/json", "responseJsonSchema": {"type": "string"},
                    "thinkingConfig": {"thinkingBudget": 1024, "includeThoughts": true}, "topK": 40},
                "labels": {"a": "b"},
            }),
        ),
        (
            "any JSON object; a level for Gemini 3",
            json!({"model": "models/gemini-3-pro", "messages": [user],
                "params": {"reasoning_effort": "high", "response_format": {"type": "json_object"}}}),
            json!({"contents": [hi], "generationConfig": {"responseMimeType": "application/json",
                "thinkingConfig": {"thinkingLevel": "high", "includeThoughts": true}}}),
        ),
        (
            "files, named or carried",
            json!({"messages": [{"role": "user", "parts": [
                {"type": "media", "mime": "image/png", "data": "AQID", "name": "secret.png"},
                {"type": "media", "mime": "video/mp4", "data": "", "uri": "gs://b/v.mp4"},
                {"type": "media", "mime": "", "data": "", "uri": "https://youtu.be/x"},
                {"type": "text", "text": ""},
            ]}]}),
            json!({"contents": [{"role": "user", "parts": [
                {"inlineData": {"mimeType": "image/png", "data": "AQID"}},
                {"fileData": {"mimeType": "video/mp4", "fileUri": "gs://b/v.mp4"}},
                {"fileData": {"fileUri": "https://youtu.be/x"}},
            ]}]}),
        ),
        (
            "turns of one speaker are joined, results stand alone, odd arguments are kept",
            json!({"model": "gemini-2.5-pro", "messages": [user, user,
                {"role": "assistant", "parts": []},
                {"role": "assistant", "parts": [{"type": "text", "text": "calling"}, call("c1", ""), call("", "[1]")]},
                {"role": "user", "parts": [
                    {"type": "text", "text": "and?"},
                    {"type": "tool_result", "id": "c1", "name": "", "content": "[1]"},
                    {"type": "tool_result", "id": "", "name": "f", "content": "{\"a\":1}"}]},
                {"role": "assistant", "parts": [{"type": "text", "text": "done"}]}, 
                {"role": "user", "parts": []}]}),
            json!({"contents": [
                {"role": "user", "parts": [{"text": "hi"}, {"text": "hi"}]},
                {"role": "model", "parts": [{"text": "calling"},
                    {"functionCall": {"id": "c1", "name": "f", "args": {}}},
                    {"functionCall": {"name": "f", "args": {"arguments": "[1]"}}}]},
                {"role": "user", "parts": [
                    {"functionResponse": {"id": "c1", "name": "f", "response": {"result": "[1]"}}},
                    {"functionResponse": {"name": "f", "response": {"a": 1}}}]},
                {"role": "user", "parts": [{"text": "and?"}]},
                {"role": "model", "parts": [{"text": "done"}]},
                {"role": "user", "parts": [{"text": ""}]},
            ]}),
        ),
        (
            "what another dialect signed or hid stays here; Gemini 3 is told that a call is unsigned",
            json!({"model": "gemini-3-flash", "messages": [user,
                {"role": "assistant", "parts": [
                    {"type": "reasoning", "text": "Hm"}, signature("anthropic"),
                    {"type": "opaque", "dialect": "anthropic", "kind": "redacted_thinking", "raw": "{}"},
                    call("c1", "{}"), call("c2", "{}")]},
                {"role": "tool", "parts": [{"type": "tool_result", "id": "c1", "name": "f", "content": "1"}]},
                {"role": "assistant", "parts": [
                    {"type": "reasoning", "text": "Hm"}, signature("gemini"), call("c3", "{}"), signature("gemini"),
                    {"type": "opaque", "dialect": "gemini", "kind": "toolCall", "raw": "{\"toolCall\":{\"id\":\"x\"}}"},
                    {"type": "opaque", "dialect": "gemini", "kind": "toolCall", "raw": "broken"}]}]}),
            json!({"contents": [
                hi,
                {"role": "model", "parts": [
                    {"functionCall": {"id": "c1", "name": "f", "args": {}}, "thoughtSignature": "skip_thought_signature_validator"},
                    {"functionCall": {"id": "c2", "name": "f", "args": {}}}]},
                {"role": "user", "parts": [{"functionResponse": {"id": "c1", "name": "f", "response": {"result": "1"}}}]},
                {"role": "model", "parts": [
                    {"text": "Hm", "thought": true, "thoughtSignature": "c2ln"},
                    {"functionCall": {"id": "c3", "name": "f", "args": {}}, "thoughtSignature": "c2ln"},
                    {"toolCall": {"id": "x"}}]},
            ]}),
        ),
    ];
    for (case, asked, expected) in table {
        let written = (DIALECT.encode)(&request(asked));
        assert_eq!(written.to_string(), expected.to_string(), "{case}");
    }
}

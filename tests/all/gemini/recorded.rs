//! Recordings of the real provider, against what Google's SDK made of them.

use super::*;

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

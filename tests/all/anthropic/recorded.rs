//! Recordings of the real provider, against what its official SDK made of them.

use super::*;

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
        AnswerPieceKind::Text { .. } => "text",
        AnswerPieceKind::Reasoning { .. } => "thinking",
        AnswerPieceKind::ToolCall { .. } => "tool_use",
        AnswerPieceKind::Media { .. } => "media",
        AnswerPieceKind::Opaque { name, .. } => name,
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

//! Cases 17 to 19: token counts.

use serde_json::{Value, json};
use tokenscope::dialect::DialectId::{Anthropic, Gemini, Ollama, OpenaiChat, OpenaiResponses};

use super::rig::{Reply, question, question_with, through};

/// An answer of two chunks, each with the counts so far.
fn counted() -> Reply {
    let chunk = |text: &str, counts: Value, finish: Option<&str>| {
        json!({ "candidates": [{ "content": { "parts": [{ "text": text }] },
            "finishReason": finish }], "usageMetadata": counts,
            "modelVersion": "gemini-2.5-flash" })
    };
    Reply::events(&[
        chunk(
            "a",
            json!({ "promptTokenCount": 100, "cachedContentTokenCount": 40,
            "thoughtsTokenCount": 30, "candidatesTokenCount": 1, "totalTokenCount": 131 }),
            None,
        ),
        chunk(
            "b",
            json!({ "promptTokenCount": 100, "cachedContentTokenCount": 40,
            "thoughtsTokenCount": 30, "candidatesTokenCount": 5, "totalTokenCount": 135 }),
            Some("STOP"),
        ),
    ])
}

pub async fn once_and_last() {
    for (more, wanted) in [
        (json!({ "stream_options": { "include_usage": true } }), 1),
        (json!({}), 0),
    ] {
        let body = question_with(OpenaiChat, "gemini-2.5-flash", more);
        let (said, _) = through(OpenaiChat, true, body, Gemini, counted()).await;
        let events = said.events();
        let counts = events.iter().filter(|event| event["usage"].is_object());
        assert_eq!(counts.count(), wanted, "{}", said.text);
        if wanted == 1 {
            let last = events.last().unwrap();
            assert_eq!(
                (&last["choices"], &last["usage"]["completion_tokens"]),
                (&json!([]), &json!(35))
            );
        }
        assert!(said.text.ends_with("data: [DONE]\n\n"), "{}", said.text);
    }
}

pub async fn thoughts_and_cache() {
    let chat = json!({ "prompt_tokens": 100, "completion_tokens": 35, "total_tokens": 135,
        "prompt_tokens_details": { "cached_tokens": 40 },
        "completion_tokens_details": { "reasoning_tokens": 30 } });
    let responses = json!({ "input_tokens": 100, "output_tokens": 35, "total_tokens": 135,
        "input_tokens_details": { "cached_tokens": 40 },
        "output_tokens_details": { "reasoning_tokens": 30 } });
    // Anthropic counts what came from the cache apart.
    let anthropic = json!({ "input_tokens": 60, "cache_read_input_tokens": 40, "output_tokens": 35,
        "output_tokens_details": { "thinking_tokens": 30 } });
    for (inbound, at, expected) in [
        (OpenaiChat, "/usage", chat),
        (OpenaiResponses, "/usage", responses),
        (Anthropic, "/usage", anthropic),
        (Ollama, "/eval_count", json!(35)),
    ] {
        let body = question(inbound, "gemini-2.5-flash");
        let (said, _) = through(inbound, false, body, Gemini, counted()).await;
        let json = said.json();
        assert_eq!(json.pointer(at), Some(&expected), "{inbound}: {json}");
    }
}

pub async fn cumulative() {
    let reply = |start: Value, end: Value| {
        Reply::events(&[
            json!({ "type": "message_start", "message": { "id": "m", "role": "assistant",
                "model": "claude-sonnet-5", "content": [], "usage": start } }),
            json!({ "type": "content_block_start", "index": 0,
                "content_block": { "type": "text", "text": "" } }),
            json!({ "type": "content_block_delta", "index": 0,
                "delta": { "type": "text_delta", "text": "Hi" } }),
            json!({ "type": "content_block_stop", "index": 0 }),
            json!({ "type": "message_delta", "delta": { "stop_reason": "end_turn" },
                "usage": { "output_tokens": 9 } }),
            json!({ "type": "message_delta", "delta": { "stop_reason": "end_turn" },
                "usage": end }),
            json!({ "type": "message_stop" }),
        ])
    };
    let all = json!({ "input_tokens": 5, "cache_read_input_tokens": 5, "output_tokens": 20 });
    for (start, end) in [
        (
            json!({ "input_tokens": 5, "cache_read_input_tokens": 5, "output_tokens": 1 }),
            json!({ "output_tokens": 20 }),
        ),
        (all.clone(), all.clone()),
        (json!(null), all),
    ] {
        let body = question(OpenaiChat, "claude-sonnet-5");
        let (said, _) = through(OpenaiChat, false, body, Anthropic, reply(start, end)).await;
        let usage = &said.json()["usage"];
        let counts =
            ["prompt_tokens", "completion_tokens", "total_tokens"].map(|name| usage[name].clone());
        assert_eq!(counts, [10, 20, 30].map(Value::from), "{usage}");
    }
}

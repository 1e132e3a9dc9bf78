//! The `anthropic` dialect: our fixtures cut anywhere, and what is odd in a stream.

mod recorded;
mod requests;
mod sent_back;

use std::{collections::BTreeMap, fs};

use proptest::prelude::*;
use serde_json::{Value, json};
use tokenscope::{
    body::ResponseHead,
    chat::{CacheLife, ChatRequest, Media, Message, Part, ResponseFormat, Role, Tool, ToolCall},
    dialect::{DIALECTS, anthropic::DIALECT},
    event::{Answer, AnswerPieceKind, Event, FaultClass, Finish, FinishReason},
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

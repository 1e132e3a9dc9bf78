//! The `gemini` dialect: our fixtures cut anywhere, and what is odd in a body.

mod recorded;
mod requests;
mod sent_back;

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
/// on behind their answer's end. Neither can one behind thoughts whose counts add up: Google leaves the reason out where
/// thoughts are all of an answer.
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
        let finish = clean.cut.finish.as_ref();
        let is_thought = finish.is_some_and(|f| f.raw == "FINISH_REASON_UNSPECIFIED");
        let early = EARLY.contains(&clean.name) || (is_thought && clean.cut.text.is_empty());
        assert!(early && on_border && finish.is_some(), "{}", clean.case());
    });
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

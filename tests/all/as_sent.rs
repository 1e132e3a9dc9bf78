//! Streams and errors as servers really send them: each row is one input of a kind that people reported, for every
//! dialect that can meet it. `dialects.rs` cuts our fixtures at every byte; these rows are cut in small pieces.

pub mod everywhere;
mod rows;

use std::{collections::HashSet, fs, path::Path};

use serde_json::Value;
use tokenscope::{
    body::ResponseHead,
    dialect::DialectId,
    event::{Answer, FaultClass as C},
};

use crate::{
    dialects::{answer, decode, head},
    sse::wire_folder,
};

fn read(dialect: &str, status: u16, body: &str) -> Answer {
    let dialect = DialectId::parse(dialect).unwrap().dialect();
    let whole = decode(dialect, &head(status), [body.as_bytes()]);
    let pieces = decode(dialect, &head(status), body.as_bytes().chunks(7));
    assert_eq!(pieces, whole, "{body}");
    answer(&whole)
}

/// A chat chunk with one choice.
fn chat(choice: &str) -> String {
    format!("data: {{\"id\":\"a\",\"choices\":[{choice}]}}\n\n")
}

/// What a row must come to: the text, and the fault's class with a piece of its message.
struct Row {
    kind: &'static str,
    dialect: &'static str,
    status: u16,
    body: String,
    text: &'static str,
    fault: Option<(C, &'static str)>,
}

fn row(kind: &'static str, dialect: &'static str, body: impl Into<String>) -> Row {
    Row {
        kind,
        dialect,
        status: 200,
        body: body.into(),
        text: "",
        fault: None,
    }
}

impl Row {
    fn says(self, text: &'static str) -> Self {
        Self { text, ..self }
    }

    fn fails(self, class: C, message: &'static str) -> Self {
        let fault = Some((class, message));
        Self { fault, ..self }
    }

    fn status(self, status: u16) -> Self {
        Self { status, ..self }
    }
}

const JSON_DIALECTS: [&str; 5] = [
    "openai-chat",
    "openai-responses",
    "anthropic",
    "gemini",
    "ollama",
];

#[test]
fn each_kind_is_read_as_it_was_meant() {
    let rows = [
        rows::business_errors(),
        rows::error_bodies(),
        rows::stream_errors(),
        rows::streams(),
        everywhere::errors(),
        everywhere::errors_inside(),
        everywhere::streams(),
        everywhere::ends(),
    ];
    for row in rows.into_iter().flatten() {
        let answer = read(row.dialect, row.status, &row.body);
        let case = format!("{} in {}: {}\n{answer:?}", row.kind, row.dialect, row.body);
        assert_eq!(answer.text, row.text, "{case}");
        match (&answer.fault, row.fault) {
            (None, None) => {}
            (Some(fault), Some((class, says))) => {
                assert_eq!(fault.class, class, "{case}");
                assert!(fault.message.contains(says), "{case}");
            }
            _ => panic!("{case}"),
        }
    }
}

/// Calls go back by their ids, which some servers leave out, or leave empty.
#[test]
fn calls_without_ids_get_distinct_ones_in_every_dialect_that_needs_them() {
    for (dialect, body) in everywhere::calls_without_ids() {
        let answer = read(dialect, 200, &body);
        let ids: HashSet<_> = answer.tool_calls.iter().map(|call| &call.id).collect();
        assert!(
            ids.len() == 2 && ids.iter().all(|id| !id.is_empty()),
            "{dialect}: {body}\n{answer:?}"
        );
        assert_eq!(answer.fault, None, "{dialect}: {body}");
    }
}

/// Items that the client must answer are calls, streamed or not.
#[test]
fn items_that_are_to_be_answered_are_calls() {
    for body in everywhere::items_to_answer() {
        let answer = read("openai-responses", 200, &body);
        assert_eq!((answer.tool_calls.len(), answer.fault), (1, None), "{body}");
    }
}

/// What stands beside an error's message is kept, whatever it is called.
#[test]
fn what_stands_beside_an_errors_message_is_kept() {
    for dialect in JSON_DIALECTS {
        let body = r#"{"error":{"message":"No","type":"odd_error","param":"top_k","hint":{"max":3},"code":null},"request_id":"req_9"}"#;
        let fault = read(dialect, 400, body).fault.unwrap();
        let details: Value = serde_json::from_str(&fault.details.unwrap()).unwrap();
        let expected =
            serde_json::json!({"request_id": "req_9", "param": "top_k", "hint": {"max": 3}});
        assert_eq!(details, expected, "{dialect}");
        assert_eq!(fault.code.as_deref(), Some("odd_error"));
    }
}

/// Counts are read however they are written; what is no count is blank, and noted.
#[test]
fn counts_are_read_or_blank_in_every_dialect() {
    type Body = (&'static str, fn(&str) -> String);
    let bodies: [Body; 5] = [
        ("openai-chat", |n| {
            format!(
                r#"{{"choices":[{{"message":{{"content":"x"}},"finish_reason":"stop"}}],"usage":{{"prompt_tokens":{n}}}}}"#
            )
        }),
        ("openai-responses", |n| {
            format!(
                r#"{{"id":"r","status":"completed","output":[],"usage":{{"input_tokens":{n}}}}}"#
            )
        }),
        ("anthropic", |n| {
            format!(
                r#"{{"type":"message","role":"assistant","content":[],"stop_reason":"end_turn","usage":{{"input_tokens":{n}}}}}"#
            )
        }),
        ("gemini", |n| {
            format!(
                r#"{{"candidates":[{{"content":{{"parts":[{{"text":"x"}}]}},"finishReason":"STOP"}}],"usageMetadata":{{"promptTokenCount":{n}}}}}"#
            )
        }),
        ("ollama", |n| {
            format!(
                "{{\"message\":{{\"content\":\"x\"}},\"done\":true,\"prompt_eval_count\":{n}}}\n"
            )
        }),
    ];
    for (dialect, body) in bodies {
        for (written, expected) in [
            ("21", Some(21)),
            ("21.0", Some(21)),
            ("\"21\"", Some(21)),
            ("-1", None),
            ("1.5", None),
            ("\"many\"", None),
        ] {
            let answer = read(dialect, 200, &body(written));
            let input = answer.usage.and_then(|usage| usage.input);
            assert_eq!(input, expected, "{dialect} {written}");
            let noted = answer
                .notes
                .iter()
                .any(|(note, _)| note.text.contains("not a whole number"));
            assert_eq!(
                noted,
                expected.is_none(),
                "{dialect} {written}: {:?}",
                answer.notes
            );
        }
    }
}

/// The shared inputs, where they are: each line says what the closing line must hold.
#[test]
fn the_reported_inputs_come_to_what_they_meant() {
    let Some(folder) = wire_folder() else { return };
    let cases = folder.parent().map(|parent| parent.join("cases"));
    let Some(cases) = cases.filter(|cases| cases.join("expect.jsonl").is_file()) else {
        println!("skipped: no folder “cases” beside {}", folder.display());
        return;
    };
    let lines = fs::read_to_string(cases.join("expect.jsonl")).unwrap();
    for line in lines.lines() {
        check(&cases, &serde_json::from_str(line).unwrap());
    }
}

fn check(cases: &Path, expected: &Value) {
    let text = |name: &str| expected[name].as_str();
    let file = text("file").unwrap();
    let body = fs::read(cases.join(file)).unwrap();
    let dialect = DialectId::parse(text("dialect").unwrap())
        .unwrap()
        .dialect();
    let head = ResponseHead {
        status: expected["status"]
            .as_u64()
            .map_or(200, |status| u16::try_from(status).unwrap()),
        ..ResponseHead::default()
    };
    let answer = answer(&decode(dialect, &head, [body.as_slice()]));
    let case = format!("{file}: {answer:?}");
    assert_eq!(
        answer.fault.is_some(),
        text("outcome") == Some("fault"),
        "{case}"
    );
    for (name, said) in [("text", &answer.text), ("reasoning", &answer.reasoning)] {
        assert_eq!(text(name).unwrap_or(said), said, "{case}");
    }
    let usage = answer.usage.unwrap_or_default();
    for (name, count) in [("input", usage.input), ("output", usage.output)] {
        let stated = expected[name].as_u64();
        assert_eq!(stated.or(count), count, "{case}");
    }
    if let Some(calls) = expected["calls"].as_u64() {
        assert_eq!(answer.tool_calls.len() as u64, calls, "{case}");
    }
    if expected["distinct_ids"] == true {
        let ids: HashSet<_> = answer.tool_calls.iter().map(|call| &call.id).collect();
        assert!(
            ids.len() == answer.tool_calls.len() && ids.iter().all(|id| !id.is_empty()),
            "{case}"
        );
    }
    if let Some(class) = text("finish_class") {
        assert_eq!(
            answer.finish.as_ref().unwrap().reason.as_str(),
            class,
            "{case}"
        );
    }
    if let Some(unwanted) = text("text_has_not") {
        assert!(!answer.text.contains(unwanted), "{case}");
    }
    let Some(fault) = &answer.fault else { return };
    assert_eq!(
        text("class").unwrap_or(fault.class.as_str()),
        fault.class.as_str(),
        "{case}"
    );
    assert_ne!(text("class_not"), Some(fault.class.as_str()), "{case}");
    assert_eq!(
        text("code").or(fault.code.as_deref()),
        fault.code.as_deref(),
        "{case}"
    );
    let list = |name: &str| expected[name].as_array().cloned().unwrap_or_default();
    for piece in list("says") {
        assert!(fault.message.contains(piece.as_str().unwrap()), "{case}");
    }
    for piece in list("says_not") {
        assert!(!fault.message.contains(piece.as_str().unwrap()), "{case}");
    }
}

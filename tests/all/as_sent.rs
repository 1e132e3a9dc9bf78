//! Streams and errors as servers really send them: each row is one input of a kind that people reported, for every
//! dialect that can meet it. `dialects.rs` cuts our fixtures at every byte; these rows are cut in small pieces.

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

/// Errors that come with 200 and as plain JSON, in every dialect alike.
fn business_errors() -> Vec<Row> {
    let bodies = [
        (r#"{"code":500,"msg":"No luck","success":false}"#, "No luck"),
        (
            r#"{"status":"449","msg":"Over the limit","body":null}"#,
            "Over the limit",
        ),
        (
            r#"{"error_code":17,"error_msg":"Daily limit"}"#,
            "Daily limit",
        ),
        (
            r#"{"errors":[{"message":"First one"},{"message":"2"}]}"#,
            "First one",
        ),
        (r#"{"success":false,"data":null}"#, "success"),
        (r#"{"detail":"Not for you"}"#, "Not for you"),
    ];
    let all = JSON_DIALECTS.iter().flat_map(|dialect| {
        bodies.map(|(body, says)| row("business error", dialect, body).fails(C::Provider, says))
    });
    all.collect()
}

/// Error bodies whose sentence stands in an unusual place, in every dialect alike.
fn error_bodies() -> Vec<Row> {
    let bodies = [
        (
            404,
            r#"{"message":"Cannot POST /x","error":"Not Found","statusCode":404}"#,
            C::NotFound,
            "Cannot POST /x",
        ),
        (
            400,
            r#"{"error":"invalid_grant","error_description":"Token is old"}"#,
            C::BadRequest,
            "Token is old",
        ),
        (
            401,
            r#"{"detail":{"error":{"message":"Wrong key","code":"invalid_api_key"}}}"#,
            C::Auth,
            "Wrong key",
        ),
        (
            400,
            r#"{"error":{"error":{"message":"Inner words"}}}"#,
            C::BadRequest,
            "Inner words",
        ),
        (
            400,
            r#"{"error":{"message":"{\"error\":{\"message\":\"As text\"}}"}}"#,
            C::BadRequest,
            "As text",
        ),
        (
            500,
            r#"{"error":{"message":"Slow down","code":"429"}}"#,
            C::RateLimited,
            "Slow down",
        ),
        (
            500,
            r#"{"error":{"message":"Slow down","code":429}}"#,
            C::RateLimited,
            "Slow down",
        ),
        (
            400,
            r#"{"message":["a is missing","b is odd"],"error":"Bad Request"}"#,
            C::BadRequest,
            "a is missing; b is odd",
        ),
        (
            429,
            r#"{"error":{"message":"Provider error","metadata":{"raw":"{\"error\":{\"message\":\"Queue full\"}}","provider_name":"Acme"}}}"#,
            C::RateLimited,
            "Provider error: Queue full (Acme)",
        ),
    ];
    let all = JSON_DIALECTS.iter().flat_map(|dialect| {
        bodies.map(|(status, body, class, says)| {
            row("error body", dialect, body)
                .status(status)
                .fails(class, says)
        })
    });
    all.collect()
}

/// Errors inside of a stream.
fn stream_errors() -> Vec<Row> {
    let part = chat(r#"{"index":0,"delta":{"content":"Part"}}"#);
    let field = r#"error: {"code":500,"message":"out of context","type":"server_error"}"#;
    let choice = chat(
        r#"{"index":0,"delta":{},"finish_reason":"error","error":{"code":502,"message":"Upstream died"}}"#,
    );
    let plain = r#"{"choices":[{"index":0,"message":{"content":"Part"},"error":{"message":"Upstream died"}}]}"#;
    vec![
        row("error field", "openai-chat", format!("{part}{field}\n\n"))
            .says("Part")
            .fails(C::Provider, "out of context"),
        row(
            "error field",
            "openai-chat",
            format!("{part}{field}\n\ndata: [DONE]\n\n"),
        )
        .says("Part")
        .fails(C::Provider, "out of context"),
        row("error field first", "openai-chat", format!("{field}\n\n"))
            .fails(C::Provider, "out of context"),
        row("error field", "anthropic", format!("{field}\n\n"))
            .fails(C::Provider, "out of context"),
        row(
            "error field in words",
            "openai-responses",
            "error: no such luck\n\n",
        )
        .fails(C::Provider, "no such luck"),
        row(
            "error in a choice",
            "openai-chat",
            format!("{part}{choice}data: [DONE]\n\n"),
        )
        .says("Part")
        .fails(C::Provider, "Upstream died"),
        row("error in a choice", "openai-chat", plain)
            .says("Part")
            .fails(C::Provider, "Upstream died"),
    ]
}

fn streams() -> Vec<Row> {
    let hi = r#"{"index":0,"delta":{"content":"Hi"}}"#;
    let end = chat(r#"{"index":0,"delta":{},"finish_reason":"stop"}"#) + "data: [DONE]\n\n";
    let gemini = |text: &str, rest: &str| {
        format!(r#"{{"candidates":[{{"content":{{"parts":[{{"text":"{text}"}}]}}{rest}}}]}}"#)
    };
    let message = r#"{"type":"message","id":"m","role":"assistant","content":[{"type":"text","text":"Hi"}],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":1}}"#;
    let response = r#"{"type":"response.completed","response":{"id":"r","status":"completed","output":[{"type":"message","content":[{"type":"output_text","text":"Hi"}]}]}}"#;
    vec![
        row("null", "openai-chat", format!("{}data: null\n\n{end}", chat(hi))).says("Hi"),
        row("null", "anthropic", format!("data: null\n\ndata: {message}\n\n")).says("Hi"),
        row("null", "openai-responses", format!("data: null\n\ndata: {response}\n\n")).says("Hi"),
        row("null", "gemini", format!("data: null\n\ndata: {}\n\n", gemini("Hi", r#","finishReason":"STOP""#))).says("Hi"),
        row("comment as data", "openai-chat", format!("data: : OPENROUTER PROCESSING\n\n{}{end}", chat(hi))).says("Hi"),
        row("one line end", "openai-chat", format!("{}{end}", chat(hi)).replace("\n\n", "\n")).says("Hi"),
        row("one line end", "gemini", format!("data: {}\ndata: {}\n", gemini("Hi", ""), gemini(" you", r#","finishReason":"STOP""#))).says("Hi you"),
        row("one line end", "anthropic", format!("event: ping\ndata: {{\"type\":\"ping\"}}\nevent: message\ndata: {message}\n")).says("Hi"),
        row("finish null", "openai-chat", chat(r#"{"index":0,"delta":{"content":"Hi"},"finish_reason":"null"}"#)).says("Hi").fails(C::Interrupted, "without a finish reason"),
        row("finish null", "gemini", format!("data: {}\n\n", gemini("Hi", r#","finishReason":"null""#))).says("Hi").fails(C::Interrupted, "without a finish reason"),
        row("finish null", "ollama", "{\"message\":{\"content\":\"Hi\"},\"done_reason\":\"null\"}\n").says("Hi").fails(C::Interrupted, "without a last line"),
        row("no switch", "ollama", "{\"message\":{\"content\":\"Hi\"},\"done_reason\":\"stop\"}\n").says("Hi"),
        row("split emoji", "ollama", "{\"message\":{\"content\":\"\\ud83d\"}}\n{\"message\":{\"content\":\"\\udc69\"},\"done\":true}\n").says("👩"),
        row("split emoji", "openai-chat", format!("{}{}{end}", chat(r#"{"delta":{"content":"\ud83d"}}"#), chat(r#"{"delta":{"content":"\udc69"}}"#))).says("👩"),
        row("renumbered", "openai-chat", format!("{}{}{end}", chat(hi), chat(r#"{"index":7,"delta":{"content":" you"}}"#))).says("Hi you"),
        row("whole message as an event", "openai-chat", r#"data: {"choices":[{"message":{"content":"Hi"}}]}"#.to_owned() + "\n\n").says("Hi"),
        row("unary without a reason", "openai-chat", r#"{"choices":[{"message":{"content":"Hi"}}]}"#).says("Hi"),
        row("unary without a reason", "gemini", gemini("Hi", "")).says("Hi"),
        row("response.done", "openai-responses", format!("data: {}\n\n", response.replace("response.completed", "response.done"))).says("Hi"),
        row("behind the end", "anthropic", format!("data: {message}\n\ndata: {{\"type\":\"content_block_start\",\"index\":1,\"content_block\":{{\"type\":\"text\",\"text\":\"more\"}}}}\n\n")).says("Hi"),
        row("behind the end", "openai-responses", format!("data: {response}\n\ndata: {{\"type\":\"response.output_text.delta\",\"delta\":\"more\"}}\n\n")).says("Hi"),
        row("behind the end", "openai-chat", format!("{}{end}{}", chat(hi), chat(hi))).says("Hi"),
    ]
}

#[test]
fn each_kind_is_read_as_it_was_meant() {
    let rows = [
        business_errors(),
        error_bodies(),
        stream_errors(),
        streams(),
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
                .any(|(note, _)| note.text.contains("no whole number"));
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

//! Cases 8 to 13 and 32: why an answer ended.

use serde_json::{Value, json};
use tokenscope::dialect::DialectId::{
    self, Anthropic, Gemini, Ollama, OpenaiChat, OpenaiResponses,
};

use super::rig::{Reply, Said, gemini, question, through};

const GEMINI_3: &str = "gemini-3-pro-preview";
/// A client of Gemini's gets the bytes of its own protocol's target as they are.
const ALL: [DialectId; 4] = [OpenaiChat, OpenaiResponses, Anthropic, Ollama];

/// Every reason to end that a client was told.
fn reasons(inbound: DialectId, said: &Said, stream: bool) -> Vec<String> {
    assert_eq!(said.status, 200, "{}", said.text);
    let events = if stream {
        said.events()
    } else {
        vec![said.json()]
    };
    let places: &[&str] = match inbound {
        OpenaiChat => &["/choices/0/finish_reason"],
        OpenaiResponses => &[
            "/response/incomplete_details/reason",
            "/incomplete_details/reason",
            "/response/status",
            "/status",
        ],
        Anthropic => &["/delta/stop_reason", "/stop_reason"],
        Ollama => &["/done_reason"],
        other => panic!("{other}"),
    };
    let of = |event: &Value| {
        let mut stated = places
            .iter()
            .filter_map(|place| event.pointer(place)?.as_str());
        stated.next().map(str::to_owned)
    };
    let reasons = events.iter().filter_map(of);
    reasons.filter(|reason| reason != "in_progress").collect()
}

async fn told(inbound: DialectId, stream: bool, reply: Reply) -> (Said, Vec<String>) {
    let (said, _) = through(inbound, stream, question(inbound, GEMINI_3), Gemini, reply).await;
    let reasons = reasons(inbound, &said, stream);
    (said, reasons)
}

fn chunk(candidate: Value) -> Value {
    json!({ "candidates": Value::from(vec![candidate]), "modelVersion": GEMINI_3, "responseId": "r" })
}

/// Asserts what each protocol's client is told, in a stream and in one piece.
async fn assert_told(reply: Reply, expected: [(DialectId, &str); 4]) {
    for (inbound, word) in expected {
        for stream in [true, false] {
            let (said, reasons) = told(inbound, stream, reply.clone()).await;
            assert_eq!(
                reasons,
                [word],
                "{inbound}, streamed: {stream}: {}",
                said.text
            );
        }
    }
}

const FOR_CALLS: [(DialectId, &str); 4] = [
    (OpenaiChat, "tool_calls"),
    (OpenaiResponses, "completed"),
    (Anthropic, "tool_use"),
    (Ollama, "stop"),
];
const WELL: [(DialectId, &str); 4] = [
    (OpenaiChat, "stop"),
    (OpenaiResponses, "completed"),
    (Anthropic, "end_turn"),
    (Ollama, "stop"),
];

fn call() -> Value {
    json!({ "functionCall": { "name": "f", "args": {} } })
}

pub async fn calls_before_the_reason() {
    let after = Reply::events(&[
        chunk(json!({ "content": { "parts": [call()] } })),
        chunk(json!({ "content": { "parts": [{ "text": "" }] }, "finishReason": "STOP" })),
    ]);
    assert_told(after, FOR_CALLS).await;
    let before = Reply::events(&[
        chunk(json!({ "content": { "parts": [{ "text": "" }] }, "finishReason": "STOP" })),
        chunk(json!({ "content": { "parts": [call()] }, "finishReason": "STOP" })),
    ]);
    assert_told(before, FOR_CALLS).await;
}

pub async fn told_once() {
    let reply = Reply::events(&[
        chunk(json!({ "content": { "parts": [{ "text": "" }] }, "finishReason": "STOP" })),
        chunk(json!({ "content": { "parts": [{ "text": "a" }] }, "finishReason": "STOP" })),
        chunk(json!({ "content": { "parts": [{ "text": "b" }] }, "finishReason": "STOP" })),
        // The last one has no parts at all.
        chunk(json!({ "finishReason": "MAX_TOKENS" })),
    ]);
    let expected = [
        (OpenaiChat, "length"),
        (OpenaiResponses, "max_output_tokens"),
        (Anthropic, "max_tokens"),
        (Ollama, "length"),
    ];
    assert_told(reply.clone(), expected).await;
    let (said, _) = told(OpenaiChat, true, reply).await;
    let events = said.events();
    let ends = events
        .iter()
        .position(|event| event["choices"][0]["finish_reason"].is_string());
    assert_eq!(ends, Some(events.len() - 1), "{}", said.text);
    assert!(said.text.ends_with("data: [DONE]\n\n"));
}

pub async fn thoughts_alone() {
    let thought = json!({ "content": { "parts": [{ "text": "Hm", "thought": true }] } });
    let mut last = chunk(json!({ "content": { "parts": [{ "text": ".", "thought": true }] } }));
    last["usageMetadata"] =
        json!({ "promptTokenCount": 7, "thoughtsTokenCount": 9, "totalTokenCount": 16 });
    assert_told(Reply::events(&[chunk(thought.clone()), last]), WELL).await;
    // Without balanced counts it broke off.
    for inbound in ALL {
        let reply = Reply::events(&[chunk(thought.clone())]);
        let (said, _) = through(inbound, false, question(inbound, GEMINI_3), Gemini, reply).await;
        assert!(said.status >= 500, "{inbound}: {}", said.text);
    }
}

pub async fn in_one_piece() {
    let reply = gemini(&[json!([{ "text": "Hi" }])]);
    for (inbound, word) in WELL {
        let (_, reasons) = told(inbound, false, reply.clone()).await;
        assert_eq!(reasons, [word], "{inbound}");
    }
}

pub async fn filters() {
    // Ollama has no word for it.
    let expected = || {
        [
            (OpenaiChat, "content_filter"),
            (OpenaiResponses, "content_filter"),
            (Anthropic, "refusal"),
            (Ollama, "stop"),
        ]
    };
    for word in [
        "SAFETY",
        "BLOCKLIST",
        "PROHIBITED_CONTENT",
        "SPII",
        "IMAGE_SAFETY",
        "RECITATION",
    ] {
        let reply = Reply::events(&[
            chunk(json!({ "content": { "parts": [{ "text": "a" }] } })),
            chunk(json!({ "finishReason": word })),
        ]);
        assert_told(reply, expected()).await;
    }
    for word in ["SAFETY", "BLOCKLIST", "PROHIBITED_CONTENT", "OTHER"] {
        let blocked = json!({ "promptFeedback": { "blockReason": word }, "modelVersion": GEMINI_3,
            "usageMetadata": { "promptTokenCount": 7, "totalTokenCount": 7 } });
        assert_told(Reply::events(&[blocked]), expected()).await;
    }
}

pub async fn malformed_call() {
    let word = "MALFORMED_FUNCTION_CALL";
    let reply = Reply::events(&[chunk(json!({ "content": {}, "finishReason": word,
        "finishMessage": "Malformed function call: print(f())" }))]);
    assert_told(reply, ALL.map(|inbound| (inbound, word))).await;
}

pub async fn text_and_calls() {
    let reply = gemini(&[
        json!([{ "text": "I look." }]),
        json!([call()]),
        json!([{ "text": "" }]),
    ]);
    assert_told(reply, FOR_CALLS).await;
    let (said, _) = through(
        OpenaiChat,
        false,
        question(OpenaiChat, "claude-sonnet-5"),
        Anthropic,
        super::rig::anthropic(
            &[
                json!({ "type": "text", "text": "I look." }),
                json!({ "type": "tool_use", "id": "t", "name": "f", "input": {} }),
            ],
            "tool_use",
        ),
    )
    .await;
    assert_eq!(reasons(OpenaiChat, &said, false), ["tool_calls"]);
}

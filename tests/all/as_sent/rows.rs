//! The rows: one input of each kind.

use tokenscope::event::FaultClass as C;

use super::{JSON_DIALECTS, Row, chat, row};

/// Errors that come with 200 and as plain JSON, in every dialect alike.
pub(super) fn business_errors() -> Vec<Row> {
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
pub(super) fn error_bodies() -> Vec<Row> {
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
pub(super) fn stream_errors() -> Vec<Row> {
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

/// Streams in an unusual form.
pub(super) fn streams() -> Vec<Row> {
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
        row("comments", "ollama", "{\"message\":{\"content\":\"Hi\"}}\n: PROCESSING\n{\"message\":{\"content\":\"!\"},\"done\":true,\"done_reason\":\"stop\"}\n").says("Hi!"),
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

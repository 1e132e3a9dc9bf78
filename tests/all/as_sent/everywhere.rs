//! Kinds that every dialect can meet, in each of them: its usual stream with something odd put in.

use serde_json::{Value, json};
use tokenscope::event::FaultClass as C;

use super::{JSON_DIALECTS, Row, row};

/// One object of a stream, as its dialect divides them.
pub fn line(dialect: &str, json: &str) -> String {
    if dialect == "ollama" {
        format!("{json}\n")
    } else {
        format!("data: {json}\n\n")
    }
}

pub fn lines(dialect: &str, all: &[Value]) -> String {
    all.iter()
        .map(|one| line(dialect, &one.to_string()))
        .collect()
}

/// A piece of the answer.
pub fn piece(dialect: &str, text: &str) -> Value {
    match dialect {
        "openai-chat" => json!({"id": "a", "choices": [{"index": 0, "delta": {"content": text}}]}),
        "openai-responses" => {
            json!({"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": text})
        }
        "anthropic" => {
            json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}})
        }
        "gemini" => json!({"candidates": [{"content": {"parts": [{"text": text}]}}]}),
        _ => json!({"message": {"role": "assistant", "content": text}, "done": false}),
    }
}

pub fn begin(dialect: &str) -> String {
    let all = match dialect {
        "anthropic" => vec![
            json!({"type": "message_start", "message": {"id": "m", "role": "assistant", "content": []}}),
            json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        ],
        _ => vec![],
    };
    lines(dialect, &all)
}

pub fn end(dialect: &str) -> String {
    let all = match dialect {
        "openai-chat" => {
            vec![json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})]
        }
        "openai-responses" => vec![
            json!({"type": "response.completed", "response": {"id": "r", "status": "completed", "output": []}}),
        ],
        "anthropic" => vec![
            json!({"type": "content_block_stop", "index": 0}),
            json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}}),
            json!({"type": "message_stop"}),
        ],
        "gemini" => vec![
            json!({"candidates": [{"content": {"parts": [{"text": ""}]}, "finishReason": "STOP"}]}),
        ],
        _ => vec![json!({"message": {"content": ""}, "done": true, "done_reason": "stop"})],
    };
    let done = if dialect == "openai-chat" {
        "data: [DONE]\n\n"
    } else {
        ""
    };
    lines(dialect, &all) + done
}

/// The beginning of an answer that says “Part”.
fn part(dialect: &str) -> String {
    begin(dialect) + &lines(dialect, &[piece(dialect, "Part")])
}

/// Errors inside a stream, alone and behind words.
pub(super) fn errors() -> Vec<Row> {
    const BODIES: &[(&str, &str)] = &[
        (r#"{"code":500,"msg":"No luck","success":false}"#, "No luck"),
        (
            r#"{"error":{"message":"Queue full","type":"server_error"}}"#,
            "Queue full",
        ),
        (r#"{"error":"Queue full"}"#, "Queue full"),
        (
            r#"{"error":"Server Error","message":"Out of luck"}"#,
            "Out of luck",
        ),
        (
            r#"{"error":{"message":"Provider error","metadata":{"raw":"{\"error\":{\"message\":\"Inner\"}}","provider_name":"Acme"}}}"#,
            "Provider error: Inner (Acme)",
        ),
        (r#"{"errors":[{"message":"First"}]}"#, "First"),
        (r#"{"detail":"Not for you"}"#, "Not for you"),
        (r#"{"success":false,"message":"Nope"}"#, "Nope"),
        (
            r#"{"object":"error","message":"Too long","code":40303}"#,
            "Too long",
        ),
        (
            r#"{"base_resp":{"status_code":1000,"status_msg":"Bad day"}}"#,
            "Bad day",
        ),
    ];
    let mut rows = Vec::new();
    for dialect in JSON_DIALECTS {
        for (body, says) in BODIES {
            let error = line(dialect, body);
            rows.push(row("error in a stream", dialect, &*error).fails(C::Provider, says));
            let behind = row("error behind words", dialect, part(dialect) + &error);
            rows.push(behind.says("Part").fails(C::Provider, says));
        }
        if dialect == "ollama" {
            continue;
        }
        for (error, says) in [
            (
                "error: {\"code\":500,\"message\":\"No room\"}\n\n",
                "No room",
            ),
            ("error: {\"code\":500,\"message\":\"No room\"}\n", "No room"),
            ("error: no luck\n\n", "no luck"),
            (
                "event: error\ndata: {\"message\":\"no luck\"}\n\n",
                "no luck",
            ),
            (
                "event: error\ndata: {\"error\":{\"message\":\"no luck\"}}\n\n",
                "no luck",
            ),
            ("event: error\ndata: no luck\n\n", "no luck"),
        ] {
            let behind = row("error field or event", dialect, part(dialect) + error);
            rows.push(behind.says("Part").fails(C::Provider, says));
        }
    }
    let titled = r#"{"message":"Cannot POST /x","error":"Not Found","statusCode":404}"#;
    for dialect in JSON_DIALECTS {
        let refused = row("refused as a stream", dialect, line(dialect, titled)).status(404);
        rows.push(refused.fails(C::NotFound, "Cannot POST /x"));
    }
    rows
}

/// Errors that stand inside of what looks like a piece of the answer.
pub(super) fn errors_inside() -> Vec<Row> {
    let died = json!({"message": "Upstream died"});
    let mut rows = Vec::new();
    for (dialect, last) in [
        (
            "openai-chat",
            json!({"choices": [{"index": 0, "delta": {"error": died}}]}),
        ),
        (
            "openai-chat",
            json!({"choices": [{"index": 0, "delta": {}, "error": "Upstream died"}]}),
        ),
        (
            "openai-responses",
            json!({"type": "response.completed", "response": {"status": "completed", "output": [], "error": died}}),
        ),
        (
            "openai-responses",
            json!({"type": "response.done", "response": {"status": "failed", "output": [], "error": died}}),
        ),
        (
            "anthropic",
            json!({"type": "message_delta", "delta": {"stop_reason": "error"}, "error": died}),
        ),
        (
            "gemini",
            json!({"candidates": [{"error": died, "finishReason": "OTHER"}]}),
        ),
        (
            "ollama",
            json!({"message": {"content": ""}, "done": true, "error": "Upstream died"}),
        ),
    ] {
        let body = part(dialect) + &lines(dialect, &[last]);
        let inside = row("error inside the answer", dialect, body);
        rows.push(inside.says("Part").fails(C::Provider, "Upstream died"));
    }
    rows
}

/// Streams with something between their pieces, or cut in the wrong places.
pub(super) fn streams() -> Vec<Row> {
    let mut rows = Vec::new();
    for dialect in JSON_DIALECTS {
        let said = |all: &[&str]| {
            let pieces: Vec<Value> = all.iter().map(|text| piece(dialect, text)).collect();
            begin(dialect) + &lines(dialect, &pieces) + &end(dialect)
        };
        let halves = said(&["x@A", "@By"])
            .replace("@A", "\\ud83d")
            .replace("@B", "\\udc69");
        rows.push(row("split emoji", dialect, halves).says("x👩y"));
        rows.push(
            row(
                "byte order mark",
                dialect,
                format!("\u{FEFF}{}", said(&["Hi"])),
            )
            .says("Hi"),
        );
        if dialect == "ollama" {
            let events = format!(
                "data: {}\n",
                said(&["Hi"]).trim_end().replace('\n', "\ndata: ")
            );
            rows.push(row("lines as undivided events", dialect, events).says("Hi"));
            continue;
        }
        let hi = said(&["Hi", " you"]);
        rows.push(row("one line end", dialect, hi.replace("\n\n", "\n")).says("Hi you"));
        rows.push(row("one line end", dialect, hi.replace("\n\n", "\r\n")).says("Hi you"));
        rows.push(row("no blank", dialect, hi.replace("data: ", "data:")).says("Hi you"));
        for nothing in [
            "null",
            ": comment",
            ":",
            "",
            "\"\"",
            "[]",
            "{}",
            "ping",
            "[PING]",
        ] {
            let nothing = format!("data: {nothing}\n\n");
            rows.push(row("keep-alive", dialect, nothing.clone() + &said(&["Hi"])).says("Hi"));
            let between = part(dialect) + &nothing + &end(dialect);
            rows.push(row("keep-alive between", dialect, between).says("Part"));
        }
    }
    rows
}

/// Numbers of choices that are none, ends that are none, and ends that are missing.
pub(super) fn ends() -> Vec<Row> {
    let mut rows = Vec::new();
    for numbers in [[1, 1, 1], [0, 1, 2], [5, 6, 7]] {
        let choice = |n: i32, rest: Value| json!({"choices": [{"index": n, "delta": {"content": "x"}, "finish_reason": rest}]});
        let all = [
            choice(numbers[0], Value::Null),
            choice(numbers[1], Value::Null),
            choice(numbers[2], json!("stop")),
        ];
        rows.push(
            row(
                "numbered pieces",
                "openai-chat",
                lines("openai-chat", &all) + "data: [DONE]\n\n",
            )
            .says("xxx"),
        );
        let candidate = |n: i32, rest: Value| json!({"candidates": [{"index": n, "content": {"parts": [{"text": "x"}]}, "finishReason": rest}]});
        let all = [
            candidate(numbers[0], Value::Null),
            candidate(numbers[1], Value::Null),
            candidate(numbers[2], json!("STOP")),
        ];
        rows.push(row("numbered pieces", "gemini", lines("gemini", &all)).says("xxx"));
    }
    for word in ["null", "None", ""] {
        let delta = json!({"type": "message_delta", "delta": {"stop_reason": word}});
        let going = part("anthropic")
            + &lines("anthropic", &[delta, piece("anthropic", " two")])
            + &end("anthropic");
        rows.push(row("no stop reason yet", "anthropic", going).says("Part two"));
        let line = json!({"message": {"content": "Part"}, "done": false, "done_reason": word});
        let going = lines("ollama", &[line, piece("ollama", " two")]) + &end("ollama");
        rows.push(row("no done reason yet", "ollama", going).says("Part two"));
    }
    for done in [json!(true), json!("true"), json!(1), Value::Null] {
        let line = json!({"message": {"content": "Hi"}, "done": done, "done_reason": "stop"});
        rows.push(row("last line", "ollama", lines("ollama", &[line])).says("Hi"));
    }
    let text = json!([{"type": "text", "text": "Hi"}]);
    let output = json!([{"type": "message", "content": [{"type": "output_text", "text": "Hi"}]}]);
    rows.push(
        row(
            "unary without a reason",
            "anthropic",
            json!({"type": "message", "role": "assistant", "content": text, "stop_reason": null})
                .to_string(),
        )
        .says("Hi"),
    );
    rows.push(
        row(
            "unary without a status",
            "openai-responses",
            json!({"id": "r", "output": output}).to_string(),
        )
        .says("Hi"),
    );
    let behind = part("ollama") + &end("ollama") + &lines("ollama", &[piece("ollama", "more")]);
    rows.push(row("behind the end", "ollama", behind).says("Part"));
    rows
}

/// Two calls without ids.
pub(super) fn calls_without_ids() -> Vec<(&'static str, String)> {
    let mut all = Vec::new();
    for id in [None, Some(""), Some("null")] {
        let with = |mut call: Value, name: &str| {
            if let Some(id) = id {
                call[name] = if id == "null" { Value::Null } else { json!(id) };
            }
            call
        };
        let chat = |index: i32| {
            with(
                json!({"index": index, "function": {"name": "f", "arguments": "{}"}}),
                "id",
            )
        };
        let deltas = json!({"choices": [{"delta": {"tool_calls": [chat(0), chat(1)]}, "finish_reason": "tool_calls"}]});
        all.push((
            "openai-chat",
            line("openai-chat", &deltas.to_string()) + "data: [DONE]\n\n",
        ));
        let whole = json!({"choices": [{"message": {"tool_calls": [chat(0), chat(1)]}, "finish_reason": "tool_calls"}]});
        all.push(("openai-chat", whole.to_string()));
        let block = || with(json!({"type": "tool_use", "name": "f", "input": {}}), "id");
        let message = json!({"type": "message", "role": "assistant", "content": [block(), block()], "stop_reason": "tool_use"});
        all.push(("anthropic", message.to_string()));
        let item = || {
            with(
                json!({"type": "function_call", "name": "f", "arguments": "{}"}),
                "call_id",
            )
        };
        let response = json!({"id": "r", "status": "completed", "output": [item(), item()]});
        all.push(("openai-responses", response.to_string()));
        let call = || with(json!({"function": {"name": "f", "arguments": {}}}), "id");
        let line = json!({"message": {"content": "", "tool_calls": [call(), call()]}, "done": true, "done_reason": "stop"});
        all.push(("ollama", format!("{line}\n")));
    }
    all
}

/// Items of the Responses API that wait for the client, streamed with their pieces and whole.
pub(super) fn items_to_answer() -> Vec<String> {
    let mut all = Vec::new();
    for (kind, own, delta) in [
        (
            "function_call",
            json!({"name": "f", "arguments": ""}),
            "response.function_call_arguments.delta",
        ),
        (
            "custom_tool_call",
            json!({"name": "f", "input": ""}),
            "response.custom_tool_call_input.delta",
        ),
        ("shell_call", json!({"action": {"commands": ["ls"]}}), ""),
        (
            "local_shell_call",
            json!({"action": {"type": "exec", "command": ["ls"]}}),
            "",
        ),
        (
            "apply_patch_call",
            json!({"operation": {"type": "delete_file", "path": "a"}}),
            "",
        ),
        (
            "computer_call",
            json!({"action": {"type": "screenshot"}}),
            "",
        ),
    ] {
        let mut item = json!({"type": kind, "id": "i", "call_id": "c", "status": "completed"});
        item.as_object_mut()
            .unwrap()
            .extend(own.as_object().unwrap().clone());
        let response = json!({"id": "r", "status": "completed", "output": [item]});
        all.push(response.to_string());
        let mut events =
            vec![json!({"type": "response.output_item.added", "output_index": 0, "item": item})];
        if !delta.is_empty() {
            events.push(json!({"type": delta, "output_index": 0, "item_id": "i", "delta": "{}"}));
        }
        events.push(json!({"type": "response.output_item.done", "output_index": 0, "item": item}));
        events.push(json!({"type": "response.completed", "response": response}));
        all.push(lines("openai-responses", &events));
    }
    all
}

//! Large answers: they take up at most twice their size, whatever they are and however they come.

use std::sync::OnceLock;

use super::{flood::JSON, *};

/// What an answer may take up beside twice its size, above what a short one takes up.
const BESIDE: usize = 38 << 20;
const SIZE: usize = 16 << 20;
/// Sixteen bytes of text, some of them escaped, and of base64.
const TEXT: &str = "0123456789abc\\nd";
const BASE64: &str = "QUJDREVGR0hJSktM";

/// One event, or one body, that holds something large between a begin and an end.
struct Large {
    name: &'static str,
    dialect: &'static str,
    head: &'static str,
    begin: &'static str,
    unit: &'static str,
    end: &'static str,
}

#[rustfmt::skip]
const CASES: &[Large] = &[
    Large { name: "text", dialect: "openai-chat", head: EVENTS, begin: "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"", unit: TEXT, end: "\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n" },
    Large { name: "plain body", dialect: "openai-chat", head: JSON, begin: "{\"choices\":[{\"index\":0,\"message\":{\"content\":\"", unit: TEXT, end: "\"},\"finish_reason\":\"stop\"}]}" },
    Large { name: "arguments", dialect: "openai-chat", head: EVENTS, begin: "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"c\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"a\\\":\\\"", unit: TEXT, end: "\\\"}\"}}]},\"finish_reason\":\"tool_calls\"}]}\n\ndata: [DONE]\n\n" },
    Large { name: "picture", dialect: "openai-chat", head: EVENTS, begin: "data: {\"choices\":[{\"index\":0,\"delta\":{\"images\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,", unit: BASE64, end: "\"}}]},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n" },
    Large { name: "text", dialect: "anthropic", head: EVENTS, begin: "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"", unit: TEXT, end: "\"}}\n\nevent: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n" },
    Large { name: "arguments", dialect: "anthropic", head: EVENTS, begin: "data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"tool_use\",\"id\":\"c\",\"name\":\"f\",\"input\":{}}}\n\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"a\\\":\\\"", unit: TEXT, end: "\\\"}\"}}\n\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\"}}\n\ndata: {\"type\":\"message_stop\"}\n\n" },
    Large { name: "text", dialect: "openai-responses", head: EVENTS, begin: "data: {\"type\":\"response.output_text.delta\",\"output_index\":0,\"content_index\":0,\"delta\":\"", unit: TEXT, end: "\"}\n\ndata: {\"type\":\"response.completed\",\"response\":{\"id\":\"r\",\"status\":\"completed\",\"output\":[]}}\n\n" },
    Large { name: "arguments", dialect: "openai-responses", head: EVENTS, begin: "data: {\"type\":\"response.function_call_arguments.delta\",\"output_index\":0,\"delta\":\"{\\\"a\\\":\\\"", unit: TEXT, end: "\\\"}\"}\n\ndata: {\"type\":\"response.completed\",\"response\":{\"id\":\"r\",\"status\":\"completed\",\"output\":[]}}\n\n" },
    Large { name: "text", dialect: "gemini", head: EVENTS, begin: "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"", unit: TEXT, end: "\"}]},\"finishReason\":\"STOP\"}]}\n\n" },
    Large { name: "picture", dialect: "gemini", head: EVENTS, begin: "data: {\"candidates\":[{\"content\":{\"parts\":[{\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"", unit: BASE64, end: "\"}}]},\"finishReason\":\"STOP\"}]}\n\n" },
    Large { name: "text", dialect: "ollama", head: LINES, begin: "{\"message\":{\"content\":\"", unit: TEXT, end: "\"},\"done\":true,\"done_reason\":\"stop\"}\n" },
    Large { name: "picture", dialect: "ollama", head: LINES, begin: "{\"message\":{\"content\":\"\",\"images\":[\"", unit: BASE64, end: "\"]},\"done\":true,\"done_reason\":\"stop\"}\n" },
];

/// What a short answer takes up.
pub(super) fn base() -> usize {
    static BASE: OnceLock<usize> = OnceLock::new();
    *BASE.get_or_init(|| ask(&Flood::new("ollama", "", 0), true).peak)
}

fn assert_twice(name: &str, flood: &Flood, size: usize, json: bool) -> Took {
    let took = ask(flood, json);
    let (above, disk) = (took.above(), took.disk);
    println!(
        "large {name} {} json={json}: {} MiB of {} above {}, disk {} KiB",
        flood.dialect,
        above >> 20,
        size >> 20,
        base() >> 20,
        disk >> 10
    );
    assert!(
        above < 2 * size + BESIDE,
        "{name} {}: {above} bytes of memory for {size}",
        flood.dialect
    );
    assert!(
        disk < size + DISK_ROOM,
        "{name} {}: {disk} bytes on disk for {size}",
        flood.dialect
    );
    took
}

/// One event may have 64 MiB.
#[test]
#[cfg(target_os = "linux")]
fn a_large_event_takes_at_most_twice_its_size() {
    for (case, json) in CASES.iter().zip([true, false].into_iter().cycle()) {
        let flood = Flood::json(case.dialect, case.begin, case.unit, SIZE / 16, case.end);
        let flood = flood.with_head(case.head);
        let took = assert_twice(case.name, &flood, SIZE, json);
        if json {
            ok(&took.run());
        } else {
            assert!(case.name == "picture" || took.out.len() > SIZE / 2);
        }
    }
}

/// In many events: the text is in the history, once.
#[test]
#[cfg(target_os = "linux")]
fn a_large_answer_takes_at_most_twice_its_size() {
    let piece = "0123456789abcdef".repeat(512);
    let unit = format!("{{\"message\":{{\"content\":\"{piece}\"}}}}\n");
    let unit: &'static str = Box::leak(unit.into_boxed_str());
    let times = (32 << 20) / piece.len() * scale();
    let size = piece.len() * times;
    let took = assert_twice("answer", &Flood::new("ollama", unit, times), size, true);
    let run = took.run();
    ok(&run);
    assert_eq!(run["text"].as_str().unwrap().len(), size + 3);
    assert!(took.disk > size, "{} bytes on disk", took.disk);
}

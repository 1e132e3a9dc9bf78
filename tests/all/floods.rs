//! Servers that say much with few bytes: the program's peak memory and its data folder stay within a budget.
//!
//! The real binary is asked, with its history, plain and with `--json`, in each dialect. Budgets are bytes: a
//! fixed room above a short answer's, beside what the answer's text needs.

mod flood;
#[cfg(feature = "grpc")]
mod grpc;
mod heads;
mod large;
mod matrix;
mod measured;

use serde_json::Value;

use self::{
    flood::{EVENTS, Flood, LINES, serve},
    measured::{Took, measured},
};
use crate::home::Home;

pub use self::flood::read_request;

/// Memory that any run may take up above what a short answer does, beside its text: so the size of the program's own
/// code does not count. 4 MiB of it are for what is kept of the wire.
const ROOM: usize = 32 << 20;
/// What the data folder may hold, beside twice what was sent.
const DISK_ROOM: usize = 4 << 20;

fn ask(flood: &Flood, json: bool) -> Took {
    let home = Home::new();
    let url = serve(flood.head, &flood.body(), flood.gzip);
    let mut arguments = vec![
        "chat",
        "--base-url",
        &url,
        "--dialect",
        flood.dialect,
        "-m",
        "m",
    ];
    arguments.extend(json.then_some("--json"));
    arguments.push("hi");
    measured(&home, &arguments)
}

/// What a case must hold to.
fn assert_bounded(name: &str, flood: &Flood, text: usize) -> Value {
    let sent = flood.body().len();
    let mut run = Value::Null;
    for json in [false, true] {
        let took = ask(flood, json);
        let (peak, disk) = (took.peak, took.disk);
        println!(
            "{name} {} json={json}: sent {sent}, peak {} MiB, disk {} KiB, said {}",
            flood.dialect,
            peak >> 20,
            disk >> 10,
            took.out.len()
        );
        assert!(peak > 0, "the process was looked at");
        assert!(
            took.above() < ROOM + 2 * text,
            "{name} {}: {peak} bytes of memory",
            flood.dialect
        );
        assert!(
            disk < DISK_ROOM + 2 * sent,
            "{name} {}: {disk} bytes on disk",
            flood.dialect
        );
        if json {
            run = took.run();
        }
    }
    run
}

/// By how much a case is made larger: the figures of a release build were taken with 20.
fn scale() -> usize {
    std::env::var("TOKENSCOPE_FLOOD").map_or(1, |times| times.parse().unwrap())
}

macro_rules! floods {
    ($($test:ident: $flood:expr, $check:expr;)+) => {
        $(
            #[test]
            #[cfg(target_os = "linux")]
            fn $test() {
                let flood: Flood = $flood;
                let check: fn(&Value) = $check;
                let run = assert_bounded(stringify!($test), &flood, 0);
                let said = run.to_string();
                assert!(said.len() < 32 << 20, "the line itself is bounded");
                check(&run);
            }
        )+
    };
}

fn ok(run: &Value) {
    assert_eq!(run["outcome"], "ok", "{}", run["fault"]);
}

fn stopped(run: &Value) {
    assert_eq!(run["fault"]["class"], "protocol", "{}", run["fault"]);
    let message = run["fault"]["message"].as_str().unwrap();
    assert!(
        message.contains("without a piece of the answer"),
        "{message}"
    );
}

fn more(run: &Value, what: &str) -> u64 {
    run["notes"][format!("more {what} than are kept")]
        .as_u64()
        .unwrap_or(0)
}

floods! {
    comments: Flood::new("openai-chat", ":\n", 80_000 * scale()), |run| {
        if scale() == 1 {
            ok(run);
            assert_eq!(run["keep_alives"], 80_000);
        }
    };
    zipped_comments: Flood::new("openai-chat", ":\n", 16 << 20).zipped(), stopped;
    pings: Flood::new("anthropic", "event: ping\ndata: {\"type\":\"ping\"}\n\n", 101_000 * scale()), stopped;
    // So many more than the limit that they fill more than one slice of what is decoded at a time.
    empty_data: Flood::new("gemini", "data:\n\n", 110_000 * scale()), stopped;
    blank_lines: Flood::new("ollama", "\n", 500_000 * scale()), ok;
    roles: Flood::new("openai-chat", "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\"}}]}\n\n", 50_000 * scale()), ok;
    unknown_events: Flood::new("openai-responses", "data: {\"type\":\"new.{n}\",\"text\":\"some\"}\n\n", 50_000 * scale()), |run| {
        ok(run);
        assert_eq!(run["unknown"], 64);
        assert_eq!(more(run, "unknown parts"), 50_000 * scale() as u64 - 64);
    };
    unknown_fields: Flood::new("gemini", "data: {\"odd{n}\":\"some text\",\"candidates\":[{}]}\n\n", 50_000 * scale()), |run| {
        ok(run);
        assert_eq!(run["unknown"], 64);
    };
    name_in_pieces: Flood::new("openai-chat", "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"name\":\"ab\"}}]}}]}\n\n", 20_000 * scale()), |run| {
        ok(run);
        let name = run["tool_calls"][0]["name"].as_str().unwrap();
        // A piece that begins as the name does is taken for the whole name.
        assert!(name.starts_with("ab"), "{name}");
    };
    name_in_new_pieces: Flood::new("openai-chat", "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"name\":\"{n}_\"}}]}}]}\n\n", 20_000 * scale()), |run| {
        ok(run);
        let name = run["tool_calls"][0]["name"].as_str().unwrap();
        assert!(name.starts_with("0_1_2_3_") && name.ends_with('_'), "{} bytes", name.len());
    };
    ids: Flood::new("openai-chat", "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"id{n}\",\"function\":{\"arguments\":\"1\"}}]}}]}\n\n", 20_000 * scale()), ok;
    arguments: Flood::new("openai-responses", "data: {\"type\":\"response.function_call_arguments.delta\",\"output_index\":0,\"delta\":\"1\"}\n\n", 20_000 * scale()), |run| {
        ok(run);
        let arguments = run["tool_calls"][0]["arguments"].as_str().unwrap();
        assert!(arguments.starts_with("1111"), "{} bytes", arguments.len());
    };
    calls: Flood::new("openai-chat", "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":{n},\"id\":\"i{n}\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]}}]}\n\n", 40_000 * scale()), |run| {
        ok(run);
        assert_eq!(run["tool_calls"].as_array().unwrap().len(), 10_000);
        assert_eq!(more(run, "tool calls"), 30_000 + 40_000 * (scale() as u64 - 1));
    };
    calls_in_one: Flood::json("ollama", "{\"message\":{\"tool_calls\":[", "{\"function\":{\"name\":\"f\"}},", 100_000, "{\"function\":{\"name\":\"f\"}}]},\"done\":true,\"done_reason\":\"stop\"}\n"), |run| {
        ok(run);
        assert_eq!(run["tool_calls"].as_array().unwrap().len(), 10_000);
        assert_eq!(more(run, "tool calls"), 90_001);
    };
    blocks: Flood::new("anthropic", "data: {\"type\":\"content_block_start\",\"index\":{n},\"content_block\":{\"type\":\"tool_use\",\"id\":\"t{n}\",\"name\":\"f\",\"input\":{}}}\n\n", 30_000 * scale()), |run| {
        assert_eq!(run["tool_calls"].as_array().unwrap().len(), 10_000);
    };
    choices: Flood::new("openai-chat", "data: {\"choices\":[{\"index\":{n},\"delta\":{\"content\":\"x\"}}]}\n\n", 50_000 * scale()), ok;
    candidates: Flood::json("gemini", "{\"candidates\":[", "{},", 130_000, "{\"content\":{\"parts\":[{\"text\":\"end\"}]},\"finishReason\":\"STOP\"}]}"), |run| assert_eq!(run["text"], "");
    citations: Flood::new("openai-chat", "data: {\"citations\":[\"https://example.com/{n}\"],\"choices\":[]}\n\n", 30_000 * scale()), |run| {
        ok(run);
        assert_eq!(run["citations"].as_array().unwrap().len(), 1_000);
    };
    cited_blocks: Flood::new("anthropic", "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"citations_delta\",\"citation\":{\"type\":\"web_search_result_location\",\"url\":\"https://example.com/{n}\",\"cited_text\":\"some text\"}}}\n\n", 30_000 * scale()), |run| {
        ok(run);
        assert_eq!(run["citations"].as_array().unwrap().len(), 1_000);
        assert_eq!(more(run, "citations"), 29_000 + 30_000 * (scale() as u64 - 1));
    };
    notes: Flood::new("anthropic", "data: {\"type\":\"message_delta\",\"delta\":{},\"note{n}\":\"text\",\"usage\":{\"output_tokens\":{n}}}\n\n", 30_000 * scale()), |_| {};
    counts_in_each: Flood::new("openai-chat", "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\"}}],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":{n}}}\n\n", 30_000 * scale()), ok;
    names_in_each: Flood::new("openai-responses", "data: {\"type\":\"response.in_progress\",\"response\":{\"id\":\"r{n}\",\"model\":\"m{n}\"}}\n\n", 30_000 * scale()), |run| {
        ok(run);
        assert!(more(run, "changes of its id, model or parameters") > 29_000);
    };
    text_and_thoughts: Flood::new("openai-chat", "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\",\"reasoning\":\"b\"}}]}\n\n", 60_000 * scale()), |run| {
        ok(run);
        assert_eq!(run["text"].as_str().unwrap().len(), 60_000 * scale() + 3);
        assert_eq!(run["reasoning"].as_str().unwrap().len(), 60_000 * scale());
    };
    small_pieces: Flood::new("ollama", "{\"message\":{\"content\":\"a\"}}\n", 100_000 * scale()), |run| {
        ok(run);
        assert_eq!(run["text"].as_str().unwrap().len(), 100_000 * scale() + 3);
    };
    items: Flood::new("anthropic", "data: {\"type\":\"content_block_start\",\"index\":{n},\"content_block\":{\"type\":\"web_search_tool_result\",\"content\":\"x\"}}\n\ndata: {\"type\":\"content_block_stop\",\"index\":{n}}\n\n", 20_000 * scale()), |run| {
        assert_eq!(run["items"].as_array().unwrap().len(), 10_000);
        assert_eq!(more(run, "items"), 10_000 + 20_000 * (scale() as u64 - 1));
    };
    line_without_end: Flood::json("ollama", "{\"message\":{\"content\":\"", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", 1 << 18, "").with_head(LINES), |run| assert_eq!(run["fault"]["class"], "interrupted");
    event_of_many_fields: Flood::json("openai-chat", "data: {", "\"\":1,", 800_000, "\"choices\":[]}\n\n").with_head(EVENTS), |run| assert_eq!(run["outcome"], "fault");
    event_of_numbers: Flood::json("openai-chat", "data: {\"usage\":[", "1,", 1_900_000, "1],\"odd\":[1],\"choices\":[]}\n\n").with_head(EVENTS), |run| assert_eq!(run["outcome"], "fault");
    body_of_empty_arrays: Flood::json("anthropic", "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[", "[],", 1_000_000, "[]],\"stop_reason\":\"end_turn\"}"), |_| {};
    body_of_depth: Flood::json("gemini", "{\"odd\":", "[", 4 << 20, ""), |run| assert_eq!(run["outcome"], "fault");
    body_that_fails: Flood::json("openai-chat", "{\"error\":{\"message\":\"no\",\"details\":[", "{},", 1_500_000, "{}]}}").with_head("HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\n"), |run| assert_eq!(run["fault"]["class"], "bad_request");
    page_that_fails: Flood::json("gemini", "<html>", "<p>no such page</p>\n", 350_000, "").with_head("HTTP/1.1 502 Bad Gateway\r\ncontent-type: text/html\r\n"), |run| assert_eq!(run["fault"]["class"], "provider");
}

/// A list of models is bounded as well.
#[test]
#[cfg(target_os = "linux")]
fn a_long_list_of_models_is_bounded() {
    let home = Home::new();
    let flood = Flood::json(
        "openai-chat",
        "{\"data\":[",
        "{\"id\":\"m{n}\"},",
        150_000,
        "{\"id\":\"last\"}]}",
    );
    for times in [20_000, 150_000] {
        let flood = Flood {
            times,
            ..flood.clone()
        };
        let url = serve(flood.head, &flood.body(), false);
        let took = measured(&home, &["models", "--base-url", &url, "--json"]);
        println!(
            "models {times}: peak {} MiB, said {}",
            took.peak >> 20,
            took.out.len()
        );
        assert!(took.above() < ROOM, "{} bytes of memory", took.peak);
        assert_eq!(
            took.out.len() > 100_000,
            times == 20_000,
            "what is too long is refused"
        );
    }
}

/// Reads of a byte each: figures, and no memory for each.
#[test]
#[cfg(target_os = "linux")]
fn reads_of_a_byte_take_up_nothing() {
    let mut body = Vec::new();
    let text = Flood::new(
        "openai-chat",
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n",
        2_000 * scale(),
    )
    .body();
    for byte in text {
        body.extend([b'1', b'\r', b'\n', byte, b'\r', b'\n']);
    }
    body.extend(b"0\r\n\r\n");
    let url = serve(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n",
        &body,
        false,
    );
    let home = Home::new();
    let took = measured(
        &home,
        &["chat", "--json", "--base-url", &url, "-m", "m", "hi"],
    );
    println!(
        "bytes: peak {} MiB, disk {} KiB",
        took.peak >> 20,
        took.disk >> 10
    );
    let run = took.run();
    ok(&run);
    assert_eq!(run["text"].as_str().unwrap().len(), 2_000 * scale() + 3);
    assert!(
        took.above() < ROOM && took.disk < DISK_ROOM,
        "{} bytes of memory",
        took.peak
    );
}

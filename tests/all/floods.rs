//! Servers that say much with few bytes: the program's peak memory and its data folder stay within a budget.
//!
//! The real binary is asked, with its history, plain and with `--json`, in each dialect. Budgets are bytes: a
//! fixed room above a short answer's, beside what the answer's text needs.

#[cfg(feature = "grpc")]
mod grpc;
mod heads;
mod large;
mod matrix;

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Stdio},
    sync::OnceLock,
    thread,
};

use flate2::{Compression, write::GzEncoder};
use serde_json::Value;

use crate::{deadline, home::Home};

/// Memory that any run may take up above what a short answer does, beside its text: so the size of the program's own
/// code does not count. 4 MiB of it are for what is kept of the wire.
const ROOM: usize = 32 << 20;
/// What the data folder may hold, beside twice what was sent.
const DISK_ROOM: usize = 4 << 20;

/// What a server sends: a unit many times, `{n}` in it a number that counts up, between a begin and an end.
#[derive(Clone)]
struct Flood {
    dialect: &'static str,
    head: &'static str,
    begin: String,
    unit: &'static str,
    times: usize,
    end: String,
    gzip: bool,
}

const EVENTS: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n";
const LINES: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\n";
const JSON: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";

impl Flood {
    fn new(dialect: &'static str, unit: &'static str, times: usize) -> Self {
        Self {
            dialect,
            head: if dialect == "ollama" { LINES } else { EVENTS },
            begin: begin(dialect).into(),
            unit,
            times,
            end: end(dialect).into(),
            gzip: false,
        }
    }

    /// One JSON body instead of a stream.
    fn json(
        dialect: &'static str,
        begin: &str,
        unit: &'static str,
        times: usize,
        end: &str,
    ) -> Self {
        Self {
            head: JSON,
            begin: begin.into(),
            end: end.into(),
            ..Self::new(dialect, unit, times)
        }
    }

    fn with_head(self, head: &'static str) -> Self {
        Self { head, ..self }
    }

    fn zipped(self) -> Self {
        Self { gzip: true, ..self }
    }

    fn body(&self) -> Vec<u8> {
        let mut body = self.begin.clone().into_bytes();
        for n in 0..self.times {
            if self.unit.contains("{n}") {
                body.extend(self.unit.replace("{n}", &n.to_string()).bytes());
            } else {
                body.extend(self.unit.bytes());
            }
        }
        body.extend(self.end.bytes());
        if !self.gzip {
            return body;
        }
        let mut packed = GzEncoder::new(Vec::new(), Compression::best());
        packed.write_all(&body).unwrap();
        packed.finish().unwrap()
    }
}

/// What an answer of a dialect begins with, before its pieces.
fn begin(dialect: &str) -> &'static str {
    match dialect {
        "anthropic" => concat!(
            "data: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"role\":\"assistant\",\"content\":[]}}\n\n",
            "data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
        ),
        _ => "",
    }
}

/// And how it ends well.
fn end(dialect: &str) -> &'static str {
    match dialect {
        "openai-chat" => {
            "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"end\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"
        }
        "openai-responses" => concat!(
            "data: {\"type\":\"response.output_text.delta\",\"output_index\":9999999,\"content_index\":0,\"delta\":\"end\"}\n\n",
            "data: {\"type\":\"response.completed\",\"response\":{\"id\":\"r\",\"status\":\"completed\",\"output\":[]}}\n\n",
        ),
        "anthropic" => concat!(
            "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"end\"}}\n\n",
            "data: {\"type\":\"content_block_stop\",\"index\":0}\n\n",
            "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"}}\n\n",
            "data: {\"type\":\"message_stop\"}\n\n",
        ),
        "gemini" => {
            "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"end\"}]},\"finishReason\":\"STOP\"}]}\n\n"
        }
        "ollama" => "{\"message\":{\"content\":\"end\"},\"done\":true,\"done_reason\":\"stop\"}\n",
        other => panic!("{other}"),
    }
}

/// Sends it to whoever asks, once.
fn serve(head: &str, body: Vec<u8>, gzip: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let coding = if gzip {
        "content-encoding: gzip\r\n"
    } else {
        ""
    };
    let head = format!("{head}{coding}connection: close\r\n\r\n");
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        read_request(&mut stream);
        // Who has read enough closes the connection.
        let _ = stream.write_all(head.as_bytes());
        let _ = stream.write_all(&body);
    });
    url
}

pub fn read_request(stream: &mut TcpStream) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let length = crate::fault_server::header(&head, "content-length");
    let length = length.map_or(0, |value| value.parse().unwrap());
    stream.read_exact(&mut vec![0; length]).unwrap();
}

/// What a program took up, and what it said.
struct Took {
    peak: usize,
    disk: usize,
    out: Vec<u8>,
}

impl Took {
    /// Its peak above that of a short answer.
    fn above(&self) -> usize {
        self.peak.saturating_sub(large::base())
    }

    /// The line that closes a run.
    fn run(&self) -> Value {
        let mut lines = self.out.split(|byte| *byte == b'\n').rev();
        let line = lines.find(|line| !line.is_empty()).unwrap_or_default();
        let run: Value = serde_json::from_slice(line).unwrap_or_else(|why| {
            panic!(
                "{why}: {}",
                String::from_utf8_lossy(&line[..line.len().min(500)])
            )
        });
        assert_eq!(run["type"], "run");
        run
    }
}

/// Runs a command to its end. Its peak is looked at while it runs: that of a process that has ended is gone,
/// and what `wait4` tells counts the memory of whoever started it.
fn measured(home: &Home, arguments: &[&str]) -> Took {
    let mut child = home
        .tokenscope(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let reader = thread::spawn(move || {
        let mut out = Vec::new();
        stdout.read_to_end(&mut out).unwrap();
        out
    });
    let peak = peak_of(&mut child);
    Took {
        peak,
        disk: size_of_folder(&home.paths().data),
        out: deadline::joined("its output", reader),
    }
}

fn peak_of(child: &mut Child) -> usize {
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    deadline::until("the program's end", || {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        peak = peak.max(peak_in(&text));
        child.try_wait().unwrap().ok_or(peak)
    });
    peak
}

/// The peak in a process's status, in bytes. While a child becomes the program it has the memory of whoever started
/// it, for a moment even after `spawn` has returned; its name changes last.
fn peak_in(status: &str) -> usize {
    if !status.starts_with("Name:\ttokenscope\n") {
        return 0;
    }
    let mut lines = status.lines();
    let peak = lines.find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = peak.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<usize>().ok());
    kilobytes.unwrap_or(0) << 10
}

#[test]
fn the_memory_of_who_starts_a_program_is_not_the_programs() {
    let status =
        |name: &str| format!("Name:\t{name}\nUmask:\t0022\nVmHWM:\t  888 kB\nThreads:\t1\n");
    assert_eq!(peak_in(&status("tokenscope")), 888 << 10);
    assert_eq!(peak_in(&status("floods::empty_d")), 0);
    assert_eq!(peak_in(""), 0);
}

fn size_of_folder(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let sizes = entries.map(|entry| match entry.metadata() {
        Ok(known) if known.is_dir() => size_of_folder(&entry.path()),
        Ok(known) => usize::try_from(known.len()).unwrap(),
        Err(_) => 0,
    });
    sizes.sum()
}

fn ask(flood: &Flood, json: bool) -> Took {
    let home = Home::new();
    let body = flood.body();
    let url = serve(flood.head, body, flood.gzip);
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
    empty_data: Flood::new("gemini", "data:\n\n", 101_000 * scale()), stopped;
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
        let url = serve(flood.head, flood.body(), false);
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
        body,
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

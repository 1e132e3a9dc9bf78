//! `tokenscope decode`, driven as a program.

use std::{
    io::{Read as _, Write as _},
    process::{Command, Output, Stdio},
};

use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};

use crate::deadline;

const STREAM: &[u8] = b": hi\n\n\
    data: {\"id\":\"r1\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n\
    data: {\"choices\":[{\"index\":0,\"delta\":{\"reasoning\":\"hm\"}}]}\n\n\
    data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\\u001b[31m\xC2\x9B\xE2\x80\xAE\"}}]}\n\n\
    data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"c\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},\"finish_reason\":\"tool_calls\"}]}\n\n\
    data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":5,\"total_tokens\":8}}\n\n\
    data: [DONE]\n\n";

fn decode(args: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_tokenscope"))
        .args(["decode", "--dialect", "openai-chat"])
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    // It may stop reading early, which is its right.
    let feeding = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = deadline::output(child);
    deadline::joined("its input", feeding);
    output
}

fn lines(output: &Output) -> Vec<Value> {
    let text = std::str::from_utf8(&output.stdout).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn it_prints_a_line_an_event_and_a_closing_line() {
    let output = decode(&[], STREAM);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(
        !output.stdout.iter().any(|b| *b < b' ' && *b != b'\n'),
        "raw control characters"
    );
    let text = std::str::from_utf8(&output.stdout).unwrap();
    assert!(text.contains(r"\u001b[31m\u009b\u202e") && !text.contains(['\u{9b}', '\u{202e}']));
    let lines = lines(&output);
    let kinds: Vec<_> = lines.iter().map(|l| l["type"].as_str().unwrap()).collect();
    let expected = [
        "keep_alive",
        "meta",
        "reasoning",
        "text",
        "tool_call",
        "finish",
        "usage",
        "done",
        "run",
    ];
    assert_eq!(kinds, expected);
    let run = lines.last().unwrap();
    for (field, value) in [
        ("outcome", json!("ok")),
        ("fault", json!(null)),
        ("text", json!("a\u{1b}[31m\u{9b}\u{202e}")),
        ("reasoning", json!("hm")),
        ("refusal", json!("")),
        (
            "tool_calls",
            json!([{"id": "c", "name": "f", "arguments": "{}"}]),
        ),
        ("finish", json!("tool_calls")),
        ("finish_class", json!("tool_calls")),
        (
            "usage",
            json!({"input": 3, "output": 5, "reasoning": null, "cached": null, "total": 8}),
        ),
        ("target", json!(null)),
        ("connection", json!(null)),
        ("dialect", json!("openai-chat")),
        ("status", json!(200)),
        ("model", json!("m")),
        ("response_id", json!("r1")),
        ("done", json!(true)),
        ("keep_alives", json!(1)),
        ("notes", json!({})),
        ("unknown", json!(0)),
    ] {
        assert_eq!(run[field], value, "{field}");
    }
}

#[test]
fn pieces_gzip_files_and_the_standard_input_give_the_same_lines() {
    let whole = decode(&[], STREAM).stdout;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("answer.sse.gz");
    std::fs::write(&file, gzipped(STREAM)).unwrap();
    assert_eq!(decode(&["--chunk", "1"], STREAM).stdout, whole);
    assert_eq!(
        decode(&["--chunk", "7", "-"], &gzipped(STREAM)).stdout,
        whole
    );
    assert_eq!(decode(&["--chunk", "100000000000"], STREAM).stdout, whole);
    assert_eq!(decode(&[file.to_str().unwrap()], b"").stdout, whole);
}

#[test]
fn a_body_with_a_fault_exits_with_1_and_keeps_its_text() {
    let cut = STREAM.len() - 200;
    let output = decode(&["--chunk", "3"], &STREAM[..cut]);
    assert_eq!(output.status.code(), Some(1));
    let run = lines(&output).pop().unwrap();
    assert_eq!(run["outcome"], "fault");
    assert_eq!(run["fault"]["class"], "interrupted");
    assert_eq!(run["fault"]["phase"], "stream");
    assert_eq!(run["reasoning"], "hm");

    let body = br#"{"error":{"message":"slow down","code":"rate_limit_exceeded"}}"#;
    let output = decode(
        &["--status", "429", "--content-type", "application/json"],
        body,
    );
    assert_eq!(output.status.code(), Some(1));
    let run = lines(&output).pop().unwrap();
    let fault = json!({
        "class": "rate_limited",
        "phase": "headers",
        "status": 429,
        "code": "rate_limit_exceeded",
        "message": "slow down",
        "retry_after_ms": null,
    });
    assert_eq!((&run["fault"], &run["status"]), (&fault, &json!(429)));
}

#[test]
fn damaged_gzip_says_so_and_keeps_what_was_unpacked() {
    let packed = gzipped(STREAM);
    for args in [&[][..], &["--chunk", "1000000"], &["--chunk", "1"]] {
        let output = decode(args, &packed[..packed.len() - 20]);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let run = lines(&output).pop().unwrap();
        let said = run["fault"]["message"].as_str().unwrap();
        assert!(said.starts_with("the gzip data is damaged after"), "{said}");
        assert_eq!(run["reasoning"], "hm", "{args:?}");
    }
    let output = decode(&[], &packed[..packed.len() - 4]);
    let run = lines(&output).pop().unwrap();
    assert_eq!(
        output.status.code(),
        Some(1),
        "only the checksum is missing"
    );
    assert_eq!(
        (&run["finish"], &run["done"]),
        (&json!("tool_calls"), &json!(true))
    );
}

#[test]
fn a_gzip_bomb_is_stopped() {
    let event =
        b": ................................................................\n".repeat(16_384);
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    for _ in 0..80 {
        encoder.write_all(&event).unwrap();
    }
    let output = decode(&["--chunk", "4000000"], &encoder.finish().unwrap());
    assert_eq!(output.status.code(), Some(1));
    let last = output.stdout.rsplit(|b| *b == b'\n').nth(1).unwrap();
    let run: Value = serde_json::from_slice(last).unwrap();
    assert_eq!(
        run["fault"]["message"],
        "the gzip data unpacks to more than 64 MiB"
    );
}

#[test]
fn wrong_arguments_and_unreadable_input_exit_with_2() {
    for (args, said) in [
        (&["/no/such/file"][..], "/no/such/file does not exist"),
        (&["/"], "/ is a folder, not a file"),
        (&["--chunk", "0"], "--chunk"),
        (&["--status", "ok"], "--status"),
    ] {
        let output = decode(args, b"");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {stderr}");
        assert!(stderr.contains(said), "{args:?}: {stderr}");
        assert!(output.stdout.is_empty());
    }
    let morse = ["decode", "--dialect", "morse"];
    let output = Command::new(env!("CARGO_BIN_EXE_tokenscope"))
        .args(morse)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("openai-chat"));
}

/// `tokenscope decode … | head -1`.
#[test]
fn a_reader_that_leaves_early_is_no_error() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_tokenscope"))
        .args(["decode", "--dialect", "openai-chat", "--chunk", "64"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let feeding = std::thread::spawn(move || {
        for _ in 0..100_000 {
            if stdin.write_all(b": keep-alive\n\n").is_err() {
                break;
            }
        }
    });
    let out = child.stdout.take().unwrap();
    let (out, first) = deadline::read("its first line", out, |out| {
        let mut first = [0; 22];
        out.read_exact(&mut first).map(|()| first)
    });
    assert_eq!(&first.unwrap(), b"{\"type\":\"keep_alive\"}\n");
    drop(out);
    let output = deadline::output(child);
    deadline::joined("its input", feeding);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
}

//! What is sent: bodies written by hand, and large files.

use std::io::Read as _;

use serde_json::Value;
use tokenscope::{dialect::DialectId, simulator};

use crate::{
    deadline,
    home::{Home, piped},
};

/// The arguments that ask a simulated model by each protocol.
fn targets() -> Vec<String> {
    let base = "http://127.0.0.1:1/v1".parse().unwrap();
    let endpoints = simulator::endpoints(&base).into_iter();
    endpoints.map(|e| format!("{}/sim-echo", e.id)).collect()
}

#[test]
fn a_printed_body_is_taken_back_and_sent_as_it_is() {
    let home = Home::new();
    let file = home.path().join("a.png");
    std::fs::write(&file, b"\x89PNG\r\n\x1a\n and so on").unwrap();
    let file = file.to_str().unwrap();
    for target in targets() {
        let asked = [
            "chat",
            "-t",
            &target,
            "-a",
            file,
            "--print-body",
            "Where is it?",
        ];
        let printed = home.run(&asked, "");
        assert_eq!(printed.code, Some(0), "{}", printed.err);
        let body: Value = serde_json::from_str(&printed.out).unwrap();
        assert!(body.is_object());
        assert!(
            printed.out.contains("{{file 1}}"),
            "{target}: {}",
            printed.out
        );

        let changed = printed.out.replace("Where is it?", "Where was it?");
        let sent = ["chat", "-t", &target, "-a", file, "--body", "-"];
        let answer = home.run(&sent, &changed);
        assert_eq!(answer.code, Some(0), "{target}: {}", answer.err);
        for part in ["Where was it?", "[image/png, 18 bytes]"] {
            assert!(answer.out.contains(part), "{target}: {}", answer.out);
        }
    }
}

#[test]
fn a_body_that_is_none_is_said() {
    let home = Home::new();
    for (body, said) in [
        ("[1]", "a body must be a JSON object"),
        ("{", "standard input is not JSON: EOF"),
    ] {
        let answer = home.run(&["chat", "-t", "simulator/sim-fast", "--body", "-"], body);
        assert_eq!(answer.code, Some(2), "{}", answer.err);
        assert!(answer.err.contains(said), "{}", answer.err);
    }
}

/// The most memory that a process has held so far, in bytes.
#[cfg(target_os = "linux")]
fn peak(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kib = line.unwrap().split_whitespace().nth(1).unwrap();
    kib.parse::<u64>().unwrap() << 10
}

/// A file is read, and shared from then on: its base64 is made while it is sent.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_large_file_is_not_held_thrice() {
    const SIZE: usize = 40 << 20;
    let simulator = simulator::start(0).await.unwrap();
    let home = Home::new();
    let file = home.path().join("large.png");
    let small = home.path().join("small.png");
    let mut image = b"\x89PNG\r\n\x1a\n".to_vec();
    std::fs::write(&small, &image).unwrap();
    image.resize(SIZE, 7);
    std::fs::write(&file, &image).unwrap();
    drop(image);
    for endpoint in simulator::endpoints(&simulator.base_url()) {
        let mut peaks = Vec::new();
        for file in [&small, &file] {
            let command = home.tokenscope([
                "chat",
                "--no-history",
                "--base-url",
                endpoint.base_url.as_str(),
                "--dialect",
                endpoint.dialect.as_str(),
                "-m",
                "sim-long",
                "-a",
                file.to_str().unwrap(),
                "Hello",
            ]);
            let mut child = piped(command);
            let out = child.stdout.take().unwrap();
            // By the first token all of the request is out.
            let (_out, first) =
                deadline::read("the first token", out, |out| out.read_exact(&mut [0]));
            first.unwrap();
            peaks.push(peak(child.id()));
            child.kill().unwrap();
            deadline::ended(&mut child);
        }
        let held = peaks[1].saturating_sub(peaks[0]);
        // gRPC's message is whole before it is sent.
        println!(
            "{}: {} MiB for a file of {}",
            endpoint.id,
            held >> 20,
            SIZE >> 20
        );
        let most = match endpoint.dialect {
            DialectId::VertexGrpc => SIZE as u64 * 5 / 2,
            _ => SIZE as u64 * 3 / 2,
        };
        assert!(held < most, "{}: {} MiB", endpoint.id, held >> 20);
    }
}

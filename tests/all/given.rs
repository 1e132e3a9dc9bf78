//! Files and pipes that people give to commands: what is read, however it is spelt, and what is refused.

use std::{fs, path::Path};

use serde_json::{Value, json};

use crate::{
    deadline,
    home::{Home, Ran},
};

/// A text as editors, shells and Windows PowerShell write it.
fn spellings(text: &str) -> Vec<(&'static str, Vec<u8>)> {
    let text = text.replace('\n', "\r\n");
    let marked = format!("\u{feff}{text}");
    let spelt =
        |text: &str, bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect();
    vec![
        ("UTF-8", text.as_bytes().to_vec()),
        ("UTF-8 with a mark", marked.as_bytes().to_vec()),
        ("UTF-16LE with a mark", spelt(&marked, u16::to_le_bytes)),
        ("UTF-16BE with a mark", spelt(&marked, u16::to_be_bytes)),
        ("UTF-16LE", spelt(&text, u16::to_le_bytes)),
        ("UTF-16BE", spelt(&text, u16::to_be_bytes)),
    ]
}

const TARGET: &[&str] = &["chat", "-t", "simulator/sim-fast", "--no-history"];

fn ask(home: &Home, more: &[&str]) -> Ran {
    home.run(&[TARGET, more].concat(), "")
}

fn file(home: &Home, name: &str, bytes: &[u8]) -> String {
    let path = home.path().join(name);
    fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn text_files_are_read_however_they_are_spelt() {
    let home = Home::new();
    let texts = [
        ("--body", "{\n  \"x\": \"é 你好\"\n}"),
        (
            "--tools",
            "[\n  {\"name\": \"t\", \"description\": \"é 你好\"}\n]",
        ),
        (
            "--schema",
            "{\n  \"type\": \"object\", \"description\": \"é 你好\"\n}",
        ),
        (
            "--session",
            "{\n  \"messages\": [], \"system\": \"é 你好\"\n}",
        ),
    ];
    for (argument, text) in texts {
        for (spelling, bytes) in spellings(text) {
            let given = file(&home, "given", &bytes);
            let more = [argument, &given, "--print-body", "Hi"];
            let more = if argument == "--body" {
                &more[..3]
            } else {
                &more
            };
            let ran = ask(&home, more);
            assert_eq!(ran.code, Some(0), "{argument}, {spelling}: {ran:?}");
            assert!(
                ran.json().to_string().contains("é 你好"),
                "{argument}, {spelling}: {ran:?}"
            );
        }
    }
    for (spelling, bytes) in spellings("18 °C\nis mild") {
        let attached = file(&home, "notes.txt", &bytes);
        let ran = ask(&home, &["--attach", &attached, "--print-body", "Hi"]);
        assert!(
            ran.out.contains("18 °C\\r\\nis mild"),
            "{spelling}: {ran:?}"
        );
    }
    for (spelling, bytes) in spellings(
        "[appearance]\ntheme = \"dark\"\n[endpoint.mine]\nlabel = \"é\"\nbase_url = \"http://127.0.0.1:1\"\n",
    ) {
        home.write_settings("");
        fs::write(home.settings(), bytes).unwrap();
        let ran = home.run(&["models"], "");
        assert!(
            ran.out.contains("mine  é  http://127.0.0.1:1/"),
            "{spelling}: {ran:?}"
        );
    }
}

#[test]
fn what_is_no_text_is_refused_with_its_place() {
    let home = Home::new();
    let given = file(&home, "given", b"{\n \"a\": \"\xe9\"}");
    for argument in ["--body", "--tools", "--schema", "--session"] {
        let more = [argument, &given, "Hi"];
        let ran = ask(
            &home,
            if argument == "--body" {
                &more[..2]
            } else {
                &more
            },
        );
        let said = "is not text: byte 9 (in line 2) is not UTF-8; save it as UTF-8";
        assert!(
            ran.code == Some(2) && ran.err.contains(said),
            "{argument}: {ran:?}"
        );
    }
}

fn asked_at(url: &str, home: &Home, more: &[&str]) -> Ran {
    let start = ["chat", "--no-history", "--base-url", url, "-m", "m", "Hi"];
    home.run(&[&start, more].concat(), "")
}

/// Runs a command with each way in which a file is given; gives the argument and what came.
fn with_each(home: &Home, given: &Path) -> Vec<(&'static str, Ran)> {
    let given = given.to_str().unwrap();
    let result = format!("@{given}");
    let called = json!({"messages": [
        {"role": "user", "parts": [{"type": "text", "text": "Hi"}]},
        {"role": "assistant", "parts": [{"type": "tool_call", "id": "1", "name": "t", "arguments": "{}"}]},
    ]});
    let session = file(home, "session.json", called.to_string().as_bytes());
    let asked = |more: &[&str]| ask(home, more);
    vec![
        ("--body", asked(&["--body", given])),
        ("--tools", asked(&["--tools", given, "Hi"])),
        ("--schema", asked(&["--schema", given, "Hi"])),
        ("--attach", asked(&["--attach", given, "Hi"])),
        (
            "--result",
            asked(&["--session", &session, "--result", &result]),
        ),
        (
            "decode",
            home.run(&["decode", "--dialect", "gemini", given], ""),
        ),
        (
            "--ca-file",
            asked_at("https://127.0.0.1:1/v1", home, &["--ca-file", given]),
        ),
        // Last: it makes the file where there is none.
        ("--session", asked(&["--session", given, "Hi"])),
    ]
}

#[cfg(target_os = "linux")]
#[test]
fn what_is_no_file_is_refused_and_never_waited_for() {
    let home = Home::new();
    let pipe = home.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let socket = home.path().join("socket");
    let _listening = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let kernel = Path::new("/proc/kmsg");
    for (path, said) in [
        (pipe.as_path(), "is a named pipe, not a file"),
        (&socket, "is a socket, not a file"),
        (Path::new("/dev/zero"), "is a device, not a file"),
        (home.path(), "is a folder, not a file"),
        (&home.path().join("none"), "does not exist"),
        (kernel, ""),
    ] {
        for (argument, ran) in with_each(&home, path) {
            let is_new = argument == "--session" && said == "does not exist";
            let is_empty = path == kernel && ["--session", "--result"].contains(&argument);
            if is_new || is_empty {
                continue;
            }
            assert!(
                matches!(ran.code, Some(1 | 2)),
                "{argument} {path:?}: {ran:?}"
            );
            let told = format!("{}{}", ran.err, ran.out);
            assert!(
                told.contains(said) && !told.is_empty(),
                "{argument} {path:?}: {ran:?}"
            );
        }
    }
    for path in [pipe.as_path(), Path::new("/dev/zero"), home.path()] {
        fs::create_dir_all(home.path().join("config")).unwrap();
        let _ = fs::remove_file(home.settings());
        std::os::unix::fs::symlink(path, home.settings()).unwrap();
        let ran = home.run(&["models"], "");
        assert!(
            ran.code == Some(1) && ran.err.contains("not a file"),
            "{path:?}: {ran:?}"
        );
    }
}

/// `tokenscope --body <(…)`: a pipe that a shell has opened.
#[cfg(target_os = "linux")]
#[test]
fn a_pipe_of_the_shell_is_read() {
    let home = Home::new();
    let program = env!("CARGO_BIN_EXE_tokenscope");
    for (script, code, said) in [
        (
            r#"chat --body <(sleep 0.1; echo '{"x": 1}') --print-body"#,
            0,
            "\"x\": 1",
        ),
        (
            r#"chat --schema <(echo '{"type": "object"}') --print-body Hi"#,
            0,
            "object",
        ),
        (
            r#"chat --body - --print-body < <(echo '{"x": 2}')"#,
            0,
            "\"x\": 2",
        ),
        (
            r#"chat --body /dev/stdin --print-body < <(echo '{"x": 3}')"#,
            0,
            "\"x\": 3",
        ),
        (r"chat --print-body < <(echo hello)", 0, "hello"),
        (
            r"chat --attach - --print-body Hi < <(echo notes)",
            0,
            "notes",
        ),
        (
            r"chat --schema - --tools - Hi < <(echo '[]')",
            2,
            "standard input is read as the",
        ),
        (
            r"chat --body - < /dev/zero",
            2,
            "standard input is larger than 256 MiB",
        ),
        (
            r"chat < /dev/zero",
            2,
            "standard input is larger than 64 MiB",
        ),
        (r"chat --body <(cat /dev/zero)", 2, "is larger than 256 MiB"),
        (
            r"decode --dialect gemini <(echo '{}')",
            1,
            "\"type\":\"run\"",
        ),
    ] {
        let line = format!("set -o pipefail; {program} {script}");
        let mut bash = std::process::Command::new("bash");
        bash.args(["-c", &line])
            .env("TOKENSCOPE_CONFIG_DIR", home.path());
        bash.env("TOKENSCOPE_DATA_DIR", home.path())
            .env("LLM_BASE_URL", "");
        let ran: Ran = bash.output().unwrap().into();
        assert_eq!(ran.code, Some(code), "{script}: {ran:?}");
        assert!(
            format!("{}{}", ran.out, ran.err).contains(said),
            "{script}: {ran:?}"
        );
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_pipe_that_stays_silent_is_told_of() {
    use std::io::{BufRead as _, BufReader};
    let home = Home::new();
    let mut child = crate::home::piped(home.tokenscope(["chat", "--print-body"]));
    let stdin = child.stdin.take();
    let err = BufReader::new(child.stderr.take().unwrap());
    let (_err, said) = deadline::read("its first line", err, |err| {
        let mut said = String::new();
        err.read_line(&mut said).map(|_| said)
    });
    assert_eq!(
        said.unwrap(),
        "tokenscope: waiting for the end of standard input\n"
    );
    drop(stdin);
    assert_eq!(deadline::ended(&mut child).code(), Some(2));
}

#[test]
fn a_key_that_is_too_long_is_refused_and_not_cut() {
    let home = Home::new();
    let ran = home.run(&["keys", "set", "openai"], &"k".repeat(100_000));
    assert_eq!(ran.code, Some(2), "{ran:?}");
    let said =
        "standard input is larger than 64 KiB, the most that is read here; nothing is changed";
    assert!(ran.err.contains(said), "{ran:?}");
}

#[test]
fn a_session_keeps_what_it_does_not_know_and_is_for_its_owner_alone() {
    let home = Home::new();
    let kept = json!({"messages": [], "title": "mine", "tools": [{"name": "t", "parameters": {}, "mark": 1}]});
    let session = file(&home, "s.json", kept.to_string().as_bytes());
    let ran = ask(&home, &["--session", &session, "Hi"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let after: Value = serde_json::from_slice(&fs::read(&session).unwrap()).unwrap();
    assert_eq!(
        (&after["title"], &after["tools"]),
        (&kept["title"], &kept["tools"])
    );
    assert_eq!(after["messages"].as_array().unwrap().len(), 2);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let new = home.path().join("new.json");
        ask(&home, &["--session", new.to_str().unwrap(), "Hi"]);
        assert_eq!(
            fs::metadata(new).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
}

#[test]
fn a_capture_with_its_head_is_decoded_as_the_response_it_was() {
    let home = Home::new();
    let stream = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hé 👩\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    let fault = "{\"error\":{\"message\":\"slow down\"}}\n";
    let sse = "HTTP/1.1 200 OK\ncontent-type: text/event-stream\n\n";
    let limited = "HTTP/2 429 \ncontent-type: application/json\nretry-after: 7\n\n";
    let proxied =
        format!("HTTP/1.1 200 Connection established\n\nHTTP/1.1 100 Continue\n\n{limited}");
    for (capture, status, outcome, more) in [
        (format!("{sse}{stream}"), 200, "ok", &[][..]),
        (stream.to_owned(), 200, "ok", &[]),
        (format!("{limited}{fault}"), 429, "fault", &[]),
        (format!("{proxied}{fault}"), 429, "fault", &[]),
        (
            format!("{limited}{fault}"),
            503,
            "fault",
            &["--status", "503"],
        ),
    ] {
        for (spelling, bytes) in spellings(&capture) {
            let given = file(&home, "capture", &bytes);
            let ran = home.run(
                &[&["decode", "--dialect", "openai-chat", &given], more].concat(),
                "",
            );
            let last: Value = serde_json::from_str(ran.out.lines().last().unwrap()).unwrap();
            assert_eq!(
                (&last["status"], &last["outcome"]),
                (&json!(status), &json!(outcome)),
                "{spelling}: {last}"
            );
            if outcome == "ok" {
                assert_eq!(last["text"], "hé 👩", "{spelling}");
                continue;
            }
            let class = if status == 429 {
                "rate_limited"
            } else {
                "overloaded"
            };
            assert_eq!(last["fault"]["class"], class, "{spelling}: {last}");
            assert_eq!(last["fault"]["retry_after_ms"], 7_000, "{spelling}: {last}");
        }
    }
}

#[test]
fn a_compressed_capture_is_unpacked_or_told_of() {
    use std::io::Write as _;
    let home = Home::new();
    let answer = "{\"choices\":[{\"message\":{\"content\":\"Oh\"},\"finish_reason\":\"stop\"}]}";
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(answer.as_bytes()).unwrap();
    let head = |coding: &str| {
        format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: {coding}\r\n\r\n"
        )
    };
    let capture = |coding: &str, body: &[u8]| [head(coding).as_bytes(), body].concat();
    for (bytes, said) in [
        (
            capture("gzip", &encoder.finish().unwrap()),
            "\"text\":\"Oh\"",
        ),
        (capture("gzip", answer.as_bytes()), "\"text\":\"Oh\""),
        (capture("br", answer.as_bytes()), "\"text\":\"Oh\""),
        (
            capture("br", b"\x1b\x3c\x01\xfa"),
            "the body is compressed (br)",
        ),
    ] {
        let given = file(&home, "capture", &bytes);
        let ran = home.run(&["decode", "--dialect", "openai-chat", &given], "");
        assert!(ran.out.lines().last().unwrap().contains(said), "{ran:?}");
    }
}

#[test]
fn an_attached_text_reaches_every_protocol_and_another_file_is_refused_where_it_can_not() {
    let home = Home::new();
    let notes = file(&home, "notes.md", b"# the canary sings\n");
    let film = file(&home, "talk.mp4", b"\0\0\0\x18ftypisom\0\0\0\0isom");
    for endpoint in tokenscope::endpoint::simulated::ids() {
        let target = format!("{endpoint}/sim-fast");
        let ask = |more: &[&str]| home.run(&[&["chat", "-t", &target], more].concat(), "");
        let said = ask(&["--attach", &notes, "Hi", "--json"]);
        assert!(
            said.code == Some(0) && !said.out.contains("not sent"),
            "{endpoint}: {said:?}"
        );
        let body = ask(&["--attach", &notes, "Hi", "--print-body"]);
        let text = r"notes.md:\n```md\n# the canary sings\n```";
        assert!(body.out.contains(text), "{endpoint}: {body:?}");
        for more in [
            &[][..],
            &["--json"],
            &["--print-body"],
            &["--snippet", "curl"],
        ] {
            let asked = ask(&[&["--attach", &film, "Hi"], more].concat());
            if ["simulator-gemini", "simulator-vertex-grpc"].contains(&endpoint.as_str()) {
                assert_eq!(asked.code, Some(0), "{endpoint}: {asked:?}");
                continue;
            }
            assert_eq!(
                (asked.code, asked.out.as_str()),
                (Some(2), ""),
                "{endpoint}: {asked:?}"
            );
            let why = "talk.mp4 (video/mp4) can't be sent";
            assert!(
                asked.err.contains(why) && asked.err.contains("gemini"),
                "{endpoint}: {asked:?}"
            );
        }
    }
}

#[test]
fn turns_that_are_asked_at_once_are_all_kept_in_a_session() {
    const ASKED: usize = 8;
    let home = Home::new();
    let session = home.path().join("s.json");
    let start = [TARGET, &["--max-tokens", "5", "--session"]].concat();
    let asking: Vec<_> = (0..ASKED)
        .map(|number| {
            let mut command = home.tokenscope(&start);
            command.arg(&session).arg(format!("question {number}"));
            crate::home::piped(command)
        })
        .collect();
    for child in asking {
        let ran: Ran = child.wait_with_output().unwrap().into();
        assert_eq!(ran.code, Some(0), "{ran:?}");
    }
    let kept = fs::read_to_string(&session).unwrap();
    let whole: Value = serde_json::from_str(&kept).unwrap();
    assert_eq!(whole["messages"].as_array().unwrap().len(), 2 * ASKED);
    for number in 0..ASKED {
        assert_eq!(kept.matches(&format!("question {number}\"")).count(), 1);
    }
}

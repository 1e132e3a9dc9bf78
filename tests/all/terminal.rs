//! What the program prints, whatever it is given and wherever it goes: nothing in it acts on a terminal, and a full
//! disk or a reader that has left is no reason to panic.

use crate::{
    deadline,
    fault_server::{header, read_head, send, serve, whole},
    home::{Home, Ran},
};

/// One of each kind: ESC, C1, DEL, bidi control, tag, line separator, zero-width, byte order mark.
const HOSTILE: &str =
    "\u{1b}]52;c;eA==\u{7}\u{9b}2J\u{7f}\u{202e}\u{e0041}\u{2028}\u{200b}\u{feff}\u{ad}";

/// Asserts that an output holds nothing that acts or hides, and gives it.
fn assert_safe<'a>(what: &str, text: &'a str) -> &'a str {
    let odd = |c: char| (c.is_control() && c != '\n') || (HOSTILE.contains(c) && !c.is_ascii());
    let found: Vec<char> = text.chars().filter(|c| odd(*c)).collect();
    assert!(found.is_empty(), "{what}: {found:?} in {text:?}");
    text
}

#[test]
fn what_is_wrong_with_the_arguments_is_said_without_obeying_them() {
    let home = Home::new();
    for arguments in [
        &[HOSTILE][..],
        &["--", HOSTILE],
        &["chat", "--seed", HOSTILE, "Hi"],
        &["chat", "--no-such-flag", HOSTILE],
        &["chat", &format!("--{HOSTILE}"), "Hi"],
        &["chat", "-t", HOSTILE, "Hi"],
        &["chat", "-t", &format!("{HOSTILE}/m"), "Hi"],
        &["chat", "--base-url", HOSTILE, "-m", "m", "Hi"],
        &["chat", "--dialect", HOSTILE, "Hi"],
        &["chat", "--tools", HOSTILE, "Hi"],
        &["chat", "--schema", HOSTILE, "Hi"],
        &[
            "chat",
            "--session",
            &format!("/nonexistent/{HOSTILE}"),
            "Hi",
        ],
        &["chat", "--body", HOSTILE],
        &["chat", "--attach", HOSTILE, "Hi"],
        &["chat", "--extra", HOSTILE, "Hi"],
        &["decode", "--dialect", HOSTILE],
        &["decode", "--dialect", "gemini", HOSTILE],
        &["keys", "set", HOSTILE],
        &["keys", "where", HOSTILE],
        &["models", HOSTILE],
        &["models", "--base-url", HOSTILE],
        &["simulate", "--host", HOSTILE],
        &["completions", HOSTILE],
    ] {
        // No argument can hold a NUL, so HOSTILE has none.
        let ran = home.run(arguments, "");
        assert_ne!(ran.code, Some(0), "{arguments:?}: {ran:?}");
        let said = assert_safe(&format!("{arguments:?}"), &ran.err);
        assert!(said.lines().count() < 20 && !said.is_empty(), "{ran:?}");
        assert_safe("standard output", &ran.out);
    }
}

#[test]
fn a_body_may_hold_anything_and_prints_nothing_that_acts() {
    let home = Home::new();
    let answer = serde_json::json!({
        "id": HOSTILE, "model": HOSTILE,
        "choices": [{"index": 0, "finish_reason": HOSTILE, "message": {"content": HOSTILE, "reasoning": HOSTILE,
            "tool_calls": [{"id": HOSTILE, "type": "function", "function": {"name": HOSTILE, "arguments": HOSTILE}}]}}],
    });
    let ran = home.run(&["decode", "--dialect", "openai-chat"], &answer.to_string());
    let last = assert_safe("decode", &ran.out).lines().last().unwrap();
    let last: serde_json::Value = serde_json::from_str(last).unwrap();
    assert_eq!(last["text"], HOSTILE, "JSON says the same");
}

async fn asked(arguments: Vec<String>) -> Ran {
    let home = Home::new();
    let running = tokio::task::spawn_blocking(move || {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        home.run(&arguments, "")
    });
    running.await.unwrap()
}

#[tokio::test]
async fn a_server_may_say_anything_and_nothing_of_it_acts() {
    let list = serde_json::json!({"data": [{"id": format!("a{HOSTILE}\nb\tc"), "name": HOSTILE}]});
    let fault =
        serde_json::json!({"error": {"message": HOSTILE, "code": HOSTILE, "type": HOSTILE}});
    let answer = |status: &str, body: &serde_json::Value| {
        whole(
            status,
            "content-type: application/json\r\n",
            &body.to_string(),
        )
    };
    let (listed, failed) = (answer("200 OK", &list), answer("500 Oh", &fault));
    let server = serve(move |mut stream, _| {
        let (listed, failed) = (listed.clone(), failed.clone());
        async move {
            while let Some(head) = read_head(&mut stream).await {
                let is_list = head.starts_with("GET");
                let length = header(&head, "content-length").and_then(|n| n.parse().ok());
                let mut body = vec![0; length.unwrap_or(0)];
                let read = tokio::io::AsyncReadExt::read_exact(&mut stream, &mut body).await;
                if read.is_err() {
                    return;
                }
                send(&mut stream, if is_list { &listed } else { &failed }).await;
            }
        }
    })
    .await;
    let url = server.url();
    let with = |arguments: &[&str]| {
        let start = arguments.iter().map(|a| (*a).to_owned());
        start
            .chain(["--base-url".to_owned(), url.clone()])
            .collect()
    };
    let text = asked(with(&["models"])).await;
    assert_eq!(
        assert_safe("models", &text.out).lines().count(),
        1,
        "{text:?}"
    );
    let json = asked(with(&["models", "--json"])).await;
    let id = &serde_json::from_str::<serde_json::Value>(assert_safe("models --json", &json.out))
        .unwrap()[0]["id"];
    assert_eq!(*id, format!("a{HOSTILE}\nb\tc"));
    for more in [
        &["chat", "-m", "m", "Hi"][..],
        &["chat", "--json", "-m", "m", "Hi"],
    ] {
        let chat = asked(with(more)).await;
        assert_eq!(chat.code, Some(1), "{chat:?}");
        assert_safe("chat", &chat.out);
        assert_safe("chat's standard error", &chat.err);
    }
}

/// Commands that print something on one stream or the other, without asking anyone.
#[cfg(target_os = "linux")]
const TALKATIVE: &[&[&str]] = &[
    &["--help"],
    &["chat", "--help"],
    &["no-such-command"],
    &["chat", "-t", "simulator/sim-fast", "--no-history", "Hi"],
    &[
        "chat",
        "-t",
        "simulator/sim-fast",
        "--no-history",
        "--json",
        "Hi",
    ],
    &["chat", "-t", "simulator/sim-error", "--no-history", "Hi"],
    &["chat", "-t", "simulator/sim-fast", "--print-body", "Hi"],
    &["chat", "-t", "no-such/m", "Hi"],
    &["completions", "bash"],
    &["decode", "--dialect", "gemini", "/dev/null"],
    &["keys", "list"],
    &["keys", "where", "openai"],
    &["models"],
    &["models", "--json"],
    &["models", "simulator"],
];

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_and_never_a_panic() {
    use std::{fs::File, process::Stdio};
    let full = || Stdio::from(File::options().write(true).open("/dev/full").unwrap());
    let home = Home::new();
    let run = |arguments: &[&str], out: Stdio, err: Stdio| {
        let mut command = home.tokenscope(arguments);
        let started = command.stdin(Stdio::null()).stdout(out).stderr(err).spawn();
        Ran::from(deadline::output(started.unwrap()))
    };
    for arguments in TALKATIVE {
        let usual = run(arguments, Stdio::piped(), Stdio::piped());
        let untold = run(arguments, Stdio::piped(), full());
        let same = if usual.out.starts_with("{\"type") {
            ""
        } else {
            &usual.out
        };
        assert_eq!(untold.code, usual.code, "{arguments:?}");
        assert!(
            untold.out.starts_with(same) || same.contains("sim-"),
            "{arguments:?}: {untold:?}"
        );
        let unwritten = run(arguments, full(), Stdio::piped());
        assert!(
            !unwritten.err.contains("panicked"),
            "{arguments:?}: {unwritten:?}"
        );
        if !usual.out.is_empty() {
            assert_eq!(unwritten.code, Some(1), "{arguments:?}: {unwritten:?}");
            assert!(
                unwritten.err.contains("No space left"),
                "{arguments:?}: {unwritten:?}"
            );
        }
        let neither = run(arguments, full(), full());
        assert!(
            matches!(neither.code, Some(1 | 2)) || usual.out.is_empty(),
            "{arguments:?}: {neither:?}"
        );
    }
}

#[cfg(target_os = "linux")]
#[test]
fn readers_that_have_left_end_it_quietly() {
    use std::process::Stdio;
    let home = Home::new();
    for arguments in TALKATIVE {
        for keeps_error in [true, false] {
            let (reader, out) = std::io::pipe().unwrap();
            drop(reader);
            let (gone, err) = std::io::pipe().unwrap();
            drop(gone);
            let mut command = home.tokenscope(*arguments);
            command.stdin(Stdio::null()).stdout(out);
            command.stderr(if keeps_error {
                Stdio::piped()
            } else {
                err.into()
            });
            let ran: Ran = deadline::output(command.spawn().unwrap()).into();
            assert!(
                ran.code.is_some_and(|code| code <= 2),
                "{arguments:?}: {ran:?}"
            );
            assert!(
                !ran.err.contains("panicked") && !ran.err.contains("roken pipe"),
                "{arguments:?}: {ran:?}"
            );
        }
    }
}

//! `tokenscope serve`, as a shell runs it.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::{Child, Command, Stdio},
};

use super::TOKEN;
use crate::{deadline, home::Home};

/// A child that does not outlive its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[cfg(unix)]
#[test]
fn a_first_try_needs_no_key_of_a_provider() {
    let home = Home::new()
        .with("A_TOKEN", TOKEN)
        .with("LLM_API_KEY", TOKEN);
    let mut command = home.tokenscope([
        "serve",
        "--simulator",
        "--listen",
        "127.0.0.1:0",
        "--token-env",
        "A_TOKEN",
        "-v",
    ]);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut running = Running(command.spawn().unwrap());
    let out = BufReader::new(running.0.stdout.take().unwrap());
    let (mut out, base_url) = deadline::read("its address", out, |out| {
        let mut line = String::new();
        out.read_line(&mut line).map(|_| line)
    });
    let base_url = base_url.unwrap();
    let base_url = base_url.trim();

    let asks = |model| {
        [
            "chat",
            "--base-url",
            base_url,
            "-m",
            model,
            "--json",
            "a secret question",
        ]
    };
    let answered = home.run(&asks("gemini-3-pro-preview"), "");
    assert!(answered.out.contains("Simulated"), "{}", answered.out);
    assert_eq!(answered.code, Some(0), "{}", answered.err);
    let refused = home.run(&asks("gpt-9"), "");
    assert_eq!(refused.code, Some(1));
    assert!(
        refused.out.contains("No route leads to a model"),
        "{}",
        refused.out
    );

    let pid = running.0.id().to_string();
    let told = Command::new("kill").args(["-TERM", &pid]).status();
    assert!(told.unwrap().success());
    assert!(deadline::ended(&mut running.0).success());
    let (mut usage, mut log) = (String::new(), String::new());
    out.read_to_string(&mut usage).unwrap();
    assert!(
        usage.contains("anthropic") && usage.contains("/v1beta"),
        "{usage}"
    );
    let mut err = running.0.stderr.take().unwrap();
    err.read_to_string(&mut log).unwrap();
    assert!(log.contains("POST /v1/chat/completions 200"), "{log}");
    for said in [&usage, &log] {
        assert!(!said.contains("secret") && !said.contains(TOKEN), "{said}");
    }
}

#[test]
fn what_it_cannot_serve_is_said_with_what_to_do() {
    let home = Home::new();
    for (arguments, said) in [
        (&["serve", "--listen", "0.0.0.0:0"][..], "loopback"),
        (&["serve", "--route", "x=nowhere/y"], "there is no endpoint"),
        (&["serve", "--route", "x"], "NAME=ENDPOINT/MODEL"),
        (
            &["serve", "--token-env", "NO_TOKEN_HERE"],
            "$NO_TOKEN_HERE holds no token",
        ),
    ] {
        let ran = home.run(arguments, "");
        assert_eq!(ran.code, Some(2), "{arguments:?}: {}", ran.err);
        assert!(ran.err.contains(said), "{}", ran.err);
    }
}

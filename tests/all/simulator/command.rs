//! `tokenscope simulate` and `tokenscope completions`, as a shell runs them.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::{Child, Command, Stdio},
};

use super::client::reqwest_client;
use crate::deadline;

fn tokenscope(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tokenscope"));
    command.args(arguments).stdin(Stdio::null());
    command
}

/// A child that does not outlive its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[cfg(unix)]
#[tokio::test]
async fn it_serves_logs_and_ends_cleanly_when_told_to() {
    let mut command = tokenscope(&["simulate", "--port", "0", "-v", "--speed", "100"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = Running(command.spawn().unwrap());
    let out = BufReader::new(running.0.stdout.take().unwrap());
    let (mut out, base_url) = deadline::read("its address", out, |out| {
        let mut line = String::new();
        out.read_line(&mut line).map(|_| line)
    });
    let base_url = base_url.unwrap();
    let base_url = base_url.trim();

    let client = reqwest_client().build().unwrap();
    let body = r#"{"model":"sim-fast","messages":[{"role":"user","content":"a secret question"}]}"#;
    let url = format!("{base_url}/chat/completions");
    let response = client.post(url).body(body).send().await.unwrap();
    assert!(response.status().is_success());
    assert!(response.text().await.unwrap().contains("simulated"));
    drop(client);

    let pid = running.0.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .unwrap()
            .success()
    );
    assert!(deadline::ended(&mut running.0).success());
    let (mut usage, mut log) = (String::new(), String::new());
    out.read_to_string(&mut usage).unwrap();
    assert!(
        usage.contains("curl -N") && usage.contains("tokenscope chat"),
        "{usage}"
    );
    running
        .0
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut log)
        .unwrap();
    assert!(
        log.contains("/v1/chat/completions") && log.contains("200"),
        "{log}"
    );
    assert!(!log.contains("secret"), "{log}");
}

#[test]
fn it_keeps_other_machines_out_unless_told_otherwise() {
    let output = tokenscope(&["simulate", "--host", "0.0.0.0"])
        .output()
        .unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("--allow-remote"));
    let output = tokenscope(&["simulate", "--speed", "0"]).output().unwrap();
    assert!(!output.status.success());
}

#[test]
fn there_are_completions_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let output = tokenscope(&["completions", shell]).output().unwrap();
        assert!(output.status.success(), "{shell}");
        let script = String::from_utf8(output.stdout).unwrap();
        assert!(
            script.contains("simulate") && script.contains("allow-remote"),
            "{shell}"
        );
    }
}

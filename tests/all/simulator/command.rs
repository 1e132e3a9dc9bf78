//! `tokenscope simulate` and `tokenscope completions`, as a shell runs them.

use std::process::{Command, Stdio};

use super::client::reqwest_client;
#[cfg(unix)]
use crate::served::Served;

fn tokenscope(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tokenscope"));
    command.args(arguments).stdin(Stdio::null());
    command
}

#[cfg(unix)]
#[tokio::test]
async fn it_serves_logs_and_ends_cleanly_when_told_to() {
    let served = Served::start(tokenscope(&[
        "simulate", "--port", "0", "-v", "--speed", "100",
    ]));
    let base_url = &served.base_url;

    let client = reqwest_client().build().unwrap();
    let body = r#"{"model":"sim-fast","messages":[{"role":"user","content":"a secret question"}]}"#;
    let url = format!("{base_url}/chat/completions");
    let response = client.post(url).body(body).send().await.unwrap();
    assert!(response.status().is_success());
    assert!(response.text().await.unwrap().contains("simulated"));
    drop(client);

    let (usage, log) = served.stop();
    assert!(
        usage.contains("curl -N") && usage.contains("tokenscope chat"),
        "{usage}"
    );
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

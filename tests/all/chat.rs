//! `tokenscope chat`, as a shell runs it.

use std::{io::Read as _, process::ChildStdout};

use serde_json::Value;
use tokenscope::{
    endpoint::simulated,
    simulator::{self, Simulator},
};

use crate::{
    canary::{assert_no_canary, assert_no_canary_in, canary},
    deadline,
    home::{Home, Ran, piped},
};

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The closing lines of runs.
pub fn runs(output: &str) -> Vec<Value> {
    let mut lines = lines(output);
    lines.retain(|line| line["type"] == "run");
    lines
}

async fn simulated() -> Simulator {
    simulator::start(0).await.unwrap()
}

#[test]
fn one_target_streams_its_text_and_then_its_figures() {
    let home = Home::new();
    let output = home.run(
        &[
            "chat",
            "-t",
            "simulator/sim-fast",
            "--max-tokens",
            "20",
            "Hello",
        ],
        "",
    );
    assert_eq!(output.code, Some(0));
    let text = output.out;
    assert!(text.starts_with("## What you are looking at"), "{text}");
    let table = output.err;
    for part in ["TTFT", "simulator/sim-fast (simulated)", "cold", "length"] {
        assert!(table.contains(part), "{part}: {table}");
    }
}

#[test]
fn json_ends_each_run_with_a_line_that_scripts_can_rely_on() {
    let home = Home::new();
    let arguments = [
        "chat",
        "--json",
        "-t",
        "simulator/sim-fast",
        "-t",
        "simulator/sim-tools",
        "-t",
        "simulator/sim-rate-limited",
        "Hi",
    ];
    let output = home.run(&arguments, "");
    assert_eq!(output.code, Some(1), "one of them is rate limited");
    let text: String = lines(&output.out)
        .iter()
        .filter(|line| line["type"] == "text" && line["target"] == "simulator/sim-fast")
        .filter_map(|line| line["text"].as_str())
        .collect();
    let runs = runs(&output.out);
    assert_eq!(runs.len(), 3);
    let of = |target: &str| runs.iter().find(|run| run["target"] == target).unwrap();
    let fast = of("simulator/sim-fast");
    assert_eq!(fast["text"], text.as_str());
    assert_eq!(
        (&fast["outcome"], &fast["finish"]),
        (&"ok".into(), &"stop".into())
    );
    assert_eq!(
        (&fast["connection"], &fast["simulated"]),
        (&"cold".into(), &true.into())
    );
    for figure in ["ttft_ms", "ttfo_ms", "ttfb_ms", "total_ms", "tpot_ms"] {
        assert!(fast[figure].as_f64().is_some_and(|ms| ms > 0.0), "{figure}");
    }
    assert_eq!(fast["connection_uses"], 1);
    assert!(fast["connection_id"].is_u64());
    let address = fast["address"].as_str().unwrap();
    assert!(address.starts_with("127.0.0.1:"), "{address}");
    let tried = &fast["addresses_tried"][0];
    assert_eq!(tried["address"], address);
    assert_eq!(tried["outcome"], "connected");
    assert!(tried["ms"].as_f64() <= fast["ttft_ms"].as_f64());
    assert!(fast["tls_version"].is_null() && fast["connection_lost"].is_null());
    if cfg!(target_os = "linux") {
        // The kernel begins to stamp some time after it was asked to.
        assert!(fast["stamp"] == "kernel" || fast["stamp"] == "user");
        let delay = |key: &str| fast["our_delay_ms"][key].as_f64();
        assert!(delay("p50") <= delay("max"));
        let tcp = |key: &str| fast["tcp"][key].as_f64().unwrap();
        assert!(tcp("rtt_ms") >= tcp("min_rtt_ms") && tcp("rtt_ms") > 0.0);
        assert!(fast["tcp"]["congestion_window"].as_u64() > Some(0));
        let acknowledged = fast["acknowledged_ms"].as_f64().unwrap();
        assert!(acknowledged <= fast["ttft_net_ms"].as_f64().unwrap());
        for count in ["retransmits", "lost", "out_of_order"] {
            assert_eq!(fast["tcp"][count], 0, "{count}");
        }
    }
    assert!(fast["usage"]["output"].as_u64().is_some_and(|n| n > 100));
    assert!(fast["fault"].is_null() && fast["started_unix_ns"].is_i64());
    let calls = of("simulator/sim-tools")["tool_calls"].as_array().unwrap();
    assert_eq!(calls.len(), 2);
    let refused = of("simulator/sim-rate-limited");
    assert_eq!(refused["outcome"], "fault");
    assert_eq!(refused["fault"]["class"], "rate_limited");
    assert_eq!(refused["fault"]["status"], 429);
    assert!(refused["ttft_ms"].is_null());
}

#[test]
fn what_was_asked_wrongly_is_said_with_exit_code_2() {
    let home = Home::new();
    for (arguments, part) in [
        (&["chat", "-t", "no-slash", "Hi"][..], "endpoint/model"),
        (&["chat", "--extra", "[1]", "Hi"], "--extra"),
        (
            &["chat", "--schema", "/nonexistent.json", "Hi"],
            "/nonexistent.json",
        ),
        (
            &["chat", "-i", "/nonexistent.png", "Hi"],
            "/nonexistent.png",
        ),
        (
            &["chat", "--base-url", "ftp://x/v1", "-m", "m", "Hi"],
            "http",
        ),
        (
            &["chat", "--base-url", "http://127.0.0.1:1/v1", "Hi"],
            "--model",
        ),
        (&["chat", "-"], "standard input is empty"),
        (
            &["chat", "--tools", "/dev/null", "Hi"],
            "/dev/null is not JSON",
        ),
        (
            &[
                "chat",
                "--base-url",
                "x",
                "-m",
                "m",
                "--dialect",
                "grpc",
                "Hi",
            ],
            "vertex-grpc",
        ),
        (&["chat", "--result", "1"], "--session"),
    ] {
        let output = home.run(arguments, "");
        assert_eq!(output.code, Some(2), "{arguments:?}");
        let said = output.err;
        assert!(said.contains(part), "{arguments:?}: {said}");
        assert!(output.out.is_empty());
    }
}

#[test]
fn an_unknown_endpoint_is_a_fault_that_names_it() {
    let output = Home::new().run(&["chat", "--json", "-t", "nowhere/model", "Hi"], "");
    assert_eq!(output.code, Some(1));
    let run = &runs(&output.out)[0];
    assert_eq!(run["fault"]["class"], "not_found");
    assert!(
        run["fault"]["message"]
            .as_str()
            .unwrap()
            .contains("nowhere")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_url_needs_no_set_up_and_a_prompt_may_be_piped() {
    let simulator = simulated().await;
    let home = Home::new();
    let url = simulator.base_url().to_string();
    let output = tokio::task::spawn_blocking(move || {
        home.run(
            &["chat", "--base-url", &url, "-m", "sim-echo", "--json", "-"],
            "piped words",
        )
    });
    let output = output.await.unwrap();
    let run = &runs(&output.out)[0];
    assert_eq!(run["target"], "url/sim-echo");
    assert!(run["text"].as_str().unwrap().contains("piped words"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_of_the_environment_that_names_no_model_is_asked_for_its_list() {
    let simulator = simulated().await;
    let first = simulator::models().remove(0);
    let home = Home::new().with("LLM_BASE_URL", simulator.base_url().as_str());
    let output = tokio::task::spawn_blocking(move || home.run(&["chat", "--json", "Hi"], ""));
    let output = output.await.unwrap();
    let run = &runs(&output.out)[0];
    assert_eq!(run["target"], format!("env/{first}"), "{output:?}");

    let closed = Home::new().with("LLM_BASE_URL", "http://127.0.0.1:9/v1");
    let output = tokio::task::spawn_blocking(move || closed.run(&["chat", "--json", "Hi"], ""));
    let output = output.await.unwrap();
    assert!(
        output.err.contains("env: its models can't be listed"),
        "{output:?}"
    );
    let run = &runs(&output.out)[0];
    assert_eq!(run["simulated"], true, "the simulator is left");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_from_the_environment_is_sent_and_nowhere_else_to_be_found() {
    let simulator = simulated().await;
    let canary = canary();
    let key = format!(
        "sim-{}",
        canary.replace(|c: char| !c.is_ascii_alphanumeric(), "-")
    );
    let home = Home::new().with("LLM_API_KEY", &key);
    let url = simulator.base_url().to_string();
    let folder = home.clone();
    let asked = tokio::task::spawn_blocking(move || {
        let ask = |model: &str| {
            home.run(
                &["chat", "--json", "--base-url", &url, "-m", model, "Hi"],
                "",
            )
        };
        (ask("sim-locked"), ask("sim-error"))
    });
    let (locked, error) = asked.await.unwrap();
    assert_eq!(locked.code, Some(0), "the key was taken");
    assert_eq!(error.code, Some(1));
    for output in [locked, error] {
        assert_no_canary_in(output.out.as_bytes(), &key, "standard output");
        assert_no_canary_in(output.err.as_bytes(), &key, "standard error");
    }
    assert_no_canary(&[folder.path()], &key);
}

/// What a program says first, and the pipe with the rest.
#[cfg(unix)]
fn first_bytes<const N: usize>(out: ChildStdout) -> (ChildStdout, [u8; N]) {
    deadline::read("its first words", out, |out| {
        let mut first = [0; N];
        out.read_exact(&mut first).unwrap();
        first
    })
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_keeps_what_was_said_and_ends_with_130() {
    let simulator = simulated().await;
    let url = simulator.base_url().to_string();
    let home = Home::new();
    let ended = tokio::task::spawn_blocking(move || {
        let mut child =
            piped(home.tokenscope(["chat", "--json", "--base-url", &url, "-m", "sim-long", "Hi"]));
        let out = child.stdout.take().unwrap();
        let (out, first) = first_bytes::<400>(out);
        let interrupt = std::process::Command::new("kill")
            .args(["-INT", &child.id().to_string()])
            .status();
        assert!(interrupt.unwrap().success());
        child.stdout = Some(out);
        let rest = deadline::output(child);
        (rest.status, [&first, &*rest.stdout].concat())
    });
    let (status, output) = ended.await.unwrap();
    assert_eq!(status.code(), Some(130));
    let run = runs(std::str::from_utf8(&output).unwrap()).remove(0);
    assert_eq!(run["fault"]["class"], "cancelled");
    assert!(!run["text"].as_str().unwrap().is_empty());
}

#[cfg(unix)]
#[test]
fn a_reader_that_leaves_ends_the_program_quietly() {
    let home = Home::new();
    let mut child = piped(home.tokenscope(["chat", "-t", "simulator/sim-long", "Hi"]));
    let out = child.stdout.take().unwrap();
    drop(first_bytes::<64>(out));
    let ran = Ran::from(deadline::output(child));
    assert_eq!(ran.code, Some(0));
    assert!(!ran.err.contains("panicked"), "{}", ran.err);
}

#[test]
fn a_session_is_held_over_several_turns_with_its_tools_in_every_protocol() {
    for endpoint in simulated::ids() {
        let home = Home::new();
        let file = home.path().join("session.json");
        let (file, target) = (file.to_str().unwrap(), format!("{endpoint}/sim-tools"));
        let ask = |more: &[&str]| {
            let start = ["chat", "--json", "-t", &target, "--session", file];
            home.run(&[&start, more].concat(), "")
        };
        let called = ask(&["-s", "Be brief", "What weather is it?"]);
        assert_eq!(called.code, Some(0), "{endpoint}: {called:?}");
        assert_eq!(
            runs(&called.out)[0]["tool_calls"].as_array().unwrap().len(),
            2
        );
        let advice = "answer each, in this order, with --result TEXT";
        assert!(called.err.contains(advice), "{endpoint}: {called:?}");
        for (wrong, part) in [
            (&["And tomorrow?"][..], advice),
            (&["--result", "one"], advice),
            (
                &["--result", "1", "--result", "@/nonexistent"],
                "/nonexistent",
            ),
        ] {
            let refused = ask(wrong);
            assert_eq!(refused.code, Some(2), "{endpoint}: {refused:?}");
            assert!(refused.err.contains(part), "{endpoint}: {refused:?}");
        }
        let answered = ask(&["--result", "18 °C", "--result", "{\"celsius\": 21}"]);
        let text = runs(&answered.out)[0]["text"].clone();
        let text = text.as_str().unwrap();
        assert!(
            text.contains("18 °C") && text.contains("21"),
            "{endpoint}: {text}"
        );
        let kept = std::fs::read_to_string(file).unwrap();
        let kept: Value = serde_json::from_str(&kept).unwrap();
        let roles = kept["messages"]
            .as_array()
            .unwrap()
            .iter()
            .map(|m| &m["role"]);
        let roles: Vec<&str> = roles.map(|role| role.as_str().unwrap()).collect();
        assert_eq!(
            roles,
            ["user", "assistant", "tool", "assistant"],
            "{endpoint}"
        );
        assert_eq!(kept["system"], "Be brief");
    }
}

#[test]
fn a_session_keeps_no_answer_that_broke_off() {
    let home = Home::new();
    let file = home.path().join("session.json");
    let arguments = [
        "chat",
        "-t",
        "simulator/sim-cut",
        "--session",
        file.to_str().unwrap(),
        "Hi",
    ];
    let output = home.run(&arguments, "");
    assert_eq!(output.code, Some(1));
    assert!(
        output.err.contains("the session is not changed"),
        "{output:?}"
    );
    assert!(!file.exists());
}

#[test]
fn what_was_not_sent_is_said() {
    let home = Home::new();
    let ask = [
        "chat",
        "-t",
        "simulator-anthropic/sim-fast",
        "--seed",
        "1",
        "Hi",
    ];
    let output = home.run(&ask, "");
    assert!(output.err.contains("not sent: seed ("), "{output:?}");
    let body = home.run(&[&ask[..], &["--print-body"]].concat(), "");
    assert!(body.err.contains("not sent: seed ("), "{body:?}");
    let program = home.run(&[&ask[..], &["--snippet", "curl"]].concat(), "");
    assert!(program.out.starts_with("# not sent: seed ("), "{program:?}");
}

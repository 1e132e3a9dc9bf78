//! `tokenscope probe`, as a shell runs it.

mod alerts;
mod costs;
mod listen;
#[cfg(feature = "otlp")]
mod otlp;
mod restored_alerts;

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, ChildStdout, Command, Stdio},
};

use serde_json::Value;
use tokenscope::{
    history::{History, RunQuery},
    run::{Origin, Run},
};

use crate::{
    canary::{assert_no_canary, assert_no_canary_in, canary},
    deadline::{self, soon},
    home::{Home, Ran},
};

fn lines(ran: &Ran) -> Vec<Value> {
    let lines = ran.out.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The runs in a user's history, the oldest first.
async fn kept(home: &Home) -> Vec<Run> {
    let history = History::open(&home.paths().data);
    let all = RunQuery {
        limit: 100,
        ..RunQuery::default()
    };
    let page = history.runs(all).await.unwrap();
    let mut runs = Vec::new();
    for row in page.rows.iter().rev() {
        runs.push(history.run(row.id).await.unwrap().unwrap());
    }
    soon("the history's end", history.end()).await.unwrap();
    runs
}

#[tokio::test]
async fn a_check_asks_each_target_once_and_keeps_its_probes() {
    let home = Home::new();
    let targets = ["simulator-gemini/sim-fast", "simulator/sim-fast"];
    let asks = ["probe", "--once", "-t", targets[0], "-t", targets[1]];
    let ran = home.run(&asks, "");
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let mut told = Vec::new();
    for line in lines(&ran) {
        assert_eq!(line["origin"], "probe", "{line}");
        assert!(line["ttft_ms"].as_f64().unwrap() > 0.0, "{line}");
        told.push(line["target"].as_str().unwrap().to_owned());
    }
    told.sort();
    assert_eq!(told, targets);
    let runs = kept(&home).await;
    assert_eq!(runs.len(), 2);
    for run in &runs {
        assert_eq!(run.head.origin, Origin::Probe);
        assert_eq!(run.head.request.params.max_tokens, Some(16));
    }
    assert_ne!(
        runs[0].head.request.messages, runs[1].head.request.messages,
        "each question is a new one"
    );
}

#[test]
fn a_check_ends_with_a_code_that_says_how_it_went() {
    let home = Home::new();
    let fast = ["-t", "simulator/sim-fast"];
    for (more, code) in [
        (&["--max-ttft", "1h"][..], 0),
        (&["--max-ttft", "1ms"], 3),
        (&["-t", "simulator/sim-locked"], 1),
        (&["--max-ttft", "1ms", "-t", "simulator/sim-locked"], 1),
        (&["-t", "nowhere/m"], 2),
        (&["--every", "5m"], 2),
        (&["--max-ttft", "5"], 2),
    ] {
        let asks = [&["probe", "--once", "--no-history"], &fast[..], more].concat();
        let ran = home.run(&asks, "");
        assert_eq!(ran.code, Some(code), "{more:?}: {}{}", ran.out, ran.err);
        assert_eq!(ran.out.is_empty(), code == 2, "{more:?}: {}", ran.out);
    }
    let too_often = home.run(&["probe", "--every", "10ms", fast[0], fast[1]], "");
    assert_eq!(too_often.code, Some(2));
    assert!(too_often.err.contains("at least 1s"), "{}", too_often.err);
}

/// A monitor that runs, and its lines.
struct Probing {
    child: Child,
    out: Option<BufReader<ChildStdout>>,
}

impl Probing {
    fn start(mut command: Command) -> Self {
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        Self {
            child,
            out: Some(out),
        }
    }

    /// The next line; `None` at the end.
    fn line(&mut self) -> Option<Value> {
        let out = self.out.take().unwrap();
        let (out, line) = deadline::read("a line of a probe", out, |out| {
            let mut line = String::new();
            out.read_line(&mut line).map(|_| line)
        });
        self.out = Some(out);
        let line = line.unwrap();
        (!line.is_empty()).then(|| serde_json::from_str(&line).unwrap())
    }

    #[cfg(unix)]
    fn terminate(&self) {
        let pid = self.child.id().to_string();
        let told = Command::new("kill").args(["-TERM", &pid]).status();
        assert!(told.unwrap().success());
    }
}

impl Drop for Probing {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(unix)]
#[tokio::test]
async fn it_asks_until_a_signal_comes_and_loses_no_probe() {
    let home = Home::new();
    let asks = [
        "probe",
        "-t",
        "simulator/sim-fast",
        "--every",
        "1s",
        "--connections",
        "both",
    ];
    let mut probing = Probing::start(home.tokenscope(asks));
    let mut told = Vec::new();
    while told.len() < 4 {
        let line = probing.line().unwrap();
        if line["type"] == "run" {
            told.push(line);
        }
    }
    probing.terminate();
    while let Some(line) = probing.line() {
        if line["type"] == "run" {
            told.push(line);
        }
    }
    let status = deadline::ended(&mut probing.child);
    assert_eq!(status.code(), Some(0), "{status}");
    let connections: Vec<&str> = told
        .iter()
        .map(|line| line["connection"].as_str().unwrap())
        .collect();
    assert_eq!(connections[..4], ["cold", "warm", "cold", "warm"]);
    assert!(told.iter().all(|line| line["outcome"] == "ok"), "{told:?}");
    let kept = kept(&home).await;
    assert_eq!(kept.len(), told.len());
}

#[cfg(unix)]
#[test]
fn of_two_processes_one_asks_and_the_other_takes_over() {
    let home = Home::new();
    let asks = ["probe", "-t", "simulator/sim-fast", "--every", "1s"];
    let mut first = Probing::start(home.tokenscope(asks));
    assert_eq!(first.line().unwrap()["outcome"], "ok");
    let mut second = home.tokenscope(asks);
    second.stderr(Stdio::piped());
    let mut second = Probing::start(second);
    let said = BufReader::new(second.child.stderr.take().unwrap());
    let (said, line) = deadline::read("a note of the second", said, |said| {
        let mut line = String::new();
        said.read_line(&mut line).map(|_| line)
    });
    let pid = format!("another process probes: pid {}", first.child.id());
    assert!(line.unwrap().contains(&pid), "who asks is said");
    // It goes on, and checks are made beside it.
    assert_eq!(first.line().unwrap()["outcome"], "ok");
    let check = home.run(&["probe", "--once", "-t", "simulator/sim-fast"], "");
    assert_eq!(check.code, Some(0), "{}", check.err);
    let killed_at = i64::try_from(jiff::Timestamp::now().as_nanosecond()).unwrap();
    first.child.kill().unwrap();
    first.child.wait().unwrap();
    let line = second.line().unwrap();
    assert_eq!(line["outcome"], "ok");
    let started = line["started_unix_ns"].as_i64().unwrap();
    assert!(started >= killed_at, "it asked while the first did");
    second.terminate();
    assert_eq!(deadline::ended(&mut second.child).code(), Some(0));
    drop(said);
}

#[cfg(unix)]
#[test]
fn the_service_starts_it_as_it_is() {
    let unit = include_str!("../../assets/tokenscope-probe.service");
    let start = "ExecStart=/usr/local/bin/tokenscope ";
    let line = unit.lines().find_map(|line| line.strip_prefix(start));
    let home = Home::new();
    home.write_settings("[monitor]\ntargets = [\"simulator/sim-fast\"]\n");
    let own = home.settings().display().to_string();
    let line = line.unwrap().replace("/etc/tokenscope/config.toml", &own);
    let line = line.replace("$PROBE", "--listen 127.0.0.1:0");
    let mut probing = Probing::start(home.tokenscope(line.split_whitespace()));
    // The plan has free checks of the endpoint, too.
    let mut lines = std::iter::from_fn(|| probing.line());
    let run = lines.find(|line| line["type"] == "run").unwrap();
    assert_eq!(run["outcome"], "ok");
    probing.terminate();
    assert_eq!(deadline::ended(&mut probing.child).code(), Some(0));
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_has_the_plan_and_arguments_go_before_it() {
    let home = Home::new();
    let file = home.path().join("plan.toml");
    let config = file.to_str().unwrap();
    let plan =
        "[monitor]\ntargets = [\"simulator/sim-fast\"]\nevery_s = 1\nconnections = \"cold\"\n";
    std::fs::write(&file, plan).unwrap();
    // The user's own settings are not read.
    home.write_settings("[monitor]\ntargets = [\"simulator/sim-locked\"]\n");
    for (more, connection) in [(&[][..], "cold"), (&["--connections", "warm"], "warm")] {
        let asks = [&["probe", "--config", config, "--no-history"], more].concat();
        let mut probing = Probing::start(home.tokenscope(&asks));
        let lines = std::iter::from_fn(|| probing.line());
        let runs = lines.filter(|line| line["type"] == "run");
        let last = runs.take(2).last().unwrap();
        assert_eq!(last["target"], "simulator/sim-fast", "{more:?}");
        assert_eq!(last["connection"], connection, "{more:?}");
        probing.terminate();
        assert_eq!(deadline::ended(&mut probing.child).code(), Some(0));
    }
    let once = ["probe", "--once", "--config", config];
    let other = [&once[..], &["-t", "simulator-gemini/sim-fast"]].concat();
    let ran = home.run(&other, "");
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let told = lines(&ran);
    assert_eq!(told.len(), 1, "the plan's target is not asked: {}", ran.out);
    assert_eq!(told[0]["target"], "simulator-gemini/sim-fast");

    std::fs::write(&file, format!("{plan}prompt = \"Name ten rivers.\"\n")).unwrap();
    for (more, asked) in [
        (&[][..], "Name ten rivers."),
        (&["--prompt", "And ten lakes."], "And ten lakes."),
    ] {
        let ran = home.run(&[&once[..], more].concat(), "");
        assert_eq!(ran.code, Some(0), "{}", ran.err);
        let last = kept(&home).await.pop().unwrap();
        let text = last.head.request.messages[0].text();
        assert!(text.ends_with(&format!("\n{asked}")), "{text}");
    }

    for (text, said) in [
        ("[monitor]\n\nevery_s = 0\n", "line 3"),
        ("[monitor]\ntargets = [\"nonsense\"]\n", "line 2"),
        ("[monitor]\nconnections = \"lukewarm\"\n", "line 2"),
        ("[monitor\n", "line 1"),
        ("", "names nobody to ask"),
    ] {
        std::fs::write(&file, text).unwrap();
        let ran = home.run(&once, "");
        assert_ne!(ran.code, Some(0), "{text}");
        assert!(ran.err.contains(said), "{text}: {}", ran.err);
        assert!(
            ran.err.contains("plan.toml") && ran.out.is_empty(),
            "{}",
            ran.err
        );
    }
    std::fs::remove_file(&file).unwrap();
    let ran = home.run(&once, "");
    assert_eq!(ran.code, Some(2), "{}", ran.err);
    assert!(ran.err.contains("there is no file"), "{}", ran.err);
}

/// In a network namespace of its own a program has no network, as on a machine whose cable is out.
#[cfg(target_os = "linux")]
#[expect(clippy::print_stdout, reason = "a skipped test says so")]
#[test]
fn without_a_network_there_is_a_gap_and_no_outage() {
    let allowed = Command::new("unshare").args(["-rn", "true"]).status();
    if !allowed.is_ok_and(|status| status.success()) {
        println!("skipped: this machine allows no network namespaces");
        return;
    }
    let home = Home::new().with("LLM_API_KEY", "k");
    let unplugged = |url: &str, more: &[&str]| {
        let asks = ["probe", "--base-url", url, "-m", "m"];
        let inner = home.tokenscope(asks.iter().chain(more));
        let mut command = Command::new("unshare");
        command.arg("-rn").arg(inner.get_program());
        command.args(inner.get_args()).env_clear();
        for (name, value) in inner.get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        command
    };
    let by_address = "https://192.0.2.7/v1";
    for url in [by_address, "https://model.example/v1"] {
        let mut probing = Probing::start(unplugged(url, &["--every", "1s"]));
        let gap = probing.line().unwrap();
        let kind = (gap["type"].as_str(), gap["why"].as_str());
        assert_eq!(kind, (Some("gap"), Some("offline")), "{url}");
        assert_eq!(gap["target"], "url/m");
        assert!(gap["from_unix_ns"].as_i64().unwrap() > 0 && gap["to_unix_ns"].is_null());
        probing.terminate();
        assert_eq!(probing.line(), None, "it is told once");
        assert_eq!(deadline::ended(&mut probing.child).code(), Some(0));
    }

    let mut check = Probing::start(unplugged(by_address, &["--once"]));
    assert_eq!(check.line().unwrap()["type"], "gap");
    let code = deadline::ended(&mut check.child).code();
    assert_eq!(code, Some(1), "a check that could not ask is no success");
}

#[test]
fn no_key_is_found_in_what_it_writes() {
    let key = canary().replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    let home = Home::new().with("THE_KEY", &key);
    home.write_settings(
        "[endpoint.up]\nbase_url = \"http://127.0.0.1:1/v1\"\nkey_env = \"THE_KEY\"\n",
    );
    let ran = home.run(&["probe", "--once", "-t", "up/m"], "");
    assert_eq!(ran.code, Some(1), "{}", ran.out);
    assert!(ran.out.contains("\"connect\""), "{}", ran.out);
    for (text, place) in [(&ran.out, "standard output"), (&ran.err, "standard error")] {
        assert_no_canary_in(text.as_bytes(), &key, place);
    }
    assert_no_canary(&[&home.paths().data], &key);
}

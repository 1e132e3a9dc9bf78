//! `tokenscope probe --otlp`: what collectors get of probes.

use serde_json::{Value, json};

use super::Probing;
use crate::{
    canary::{assert_no_canary_in, canary},
    collector::{Collector, Rotel},
    deadline,
    home::Home,
};

/// What a collector must have heard of a probe that answered and one that was refused.
const TRACED: [&str; 8] = [
    "chat sim-fast",
    "gen_ai.request.model",
    "gen_ai.provider.name",
    "gen_ai.usage.output_tokens",
    "tokenscope.ttft_net_ms",
    "first_token",
    "error.type",
    "simulator/sim-locked",
];
const MEASURED: [&str; 5] = [
    "gen_ai.client.operation.duration",
    "gen_ai.client.token.usage",
    "tokenscope.probe.ttft",
    "tokenscope.probe.ttft_net",
    "tokenscope.connection",
];

/// What a collector must have heard of a free check.
const CHECKED: [&str; 4] = [
    "tokenscope.endpoint.checks",
    "tokenscope.endpoint.up",
    "tokenscope.endpoint.check.phase",
    "tokenscope.endpoint",
];

/// Asks two targets once, and tells the collector.
fn check(home: &Home, collector: &str) {
    let targets = ["-t", "simulator/sim-fast", "-t", "simulator/sim-locked"];
    let asks = [&["probe", "--once", "--otlp", collector][..], &targets].concat();
    let ran = home.run(&asks, "");
    assert_eq!(ran.code, Some(1), "{}", ran.err);
}

#[test]
fn a_collector_gets_a_span_and_figures_of_each_probe() {
    let collector = Collector::start();
    let home = Home::new();
    check(&home, &collector.url);
    let (traces, metrics) = collector.came();
    for (text, names) in [(&traces, &TRACED[..]), (&metrics, &MEASURED)] {
        for name in names {
            assert!(text.contains(name), "{name}: {text}");
        }
        assert!(text.contains("schemas/1.37.0"), "the version is pinned");
        assert!(!text.contains("Reply with the word"), "no contents: {text}");
    }

    // What is left is sent when it is stopped.
    let asks = ["probe", "-t", "simulator/sim-fast", "--every", "1h"];
    let mut command = home.tokenscope(asks);
    command.args(["--check-every", "10s", "--otlp", &collector.url]);
    let mut probing = Probing::start(command);
    let (mut run, mut check) = (Value::Null, Value::Null);
    while run.is_null() || check.is_null() {
        let line = probing.line().unwrap();
        match line["type"].as_str() {
            Some("run") => run = line,
            Some("check") => check = line,
            _ => {}
        }
    }
    assert_eq!(
        (&run["outcome"], &check["is_up"]),
        (&json!("ok"), &json!(true))
    );
    probing.terminate();
    assert_eq!(deadline::ended(&mut probing.child).code(), Some(0));
    let (traces, metrics) = collector.came();
    assert!(traces.contains("chat sim-fast"));
    for name in CHECKED {
        assert!(metrics.contains(name), "{name}: {metrics}");
    }
}

#[test]
fn no_key_is_told_and_a_collector_that_is_down_holds_up_nothing() {
    let key = canary().replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    let home = Home::new().with("THE_KEY", &key);
    home.write_settings(
        "[endpoint.up]\nbase_url = \"http://127.0.0.1:1/v1\"\nkey_env = \"THE_KEY\"\n",
    );
    let collector = Collector::start();
    let asks = ["probe", "--once", "-t", "up/m", "--otlp", &collector.url];
    assert_eq!(home.run(&asks, "").code, Some(1));
    let (traces, metrics) = collector.came();
    assert!(traces.contains("connect") && metrics.contains("connect"));
    for (text, place) in [(&traces, "traces"), (&metrics, "metrics")] {
        assert_no_canary_in(text.as_bytes(), &key, place);
    }

    let nobody = ["probe", "--once", "-t", "simulator/sim-fast", "--otlp"];
    let nobody = [&nobody[..], &["http://127.0.0.1:1"]].concat();
    let ran = home.run(&nobody, "");
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let wrong = home.run(&["probe", "--once", "--otlp", "nowhere"], "");
    assert_eq!(wrong.code, Some(2), "{}", wrong.err);
}

#[test]
fn a_real_collector_reads_traces_and_metrics() {
    let Some(rotel) = Rotel::start() else {
        return;
    };
    check(&Home::new(), &rotel.url);
    // The first metric of all is the last to come: traces are sent before.
    rotel.says_all(&[&TRACED[..], &MEASURED].concat());
}

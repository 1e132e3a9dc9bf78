//! Limits of cost, and checks that cost nothing.

use serde_json::Value;
use tokenscope::{history::History, simulator};

use super::Probing;
use crate::{
    deadline::{self, soon},
    home::Home,
};

/// A server on this machine whose answers are priced: a probe of it can cost at most about 0.4 dollars.
async fn priced_server(home: &Home) -> simulator::Simulator {
    let simulator = simulator::start(0).await.unwrap();
    home.write_settings(&format!(
        "[endpoint.here]\nbase_url = \"{}\"\nauth = \"none\"\n[price.\"here/*\"]\ninput = 0\noutput = 25000\n",
        simulator.base_url()
    ));
    simulator
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_cost_cap_is_a_gap_that_the_next_process_finds_reached() {
    let home = Home::new();
    let _server = priced_server(&home).await;
    let asks = [
        "probe",
        "-t",
        "here/sim-fast",
        "--every",
        "1s",
        "--usd-per-day",
        "1",
    ];
    let mut first = Probing::start(home.tokenscope(asks));
    let mut cost = 0.0;
    let gap = loop {
        let line = first.line().unwrap();
        if line["type"] == "gap" && line["why"] == "cost_cap" {
            break line;
        }
        cost += line["cost_usd"].as_f64().unwrap_or_default();
    };
    assert!(cost > 0.5 && cost <= 1.0, "{cost}");
    assert_eq!(
        (gap["target"].as_str(), &gap["to_unix_ns"]),
        (Some("here/sim-fast"), &Value::Null)
    );
    first.terminate();
    assert_eq!(deadline::ended(&mut first.child).code(), Some(0));
    let mut second = Probing::start(home.tokenscope(asks));
    assert_eq!(
        second.line().unwrap()["why"],
        "cost_cap",
        "what was spent is known"
    );
    drop(second);
    let file = home.path().join("gaps.json");
    let ran = home.run(&["export", "--gaps", "-o", file.to_str().unwrap()], "");
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let written: Vec<Value> =
        serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    assert!(
        written
            .iter()
            .any(|line| line["from_unix_ns"] == gap["from_unix_ns"])
    );
    assert!(written.iter().all(|line| line["to_unix_ns"].is_i64()));
    let file = home.path().join("gaps.csv");
    let ran = home.run(&["export", "--gaps", "-o", file.to_str().unwrap()], "");
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(
        text.starts_with("endpoint,model,why,from,to\r\nhere,sim-fast,cost_cap,"),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cap_without_a_price_needs_a_word_more() {
    let home = Home::new();
    let server = simulator::start(0).await.unwrap();
    let url = server.base_url().to_string();
    let asks = [
        "probe",
        "--base-url",
        &url,
        "-m",
        "sim-fast",
        "--usd-per-day",
        "1",
    ];
    let ran = home.run(&asks, "");
    assert_eq!(ran.code, Some(2));
    assert!(
        ran.err.contains("url/sim-fast") && ran.err.contains("--allow-unpriced"),
        "{}",
        ran.err
    );
    let mut allowed = Probing::start(home.tokenscope(asks.iter().chain(&["--allow-unpriced"])));
    assert_eq!(allowed.line().unwrap()["outcome"], "ok");
    drop(allowed);
    // The cap may be the plan's.
    home.write_settings(&format!(
        "[endpoint.here]\nbase_url = \"{url}\"\nauth = \"none\"\n\
         [monitor]\ntargets = [\"here/sim-fast\"]\nusd_per_day = 1\n"
    ));
    let settings = home.settings();
    let asks = ["probe", "--config", settings.to_str().unwrap()];
    let ran = home.run(&asks, "");
    assert_eq!(ran.code, Some(2), "{}", ran.err);
    let allow = |word| asks.iter().copied().chain(["--allow-unpriced"]).chain(word);
    let mut allowed = Probing::start(home.tokenscope(allow(None)));
    // The plan has free checks, too.
    let mut lines = std::iter::from_fn(|| allowed.line());
    let probe = lines.find(|line| line["type"] != "check").unwrap();
    assert_eq!(probe["outcome"], "ok", "{probe}");
    let ran = home.run(&allow(Some("--once")).collect::<Vec<_>>(), "");
    assert_eq!(ran.code, Some(2), "{}", ran.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn endpoints_are_checked_for_free_between_probes() {
    let home = Home::new();
    let _server = priced_server(&home).await;
    let more = "[endpoint.away]\nbase_url = \"http://127.0.0.1:1/v1\"\nauth = \"none\"\n";
    let settings = std::fs::read_to_string(home.settings()).unwrap();
    home.write_settings(&format!("{settings}{more}"));
    let mut probing = Probing::start(home.tokenscope([
        "probe",
        "-t",
        "here/sim-fast",
        "-t",
        "away/m",
        "--every",
        "1h",
        "--check-every",
        "10s",
    ]));
    let (mut here, mut away) = (None, None);
    while here.is_none() || away.is_none() {
        let line = probing.line().unwrap();
        match (line["type"].as_str(), line["endpoint"].as_str()) {
            (Some("check"), Some("here")) => here = Some(line),
            (Some("check"), Some("away")) => away = Some(line),
            _ => {}
        }
    }
    let (here, away) = (here.unwrap(), away.unwrap());
    assert_eq!(
        (&here["is_up"], &here["status"]),
        (&true.into(), &200.into()),
        "{here}"
    );
    assert!(here["tcp_ms"].as_f64().unwrap() > 0.0 && here["models_ms"].as_f64().unwrap() > 0.0);
    assert_eq!(
        (&away["is_up"], &away["fault"]),
        (&false.into(), &"connect".into()),
        "{away}"
    );
    assert!(away["models_ms"].is_null(), "nothing is made up");
    drop(probing);
    let history = History::open(&home.paths().data);
    let checks = history.checks(0, i64::MAX).await.unwrap();
    assert!(
        checks
            .iter()
            .any(|check| check.endpoint == "here" && check.status == Some(200))
    );
    soon("the history's end", history.end()).await.unwrap();
}

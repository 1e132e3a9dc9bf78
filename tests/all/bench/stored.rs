//! Benches in the history: listed, shown, exported, deleted, and whole after a kill.

#![expect(clippy::disallowed_methods, reason = "the promise is about time")]

use std::{
    process::Stdio,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokenscope::{bench::Tally, history::History};

use super::{answer, asks, bench_at, lines, steady_server};
use crate::{
    deadline::{self, soon},
    fault_server::{read_request, serve},
    home::Home,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_bench_can_be_listed_shown_written_and_deleted() {
    let (home, server) = (Home::new(), steady_server(Duration::ZERO).await);
    let file = |name: &str| home.path().join(name);
    let csv = file("requests.csv");
    let more = ["--rate", "100", "-n", "30", "-o", csv.to_str().unwrap()];
    let (line, ran) = bench_at(&home, &server, &more);
    assert!(ran.err.contains("30 requests written"), "{}", ran.err);
    let id = line["id"].as_i64().unwrap().to_string();
    let rows = std::fs::read_to_string(&csv).unwrap();
    assert_eq!(rows.lines().count(), 31);
    let header = rows.lines().next().unwrap();
    for column in [
        "scheduled_ms",
        "started_ms",
        "first_token_ms",
        "ttft_from_schedule_ms",
        "outcome",
    ] {
        assert!(header.split(',').any(|name| name == column), "{header}");
    }

    let listed = lines(&home.run(&["bench", "--list", "--json"], ""));
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0], line, "as it was told");
    let shown = home.run(&["bench", "--show", &id, "--json"], "").json();
    assert_eq!(shown, line);
    let words = home.run(&["bench", "--list"], "").out;
    assert!(
        words.contains(&id) && words.contains("30 requests"),
        "{words}"
    );

    let json_file = file("requests.json");
    let parquet = file("requests.parquet");
    for to in [&json_file, &parquet] {
        let ran = home.run(&["bench", "--show", &id, "-o", to.to_str().unwrap()], "");
        assert_eq!(ran.code, Some(0), "{}", ran.err);
    }
    let requests: Vec<Value> = serde_json::from_slice(&std::fs::read(&json_file).unwrap()).unwrap();
    assert_eq!(requests.len(), 30);
    for request in &requests {
        assert_eq!(request["outcome"], "ok");
        assert_eq!(request["output_tokens"], 2);
        assert_eq!(
            request["reads"]
                .as_array()
                .unwrap()
                .iter()
                .map(|read| read[1].as_u64().unwrap())
                .sum::<u64>(),
            2
        );
        let at = |name: &str| request[name].as_f64().unwrap();
        assert!(
            at("scheduled_ms") <= at("started_ms") && at("started_ms") <= at("request_sent_ms"),
            "{request}"
        );
        assert!(
            at("first_token_ms") <= at("last_token_ms") && at("last_token_ms") <= at("ended_ms"),
            "{request}"
        );
    }
    assert_eq!(&std::fs::read(&parquet).unwrap()[..4], b"PAR1");

    let deleted = home.run(&["bench", "--delete", &id], "");
    assert_eq!(deleted.code, Some(0), "{}", deleted.err);
    assert_eq!(home.run(&["bench", "--list"], "").out, "");
    let gone = home.run(&["bench", "--show", &id], "");
    assert_eq!(gone.code, Some(2), "{}", gone.err);
}

/// The id of a bench, as an argument.
fn id(line: &Value) -> String {
    line["id"].as_i64().unwrap().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_benches_stand_side_by_side_with_their_differences() {
    let home = Home::new();
    let quick = steady_server(Duration::ZERO).await;
    let slow = steady_server(Duration::from_millis(150)).await;
    let (a, _) = bench_at(&home, &quick, &["-n", "30"]);
    let (b, _) = bench_at(
        &home,
        &slow,
        &["-n", "30", "-c", "2", "--prompt", "another"],
    );
    let (one, other) = (id(&a), id(&b));
    let both = ["bench", "--compare", &one, &other];
    let ran = home.run(&[&both[..], &["--json"]].concat(), "");
    let line = ran.json();
    let is_valid = a["valid"] == true && b["valid"] == true;
    assert_eq!(ran.code, Some(if is_valid { 0 } else { 4 }), "{line}");
    assert_eq!(
        (&line["valid"], &line["method"]),
        (&json!(is_valid), &json!("mover"))
    );
    let figures = line["figures"].as_array().unwrap();
    let ttft = &figures[0];
    assert_eq!(
        (&ttft["figure"], &ttft["quantile"]),
        (&json!("ttft_ms"), &json!(0.5))
    );
    for (side, bench) in [("a", &a), ("b", &b)] {
        assert_eq!(line[side]["id"], bench["id"]);
        assert_eq!(ttft[side], bench["ttft_ms"]["p50"]);
        assert_eq!(ttft[&format!("{side}_low")], bench["ttft_ms"]["p50_low"]);
    }
    let number = |name: &str| ttft[name].as_f64().unwrap();
    assert!(number("low") <= number("difference") && number("difference") <= number("high"));
    if is_valid {
        assert_eq!(ttft["verdict"], "higher", "{ttft}");
    }
    let rate = figures
        .iter()
        .find(|it| it["figure"] == "achieved_rate")
        .unwrap();
    assert!(rate["low"].is_null() && rate["verdict"].is_null(), "{rate}");
    let differ = line["plan_differs"].as_array().unwrap();
    let fields: Vec<&Value> = differ.iter().map(|it| &it["field"]).collect();
    assert_eq!(
        fields,
        ["load", "asked"],
        "the target is url/m both times: {line}"
    );

    let words = home.run(&both, "").out;
    for text in [
        "TTFT from start, median",
        "Planned differently",
        "2 streams",
        "B − A",
    ] {
        assert!(words.contains(text), "{text}: {words}");
    }
    let twice = home.run(&["bench", "--compare", &id(&a), &id(&a)], "");
    assert_eq!(twice.code, Some(2), "{}", twice.err);
    let nobody = home.run(&["bench", "--compare", &id(&a), "7"], "");
    assert!(
        nobody.code == Some(2) && nobody.err.contains("no bench 7"),
        "{}",
        nobody.err
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_concluded_from_a_bench_that_is_invalid() {
    let home = Home::new();
    let server = steady_server(Duration::ZERO).await;
    let (good, _) = bench_at(&home, &server, &["-n", "20"]);
    // More is due than may be under way, so that our own lag makes it invalid.
    let slow = steady_server(Duration::from_millis(100)).await;
    let more = ["--rate", "100", "-n", "30", "--most-in-flight", "1"];
    let (invalid, _) = bench_at(&home, &slow, &more);
    assert_eq!(invalid["valid"], false, "{invalid}");
    let (one, other) = (id(&good), id(&invalid));
    let both = ["bench", "--compare", &one, &other];
    let ran = home.run(&[&both[..], &["--json"]].concat(), "");
    let line = ran.json();
    assert_eq!((ran.code, &line["valid"]), (Some(4), &json!(false)));
    assert_eq!(line["b"]["invalid"], invalid["invalid"]);
    let figures = line["figures"].as_array().unwrap();
    assert!(
        !figures.is_empty() && figures.iter().all(|it| it["verdict"].is_null()),
        "{line}"
    );
    let words = home.run(&both, "").out;
    assert!(
        words.contains("INVALID") && !words.contains("B is"),
        "{words}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_can_be_computed_again_from_what_is_stored() {
    let (home, server) = (Home::new(), steady_server(Duration::from_millis(1)).await);
    let more = ["--rate", "100", "-n", "40", "--slo", "ttft=1h"];
    let (line, _) = bench_at(&home, &server, &more);
    let history = History::open(&home.paths().data);
    let bench = history.benches().await.unwrap().remove(0);
    let mut tally = Tally::new(&bench.plan);
    let mut seq = 0;
    while let Some(requests) = history.bench_block(bench.id, seq).await.unwrap() {
        for request in &requests {
            tally.add(request);
        }
        seq += 1;
    }
    let again = serde_json::to_value(tally.summary(None)).unwrap();
    for figure in [
        "ttft_ms",
        "tpot_ms",
        "total_ms",
        "from_schedule",
        "lag_ms",
        "goodput",
        "achieved_rate",
        "read_gap_ms",
    ] {
        assert_eq!(again[figure], line[figure], "{figure}");
    }
    soon("the history's end", history.end()).await.unwrap();
}

/// What must be on disk after this time.
const PROMISED: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_loses_at_most_the_last_second() {
    let home = Home::new();
    let answered: Arc<Mutex<Vec<Instant>>> = Arc::default();
    let noting = Arc::clone(&answered);
    let server = serve(move |mut stream, _| {
        let answered = Arc::clone(&noting);
        async move {
            while read_request(&mut stream).await.is_some() {
                answer(&mut stream).await;
                answered.lock().unwrap().push(Instant::now());
            }
        }
    })
    .await;
    let url = format!("{}v1", server.url());
    let asks = asks(&url, &["--rate", "200", "--time", "1h"]);
    let mut child = home.start(asks, Stdio::null(), Stdio::null());
    deadline::until_true("500 answers", || answered.lock().unwrap().len() >= 500);
    let killed = Instant::now();
    child.kill().unwrap();
    deadline::ended(&mut child);
    let promised = answered
        .lock()
        .unwrap()
        .iter()
        .filter(|at| killed - **at > PROMISED)
        .count();
    assert!(promised > 0);

    let listed = home.run(&["bench", "--list"], "").out;
    assert!(listed.contains("killed"), "{listed}");
    let id = listed.split_whitespace().next().unwrap().to_owned();
    let shown = home.run(&["bench", "--show", &id, "--json"], "").json();
    let kept = shown["requests"]["sent"].as_u64().unwrap();
    assert!(kept >= promised as u64, "{kept} of {promised} promised");
    assert_eq!(shown["stopped"], "killed");
    assert_eq!(shown["ttft_ms"]["n"], json!(kept), "{shown}");
}

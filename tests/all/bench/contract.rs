//! The line of JSON, field by field, and the exit codes.

use std::time::Duration;

use serde_json::{Value, json};

use super::{asks, assert_done, bench_at, lines, steady_server};
use crate::{
    canary::{assert_no_canary, assert_no_canary_in, canary},
    fault_server::{read_request, send, serve, whole},
    home::Home,
};

/// Checks a figure: its numbers in order, its count, nothing where too little was measured.
#[track_caller]
fn assert_figure(figure: &Value, n: u64) {
    assert_eq!(figure["n"], n, "{figure}");
    let at = |name: &str| figure[name].as_f64();
    assert!(
        at("p50_low") <= at("p50") && at("p50") <= at("p50_high"),
        "{figure}"
    );
    assert!(at("min") <= at("p50") && at("p50") <= at("max"), "{figure}");
    assert_eq!(at("p95").is_some(), n >= 20, "{figure}");
    assert_eq!(at("p99").is_some(), n >= 100, "{figure}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_loop_ends_in_one_line_with_every_field() {
    let (home, server) = (Home::new(), steady_server(Duration::from_millis(30)).await);
    let more = [
        "--rate",
        "200",
        "--arrivals",
        "constant",
        "-n",
        "120",
        "--warm-up",
        "10",
        "--slo",
        "ttft=1h,tpot=1h",
    ];
    let (line, ran) = bench_at(&home, &server, &more);
    assert_done(&line, &ran);
    assert_eq!(lines(&ran).len(), 1, "{}", ran.out);
    assert_eq!(line["type"], "bench");
    assert_eq!(line["target"], "url/m");
    assert_eq!(line["requested_rate"], 200.0);
    assert!(line["achieved_rate"].as_f64().unwrap() > 0.0, "{line}");
    for lag in ["p50", "p99", "max"] {
        assert!(line["lag_ms"][lag].is_f64(), "{line}");
    }
    assert_figure(&line["ttft_ms"], 120);
    assert_figure(&line["tpot_ms"], 120);
    assert_figure(&line["total_ms"], 120);
    assert_figure(&line["from_schedule"]["ttft_ms"], 120);
    assert_figure(&line["from_schedule"]["total_ms"], 120);
    let least = line["ttft_ms"]["min"].as_f64().unwrap();
    assert!(least >= 30.0, "the server waits 30 ms: {least}");
    let goodput = &line["goodput"];
    assert_eq!(
        (&goodput["good"], &goodput["of"]),
        (&json!(120), &json!(120))
    );
    assert_eq!(goodput["share"], 1.0);
    assert_eq!(line["faults"], json!({}));
    let requests = &line["requests"];
    assert_eq!(
        (&requests["sent"], &requests["ok"], &requests["warm_up"]),
        (&json!(120), &json!(120), &json!(10))
    );
    assert_eq!(line["output_tokens"], 240);
    assert_eq!(line["input_tokens"], 840);
    assert_eq!(line["stopped"], "requests");
    assert_eq!(
        line["plan"]["load"],
        json!({"kind": "rate", "per_second": 200.0, "arrivals": "constant"})
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_loop_says_that_it_cannot_show_coordinated_omission() {
    let (home, server) = (Home::new(), steady_server(Duration::from_millis(5)).await);
    let (line, ran) = bench_at(&home, &server, &["-c", "4", "-n", "40"]);
    assert_done(&line, &ran);
    assert_eq!(line["requested_rate"], Value::Null);
    assert_eq!(line["requested_concurrency"], 4);
    assert_eq!(line["from_schedule"], Value::Null);
    let why = line["from_schedule_note"].as_str().unwrap();
    assert!(why.contains("coordinated omission"), "{why}");
    assert_eq!(line["goodput"], Value::Null);
    let requests = &line["requests"];
    assert_eq!(
        (&requests["warm"], &requests["cold"]),
        (&json!(40), &json!(0)),
        "connected ahead"
    );
    assert!(server.accepted() <= 4, "{}", server.accepted());
}

#[tokio::test(flavor = "multi_thread")]
async fn cold_requests_open_their_own_connections() {
    let (home, server) = (Home::new(), steady_server(Duration::ZERO).await);
    let more = ["-c", "2", "-n", "12", "--connections", "cold"];
    let (line, ran) = bench_at(&home, &server, &more);
    assert_done(&line, &ran);
    assert_eq!(line["requests"]["cold"], 12);
    assert_eq!(line["connect_ms"]["n"], 12);
    assert_eq!(line["ttft_by_connection"]["cold"]["n"], 12);
    assert_eq!(server.accepted(), 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_is_replayed() {
    let (home, server) = (Home::new(), steady_server(Duration::ZERO).await);
    let file = home.path().join("trace.txt");
    std::fs::write(&file, "0\n0.05\n0.05\n0.2\n").unwrap();
    let (line, ran) = bench_at(&home, &server, &["--trace", file.to_str().unwrap()]);
    assert_done(&line, &ran);
    assert_eq!(line["requests"]["ok"], 4);
    assert_eq!(line["requested_rate"], 15.0);
    std::fs::write(&file, "0\nsoon\n").unwrap();
    let (_, ran) = bench_at(&home, &server, &["--trace", file.to_str().unwrap()]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("line 2 of the trace"), "{}", ran.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_is_a_bench_for_each_level_and_target() {
    let (home, server) = (Home::new(), steady_server(Duration::ZERO).await);
    let url = format!("{}v1", server.url());
    let sweep = ["-m", "other", "--sweep", "1,3", "-n", "6"];
    let ran = home.run(&asks(&url, &sweep), "");
    let told: Vec<_> = lines(&ran)
        .iter()
        .map(|line| {
            (
                line["target"].clone(),
                line["requested_concurrency"].clone(),
            )
        })
        .collect();
    let expected = [
        ("url/m", 1),
        ("url/m", 3),
        ("url/other", 1),
        ("url/other", 3),
    ];
    let expected = expected.map(|(target, level)| (json!(target), json!(level)));
    assert_eq!(told, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_ends_in_a_line_with_its_steps() {
    let (home, server) = (Home::new(), steady_server(Duration::from_millis(2)).await);
    let more = [
        "--search",
        "--rate",
        "40",
        "--slo",
        "ttft=1us",
        "-n",
        "4",
        "--arrivals",
        "constant",
    ];
    let (line, ran) = bench_at(&home, &server, &more);
    assert_eq!(line["type"], "search", "{}", ran.err);
    assert_eq!(line["highest_rate"], Value::Null, "nothing is so fast");
    assert_eq!(line["steps"][0]["rate"], 40.0);
    assert_eq!(ran.code, Some(1));
}

#[test]
fn without_a_key_or_a_network_the_simulator_is_asked_and_told_in_words() {
    let home = Home::new();
    let ran = home.run(
        &[
            "bench",
            "-t",
            "simulator/sim-fast",
            "-c",
            "2",
            "-n",
            "6",
            "--max-tokens",
            "4",
        ],
        "",
    );
    assert!(matches!(ran.code, Some(0 | 4)), "{ran:?}");
    for part in [
        "simulator/sim-fast: 2 streams",
        "6 requests: 6 ok, 0 failed",
        "TTFT",
        "Our own lag",
        "Stopped by: requests",
    ] {
        assert!(ran.out.contains(part), "{part}: {}", ran.out);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_have_a_class_and_a_code() {
    let home = Home::new();
    let server = serve(|mut stream, number| async move {
        while read_request(&mut stream).await.is_some() {
            if number % 2 == 0 {
                super::answer(&mut stream).await;
            } else {
                let body = "{\"error\":{\"message\":\"too busy\",\"type\":\"overloaded\"}}";
                send(
                    &mut stream,
                    whole(
                        "503 Service Unavailable",
                        "content-type: application/json\r\n",
                        body,
                    ),
                )
                .await;
            }
        }
    })
    .await;
    // Two connections, one of which always fails.
    let (line, ran) = bench_at(
        &home,
        &server,
        &["-c", "2", "-n", "40", "--max-failures", "1000"],
    );
    let requests = &line["requests"];
    let (ok, failed) = (
        requests["ok"].as_u64().unwrap(),
        requests["failed"].as_u64().unwrap(),
    );
    assert_eq!(ok + failed, 40, "{line}");
    assert_eq!(line["faults"]["overloaded"], failed, "{line}");
    assert_eq!(line["ttft_ms"]["n"], ok, "a failure is in no time");
    assert!(failed > 0 && ok > 0, "{line}");
    assert!(
        ran.err.contains("too busy"),
        "the provider's own words: {}",
        ran.err
    );
    let (line, ran) = bench_at(
        &home,
        &server,
        &["-c", "2", "--max-failures", "3", "--time", "1h"],
    );
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    assert_eq!(line["stopped"], "failures");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_arguments_are_refused_before_anything_is_sent() {
    let (home, server) = (Home::new(), steady_server(Duration::ZERO).await);
    for more in [
        &["-c", "2", "--rate", "5"][..],
        &["-c", "0"],
        &["--rate", "0"],
        &["--arrivals", "constant"],
        &["--search"],
        &["--slo", "ttft"],
        &["-o", "requests.txt"],
        &["--max-usd", "1"],
    ] {
        let (_, ran) = bench_at(&home, &server, more);
        assert_eq!(ran.code, Some(2), "{more:?}: {}", ran.err);
    }
    assert_eq!(server.accepted(), 0);
}

#[test]
fn load_on_another_machine_is_asked_about() {
    let home = Home::new();
    let elsewhere = [
        "bench",
        "--base-url",
        "https://192.0.2.1/v1",
        "-m",
        "m",
        "-n",
        "3",
    ];
    let ran = home.run(&elsewhere, "");
    assert_eq!(ran.code, Some(2), "{}", ran.err);
    assert!(
        ran.err.contains("--yes") && ran.err.contains("3 requests"),
        "{}",
        ran.err
    );
    let dry = home.run(&[&elsewhere[..], &["--dry-run", "--json"]].concat(), "");
    assert_eq!(dry.code, Some(0), "{}", dry.err);
    let estimate = dry.json();
    assert_eq!(
        (&estimate["type"], &estimate["requests"]),
        (&json!("estimate"), &json!(3))
    );
    assert_eq!(estimate["is_local"], false);
    assert_eq!(estimate["most_usd"], Value::Null, "its price is not known");
    assert_eq!(estimate["most_output_tokens"], 3 * 64);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_key_is_found_in_what_it_writes() {
    let canary = canary();
    let home = Home::new().with("LLM_API_KEY", &canary);
    let echoing = serve(|mut stream, _| async move {
        while let Some((head, _)) = read_request(&mut stream).await {
            let body = serde_json::json!({"error": {"message": format!("no such key: {head}")}})
                .to_string();
            send(
                &mut stream,
                whole(
                    "401 Unauthorized",
                    "content-type: application/json\r\n",
                    &body,
                ),
            )
            .await;
        }
    })
    .await;
    let (line, ran) = bench_at(&home, &echoing, &["-n", "3"]);
    assert_eq!(line["faults"]["auth"], 3, "{}", ran.err);
    for text in [&ran.out, &ran.err] {
        assert_no_canary_in(text.as_bytes(), &canary, "what was printed");
    }
    assert_no_canary(&[home.path()], &canary);
}

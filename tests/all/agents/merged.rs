//! What two agents measured, put together: every request, and figures of all of them.

use std::{fs, time::Duration};

use serde_json::{Value, json};
use tokenscope::{
    bench::{
        BenchRequest,
        figures::times,
        merge::merged_requests,
        part::{BenchPart, decode_file},
    },
    history::History,
};

use super::{Agent, Provider, addresses, asks, driver, line};
use crate::{bench::assert_done, deadline::soon};

/// The raw requests of a part.
fn requests(part: &BenchPart) -> Vec<BenchRequest> {
    part.requests().flat_map(Result::unwrap).collect()
}

/// The percentiles of these milliseconds as JSON.
fn figures(values: impl Iterator<Item = f64>) -> Value {
    without_mean(&serde_json::to_value(times(&values.collect::<Vec<_>>())).unwrap())
}

/// Figures without their mean, whose last digit depends on the order of the requests.
fn without_mean(figures: &Value) -> Value {
    let mut figures = figures.clone();
    figures["mean"] = Value::Null;
    figures
}

#[tokio::test(flavor = "multi_thread")]
async fn the_figures_are_those_of_all_raw_requests() {
    let (fast, slow) = (
        Provider::new(Duration::from_millis(2)).await,
        Provider::new(Duration::from_millis(60)).await,
    );
    let agents = [Agent::start(&fast), Agent::start(&slow)];
    let addresses = addresses(&[&agents[0], &agents[1]]);
    let home = driver();
    let file = home.path().join("all.tsbench");
    let more = [
        "--rate",
        "80",
        "--arrivals",
        "constant",
        "-n",
        "121",
        "--warm-up",
        "5",
        "--slo",
        "ttft=30ms",
        "--save",
        file.to_str().unwrap(),
    ];
    let ran = home.run(&asks(&addresses, &more), "");
    let line = line(&ran);
    assert_done(&line, &ran);
    // Each was asked of its own provider, and nothing else was.
    assert_eq!((fast.asked(), slow.asked()), (61 + 3, 60 + 2));
    let counts = &line["requests"];
    assert_eq!(counts["ok"], 121, "{line}");
    assert_eq!(counts["warm_up"], 5);
    assert_eq!(line["requested_rate"], 80.0);

    let parts = decode_file(&fs::read(&file).unwrap()).unwrap();
    let raw: Vec<Vec<BenchRequest>> = parts.iter().map(requests).collect();
    let counted = |requests: &[BenchRequest]| requests.iter().filter(|r| !r.is_warm_up).count();
    assert_eq!([counted(&raw[0]), counted(&raw[1])], [61, 60]);
    let all = || raw.iter().flatten().filter(|request| !request.is_warm_up);
    let ttft = figures(all().filter_map(BenchRequest::ttft_ms));
    assert_eq!(
        without_mean(&line["ttft_ms"]),
        ttft,
        "from the requests, not from percentiles"
    );
    let from_schedule = figures(all().filter_map(BenchRequest::ttft_from_schedule_ms));
    assert_eq!(
        without_mean(&line["from_schedule"]["ttft_ms"]),
        from_schedule
    );
    assert_eq!(
        without_mean(&line["total_ms"]),
        figures(all().filter_map(BenchRequest::total_ms))
    );
    assert_eq!(line["goodput"]["of"], 121);
    // The slow half is in the tail, and the mean of two percentiles would be elsewhere.
    let p = |figure: &Value, name: &str| figure[name].as_f64().unwrap();
    assert!(p(&line["ttft_ms"], "p95") >= 60.0 && p(&line["ttft_ms"], "min") < 60.0);
    let machines = line["machines"].as_array().unwrap();
    for (machine, raw) in machines.iter().zip(&raw) {
        let own = raw.iter().filter(|request| !request.is_warm_up);
        assert_eq!(
            without_mean(&machine["ttft_ms"]),
            figures(own.filter_map(BenchRequest::ttft_ms))
        );
    }

    // On one clock: the rate is that of all starts together.
    let on_one: Vec<BenchRequest> = merged_requests(&parts).flat_map(Result::unwrap).collect();
    let starts = || on_one.iter().filter(|r| !r.is_warm_up).map(|r| r.started);
    #[expect(clippy::cast_precision_loss, reason = "times of a test")]
    let span = (starts().max().unwrap() - starts().min().unwrap()) as f64 / 1e9;
    let rate = 120.0 / span;
    assert!((line["achieved_rate"].as_f64().unwrap() / rate - 1.0).abs() < 1e-9);

    // It is in the driver's history, too.
    let history = History::open(&home.paths().data);
    let kept = history.benches().await.unwrap().remove(0);
    assert_eq!(json!(kept.id.0), line["id"]);
    assert_eq!(kept.requests, 126);
    soon("the history's end", history.end()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn clocks_are_measured_and_the_error_is_stated() {
    let provider = Provider::new(Duration::from_millis(5)).await;
    let agents = [Agent::start(&provider), Agent::start(&provider)];
    let addresses = addresses(&[&agents[0], &agents[1]]);
    let more = ["-c", "4", "-n", "40", "--no-history"];
    let ran = driver().run(&asks(&addresses, &more), "");
    let line = line(&ran);
    assert_done(&line, &ran);
    assert_eq!(line["clock"]["by"], "round_trips");
    assert_eq!(line["requested_concurrency"], 4);
    let within = line["clock"]["uncertainty_ms"].as_f64().unwrap();
    for machine in line["machines"].as_array().unwrap() {
        let ms = |name: &str| machine[name].as_f64().unwrap();
        assert!(
            ms("clock_uncertainty_ms") <= within && within > 0.0,
            "{machine}"
        );
        // All processes are on one machine with one clock, so the truth is known: nothing, but for steps of the wall
        // clock between their starts.
        let off = ms("clock_offset_ms").abs();
        assert!(off <= ms("clock_uncertainty_ms") + 2.0, "{machine}");
        assert!(machine["clock_drift_ms"].is_f64(), "{machine}");
        assert_eq!(machine["requests"]["ok"], 20);
    }
    let told = driver().run(
        &[
            "bench",
            "--agents",
            &addresses,
            "-t",
            "here/m",
            "-c",
            "2",
            "-n",
            "8",
            "--no-history",
        ],
        "",
    );
    for part in [
        "2 streams",
        "machine",
        "Clocks: put on the driver’s",
        &agents[1].address,
    ] {
        assert!(told.out.contains(part), "{part}: {}{}", told.out, told.err);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn agents_are_reached_by_tls_with_the_certificate_that_they_wrote() {
    let provider = Provider::new(Duration::ZERO).await;
    let home = driver();
    let authority = home.path().join("ca.pem");
    let authority = authority.to_str().unwrap();
    let agent = Agent::start_with(&provider, &["--tls-ca-out", authority]);
    assert!(
        agent.address.starts_with("https://127.0.0.1:"),
        "{}",
        agent.address
    );
    let more = ["-n", "6", "--agent-ca", authority];
    let ran = home.run(&asks(&agent.address, &more), "");
    assert_done(&line(&ran), &ran);
    assert_eq!(provider.asked(), 6);
    let stranger = home.run(&asks(&agent.address, &["-n", "6"]), "");
    assert_eq!(stranger.code, Some(1), "{}", stranger.err);
    assert!(stranger.err.contains("certificate"), "{}", stranger.err);
    assert_eq!(provider.asked(), 6);
}

//! `bench --otlp`: what collectors get of benches.

use std::time::Duration;

use super::{assert_done, bench_at, steady_server};
use crate::{
    collector::{Collector, Rotel},
    fault_server::{read_request, send, serve},
    home::Home,
};

/// What a collector must have heard of requests that were answered.
const MEASURED: [&str; 14] = [
    "gen_ai.client.operation.duration",
    "gen_ai.client.token.usage",
    "gen_ai.request.model",
    "gen_ai.provider.name",
    "tokenscope.bench.ttft",
    "tokenscope.bench.ttft_from_schedule",
    "tokenscope.bench.time_per_output_token",
    "tokenscope.bench.lag",
    "tokenscope.bench.requests",
    "tokenscope.bench.requested_rate",
    "tokenscope.bench.achieved_rate",
    "tokenscope.bench.goodput",
    "tokenscope.bench.valid",
    "tokenscope.bench.id",
];

const LOAD: [&str; 6] = ["--rate", "100", "-n", "20", "--slo", "ttft=1h"];

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_gets_the_figures_of_all_requests_and_no_span() {
    let (home, server) = (Home::new(), steady_server(Duration::ZERO).await);
    let collector = Collector::start();
    let more = ["--otlp", &collector.url, "--prompt", "a secret question"];
    let (line, ran) = bench_at(&home, &server, &[&LOAD[..], &more].concat());
    assert_done(&line, &ran);
    let (traces, metrics) = collector.came();
    assert_eq!(traces, "", "a load of a million would make a million spans");
    for name in MEASURED {
        assert!(metrics.contains(name), "{name}: {metrics}");
    }
    let id = line["id"].as_i64().unwrap().to_string();
    assert!(metrics.contains(&id), "{id} tells benches apart");
    assert!(metrics.contains("schemas/1.37.0"), "the version is pinned");
    assert!(!metrics.contains("secret"), "no contents: {metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_are_told_by_class_and_a_collector_that_is_down_holds_up_nothing() {
    let home = Home::new();
    let server = serve(move |mut stream, _| async move {
        while read_request(&mut stream).await.is_some() {
            let refusal = "HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\n\r\n";
            send(&mut stream, refusal).await;
        }
    })
    .await;
    let collector = Collector::start();
    let more = ["-n", "3", "--no-history", "--otlp", &collector.url];
    let (_, ran) = bench_at(&home, &server, &more);
    assert_eq!(ran.code, Some(1), "no answer at all: {}", ran.err);
    let (_, metrics) = collector.came();
    for said in ["error.type", "rate_limited", "tokenscope.bench.requests"] {
        assert!(metrics.contains(said), "{said}: {metrics}");
    }
    assert!(!metrics.contains("tokenscope.bench.ttft"), "{metrics}");

    let nobody = ["-n", "3", "--otlp", "http://127.0.0.1:1"];
    let (line, _) = bench_at(&home, &server, &nobody);
    assert_eq!(line["requests"]["failed"], 3);
    let wrong = home.run(&["bench", "--otlp", "nowhere"], "");
    assert_eq!(wrong.code, Some(2), "{}", wrong.err);
    for stored in [&["--show", "1"][..], &["--compare", "1", "2"]] {
        let arguments = [&["bench", "--otlp", &collector.url][..], stored].concat();
        let refused = home.run(&arguments, "");
        assert_eq!(refused.code, Some(2), "only while it runs");
        assert!(refused.err.contains("cannot be used with"), "{refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_collector_reads_the_metrics() {
    let Some(rotel) = Rotel::start() else {
        return;
    };
    let (home, server) = (Home::new(), steady_server(Duration::ZERO).await);
    let more = [&LOAD[..], &["--otlp", &rotel.url]].concat();
    let (line, ran) = bench_at(&home, &server, &more);
    assert_done(&line, &ran);
    rotel.says_all(&MEASURED);
}

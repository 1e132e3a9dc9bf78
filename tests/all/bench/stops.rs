//! How a bench stops: by its rules, by a signal, and what it heeds.

use std::{
    io::{BufRead as _, BufReader},
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::json;

use super::{asks, assert_done, bench_at, steady_server};
use crate::{
    deadline,
    fault_server::{read_request, send, serve, whole},
    home::Home,
};

#[tokio::test(flavor = "multi_thread")]
async fn time_stops_it_and_the_last_are_waited_for() {
    let (home, server) = (Home::new(), steady_server(Duration::from_millis(100)).await);
    let more = ["--rate", "100", "--arrivals", "constant", "--time", "500ms"];
    let (line, ran) = bench_at(&home, &server, &more);
    assert_done(&line, &ran);
    assert_eq!(line["stopped"], "time");
    // Those that were due within half a second, though the last were answered after it.
    assert_eq!(line["requests"]["ok"], 50, "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_still_under_way_after_the_drain_is_cancelled_and_counts_nowhere() {
    let home = Home::new();
    let silent = serve(|mut stream, number| async move {
        while read_request(&mut stream).await.is_some() {
            if number == 0 {
                super::answer(&mut stream).await;
            } else {
                std::future::pending::<()>().await;
            }
        }
    })
    .await;
    let more = ["-c", "2", "--time", "300ms", "--drain", "100ms"];
    let (line, _) = bench_at(&home, &silent, &more);
    assert_eq!(line["requests"]["cancelled"], 1, "{line}");
    assert_eq!(line["requests"]["failed"], 0, "{line}");
    assert_eq!(line["faults"], json!({}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_429_holds_everything_back_if_that_was_chosen() {
    let home = Home::new();
    let refusing = || async {
        let asked = Arc::new(AtomicUsize::new(0));
        serve(move |mut stream, _| {
            let asked = Arc::clone(&asked);
            async move {
                while read_request(&mut stream).await.is_some() {
                    if asked.fetch_add(1, Ordering::SeqCst) == 0 {
                        let head = "retry-after: 1\r\ncontent-type: application/json\r\n";
                        send(&mut stream, whole("429 Too Many Requests", head, "{}")).await;
                    } else {
                        super::answer(&mut stream).await;
                    }
                }
            }
        })
        .await
    };
    let load = ["--rate", "50", "--arrivals", "constant", "-n", "100"];
    let (line, _) = bench_at(
        &home,
        &refusing().await,
        &[&load[..], &["--back-off"]].concat(),
    );
    assert_eq!(line["back_off"], "polite");
    let requests = &line["requests"];
    let [sent, held] = ["sent", "held_back"].map(|name| requests[name].as_u64().unwrap());
    assert_eq!(sent + held, 100, "{line}");
    // A second at 50 a second; a few were due before the refusal came.
    assert!((40..=60).contains(&held), "{held}");
    assert_eq!(line["faults"], json!({"rate_limited": 1}));
    let (line, _) = bench_at(&home, &refusing().await, &load);
    assert_eq!(
        (&line["back_off"], &line["requests"]["held_back"]),
        (&json!("never"), &json!(0))
    );
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_signal_ends_it_with_the_figures_so_far() {
    let (home, server) = (Home::new(), steady_server(Duration::ZERO).await);
    let url = format!("{}v1", server.url());
    let asks = asks(&url, &["-c", "2", "--time", "1h"]);
    let mut child = home.start(asks, Stdio::piped(), Stdio::piped());
    let progress = BufReader::new(child.stderr.take().unwrap());
    let (progress, line) = deadline::read("its progress", progress, |err| {
        let mut line = String::new();
        err.read_line(&mut line).map(|_| line)
    });
    let line = line.unwrap();
    assert!(
        line.contains("under way") && line.contains("TTFT p50"),
        "{line}"
    );
    let pid = child.id().to_string();
    let told = std::process::Command::new("kill")
        .args(["-INT", &pid])
        .status();
    assert!(told.unwrap().success());
    drop(progress);
    let output = deadline::output(child);
    assert_eq!(output.status.code(), Some(130));
    let line: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(line["stopped"], "stopped");
    assert!(line["requests"]["ok"].as_u64().unwrap() > 0, "{line}");
    assert_eq!(line["faults"], json!({}), "what we stopped did not fail");
}

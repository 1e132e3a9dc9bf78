//! `bench --report`: its file, of one bench, of several, of a stored one, and how a real browser shows it.

use std::{fs, path::PathBuf, time::Duration};

use super::{answer, assert_done, bench_at, lines, steady_server};
use crate::{
    browser::{browser, opened, take_pictures},
    fault_server::{Server, read_request, send, serve},
    home::{Home, Ran},
};

/// What would act, if a page took it for markup; and what would hide.
const HOSTILE: &str = "\"><script>alert('x')</script><img src=x>\u{202e}";

/// A server that refuses every fifth request.
async fn refusing_server() -> Server {
    serve(move |mut stream, _| async move {
        let mut number = 0;
        while read_request(&mut stream).await.is_some() {
            number += 1;
            if number % 5 == 0 {
                let refusal = "HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\n\r\n";
                send(&mut stream, refusal).await;
            } else {
                answer(&mut stream).await;
            }
        }
    })
    .await
}

fn file_of(home: &Home) -> PathBuf {
    home.path().join("bench.html")
}

/// The report that a command wrote.
#[track_caller]
fn written(home: &Home, ran: &Ran) -> String {
    assert!(ran.err.contains("reported in"), "{}", ran.err);
    fs::read_to_string(file_of(home)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_of_what_was_just_measured_and_of_what_is_stored() {
    let (home, server) = (Home::new(), refusing_server().await);
    let file = file_of(&home);
    let to = ["--report", file.to_str().unwrap(), "--vantage", HOSTILE];
    let more = ["-c", "2", "-n", "20", "--warm-up", "2", "--slo", "ttft=1h"];
    let (line, ran) = bench_at(&home, &server, &[&more[..], &to].concat());
    assert_done(&line, &ran);
    let html = written(&home, &ran);
    let (ok, failed) = (&line["requests"]["ok"], &line["requests"]["failed"]);
    let id = line["id"].as_i64().unwrap().to_string();
    let url = server.url();
    let said = |html: &str| {
        for said in [
            "url/m: http",
            url.as_str(),
            "openai-chat",
            "2 streams; a closed loop",
            &format!("n = 20: {ok} answered, {failed} failed"),
            "2 of the warm-up",
            "rate limited",
            "Goodput",
            &format!("bench {id} of the history"),
            concat!("Tokenscope ", env!("CARGO_PKG_VERSION")),
        ] {
            assert!(html.contains(said), "{said}: {html}");
        }
        assert_eq!(html.matches("role=\"img\"").count(), 5, "plots: {html}");
    };
    said(&html);
    assert!(html.contains("&lt;script&gt;"), "the vantage");
    for foreign in ["<script", "<img", "\u{202e}", "Simulated"] {
        assert!(!html.contains(foreign), "{foreign}");
    }

    let shown = home.run(&["bench", "--show", &id, "--report", to[1]], "");
    assert_eq!(shown.code, Some(0), "{}", shown.err);
    let stored = written(&home, &shown);
    said(&stored);
    assert!(stored.contains("not stated"), "the vantage is not kept");
    let folder = home.path().to_str().unwrap();
    let ran = home.run(&["bench", "--show", &id, "--report", folder], "");
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    assert!(ran.err.contains("can't be written"), "{}", ran.err);
    let ran = home.run(&["bench", "--list", "--report", to[1]], "");
    assert_eq!(ran.code, Some(2), "{}", ran.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_is_one_report_also_without_a_history() {
    let (home, server) = (Home::new(), steady_server(Duration::from_millis(1)).await);
    let file = file_of(&home);
    let more = ["--sweep-rate", "40,80", "-n", "12", "--no-history"];
    let to = ["--report", file.to_str().unwrap()];
    let (_, ran) = bench_at(&home, &server, &[&more[..], &to].concat());
    assert_eq!(lines(&ran).len(), 2);
    let html = written(&home, &ran);
    for said in [
        "All benches",
        "40 requests/s; an open loop",
        "80 requests/s; an open loop",
        "<section id=\"bench-2\">",
        "not kept in the history",
        "TTFT from schedule",
    ] {
        assert!(html.contains(said), "{said}: {html}");
    }
    assert_eq!(html.matches("role=\"img\"").count(), 2 * 5, "plots");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_browser_shows_it_without_a_complaint() {
    let Some(browser) = browser() else {
        return;
    };
    let home = Home::new();
    let file = file_of(&home);
    let load = ["--sweep-rate", "60,120", "-n", "240", "--slo", "ttft=1s"];
    let to = ["--report", file.to_str().unwrap(), "--vantage", HOSTILE];
    let asks = ["bench", "--json", "-t", "simulator/sim-fast"];
    let place = [&asks[..], &["--max-tokens", "16"], &load, &to].concat();
    let ran = home.run(&place, "");
    assert!(written(&home, &ran).contains("Simulated: 2 of 2 benches"));
    let (shown, console) = opened(browser, &file, &["--dump-dom"]);
    assert_eq!(console, "", "the console is silent");
    // A browser that found a script or a picture would have made an element of it.
    assert!(!shown.contains("<script") && !shown.contains("<img"));
    for section in ["benches", "bench-1", "bench-2", "method"] {
        let section = format!("<section id=\"{section}\">");
        assert!(shown.contains(&section), "{section}");
    }
    take_pictures(browser, &file, "bench-report", 5_600);
}

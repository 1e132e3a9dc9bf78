//! `tokenscope report`: its file, and how a real browser shows it.

use std::{path::PathBuf, sync::Arc};

use tokenscope::{
    chat::ChatRequest,
    dialect::DialectId,
    endpoint::TargetId,
    event::{Fault, FaultClass, Phase, Usage},
    history::{GapReason, History, ProbeGap},
    run::{ConnectionKind, Origin, Read, Run, RunHead, RunId, RunState, Span},
    settings::retention::Retention,
};

use crate::{
    browser::{browser, opened, take_pictures},
    deadline::soon,
    home::Home,
};

const MS: u64 = 1_000_000;
const MINUTE: i64 = 60_000_000_000;
/// What would act, if a page took it for markup; and what would hide.
const HOSTILE: &str = "\"><script>alert('x')</script><img src=http://evil.example/>\u{202e}\u{7}";

#[expect(clippy::cast_precision_loss, reason = "53 bits are exact")]
/// A number from 0 to 1 that looks random and is the same each time (`SplitMix64`).
fn noise(seed: u64) -> f64 {
    let mut mixed = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

/// The wall clock in nanoseconds since 1970.
fn now_ns() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    i64::try_from(since.unwrap().as_nanos()).unwrap()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "some seconds"
)]
/// A probe that answered after so many milliseconds.
fn probe(id: i64, target: (&str, &str), at: i64, ttft_ms: f64) -> Run {
    let request = ChatRequest::of_text(target.1, "a secret question");
    let mut run = Run::new(RunHead {
        id: RunId(id),
        target: TargetId {
            endpoint: target.0.into(),
            model: target.1.into(),
        },
        dialect: DialectId::OpenaiChat,
        route: String::new(),
        url: "https://api.openai.com/v1/chat/completions".into(),
        simulated: target.0 == "simulator",
        origin: Origin::Probe,
        attempt: 1,
        request: Arc::new(request),
    });
    let is_cold = id % 5 == 0;
    let connecting = if is_cold { 90 * MS } else { 0 };
    let first = (ttft_ms * MS as f64) as u64 + connecting;
    let last = first + 60 * MS;
    run.state = RunState::Ok;
    run.connection = Some(if is_cold {
        ConnectionKind::Cold
    } else {
        ConnectionKind::Warm
    });
    run.status = Some(200);
    run.stamps.started_unix_ns = at;
    run.stamps.tcp = is_cold.then_some(Span {
        begin: 0,
        end: connecting / 3,
    });
    run.stamps.request_sent = Some(connecting);
    run.stamps.headers = Some(first);
    run.stamps.first_token = Some(first);
    run.stamps.last_token = Some(last);
    run.stamps.closed = Some(last);
    for at in [first, last] {
        run.reads.push(Read {
            at,
            bytes: 20,
            events: 1,
            tokens: 1,
            ..Read::default()
        });
    }
    run.answer.text = "a secret answer".into();
    run.answer.usage = Some(Usage {
        input: Some(20),
        output: Some(7),
        ..Usage::default()
    });
    run
}

/// The same, failed.
fn failed(mut run: Run, class: FaultClass, message: &str) -> Run {
    run.state = RunState::Fault;
    run.status = None;
    run.stamps.first_token = None;
    run.stamps.last_token = None;
    run.answer.usage = None;
    run.answer.fault = Some(Fault::new(class, Phase::Headers, message));
    run
}

/// Stores these runs as a user's history.
async fn keep(home: &Home, runs: Vec<Run>) {
    let history = History::open(&home.paths().data);
    for run in runs {
        history.finish(run);
    }
    let hour = 60 * MINUTE;
    history.put_gap(ProbeGap {
        target: None,
        why: GapReason::Asleep,
        from_unix_ns: now_ns() - 30 * hour,
        to_unix_ns: Some(now_ns() - 21 * hour),
    });
    soon("the history's end", history.end()).await.unwrap();
}

/// A week of probes of four targets, with an outage, a slow day and a name that would act.
fn week() -> Vec<Run> {
    let now = now_ns();
    let targets = [
        ("openai", "gpt-5-mini", 420.0),
        ("gemini-native", "gemini-3-flash-preview", 260.0),
        ("simulator", "sim-fast", 120.0),
        ("via-proxy", HOSTILE, 900.0),
    ];
    let mut runs = Vec::new();
    for (number, (endpoint, model, base)) in targets.into_iter().enumerate() {
        for n in 0..600_u64 {
            let id = i64::try_from(n * 4).unwrap() + i64::try_from(number).unwrap();
            let at = now - (600 - i64::try_from(n).unwrap()) * 16 * MINUTE;
            let (one, other) = (noise(n * 7 + number as u64), noise(n * 13 + number as u64));
            let is_slow = number == 0 && (300..380).contains(&n);
            let tail = 1.0 + 0.25 * one + 0.06 / (1.02 - other);
            let ttft = base * tail * if is_slow { 2.2 } else { 1.0 };
            let mut run = probe(id + 1, (endpoint, model), at, ttft);
            if number == 3 && (200..230).contains(&n) {
                run = failed(run, FaultClass::Timeout, "No token came within 30 s");
            } else if other > 0.985 {
                let class = [
                    FaultClass::RateLimited,
                    FaultClass::Overloaded,
                    FaultClass::Reset,
                ][usize::try_from(n % 3).unwrap()];
                run = failed(run, class, HOSTILE);
            }
            runs.push(run);
        }
    }
    runs
}

fn report(home: &Home, more: &[&str]) -> (PathBuf, String) {
    let file = home.path().join("report.html");
    let asks = ["report", "-o", file.to_str().unwrap()];
    let ran = home.run(&[&asks[..], more].concat(), "");
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert!(ran.err.contains("reported in"), "{}", ran.err);
    let html = std::fs::read_to_string(&file).unwrap();
    (file, html)
}

#[tokio::test]
async fn it_has_every_figure_with_its_n_and_nothing_foreign_acts() {
    let home = Home::new();
    let mut runs = week();
    // One of the playground, which is no probe.
    let mut other = runs[5].clone();
    other.head.id = RunId(99_999);
    other.head.origin = Origin::Playground;
    other.head.target.model = "asked by hand".into();
    runs.push(other);
    let answered = |runs: &[Run], endpoint: &str, kind: ConnectionKind| {
        let of = |run: &&Run| {
            run.head.target.endpoint == endpoint
                && run.connection == Some(kind)
                && run.state == RunState::Ok
        };
        runs.iter().filter(of).count()
    };
    let warm = answered(&runs, "openai", ConnectionKind::Warm) - 1;
    let cold = answered(&runs, "openai", ConnectionKind::Cold);
    keep(&home, runs).await;
    let (_, html) = report(&home, &["--vantage", &format!("here {HOSTILE}")]);

    for n in [warm, cold] {
        assert!(html.contains(&format!("<small>n {n}</small>")), "{n}");
    }
    for said in [
        "n = 2,400 (probes)",
        "First token − start",
        "Simulated: 1 of 4 targets",
        "nothing: simulated",
        "95 % interval",
        "timeout 30",
        "No token came within 30 s",
        "all targets",
        "asleep",
        "540.0",
    ] {
        assert!(html.contains(said), "{said}");
    }
    for foreign in [
        "<script", "<img", "\u{202e}", "\u{7}", "http://", "https://",
    ] {
        let markup = html.replace("src=http://evil.example", "");
        assert!(!markup.contains(foreign), "{foreign}");
    }
    assert!(!html.contains("secret") && !html.contains("asked by hand"));
    assert!(html.len() < 1 << 20, "{} bytes", html.len());

    let (_, one) = report(&home, &["-t", "openai/gpt-5-mini", "--since", "2d"]);
    assert!(one.contains("openai/gpt-5-mini") && !one.contains("gemini-native"));
    let (_, all) = report(&home, &["--origin", "all"]);
    assert!(all.contains("asked by hand") && all.contains("runs of any origin"));
}

#[cfg(unix)]
#[tokio::test]
async fn it_goes_into_a_pipe_as_it_does_into_a_file() {
    let home = Home::new();
    keep(&home, week()).await;
    let (_, html) = report(&home, &[]);
    let tables = |html: &str| html.matches("<table").count();
    let ran = home.run(&["report", "-o", "/dev/stdout"], "");
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert!(ran.out.ends_with("</html>\n"), "{}", ran.err);
    assert_eq!(tables(&ran.out), tables(&html));
    let folder = home.path().to_str().unwrap();
    let ran = home.run(&["report", "-o", folder], "");
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    assert!(ran.err.contains("can't be written"), "{}", ran.err);

    let file = home.path().join("runs.csv");
    let exported = home.run(&["export", "-o", file.to_str().unwrap()], "");
    assert_eq!(exported.code, Some(0), "{}", exported.err);
    let ran = home.run(&["export", "-o", "/dev/stdout", "--format", "csv"], "");
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert_eq!(ran.out, std::fs::read_to_string(&file).unwrap());
    assert!(
        std::fs::symlink_metadata("/dev/stdout")
            .unwrap()
            .is_symlink()
    );
}

#[tokio::test]
async fn without_anything_to_report_that_is_said() {
    let home = Home::new();
    for (more, code, said) in [
        (&["-o", "r.html"][..], 1, "there is no history"),
        (&["-o", "r.html", "--since", "soon"], 2, "7d"),
        (&["-o", "r.html", "--origin", "nowhere"], 2, "probe"),
        (&[], 2, "--output"),
    ] {
        let ran = home.run(&[&["report"], more].concat(), "");
        assert_eq!(ran.code, Some(code), "{more:?}: {}", ran.err);
        assert!(ran.err.contains(said), "{}", ran.err);
    }
    let at = now_ns() - MINUTE;
    let only_failed = failed(
        probe(1, ("a", "b"), at, 1.0),
        FaultClass::Dns,
        "no such host",
    );
    keep(&home, vec![only_failed]).await;
    let (_, html) = report(&home, &[]);
    assert!(html.contains("No run answered") && html.contains("no such host"));
    let mut late = probe(2, ("a", "b"), at, 1_000.0);
    late.stamps.first_token_delay = Some(900_000_000);
    keep(&home, vec![late]).await;
    let (_, html) = report(&home, &[]);
    let said = "The only run that answered was late here";
    assert!(
        html.contains(said) && !html.contains("No run answered"),
        "{html}"
    );
    let file = home.path().join("none.html");
    let asks = ["report", "-o", file.to_str().unwrap(), "-t", "a/other"];
    let ran = home.run(&asks, "");
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    assert!(ran.err.contains("there are no probes") && !file.exists());
    let folder = home.path().to_str().unwrap();
    let ran = home.run(&["report", "-o", folder], "");
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    assert!(ran.err.contains("can't be written"), "{}", ran.err);
}

#[tokio::test]
async fn what_was_rolled_up_is_said_where_probes_are_reported() {
    let home = Home::new();
    let old = probe(1, ("a", "b"), now_ns() - 40 * 24 * 60 * MINUTE, 300.0);
    let new = probe(2, ("a", "b"), now_ns() - MINUTE, 300.0);
    keep(&home, vec![old, new]).await;
    let history = History::open(&home.paths().data);
    history.keep(Retention::default(), 0.1);
    let rolled_up = async {
        while history.rolled_up_until().await.unwrap().is_none() {
            tokio::task::yield_now().await;
        }
    };
    soon("the old probe to be rolled up", rolled_up).await;
    soon("the history's end", history.end()).await.unwrap();
    let file = home.path().join("report.html");
    let asks = ["report", "-o", file.to_str().unwrap()];
    let said = "Of probes before ";
    for (more, is_said) in [
        (&[][..], true),
        (&["--origin", "all"], true),
        (&["--since", "2d"], false),
    ] {
        let ran = home.run(&[&asks[..], more].concat(), "");
        assert_eq!(ran.code, Some(0), "{}", ran.err);
        assert!(ran.err.contains("1 run reported"), "{}", ran.err);
        assert_eq!(ran.err.contains(said), is_said, "{more:?}: {}", ran.err);
    }
}

#[tokio::test]
async fn a_real_browser_shows_it_without_a_complaint() {
    let Some(browser) = browser() else {
        return;
    };
    let home = Home::new();
    keep(&home, week()).await;
    let (file, _) = report(&home, &[]);
    let (shown, console) = opened(browser, &file, &["--dump-dom"]);
    assert_eq!(console, "", "the console is silent");
    let tables = shown.matches("<table>").count();
    assert_eq!(tables, 3, "targets, failures and gaps");
    assert_eq!(
        shown.matches("class=\"gap\"").count(),
        4 + 1,
        "in each plot and the legend"
    );
    for section in ["targets", "ttft", "failures", "gaps", "method"] {
        assert!(
            shown.contains(&format!("<section id=\"{section}\">")),
            "{section}"
        );
    }
    assert_eq!(shown.matches("role=\"img\"").count(), 4 * 2 + 1, "plots");
    // A browser that found a script or a picture would have made an element of it.
    assert!(!shown.contains("<script") && !shown.contains("<img"));
    take_pictures(browser, &file, "report", 4_900);
}

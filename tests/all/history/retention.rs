//! Old probes and checks are rolled up: each is counted once, whatever happens meanwhile.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Command, Stdio},
};

use rusqlite::Connection;
use tokenscope::{
    event::{Fault, FaultClass, Phase},
    history::{EndpointCheck, History, RunQuery},
    run::{ConnectionKind, Origin, Run, RunState},
    settings::retention::Retention,
};

use super::a_run;
use crate::deadline;

const HOUR: i64 = 3_600_000_000_000;
const DAYS: Retention = Retention {
    probes_days: 30,
    checks_days: 7,
};

fn now() -> i64 {
    i64::try_from(jiff::Timestamp::now().as_nanosecond()).unwrap()
}

/// A probe of a target that began so long ago.
fn a_probe(id: i64, ago: i64, model: &str) -> Run {
    let mut run = a_run(id);
    run.head.origin = Origin::Probe;
    run.head.target.model = model.into();
    run.stamps.started_unix_ns = now() - ago;
    run
}

fn one<T: rusqlite::types::FromSql>(folder: &Path, sql: &str) -> T {
    let file = Connection::open(folder.join("history.db")).unwrap();
    file.query_row(sql, [], |row| row.get(0)).unwrap()
}

/// Waits until nothing old is left one by one.
fn wait_until_rolled_up(folder: &Path, kept: i64) {
    deadline::until("old probes to be rolled up", || {
        let left: i64 = one(
            folder,
            "SELECT (SELECT count(*) FROM run) + (SELECT count(*) FROM endpoint_check)",
        );
        (left == kept).then_some(()).ok_or(left)
    });
}

/// All counts of all rows of one length.
fn rolled_up(folder: &Path, length: i64) -> i64 {
    let sql = format!(
        "SELECT coalesce(sum(value), 0) FROM probe_rollup, json_each(outcomes) WHERE length = {length}"
    );
    one(folder, &sql)
}

#[tokio::test]
async fn old_probes_become_hours_and_days_and_nothing_else_does() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path());
    // Old ones: 250 of one target, each tenth a timeout, each seventh late; and one that never connected.
    for n in 0..250 {
        let mut probe = a_probe(n + 1, 40 * 24 * HOUR + n * HOUR / 10, "a");
        probe.stamps.first_token = Some((400 + n.unsigned_abs()) * 1_000_000);
        if n % 10 == 0 {
            probe.state = RunState::Fault;
            probe.answer.fault = Some(Fault::new(FaultClass::Timeout, Phase::Headers, "x"));
        } else if n % 7 == 0 {
            probe.stamps.first_token_delay = Some(300_000_000);
        }
        history.finish(probe);
    }
    let mut failed = a_probe(300, 50 * 24 * HOUR, "b");
    failed.state = RunState::Fault;
    failed.connection = None;
    failed.stamps.first_token = None;
    failed.answer.fault = Some(Fault::new(FaultClass::Dns, Phase::Dns, "x"));
    history.finish(failed);
    // These stay: a recent probe, and an old run that is none.
    history.finish(a_probe(400, 29 * 24 * HOUR, "a"));
    let mut asked = a_probe(401, 90 * 24 * HOUR, "a");
    asked.head.origin = Origin::Playground;
    history.finish(asked);
    for n in 0..100 {
        history.put_check(EndpointCheck {
            endpoint: "here".into(),
            at_unix_ns: now() - 8 * 24 * HOUR - n * HOUR / 30,
            status: (n % 5 > 0).then_some(if n % 4 == 0 { 503 } else { 200 }),
            ..EndpointCheck::default()
        });
    }
    history.put_check(EndpointCheck {
        at_unix_ns: now() - 6 * 24 * HOUR,
        ..EndpointCheck::default()
    });
    history.flush().await;
    let was = history.checks(0, i64::MAX).await.unwrap();
    history.keep(DAYS, 0.1);
    wait_until_rolled_up(folder.path(), 3);

    for length in [HOUR, 24 * HOUR] {
        assert_eq!(rolled_up(folder.path(), length), 251);
        let of = |column: &str| -> i64 {
            one(
                folder.path(),
                &format!("SELECT sum({column}) FROM probe_rollup WHERE length = {length}"),
            )
        };
        let late = (0..250).filter(|n| n % 10 > 0 && n % 7 == 0).count();
        let late = i64::try_from(late).unwrap();
        assert_eq!(of("late"), late);
        assert_eq!(of("measured"), 225 - late);
        assert_eq!(of("outcomes ->> 'timeout'"), 25);
        assert_eq!(of("outcomes ->> 'dns'"), 1);
    }
    let told = was[..100].iter().filter(|check| check.is_up().is_some());
    let up = was[..100]
        .iter()
        .filter(|check| check.is_up() == Some(true));
    let counted = (
        one::<i64>(folder.path(), "SELECT sum(checks) FROM check_rollup"),
        one::<i64>(folder.path(), "SELECT sum(told) FROM check_rollup"),
        one::<i64>(folder.path(), "SELECT sum(up) FROM check_rollup"),
    );
    let [told, up] = [told.count(), up.count()].map(|count| i64::try_from(count).unwrap());
    let expected = (100, told, up);
    assert_eq!(counted, expected);
    for table in ["run_text", "run_wire"] {
        let left: i64 = one(folder.path(), &format!("SELECT count(*) FROM {table}"));
        assert_eq!(left, 2, "{table}");
    }
    assert_eq!(history.runs(RunQuery::default()).await.unwrap().total, 2);
    let until = history.rolled_up_until().await.unwrap().unwrap();
    assert_eq!(until % HOUR, 0);
    assert!((0..2 * HOUR).contains(&(until - (now() - 40 * 24 * HOUR) + HOUR)));
}

#[tokio::test]
async fn an_endpoint_has_the_certificate_that_was_shown_last() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path());
    for (endpoint, hours, certificate_until) in [
        ("tls", 3, Some(1_800_000_000)),
        ("tls", 2, Some(1_900_000_000)),
        // It failed before the handshake.
        ("tls", 1, None),
        ("plain", 1, None),
    ] {
        history.put_check(EndpointCheck {
            endpoint: endpoint.into(),
            at_unix_ns: now() - hours * HOUR,
            status: Some(200),
            certificate_until,
            ..EndpointCheck::default()
        });
    }
    history.flush().await;
    let asked = tokenscope::history::SeriesQuery {
        from_unix_ns: Some(now() - 24 * HOUR),
        pixels: 100,
        ..Default::default()
    };
    let plot = history.ttft_plot(asked).await.unwrap();
    let found: Vec<_> = (plot.availability.iter())
        .map(|it| (it.endpoint.as_str(), it.checks, it.certificate_until))
        .collect();
    assert_eq!(found, [("plain", 1, None), ("tls", 3, Some(1_900_000_000))]);
}

#[tokio::test]
async fn a_probe_that_comes_late_joins_its_hour() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path());
    history.keep(DAYS, 0.1);
    for id in 1..=3 {
        let mut probe = a_probe(id, 0, "a");
        probe.stamps.started_unix_ns = (now() / HOUR - 40 * 24) * HOUR + id;
        probe.stamps.first_token = Some(id.unsigned_abs() * 100_000_000);
        probe.connection = Some(ConnectionKind::Cold);
        history.finish(probe);
        history.flush().await;
        history.keep(DAYS, 0.1 + f64::from(i32::try_from(id).unwrap()) / 100.0);
        wait_until_rolled_up(folder.path(), 0);
    }
    let rows: i64 = one(folder.path(), "SELECT count(*) FROM probe_rollup");
    assert_eq!((rows, rolled_up(folder.path(), HOUR)), (2, 3));
    let median: f64 = one(folder.path(), "SELECT min(median_ms) FROM probe_rollup");
    assert!((median - 200.0).abs() < 200.0 * 0.004, "{median}");
}

const FOLDER: &str = "TOKENSCOPE_ROLLUP_FOLDER";
const PROBES: i64 = 5_000;

#[tokio::test]
async fn a_kill_while_probes_are_rolled_up_loses_none_and_doubles_none() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path());
    for n in 0..PROBES {
        history.finish(a_probe(n + 1, 40 * 24 * HOUR + n * HOUR / 60, "a"));
    }
    history.end().await.unwrap();
    let mut between = 0;
    for left in [4_500, 3_500, 2_500, 1_000] {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "history::retention::roll_up_until_killed"])
            .args(["--ignored", "--nocapture"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(child.stdout.take().unwrap());
        for line in said.lines().map_while(Result::ok) {
            let count = line
                .strip_prefix("left ")
                .map(|n| n.parse::<i64>().unwrap());
            if count.is_some_and(|count| count <= left) {
                break;
            }
        }
        child.kill().unwrap();
        deadline::ended(&mut child);
        let raw: i64 = one(folder.path(), "SELECT count(*) FROM run");
        between += i64::from(0 < raw && raw < PROBES);
        for length in [HOUR, 24 * HOUR] {
            assert_eq!(raw + rolled_up(folder.path(), length), PROBES);
        }
        let whole: String = one(folder.path(), "PRAGMA integrity_check");
        assert_eq!(whole, "ok");
    }
    assert!(between > 0, "one of the kills came in between");
}

#[test]
#[ignore = "the program that the test above kills"]
fn roll_up_until_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let folder = Path::new(&folder);
    let history = History::open(folder);
    history.keep(DAYS, 0.1);
    let mut out = std::io::stdout();
    loop {
        let left: i64 = one(folder, "SELECT count(*) FROM run");
        // The test may have closed its end.
        let _ = writeln!(out, "left {left}");
    }
}

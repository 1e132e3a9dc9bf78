//! A year of the monitor with its default retention: 20 targets, each with an endpoint of its own, a probe every five
//! minutes and a check every 30 seconds.
//!
//! Some days of one target are written by the real writer, and rolled up by the real code. Their rows are then copied
//! inside the file to the other days and targets, with keys and times of their own, since writing two million probes
//! takes long: so the size is that of a real file, and queries see as many rows.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "it tells how long queries take; nothing depends on that"
)]

use std::{
    path::Path,
    time::{Duration, Instant},
};

use rusqlite::Connection;
use tokenscope::{
    event::{Answer, Usage},
    history::{EndpointCheck, History, RunQuery, Series, SeriesQuery},
    run::{Link, Origin, Read, Run, RunId},
    settings::retention::Retention,
    transport::TcpInfo,
};

use super::a_run;
use crate::deadline;

const DAY: i64 = 86_400_000_000_000;
const TARGETS: i64 = 20;
const PROBES_A_DAY: i64 = 288;
const CHECKS_A_DAY: i64 = 2_880;
const MAX_BYTES: u64 = 200_000_000;

fn now() -> i64 {
    i64::try_from(jiff::Timestamp::now().as_nanosecond()).unwrap()
}

/// A probe as those of the monitor are, with all that is stored of them: 16 tokens in as many reads.
fn a_probe(n: i64, at: i64) -> Run {
    let mut run = a_run(n);
    run.head.id = RunId(1_800_000_000_000_000_000 + n);
    run.head.origin = Origin::Probe;
    run.stamps.started_unix_ns = at;
    let jitter = (n * 7_919 % 1_000).unsigned_abs() * 500_000;
    run.stamps.first_token = Some(400_000_000 + jitter);
    run.stamps.last_token = Some(700_000_000 + jitter);
    run.reads = (0..16)
        .map(|read| Read {
            at: 400_000_000 + jitter + read * 20_000_000,
            delay: Some(40_000),
            bytes: 240,
            events: 1,
            tokens: 1,
            ..Read::default()
        })
        .collect();
    run.answer = Answer {
        text: "OK, that is the whole of the answer to this small question.".into(),
        response_id: Some("chatcmpl-0123456789abcdef0123456789abcdef".into()),
        usage: Some(Usage {
            input: Some(30),
            output: Some(16),
            total: Some(46),
            ..Usage::default()
        }),
        ..run.answer
    };
    let tcp = TcpInfo {
        rtt: Duration::from_micros(123_456),
        min_rtt: Duration::from_micros(120_123),
        retransmits: 0,
        lost: 0,
        out_of_order: 0,
    };
    run.stamps.link = Some(Link {
        id: n.unsigned_abs(),
        uses: 100,
        age_ns: 300_000_000_000,
        start: Some(tcp),
        first_token: Some(tcp),
        end: Some(tcp),
    });
    run
}

/// Two days of probes and one of checks that are to be rolled up, and one day of each that is not.
async fn some_days(folder: &Path) {
    let history = History::open(folder);
    let midnight = now() / DAY * DAY;
    for (n, day) in [-17, -16, -2].into_iter().enumerate() {
        let before = i64::try_from(n).unwrap() * PROBES_A_DAY;
        for n in 0..PROBES_A_DAY {
            history.finish(a_probe(
                before + n + 1,
                midnight + day * DAY + n * DAY / PROBES_A_DAY,
            ));
        }
    }
    for day in [-6, -2] {
        for n in 0..CHECKS_A_DAY {
            history.put_check(EndpointCheck {
                endpoint: "here".into(),
                at_unix_ns: midnight + day * DAY + n * DAY / CHECKS_A_DAY,
                dns_ns: Some(1_234_567),
                tcp_ns: Some(45_678_901),
                tls_ns: Some(98_765_432),
                models_ns: Some(123_456_789),
                status: Some(200),
                fault: None,
                certificate_until: Some(1_800_000_000),
            });
        }
    }
    history.flush().await;
    history.keep(Retention::default(), 0.1);
    deadline::until("the old days to be rolled up", || {
        let file = Connection::open(folder.join("history.db")).unwrap();
        let left: i64 = file
            .query_row(
                "SELECT (SELECT count(*) FROM run) + (SELECT count(*) FROM endpoint_check)",
                [],
                |row| row.get(0),
            )
            .unwrap();
        (left == PROBES_A_DAY + CHECKS_A_DAY)
            .then_some(())
            .ok_or(left)
    });
    history.end().await.unwrap();
}

/// The columns of a table that are not computed, each as it is or as `changed` says.
fn copied(file: &Connection, table: &str, changed: &[(&str, &str)]) -> (String, String) {
    let mut select = file
        .prepare(&format!("SELECT name FROM pragma_table_info('{table}')"))
        .unwrap();
    let names = select.query_map([], |row| row.get::<_, String>(0)).unwrap();
    let names: Vec<String> = names.map(Result::unwrap).collect();
    let values = names.iter().map(|name| {
        let change = changed.iter().find(|(changed, _)| changed == name);
        change.map_or(name.as_str(), |(_, value)| *value)
    });
    (names.join(", "), values.collect::<Vec<_>>().join(", "))
}

/// Copies rows of a table for each target and each of some days; `?1` is the target's number, `?2` the day's.
fn spread(file: &Connection, table: &str, days: i64, changed: &[(&str, &str)]) {
    let (names, values) = copied(file, table, changed);
    file.execute_batch(&format!(
        "CREATE TEMP TABLE model AS SELECT {names} FROM main.{table}; DELETE FROM main.{table};"
    ))
    .unwrap();
    let sql = format!("INSERT INTO main.{table} ({names}) SELECT {values} FROM model ORDER BY 1");
    let mut insert = file.prepare(&sql).unwrap();
    for target in 0..TARGETS {
        for day in 0..days {
            insert.execute((target, day)).unwrap();
        }
    }
    drop(insert);
    file.execute_batch("DROP TABLE model").unwrap();
}

fn spread_over_a_year(folder: &Path) {
    let mut file = Connection::open(folder.join("history.db")).unwrap();
    let file = file.transaction().unwrap();
    let Retention {
        probes_days,
        checks_days,
    } = Retention::default();
    let (probes, checks) = (i64::from(probes_days), i64::from(checks_days));
    // What belongs to a run goes with it otherwise.
    file.execute_batch("DROP TRIGGER run_gone").unwrap();
    for n in 2..=TARGETS {
        file.execute("INSERT INTO target VALUES (?1, 'here' || ?1, 'm')", [n])
            .unwrap();
        file.execute(
            "INSERT INTO checked_endpoint VALUES (?1, 'here' || ?1)",
            [n],
        )
        .unwrap();
    }
    let id = "id + (?1 * 1000 + ?2) * 1000";
    let day = |column: &str| format!("{column} - ?2 * {DAY}");
    let started = day("started_unix_ns");
    spread(
        &file,
        "run",
        probes,
        &[
            ("id", id),
            ("target", "target + ?1"),
            ("started_unix_ns", &started),
        ],
    );
    spread(
        &file,
        "run_text",
        probes,
        &[("id", id), ("target", "target + ?1")],
    );
    spread(&file, "run_wire", probes, &[("id", id)]);
    let from = format!("from_unix_ns - ?2 * 2 * {DAY}");
    spread(
        &file,
        "probe_rollup",
        (365 - probes) / 2,
        &[("target", "target + ?1"), ("from_unix_ns", &from)],
    );
    let at = day("at_unix_ns");
    spread(
        &file,
        "endpoint_check",
        checks,
        &[("checked", "checked + ?1"), ("at_unix_ns", &at)],
    );
    let from = day("from_unix_ns");
    spread(
        &file,
        "check_rollup",
        365 - checks,
        &[("checked", "checked + ?1"), ("from_unix_ns", &from)],
    );
    file.commit().unwrap();
}

#[tokio::test]
async fn a_year_of_20_targets_stays_under_200_mb() {
    let folder = tempfile::tempdir().unwrap();
    some_days(folder.path()).await;
    spread_over_a_year(folder.path());
    let history = History::open(folder.path());
    let total = history.runs(RunQuery::default()).await.unwrap().total;
    let probes = i64::from(Retention::default().probes_days);
    assert_eq!(
        i64::try_from(total).unwrap(),
        TARGETS * PROBES_A_DAY * probes
    );
    for (name, days) in [("a year", 366), ("a month", 30), ("a day", 1)] {
        let asked = SeriesQuery {
            from_unix_ns: Some(now() - days * DAY),
            pixels: 1_200,
            ..SeriesQuery::default()
        };
        let began = Instant::now();
        let plot = history.ttft_plot(asked).await.unwrap();
        let took = began.elapsed();
        let runs: usize = plot.series.iter().map(Series::runs).sum();
        let points: usize = plot
            .series
            .iter()
            .map(|series| series.points.len() + series.hours.len())
            .sum();
        println!("the plot of {name}: {took:?}, {runs} probes, {points} points");
        if name == "a year" {
            let rolled_up = (365 - probes) / 2 * 2 * PROBES_A_DAY;
            assert_eq!(runs, total + usize::try_from(TARGETS * rolled_up).unwrap());
        }
    }
    let began = Instant::now();
    let run = RunId(1_800_000_000_000_000_000 + 2 * PROBES_A_DAY + 5);
    assert!(history.run(run).await.unwrap().is_some());
    println!("one run: {:?}", began.elapsed());
    history.end().await.unwrap();
    let began = Instant::now();
    let history = History::open(folder.path());
    history.storage().await;
    println!("opening: {:?}", began.elapsed());
    history.end().await.unwrap();
    let size = std::fs::metadata(folder.path().join("history.db"))
        .unwrap()
        .len();
    println!("the file: {} MB", size / 1_000_000);
    assert!(size < MAX_BYTES, "{size} bytes");
}

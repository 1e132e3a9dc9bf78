//! A year of the monitor with its default retention: 20 targets, each with an endpoint of its own, a probe every five
//! minutes and a check every 30 seconds.
//!
//! Some days of one target are written by the real writer, and rolled up by the real code. Their rows are then copied
//! inside the file to the other days and targets, with keys and times of their own, since writing two million probes
//! takes long: so the size is that of a real file, and queries see as many rows.

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use rusqlite::Connection;
use tokenscope::{
    chat::ChatRequest,
    dialect::DialectId,
    endpoint::TargetId,
    event::{Answer, Usage},
    history::{EndpointCheck, History},
    run::{ConnectionKind, Link, Origin, Read, Run, RunHead, RunId, RunState},
    settings::retention::Retention,
    transport::{TcpInfo, TlsSession, TlsVersion},
};

/// A day in nanoseconds.
pub const DAY: i64 = 86_400_000_000_000;
/// How many targets there are.
pub const TARGETS: i64 = 20;
/// How many probes each has a day.
pub const PROBES_A_DAY: i64 = 288;
const CHECKS_A_DAY: i64 = 2_880;

/// Now, in nanoseconds since 1970.
pub fn now() -> i64 {
    i64::try_from(jiff::Timestamp::now().as_nanosecond()).unwrap()
}

/// Fills a folder with the year. `wait` calls what it is given again and again until that is `Ok`.
pub async fn fill(folder: &Path, wait: impl FnOnce(&dyn Fn() -> Result<(), i64>)) {
    let history = History::open(folder);
    write_some_days(&history);
    history.flush().await;
    history.keep(Retention::default(), 0.1);
    wait(&|| {
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
    spread_over_a_year(folder);
}

/// A probe as those of the monitor are, with all that is stored of them: 16 tokens in as many reads.
fn a_probe(n: i64, at: i64) -> Run {
    let target = TargetId {
        endpoint: "here".into(),
        model: "org/m".into(),
    };
    let mut run = Run::new(RunHead {
        id: RunId(1_800_000_000_000_000_000 + n),
        target,
        dialect: DialectId::OpenaiChat,
        route: "direct".into(),
        url: "http://127.0.0.1:1/v1/chat/completions".into(),
        simulated: false,
        origin: Origin::Probe,
        attempt: 1,
        request: Arc::new(ChatRequest::of_text("org/m", format!("prompt {n}"))),
    });
    run.state = RunState::Ok;
    run.connection = Some(ConnectionKind::Warm);
    let jitter = (n * 7_919 % 1_000).unsigned_abs() * 500_000;
    let stamps = &mut run.stamps;
    stamps.started_unix_ns = at;
    stamps.request_sent = Some(200_000);
    stamps.first_byte = Some(390_000_000 + jitter);
    stamps.first_token = Some(400_000_000 + jitter);
    stamps.last_token = Some(700_000_000 + jitter);
    stamps.link = Some(a_link(n.unsigned_abs()));
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
        ..Answer::default()
    };
    run
}

fn a_link(id: u64) -> Link {
    let tcp = TcpInfo {
        rtt: Duration::from_micros(123_456),
        min_rtt: Duration::from_micros(120_123),
        retransmits: 0,
        lost: 0,
        congestion_window: Some(10),
        out_of_order: 0,
    };
    Link {
        id,
        uses: 100,
        age_ns: 300_000_000_000,
        address: Some(SocketAddr::from(([203, 0, 113, 7], 443))),
        tries: Vec::new(),
        tls: Some(TlsSession {
            version: TlsVersion::Tls13,
            resumed: true,
        }),
        acknowledged: Some(124_567_890),
        lost: None,
        start: Some(tcp),
        first_token: Some(tcp),
        end: Some(tcp),
    }
}

/// Two days of probes and one of checks that are to be rolled up, and one day of each that is not.
fn write_some_days(history: &History) {
    let midnight = now() / DAY * DAY;
    for (before, day) in (0..).step_by(288).zip([-17, -16, -2]) {
        for n in 0..PROBES_A_DAY {
            let at = midnight + day * DAY + n * DAY / PROBES_A_DAY;
            history.finish(a_probe(before + n + 1, at));
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

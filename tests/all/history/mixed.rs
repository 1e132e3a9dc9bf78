//! Charts over a time of which a part was rolled up: the figures are those of the single runs, within the stated error.

#![expect(
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "the numbers are small"
)]

use jiff::tz::TimeZone;
use rusqlite::Connection;
use tokenscope::{
    event::{Fault, FaultClass, Phase},
    history::{Distribution, DistributionQuery, History, Outcomes, Quantiles, Series, SeriesQuery},
    measure::sketch::RELATIVE_ERROR,
    run::{ConnectionKind, Origin, Run, RunState},
    settings::retention::Retention,
};

use super::{a_run, distribution::expected, history_of};
use crate::deadline;

const HOUR: i64 = 3_600_000_000_000;
const DAY: i64 = 24 * HOUR;
const PROBES: i64 = 1_800;
const DAYS: i64 = 45;
const KEPT: Retention = Retention {
    probes_days: 10,
    checks_days: 7,
};

fn now() -> i64 {
    i64::try_from(jiff::Timestamp::now().as_nanosecond()).unwrap()
}

/// From when on probes are kept one by one, at this time.
fn kept_since(now: i64) -> i64 {
    (now - i64::from(KEPT.probes_days) * DAY) / HOUR * HOUR
}

/// Probes of two targets over many days, warm and cold, some failed, some late; and runs that are no probes. None is a probe
/// of the first hour that is kept: the same are kept if the test goes on beyond a full hour.
fn runs(now: i64) -> Vec<Run> {
    let begin = now - DAYS * DAY;
    let first_kept_hour = kept_since(now)..kept_since(now + HOUR);
    let all = (0..PROBES).map(|n| {
        let mut run = a_run(n + 1);
        run.stamps.started_unix_ns = begin + n * (DAYS * DAY / PROBES) + 17 * n;
        let is_asked = n % 25 == 3 || first_kept_hour.contains(&run.stamps.started_unix_ns);
        run.head.origin = if is_asked {
            Origin::Playground
        } else {
            Origin::Probe
        };
        run.head.target.model = if n % 3 == 0 { "a" } else { "b" }.into();
        run.connection = Some(if n % 4 == 0 {
            ConnectionKind::Cold
        } else {
            ConnectionKind::Warm
        });
        let spread = (n * 7_919 % 1_009) as u64;
        run.stamps.first_token = Some(300_000_000 + spread * spread * 900);
        let class = match n % 31 {
            1 => FaultClass::Timeout,
            2 => FaultClass::Dns,
            4 => FaultClass::Cancelled,
            5 => {
                run.stamps.first_token_delay = Some(400_000_000);
                return run;
            }
            _ => return run,
        };
        run.state = RunState::Fault;
        run.answer.fault = Some(Fault::new(class, Phase::Headers, "x"));
        run.stamps.first_token = None;
        run.connection = (class != FaultClass::Dns).then_some(ConnectionKind::Cold);
        run
    });
    all.collect()
}

/// Those of the runs that are kept one by one at this time.
fn kept_of(runs: &[Run], now: i64) -> Vec<Run> {
    let limit = kept_since(now);
    let is_kept =
        |run: &&Run| run.head.origin != Origin::Probe || run.stamps.started_unix_ns >= limit;
    runs.iter().filter(is_kept).cloned().collect()
}

/// A history of these runs in which what is old was rolled up.
async fn rolled_up(folder: &std::path::Path, runs: &[Run], now: i64) -> History {
    let history = history_of(folder, runs);
    history.flush().await;
    let kept = kept_of(runs, now).len() as i64;
    assert!(kept < PROBES / 2);
    history.keep(KEPT, 0.1);
    deadline::until("old probes to be rolled up", || {
        let file = Connection::open(folder.join("history.db")).unwrap();
        let left: i64 = file
            .query_row("SELECT count(*) FROM run", [], |row| row.get(0))
            .unwrap();
        (left <= kept).then_some(()).ok_or(left)
    });
    history
}

fn is_near(found: f64, truth: f64) -> bool {
    (found - truth).abs() <= (truth * RELATIVE_ERROR).max(0.001)
}

/// Fails unless these are the same within the error of a sketch.
fn assert_near(found: &Quantiles, truth: &Quantiles, what: &str) {
    assert_eq!(found.runs, truth.runs, "{what}");
    for (found, truth) in [
        (found.p50, truth.p50),
        (found.p90, truth.p90),
        (found.p95, truth.p95),
        (found.p99, truth.p99),
    ] {
        assert_eq!(found.is_some(), truth.is_some(), "{what}");
        let (found, truth) = (found.unwrap_or_default(), truth.unwrap_or_default());
        assert!(is_near(found, truth), "{what}: {found} {truth}");
    }
}

/// The buckets hold each run once, and tell of theirs what a plain computation does.
fn check_buckets(found: &Distribution, runs: &[Run], query: &DistributionQuery) {
    let mut all = Outcomes::default();
    for bucket in &found.buckets {
        let inside = |run: &&Run| {
            let at = run.stamps.started_unix_ns;
            (bucket.from_unix_ns..bucket.to_unix_ns).contains(&at)
                && Some(at) >= query.from_unix_ns
                && query.to_unix_ns.is_none_or(|to| at <= to)
        };
        let inside: Vec<Run> = runs.iter().filter(inside).cloned().collect();
        let whole = DistributionQuery {
            from_unix_ns: None,
            to_unix_ns: None,
            buckets: 1,
            ..query.clone()
        };
        let truth = expected(&inside, &whole);
        let truth = truth.iter().find(|row| row.target == found.target).unwrap();
        let what = format!("{} at {}", found.target, bucket.from_unix_ns);
        assert_eq!(bucket.outcomes, truth.outcomes, "{what}");
        assert_near(&bucket.ttft, &truth.ttft, &what);
        all.ok += bucket.outcomes.ok;
        for (class, count) in &bucket.outcomes.faults {
            *all.faults.entry(class).or_default() += count;
        }
    }
    assert_eq!(all, found.outcomes);
    let in_order =
        |pair: &[tokenscope::history::TimeBucket]| pair[0].to_unix_ns <= pair[1].from_unix_ns;
    assert!(found.buckets.windows(2).all(in_order));
}

fn check(found: &[Distribution], (runs, now): (&[Run], i64), query: &DistributionQuery) {
    let truth = expected(runs, query);
    let kept = expected(&kept_of(runs, now), query);
    assert_eq!(found.len(), truth.len());
    for (found, truth) in found.iter().zip(&truth) {
        assert_eq!(found.target, truth.target);
        assert_eq!(found.outcomes, truth.outcomes);
        assert_near(&found.ttft, &truth.ttft, &found.target.to_string());
        // Of these, single runs are meant.
        let kept = kept.iter().find(|row| row.target == found.target);
        let last = kept.map(|row| (row.last, row.last_ttft_ms));
        assert_eq!((found.last, found.last_ttft_ms), last.unwrap_or_default());
        assert_eq!(found.ecdf.len(), truth.ecdf.len());
        let pairs = found.ecdf.iter().zip(&truth.ecdf);
        for (found, truth) in pairs {
            assert!(is_near(*found, *truth), "{found} {truth}");
        }
        assert_eq!(found.hours.len(), truth.hours.len());
        for (found, truth) in found.hours.iter().zip(&truth.hours) {
            let place = |hour: &tokenscope::history::HourOfWeek| (hour.weekday, hour.hour);
            assert_eq!((place(found), found.runs), (place(truth), truth.runs));
            assert!(
                is_near(found.median_ms, truth.median_ms),
                "{found:?} {truth:?}"
            );
        }
        check_buckets(found, runs, query);
    }
}

#[test]
fn the_same_runs_are_kept_when_a_full_hour_passes() {
    // Half a minute before a full hour.
    let now = now() / HOUR * HOUR - 30_000_000_000;
    let runs = runs(now);
    assert_eq!(kept_of(&runs, now), kept_of(&runs, now + HOUR / 60));
    let begins = |run: &Run| run.stamps.started_unix_ns;
    let old = |run: &&Run| begins(run) < kept_since(now) && run.head.origin == Origin::Probe;
    assert!(runs.iter().filter(old).count() > 1_000);
}

#[tokio::test]
async fn charts_of_rolled_up_and_single_runs_tell_the_same_as_of_single_ones() {
    let folder = tempfile::tempdir().unwrap();
    let now = now();
    let runs = runs(now);
    let history = rolled_up(folder.path(), &runs, now).await;
    // The whole time; some weeks, with buckets of hours; a few old hours; and nothing that is old.
    for (from, to, buckets, shortest) in [
        (None, None, 60, DAY),
        (Some(30), None, 60, HOUR),
        (Some(41), Some(39), 60, HOUR),
        (Some(44), None, 7, DAY),
        (Some(5), None, 60, 1),
    ] {
        for connection in [ConnectionKind::Warm, ConnectionKind::Cold] {
            let hours_ago = |days: i64| (now - days * DAY) / HOUR * HOUR;
            let query = DistributionQuery {
                from_unix_ns: from.map(hours_ago),
                // The last hour counts whole, too.
                to_unix_ns: to.map(|days| hours_ago(days) - 1),
                buckets,
                connection,
                zone: TimeZone::get("Europe/Berlin").unwrap(),
                ..DistributionQuery::default()
            };
            let found = history.distributions(query.clone()).await.unwrap();
            check(&found, (&runs, now), &query);
            let first = &found[0].buckets[0];
            let length = first.to_unix_ns - first.from_unix_ns;
            assert!(length >= shortest, "{from:?}: {length}");
            if shortest > 1 {
                assert_eq!((length % shortest, first.from_unix_ns % shortest), (0, 0));
            }
        }
    }
    let without = DistributionQuery {
        hours_of_week: false,
        ..DistributionQuery::default()
    };
    let found = history.distributions(without).await.unwrap();
    assert!(found.iter().all(|row| row.hours.is_empty()));
}

#[tokio::test]
async fn the_legend_has_a_p95_where_a_part_was_rolled_up() {
    let folder = tempfile::tempdir().unwrap();
    let now = now();
    let runs = runs(now);
    let history = rolled_up(folder.path(), &runs, now).await;
    let plot = history.ttft_plot(SeriesQuery::default()).await.unwrap();
    let query = DistributionQuery::default();
    for truth in expected(&runs, &query) {
        let is_it = |series: &&Series| series.target == truth.target;
        let series = plot.series.iter().find(is_it).unwrap();
        let (found, truth) = (series.p95_ms[0].unwrap(), truth.ttft.p95.unwrap());
        assert!(is_near(found, truth), "{found} {truth}");
    }
}

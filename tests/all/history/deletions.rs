//! What is deleted is gone, with all that belongs to it; what is not stays.

use std::path::Path;

use rusqlite::Connection;
use tokenscope::{
    history::{
        Deletion, DeletionCount, EndpointCheck, GapReason, History, ProbeGap, RunQuery, Series,
        SeriesQuery,
    },
    run::{Origin, RunId},
    settings::retention::Retention,
};

use super::{a_run, an_image, waiting};
use crate::deadline;

const DAY: i64 = 86_400_000_000_000;
/// A day long ago, counted from 1970.
const FIRST: i64 = 19_700;

fn rows(folder: &Path, table: &str) -> i64 {
    let file = Connection::open(folder.join("history.db")).unwrap();
    file.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| {
        row.get(0)
    })
    .unwrap()
}

/// Three days of runs, gaps and checks of two endpoints, one of them with two targets; 30 runs a day and target.
async fn three_days(folder: &Path, origin: Origin) -> History {
    let history = History::open(folder);
    let targets = ["here/a", "here/b", "there/c"];
    let mut id = 0;
    for day in FIRST..FIRST + 3 {
        for target in targets {
            for n in 0..30 {
                id += 1;
                let mut run = a_run(id);
                run.head.target = target.parse().unwrap();
                run.head.origin = origin;
                run.stamps.started_unix_ns = day * DAY + n * DAY / 30;
                history.finish(run);
            }
            history.put_gap(ProbeGap {
                target: Some(target.parse().unwrap()),
                why: GapReason::Busy,
                from_unix_ns: day * DAY + 1,
                to_unix_ns: Some(day * DAY + 2),
            });
        }
        for endpoint in ["here", "there"] {
            history.put_check(EndpointCheck {
                endpoint: endpoint.into(),
                at_unix_ns: day * DAY,
                status: Some(200),
                ..EndpointCheck::default()
            });
        }
    }
    history.flush().await;
    history
}

fn days(target: Option<&str>, from: Option<i64>, before: Option<i64>) -> Deletion {
    Deletion::Days {
        target: target.map(|target| target.parse().unwrap()),
        from,
        before,
    }
}

#[tokio::test]
async fn days_and_targets_go_whole_and_are_counted_first() {
    for (deletion, runs, gaps, checks) in [
        (days(None, Some(FIRST + 1), Some(FIRST + 2)), 90, 3, 2),
        (days(None, None, Some(FIRST + 2)), 180, 6, 4),
        // Its endpoint has another target, so its checks stay.
        (days(Some("here/a"), None, None), 90, 3, 0),
        (days(Some("there/c"), None, None), 90, 3, 3),
        (
            days(Some("there/c"), Some(FIRST), Some(FIRST + 1)),
            30,
            1,
            1,
        ),
        (days(Some("no/such"), None, None), 0, 0, 0),
        (days(None, None, None), 270, 9, 6),
        (Deletion::run(RunId(17)), 1, 0, 0),
        (Deletion::run(RunId(99_999)), 0, 0, 0),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let history = three_days(folder.path(), Origin::Playground).await;
        let expected = DeletionCount {
            runs,
            rollups: 0,
            gaps,
            checks,
        };
        assert_eq!(history.count(deletion.clone()).await.unwrap(), expected);
        let deleted = history.delete(deletion.clone()).await.unwrap();
        assert_eq!(deleted, expected, "{deletion:?}");
        let left = history.runs(RunQuery::default()).await.unwrap().total;
        assert_eq!(left as u64, 270 - runs, "{deletion:?}");
        for (table, left) in [
            ("run_text", 270 - runs),
            ("run_wire", 270 - runs),
            ("gap", 9 - gaps),
            ("endpoint_check", 6 - checks),
        ] {
            assert_eq!(rows(folder.path(), table).cast_unsigned(), left, "{table}");
        }
        let again = history.delete(deletion).await.unwrap();
        assert!(again.is_empty());
    }
}

#[tokio::test]
async fn what_was_rolled_up_goes_too_and_the_plot_forgets_it() {
    let folder = tempfile::tempdir().unwrap();
    let history = three_days(folder.path(), Origin::Probe).await;
    history.keep(Retention::default(), 0.1);
    deadline::until("probes to be rolled up", || {
        match rows(folder.path(), "run") {
            0 => Ok(()),
            left => Err(left),
        }
    });
    let plot = history.ttft_plot(SeriesQuery::default()).await.unwrap();
    assert_eq!(plot.series.len(), 3);
    for series in &plot.series {
        assert_eq!((series.runs(), series.hours.is_empty()), (90, false));
    }
    let deleted = history
        .delete(days(Some("here/a"), None, Some(FIRST + 1)))
        .await
        .unwrap();
    // 24 hours and the day.
    assert_eq!((deleted.rollups, deleted.gaps), (25, 1));
    let plot = history.ttft_plot(SeriesQuery::default()).await.unwrap();
    let runs: Vec<usize> = plot.series.iter().map(Series::runs).collect();
    assert_eq!(runs, [60, 90, 90]);
    let deleted = history.delete(days(None, None, None)).await.unwrap();
    assert_eq!((deleted.rollups, deleted.gaps), (8 * 25, 8));
    assert_eq!(
        history
            .ttft_plot(SeriesQuery::default())
            .await
            .unwrap()
            .series,
        []
    );
    assert_eq!(rows(folder.path(), "target"), 0);
}

#[tokio::test]
async fn a_run_goes_with_its_files_and_one_under_way_stays() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path());
    let mut run = a_run(1);
    run.answer.media.push(an_image(&vec![7; 100_000]));
    history.finish(run);
    history.begin(&waiting(2));
    history.flush().await;
    assert_eq!(rows(folder.path(), "blob"), 1);
    let deleted = history.delete(Deletion::run(RunId(1))).await.unwrap();
    assert_eq!((deleted.runs, rows(folder.path(), "blob")), (1, 0));
    assert_eq!(history.run(RunId(1)).await.unwrap(), None);
    let deleted = history.delete(Deletion::run(RunId(2))).await.unwrap();
    assert!(deleted.is_empty());
    assert!(history.run(RunId(2)).await.unwrap().is_some());
}

#[tokio::test]
async fn the_runs_of_a_filter_go_and_no_others() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path());
    // More than are deleted in one step.
    for id in 1..=500 {
        let mut run = a_run(id);
        let target = if id % 5 == 0 { "other/m" } else { "here/m" };
        run.head.target = target.parse().unwrap();
        history.finish(run);
    }
    let mut live = waiting(501);
    live.head.target = "here/m".parse().unwrap();
    history.begin(&live);
    history.flush().await;
    let query = RunQuery {
        targets: vec!["here/m".parse().unwrap()],
        ..RunQuery::default()
    };
    let mut ended = history.ended_runs(query).await.unwrap();
    ended.sort_unstable();
    let expected: Vec<RunId> = (1..=500).filter(|id| id % 5 != 0).map(RunId).collect();
    assert_eq!(ended, expected);
    let deletion = Deletion::Runs(ended.into());
    let expected = DeletionCount {
        runs: 400,
        ..DeletionCount::default()
    };
    assert_eq!(history.count(deletion.clone()).await.unwrap(), expected);
    assert_eq!(history.delete(deletion.clone()).await.unwrap(), expected);
    let left = history.runs(RunQuery::default()).await.unwrap().total;
    assert_eq!(left, 101);
    assert!(history.run(RunId(501)).await.unwrap().is_some());
    assert!(history.delete(deletion).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_file_shrinks() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path());
    for id in 1..=100 {
        let mut run = a_run(id);
        run.answer.text = format!("{id} {}", "long ".repeat(20_000));
        history.finish(run);
    }
    history.end().await.unwrap();
    let size = || {
        std::fs::metadata(folder.path().join("history.db"))
            .unwrap()
            .len()
    };
    let before = size();
    let history = History::open(folder.path());
    history.delete(days(None, None, None)).await.unwrap();
    history.end().await.unwrap();
    assert!(
        before > 10_000_000 && size() < 2_000_000,
        "{before} {}",
        size()
    );
}

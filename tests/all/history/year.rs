//! A year of the monitor with its default retention stays small: the file of `benches/year.rs`.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "it tells how long queries take; nothing depends on that"
)]

#[path = "../../../benches/year.rs"]
mod year_file;

use std::time::Instant;

use tokenscope::{
    history::{History, RunQuery, Series, SeriesQuery},
    run::RunId,
    settings::retention::Retention,
};

use self::year_file::{DAY, PROBES_A_DAY, TARGETS, fill, now};
use crate::deadline;

const MAX_BYTES: u64 = 200_000_000;

#[tokio::test]
async fn a_year_of_20_targets_stays_under_200_mb() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path(), |is_done| {
        deadline::until("the old days to be rolled up", is_done);
    })
    .await;
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

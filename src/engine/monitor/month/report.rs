//! Sizes, times of queries and memory, printed.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use super::{course::Course, disk, supervisor::Life};
use crate::{
    clock::wall_clock_ns,
    history::{DistributionQuery, History, RunQuery, SeriesQuery},
};

const DAY_NS: i64 = 86_400_000_000_000;

/// Prints what the file takes, how long the monitor's questions take, and the memory of each day.
pub(super) fn print(folder: &Path, course: Course, lives: &[Life]) {
    println!("the file: {:.1} MB", disk::size_kib(folder) as f64 / 1e3);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(queries(folder, course));
    println!("| day | process | memory at its first and last hour, MiB | the file, MB |");
    println!("|---|---|---|---|");
    for day in 0..course.days {
        for (n, life) in lives.iter().enumerate() {
            let is_today = |at: Duration| at.as_secs() / 86_400 == u64::from(day);
            let mut hours = life.hours.iter().filter(|hour| is_today(hour.at));
            let Some(first) = hours.next() else { continue };
            let last = hours.next_back().unwrap_or(first);
            println!(
                "| {} | {} | {:.1} {:.1} | {:.1} |",
                day + 1,
                n + 1,
                first.rss_kib as f64 / 1024.0,
                last.rss_kib as f64 / 1024.0,
                last.file_kib as f64 / 1e3
            );
        }
    }
}

async fn queries(folder: &Path, course: Course) {
    let began = Instant::now();
    let history = History::open(folder);
    history.storage().await;
    println!("opening: {:?}", began.elapsed());
    let now = wall_clock_ns();
    for (name, days) in [("the month", i64::from(course.days) + 1), ("a day", 1)] {
        let from_unix_ns = Some(now - days * DAY_NS);
        let began = Instant::now();
        let asked = SeriesQuery {
            from_unix_ns,
            pixels: 1_200,
            ..SeriesQuery::default()
        };
        history.ttft_plot(asked).await.unwrap();
        println!("the plot of {name}: {:?}", began.elapsed());
        let began = Instant::now();
        let asked = DistributionQuery {
            from_unix_ns,
            ..DistributionQuery::default()
        };
        history.distributions(asked).await.unwrap();
        println!("the table of targets, {name}: {:?}", began.elapsed());
    }
    let began = Instant::now();
    history
        .runs(RunQuery {
            limit: 100,
            ..RunQuery::default()
        })
        .await
        .unwrap();
    println!("a page of runs: {:?}", began.elapsed());
    history.end().await.unwrap();
}

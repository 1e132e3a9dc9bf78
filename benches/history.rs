//! How the history bears a million runs: `cargo bench --bench history`.
//!
//! Fills a history in a temporary folder with seeded runs (12 targets, 90 days; `TOKENSCOPE_RUNS` sets
//! how many), opens it again and asks what the desktop asks. Each time is given in ms and as a ratio
//! to a floor taken in the same run: `SELECT count(*)` over the same file. The same for the charts of a year of the
//! monitor, of which all but the last days were rolled up (`year.rs`).

#![expect(clippy::print_stdout, reason = "a benchmark prints its results")]
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "the numbers are small"
)]

mod seeded;
mod year;

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use rusqlite::Connection;
use tokenscope::{
    endpoint::TargetId,
    history::{
        DistributionQuery, ExportFormat, History, OutcomeFilter, PhasesQuery, RunQuery, RunSort,
        Series, SeriesQuery, SortColumn, Storage, TargetFactsQuery,
    },
    price::PriceTable,
};

use seeded::{DAY_NS, DAYS, fill};

/// When the seeded runs begin: the same numbers in each run of the bench.
const START_NS: i64 = 1_750_000_000_000_000_000;

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64() * 1e3
}

/// How long SQLite itself takes for a statement.
fn time_of(file: &Connection, sql: &str) -> Duration {
    let begun = Instant::now();
    file.query_row(sql, [], |_| Ok(())).unwrap();
    begun.elapsed()
}

/// Prints the first time and the median of five more of them.
struct Table {
    floor_ms: f64,
}

impl Table {
    /// Prints the head of a table of times over a file, and its floor.
    fn begin(file: &Connection) -> Self {
        let floors = (0..7).map(|_| time_of(file, "SELECT count(*) FROM run"));
        let floor_ms = median(floors.collect());
        println!(
            "{:<44} {:>9} {:>8} {:>9}",
            "", "first ms", "ratio", "again ms"
        );
        let table = Self { floor_ms };
        table.line("floor: SELECT count(*)", floor_ms, None, "");
        table
    }

    fn line(&self, what: &str, first_ms: f64, again_ms: Option<f64>, note: &str) {
        let ratio = first_ms / self.floor_ms;
        let again = again_ms.map_or(String::new(), |ms| format!("{ms:.1}"));
        println!("{what:<44} {first_ms:>9.1} {ratio:>7.1}x {again:>9}  {note}");
    }

    async fn time<F: Future<Output = String>>(&self, what: &str, ask: impl Fn() -> F) {
        let mut times = Vec::new();
        let mut note = String::new();
        for _ in 0..6 {
            let begun = Instant::now();
            note = ask().await;
            times.push(begun.elapsed());
        }
        let first = times.remove(0).as_secs_f64() * 1e3;
        self.line(what, first, Some(median(times)), &note);
    }

    async fn page(&self, history: &History, what: &str, query: RunQuery) {
        self.time(what, || async {
            let page = history.runs(query.clone()).await.unwrap();
            format!("{} rows of {}", page.rows.len(), page.total)
        })
        .await;
    }

    async fn series(&self, history: &History, what: &str, days: i64) {
        let end = START_NS + DAYS * DAY_NS;
        let query = SeriesQuery {
            from_unix_ns: Some(end - days * DAY_NS),
            to_unix_ns: Some(end),
            pixels: 1200,
            ..SeriesQuery::default()
        };
        self.time(what, || async {
            let series = history.ttft_plot(query.clone()).await.unwrap().series;
            let runs: usize = series.iter().map(Series::runs).sum();
            let points: usize = series.iter().map(|s| s.points.len()).sum();
            format!("{points} points of {runs} runs")
        })
        .await;
    }
}

fn sorted(by: SortColumn, descending: bool) -> RunQuery {
    RunQuery {
        sort: RunSort { by, descending },
        limit: 200,
        ..RunQuery::default()
    }
}

async fn ask(table: &Table, history: &History, count: usize) {
    let newest = || sorted(SortColumn::Started, true);
    let deep = count * 9 / 10;
    table
        .page(history, "first page, newest first", newest())
        .await;
    table
        .page(
            history,
            "page at 90 %",
            RunQuery {
                offset: deep,
                ..newest()
            },
        )
        .await;
    for (what, by) in [
        ("by TTFT, page at 90 %", SortColumn::Ttft),
        ("by target, page at 90 %", SortColumn::Target),
        ("by outcome, page at 90 %", SortColumn::Outcome),
        ("by output tokens, page at 90 %", SortColumn::OutputTokens),
    ] {
        let query = RunQuery {
            offset: deep,
            ..sorted(by, false)
        };
        table.page(history, what, query).await;
    }
    let faults = RunQuery {
        outcome: Some(OutcomeFilter::Fault),
        ..newest()
    };
    table.page(history, "only faults", faults.clone()).await;
    let slow = RunQuery {
        sort: sorted(SortColumn::Total, true).sort,
        ..faults
    };
    table.page(history, "only faults, by total", slow).await;
    let target = TargetId {
        endpoint: "endpoint-1".into(),
        model: "vendor/model-2".into(),
    };
    let one = RunQuery {
        targets: vec![target],
        ..newest()
    };
    table.page(history, "one target", one).await;
    for text in [
        "gateway latency",
        "延迟",
        "nothing",
        "nothing-says-this",
        "e",
    ] {
        let query = RunQuery {
            text: text.into(),
            ..newest()
        };
        table
            .page(history, &format!("search “{text}”"), query)
            .await;
    }
    table.series(history, "series, 90 days, 1200 px", 90).await;
    table.series(history, "series, 7 days, 1200 px", 7).await;
    table.series(history, "series, 1 day, 1200 px", 1).await;
}

/// What the charts ask of a year.
async fn ask_of_a_year(table: &Table, history: &History) {
    let from_unix_ns = Some(year::now() - 366 * DAY_NS);
    let plot = SeriesQuery {
        from_unix_ns,
        pixels: 1200,
        ..SeriesQuery::default()
    };
    table
        .time("year: the plot of TTFT", || async {
            let series = history.ttft_plot(plot.clone()).await.unwrap().series;
            let runs: usize = series.iter().map(Series::runs).sum();
            format!("{} targets, {runs} probes", series.len())
        })
        .await;
    for (what, hours_of_week) in [
        ("year: bands, spread, errors, targets", false),
        ("year: hours of the week", true),
    ] {
        let query = DistributionQuery {
            from_unix_ns,
            hours_of_week,
            ..DistributionQuery::default()
        };
        table
            .time(what, || async {
                let rows = history.distributions(query.clone()).await.unwrap();
                let runs: usize = rows.iter().map(|row| row.ttft.runs).sum();
                format!("{} targets, {runs} probes", rows.len())
            })
            .await;
    }
    let phases = PhasesQuery {
        from_unix_ns,
        ..PhasesQuery::default()
    };
    table
        .time("year: phases", || async {
            let rows = history.phases(phases.clone()).await.unwrap();
            format!("{} targets", rows.len())
        })
        .await;
    let facts = TargetFactsQuery {
        from_unix_ns,
        to_unix_ns: None,
        // As many probes as at the end of a day.
        today_unix_ns: year::now() / DAY_NS * DAY_NS - 2 * DAY_NS,
    };
    table
        .time("year: bursts and today’s costs", || async {
            let facts = history.target_facts(facts.clone(), PriceTable::default());
            let facts = facts.await.unwrap();
            let today: usize = facts.iter().map(|row| row.cost_today.answers()).sum();
            format!("{} targets, {today} probes today", facts.len())
        })
        .await;
}

async fn run_year(folder: &Path) {
    year::fill(folder, |is_done| {
        while is_done().is_err() {
            std::thread::sleep(Duration::from_millis(20));
        }
    })
    .await;
    let path = folder.join("history.db");
    let bytes = fs::metadata(&path).unwrap().len();
    println!(
        "\na year of {} targets, {} probes a day each, {:.0} MB",
        year::TARGETS,
        year::PROBES_A_DAY,
        bytes as f64 / 1e6
    );
    let file = Connection::open(&path).unwrap();
    let table = Table::begin(&file);
    let begun = Instant::now();
    let history = History::open(folder);
    assert_eq!(history.storage().await, Storage::Ok);
    let open = begun.elapsed().as_secs_f64() * 1e3;
    table.line("year: open", open, None, "");
    ask_of_a_year(&table, &history).await;
}

async fn run(folder: &Path, count: i64) {
    let rate = fill(folder, START_NS, count).await;
    let path = folder.join("history.db");
    let bytes = fs::metadata(&path).unwrap().len();
    println!(
        "{count} runs, {rate:.0} written a second, {:.0} MB",
        bytes as f64 / 1e6
    );

    let file = Connection::open(&path).unwrap();
    let table = Table::begin(&file);
    let like = "SELECT count(*) FROM run_text
        WHERE prompt LIKE '%nothing-says-this%' OR text LIKE '%nothing-says-this%'";
    let like = time_of(&file, like).as_secs_f64() * 1e3;
    table.line("floor of a search: LIKE in SQLite", like, None, "");
    let check = time_of(&file, "PRAGMA quick_check(1)").as_secs_f64() * 1e3;
    table.line("whole check (once a week, meanwhile)", check, None, "");
    file.execute("UPDATE meta SET checked_unix_ns = 9000000000000000000", [])
        .unwrap();

    let begun = Instant::now();
    let history = History::open(folder);
    let called = begun.elapsed().as_secs_f64() * 1e3;
    assert_eq!(history.storage().await, Storage::Ok);
    let open = begun.elapsed().as_secs_f64() * 1e3;
    table.line("open, until it says that all is well", open, None, "");
    table.line("open, the call alone", called, None, "");
    ask(&table, &history, count as usize).await;

    let begun = Instant::now();
    let last_tenth = RunQuery {
        since_unix_ns: Some(START_NS + DAYS / 10 * 9 * DAY_NS),
        ..RunQuery::default()
    };
    let to = folder.join("runs.csv");
    let done = history
        .export(
            last_tenth,
            ExportFormat::Csv,
            PriceTable::default(),
            to,
            |_, _| {},
        )
        .await
        .unwrap();
    let spent = begun.elapsed().as_secs_f64() * 1e3;
    table.line(
        "export a tenth as CSV",
        spent,
        None,
        &format!("{done} runs"),
    );
}

fn main() {
    let count = std::env::var("TOKENSCOPE_RUNS").map_or(1_000_000, |n| n.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(run(folder.path(), count));
    let folder = tempfile::tempdir().unwrap();
    runtime.block_on(run_year(folder.path()));
}

//! How the history bears a million runs: `cargo bench --bench history`.
//!
//! Fills a history in a temporary folder with seeded runs (12 targets, 90 days; `TOKENSCOPE_RUNS` sets
//! how many), opens it again and asks what the desktop asks. Each time is given in ms and as a ratio
//! to a floor taken in the same run: `SELECT count(*)` over the same file.

#![expect(clippy::print_stdout, reason = "a benchmark prints its results")]
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "the numbers are small"
)]

use std::{
    fs,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use tokenscope::{
    chat::ChatRequest,
    dialect::DialectId,
    endpoint::TargetId,
    event::{Fault, FaultClass, Phase, Usage},
    history::{
        ExportFormat, History, OutcomeFilter, RunQuery, RunSort, SeriesQuery, SortColumn, Storage,
    },
    measure::Read,
    run::{Connection, Origin, Run, RunHead, RunId, State},
};

const DAY_NS: i64 = 24 * 3600 * 1_000_000_000;
const START_NS: i64 = 1_750_000_000_000_000_000;
const DAYS: i64 = 90;

/// A small generator of the same numbers each time (splitmix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % most
    }

    fn words(&mut self, vocabulary: &[String], least: u64, most: u64) -> String {
        let count = least + self.below(most - least);
        let picked: Vec<&str> = (0..count)
            .map(|_| vocabulary[self.below(vocabulary.len() as u64) as usize].as_str())
            .collect();
        picked.join(" ")
    }
}

fn vocabulary(dice: &mut Dice) -> Vec<String> {
    let mut words: Vec<String> = ["latency", "gateway", "token", "延迟", "首个令牌"]
        .map(str::to_owned)
        .into();
    for _ in 0..4000 {
        let length = 3 + dice.below(7);
        words.push(
            (0..length)
                .map(|_| (b'a' + dice.below(26) as u8) as char)
                .collect(),
        );
    }
    words
}

fn a_run(n: i64, count: i64, dice: &mut Dice, vocabulary: &[String]) -> Run {
    let started = START_NS + n * (DAYS * DAY_NS / count);
    let target = dice.below(12);
    let model = format!("vendor/model-{}", target % 4);
    let prompt = dice.words(vocabulary, 5, 25);
    let mut run = Run::new(RunHead {
        id: RunId(((started / 1_000_000) << 20) | (n & 0xf_ffff)),
        target: TargetId {
            endpoint: format!("endpoint-{}", target / 4),
            model: model.clone(),
        },
        dialect: DialectId::OpenaiChat,
        route: "direct".into(),
        url: "https://api.example.com/v1/chat/completions".into(),
        simulated: false,
        origin: Origin::Playground,
        attempt: 1,
        request: Arc::new(ChatRequest::of_text(model, prompt)),
    });
    let warm = dice.below(5) > 0;
    let ttft =
        80_000_000 + target * 20_000_000 + dice.below(300_000_000) + u64::from(!warm) * 150_000_000;
    let reads = 20 + dice.below(60);
    run.connection = Some(if warm {
        Connection::Warm
    } else {
        Connection::Cold
    });
    run.status = Some(200);
    run.stamps.started_unix_ns = started;
    run.stamps.first_token = Some(ttft);
    run.stamps.last_token = Some(ttft + reads * 20_000_000);
    run.reads = (0..reads)
        .map(|k| Read {
            at: ttft + k * 20_000_000 + dice.below(9_000_000),
            bytes: 200 + dice.below(100) as u32,
            events: 1,
            tokens: 1,
        })
        .collect();
    run.answer.text = dice.words(vocabulary, 10, 110);
    run.answer.usage = Some(Usage {
        input: Some(dice.below(400)),
        output: Some(reads * 2),
        ..Usage::default()
    });
    run.state = State::Ok;
    if dice.below(50) == 0 {
        run.answer.fault = Some(Fault::new(
            FaultClass::RateLimited,
            Phase::Headers,
            "slow down",
        ));
        run.state = State::Fault;
        run.stamps.first_token = None;
    }
    run
}

/// Fills the history and gives the runs a second.
async fn fill(folder: &Path, count: i64) -> f64 {
    let history = History::open(folder);
    let mut dice = Dice(1);
    let vocabulary = vocabulary(&mut dice);
    let mut spent = Duration::ZERO;
    for chunk in 0..(count + 4999) / 5000 {
        let runs = chunk * 5000..(chunk * 5000 + 5000).min(count);
        let runs: Vec<Run> = runs
            .map(|n| a_run(n, count, &mut dice, &vocabulary))
            .collect();
        let begun = Instant::now();
        for run in runs {
            history.finish(run);
        }
        history.flush().await;
        spent += begun.elapsed();
    }
    count as f64 / spent.as_secs_f64()
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64() * 1e3
}

/// Prints the first time and the median of five more of them.
struct Table {
    floor_ms: f64,
}

impl Table {
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
        };
        self.time(what, || async {
            let series = history.series(query.clone()).await.unwrap();
            let runs: usize = series.iter().map(|s| s.runs).sum();
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

async fn run(folder: &Path, count: i64) {
    let rate = fill(folder, count).await;
    let path = folder.join("history.db");
    let bytes = fs::metadata(&path).unwrap().len();
    println!(
        "{count} runs, {rate:.0} written a second, {:.0} MB",
        bytes as f64 / 1e6
    );

    let file = rusqlite::Connection::open(&path).unwrap();
    let time = |sql: &str| {
        let begun = Instant::now();
        file.query_row(sql, [], |_| Ok(())).unwrap();
        begun.elapsed()
    };
    let floors = (0..7).map(|_| time("SELECT count(*) FROM run")).collect();
    let table = Table {
        floor_ms: median(floors),
    };
    println!(
        "{:<44} {:>9} {:>8} {:>9}",
        "", "first ms", "ratio", "again ms"
    );
    table.line("floor: SELECT count(*)", table.floor_ms, None, "");
    let like = "SELECT count(*) FROM run_text
        WHERE prompt LIKE '%nothing-says-this%' OR text LIKE '%nothing-says-this%'";
    let like = time(like).as_secs_f64() * 1e3;
    table.line("floor of a search: LIKE in SQLite", like, None, "");
    let check = time("PRAGMA quick_check(1)").as_secs_f64() * 1e3;
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
        .export(last_tenth, ExportFormat::Csv, to, |_, _| {})
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
}

//! Exports can be read back, and leave nothing half done.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokenscope::{
    event::{Fault, FaultClass, Phase, Usage},
    history::{ExportFormat, History, OutcomeFilter, RunQuery, RunSort, SortColumn},
    price::{OwnPrice, PriceTable, Rates, Usd},
    run::{Run, RunState},
};

use super::{a_run, history_of};
use crate::deadline;

/// Reads CSV after RFC 4180.
fn parse_csv(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell) = (Vec::new(), Vec::new(), String::new());
    let mut chars = text.chars().peekable();
    let mut quoted = false;
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                cell.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\r' if !quoted => {
                assert_eq!(chars.next(), Some('\n'));
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            c => cell.push(c),
        }
    }
    assert!(!quoted && row.is_empty() && cell.is_empty());
    rows
}

/// $2 per million tokens of input, $3 of output, at the endpoint of the runs.
fn prices() -> PriceTable {
    let rates = Rates {
        input: Some(Usd::of_pico(2_000_000)),
        output: Some(Usd::of_pico(3_000_000)),
        ..Rates::default()
    };
    PriceTable::with_own(vec![OwnPrice::new("here/*", rates, None)])
}

fn some_runs() -> Vec<Run> {
    (1..=1200)
        .map(|id| {
            let mut run = a_run(id);
            run.answer.text = match id % 4 {
                0 => format!("line one\r\nline \"two\", {id}"),
                1 => format!("=HYPERLINK({id})"),
                2 => "逗号，\n换行".into(),
                _ => String::new(),
            };
            run.answer.usage = (id % 2 == 0).then(|| Usage {
                output: Some(if id % 3 == 0 { 500 } else { u64::MAX }),
                input: (id % 3 == 0).then_some(1_000),
                ..Usage::default()
            });
            if id % 10 == 0 {
                let mut fault = Fault::new(FaultClass::RateLimited, Phase::Headers, "slow, down");
                fault.status = Some(429);
                run.answer.fault = Some(fault);
                run.state = RunState::Fault;
            }
            run
        })
        .collect()
}

fn cell<'a>(table: &'a [Vec<String>], row: usize, column: &str) -> &'a str {
    let at = table[0]
        .iter()
        .position(|name| name == column)
        .expect(column);
    &table[row][at]
}

#[tokio::test]
async fn csv_comes_back_cell_by_cell() {
    let folder = tempfile::tempdir().unwrap();
    let runs = some_runs();
    let history = history_of(folder.path(), &runs);
    let to = folder.path().join("runs.csv");
    let told = Arc::new(AtomicUsize::new(0));
    let telling = Arc::clone(&told);
    let query = RunQuery {
        sort: RunSort {
            by: SortColumn::Started,
            descending: false,
        },
        offset: 17,
        limit: 3,
        ..RunQuery::default()
    };
    let progress = move |done: usize, total: usize| {
        assert!(done <= total && total == 1200);
        telling.store(done, Ordering::Relaxed);
    };
    let count = history
        .export(query, ExportFormat::Csv, prices(), to.clone(), progress)
        .await
        .unwrap();
    assert_eq!((count, told.load(Ordering::Relaxed)), (1200, 1200));

    let table = parse_csv(&fs::read_to_string(to).unwrap());
    assert_eq!(table.len(), 1201);
    for (n, run) in runs.iter().enumerate() {
        let cell = |column| cell(&table, n + 1, column);
        assert_eq!(table[n + 1].len(), table[0].len());
        assert_eq!(cell("id"), run.head.id.0.to_string());
        assert_eq!((cell("endpoint"), cell("model")), ("here", "org/m"));
        let guard = if run.answer.text.starts_with('=') {
            "'"
        } else {
            ""
        };
        assert_eq!(cell("text"), format!("{guard}{}", run.answer.text));
        assert_eq!(cell("prompt"), format!("prompt {}", run.head.id.0));
        let ok = run.state == RunState::Ok;
        assert_eq!(cell("outcome"), if ok { "ok" } else { "fault" });
        assert_eq!(cell("status"), if ok { "" } else { "429" });
        assert_eq!(cell("message"), if ok { "" } else { "slow, down" });
        let tokens = run.answer.usage.and_then(|u| u.output);
        assert_eq!(
            cell("output_tokens"),
            tokens.map_or(String::new(), |n| n.to_string())
        );
        // 1,000 × 2 + 500 × 3 millionths of a dollar; blank, not 0, where it is not known.
        let is_counted = run.answer.usage.is_some_and(|usage| usage.input.is_some());
        assert_eq!(cell("cost_usd"), if is_counted { "0.0035" } else { "" });
    }
    assert_eq!(cell(&table, 1, "started"), "2023-11-14T22:13:21.000000000Z");
}

#[tokio::test]
async fn json_comes_back_run_by_run() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path());
    for run in some_runs() {
        history.finish(run);
    }
    let to = folder.path().join("runs.json");
    let query = RunQuery {
        outcome: Some(OutcomeFilter::Fault),
        ..RunQuery::default()
    };
    let count = history
        .export(query, ExportFormat::Json, prices(), to.clone(), |_, _| {})
        .await
        .unwrap();
    let back: Vec<serde_json::Value> = serde_json::from_slice(&fs::read(&to).unwrap()).unwrap();
    assert_eq!((count, back.len()), (120, 120));
    assert!(back[0].is_object());
    let cost = |run: &serde_json::Value| run["cost_usd"].as_f64();
    let counted = |run: &serde_json::Value| run["usage"]["input"].is_u64();
    assert!(back.iter().any(counted));
    for run in &back {
        assert_eq!(cost(run), counted(run).then_some(0.0035), "{run}");
    }

    let none = RunQuery {
        text: "nobody said this".into(),
        ..RunQuery::default()
    };
    history
        .export(none, ExportFormat::Json, prices(), to.clone(), |_, _| {})
        .await
        .unwrap();
    let back: Vec<serde_json::Value> = serde_json::from_slice(&fs::read(to).unwrap()).unwrap();
    assert_eq!(back.len(), 0);
}

#[tokio::test]
async fn a_stopped_or_impossible_export_leaves_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path());
    for run in some_runs() {
        history.finish(run);
    }
    let out = tempfile::tempdir().unwrap();
    let to = out.path().join("runs.csv");
    fs::write(&to, "before").unwrap();
    let (begun, has_begun) = std::sync::mpsc::channel::<()>();
    let (stopped, is_stopped) = std::sync::mpsc::channel::<()>();
    let is_stopped = std::sync::Mutex::new(is_stopped);
    let progress = move |_, _| {
        begun.send(()).unwrap();
        let _ = is_stopped.lock().unwrap().recv();
    };
    let going = history.clone();
    let path = to.clone();
    let export = tokio::spawn(async move {
        going
            .export(
                RunQuery::default(),
                ExportFormat::Csv,
                prices(),
                path,
                progress,
            )
            .await
    });
    tokio::task::spawn_blocking(move || deadline::message("the export's first run", &has_begun))
        .await
        .unwrap();
    export.abort();
    assert!(export.await.unwrap_err().is_cancelled());
    drop(stopped);
    deadline::until_true("the end of its half file", || {
        fs::read_dir(out.path()).unwrap().count() == 1
    });
    assert_eq!(fs::read_to_string(&to).unwrap(), "before");

    let nowhere = out.path().join("missing").join("runs.csv");
    let refused = history
        .export(
            RunQuery::default(),
            ExportFormat::Csv,
            prices(),
            nowhere,
            |_, _| {},
        )
        .await
        .unwrap_err();
    assert!(
        refused.to_string().contains("choose another place"),
        "{refused}"
    );
}

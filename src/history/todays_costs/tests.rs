use serde_json::json;

use super::*;
use crate::{
    chat::{CacheLife, Media},
    conformance::CheckedRun,
    event::{Fault, FaultClass, Phase, Usage},
    history::{files::ContentsCache, migrations, tests::a_run},
    price::{OwnPrice, Rates, Usd},
    run::{Run, RunState},
};

fn a_file() -> Connection {
    let mut file = Connection::open_in_memory().unwrap();
    migrations::migrate(&mut file).unwrap();
    file
}

/// Stores a run that is over.
fn put(file: &Connection, run: &Run) {
    large_values::store(file, run, false).unwrap();
    let run = CheckedRun::from(run.clone());
    rows::put_over(file, &ContentsCache::default(), &run).unwrap();
}

/// A run that used so many tokens of input.
fn paid(id: i64, input: u64) -> Run {
    let mut run = a_run(id);
    run.state = RunState::Ok;
    run.stamps.started_unix_ns = id;
    run.stamps.first_token = Some(5);
    run.answer.usage = Some(Usage {
        input: Some(input),
        output: Some(0),
        ..Usage::default()
    });
    run
}

/// So many dollars for a million tokens of input, and one for those written to the cache for an hour.
fn prices(dollars: f64) -> PriceTable {
    let rates = Rates {
        input: Usd::of_dollars(dollars * 1e-6),
        output: Usd::of_dollars(2e-6),
        cache_written_1h: Usd::of_dollars(1e-6),
        ..Rates::default()
    };
    PriceTable::with_own(vec![OwnPrice::new("here/*", rates, None)])
}

/// The sum of all targets.
fn sum(costs: &mut TodaysCosts, file: &Connection, prices: &PriceTable) -> CostSum {
    let sums = costs.sums(file, 0, prices, &|| false).unwrap();
    assert!(sums.len() <= 1, "all runs are of one target");
    sums.values().next().copied().unwrap_or_default()
}

#[test]
fn a_run_is_read_once_and_one_that_is_deleted_no_longer_counts() {
    let (file, mut costs) = (a_file(), TodaysCosts::default());
    let one = prices(1.0);
    for id in 1..=3 {
        put(&file, &paid(id, 1_000_000));
    }
    let mut known = |dollars: f64, prices: &PriceTable| {
        let sum = sum(&mut costs, &file, prices);
        assert_eq!(sum.usd, Usd::of_dollars(dollars).unwrap());
        sum.known
    };
    assert_eq!(known(3.0, &one), 3);
    // No program changes a run that is over: this shows that it is not read again.
    file.execute("UPDATE run SET input_tokens = 5000000", [])
        .unwrap();
    put(&file, &paid(4, 500_000));
    assert_eq!(known(3.5, &one), 4);
    // The user's prices have changed.
    assert_eq!(known(31.0, &prices(2.0)), 4);
    file.execute("DELETE FROM run WHERE id = 1", []).unwrap();
    assert_eq!(known(21.0, &prices(2.0)), 3);
}

#[test]
fn what_a_cost_does_not_depend_on_is_not_read() {
    let file = a_file();
    put(&file, &paid(1, 1_000_000));
    // Neither can be read as a run's.
    file.execute("UPDATE run_wire SET reads = x'80'", [])
        .unwrap();
    file.execute("DELETE FROM run_text", []).unwrap();
    let found = sum(&mut TodaysCosts::default(), &file, &prices(1.0));
    assert_eq!((found.known, found.unknown), (1, 0));
}

/// A run of a model with a list price.
fn listed(id: i64) -> Run {
    let mut run = paid(id, 1_000_000);
    run.head.url = "https://api.openai.com/v1/chat/completions".into();
    run.answer.model = Some("gpt-5-mini".into());
    run
}

fn failed(mut run: Run, class: FaultClass) -> Run {
    run.state = RunState::Fault;
    run.answer.fault = Some(Fault::new(class, Phase::Stream, "x"));
    run
}

/// A run that wrote to the provider's cache for an hour.
fn cached(id: i64) -> Run {
    let mut run = paid(id, 1_000_000);
    let mut request = (*run.head.request).clone();
    request.params.cache_prompt = Some(CacheLife::Hour);
    run.head.request = request.into();
    if let Some(usage) = &mut run.answer.usage {
        usage.cache_written = Some(300_000);
    }
    run
}

/// Runs whose costs, or the lack of them, have different reasons.
fn runs() -> Vec<Run> {
    let mut simulated = paid(1, 5);
    simulated.head.simulated = true;
    let mut uncounted = paid(2, 5);
    uncounted.answer.usage = None;
    let mut free = failed(a_run(4), FaultClass::Connect);
    free.stamps.first_token = None;
    // Its overflow column, which has a count, is too large for its row.
    let mut overflown = cached(6);
    let long = json!("x".repeat(2 << 20));
    overflown.answer.echoed.insert("long".to_owned(), long);
    let mut long = paid(7, 5);
    long.answer.text = "y".repeat(5 << 20);
    let mut drawn = listed(9);
    drawn.answer.media.push(Media {
        mime: "image/png".into(),
        data: b"png".as_slice().into(),
        ..Media::default()
    });
    let mut in_haste = listed(10);
    let tier = json!("priority");
    (in_haste.answer.echoed).insert("service_tier".to_owned(), tier);
    vec![
        simulated,
        uncounted,
        failed(paid(3, 500_000), FaultClass::Interrupted),
        free,
        cached(5),
        overflown,
        long,
        listed(8),
        drawn,
        in_haste,
    ]
}

#[test]
fn costs_are_those_of_whole_runs() {
    for prices in [prices(1.0), PriceTable::default()] {
        for run in runs() {
            let file = a_file();
            put(&file, &run);
            let mut whole = CostSum::default();
            whole.add_run(&run, &prices);
            let found = sum(&mut TodaysCosts::default(), &file, &prices);
            assert_eq!(found, whole, "run {}", run.head.id.0);
        }
    }
    let mut known = CostSum::default();
    known.add_run(&listed(8), &PriceTable::default());
    assert_eq!(known.known, 1, "so the list prices are asked");
}

#[test]
fn a_call_that_is_cancelled_keeps_what_it_read() {
    let (file, mut costs) = (a_file(), TodaysCosts::default());
    for id in 1..=300 {
        put(&file, &paid(id, 1));
    }
    let looks = std::cell::Cell::new(0);
    let is_cancelled = || looks.replace(looks.get() + 1) == 1;
    let cancelled = costs.sums(&file, 0, &prices(1.0), &is_cancelled);
    assert!(cancelled.is_err());
    assert_eq!(costs.counted.len(), RUNS);
    assert_eq!(sum(&mut costs, &file, &prices(1.0)).known, 300);
}

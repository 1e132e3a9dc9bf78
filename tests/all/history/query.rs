//! The table of runs, held against filtering and sorting them all in memory.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "the numbers are small"
)]

use std::cmp::Ordering;

use tokenscope::{
    chat::ChatRequest,
    endpoint::TargetId,
    event::{Fault, FaultClass, Phase, Usage},
    history::{History, OutcomeFilter, RunQuery, RunRow, RunSort, SortColumn},
    run::{Run, RunState},
};

use super::{a_run, fresh, history_of};

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
}

const WORDS: [&str; 8] = [
    "alpha",
    "Beta",
    "延迟很高",
    "首个令牌",
    "ÄRGER",
    "100%",
    "a_b",
    "zeta",
];

fn some_runs() -> Vec<Run> {
    let mut dice = Dice(7);
    let mut words = move |n: u64| {
        let picked = (0..dice.below(n)).map(|_| WORDS[dice.below(8) as usize]);
        picked.collect::<Vec<_>>().join(" ")
    };
    let mut dice = Dice(3);
    (1..=400)
        .map(|id| {
            let mut run = a_run(id);
            run.head.target = TargetId {
                endpoint: ["near", "far", "Zoo"][dice.below(3) as usize].into(),
                model: ["m/1", "m2"][dice.below(2) as usize].into(),
            };
            run.stamps.started_unix_ns = 1_000_000 + (id * 7919) % 400 * 1000;
            run.stamps.first_token = (dice.below(5) > 0).then(|| dice.below(50) * 1_000_000);
            run.stamps.last_token = run
                .stamps
                .first_token
                .map(|t| t + dice.below(3) * 1_000_000);
            run.answer.usage = (dice.below(3) > 0).then(|| Usage {
                output: Some(dice.below(20)),
                ..Usage::default()
            });
            run.head.request = ChatRequest::of_text("m", words(4)).into();
            run.answer.text = words(5);
            let class = FaultClass::ALL[dice.below(15) as usize];
            if dice.below(3) == 0 {
                run.answer.fault = Some(Fault::new(class, Phase::Stream, words(3)));
                run.state = RunState::Fault;
            }
            run
        })
        .collect()
}

/// Orders two values, blanks last in either direction.
fn blanks_last<T: PartialOrd>(a: Option<T>, b: Option<T>, descending: bool) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) if descending => b.partial_cmp(&a).unwrap(),
        (Some(a), Some(b)) => a.partial_cmp(&b).unwrap(),
        (a, b) => b.is_some().cmp(&a.is_some()),
    }
}

fn compare(a: &Run, b: &Run, sort: RunSort) -> Ordering {
    let down = sort.descending;
    let outcome = |r: &Run| match r.state {
        RunState::Ok => Some("ok"),
        RunState::Fault => r.answer.fault.as_ref().map(|f| f.class.as_str()),
        _ => None,
    };
    let output = |r: &Run| r.answer.usage.and_then(|u| u.output);
    let by = match sort.by {
        SortColumn::Started => Ordering::Equal,
        SortColumn::Target => blanks_last(Some(&a.head.target), Some(&b.head.target), down),
        SortColumn::Outcome => blanks_last(outcome(a), outcome(b), down),
        SortColumn::Ttft => blanks_last(a.stamps.first_token, b.stamps.first_token, down),
        SortColumn::Total => blanks_last(a.stamps.last_token, b.stamps.last_token, down),
        SortColumn::OutputTokens => blanks_last(output(a), output(b), down),
    };
    let started = |r: &Run| Some(r.stamps.started_unix_ns);
    by.then(blanks_last(started(a), started(b), down))
}

fn matches(run: &Run, query: &RunQuery) -> bool {
    let message = run.answer.fault.as_ref().map_or("", |f| &f.message);
    let prompt = run.head.request.messages[0].text();
    let fields = [
        &prompt,
        &run.answer.text,
        message,
        &run.head.target.to_string(),
    ];
    let fields: Vec<String> = fields.iter().map(|f| f.to_lowercase()).collect();
    let said = |word: &str| fields.iter().any(|f| f.contains(&word.to_lowercase()));
    let outcome = match query.outcome {
        None => true,
        Some(OutcomeFilter::Ok) => run.state == RunState::Ok,
        Some(OutcomeFilter::Cancelled) => run.is_cancelled(),
        Some(OutcomeFilter::Fault) => run.state == RunState::Fault && !run.is_cancelled(),
    };
    query.text.split_whitespace().all(said)
        && (query.targets.is_empty() || query.targets.contains(&run.head.target))
        && outcome
        && query
            .since_unix_ns
            .is_none_or(|since| run.stamps.started_unix_ns >= since)
}

fn all_queries() -> Vec<RunQuery> {
    let target = |endpoint: &str, model: &str| TargetId {
        endpoint: endpoint.into(),
        model: model.into(),
    };
    let sorts = [
        SortColumn::Started,
        SortColumn::Target,
        SortColumn::Outcome,
        SortColumn::Ttft,
        SortColumn::Total,
        SortColumn::OutputTokens,
    ];
    let targets = [
        vec![],
        vec![target("near", "m/1"), target("Zoo", "m2")],
        vec![target("nowhere", "m")],
    ];
    let texts = [
        "",
        "alp",
        "alpha",
        "BETA 延",
        "BETA 延迟",
        "ärger",
        "%",
        "a_b far",
        "nothing",
    ];
    let mut dice = Dice(11);
    let mut queries = Vec::new();
    for by in sorts {
        for descending in [false, true] {
            for text in texts {
                for targets in &targets {
                    for outcome in [
                        None,
                        Some(OutcomeFilter::Ok),
                        Some(OutcomeFilter::Fault),
                        Some(OutcomeFilter::Cancelled),
                    ] {
                        queries.push(RunQuery {
                            text: text.into(),
                            targets: targets.clone(),
                            outcome,
                            since_unix_ns: (dice.below(3) == 0).then_some(1_150_000),
                            sort: RunSort { by, descending },
                            offset: dice.below(60) as usize * dice.below(2) as usize,
                            limit: 1 + dice.below(150) as usize,
                        });
                    }
                }
            }
        }
    }
    queries
}

#[tokio::test]
async fn every_filter_and_order_gives_what_memory_gives() {
    let folder = tempfile::tempdir().unwrap();
    let mut runs = some_runs();
    let history = history_of(folder.path(), &runs);
    let mut live = fresh(401);
    live.head.target = runs[0].head.target.clone();
    history.begin(&live);
    live.stamps.started_unix_ns = 0;
    runs.push(live);
    for query in all_queries() {
        let mut expected: Vec<&Run> = runs.iter().filter(|run| matches(run, &query)).collect();
        expected.sort_by(|a, b| compare(a, b, query.sort));
        let page = history.runs(query.clone()).await.unwrap();
        assert_eq!(page.total, expected.len(), "{query:?}");
        let got: Vec<_> = page.rows.iter().map(|row| row.id.0).collect();
        let expected = expected.iter().skip(query.offset).take(query.limit);
        let expected: Vec<_> = expected.map(|run| run.head.id.0).collect();
        assert_eq!(got, expected, "{query:?}");
    }
}

#[tokio::test]
async fn a_row_says_what_its_run_says() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path());
    let mut run = a_run(1);
    run.head.request = ChatRequest::of_text("m", "two\n  lines").into();
    run.stamps.last_token = Some(600_000_000);
    run.answer.usage = Some(Usage {
        input: Some(5),
        output: Some(100),
        ..Usage::default()
    });
    history.finish(run.clone());
    let page = history
        .runs(RunQuery {
            limit: 5,
            ..RunQuery::default()
        })
        .await
        .unwrap();
    let expected = RunRow {
        id: run.head.id,
        target: run.head.target,
        route: "direct".into(),
        state: RunState::Ok,
        fault: None,
        connection: run.connection,
        simulated: false,
        started_unix_ns: run.stamps.started_unix_ns,
        ttft_ms: Some(100.0),
        total_ms: Some(600.0),
        output_speed: Some(200.0),
        input_tokens: Some(5),
        output_tokens: Some(100),
        prompt: "two lines".into(),
    };
    assert_eq!(page.rows, [expected]);
}

#[tokio::test]
async fn the_total_follows_what_is_added_by_any_window() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (History::open(folder.path()), History::open(folder.path()));
    let query = RunQuery {
        text: "answer".into(),
        limit: 1,
        ..RunQuery::default()
    };
    for id in 1..=5 {
        second.finish(a_run(id));
        second.flush().await;
        let total = first.runs(query.clone()).await.unwrap().total;
        assert_eq!(total as i64, id);
    }
}

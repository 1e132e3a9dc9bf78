//! What is told of targets beside TTFT: what was held back on its way, and what today cost.

use tokenscope::{
    event::{Fault, FaultClass, Phase, Usage},
    history::{History, MOST_JUDGED, TargetFacts, TargetFactsQuery},
    price::{OwnPrice, PriceTable, Rates, Usd},
    run::{Link, Read, Run, RunState},
    transport::ConnectionLoss,
};

use super::a_run;

/// Midnight.
const TODAY: i64 = 1_700_000_000_000_000_000;

/// A run of a model that began so many seconds after midnight.
fn run_of(id: i64, model: &str, after: i64) -> Run {
    let mut run = a_run(id);
    run.head.target.model = model.into();
    run.stamps.started_unix_ns = TODAY + after * 1_000_000_000;
    run
}

/// The same, whose tokens come one by one, or all held back and let go together.
fn streamed(id: i64, model: &str, after: i64, is_held: bool) -> Run {
    let mut run = run_of(id, model, after);
    let at = |n: u64| {
        if is_held {
            2_000_000_000 + n * 1_000
        } else {
            400_000_000 + n * 30_000_000
        }
    };
    run.stamps.request_sent = Some(1_000_000);
    run.stamps.first_token = Some(at(0));
    run.reads = (0..40)
        .map(|n| Read {
            at: at(n),
            bytes: 200,
            events: 1,
            tokens: 1,
            ..Read::default()
        })
        .collect();
    run
}

/// The same, that used so many tokens of input.
fn paid(id: i64, model: &str, after: i64, input: Option<u64>) -> Run {
    let mut run = run_of(id, model, after);
    run.answer.usage = input.map(|input| Usage {
        input: Some(input),
        output: Some(0),
        ..Usage::default()
    });
    run
}

/// A dollar for a million tokens of input, at models whose names begin with `paid`.
fn prices() -> PriceTable {
    let rates = Rates {
        input: Usd::of_dollars(1e-6),
        output: Usd::of_dollars(2e-6),
        ..Rates::default()
    };
    PriceTable::with_own(vec![OwnPrice::new("here/paid*", rates, None)])
}

async fn facts(runs: Vec<Run>, query: TargetFactsQuery) -> Vec<TargetFacts> {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path());
    for run in runs {
        history.finish(run);
    }
    history.flush().await;
    history.target_facts(query, prices()).await.unwrap()
}

fn of<'a>(facts: &'a [TargetFacts], model: &str) -> &'a TargetFacts {
    facts
        .iter()
        .find(|facts| facts.target.model == model)
        .unwrap()
}

#[tokio::test]
async fn the_share_of_held_back_answers_is_of_the_latest_in_the_stretch() {
    let latest = i64::from(MOST_JUDGED);
    // 50 held back at first, which are too long ago to count for “many”.
    let mut runs: Vec<Run> = (0..50).map(|n| streamed(n + 1, "many", n, true)).collect();
    runs.extend((0..latest).map(|n| streamed(100 + n, "many", 100 + n, n % 4 == 0)));
    runs.push(streamed(1_000, "few", 10, true));
    runs.push(streamed(1_001, "few", 9_000, false));
    // A single token tells nothing, and neither does a failure before any.
    let mut short = streamed(1_002, "short", 10, false);
    short.reads = short.reads[..1].to_vec().into();
    runs.push(short);
    let mut failed = run_of(1_003, "failed", 10);
    failed.stamps.first_token = None;
    failed.state = RunState::Fault;
    failed.answer.fault = Some(Fault::new(FaultClass::Connect, Phase::Connect, "x"));
    runs.push(failed);
    let query = TargetFactsQuery {
        from_unix_ns: None,
        to_unix_ns: Some(TODAY + 5_000 * 1_000_000_000),
        today_unix_ns: i64::MAX,
    };
    let found = facts(runs, query).await;
    let many = of(&found, "many").buffered;
    let most = MOST_JUDGED as usize;
    assert_eq!((many.buffered, many.judged), (most / 4, most));
    assert_eq!(many.share(), Some(0.25));
    assert_eq!(of(&found, "few").buffered.share(), Some(1.0));
    let short = of(&found, "short").buffered;
    assert_eq!((short.share(), short.unclear), (None, 1));
    assert!(found.iter().all(|facts| facts.target.model != "failed"));
}

#[tokio::test]
async fn lost_connections_are_counted_where_the_run_failed_by_that() {
    use FaultClass::{Cancelled, Interrupted, Reset, Suspended, Timeout};
    let cases = [
        (Some(Reset), Some(ConnectionLoss::Reset), 10),
        (Some(Interrupted), Some(ConnectionLoss::Reset), 11),
        (Some(Timeout), Some(ConnectionLoss::HalfOpen), 12),
        (Some(Timeout), None, 13),
        // An end here, a reset after the answer, and one outside the stretch.
        (Some(Cancelled), Some(ConnectionLoss::HalfOpen), 14),
        (Some(Suspended), Some(ConnectionLoss::HalfOpen), 15),
        (None, Some(ConnectionLoss::Reset), 16),
        (Some(Reset), Some(ConnectionLoss::Reset), 9_000),
    ];
    let runs = cases
        .into_iter()
        .zip(1..)
        .map(|((class, lost, after), id)| {
            let mut run = run_of(id, "m", after);
            if let Some(class) = class {
                run.state = RunState::Fault;
                run.answer.fault = Some(Fault::new(class, Phase::Headers, "x"));
            }
            run.stamps.link = Some(Link {
                lost,
                ..Link::default()
            });
            run
        });
    let query = TargetFactsQuery {
        from_unix_ns: Some(TODAY),
        to_unix_ns: Some(TODAY + 5_000 * 1_000_000_000),
        today_unix_ns: i64::MAX,
    };
    let found = facts(runs.collect(), query).await;
    let lost = of(&found, "m").lost;
    assert_eq!((lost.reset, lost.half_open), (2, 1));
}

#[tokio::test]
async fn todays_cost_begins_at_midnight_and_what_is_not_known_is_not_0() {
    let mut simulated = paid(20, "paid-a", 5, Some(1_000_000));
    simulated.head.simulated = true;
    let mut broken = paid(30, "paid-b", 5, Some(500_000));
    broken.state = RunState::Fault;
    broken.answer.fault = Some(Fault::new(FaultClass::Interrupted, Phase::Stream, "x"));
    let runs = vec![
        paid(1, "paid-a", -1, Some(7_000_000)),
        paid(2, "paid-a", 0, Some(1_000_000)),
        paid(3, "paid-a", 60, Some(500_000)),
        simulated,
        broken,
        // The provider told no count.
        paid(31, "paid-b", 6, None),
        paid(40, "free", 7, Some(1_000_000)),
    ];
    let query = TargetFactsQuery {
        today_unix_ns: TODAY,
        // The stretch that is shown does not matter.
        from_unix_ns: Some(TODAY + 3_600_000_000_000),
        to_unix_ns: None,
    };
    let found = facts(runs, query).await;
    let whole = of(&found, "paid-a").cost_today;
    assert_eq!(whole.usd, Usd::of_dollars(1.5).unwrap());
    assert_eq!(whole.text("≥ ").as_deref(), Some("$1.50"));
    let part = of(&found, "paid-b").cost_today;
    assert_eq!((part.known, part.unknown, part.broken), (1, 1, 1));
    assert_eq!(part.text("≥ ").as_deref(), Some("≥ $0.500"));
    let unknown = of(&found, "free").cost_today;
    assert_eq!((unknown.text("≥ "), unknown.unknown), (None, 1));
    assert!(found.iter().all(|facts| !facts.simulated), "{found:#?}");
}

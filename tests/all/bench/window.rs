//! What a window asks of benches: run one, list it, open it with what its plots show, delete it.

use std::sync::{Arc, mpsc::channel};

use tokenscope::{
    bench::{
        ArrivalProcess, BackOff, BenchCharts, BenchConnections, BenchId, BenchPlan, BenchSummary,
        GoodputLimits, Load, OnePrompt, StopRules,
    },
    credential::Credentials,
    endpoint::variables::Environment,
    engine::{
        Asked, BenchCommand, BenchNews, BenchOpening, BenchStart, Command, Engine, HistoryNews,
        Options, SavedBenchCommand, Update, ask, ask_in_steps,
    },
    history::{BenchRow, BenchState},
};

use crate::{deadline::Deadline, engine::Driven, home::Home};

fn plan() -> BenchPlan {
    BenchPlan {
        target: "simulator/sim-fast".parse().unwrap(),
        load: Load::Rate {
            per_second: 200.0,
            arrivals: ArrivalProcess::Poisson,
        },
        ramp_ms: 0,
        connections: BenchConnections::Warm,
        warm_up: 5,
        stop: StopRules {
            requests: Some(60),
            ..StopRules::default()
        },
        goodput: GoodputLimits::default(),
        back_off: BackOff::Never,
        most_in_flight: 1_000,
        max_tokens: 4,
        seed: 1,
        asked: None,
        keep_texts: false,
    }
}

fn saved(command: SavedBenchCommand) -> Command {
    Command::Bench(BenchCommand::Saved(command))
}

/// Runs a bench to its end.
fn run(driven: &Driven) -> (BenchId, Arc<BenchSummary>) {
    let start = BenchStart {
        id: BenchId::new(),
        plan: plan(),
        source: Arc::new(OnePrompt::new("sim-fast", "count", 4, 1)),
    };
    let id = start.id;
    driven
        .engine
        .send(Command::Bench(BenchCommand::Start(start.into())));
    let summary = driven.until(|update| match update {
        Update::Bench(BenchNews::Over {
            id: of, summary, ..
        }) if of == id => Some(summary),
        Update::Bench(BenchNews::Refused { fault, .. }) => panic!("{fault:?}"),
        _ => None,
    });
    (id, summary)
}

fn list(driven: &Driven) -> Vec<BenchRow> {
    driven
        .answer(|reply| saved(SavedBenchCommand::List(reply)))
        .unwrap()
}

/// What a bench's requests say, and its summary if it never ended.
type Requests = (Arc<BenchCharts>, Option<Box<BenchSummary>>);

/// The steps of opening a bench.
fn open(driven: &Driven, id: BenchId) -> (Option<Box<BenchRow>>, Option<Requests>) {
    let (steps, mut asked) = ask_in_steps();
    driven
        .engine
        .send(saved(SavedBenchCommand::Open { id, steps }));
    let step = |asked: &mut Asked<Result<BenchOpening, String>>| asked.wait().map(Result::unwrap);
    let Some(BenchOpening::Row(row)) = step(&mut asked) else {
        panic!("the bench comes first")
    };
    let requests = match step(&mut asked) {
        Some(BenchOpening::Requests { charts, summary }) => Some((charts, summary)),
        Some(BenchOpening::Row(_)) => panic!("it came already"),
        None => None,
    };
    assert!(step(&mut asked).is_none(), "that was the last step");
    (row, requests)
}

#[test]
fn what_was_run_is_listed_opened_whole_and_deleted() {
    let driven = Driven::new("");
    assert_eq!(list(&driven), []);
    let (id, summary) = run(&driven);
    let (row, requests) = open(&driven, id);
    let row = row.unwrap();
    assert_eq!((row.state, row.requests), (BenchState::Over, 65));
    assert_eq!(row.summary.as_ref(), Some(&*summary), "as it was told");
    let (charts, computed) = requests.unwrap();
    assert!(computed.is_none(), "it ended, and has its summary");
    // All that was measured is in the plots, the warm-up is not.
    assert_eq!(charts.ttft.n, summary.requests.ok);
    let sum = |of: fn(&tokenscope::bench::charts::ChartBin) -> u64| {
        charts.bins.iter().map(of).sum::<u64>()
    };
    assert_eq!(sum(|bin| bin.begun), summary.requests.sent);
    assert_eq!(
        sum(|bin| bin.due.unwrap_or_default()),
        summary.requests.sent
    );
    assert_eq!(sum(|bin| bin.ok), summary.requests.ok);
    let slowest = charts
        .ttft_from_schedule
        .as_ref()
        .unwrap()
        .steps
        .last()
        .unwrap()[0];
    let max = summary.from_schedule.unwrap().ttft_ms.max.unwrap();
    assert!((slowest - max).abs() < 0.01 * max, "{slowest} {max}");

    let (second, _) = run(&driven);
    let listed: Vec<BenchId> = list(&driven).iter().map(|row| row.id).collect();
    assert_eq!(listed, [second, id], "the latest first");
    let delete = || driven.answer(|reply| saved(SavedBenchCommand::Delete { id, reply }));
    assert_eq!(delete(), Ok(true));
    assert_eq!(delete(), Ok(false), "it is gone");
    assert_eq!(list(&driven).len(), 1);
    assert!(matches!(open(&driven, id), (None, None)));
}

#[test]
fn each_answer_wakes_the_window() {
    let home = Home::new();
    let options = Options {
        paths: home.paths(),
        endpoints: Vec::new(),
        simulator: false,
        history: true,
        credentials: Credentials::without_keyring(Environment::default()),
    };
    let (wake, woken) = channel();
    let wake = move || {
        // The test may be over.
        let _ = wake.send(());
    };
    let engine = Engine::start(options, wake).unwrap();
    let deadline = Deadline::of("a window that is woken");
    loop {
        match engine.try_next() {
            Some(Update::History(HistoryNews::Storage(_))) => break,
            Some(_) => {}
            None => assert!(deadline.next(&woken).is_some()),
        }
    }
    // An empty history tells nothing more by itself: whatever wakes the window now is an answer.
    let (reply, mut listed) = ask();
    engine.send(saved(SavedBenchCommand::List(reply)));
    while listed.take().is_none() {
        assert!(deadline.next(&woken).is_some());
    }
    let (steps, mut opened) = ask_in_steps();
    let id = BenchId::new();
    engine.send(saved(SavedBenchCommand::Open { id, steps }));
    while opened.take().is_none() {
        assert!(deadline.next(&woken).is_some());
    }
    let (reply, mut deleted) = ask();
    engine.send(saved(SavedBenchCommand::Delete { id, reply }));
    while deleted.take().is_none() {
        assert!(deadline.next(&woken).is_some());
    }
}

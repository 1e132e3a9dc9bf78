//! Comparisons as a client of the engine drives them.

use std::time::Duration;

use tokenscope::{
    compare::{AnswerMark, Arm, ComparePlan, CompareState, CompareStopReason, CompareStopRule},
    credential::Credentials,
    engine::{Command, CompareCommand, CompareNews, Options, Update, ask},
};

use super::server::{Deed, Scripted};
use crate::{deadline::Deadline, engine::Heard, home::Home};

fn start(home: &Home) -> Heard {
    let engine = Heard::start(Options {
        paths: home.paths(),
        endpoints: Vec::new(),
        simulator: false,
        history: true,
        credentials: Credentials::default(),
    });
    let deadline = Deadline::of("the engine");
    while !matches!(engine.next(&deadline), Some(Update::Ready)) {}
    engine
}

fn plan(stop: CompareStopRule) -> ComparePlan {
    let arms = ["a/m", "b/m"].map(|target| Arm::of(target.parse().unwrap()));
    ComparePlan {
        arms: arms.into(),
        stop,
        ..ComparePlan::default()
    }
}

/// What is told of comparisons until there is what is wanted.
fn until<T>(engine: &Heard, what: &str, mut wanted: impl FnMut(CompareNews) -> Option<T>) -> T {
    let deadline = Deadline::of(what);
    loop {
        let update = engine.next(&deadline).expect("the engine runs");
        if let Update::Compare(news) = update
            && let Some(found) = wanted(news)
        {
            return found;
        }
    }
}

fn ended(engine: &Heard) -> CompareState {
    until(engine, "the end of a comparison", |news| match news {
        CompareNews::Ended(state) => Some(*state),
        CompareNews::Refused(why) => panic!("{why}"),
        _ => None,
    })
}

fn refused(engine: &Heard) -> String {
    until(engine, "a refusal", |news| match news {
        CompareNews::Refused(why) => Some(why),
        _ => None,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn one_runs_at_a_time_is_stopped_opened_marked_resumed_and_deleted() {
    let (_server, home) = Scripted::with_home(|_, _| Deed::Answer(2), "").await;
    let engine = start(&home);
    let send = |command| engine.send(Command::Compare(command));
    let for_ever = CompareStopRule {
        time: Some(Duration::from_hours(1)),
        ..CompareStopRule::default()
    };
    send(CompareCommand::Start(Box::new(plan(for_ever.clone()))));
    until(&engine, "three rounds", |news| match news {
        CompareNews::Round { round, .. } => (round.index == 2).then_some(()),
        _ => None,
    });
    send(CompareCommand::Start(Box::new(plan(for_ever))));
    assert!(refused(&engine).contains("another comparison runs"));
    send(CompareCommand::Stop);
    let stopped = ended(&engine);
    let reason = stopped.end.as_ref().map(|end| end.reason);
    assert_eq!(reason, Some(CompareStopReason::Stopped));
    assert!(stopped.rounds.len() >= 3 && !stopped.is_running);
    let id = stopped.head.id;

    // The client's end of a question waits on a thread that is not the runtime's.
    let open = || {
        let (reply, mut asked) = ask();
        send(CompareCommand::Open { id, reply });
        tokio::task::block_in_place(|| asked.wait())
            .unwrap()
            .unwrap()
    };
    let opened = open().unwrap();
    assert_eq!(opened.rounds, stopped.rounds);
    assert_eq!(opened.head, stopped.head);
    assert_eq!(opened.result.pairs(), stopped.result.pairs());

    let mark = |round, mark| {
        let (reply, mut asked) = ask();
        send(CompareCommand::Mark {
            id,
            round,
            arm: 1,
            mark,
            reply,
        });
        tokio::task::block_in_place(|| asked.wait())
            .unwrap()
            .unwrap()
    };
    mark(0, Some(AnswerMark::Better));
    mark(1, Some(AnswerMark::Worse));
    mark(2, Some(AnswerMark::Better));
    assert_eq!(mark(1, None).len(), 2, "one was taken back");
    assert_eq!(mark(2, Some(AnswerMark::Same)).len(), 2, "one was changed");
    let preference = &open().unwrap().result.preferences[0];
    assert_eq!((preference.better, preference.same), (1, 1));

    send(CompareCommand::Resume(id));
    until(&engine, "the next round", |news| match news {
        CompareNews::Round { round, .. } => {
            assert_eq!(round.index, stopped.rounds.len() as u64);
            Some(())
        }
        _ => None,
    });
    send(CompareCommand::Stop);
    let again = ended(&engine);
    assert!(again.rounds.len() > stopped.rounds.len());
    assert_eq!(again.rounds[..stopped.rounds.len()], stopped.rounds[..]);
    assert_eq!(again.marks.len(), 2);

    let (reply, mut asked) = ask();
    send(CompareCommand::Delete { id, reply });
    let deleted = tokio::task::block_in_place(|| asked.wait()).unwrap();
    assert_eq!(deleted, Ok(true));
    assert!(open().is_none());
    send(CompareCommand::Resume(id));
    assert!(refused(&engine).contains("there is no comparison"));
    engine.send(Command::Stop);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_plan_costs_is_told_without_a_request() {
    let prices = "[price.\"b/*\"]\ninput = 0\noutput = 1000\n";
    let (server, home) = Scripted::with_home(|_, _| Deed::Answer(2), prices).await;
    let engine = start(&home);
    let stop = CompareStopRule {
        pairs: Some(10),
        ..CompareStopRule::default()
    };
    let (reply, mut asked) = ask();
    engine.send(Command::Compare(CompareCommand::Forecast {
        plan: Box::new(plan(stop)),
        reply,
    }));
    let told = tokio::task::block_in_place(|| asked.wait()).unwrap();
    assert_eq!((told.requests, told.elsewhere), (Some(20), Some(0)));
    assert_eq!(told.unpriced, ["a/m".parse().unwrap()]);
    // 64 tokens at $1,000 a million, ten times.
    let usd = told.usd.unwrap().dollars();
    assert!((usd - 0.64).abs() < 1e-9, "{usd}");
    assert_eq!(server.asked(), 0);
    engine.send(Command::Stop);
}

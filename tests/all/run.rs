//! The state machine of a run, over every state and update.

use std::{collections::HashSet, sync::Arc, thread};

use tokenscope::{
    event::{Event, Fault, FaultClass, Phase},
    price::PriceTable,
    run::{ConnectionKind, Read, Run, RunId, RunState, RunUpdate, Stamps},
};

use crate::{deadline, toy};

fn new_run() -> Run {
    Run::new(toy::ask(toy::endpoint("http://127.0.0.1:1/")).head)
}

fn started() -> RunUpdate {
    RunUpdate::Started { started_unix_ns: 7 }
}

fn head() -> RunUpdate {
    RunUpdate::Head {
        stamps: Box::new(Stamps {
            started_unix_ns: 7,
            headers: Some(1),
            ..Stamps::default()
        }),
        connection: ConnectionKind::Cold,
        status: 200,
        http_version: "HTTP/1.1".into(),
    }
}

fn read(tokens: u32, event: Event) -> RunUpdate {
    RunUpdate::Read {
        read: Read {
            at: 5,
            bytes: 3,
            events: 1,
            tokens,
            ..Read::default()
        },
        events: vec![event],
    }
}

fn token() -> RunUpdate {
    read(1, Event::Text { text: "a".into() })
}

fn ping() -> RunUpdate {
    read(0, Event::keep_alive())
}

fn fault() -> Event {
    Event::Fault(Fault::new(FaultClass::Reset, Phase::Stream, "gone"))
}

fn closed(events: Vec<Event>) -> RunUpdate {
    RunUpdate::Closed {
        at: 9,
        events,
        stamps: Box::new(Stamps {
            closed: Some(9),
            ..Stamps::default()
        }),
    }
}

/// A run in this state, by the shortest way.
fn run_in(state: RunState) -> Run {
    let way = match state {
        RunState::Queued => vec![],
        RunState::Connecting => vec![started()],
        RunState::Waiting => vec![started(), head()],
        RunState::Streaming => vec![started(), head(), token()],
        RunState::Ok => vec![started(), head(), closed(vec![])],
        RunState::Fault => vec![started(), closed(vec![fault()])],
    };
    let mut run = new_run();
    for update in way {
        run.apply(&update).unwrap();
    }
    assert_eq!(run.state, state);
    run
}

#[test]
fn every_pair_of_state_and_update() {
    use RunState as S;
    let updates = [
        started(),
        head(),
        ping(),
        token(),
        closed(vec![]),
        closed(vec![fault()]),
    ];
    let table = [
        (
            S::Queued,
            [Some(S::Connecting), None, None, None, None, None],
        ),
        (
            S::Connecting,
            [None, Some(S::Waiting), None, None, None, Some(S::Fault)],
        ),
        (
            S::Waiting,
            [
                None,
                None,
                Some(S::Waiting),
                Some(S::Streaming),
                Some(S::Ok),
                Some(S::Fault),
            ],
        ),
        (
            S::Streaming,
            [
                None,
                None,
                Some(S::Streaming),
                Some(S::Streaming),
                Some(S::Ok),
                Some(S::Fault),
            ],
        ),
        (S::Ok, [None; 6]),
        (S::Fault, [None; 6]),
    ];
    assert_eq!(table.len(), RunState::ALL.len());
    for (state, row) in table {
        for (update, expected) in updates.iter().zip(row) {
            let before = run_in(state);
            let mut run = before.clone();
            let result = run.apply(update);
            if let Some(next) = expected {
                assert_eq!((result, run.state), (Ok(()), next));
            } else {
                let error = result.unwrap_err();
                assert_eq!((error.state, error.update), (state, update.name()));
                assert_eq!(run, before, "a refused update changes nothing");
            }
        }
    }
}

#[test]
fn a_fault_inside_the_stream_fails_the_run_at_its_end() {
    let mut run = run_in(RunState::Streaming);
    run.apply(&read(0, fault())).unwrap();
    assert_eq!(run.state, RunState::Streaming);
    run.apply(&closed(vec![])).unwrap();
    assert_eq!(run.state, RunState::Fault);
    assert_eq!(run.answer.text, "a");
}

#[test]
fn a_live_run_has_its_stamps_before_it_closes() {
    let run = run_in(RunState::Streaming);
    assert_eq!(run.stamps.first_byte, Some(5));
    assert_eq!(run.stamps.first_token, Some(5));
    assert_eq!(run.stamps.started_unix_ns, 7);
    assert_eq!(run.reads.len(), 1);
}

#[test]
fn keys_are_unique_and_grow_on_every_thread() {
    let batches: Vec<_> = (0..8)
        .map(|_| thread::spawn(|| (0..20_000).map(|_| RunId::new()).collect::<Vec<_>>()))
        .collect();
    let mut all = HashSet::new();
    for batch in batches {
        let batch = batch.join().unwrap();
        assert!(batch.is_sorted());
        all.extend(batch);
    }
    assert_eq!(all.len(), 160_000);
    assert!(all.iter().all(|id| id.0 > 0));
}

#[test]
fn a_key_begins_with_its_millisecond() {
    let ms = |id: RunId| id.0 >> 20;
    let before = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
    let id = RunId::new();
    assert!(i128::from(ms(id)) >= i128::try_from(before.as_millis()).unwrap());
}

#[test]
fn an_ask_keeps_its_secrets_from_debug_text() {
    let mut endpoint = toy::endpoint("http://127.0.0.1:1/");
    endpoint.headers.insert("x-secret".into(), "hunter2".into());
    endpoint.connect.proxy = Some("http://me:hunter3@proxy:1".into());
    let mut ask = toy::ask(endpoint);
    ask.proxy_password = Some("hunter4".into());
    ask.endpoint = Arc::new((*ask.endpoint).clone());
    let text = format!("{ask:?}");
    for secret in [toy::CANARY, "hunter2", "hunter3", "hunter4"] {
        assert!(!text.contains(secret), "{text}");
    }
}

/// For how long a reader is held back.
#[cfg(target_os = "linux")]
const HELD_BACK: std::time::Duration = std::time::Duration::from_millis(100);

/// A program that is busy reads late. The times of a run are the kernel's, and its own delay is told beside them.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_reader_that_is_held_back_changes_no_time() {
    use tokenscope::{measure, run::StampedBy};
    // The kernel begins to stamp some time after it was asked to.
    let mut held_back = held_back_run().await;
    for _ in 0..100 {
        if held_back.stamped_by() == Some(StampedBy::Kernel) {
            break;
        }
        held_back = held_back_run().await;
    }
    let run = held_back;
    assert_eq!(run.stamped_by(), Some(StampedBy::Kernel), "{:?}", run.reads);
    let figure =
        |key: &str| (measure::figure(key).unwrap().value)(&run, &PriceTable::default()).unwrap();
    let held_back_ms = HELD_BACK.as_secs_f64() * 1e3;
    assert!(figure("our_delay_max_ms") >= held_back_ms);
    let late = figure("closed_lag_ms");
    assert!(
        late >= held_back_ms,
        "the last token is stamped when it came: {late}"
    );
    let link = run.stamps.link.as_ref().unwrap();
    assert_eq!((link.uses, link.age_ns), (1, 0));
    assert!(link.start.is_some() && link.first_token.is_some() && link.end.is_some());
    assert!(figure("tcp_rtt_ms") >= figure("tcp_min_rtt_ms"));
    assert!(figure("tcp_retransmits") < 1.0);
}

/// A run whose program sleeps while its one token comes.
#[cfg(target_os = "linux")]
async fn held_back_run() -> Run {
    use std::{io::Write as _, sync::mpsc::channel};
    use tokenscope::{run::execute_in, transport::Transport};
    use tokio_util::sync::CancellationToken;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let (head_seen, may_write) = channel::<()>();
    let (wrote, written) = channel::<()>();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        crate::floods::read_request(&mut stream);
        let head =
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
        stream.write_all(head).unwrap();
        deadline::message("the head that was read", &may_write);
        stream.write_all(b"Hello\nEND\n").unwrap();
        wrote.send(()).unwrap();
    });
    let mut emit = move |update: RunUpdate| {
        if matches!(update, RunUpdate::Head { .. }) {
            head_seen.send(()).unwrap();
            deadline::message("the token that was written", &written);
            thread::sleep(HELD_BACK);
        }
    };
    let transport = Transport::default();
    let ask = toy::ask(toy::endpoint(&url));
    let run = execute_in(
        &toy::TOY,
        &transport,
        ask,
        CancellationToken::new(),
        &mut emit,
    )
    .await;
    deadline::joined("the server", server);
    assert_eq!(run.state, RunState::Ok, "{:?}", run.answer.fault);
    run
}

//! Runs that go on while the file is read, and what becomes of those whose program has ended.

use tokenscope::history::DistributionQuery;

use super::*;

#[tokio::test]
async fn a_live_run_is_seen_with_what_it_has_said_and_its_end_replaces_that() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path());
    let run = fresh(1);
    history.begin(&run);
    let id = run.head.id;
    history.record(
        id,
        RunUpdate::Started {
            started_unix_ns: 77,
        },
    );
    let head = RunUpdate::Head {
        stamps: Box::new(Stamps {
            started_unix_ns: 77,
            headers: Some(5),
            ..Stamps::default()
        }),
        connection: ConnectionKind::Cold,
        status: 200,
        http_version: "HTTP/1.1".into(),
    };
    history.record(id, head);
    history.record(id, says(10, "Hel"));
    history.flush().await;
    history.record(id, says(20, "lo 你好"));
    let other = [
        Event::Reasoning { text: "hm".into() },
        Event::keep_alive(),
        Event::Usage(Usage {
            output: Some(3),
            ..Usage::default()
        }),
    ];
    let read = Read {
        at: 30,
        bytes: 9,
        events: 3,
        tokens: 1,
        ..Read::default()
    };
    history.record(
        id,
        RunUpdate::Read {
            read,
            events: other.into(),
        },
    );

    let seen = history.run(id).await.unwrap().unwrap();
    assert_eq!(seen.state, RunState::Streaming);
    assert_eq!(
        (seen.answer.text.as_str(), seen.answer.reasoning.as_str()),
        ("Hello 你好", "hm")
    );
    assert_eq!(seen.answer.usage.unwrap().output, Some(3));
    assert_eq!(seen.answer.keep_alives, 1);
    assert_eq!(
        seen.reads.iter().map(|r| r.at).collect::<Vec<_>>(),
        [10, 20, 30]
    );
    assert_eq!(
        (seen.stamps.first_token, seen.stamps.last_token),
        (Some(10), Some(30))
    );
    assert_eq!(
        (seen.stamps.headers, seen.stamps.started_unix_ns),
        (Some(5), 77)
    );
    assert_eq!(
        (seen.status, seen.connection),
        (Some(200), Some(ConnectionKind::Cold))
    );

    history.finish(a_run(1));
    assert_eq!(history.run(id).await.unwrap(), Some(a_run(1)));
    let file = rusqlite::Connection::open(folder.path().join("history.db")).unwrap();
    let pieces: i64 = file
        .query_row("SELECT count(*) FROM piece", [], |r| r.get(0))
        .unwrap();
    assert_eq!(pieces, 0);
}

#[tokio::test]
async fn work_grows_with_the_text_only() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path());
    history.begin(&waiting(1));
    for round in 0..50_u64 {
        history.record(RunId(1), says(round, "0123456789"));
        history.flush().await;
    }
    let file = rusqlite::Connection::open(folder.path().join("history.db")).unwrap();
    let sql = "SELECT count(*), sum(length(bytes)) FROM piece WHERE kind = 'text'";
    let (count, bytes): (i64, i64) = file
        .query_row(sql, [], |r| Ok((r.get(0)?, r.get(1)?)))
        .unwrap();
    assert_eq!((count, bytes), (50, 500));
}

#[tokio::test]
async fn two_windows_share_the_file_and_neither_takes_the_others_runs_for_dead() {
    let folder = tempfile::tempdir().unwrap();
    let first = History::open(folder.path());
    first.begin(&waiting(1));
    first.record(RunId(1), says(10, "from the first"));
    first.flush().await;

    let second = History::open(folder.path());
    second.begin(&waiting(2));
    second.record(RunId(2), says(10, "from the second"));
    second.finish(a_run(3));
    for (history, id, text) in [
        (&second, 1, "from the first"),
        (&first, 2, "from the second"),
        (&first, 3, "answer 3"),
    ] {
        second.flush().await;
        let run = history.run(RunId(id)).await.unwrap().unwrap();
        assert_eq!(run.answer.text, text);
        assert_eq!(run.state.is_over(), id == 3);
    }
    // Looking at the table makes both look for the dead; there are none.
    for history in [&first, &second] {
        let page = history
            .runs(RunQuery {
                limit: 10,
                ..RunQuery::default()
            })
            .await
            .unwrap();
        assert_eq!(page.total, 3);
        history.flush().await;
    }
    assert!(!second.run(RunId(1)).await.unwrap().unwrap().state.is_over());

    // The first goes away in the middle of its run: the second sees it and says so.
    drop(first);
    wait_until_closed(folder.path(), 1);
    second
        .runs(RunQuery {
            limit: 10,
            ..RunQuery::default()
        })
        .await
        .unwrap();
    let run = second.run(RunId(1)).await.unwrap().unwrap();
    assert_eq!(run.state, RunState::Fault);
    let fault = run.answer.fault.unwrap();
    assert_eq!(
        (fault.class, fault.phase),
        (FaultClass::Interrupted, Phase::Stream)
    );
    assert_eq!(
        fault.message,
        "the program ended while this run was streaming"
    );
    assert_eq!(run.answer.text, "from the first");
    assert!(!second.run(RunId(2)).await.unwrap().unwrap().state.is_over());
}

#[tokio::test]
async fn a_probe_whose_program_ended_is_no_failure_of_its_target() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path());
    let mut probe = waiting(1);
    probe.head.origin = Origin::Probe;
    probe.stamps.started_unix_ns = 1_700_000_000_000_000_000;
    history.begin(&probe);
    close(history, folder.path()).await;

    let history = History::open(folder.path());
    let probe = history.run(RunId(1)).await.unwrap().unwrap();
    let fault = probe.answer.fault.unwrap();
    assert!(fault.class.is_no_failure(), "{fault}");
    assert_eq!(
        fault.message,
        "the program ended while this run was waiting"
    );
    let found = history.distributions(DistributionQuery::default()).await;
    let mut found = found.unwrap().into_iter();
    assert!(found.all(|row| row.outcomes.failed() == 0));
}

#[tokio::test]
async fn runs_whose_program_ended_are_ended_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path());
    history.begin(&fresh(1));
    history.begin(&waiting(2));
    history.record(RunId(2), says(10, "kept"));
    let closed = RunUpdate::Closed {
        at: 50,
        events: vec![],
        stamps: Box::new(Stamps {
            closed: Some(50),
            ..Stamps::default()
        }),
    };
    history.begin(&waiting(3));
    history.record(RunId(3), says(10, "all of it"));
    history.record(RunId(3), closed);
    close(history, folder.path()).await;

    let history = History::open(folder.path());
    let runs = all_runs(&history).await;
    let told: Vec<_> = runs
        .iter()
        .map(|run| (run.head.id.0, run.state, run.answer.text.as_str()))
        .collect();
    assert!(told.contains(&(1, RunState::Fault, "")));
    assert!(told.contains(&(2, RunState::Fault, "kept")));
    assert!(told.contains(&(3, RunState::Ok, "all of it")));
    let queued = history
        .run(RunId(1))
        .await
        .unwrap()
        .unwrap()
        .answer
        .fault
        .unwrap();
    assert_eq!(
        queued.message,
        "the program ended while this run was queued"
    );
}

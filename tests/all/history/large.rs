//! Answers that are too large for one row.

use std::sync::Arc;

use tokenscope::{
    chat::ToolCall,
    event::{AnswerPiece, AnswerPieceKind, Event, ToolCallDelta},
    history::{ExportFormat, History, RunQuery},
    price::PriceTable,
    run::{Read, Run, RunId, RunState, RunUpdate, Stamps},
};

use super::{a_run, close, fresh, says, waiting};

/// A text whose characters no border of a row or a piece falls between.
fn long(mib: usize) -> String {
    format!("x{}", "é€".repeat((mib << 20) / 5))
}

#[tokio::test]
async fn a_large_answer_is_whole_when_it_is_read_exported_and_written_again() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path());
    let mut run = a_run(1);
    run.answer.text = long(9);
    run.answer.reasoning = long(5);
    history.finish(run.clone());
    let mut shorter = run.clone();
    shorter.head.id = RunId(2);
    history.finish(shorter.clone());
    shorter.answer.reasoning = "short".into();
    history.finish(shorter.clone());
    history.flush().await;
    for expected in [&run, &shorter] {
        let read = history.run(expected.head.id).await.unwrap().unwrap();
        assert!(read == *expected, "{} bytes", read.answer.text.len());
    }
    let file = folder.path().join("runs.json");
    let done = history.export(
        RunQuery::default(),
        ExportFormat::Json,
        PriceTable::default(),
        file.clone(),
        |_, _| {},
    );
    assert_eq!(done.await.unwrap(), 2);
    let exported: serde_json::Value =
        serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    for exported in exported.as_array().unwrap() {
        assert!(exported["text"].as_str() == Some(&run.answer.text));
    }
    close(history, folder.path()).await;
}

#[tokio::test]
async fn a_large_answer_of_a_program_that_died_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path());
    history.begin(&waiting(1));
    let piece = long(1);
    for n in 0..6 {
        history.record(RunId(1), says(n, &piece));
    }
    let thought = Event::Reasoning {
        text: piece.clone(),
    };
    let read = Read {
        at: 9,
        bytes: 1,
        events: 1,
        tokens: 1,
        ..Read::default()
    };
    for _ in 0..5 {
        let events = vec![thought.clone()];
        history.record(RunId(1), RunUpdate::Read { read, events });
    }
    close(history, folder.path()).await;
    let history = History::open(folder.path());
    let run = history.run(RunId(1)).await.unwrap().unwrap();
    assert!(run.answer.text == piece.repeat(6));
    assert!(run.answer.reasoning == piece.repeat(5));
    assert!(run.answer.fault.is_some());
}

fn read(events: Vec<Event>) -> RunUpdate {
    let read = Read {
        at: 9,
        bytes: 1,
        events: 1,
        tokens: 1,
        ..Read::default()
    };
    RunUpdate::Read { read, events }
}

/// One event of each kind, larger than a row.
fn large_events() -> Vec<Event> {
    let text = long(3);
    vec![
        Event::Reasoning { text: text.clone() },
        Event::Text { text: text.clone() },
        Event::Refusal { text: text.clone() },
        Event::ToolCall(ToolCallDelta {
            index: 0,
            id: Some("c".into()),
            name: Some("f".into()),
            arguments: format!("{{\"a\":\"{text}\"}}"),
        }),
        Event::Opaque {
            kind: "item".into(),
            raw: format!("\"{text}\""),
        },
        Event::Text { text: "end".into() },
    ]
}

fn assert_same(read: &Run, expected: &Run) {
    assert!(read.answer.text == expected.answer.text);
    assert!(read.answer.reasoning == expected.answer.reasoning);
    assert!(read.answer.refusal == expected.answer.refusal);
    assert!(read.answer.tool_calls == expected.answer.tool_calls);
    assert!(read.answer.pieces == expected.answer.pieces);
}

#[tokio::test]
async fn large_events_of_a_program_that_died_are_whole() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path());
    let mut expected = fresh(1);
    for event in &large_events() {
        expected.answer.apply(event);
    }
    history.begin(&waiting(1));
    history.record(RunId(1), read(large_events()));
    close(history, folder.path()).await;
    let history = History::open(folder.path());
    let run = history.run(RunId(1)).await.unwrap().unwrap();
    assert_same(&run, &expected);
}

#[tokio::test]
async fn large_parts_of_an_answer_are_whole() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path());
    let mut run = a_run(1);
    run.answer.refusal = long(5);
    run.answer.tool_calls = vec![ToolCall {
        arguments: long(3),
        ..ToolCall::default()
    }];
    run.answer.pieces = vec![AnswerPiece {
        kind: AnswerPieceKind::Opaque {
            name: "item".into(),
            raw: long(3),
        },
        signature: None,
    }];
    history.finish(run.clone());
    history.flush().await;
    let read = history.run(RunId(1)).await.unwrap().unwrap();
    assert_same(&read, &run);
    run.answer.tool_calls.clear();
    run.answer.pieces.clear();
    run.answer.refusal.clear();
    history.finish(run.clone());
    history.flush().await;
    let read = history.run(RunId(1)).await.unwrap().unwrap();
    assert!(read.answer.tool_calls.is_empty() && read.answer.refusal.is_empty());
    close(history, folder.path()).await;
}

#[tokio::test]
async fn a_large_answer_that_was_written_as_it_came_is_not_written_again() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path());
    let mut run = fresh(1);
    run.state = RunState::Waiting;
    history.begin(&run);
    let piece = long(1);
    for n in 0..12 {
        let update: Arc<RunUpdate> = says(n, &piece).into();
        run.apply(&update).unwrap();
        history.record(RunId(1), update);
        if n % 4 == 0 {
            history.flush().await;
        }
    }
    run.apply(&RunUpdate::Closed {
        at: 99,
        events: Vec::new(),
        stamps: Box::new(Stamps::default()),
    })
    .unwrap();
    history.finish(run.clone());
    history.flush().await;
    let read = history.run(RunId(1)).await.unwrap().unwrap();
    assert!(read.answer.text == piece.repeat(12));
    assert!(read.answer.pieces == run.answer.pieces);
    close(history, folder.path()).await;
    let size = std::fs::metadata(folder.path().join("history.db"))
        .unwrap()
        .len();
    assert!(size < 14 << 20, "{size} bytes for 12 MiB");
}

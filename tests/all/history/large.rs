//! Answers that are too large for one row.

use tokenscope::{
    event::Event,
    history::{ExportFormat, History, RunQuery},
    run::{Read, RunId, RunUpdate},
};

use super::{a_run, close, fresh, says};

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
    history.begin(&fresh(1));
    let piece = long(1);
    for n in 0..6 {
        history.record(RunId(1), &says(n, &piece));
    }
    let thought = Event::Reasoning {
        text: piece.clone(),
    };
    let read = Read {
        at: 9,
        bytes: 1,
        events: 1,
        tokens: 1,
    };
    for _ in 0..5 {
        let events = vec![thought.clone()];
        history.record(RunId(1), &RunUpdate::Read { read, events });
    }
    close(history, folder.path()).await;
    let history = History::open(folder.path());
    let run = history.run(RunId(1)).await.unwrap().unwrap();
    assert!(run.answer.text == piece.repeat(6));
    assert!(run.answer.reasoning == piece.repeat(5));
    assert!(run.answer.fault.is_some());
}

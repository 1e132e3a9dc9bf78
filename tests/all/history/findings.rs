//! What was found in runs, counted by target.

use std::path::Path;

use tokenscope::{
    conformance::{Check, findings},
    event::Finish,
    event::{FinishReason, Usage},
    history::{Conformance, History},
    run::{Run, RunId, RunState},
};

use super::{a_run, close};

/// An answered run of a model, without anything odd.
fn answered(id: i64, model: &str) -> Run {
    let mut run = a_run(id);
    run.head.target.model = model.into();
    run.status = Some(200);
    run.answer.done = true;
    run.answer.usage = Some(Usage {
        input: Some(1),
        output: Some(2),
        total: Some(3),
        ..Usage::default()
    });
    run.answer.finish = Some(Finish {
        reason: FinishReason::Stop,
        raw: "stop".into(),
    });
    assert_eq!(findings(&run), []);
    run
}

fn odd(id: i64, model: &str, change: impl FnOnce(&mut Run)) -> Run {
    let mut run = answered(id, model);
    change(&mut run);
    run
}

/// Model, runs, and what was found: check, runs, the latest of them.
type Told<'a> = (&'a str, u64, Vec<(Check, u64, RunId)>);

fn told(rows: &[Conformance]) -> Vec<Told<'_>> {
    rows.iter()
        .map(|row| {
            let found = row.found.iter();
            let found = found.map(|(check, found)| (*check, found.runs, found.latest));
            (row.target.model.as_str(), row.runs, found.collect())
        })
        .collect()
}

fn keep(history: &History, runs: impl IntoIterator<Item = Run>) {
    for run in runs {
        history.finish(run);
    }
}

#[tokio::test]
async fn findings_are_counted_by_target_and_time() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path());
    let twice = odd(4, "a", |run| {
        run.answer.unknown = vec![("x".into(), "1".into()), ("y".into(), "2".into())];
        run.answer.usage = None;
    });
    let refused = odd(5, "a", |run| {
        run.status = Some(401);
        run.state = RunState::Fault;
    });
    keep(
        &history,
        [
            answered(1, "a"),
            odd(2, "a", |run| run.answer.usage = None),
            answered(3, "b"),
            twice.clone(),
            refused,
        ],
    );
    let all = history.conformance(None).await.unwrap();
    assert_eq!(
        told(&all),
        [
            (
                "a",
                3,
                vec![(Check::Usage, 2, RunId(4)), (Check::Unknown, 1, RunId(4))]
            ),
            ("b", 1, vec![]),
        ],
        "a run that was refused tells nothing"
    );
    assert_eq!(all[0].found[&Check::Usage].text, "no token counts came");

    let since = answered(3, "").stamps.started_unix_ns;
    let late = history.conformance(Some(since)).await.unwrap();
    let usage = vec![(Check::Usage, 1, RunId(4)), (Check::Unknown, 1, RunId(4))];
    assert_eq!(told(&late), [("a", 1, usage), ("b", 1, vec![])]);

    // A run that is written again replaces what was found in it.
    keep(&history, [odd(4, "a", |_| ())]);
    let again = history.conformance(None).await.unwrap();
    let usage = vec![(Check::Usage, 1, RunId(2))];
    assert_eq!(told(&again), [("a", 3, usage), ("b", 1, vec![])]);
}

/// Takes a file back to what version 2 wrote.
fn make_older(folder: &Path) {
    let file = rusqlite::Connection::open(folder.join("history.db")).unwrap();
    super::files::make_version_3(&file);
    file.execute_batch(
        "DROP TABLE finding; DROP INDEX run_looked_at; ALTER TABLE run DROP COLUMN looked_at;
         PRAGMA user_version = 2;",
    )
    .unwrap();
}

#[tokio::test]
async fn runs_of_an_older_version_are_not_counted_as_clean() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path());
    keep(&history, [answered(1, "a")]);
    close(history, folder.path()).await;
    make_older(folder.path());

    let history = History::open(folder.path());
    assert_eq!(history.conformance(None).await.unwrap(), []);
    assert!(history.run(RunId(1)).await.unwrap().is_some());
    keep(&history, [answered(2, "a")]);
    let rows = history.conformance(None).await.unwrap();
    assert_eq!(told(&rows), [("a", 1, vec![])]);
}

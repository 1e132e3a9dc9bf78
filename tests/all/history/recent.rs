//! The latest whole answers of a target.

use tokenscope::{
    event::{Fault, FaultClass, Phase},
    history::History,
    measure::late,
    run::{ConnectionKind, RunId, RunState},
};

use super::a_run;

#[tokio::test]
async fn the_latest_whole_answers_are_given_warm_and_cold_apart() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path());
    let target = a_run(1).head.target;
    for id in 1..=140 {
        let mut run = a_run(id);
        run.stamps.started_unix_ns = id;
        run.connection = Some(match id % 2 {
            0 => ConnectionKind::Warm,
            _ => ConnectionKind::Cold,
        });
        match id {
            // Late, and nothing to learn from.
            138 => {
                run.state = RunState::Fault;
                run.answer.fault = Some(Fault::new(FaultClass::Timeout, Phase::Stream, "late"));
            }
            // Read by this machine so late that it says nothing.
            136 => {
                run.stamps.first_token = Some(50_000_000);
                run.stamps.first_token_delay = Some(6_000_000);
            }
            140 => run.head.target.model = "another".into(),
            _ => {}
        }
        history.finish(run);
    }
    history.flush().await;
    let ids = |rows: Vec<tokenscope::history::RunRow>| -> Vec<RunId> {
        rows.iter().map(|row| row.id).collect()
    };
    let recent = ids(history.recent(target.clone(), late::SHARE).await.unwrap());
    let warm = (0..50).map(|n| RunId(134 - 2 * n));
    let cold = (0..50).map(|n| RunId(139 - 2 * n));
    assert_eq!(recent, warm.chain(cold).collect::<Vec<_>>());
    let mut nobody = target;
    nobody.model = "never asked".into();
    assert_eq!(ids(history.recent(nobody, late::SHARE).await.unwrap()), []);
}

//! Findings: the engine tells them of each run that is over, beside the run.

#[cfg(feature = "gui")]
mod window;

use std::sync::Arc;

use tokenscope::{
    chat::{ChatRequest, Params},
    conformance::{self, Check, CheckedRun, Finding},
    engine::{Command, RunCommand, RunNews, Update},
    run::RunId,
};

use crate::engine::Driven;

/// Asks a model to think that does not.
fn ask_to_think(driven: &Driven, endpoint: &str) -> RunId {
    let mut request = ChatRequest::of_text("sim-fast", "Say something");
    request.params = Params {
        reasoning_effort: Some("high".into()),
        ..Params::default()
    };
    driven.request(endpoint, request)
}

/// The findings that are told next of a run.
#[track_caller]
fn told(driven: &Driven, id: RunId) -> Arc<[Finding]> {
    driven.until(|update| match update {
        Update::Run(RunNews::Findings { id: of, findings }) => (of == id).then_some(findings),
        _ => None,
    })
}

#[test]
fn findings_follow_a_live_run_and_a_loaded_one() {
    let driven = Driven::new("");
    let id = ask_to_think(&driven, "simulator");
    let over = driven.until(|update| match update {
        Update::Run(RunNews::Over(run)) if run.head.id == id => Some(run),
        Update::Run(RunNews::Findings { .. }) => panic!("the end of the run is told first"),
        _ => None,
    });
    let live = told(&driven, id);
    assert_eq!(live[..], conformance::findings(&over)[..]);
    assert!(
        live.iter().any(|found| found.check == Check::Ignored),
        "{live:?}"
    );
    let kept = driven.kept(id);
    let loaded = told(&driven, id);
    assert_eq!(loaded, conformance::findings(&kept).into());
    assert_eq!(loaded, live);
}

#[test]
fn a_run_that_never_reached_the_wire_is_told_of_too() {
    let driven = Driven::new("");
    driven.engine.send(Command::Run(RunCommand::Load(RunId(7))));
    let loaded = driven.until(|update| match update {
        Update::Run(RunNews::Loaded { run, .. }) => Some(run),
        Update::Run(RunNews::Findings { .. }) => panic!("of no run"),
        _ => None,
    });
    assert!(loaded.is_none());
    let id = driven.ask("simulator", "no-such-model");
    assert_eq!(told(&driven, id), Arc::default());
}

#[test]
fn the_history_and_the_engine_share_one_computation() {
    let checked = CheckedRun::from(crate::history::a_run(1));
    let other = checked.clone();
    assert!(Arc::ptr_eq(&checked.findings(), &other.findings()));
}

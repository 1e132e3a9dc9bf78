//! Findings as the window takes them in and shows them.

use egui_kittest::kittest::Queryable as _;
use tokenscope::{
    desktop::{state::State, view::ViewId},
    engine::{RunNews, Update},
    run::Run,
};

use super::{ask_to_think, told};
use crate::{
    desktop::{
        layout_of, open,
        scenes::{self, findings_of},
        shows,
    },
    engine::Driven,
};

const UNSAID: &str = "the answer did not say why it ended";

#[test]
fn a_run_is_shown_before_its_findings_and_they_join_it() {
    let mut scene = scenes::filled();
    let run: &mut Run = scene.runs.last_mut().unwrap();
    run.answer.finish = None;
    let run = run.clone();
    let (mut desktop, mut player) = open(scene, (1280.0, 800.0), Some(&layout_of(ViewId::Runs)));
    // It is there before it is clicked, so that the scene is not asked for it.
    player.say(Update::Run(RunNews::Loaded {
        id: run.head.id,
        run: Some(Box::new(run.clone())),
    }));
    player.play(&mut desktop);
    let row = desktop.query_all_by_role(egui::Role::Row).next().unwrap();
    row.click();
    player.play(&mut desktop);
    assert!(shows(&desktop, "Delete the run…"), "it is there, and over");
    assert!(shows(&desktop, "Checking…"));
    assert!(!shows(&desktop, UNSAID));
    player.say(findings_of(&run));
    player.play(&mut desktop);
    assert!(!shows(&desktop, "Checking…"));
    assert!(shows(&desktop, UNSAID));
}

#[test]
fn what_the_engine_tells_stands_beside_the_run_in_the_window() {
    let driven = Driven::new("");
    let id = ask_to_think(&driven, "simulator");
    let mut state = State::default();
    driven.until(|update| {
        state.apply(update);
        state.findings.contains_key(&id).then_some(())
    });
    assert!(state.runs[&id].state.is_over() && !state.findings[&id].is_empty());
    driven.kept(id);
    // A window that did not ask it has it loaded, and does not keep what was found in a run that it let go.
    let mut other = State::default();
    let findings = told(&driven, id);
    other.apply(Update::Run(RunNews::Findings { id, findings }));
    assert!(other.findings.is_empty());
}

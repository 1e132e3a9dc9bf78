//! What the window has computed when something is clicked.

use egui::{OutputCommand, Role};
use egui_kittest::kittest::Queryable as _;
use tokenscope::{desktop::view::ViewId, run::Run};

use crate::desktop::{layout_of, open, scenes};

#[test]
fn a_run_is_copied_as_json_once_the_engine_has_written_it() {
    let scene = scenes::filled();
    let run: Run = scene.runs.last().unwrap().clone();
    let (mut desktop, mut player) = open(scene, (1280.0, 800.0), Some(&layout_of(ViewId::Runs)));
    let row = desktop.query_all_by_role(Role::Row).next();
    row.unwrap().click();
    player.play(&mut desktop);
    desktop.get_by_label("Copy the run as JSON").click();
    desktop.run_steps(4);
    let said = "Copied the run as JSON";
    assert!(
        desktop.query_by_label(said).is_none(),
        "it is not there yet"
    );
    player.answer();
    desktop.run_steps(1);
    let copied = desktop.output().platform_output.commands.iter();
    let copied = copied.filter_map(|command| match command {
        OutputCommand::CopyText(text) => Some(text.as_str()),
        _ => None,
    });
    let expected = serde_json::to_string_pretty(&run).unwrap();
    assert_eq!(copied.collect::<Vec<_>>(), [expected]);
    desktop.run_steps(2);
    desktop.get_by_label(said);
}

//! The inspector: from the table and its rows, the waterfall, two runs on one axis.

use egui::{Key, Role};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use tokenscope::{
    desktop::view::ViewId,
    engine::{Command, RunCommand},
};

use super::{
    Desktop, Player, click, heard, is_on, open_view, run_queries, scenes, shows, type_into,
};

/// Opens the runs with that in the first row inspected.
fn inspected(scene: super::Scene) -> (Desktop, Player) {
    let (mut desktop, mut player) = open_view(ViewId::Runs, scene);
    click_row(&mut desktop, &mut player, 0);
    (desktop, player)
}

fn click_row(desktop: &mut Desktop, player: &mut Player, row: usize) {
    let rows: Vec<_> = desktop.query_all_by_role(Role::Row).collect();
    rows[row].click();
    drop(rows);
    player.play(desktop);
}

fn selected_row(desktop: &Desktop) -> Option<usize> {
    let mut rows = desktop.query_all_by_role(Role::Row);
    rows.position(|row| is_on(&row))
}

fn press(desktop: &mut Desktop, player: &mut Player, key: Key) {
    desktop.key_press(key);
    player.play(desktop);
}

#[test]
fn neighbours_are_reached_by_keys_and_by_buttons() {
    let (mut desktop, mut player) = inspected(scenes::filled());
    let previous = desktop.get_by_label("Previous run");
    assert!(
        previous.accesskit_node().is_disabled(),
        "it is the first row"
    );
    press(&mut desktop, &mut player, Key::J);
    press(&mut desktop, &mut player, Key::J);
    click(&mut desktop, &mut player, "Next run");
    assert_eq!(selected_row(&desktop), Some(3));
    press(&mut desktop, &mut player, Key::K);
    click(&mut desktop, &mut player, "Previous run");
    assert_eq!(selected_row(&desktop), Some(1));
}

#[test]
fn letters_that_are_typed_walk_nowhere() {
    let (mut desktop, mut player) = inspected(scenes::filled());
    desktop.get_by_label("Search runs").focus();
    player.play(&mut desktop);
    press(&mut desktop, &mut player, Key::J);
    assert_eq!(selected_row(&desktop), Some(0));
    type_into(&mut desktop, &mut player, "Search runs", "jk");
    assert_eq!(run_queries(&player).last().unwrap().text, "jk");
}

#[test]
fn findings_stand_before_the_figures_and_these_before_the_answer() {
    let mut scene = scenes::filled();
    let last = scene.runs.last_mut().unwrap();
    last.answer.unknown = vec![("new_event".into(), "{}".into())];
    let (desktop, _player) = inspected(scene);
    let top = |label: &str| {
        let all = desktop.query_all_by_label(label);
        let tops = all.map(|node| node.rect().top());
        tops.reduce(f32::max).unwrap_or_else(|| panic!("{label}"))
    };
    let order = [
        "Conformance",
        "Latency",
        "Speed",
        "Tokens and cost",
        "Connection",
        "Our own delay",
        "Answer",
    ];
    let tops = order.map(top);
    assert!(tops.is_sorted(), "{tops:?}");
}

#[test]
fn a_buffered_run_says_so_in_both_parts() {
    let (mut desktop, mut player) = inspected(scenes::buffered());
    let sentence = "something between you and the model buffers";
    assert!(shows(&desktop, sentence));
    click(&mut desktop, &mut player, "Inspector: Waterfall");
    assert!(shows(&desktop, sentence));
    assert!(shows(&desktop, "in blocks of about"));
    click_row(&mut desktop, &mut player, 1);
    assert!(!shows(&desktop, sentence));
    assert!(shows(&desktop, "No sign of buffering"));
}

#[test]
fn a_stall_is_counted() {
    let (mut desktop, mut player) = inspected(scenes::stalled());
    click(&mut desktop, &mut player, "Inspector: Waterfall");
    assert!(shows(&desktop, "1 stall:"));
    assert!(desktop.query_by_label("DNS 14 ms").is_some());
    click(&mut desktop, &mut player, "Next read");
    assert!(shows(&desktop, "Read 1 of 160"));
    press(&mut desktop, &mut player, Key::ArrowRight);
    assert!(shows(&desktop, "Read 2 of 160"));
}

#[test]
fn a_run_is_compared_with_the_previous_one_of_its_target() {
    let (mut desktop, mut player) = inspected(scenes::buffered());
    click(&mut desktop, &mut player, "Inspector: Waterfall");
    desktop.get_by_label_contains("Compare with").click();
    player.play(&mut desktop);
    click(&mut desktop, &mut player, "The previous run of this target");
    let shown = player.scene.runs.last().unwrap().clone();
    let same = |run: &&tokenscope::run::Run| run.head.target == shown.head.target;
    let previous = player.scene.runs.iter().rev().filter(same).nth(1).unwrap();
    let loaded = heard(&player, |command| match command {
        Command::Run(RunCommand::Load(id)) => Some(*id),
        _ => None,
    });
    assert_eq!(loaded.last(), Some(&previous.head.id));
    let lanes = |desktop: &Desktop| desktop.query_all_by_label_contains("Until headers").count();
    assert_eq!(lanes(&desktop), 2, "both are on the axis");
    desktop.get_by_label_contains("Stop comparing").click();
    player.play(&mut desktop);
    assert_eq!(lanes(&desktop), 1);
}

#[test]
fn a_run_is_compared_with_one_that_is_clicked_in_the_table() {
    let (mut desktop, mut player) = inspected(scenes::buffered());
    click(&mut desktop, &mut player, "Inspector: Waterfall");
    click(&mut desktop, &mut player, "Show the inspector alone");
    assert_eq!(desktop.query_all_by_role(Role::Row).count(), 0);
    desktop.get_by_label_contains("Compare with").click();
    player.play(&mut desktop);
    click(&mut desktop, &mut player, "A run in the table…");
    assert!(shows(&desktop, "Click a run in the table"));
    click_row(&mut desktop, &mut player, 1);
    assert!(!shows(&desktop, "Click a run in the table"));
    let lanes = desktop.query_all_by_label_contains("Streaming").count();
    assert_eq!(lanes, 2, "both are on the axis");
    click(&mut desktop, &mut player, "Show the table, too");
    assert_eq!(selected_row(&desktop), Some(0), "the inspected run stays");
}

#[test]
fn a_live_run_a_failed_one_and_a_long_one_have_a_waterfall() {
    for (scene, row, word) in [
        (scenes::live(), 0, "Streaming"),
        (scenes::errors(), 3, "Waterfall"),
        (scenes::long(), 0, "Gaps"),
    ] {
        let (mut desktop, mut player) = open_view(ViewId::Runs, scene);
        click_row(&mut desktop, &mut player, row);
        click(&mut desktop, &mut player, "Inspector: Waterfall");
        assert!(shows(&desktop, word), "{word}");
    }
}

//! The inspector: from the table and its rows, the waterfall, two runs on one axis.

use egui::{Key, Modifiers, Role};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use tokenscope::{
    desktop::view::ViewId,
    engine::{Command, GatewayNews, RunCommand, Update},
    event::{Fault, FaultClass, Phase},
    run::{RunId, RunState},
    transport::ConnectionLoss,
};

use super::{
    Desktop, Player, click, click_row, heard, is_on, open_view, run_queries, scenes, shows,
    type_into,
};

/// Opens the runs with that in the first row inspected.
fn inspected(scene: super::Scene) -> (Desktop, Player) {
    let (mut desktop, mut player) = open_view(ViewId::Runs, scene);
    click_row(&mut desktop, &mut player, 0);
    (desktop, player)
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

/// A client's run ends in the gateway: it is in the history, above all others.
fn another_run_ends(desktop: &mut Desktop, player: &mut Player) {
    let mut run = player.scene.runs.last().unwrap().clone();
    run.head.id = RunId(run.head.id.0 + 1_000);
    run.stamps.started_unix_ns += 1_000_000_000;
    player.scene.runs.push(run);
    player.say(Update::Gateway(GatewayNews::Finished));
    let queries = run_queries(player).len();
    for _ in 0..6 {
        player.play(desktop);
    }
    assert!(run_queries(player).len() > queries, "it is asked for again");
}

#[test]
fn neighbours_are_right_after_rows_have_moved() {
    let (mut desktop, mut player) = inspected(scenes::filled());
    another_run_ends(&mut desktop, &mut player);
    assert_eq!(selected_row(&desktop), Some(1), "the open run stays open");
    let previous = desktop.get_by_label("Previous run");
    assert!(!previous.accesskit_node().is_disabled());
    press(&mut desktop, &mut player, Key::J);
    assert_eq!(selected_row(&desktop), Some(2));
    another_run_ends(&mut desktop, &mut player);
    another_run_ends(&mut desktop, &mut player);
    press(&mut desktop, &mut player, Key::K);
    assert_eq!(selected_row(&desktop), Some(3));
}

#[test]
fn the_last_run_has_no_next() {
    let mut scene = scenes::filled();
    scene.runs.truncate(3);
    let (mut desktop, mut player) = inspected(scene);
    for _ in 0..4 {
        press(&mut desktop, &mut player, Key::J);
    }
    assert_eq!(selected_row(&desktop), Some(2));
    let next = desktop.get_by_label("Next run");
    assert!(next.accesskit_node().is_disabled());
    another_run_ends(&mut desktop, &mut player);
    press(&mut desktop, &mut player, Key::J);
    assert_eq!(selected_row(&desktop), Some(3));
}

/// The runs that the window asked for whole, the latest last.
fn loaded(player: &Player) -> Vec<RunId> {
    heard(player, |command| match command {
        Command::Run(RunCommand::Load(id)) => Some(*id),
        _ => None,
    })
}

#[test]
fn the_next_run_is_reached_on_a_page_that_was_not_loaded() {
    let mut scene = scenes::gateway_on();
    let newest_first: Vec<RunId> = scene.runs.iter().rev().map(|run| run.head.id).collect();
    scene.gateway_status = scenes::busy_gateway().gateway_status;
    scene.gateway_status.live.clear();
    scene.gateway_status.recent.truncate(1);
    scene.gateway_status.recent[0].run = Some(newest_first[199]);
    let (mut desktop, mut player) = open_view(ViewId::Gateway, scene);
    let tabs = desktop.query_all_by_label_contains("Show: Requests").next();
    tabs.unwrap().click();
    player.play(&mut desktop);
    // The run at the end of the first page.
    desktop.query_all_by_role(Role::Row).next().unwrap().click();
    player.play(&mut desktop);
    assert_eq!(desktop.state().app().current(), ViewId::Runs);
    assert_eq!(loaded(&player).last(), Some(&newest_first[199]));
    press(&mut desktop, &mut player, Key::J);
    assert_eq!(loaded(&player).last(), Some(&newest_first[200]));
    click(&mut desktop, &mut player, "Show the inspector alone");
    press(&mut desktop, &mut player, Key::K);
    press(&mut desktop, &mut player, Key::K);
    assert_eq!(loaded(&player).last(), Some(&newest_first[198]));
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
        "Checks",
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
fn a_run_tells_its_connection_and_how_that_was_lost() {
    let mut scene = scenes::filled();
    let run = scene.runs.last_mut().unwrap();
    run.state = RunState::Fault;
    run.answer.fault = Some(Fault::new(FaultClass::Reset, Phase::Headers, "reset"));
    let link = run.stamps.link.as_mut().unwrap();
    link.lost = Some(ConnectionLoss::Reset);
    link.acknowledged = run.stamps.request_sent.map(|sent| sent + 1_000_000);
    let (mut desktop, mut player) = inspected(scene);
    let tls = "To 203.0.113.7:443; TLS 1.3, an earlier session was resumed";
    assert!(shows(&desktop, tls));
    assert!(shows(&desktop, "The connection was reset (RST)"));
    assert!(shows(&desktop, "Until acknowledged 1.0 ms"));
    assert!(shows(&desktop, "Congestion window"));
    click(&mut desktop, &mut player, "Inspector: Waterfall");
    let lanes = desktop.query_all_by_label_contains("Until acknowledged");
    assert_eq!(lanes.count(), 1);
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
    assert_eq!(loaded(&player).last(), Some(&previous.head.id));
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
fn a_click_is_waited_for_no_longer_once_the_inspector_is_closed_or_shows_no_waterfall() {
    let leave: [fn(&mut Desktop, &mut Player); 3] = [
        |desktop, player| click(desktop, player, "Close the inspector"),
        |desktop, player| press(desktop, player, Key::Escape),
        |desktop, player| click(desktop, player, "Inspector: Overview"),
    ];
    for leave in leave {
        let (mut desktop, mut player) = inspected(scenes::buffered());
        click(&mut desktop, &mut player, "Inspector: Waterfall");
        desktop.get_by_label_contains("Compare with").click();
        player.play(&mut desktop);
        click(&mut desktop, &mut player, "A run in the table…");
        leave(&mut desktop, &mut player);
        click_row(&mut desktop, &mut player, 1);
        assert_eq!(selected_row(&desktop), Some(1), "the click opens the run");
        assert!(!shows(&desktop, "Stop comparing"));
    }
}

#[test]
fn the_chosen_read_is_dropped_with_its_run() {
    let (mut desktop, mut player) = inspected(scenes::stalled());
    click(&mut desktop, &mut player, "Inspector: Waterfall");
    click(&mut desktop, &mut player, "Next read");
    assert!(shows(&desktop, "Read 1 of "));
    press(&mut desktop, &mut player, Key::J);
    assert!(!shows(&desktop, "Read 1 of "));
}

#[test]
fn keys_move_nothing_behind_a_dialog() {
    let (mut desktop, mut player) = inspected(scenes::stalled());
    click(&mut desktop, &mut player, "Inspector: Waterfall");
    click(&mut desktop, &mut player, "Next read");
    click(&mut desktop, &mut player, "Delete the run…");
    press(&mut desktop, &mut player, Key::ArrowRight);
    click(&mut desktop, &mut player, "Keep it");
    assert!(shows(&desktop, "Read 1 of "));
    for overlay in [Key::F1, Key::K] {
        let modifiers = match overlay {
            Key::K => Modifiers::COMMAND,
            _ => Modifiers::NONE,
        };
        desktop.key_press_modifiers(modifiers, overlay);
        player.play(&mut desktop);
        press(&mut desktop, &mut player, Key::ArrowRight);
        press(&mut desktop, &mut player, Key::ArrowDown);
        press(&mut desktop, &mut player, Key::Escape);
        assert!(shows(&desktop, "Read 1 of "), "{overlay:?}");
        assert_eq!(selected_row(&desktop), Some(0), "{overlay:?}");
    }
    press(&mut desktop, &mut player, Key::ArrowRight);
    assert!(shows(&desktop, "Read 2 of "));
}

#[test]
fn the_finish_reason_is_shown_also_without_usage() {
    let mut scene = scenes::filled();
    scene.runs.last_mut().unwrap().answer.usage = None;
    let (desktop, _player) = inspected(scene);
    let _name = desktop.get_by_label("Finish");
    let _word = desktop.get_by_label("stop");
}

#[test]
fn a_stopped_run_is_marked_as_stopped() {
    let mut scene = scenes::filled();
    let last = scene.runs.last_mut().unwrap();
    last.state = RunState::Fault;
    last.answer.fault = Some(Fault::new(FaultClass::Cancelled, Phase::Stream, "stopped"));
    let (mut desktop, mut player) = inspected(scene);
    click(&mut desktop, &mut player, "Inspector: Waterfall");
    let shapes = desktop.output().shapes.iter();
    let texts: Vec<_> = shapes
        .filter_map(|clipped| match &clipped.shape {
            egui::Shape::Text(text) => Some(text.galley.text().to_owned()),
            _ => None,
        })
        .collect();
    let is_painted = |start: &str| texts.iter().any(|text| text.starts_with(start));
    assert!(
        is_painted("stopped ") && !is_painted("cancelled"),
        "{texts:?}"
    );
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

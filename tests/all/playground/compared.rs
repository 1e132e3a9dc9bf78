//! What is compared, and by what a target is known.

use egui::{Key, Modifiers};
use egui_kittest::{Harness, kittest::Queryable as _};
use tokenscope::{
    desktop::view::Action,
    engine::{Command, HistoryCommand, SendRun},
    history::RunRow,
    run::{ConnectionKind, RunId, RunState},
};

use super::{
    Rig, ask, conversations::reopened, ended, put, put_loaded, race, rig, streaming, waiting,
};
use crate::{desktop::player::reply_to, painted};

fn raced(harness: &mut Harness<'_, Rig>) -> Vec<SendRun> {
    let warm = ConnectionKind::Warm;
    race(harness, [(120, 900, warm), (250, 950, warm)])
}

/// The colours of the bars of a row of the strip.
fn colors(harness: &Harness<'_, Rig>, row: &str) -> Vec<egui::Color32> {
    let area = harness.get_by_label_contains(row).rect();
    let bars = painted::bars(harness, area, 8.0);
    bars.into_iter().map(|(_, color)| color).collect()
}

#[test]
fn a_targets_bars_keep_their_color_when_its_pane_is_moved() {
    let mut harness = rig();
    raced(&mut harness);
    harness.key_press_modifiers(Modifiers::COMMAND.plus(Modifiers::SHIFT), Key::S);
    harness.run_steps(4);
    let before = ["swift, TTFT", "steady, TTFT"].map(|row| colors(&harness, row));
    assert_eq!(before[0].len(), 3, "a bar a figure");
    assert_ne!(before[0], before[1]);
    harness.get_by_label("More for pane 1").click();
    harness.run_steps(3);
    harness.get_by_label("Move right").click();
    harness.run_steps(4);
    harness.get_by_label_contains("2 swift, TTFT");
    let after = ["swift, TTFT", "steady, TTFT"].map(|row| colors(&harness, row));
    assert_eq!(after, before);
}

#[test]
fn what_the_history_knows_of_a_targets_scatter_decides_what_is_best() {
    let row = |run: &SendRun, id: i64, connection, ttft_ms| RunRow {
        id: RunId(id),
        target: waiting(run).head.target,
        route: String::new(),
        state: RunState::Ok,
        fault: None,
        connection: Some(connection),
        simulated: true,
        started_unix_ns: id,
        ttft_ms: Some(ttft_ms),
        total_ms: Some(900.0),
        output_speed: Some(100.0),
        input_tokens: Some(12),
        output_tokens: Some(100),
        prompt: "Earlier".into(),
    };
    // Warm answers of half a second more or less make nothing of 130 ms; cold ones say nothing of warm ones.
    for (connection, first, best) in [(ConnectionKind::Cold, 1, 1), (ConnectionKind::Warm, 5, 0)] {
        let times = [100.0, 900.0, 300.0, 1_200.0];
        let rows = times.iter().zip(first..);
        let mut harness = rig();
        let sent = raced(&mut harness);
        harness.get_by_label("TTFT: 120 ms, best");
        let rows: Vec<_> = rows
            .map(|(ms, id)| row(&sent[0], id, connection, *ms))
            .collect();
        let mut asked = 0;
        for command in &mut harness.state_mut().commands {
            if let Command::History(HistoryCommand::Recent { target, reply }) = command {
                asked += 1;
                let known = *target == waiting(&sent[0]).head.target;
                reply_to(reply, if known { rows.clone() } else { Vec::new() });
            }
        }
        assert_eq!(asked, 2, "once a target");
        harness.run_steps(2);
        let found = harness.query_all_by_label("TTFT: 120 ms, best").count();
        assert_eq!(found, best, "{connection}");
    }
}

#[test]
fn a_run_of_another_window_is_not_offered_to_be_stopped() {
    let mut first = rig();
    let sent = ask(&mut first, "Asked there");
    let mut harness = reopened(&first);
    put_loaded(&mut harness, &streaming(&sent[0], "half a"));
    put_loaded(
        &mut harness,
        &ended(&sent[1], "right", 1, 2, ConnectionKind::Warm),
    );
    harness.run_steps(3);
    harness.get_by_label("half a");
    harness.get_by_label("Runs in another window");
    for stop in ["Stop this answer", "Stop all"] {
        assert!(harness.query_by_label(stop).is_none(), "{stop}");
    }
    harness.state_mut().commands.clear();
    harness.key_press(Key::Escape);
    harness.run_steps(2);
    assert_eq!(harness.state().cancelled(), []);
    // It can't be asked over it, and it is said why.
    assert_eq!(ask(&mut harness, "Next").len(), 0);
    let told =
        |action: &Action| matches!(action, Action::Tell(why) if why.contains("another window"));
    assert!(harness.state().actions.iter().any(told));
    // Its own is stopped as ever.
    let whole = ended(&sent[0], "half a, and the rest", 1, 2, ConnectionKind::Warm);
    put_loaded(&mut harness, &whole);
    harness.run_steps(2);
    assert!(harness.query_by_label("Runs in another window").is_none());
    let sent = ask(&mut harness, "Asked here");
    put(&mut harness, streaming(&sent[0], "going"));
    harness.run_steps(2);
    harness.get_by_label("Stop all").click();
    harness.run_steps(2);
    assert!(harness.state().cancelled().contains(&sent[0].id));
}

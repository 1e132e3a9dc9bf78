//! Figures: below each turn and in the strip, the best of them marked.

use egui::{Key, Modifiers};
use egui_kittest::{
    Harness,
    kittest::{NodeT as _, Queryable as _},
};
use tokenscope::{
    event::{Fault, FaultClass, Phase},
    run::ConnectionKind,
};

use super::{Rig, ask, ended, ends_in_sight, lines, put, race, rig, rig_restored, streaming};

#[test]
fn every_turn_keeps_its_figures_and_its_models_name() {
    let mut harness = rig();
    let sent = ask(&mut harness, "One");
    for (ttft, run) in [120, 250].into_iter().zip(&sent) {
        put(
            &mut harness,
            ended(run, "first", ttft, 900, ConnectionKind::Warm),
        );
    }
    harness.run_steps(2);
    let sent = ask(&mut harness, "Two");
    for (ttft, run) in [333, 444].into_iter().zip(&sent) {
        put(
            &mut harness,
            ended(run, "second", ttft, 1900, ConnectionKind::Warm),
        );
    }
    harness.run_steps(4);
    let left = |label: &str| harness.get_by_label(label).rect().left();
    // Of both turns, in the same places, in both panes.
    assert!((left("TTFT: 120 ms, best") - left("TTFT: 333 ms, best")).abs() < 0.5);
    assert!((left("TTFT: 250 ms") - left("TTFT: 444 ms")).abs() < 0.5);
    let apart = left("TTFT: 250 ms") - left("TTFT: 120 ms, best");
    let panes = ["Target of pane 1", "Target of pane 2"];
    let [one, two] = panes.map(|pane| harness.get_by_label_contains(pane).rect().left());
    assert!((apart - (two - one)).abs() < 0.5);
    assert_eq!(harness.query_all_by_label("swift").count(), 2);
    assert_eq!(harness.query_all_by_label("steady").count(), 2);
}

#[test]
fn what_is_not_counted_yet_is_marked_as_an_estimate() {
    let mut harness = rig();
    let sent = ask(&mut harness, "Tell me much");
    let text = "word ".repeat(80);
    for run in &sent {
        put(&mut harness, streaming(run, &text));
    }
    harness.run_steps(2);
    assert_eq!(
        harness
            .query_all_by_label("Out: ≈ 100 tok, estimated")
            .count(),
        2
    );
    // 100 tokens in the 200 ms between the first and the last.
    assert_eq!(
        harness
            .query_all_by_label("Speed: ≈ 500 tok/s, estimated")
            .count(),
        2
    );
    assert_eq!(harness.query_all_by_label_contains("Elapsed: ").count(), 2);
    // One is counted, the other is stopped.
    put(
        &mut harness,
        ended(
            &sent[0],
            &(text.clone() + "end"),
            200,
            700,
            ConnectionKind::Warm,
        ),
    );
    let stopped = Fault::new(FaultClass::Cancelled, Phase::Stream, "stopped");
    put(&mut harness, streaming(&sent[1], &text).failed(stopped));
    harness.run_steps(2);
    harness.get_by_label("Out: 100 tok");
    harness.get_by_label("Speed: 200 tok/s");
    harness.get_by_label("Out: ≈ 100 tok, estimated");
    harness.get_by_label("Speed: ≈ 500 tok/s, estimated");
    assert_eq!(harness.query_all_by_label_contains("Elapsed: ").count(), 0);
}

#[test]
fn the_strip_compares_the_last_answers_and_is_remembered() {
    let mut harness = rig();
    let ends = [
        (100, 900, ConnectionKind::Cold),
        (50, 700, ConnectionKind::Warm),
    ];
    race(&mut harness, ends);
    harness.key_press_modifiers(Modifiers::COMMAND.plus(Modifiers::SHIFT), Key::S);
    harness.run_steps(4);
    let top =
        |harness: &Harness<'_, Rig>, label: &str| harness.get_by_label_contains(label).rect().top();
    let order = [
        "Warm · n = 1",
        "2 steady, TTFT 50 ms",
        "Cold · n = 1",
        "1 swift, TTFT 100 ms",
    ];
    let tops = order.map(|label| top(&harness, label));
    assert!(tops.is_sorted(), "{tops:?}");
    harness.get_by_label("Sort by TTFT").click();
    harness.run_steps(2);
    let kept = harness.state().view.save().unwrap();
    let mut second = rig_restored(&kept);
    second.get_by_label("Sort by TTFT");
    second.get_by_label("Close the comparison").click();
    second.run_steps(3);
    assert!(second.query_by_label("Sort by TTFT").is_none());
}

#[test]
fn eight_panes_have_their_figures_on_one_line() {
    let mut harness = rig();
    for _ in 0..6 {
        harness.get_by_label("Add pane").click();
        harness.run_steps(2);
    }
    let sent = ask(&mut harness, "Everyone");
    for (index, run) in (1..).zip(&sent) {
        let kind = if index % 2 == 0 {
            ConnectionKind::Cold
        } else {
            ConnectionKind::Warm
        };
        put(
            &mut harness,
            ended(run, &lines(50, "end"), 100 + index * 40, 2400, kind),
        );
    }
    harness.run_steps(6);
    let cells = ["TTFT: ", "Speed: ", "Total: ", "Out: "];
    for cell in cells {
        let all = harness.query_all_by_label_contains(cell);
        let lines: Vec<_> = all
            .filter(|n| {
                n.accesskit_node()
                    .value()
                    .is_some_and(|v| v.starts_with(cell))
            })
            .collect();
        assert_eq!(lines.len(), 8, "{cell}");
        assert!(lines.iter().all(|n| n.rect().height() <= 20.0), "{cell}");
    }
    let ttft = harness.get_by_label("TTFT: 140 ms").rect();
    let out = harness
        .query_all_by_label_contains("Out: ")
        .next()
        .unwrap()
        .rect();
    assert!((ttft.top() - out.top()).abs() < 0.5, "one line");
    assert_eq!(ends_in_sight(&harness, "end"), 8);
}

#[test]
fn the_best_of_each_figure_is_marked() {
    let mut harness = rig();
    let ends = [
        (120, 900, ConnectionKind::Warm),
        (250, 700, ConnectionKind::Warm),
    ];
    race(&mut harness, ends);
    harness.get_by_label("TTFT: 120 ms, best");
    harness.get_by_label("TTFT: 250 ms");
    assert_eq!(harness.query_all_by_label_contains("TTFT net").count(), 0);
    harness.get_by_label("Total: 700 ms, best");
    harness.get_by_label("Total: 900 ms");
}

#[test]
fn cold_and_warm_are_not_compared_as_equals() {
    let mut harness = rig();
    // Cold: 100 ms of it after 90 ms of connecting, so 10 ms net; warm: 49 ms net.
    let ends = [
        (100, 900, ConnectionKind::Cold),
        (50, 700, ConnectionKind::Warm),
    ];
    race(&mut harness, ends);
    harness.get_by_label("TTFT: 100 ms");
    harness.get_by_label("TTFT: 50 ms");
    harness.get_by_label("TTFT net: 10 ms, best");
    harness.get_by_label("TTFT net: 49 ms");
    harness.get_by_label("Total: 700 ms");
    assert_eq!(harness.query_all_by_label("Total: 700 ms, best").count(), 0);
}

#[test]
fn a_failed_run_wins_nothing_and_unknown_is_blank() {
    let mut harness = rig();
    let sent = ask(&mut harness, "Race");
    let broken = ended(&sent[0], "half an ans", 10, 20, ConnectionKind::Warm).failed(Fault {
        status: Some(200),
        code: Some("server_error".into()),
        retry_after_ms: Some(2_000),
        ..Fault::new(FaultClass::Interrupted, Phase::Stream, "upstream went away")
    });
    put(&mut harness, broken);
    put(
        &mut harness,
        ended(&sent[1], "whole", 250, 700, ConnectionKind::Warm),
    );
    harness.run_steps(2);
    assert_eq!(harness.query_all_by_label_contains(", best").count(), 0);
    assert_eq!(harness.query_all_by_label("Speed: 222 tok/s").count(), 1);
    harness.get_by_label("Out: ≈ 3 tok, estimated");
    harness.get_by_label("half an ans");
    harness.get_by_label("upstream went away");
    harness.get_by_label_contains("server_error");
    harness.get_by_label_contains("asks to wait 2.00 s");
    harness.get_by_label("The answer broke off");
}

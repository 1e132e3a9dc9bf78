//! Panes: added, removed, moved, shown alone, each with a stream of its own.

use std::collections::HashMap;

use egui::{Key, Modifiers};
use egui_kittest::{
    Harness,
    kittest::{NodeT as _, Queryable as _},
};
use tokenscope::settings::Settings;

use super::{Rig, ask, button, double_click, endpoint, put, rig, rig_with, settings, streaming};

#[test]
fn each_pane_shows_its_own_stream() {
    let mut harness = rig();
    let sent = ask(&mut harness, "Say your name");
    put(&mut harness, streaming(&sent[0], "I am the left one"));
    put(&mut harness, streaming(&sent[1], "I am the right one"));
    harness.run_steps(2);
    let left = harness.get_by_label("I am the left one").rect();
    let right = harness.get_by_label("I am the right one").rect();
    assert!(
        left.right() <= 640.0 && right.left() >= 640.0,
        "{left:?} {right:?}"
    );
    // More of one stream is no part of the other.
    put(
        &mut harness,
        streaming(&sent[0], "I am the left one, still"),
    );
    harness.run_steps(2);
    harness.get_by_label("I am the left one, still");
    harness.get_by_label("I am the right one");
}

#[test]
fn panes_come_and_go() {
    let mut harness = rig();
    for _ in 0..3 {
        harness.get_by_label("Add pane").click();
        harness.run_steps(2);
    }
    for _ in 0..5 {
        harness.key_press_modifiers(Modifiers::COMMAND.plus(Modifiers::SHIFT), Key::N);
        harness.run_steps(2);
    }
    let sent = ask(&mut harness, "Everyone");
    assert_eq!(sent.len(), 8);
    let ids: std::collections::HashSet<_> = sent.iter().map(|s| s.id).collect();
    assert_eq!(ids.len(), 8);
    harness.key_press_modifiers(Modifiers::COMMAND.plus(Modifiers::SHIFT), Key::W);
    harness.run_steps(2);
    assert_eq!(
        harness
            .query_all_by_label_contains("Target of pane")
            .count(),
        7
    );
}

#[test]
fn a_pane_can_be_shown_alone() {
    let mut harness = rig();
    let panes = |harness: &Harness<'_, Rig>| {
        let all = harness.query_all_by_label_contains("Target of pane");
        all.map(|node| node.accesskit_node().label().unwrap())
            .collect::<Vec<_>>()
    };
    harness.event(egui::Event::PointerMoved(egui::pos2(900.0, 300.0)));
    harness.run_steps(2);
    harness.key_press_modifiers(Modifiers::COMMAND, Key::M);
    harness.run_steps(2);
    assert_eq!(panes(&harness), ["Target of pane 2: simulated/steady"]);
    // The others are there still.
    assert_eq!(ask(&mut harness, "Both").len(), 2);
    harness.key_press_modifiers(Modifiers::COMMAND, Key::M);
    harness.run_steps(2);
    assert_eq!(panes(&harness).len(), 2);
    let head = harness.get_by_label("Head of pane 1").rect();
    let at = head.left_center() + egui::vec2(4.0, 0.0);
    double_click(&mut harness, at);
    assert_eq!(panes(&harness), ["Target of pane 1: simulated/swift"]);
    harness.get_by_label("Show all 2 panes (Ctrl+M)").click();
    harness.run_steps(2);
    assert_eq!(panes(&harness).len(), 2);
}

#[test]
fn a_pane_is_dragged_by_its_head() {
    let mut harness = rig();
    harness.get_by_label("Add pane").click();
    harness.run_steps(4);
    let at = |harness: &Harness<'_, Rig>, pane: usize| {
        harness
            .get_by_label(&format!("Head of pane {pane}"))
            .rect()
            .left_center()
            + egui::vec2(4.0, 0.0)
    };
    let (from, to) = (at(&harness, 1), at(&harness, 3) + egui::vec2(100.0, 200.0));
    harness.event(egui::Event::PointerMoved(from));
    harness.step();
    harness.event(button(from, true));
    harness.step();
    for step in [0.3, 0.7, 1.0] {
        harness.event(egui::Event::PointerMoved(from + (to - from) * step));
        harness.step();
    }
    harness.event(button(to, false));
    harness.run_steps(3);
    for (pane, model) in [(1, "steady"), (2, "steady"), (3, "swift")] {
        harness.get_by_label(&format!("Target of pane {pane}: simulated/{model}"));
    }
    // Two of one model are numbered.
    assert_eq!(harness.query_all_by_label("#1").count(), 1);
    assert_eq!(harness.query_all_by_label("#2").count(), 1);
}

#[test]
fn a_removed_endpoint_is_told() {
    let mut harness = rig();
    harness.state_mut().tell_settings(Settings {
        endpoints: vec![endpoint("openai", "OpenAI", false, &[])],
        ..Settings::default()
    });
    harness.run_steps(2);
    assert_eq!(
        harness
            .query_all_by_label_contains("There is no endpoint “simulated”")
            .count(),
        2
    );
}

#[test]
fn a_narrow_window_makes_a_grid() {
    let mut harness = rig_with(settings(), [640.0, 600.0]);
    harness.get_by_label("Add pane").click();
    harness.run_steps(3);
    let tops: HashMap<_, _> = (1..=3)
        .map(|n| {
            (
                n,
                harness
                    .get_by_label_contains(&format!("Target of pane {n}"))
                    .rect(),
            )
        })
        .collect();
    assert!((tops[&1].top() - tops[&2].top()).abs() < 1.0);
    assert!(tops[&3].top() > tops[&1].bottom());
}

//! A pane follows its end, until its user scrolls away from it.

use egui::{Key, Modifiers};
use egui_kittest::{Harness, kittest::Queryable as _};
use tokenscope::{engine::SendRun, event::Usage, run::ConnectionKind};

use super::{
    Course, Rig, ask, ended, ends_in_sight, lines, put, rig, streaming, type_prompt, wheel,
};

#[test]
fn what_is_asked_next_is_followed_however_it_comes() {
    let mut harness = rig();
    let lines = |count: usize| "A line of its own\n\n".repeat(count);
    let sent = ask(&mut harness, "First");
    for run in &sent {
        put(
            &mut harness,
            ended(run, &lines(60), 1, 2, ConnectionKind::Warm),
        );
    }
    harness.run_steps(6);
    // It grows in the very frames in which the pane goes to its end.
    harness.state_mut().commands.clear();
    type_prompt(&mut harness, "Second");
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Enter);
    harness.step();
    let sent = harness.state().sent();
    for count in 1..=12 {
        for run in &sent {
            put(&mut harness, streaming(run, &lines(count * 4)));
        }
        harness.step();
    }
    harness.run_steps(4);
    assert!(harness.query_by_label("Jump to latest").is_none());
}

/// Streams lines into the panes, some in each frame, and then this end.
fn stream(harness: &mut Harness<'_, Rig>, sent: &[SendRun], end: &str) {
    let mut texts: Vec<_> = (1..=20).map(|count| lines(count * 4, "")).collect();
    texts.push(lines(80, end));
    for text in texts {
        for run in sent {
            let run = Course {
                connection: ConnectionKind::Cold,
                ..streaming(run, &text)
            };
            put(harness, run);
        }
        harness.run_steps(1);
    }
    harness.run_steps(2);
}

/// Nothing but a person's scrolling takes a pane from its end.
#[test]
fn a_pane_keeps_to_its_end_whatever_changes() {
    let mut harness = rig();
    let sent = ask(&mut harness, "First");
    stream(&mut harness, &sent, "first end");
    assert_eq!(ends_in_sight(&harness, "first end"), 2, "while it streams");
    // The figures come, and take room.
    for run in &sent {
        let mut run = ended(run, &lines(80, "first end"), 90, 2400, ConnectionKind::Cold);
        run.usage = Some(Usage {
            reasoning: Some(7),
            cached: Some(8),
            ..run.usage.unwrap()
        });
        put(&mut harness, run);
    }
    harness.run_steps(4);
    assert_eq!(ends_in_sight(&harness, "first end"), 2, "at its end");
    for size in [[800.0, 760.0], [1280.0, 800.0], [1100.0, 700.0]] {
        harness.set_size(size.into());
        harness.run_steps(6);
        assert_eq!(ends_in_sight(&harness, "first end"), 2, "{size:?}");
    }
    harness.ctx.set_theme(egui::Theme::Light);
    harness.run_steps(4);
    assert_eq!(ends_in_sight(&harness, "first end"), 2, "in another theme");
    let sent = ask(&mut harness, "Second");
    harness.run_steps(2);
    let asked = harness.query_all_by_label("Second");
    let in_sight = asked.filter(|node| node.rect().bottom() < 700.0).count();
    assert_eq!(in_sight, 2, "a new question is brought into view");
    stream(&mut harness, &sent, "second end");
    assert_eq!(ends_in_sight(&harness, "second end"), 2, "the second one");
    assert!(harness.query_by_label("Jump to latest").is_none());
}

#[test]
fn a_person_leaves_the_end_by_the_wheel_and_comes_back_to_it() {
    let mut harness = rig();
    let sent = ask(&mut harness, "First");
    let mut text = String::new();
    let mut stream = |harness: &mut Harness<'_, Rig>, end: &str| {
        text += &lines(60, &format!("{end}\n\n"));
        for run in &sent {
            put(harness, streaming(run, &text));
        }
        harness.run_steps(3);
    };
    stream(&mut harness, "first end");
    wheel(&mut harness, 200.0);
    stream(&mut harness, "second end");
    assert_eq!(ends_in_sight(&harness, "second end"), 1, "the other pane's");
    harness.get_by_label("Jump to latest").click();
    harness.run_steps(4);
    assert_eq!(ends_in_sight(&harness, "second end"), 2);
    // By keys, too, and back by the wheel.
    harness.key_press(Key::PageUp);
    harness.run_steps(12);
    assert_eq!(ends_in_sight(&harness, "second end"), 1);
    wheel(&mut harness, -20_000.0);
    stream(&mut harness, "third end");
    assert_eq!(ends_in_sight(&harness, "third end"), 2);
    // That the answer ends brings nobody back to it.
    wheel(&mut harness, 400.0);
    for run in &sent {
        put(
            &mut harness,
            ended(run, &text, 200, 900, ConnectionKind::Warm),
        );
    }
    harness.run_steps(4);
    assert_eq!(ends_in_sight(&harness, "third end"), 1);
    // A new question is followed wherever one was.
    ask(&mut harness, "Second");
    harness.run_steps(3);
    let asked = harness.query_all_by_label("Second");
    assert_eq!(asked.filter(|node| node.rect().bottom() < 760.0).count(), 2);
}

/// What comes last is seen, too, though nothing moves the window any more.
#[test]
fn an_answers_last_lines_are_in_sight_when_it_ends() {
    let mut harness = rig();
    let sent = ask(&mut harness, "First");
    for run in &sent {
        put(&mut harness, streaming(run, &"A line\n\n".repeat(40)));
    }
    harness.run_steps(6);
    for run in &sent {
        let text = "A line\n\n".repeat(50) + "The end";
        put(&mut harness, ended(run, &text, 1, 2, ConnectionKind::Warm));
    }
    let still = |harness: &mut Harness<'_, Rig>| -> Vec<egui::Rect> {
        let ends = harness.query_all_by_label("The end");
        ends.map(|node| node.rect()).collect()
    };
    harness.run();
    let seen = still(&mut harness);
    assert_eq!(seen.len(), 2);
    harness.run_steps(3);
    assert_eq!(still(&mut harness), seen, "frames that nobody asked for");
}

//! What can be done with a turn: stopped, asked again, edited, copied, forked, cleared.

use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable as _;
use tokenscope::{desktop::view::Action, engine::SendRun, run::ConnectionKind};

use super::{answer_all, ask, ended, last_text, put, rig, send, streaming};

#[test]
fn esc_stops_what_runs_and_only_that() {
    let mut harness = rig();
    let sent = ask(&mut harness, "Go");
    put(
        &mut harness,
        ended(&sent[0], "done", 100, 200, ConnectionKind::Warm),
    );
    put(&mut harness, streaming(&sent[1], "going"));
    harness.run_steps(2);
    harness.key_press(Key::Escape);
    harness.run_steps(2);
    assert_eq!(harness.state().cancelled(), [sent[1].id]);
}

#[test]
fn a_second_question_carries_the_first_answer() {
    let mut harness = rig();
    let sent = ask(&mut harness, "One");
    put(
        &mut harness,
        ended(&sent[0], "Answer of the left", 1, 2, ConnectionKind::Warm),
    );
    put(
        &mut harness,
        ended(&sent[1], "Answer of the right", 1, 2, ConnectionKind::Warm),
    );
    harness.run_steps(2);
    let sent = ask(&mut harness, "Two");
    let texts = |run: &SendRun| {
        run.request
            .messages
            .iter()
            .map(tokenscope::chat::Message::text)
            .collect::<Vec<_>>()
    };
    assert_eq!(texts(&sent[0]), ["One", "Answer of the left", "Two"]);
    assert_eq!(texts(&sent[1]), ["One", "Answer of the right", "Two"]);
}

#[test]
fn a_retry_is_a_second_attempt_that_can_be_left_again() {
    let mut harness = rig();
    let sent = ask(&mut harness, "Again?");
    answer_all(&mut harness, &sent, "first try");
    harness.state_mut().commands.clear();
    harness
        .get_all_by_label("Ask again")
        .next()
        .unwrap()
        .click();
    harness.run_steps(2);
    let again = harness.state().sent();
    assert_eq!(again.len(), 1);
    assert_eq!(again[0].request, sent[0].request);
    assert_ne!(again[0].id, sent[0].id);
    put(
        &mut harness,
        ended(&again[0], "second try", 1, 2, ConnectionKind::Warm),
    );
    harness.run_steps(2);
    harness.get_by_label("second try");
    harness.get_by_label("2/2");
    harness.get_by_label("Earlier attempt").click();
    harness.run_steps(2);
    assert_eq!(harness.query_all_by_label("first try").count(), 2);
}

#[test]
fn an_edited_prompt_takes_the_turns_place() {
    let mut harness = rig();
    let sent = ask(&mut harness, "Old words");
    answer_all(&mut harness, &sent, "fine");
    harness
        .get_all_by_label("Edit the prompt and ask again")
        .next()
        .unwrap()
        .click();
    harness.run_steps(3);
    let field = harness.get_by_label("Edited prompt");
    field.focus();
    harness.run_steps(1);
    harness.key_press_modifiers(Modifiers::COMMAND, Key::A);
    harness.run_steps(1);
    harness.get_by_label("Edited prompt").type_text("New words");
    harness.run_steps(1);
    harness.state_mut().commands.clear();
    harness.get_by_label("In both panes").click();
    harness.run_steps(2);
    let again = harness.state().sent();
    assert_eq!(again.len(), 2);
    assert!(
        again
            .iter()
            .all(|s| last_text(&s.request) == "New words" && s.request.messages.len() == 1)
    );
    let saved = harness.state().saved();
    assert!(
        saved
            .last()
            .unwrap()
            .panes
            .iter()
            .all(|p| p.turns.len() == 1)
    );
}

#[test]
fn ctrl_enter_in_an_edited_prompt_asks_it_and_esc_leaves_it() {
    let mut harness = rig();
    let sent = ask(&mut harness, "Old words");
    answer_all(&mut harness, &sent, "fine");
    let edit = "Edit the prompt and ask again";
    harness.get_all_by_label(edit).next().unwrap().click();
    harness.run_steps(3);
    harness.key_press(Key::Escape);
    harness.run_steps(2);
    assert!(harness.query_by_label("Edited prompt").is_none());
    harness.get_all_by_label(edit).next().unwrap().click();
    harness.run_steps(3);
    let again = send(&mut harness);
    assert_eq!(again.len(), 1);
    assert_eq!(last_text(&again[0].request), "Old words");
    assert!(harness.query_by_label("Edited prompt").is_none());
}

#[test]
fn what_was_asked_is_copied_as_a_program_without_a_key() {
    let mut harness = rig();
    let sent = ask(&mut harness, "Hello");
    put(
        &mut harness,
        ended(&sent[0], "Hi", 100, 200, ConnectionKind::Warm),
    );
    harness.run_steps(4);
    harness
        .get_all_by_label("More for this turn")
        .next()
        .unwrap()
        .click();
    harness.run_steps(3);
    harness.get_by_label("Copy as cURL").click();
    harness.run_steps(2);
    let curl = |action: &Action| {
        matches!(action, Action::Copy { text, said } if text.starts_with("curl ")
            && said == "Copied as cURL; the key is a variable in it")
    };
    assert!(harness.state().actions.iter().any(curl));
}

#[test]
fn a_fork_is_a_pane_with_the_same_past() {
    let mut harness = rig();
    let sent = ask(&mut harness, "Shared past");
    answer_all(&mut harness, &sent, "yes");
    harness
        .get_all_by_label("More for this turn")
        .next()
        .unwrap()
        .click();
    harness.run_steps(2);
    harness.get_by_label("Fork into a new pane").click();
    harness.run_steps(3);
    assert_eq!(harness.query_all_by_label("yes").count(), 3);
    let sent = ask(&mut harness, "Next");
    assert_eq!(sent.len(), 3);
    assert!(sent.iter().all(|s| s.request.messages.len() == 3));
}

#[test]
fn clearing_can_be_undone() {
    let mut harness = rig();
    let sent = ask(&mut harness, "Keep me");
    answer_all(&mut harness, &sent, "kept");
    harness.get_by_label("More for pane 1").click();
    harness.run_steps(2);
    harness.get_by_label("Clear this pane").click();
    harness.run_steps(3);
    assert_eq!(harness.query_all_by_label("kept").count(), 1);
    harness.get_by_label("Undo: clear a pane").click();
    harness.run_steps(3);
    assert_eq!(harness.query_all_by_label("kept").count(), 2);
}

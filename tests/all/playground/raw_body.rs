//! The body that is written by hand before it is sent.

use egui::{Key, Modifiers, accesskit::Role};
use egui_kittest::{Harness, kittest::Queryable as _};
use serde_json::{Value, json};
use tokenscope::run::ConnectionKind;

use super::{Rig, ended, put, rig, send, type_prompt};

fn open(harness: &mut Harness<'_, Rig>) {
    harness.get_by_label("More for pane 1").click();
    harness.run_steps(2);
    harness
        .get_by_label("Edit the raw body and send it…")
        .click();
    harness.run_steps(3);
}

fn body(harness: &Harness<'_, Rig>) -> String {
    let field = harness.get_by_role_and_label(Role::MultilineTextInput, "JSON body");
    field.value().unwrap()
}

fn write(harness: &mut Harness<'_, Rig>, text: &str) {
    harness.key_press_modifiers(Modifiers::COMMAND, Key::A);
    harness.run_steps(1);
    harness
        .get_by_role_and_label(Role::MultilineTextInput, "JSON body")
        .type_text(text);
    harness.run_steps(2);
}

#[test]
fn a_body_is_shown_as_it_would_be_sent_and_sent_as_it_was_written() {
    let mut harness = rig();
    type_prompt(&mut harness, "How far is the moon?");
    open(&mut harness);
    let shown: Value = serde_json::from_str(&body(&harness)).unwrap();
    assert_eq!(shown["model"], "swift");
    assert_eq!(shown["messages"][0]["content"], "How far is the moon?");
    harness.get_by_label("As it would be sent");

    write(&mut harness, "{\"model\": ");
    harness.get_by_label_contains("This is no JSON yet");
    assert!(send(&mut harness).is_empty(), "it can't be sent yet");

    write(&mut harness, "{\"model\": \"swift\", \"odd\": [1]}");
    harness.get_by_label("Changed by hand");
    harness.get_by_label("Send this body").click();
    harness.run_steps(3);
    let sent = harness.state().sent();
    let [run] = sent.as_slice() else {
        panic!("one pane asks: {sent:?}");
    };
    let expected = json!({"model": "swift", "odd": [1]});
    assert_eq!(run.request.raw_body.as_ref(), Some(&expected));
    assert!(run.request.tools.is_empty() && run.request.system.is_none());
    assert!(harness.query_by_label("Request body").is_none());
    harness.get_by_label("Sent as a JSON body written by hand");
    let kept = harness.state().saved().pop().unwrap();
    assert_eq!(kept.panes[0].turns[0].raw_body.as_ref(), Some(&expected));

    // Asked again, it is the same body.
    put(&mut harness, ended(run, "far", 1, 2, ConnectionKind::Warm));
    harness.run_steps(2);
    harness.state_mut().commands.clear();
    harness.key_press_modifiers(Modifiers::COMMAND, Key::R);
    harness.run_steps(2);
    let again = harness.state().sent();
    assert_eq!(again[0].request.raw_body.as_ref(), Some(&expected));
}

#[test]
fn what_was_written_is_not_lost_by_a_stray_key() {
    let mut harness = rig();
    type_prompt(&mut harness, "Hello");
    open(&mut harness);
    write(&mut harness, "{\"mine\": 1}");
    harness.key_press(Key::Escape);
    harness.run_steps(3);
    assert_eq!(body(&harness), "{\"mine\": 1}");
    harness.get_by_label("Reset").click();
    harness.run_steps(2);
    assert!(body(&harness).contains("Hello"));
    harness.get_by_label("Cancel").click();
    harness.run_steps(3);
    assert!(harness.query_by_label("Request body").is_none());
}

//! What the engine says of requests, while it is waited for: no frame encodes a request or checks a schema.

use egui::{Key, Modifiers, accesskit::Role};
use egui_kittest::{Harness, kittest::Queryable as _};
use tokenscope::{
    chat::ResponseFormat,
    conversation::Pane,
    desktop::view::Action,
    engine::{Command, ComputeCommand},
    run::ConnectionKind,
};

use super::{Rig, ended, put, rig, type_prompt};

impl Rig {
    /// Computes what the engine was asked to.
    pub fn compute(&mut self) {
        let asked = |command: &mut Command| matches!(command, Command::Compute(_));
        for command in self.commands.extract_if(.., asked) {
            if let Command::Compute(command) = command {
                command.answer();
            }
        }
    }

    /// How many questions of that kind wait.
    fn computing(&self) -> usize {
        let asked = |command: &&Command| matches!(command, Command::Compute(_));
        self.commands.iter().filter(asked).count()
    }
}

const RIGHT: &str = r#"{"type": "object"}"#;
const WRONG: &str = r#"{"type": "objct"}"#;

/// A prompt in the composer, and the settings of the first pane open at a schema; questions wait.
fn at_the_schema() -> Harness<'static, Rig> {
    let mut harness = rig();
    type_prompt(&mut harness, "How far is the moon?");
    harness.get_by_label("Parameters of pane 1").click();
    harness.run_steps(3);
    let choice = "Response format: JSON schema";
    harness.get_by_label(choice).scroll_to_me();
    harness.run_steps(20);
    harness.get_by_label(choice).click();
    harness.run_steps(3);
    harness.state_mut().holds = true;
    harness
}

fn write_schema(harness: &mut Harness<'_, Rig>, text: &str) {
    let node = || Role::MultilineTextInput;
    harness.get_by_role_and_label(node(), "JSON schema").focus();
    harness.run_steps(1);
    harness.key_press_modifiers(Modifiers::COMMAND, Key::A);
    harness.run_steps(1);
    harness
        .get_by_role_and_label(node(), "JSON schema")
        .type_text(text);
    harness.run_steps(2);
}

fn answer(harness: &mut Harness<'_, Rig>) {
    harness.state_mut().compute();
    harness.run_steps(2);
}

fn send(harness: &mut Harness<'_, Rig>) {
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Enter);
    harness.run_steps(2);
}

fn shows(harness: &Harness<'_, Rig>, text: &str) -> bool {
    harness.query_all_by_label_contains(text).next().is_some()
}

fn told(harness: &Harness<'_, Rig>, text: &str) -> bool {
    let told = |action: &Action| matches!(action, Action::Tell(why) if why.contains(text));
    harness.state().actions.iter().any(told)
}

fn has_schema(format: Option<&ResponseFormat>) -> bool {
    matches!(format, Some(ResponseFormat::JsonSchema { .. }))
}

#[test]
fn an_error_in_a_schema_is_shown_with_the_reply_and_is_never_of_another_text() {
    let mut harness = at_the_schema();
    write_schema(&mut harness, WRONG);
    assert!(!shows(&harness, "is no type"));
    write_schema(&mut harness, r#"{"type": "strng"}"#);
    assert_eq!(harness.state().computing(), 2);
    let earlier = harness.state_mut().commands.iter().position(|command| {
        matches!(command, Command::Compute(ComputeCommand::CheckSchemas { schemas, .. })
            if schemas[0]["type"] == "objct")
    });
    let earlier = harness.state_mut().commands.remove(earlier.unwrap());
    if let Command::Compute(earlier) = earlier {
        earlier.answer();
    }
    harness.run_steps(2);
    assert!(!shows(&harness, "is no type"), "it is of an earlier text");
    answer(&mut harness);
    assert!(shows(&harness, "“strng” is no type"));
    write_schema(&mut harness, RIGHT);
    assert!(!shows(&harness, "is no type"), "the text is another one");
    assert!(shows(&harness, "Checking…"), "its room stays");
    answer(&mut harness);
    assert!(!shows(&harness, "is no type") && !shows(&harness, "Checking…"));
    assert!(shows(&harness, "Strict mode wants"));
    harness.run_steps(10);
    assert_eq!(harness.state().computing(), 0, "nothing has changed");
}

#[test]
fn what_is_sent_while_its_settings_are_checked_goes_out_with_them() {
    let mut harness = at_the_schema();
    write_schema(&mut harness, RIGHT);
    send(&mut harness);
    send(&mut harness);
    assert!(harness.state().sent().is_empty());
    harness.get_by_label("Checking the parameters…");
    answer(&mut harness);
    let sent = harness.state().sent();
    assert_eq!(sent.len(), 2, "once in each pane");
    assert!(has_schema(sent[0].request.params.response_format.as_ref()));
    assert_eq!(sent[0].request.messages[0].text(), "How far is the moon?");
    assert!(!shows(&harness, "Checking the parameters…"));
}

#[test]
fn what_is_sent_while_a_wrong_schema_is_checked_stays_in_the_composer() {
    let mut harness = at_the_schema();
    write_schema(&mut harness, WRONG);
    send(&mut harness);
    answer(&mut harness);
    assert!(harness.state().sent().is_empty());
    assert!(told(&harness, "Pane 1: a parameter has an invalid value"));
    let prompt = harness.get_by_role_and_label(Role::MultilineTextInput, "Prompt");
    assert_eq!(prompt.value().as_deref(), Some("How far is the moon?"));
    // It stays blocked until the schema is right.
    send(&mut harness);
    assert!(harness.state().sent().is_empty());
    write_schema(&mut harness, RIGHT);
    send(&mut harness);
    answer(&mut harness);
    assert_eq!(harness.state().sent().len(), 2);
}

#[test]
fn a_check_that_was_lost_blocks_and_says_so() {
    let mut harness = at_the_schema();
    write_schema(&mut harness, RIGHT);
    send(&mut harness);
    harness.state_mut().commands.clear();
    harness.run_steps(3);
    assert!(harness.state().sent().is_empty());
    assert!(shows(&harness, "It could not be checked"));
}

#[test]
fn what_is_typed_goes_along_into_another_conversation_and_is_checked_there() {
    let mut harness = at_the_schema();
    write_schema(&mut harness, WRONG);
    harness.key_press_modifiers(Modifiers::COMMAND, Key::N);
    harness.run_steps(3);
    let left = harness.state().saved().pop().unwrap();
    let format = |pane: &Pane| has_schema(pane.params.response_format.as_ref());
    assert!(format(&left.panes[0]), "nothing is lost");
    type_prompt(&mut harness, "And the sun?");
    send(&mut harness);
    assert!(harness.state().sent().is_empty());
    answer(&mut harness);
    assert!(harness.state().sent().is_empty(), "it is wrong there, too");
    assert!(told(&harness, "Pane 1: a parameter has an invalid value"));
}

#[test]
fn a_body_and_a_program_are_made_by_the_engine() {
    let mut harness = at_the_schema();
    harness.key_press(Key::Escape);
    harness.run_steps(3);
    harness.get_by_label("More for pane 2").click();
    harness.run_steps(2);
    harness
        .get_by_label("Edit the raw body and send it…")
        .click();
    harness.run_steps(3);
    assert!(!shows(&harness, "Request body"));
    answer(&mut harness);
    harness.get_by_label("Request body");
    harness.get_by_label("Cancel").click();
    harness.run_steps(3);

    let mut harness = rig();
    type_prompt(&mut harness, "Hello");
    send(&mut harness);
    let sent = harness.state().sent();
    let run = ended(&sent[0], "Hi", 100, 200, ConnectionKind::Warm);
    put(&mut harness, run);
    harness.run_steps(4);
    harness.state_mut().holds = true;
    let more = harness.get_all_by_label("More for this turn").next();
    more.unwrap().click();
    harness.run_steps(3);
    harness.get_by_label("Copy as Python").click();
    harness.run_steps(2);
    let copied = |harness: &Harness<'_, Rig>| {
        let copied = |action: &Action| matches!(action, Action::Copy { text, .. } if text.contains("import "));
        harness.state().actions.iter().any(copied)
    };
    assert!(!copied(&harness));
    answer(&mut harness);
    assert!(copied(&harness));
}

//! The prompt and what goes with it: typed, attached, sent, kept as a draft.

use std::time::Duration;

use egui::{Key, Modifiers, accesskit::Role};
use egui_kittest::{Harness, kittest::Queryable as _};
use tokenscope::{
    chat::{Media, Part},
    desktop::{theme, view::Action},
    engine::{Command, ConversationCommand, RunCommand},
    run::{ConnectionKind, Origin},
};

use super::{Rig, ask, attach, double_click, ended, last_text, put, rig, send, type_prompt};

#[test]
fn the_first_start_needs_one_key_press() {
    let mut harness = rig();
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Enter);
    harness.run_steps(2);
    let sent = harness.state().sent();
    let models: Vec<_> = sent.iter().map(|s| s.request.model.as_str()).collect();
    assert_eq!(models, ["swift", "steady"]);
    assert!(
        sent.iter()
            .all(|s| s.endpoint == "simulated" && s.origin == Origin::Playground)
    );
    assert_ne!(sent[0].id, sent[1].id);
    assert!(!last_text(&sent[0].request).is_empty());
    // What names the runs is kept before the runs begin.
    let commands = &harness.state().commands;
    let first_save = commands
        .iter()
        .position(|c| matches!(c, Command::Conversation(ConversationCommand::Save(_))));
    let first_send = commands
        .iter()
        .position(|c| matches!(c, Command::Run(RunCommand::Send(_))));
    assert!(first_save < first_send);
}

#[test]
fn what_is_typed_goes_to_every_pane() {
    let mut harness = rig();
    let sent = ask(&mut harness, "How are you?");
    assert_eq!(sent.len(), 2);
    assert!(sent.iter().all(|s| last_text(&s.request) == "How are you?"));
    // Enter alone belongs to the text.
    let sent_before = harness.state().sent().len();
    harness.key_press(Key::Enter);
    harness.run_steps(2);
    assert_eq!(harness.state().sent().len(), sent_before);
}

#[test]
fn a_prompt_can_be_typed_at_once_and_waiting_for_it_costs_nothing() {
    let harness = rig();
    let prompt = harness.get_by_role_and_label(Role::MultilineTextInput, "Prompt");
    assert!(prompt.is_focused());
    let delays = harness.output().viewport_output.values();
    assert_eq!(
        delays.map(|v| v.repaint_delay).min(),
        Some(Duration::MAX),
        "an idle window asks to be painted anew"
    );
    // The harness never lets a caret blink, so what the window does is asked of its style.
    let ctx = egui::Context::default();
    theme::install(&ctx);
    for theme in [egui::Theme::Dark, egui::Theme::Light] {
        assert!(!ctx.style_of(theme).visuals.text_cursor.blink, "{theme:?}");
    }
}

#[test]
fn the_composer_grows_and_then_scrolls() {
    let mut harness = rig();
    let field = |harness: &Harness<'_, Rig>| {
        harness
            .get_by_role_and_label(Role::MultilineTextInput, "Prompt")
            .rect()
            .top()
    };
    type_prompt(&mut harness, "one\ntwo");
    harness.run_steps(3);
    let two = field(&harness);
    type_prompt(&mut harness, "1\n2\n3\n4\n5\n6\n7");
    harness.run_steps(3);
    let seven = field(&harness);
    assert!(two - seven > 60.0, "{two} {seven}");
    type_prompt(&mut harness, &"line\n".repeat(60));
    harness.run_steps(3);
    let send = harness.get_by_label("Send").rect();
    assert!(send.bottom() <= 800.0 && send.top() > 600.0, "{send:?}");
    harness.get_by_label("Parameters of pane 1");
}

#[test]
fn any_of_the_panes_can_be_asked() {
    let mut harness = rig();
    harness.get_by_label("Add pane").click();
    harness.run_steps(2);
    harness.get_by_label("Ask pane 2: steady #1").click();
    harness.run_steps(2);
    let sent = ask(&mut harness, "You two");
    let models: Vec<_> = sent.iter().map(|s| s.request.model.as_str()).collect();
    assert_eq!(models, ["swift", "steady"]);
    for run in &sent {
        put(&mut harness, ended(run, "yes", 1, 2, ConnectionKind::Warm));
    }
    // Alone by a double click, and all again.
    let chip = harness
        .get_by_label("Ask pane 2: steady #1")
        .rect()
        .center();
    double_click(&mut harness, chip);
    let sent = ask(&mut harness, "Only you");
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].request.model, "steady");
    assert_eq!(sent[0].request.messages.len(), 1, "it was not asked before");
    put(
        &mut harness,
        ended(&sent[0], "yes", 1, 2, ConnectionKind::Warm),
    );
    harness.get_by_label("all").click();
    harness.run_steps(2);
    assert_eq!(ask(&mut harness, "Everyone").len(), 3);
}

#[test]
fn with_nothing_written_the_last_question_is_asked_again() {
    let mut harness = rig();
    let sent = ask(&mut harness, "Once more?");
    for run in &sent {
        put(&mut harness, ended(run, "yes", 1, 2, ConnectionKind::Cold));
    }
    harness.run_steps(2);
    harness.get_by_label("Ask pane 1: swift").click();
    harness.run_steps(2);
    let again = send(&mut harness);
    assert_eq!(again.len(), 1, "in the pane that is chosen");
    assert_eq!(again[0].request, sent[1].request);
    harness.get_by_label("2/2");
}

#[test]
fn images_are_attached_shown_and_sent() {
    let mut harness = rig();
    let image = Media {
        uri: None,
        mime: "image/png".into(),
        data: b"\x89PNG not quite".as_slice().into(),
        name: "cat.png".into(),
    };
    let dog = Media {
        name: "dog.png".into(),
        ..image.clone()
    };
    let refused = Err("notes.txt is not an image".to_owned());
    attach(&mut harness, vec![Ok(image.clone()), Ok(dog), refused]);
    assert!(
        harness
            .state()
            .actions
            .contains(&Action::Tell("notes.txt is not an image".into()))
    );
    harness.get_by_label("Remove image 2").click();
    harness.run_steps(2);
    let sent = ask(&mut harness, "What is this?");
    let parts = &sent[0].request.messages[0].parts;
    assert_eq!(parts.len(), 2);
    assert_eq!(parts[0], Part::Media(image));
    assert!(harness.query_by_label("Remove image 1").is_none());
}

#[test]
fn a_file_that_a_pane_can_not_send_is_said_beforehand() {
    let mut harness = rig();
    let video = Media {
        mime: "video/mp4".into(),
        data: b"....ftypisom".as_slice().into(),
        name: "clip.mp4".into(),
        uri: None,
    };
    attach(&mut harness, vec![Ok(video)]);
    harness.get_by_label("Remove file 1");
    let said = harness.query_all_by_label_contains("clip.mp4 (video/mp4) can't be sent");
    assert_eq!(said.count(), 2, "in each of the panes");
}

#[test]
fn a_draft_is_kept_shortly_after_it_changed() {
    let mut harness = rig();
    harness.state_mut().commands.clear();
    type_prompt(&mut harness, "half a thought");
    // A frame of the harness is a quarter of a second.
    harness.run_steps(5);
    let saved = harness.state().saved();
    assert_eq!(saved.last().unwrap().draft.text, "half a thought");
    let count = saved.len();
    harness.run_steps(6);
    assert_eq!(
        harness.state().saved().len(),
        count,
        "nothing changed: nothing to keep"
    );
}

//! Finding a text in the conversation that is shown.

use egui::{Key, Modifiers, accesskit::Role};
use egui_kittest::{Harness, kittest::Queryable as _};
use tokenscope::{
    conversation::{ConversationId, ConversationSummary},
    engine::{Command, ConversationCommand},
};

use crate::desktop::player::reply_to;

use super::{Rig, answer_all, ask, ends_in_sight, lines, rig};

const FIELD: &str = "Find in the conversation";

fn find(harness: &mut Harness<'_, Rig>, words: &str) {
    harness.key_press_modifiers(Modifiers::COMMAND, Key::F);
    harness.run_steps(2);
    harness.key_press_modifiers(Modifiers::COMMAND, Key::A);
    harness.run_steps(1);
    let field = harness.get_by_role_and_label(Role::TextInput, FIELD);
    field.type_text(words);
    harness.run_steps(8);
}

#[test]
fn places_are_counted_and_gone_through() {
    let mut harness = rig();
    let sent = ask(&mut harness, "Which buoy?");
    answer_all(&mut harness, &sent, "The **Buoy** at sea");
    find(&mut harness, "buoy");
    // In each pane: in the question and in the answer.
    harness.get_by_label("1 of 4");
    for shown in ["2 of 4", "3 of 4"] {
        harness.key_press(Key::Enter);
        harness.run_steps(4);
        harness.get_by_label(shown);
    }
    harness.key_press_modifiers(Modifiers::SHIFT, Key::Enter);
    harness.run_steps(4);
    harness.get_by_label("2 of 4");
    find(&mut harness, "anchor");
    harness.get_by_label("No match");
    harness.key_press(Key::Escape);
    harness.run_steps(3);
    assert!(harness.query_by_label(FIELD).is_none());
}

#[test]
fn a_place_out_of_sight_is_scrolled_to_and_stays_in_sight() {
    let mut harness = rig();
    let needle = "Here is the needle";
    let sent = ask(&mut harness, "Go");
    let long = format!("{needle}\n\n{}", lines(200, "the very end"));
    answer_all(&mut harness, &sent, &long);
    harness.run_steps(4);
    assert_eq!(ends_in_sight(&harness, "the very end"), 2);
    assert_eq!(ends_in_sight(&harness, needle), 0);
    find(&mut harness, "NEEDLE");
    assert_eq!(ends_in_sight(&harness, needle), 1, "that of the first pane");
    harness.key_press(Key::F3);
    harness.run_steps(8);
    assert_eq!(ends_in_sight(&harness, needle), 2);
    // A turn that is far off screen.
    let sent = ask(&mut harness, "Again");
    answer_all(&mut harness, &sent, &lines(200, "the second end"));
    harness.run_steps(6);
    assert_eq!(ends_in_sight(&harness, needle), 0);
    find(&mut harness, "the needle");
    assert_eq!(ends_in_sight(&harness, needle), 1);
}

#[test]
fn the_list_is_searched_by_texts_and_what_is_opened_has_them_marked() {
    let mut harness = rig();
    ask(&mut harness, "Mine");
    let summary = |id, title: &str| ConversationSummary {
        id: ConversationId(id),
        title: title.into(),
        updated_unix_ns: 1,
        panes: 1,
    };
    let all = [summary(1, "Alpha"), summary(2, "Beta")];
    harness.state_mut().list(&all);
    harness.key_press_modifiers(Modifiers::COMMAND, Key::B);
    harness.run_steps(4);
    let field = harness.get_by_role_and_label(Role::TextInput, "Search conversations");
    field.focus();
    harness.run_steps(2);
    let field = harness.get_by_role_and_label(Role::TextInput, "Search conversations");
    field.type_text("buoys afloat");
    harness.run_steps(3);
    harness.get_by_label("Searching…");
    for command in &mut harness.state_mut().commands {
        if let Command::Conversation(ConversationCommand::Search { text, reply }) = command {
            assert_eq!(text, "buoys afloat");
            reply_to(reply, vec![ConversationId(2)]);
        }
    }
    harness.run_steps(3);
    assert!(harness.query_by_label("Open “Alpha”").is_none());
    harness.get_by_label("Open “Beta”").click();
    harness.run_steps(4);
    let field = harness.get_by_role_and_label(Role::TextInput, FIELD);
    assert_eq!(field.value().as_deref(), Some("afloat"));
}

//! Conversations that go to a file and come from one.

use std::path::PathBuf;

use egui::accesskit::Role;
use egui_kittest::{Harness, kittest::Queryable as _};
use tokenscope::{
    conversation::ConversationId,
    conversation_file::{ConversationFormat, Extent, LeftOut},
    desktop::view::Action,
    engine::{Command, ConversationCommand, ImportedFile},
    history::ImportedCount,
};

use super::{Rig, answer_all, ask, rig};
use crate::desktop::player::reply_to;

fn click(harness: &mut Harness<'_, Rig>, name: &str) {
    harness.get_by_label(name).click();
    harness.run_steps(4);
}

/// Chooses an item of the menu above the panes.
fn choose(harness: &mut Harness<'_, Rig>, item: &str) {
    click(harness, "More for this conversation");
    click(harness, item);
}

/// Types the path of the file.
fn type_path(harness: &mut Harness<'_, Rig>, path: &str) {
    let field = harness.get_by_role_and_label(Role::TextInput, "File");
    field.focus();
    harness.run_steps(2);
    harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::A);
    harness.run_steps(1);
    let field = harness.get_by_role_and_label(Role::TextInput, "File");
    field.type_text(path);
    harness.run_steps(2);
}

type AskedExport = (
    Option<Vec<ConversationId>>,
    ConversationFormat,
    Extent,
    PathBuf,
);

fn exports(harness: &Harness<'_, Rig>) -> Vec<AskedExport> {
    let commands = harness.state().commands.iter();
    let exports = commands.filter_map(|command| match command {
        Command::Conversation(ConversationCommand::Export {
            only,
            format,
            extent,
            to,
            ..
        }) => Some((only.clone(), *format, *extent, to.clone())),
        _ => None,
    });
    exports.collect()
}

fn answer_export(harness: &mut Harness<'_, Rig>, answer: &Result<usize, String>) {
    for command in &mut harness.state_mut().commands {
        if let Command::Conversation(ConversationCommand::Export { reply, .. }) = command {
            reply_to(reply, answer.clone());
        }
    }
    harness.run_steps(3);
}

fn answer_import(harness: &mut Harness<'_, Rig>, answer: &Result<ImportedFile, String>) {
    for command in &mut harness.state_mut().commands {
        if let Command::Conversation(ConversationCommand::Import { reply, .. }) = command {
            reply_to(reply, answer.clone());
        }
    }
    harness.run_steps(3);
}

fn told(harness: &Harness<'_, Rig>, text: &str) -> bool {
    let said = |action: &Action| matches!(action, Action::Tell(said) if said.contains(text));
    harness.state().actions.iter().any(said)
}

#[test]
fn a_conversation_is_written_where_the_user_says_and_a_failure_is_told() {
    let mut harness = rig();
    choose(&mut harness, "Export this conversation…");
    assert!(told(&harness, "Nothing was asked"));
    let sent = ask(&mut harness, "Go");
    answer_all(&mut harness, &sent, "fine");
    choose(&mut harness, "Export this conversation…");
    click(&mut harness, "Format: HTML");
    type_path(&mut harness, "/tmp/talk.html");
    click(&mut harness, "Export");
    let id = harness.state().saved().pop().unwrap().id;
    let html = ConversationFormat::Html;
    let to = PathBuf::from("/tmp/talk.html");
    let expected = (Some(vec![id]), html, Extent::Whole, to);
    assert_eq!(exports(&harness), [expected]);
    answer_export(&mut harness, &Err("the disk is full".into()));
    harness.get_by_label("Not written: the disk is full");
    click(&mut harness, "Export");
    answer_export(&mut harness, &Ok(1));
    assert!(told(&harness, "Written to /tmp/talk.html"));
    assert!(harness.query_by_label("Export the conversation").is_none());
}

#[test]
fn the_last_answers_are_a_page_and_all_conversations_are_json() {
    let mut harness = rig();
    let sent = ask(&mut harness, "Go");
    answer_all(&mut harness, &sent, "fine");
    choose(&mut harness, "Save the last answers as HTML…");
    type_path(&mut harness, "/tmp/a.html");
    click(&mut harness, "Export");
    answer_export(&mut harness, &Ok(1));
    choose(&mut harness, "Export all conversations…");
    type_path(&mut harness, "/tmp/a.json");
    click(&mut harness, "Export");
    answer_export(&mut harness, &Ok(3));
    assert!(told(&harness, "3 conversations written to /tmp/a.json"));
    let found: Vec<_> = exports(&harness)
        .into_iter()
        .map(|(only, format, extent, _)| (only.is_some(), format, extent))
        .collect();
    let expected = [
        (true, ConversationFormat::Html, Extent::LastTurn),
        (false, ConversationFormat::Json, Extent::Whole),
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_dropped_file_is_imported_after_a_click_and_says_what_is_left_out() {
    let mut harness = rig();
    let file = PathBuf::from("/tmp/conversations.json");
    harness.state_mut().act(&Action::ImportConversations(file));
    harness.run_steps(4);
    click(&mut harness, "Import");
    let why = "conversations[3].mapping: it has no message";
    answer_import(&mut harness, &Err(why.into()));
    harness.get_by_label_contains(why);
    click(&mut harness, "Import");
    let mut left_out = LeftOut::default();
    left_out.add("attachments", 3);
    let latest = ConversationId(9);
    answer_import(
        &mut harness,
        &Ok(ImportedFile {
            source: "ChatGPT",
            count: ImportedCount {
                conversations: 2,
                answers: 5,
                latest: Some(latest),
            },
            left_out,
        }),
    );
    harness.get_by_label_contains("2 conversations of ChatGPT with 5 answers");
    harness.get_by_label("Left out: attachments (3)");
    let lists =
        |command: &Command| matches!(command, Command::Conversation(ConversationCommand::List(_)));
    assert!(harness.state().commands.iter().any(lists));
    click(&mut harness, "Open the latest");
    let loads = |command: &Command| matches!(command, Command::Conversation(ConversationCommand::Load { id, .. }) if *id == latest);
    assert!(harness.state().commands.iter().any(loads));
}

//! Conversations: listed, opened, kept, and shared with other windows.

use egui::{Key, Modifiers, accesskit::Role};
use egui_kittest::{Harness, kittest::Queryable as _};
use tokenscope::{
    chat::Part,
    conversation::{Conversation, ConversationId, ConversationSummary, TurnId},
    engine::{Command, ConversationCommand, HistoryNews, RunCommand, RunNews, Update},
    history::OtherProcesses,
    run::ConnectionKind,
};

use super::{
    Rig, ask, ended, ends_in_sight, lines, put, put_loaded, rig, rig_restored, type_prompt,
};

/// Another window over what this one has kept: its layout, and its conversation as it would be stored.
pub fn reopened(first: &Harness<'_, Rig>) -> Harness<'static, Rig> {
    let kept = first.state().saved().pop().unwrap();
    let stored = serde_json::to_string(&kept).unwrap();
    let layout = first.state().view.save().unwrap();
    let mut second = rig_restored(&layout);
    let asked = |c: &Command| matches!(c, Command::Conversation(ConversationCommand::Load { id, .. }) if *id == kept.id);
    assert!(second.state().commands.iter().any(asked));
    let conversation: Conversation = serde_json::from_str(&stored).unwrap();
    second.state_mut().load(&conversation);
    second.run_steps(3);
    second
}

#[test]
fn conversations_are_listed_opened_and_deleted() {
    let mut harness = rig();
    ask(&mut harness, "Mine");
    let summary = |id, title: &str| ConversationSummary {
        id: ConversationId(id),
        title: title.into(),
        updated_unix_ns: 1,
        panes: 2,
    };
    let all = [summary(1, "Alpha"), summary(2, "Beta")];
    harness.state_mut().list(&all);
    harness.key_press_modifiers(Modifiers::COMMAND, Key::B);
    harness.run_steps(4);
    harness.state_mut().commands.clear();
    harness.get_by_label("Open “Alpha”").click();
    harness.run_steps(2);
    let asked = |c: &Command| {
        matches!(
            c,
            Command::Conversation(ConversationCommand::Load {
                id: ConversationId(1),
                ..
            })
        )
    };
    assert!(harness.state().commands.iter().any(asked));
    harness.get_by_label("More for “Beta”").click();
    harness.run_steps(4);
    harness.get_by_label("Delete…").click();
    harness.run_steps(4);
    harness.get_by_label("Keep").click();
    harness.run_steps(2);
    harness.get_by_label("More for “Beta”").click();
    harness.run_steps(4);
    harness.get_by_label("Delete…").click();
    harness.run_steps(4);
    let deleted = |c: &Command| {
        matches!(
            c,
            Command::Conversation(ConversationCommand::Delete(ConversationId(2)))
        )
    };
    assert!(!harness.state().commands.iter().any(deleted));
    harness.get_by_label("Delete").click();
    harness.run_steps(2);
    assert!(harness.state().commands.iter().any(deleted));
}

#[test]
fn what_was_kept_is_found_again() {
    let mut first = rig();
    let sent = ask(&mut first, "Remember");
    let mut second = reopened(&first);
    let loads = |c: &Command| matches!(c, Command::Run(RunCommand::Load(id)) if *id == sent[0].id);
    assert!(second.state().commands.iter().any(loads));
    put_loaded(
        &mut second,
        &ended(&sent[0], "I do", 1, 2, ConnectionKind::Warm),
    );
    second.state_mut().tell(Update::Run(RunNews::Loaded {
        id: sent[1].id,
        run: None,
    }));
    second.run_steps(2);
    second.get_by_label("I do");
    // It opens at its end, though the answers come after it.
    let long = lines(60, "the very end");
    put_loaded(
        &mut second,
        &ended(&sent[0], &long, 1, 2, ConnectionKind::Warm),
    );
    second.run_steps(4);
    assert_eq!(ends_in_sight(&second, "the very end"), 1);
    second.get_by_label("This answer is not in the history any more");
}

#[test]
fn what_was_begun_is_not_replaced_by_what_comes_late() {
    let late = Conversation {
        id: ConversationId(77),
        title: "Late".into(),
        ..Conversation::default()
    };
    let mut harness = rig_restored(r#"{"conversation":77}"#);
    type_prompt(&mut harness, "mine");
    harness.state_mut().load(&late);
    harness.run_steps(2);
    let prompt = harness.get_by_role_and_label(Role::MultilineTextInput, "Prompt");
    assert_eq!(prompt.value().as_deref(), Some("mine"));
}

/// Another window asks something in the conversation that is shown here; what is read of it has this window's
/// draft as it was kept last.
fn asked_elsewhere(harness: &mut Harness<'_, Rig>, kept: &Conversation, text: &str) {
    let mut theirs = kept.clone();
    for pane in &mut theirs.panes {
        let mut turn = pane.turns.last().unwrap().clone();
        turn.id = TurnId::after(Some(turn.id));
        turn.runs.clear();
        turn.user = vec![Part::Text { text: text.into() }];
        pane.turns.push(turn);
    }
    let asked = |c: &Command| matches!(c, Command::Conversation(ConversationCommand::Load { id, .. }) if *id == kept.id);
    harness.state_mut().commands.clear();
    let elsewhere = OtherProcesses {
        conversations: 1,
        ..OtherProcesses::default()
    };
    let news = HistoryNews::Elsewhere(elsewhere);
    harness.state_mut().tell(Update::History(news));
    harness.run_steps(1);
    assert!(harness.state().commands.iter().any(asked));
    // It asks again if it has kept something meanwhile.
    while harness.state().commands.iter().any(asked) {
        if let Some(saved) = harness.state().saved().pop() {
            theirs.draft = saved.draft;
        }
        harness.state_mut().load(&theirs);
        harness.state_mut().commands.clear();
        harness.run_steps(1);
    }
    harness.run_steps(2);
}

#[test]
fn what_is_written_here_stays_while_another_window_asks() {
    let mut first = rig();
    let sent = ask(&mut first, "Asked here");
    let kept = first.state().saved().pop().unwrap();
    let mut second = reopened(&first);
    for run in &sent {
        let run = ended(run, "fine", 1, 2, ConnectionKind::Warm);
        put_loaded(&mut second, &run);
        put(&mut first, run);
    }
    for mut window in [first, second] {
        window.run_steps(2);
        let edit = window.get_all_by_label("Edit the prompt and ask again");
        edit.last().unwrap().click();
        window.run_steps(3);
        window.get_by_label("Edited prompt").focus();
        window.run_steps(1);
        window.get_by_label("Edited prompt").type_text(", edited");
        type_prompt(&mut window, "half a thought");
        asked_elsewhere(&mut window, &kept, "Asked there");
        assert_eq!(window.get_all_by_label("Asked there").count(), 2);
        let prompt = window.get_by_role_and_label(Role::MultilineTextInput, "Prompt");
        assert_eq!(prompt.value().as_deref(), Some("half a thought"));
        let edited = window.get_by_label("Edited prompt").value();
        assert!(edited.is_some_and(|text| text.contains(", edited")));
    }
}

#[test]
fn what_is_written_while_another_conversation_comes_is_kept() {
    let mut harness = rig();
    ask(&mut harness, "Mine");
    let mine = harness.state().saved().pop().unwrap().id;
    let summary = ConversationSummary {
        id: ConversationId(1),
        title: "Alpha".into(),
        updated_unix_ns: 1,
        panes: 2,
    };
    harness.state_mut().list(&[summary]);
    harness.key_press_modifiers(Modifiers::COMMAND, Key::B);
    harness.run_steps(4);
    harness.get_by_label("Open “Alpha”").click();
    harness.run_steps(2);
    harness
        .get_by_role_and_label(Role::MultilineTextInput, "Prompt")
        .focus();
    harness.run_steps(1);
    let saved = harness.state().saved().len();
    harness
        .get_by_role_and_label(Role::MultilineTextInput, "Prompt")
        .type_text("half a thought");
    harness.run_steps(1);
    assert_eq!(harness.state().saved().len(), saved, "it comes before that");
    let alpha = Conversation {
        id: ConversationId(1),
        ..Conversation::default()
    };
    harness.state_mut().load(&alpha);
    harness.run_steps(2);
    let saved = harness.state().saved().split_off(saved);
    assert_eq!(saved.len(), 1);
    assert_eq!(
        (saved[0].id, saved[0].draft.text.as_str()),
        (mine, "half a thought")
    );
    let prompt = harness.get_by_role_and_label(Role::MultilineTextInput, "Prompt");
    assert_eq!(prompt.value().as_deref(), Some(""));
}

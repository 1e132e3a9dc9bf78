//! The command palette and the list of shortcuts.

use egui::{Key, Role};
use egui_kittest::kittest::Queryable as _;
use tokenscope::desktop::{view::ViewId, views::views};

use super::{is_on, open_view, press, run_queries, scenes, shows, type_into};

#[test]
fn the_palette_finds_a_command_by_a_few_letters() {
    let (mut desktop, mut player) = open_view(ViewId::Runs, scenes::filled());
    press(&mut desktop, &mut player, Key::K);
    desktop.get_by_label("Command").type_text("logar");
    player.play(&mut desktop);
    desktop.key_press(Key::Enter);
    player.play(&mut desktop);
    assert_eq!(desktop.state().app().current(), ViewId::Monitor);
    assert!(desktop.state().app().layout().contains(r#"scale\":\"log"#));
    assert!(
        desktop.query_by_label("Command").is_none(),
        "it closes once something is chosen"
    );
}

#[test]
fn the_palette_closes_by_escape_and_moves_by_arrows() {
    let (mut desktop, mut player) = open_view(ViewId::Runs, scenes::filled());
    press(&mut desktop, &mut player, Key::K);
    desktop.key_press(Key::ArrowDown);
    player.play(&mut desktop);
    let chosen = desktop
        .query_all_by_role(Role::ListBoxOption)
        .position(|node| is_on(&node));
    assert_eq!(chosen, Some(1));
    desktop.key_press(Key::Escape);
    player.play(&mut desktop);
    assert!(desktop.query_by_label("Command").is_none());
    assert_eq!(desktop.state().app().current(), ViewId::Runs);
}

#[test]
fn the_palette_knows_targets_and_endpoints() {
    let (mut desktop, mut player) = open_view(ViewId::Runs, scenes::filled());
    press(&mut desktop, &mut player, Key::K);
    desktop.get_by_label("Command").type_text("deepseek/steady");
    player.play(&mut desktop);
    desktop.key_press(Key::Enter);
    player.play(&mut desktop);
    assert_eq!(desktop.state().app().current(), ViewId::Playground);
}

#[test]
fn the_shortcuts_are_listed_on_a_question_mark() {
    let (mut desktop, mut player) = open_view(ViewId::Runs, scenes::filled());
    desktop.event(egui::Event::Text("?".into()));
    player.play(&mut desktop);
    for view in views() {
        for verb in view.verbs().iter().filter(|verb| verb.shortcut.is_some()) {
            assert!(shows(&desktop, verb.label), "{}", verb.label);
        }
    }
    desktop.key_press(Key::Escape);
    player.play(&mut desktop);
    assert!(!shows(&desktop, "Keyboard shortcuts"));
    desktop.key_press(Key::F1);
    player.play(&mut desktop);
    assert!(shows(&desktop, "Keyboard shortcuts"));
}

#[test]
fn a_question_mark_in_a_field_is_text() {
    let (mut desktop, mut player) = open_view(ViewId::Runs, scenes::filled());
    type_into(&mut desktop, &mut player, "Search runs", "why?");
    assert!(!shows(&desktop, "Keyboard shortcuts"));
    assert_eq!(
        run_queries(&player).last().map(|query| query.text.clone()),
        Some("why?".into())
    );
}

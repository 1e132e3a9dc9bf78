//! Menus and dialogs over a view: whose the keys and the clicks are.

use egui::{Event, Key, Modifiers, PointerButton, Role, pos2};
use egui_kittest::kittest::Queryable as _;
use tokenscope::{
    desktop::view::ViewId,
    engine::{Command, RunCommand},
};

use super::{Desktop, Player, click, heard, open_view, scenes, shows, wire::file_of, write_into};

/// Begins to open a file that has not been read yet.
fn reading(path: &str) -> (Desktop, Player) {
    let (mut desktop, mut player) = open_view(ViewId::Runs, scenes::empty());
    desktop.key_press_modifiers(Modifiers::COMMAND, Key::O);
    player.play(&mut desktop);
    write_into(&mut desktop, &mut player, "File", path);
    desktop.get_by_label("Open").click();
    desktop.run_steps(4);
    (desktop, player)
}

/// Whether the dialog is open.
fn is_open(desktop: &Desktop) -> bool {
    let field = desktop.query_by_role_and_label(Role::TextInput, "File");
    field.is_some()
}

fn click_outside(desktop: &mut Desktop) {
    let pos = pos2(5.0, 5.0);
    desktop.hover_at(pos);
    for pressed in [true, false] {
        desktop.event(Event::PointerButton {
            pos,
            button: PointerButton::Primary,
            pressed,
            modifiers: Modifiers::NONE,
        });
        desktop.run_steps(2);
    }
}

#[test]
fn a_click_outside_does_not_close_the_dialog_while_a_file_is_read() {
    let (_folder, path) = file_of(&scenes::wire());
    let (mut desktop, mut player) = reading(path.to_str().unwrap());
    click_outside(&mut desktop);
    assert!(is_open(&desktop) && shows(&desktop, "Reading…"));
    player.play(&mut desktop);
    assert!(shows(&desktop, "from a file"));
    assert!(!is_open(&desktop));
}

#[test]
fn cancel_gives_up_the_file_that_is_read() {
    let (_folder, path) = file_of(&scenes::wire());
    let (mut desktop, mut player) = reading(path.to_str().unwrap());
    desktop.get_by_label("Cancel").click();
    desktop.run_steps(4);
    player.play(&mut desktop);
    assert!(!is_open(&desktop));
    assert!(!shows(&desktop, "from a file"));
}

#[test]
fn keys_are_for_the_menu_that_is_open() {
    let (mut desktop, mut player) = open_view(ViewId::Runs, scenes::filled());
    desktop.query_all_by_role(Role::Row).next().unwrap().click();
    player.play(&mut desktop);
    let loaded = |player: &Player| {
        heard(player, |command| match command {
            Command::Run(RunCommand::Load(id)) => Some(*id),
            _ => None,
        })
    };
    let before = loaded(&player);
    click(&mut desktop, &mut player, "Save as…");
    assert!(shows(&desktop, "Copy as cURL"));
    desktop.key_press(Key::ArrowDown);
    player.play(&mut desktop);
    assert_eq!(loaded(&player), before, "no other run is opened");
    desktop.key_press(Key::Escape);
    player.play(&mut desktop);
    assert!(!shows(&desktop, "Copy as cURL"));
    assert!(shows(&desktop, "Close the inspector"));
    desktop.key_press(Key::ArrowDown);
    player.play(&mut desktop);
    assert_ne!(loaded(&player), before, "now they are the view's");
}

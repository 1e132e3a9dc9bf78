//! What tests do in a window, and what they have heard from it.

use std::path::{Path, PathBuf};

use egui::{Key, Modifiers, Role};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use tokenscope::{
    desktop::view::ViewId,
    engine::{Command, HistoryCommand},
    history::SeriesQuery,
    settings::SettingsEdit,
};

use super::{
    player::{Desktop, Player, layout_of, open},
    scenes::Scene,
};

pub const SIZES: [(f32, f32); 2] = [(1280.0, 800.0), (900.0, 600.0)];

pub const WIDE: (f32, f32) = SIZES[0];

pub fn open_view(view: ViewId, scene: Scene) -> (Desktop, Player) {
    open(scene, WIDE, Some(&layout_of(view)))
}

pub fn click(desktop: &mut Desktop, player: &mut Player, name: &str) {
    desktop.get_by_label(name).click();
    player.play(desktop);
}

pub fn press(desktop: &mut Desktop, player: &mut Player, key: Key) {
    desktop.key_press_modifiers(Modifiers::COMMAND, key);
    player.play(desktop);
}

/// Clicks a row of the table that is shown, counted from the top.
pub fn click_row(desktop: &mut Desktop, player: &mut Player, row: usize) {
    let rows: Vec<_> = desktop.query_all_by_role(Role::Row).collect();
    rows[row].click();
    drop(rows);
    player.play(desktop);
}

/// Turns the wheel over the middle of a picture.
pub fn turn_wheel(desktop: &mut Desktop, player: &mut Player, picture: &str) {
    let rect = desktop.get_by_label_contains(picture).rect();
    desktop.hover_at(rect.center());
    desktop.event(egui::Event::MouseWheel {
        source: egui::MouseWheelSource::Wheel,
        unit: egui::MouseWheelUnit::Point,
        delta: egui::vec2(0.0, 200.0),
        phase: egui::TouchPhase::Move,
        modifiers: Modifiers::NONE,
    });
    player.play(desktop);
}

/// A field by its name, which its label has too.
pub fn field<'a>(desktop: &'a Desktop, name: &'a str) -> egui_kittest::Node<'a> {
    desktop.get_by_role_and_label(Role::TextInput, name)
}

pub fn type_into(desktop: &mut Desktop, player: &mut Player, name: &str, text: &str) {
    field(desktop, name).focus();
    player.play(desktop);
    field(desktop, name).type_text(text);
    player.play(desktop);
}

/// Replaces what stands in a field.
pub fn write_into(desktop: &mut Desktop, player: &mut Player, name: &str, text: &str) {
    field(desktop, name).focus();
    player.play(desktop);
    desktop.key_press_modifiers(Modifiers::COMMAND, Key::A);
    field(desktop, name).type_text(text);
    player.play(desktop);
}

pub fn is_on(node: &egui_kittest::Node<'_>) -> bool {
    node.accesskit_node().toggled() == Some(egui::accesskit::Toggled::True)
}

pub fn shows(desktop: &Desktop, text: &str) -> bool {
    desktop.query_all_by_label_contains(text).next().is_some()
}

pub fn heard<T>(player: &Player, of: impl Fn(&Command) -> Option<T>) -> Vec<T> {
    player.heard.iter().filter_map(of).collect()
}

pub fn run_queries(player: &Player) -> Vec<tokenscope::history::RunQuery> {
    heard(player, |command| match command {
        Command::History(HistoryCommand::Runs { query, .. }) => Some(query.clone()),
        _ => None,
    })
}

pub fn series_queries(player: &Player) -> Vec<SeriesQuery> {
    heard(player, |command| match command {
        Command::History(HistoryCommand::Series { query, .. }) => Some(query.clone()),
        _ => None,
    })
}

pub fn edits(player: &Player) -> Vec<SettingsEdit> {
    heard(player, |command| match command {
        Command::Edit(edit) => Some(edit.clone()),
        _ => None,
    })
}

/// A file on its way into the window.
#[derive(Debug)]
pub struct Dropped(pub PathBuf);

impl egui::DroppedFile for Dropped {
    fn path(&self) -> &Path {
        &self.0
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        panic!("a file is read by another thread than the window's")
    }
}

//! The window as a whole: its look, its notices, its layout, when it draws and how it closes.

use std::sync::Arc;

use egui::{Key, Role};
use egui_kittest::kittest::Queryable as _;
use tokenscope::{
    desktop::{
        app::{self, App},
        view::ViewId,
        views::views,
    },
    engine::{Command, Engine, HistoryNews, SettingsNews, Update},
    history::Storage,
    settings::{SettingsEdit, SettingsProblem, ThemeChoice},
};

use super::{Desktop, WIDE, click, edits, open, open_view, press, scenes, shows, write_into};

#[test]
fn the_look_follows_the_settings_and_is_kept() {
    let (mut desktop, mut player) = open_view(ViewId::Settings, scenes::filled());
    desktop
        .get_by_role_and_label(Role::Tab, "Appearance")
        .click();
    player.play(&mut desktop);
    click(&mut desktop, &mut player, "Theme: Light");
    let [SettingsEdit::Appearance(look)] = edits(&player)[..] else {
        panic!()
    };
    assert_eq!(look.theme, ThemeChoice::Light);
    press(&mut desktop, &mut player, Key::Plus);
    let Some(SettingsEdit::Appearance(look)) = edits(&player).pop() else {
        panic!()
    };
    assert!(
        (look.zoom - 1.1).abs() < 1e-6 && look.theme == ThemeChoice::Light,
        "{look:?}"
    );
    press(&mut desktop, &mut player, Key::Num0);
    let Some(SettingsEdit::Appearance(look)) = edits(&player).pop() else {
        panic!()
    };
    assert!((look.zoom - 1.0).abs() < 1e-6);
}

#[test]
fn the_title_names_the_view_or_its_conversation() {
    let (mut desktop, mut player) = open_view(ViewId::Monitor, scenes::filled());
    let title = |desktop: &Desktop| desktop.state().app().title().to_owned();
    assert_eq!(title(&desktop), "Monitor – Tokenscope");
    press(&mut desktop, &mut player, Key::Num1);
    assert_eq!(title(&desktop), "Playground – Tokenscope");
    write_into(
        &mut desktop,
        &mut player,
        "Title of the conversation",
        "Rivers",
    );
    assert_eq!(title(&desktop), "Rivers – Tokenscope");
    press(&mut desktop, &mut player, Key::Num2);
    assert_eq!(title(&desktop), "Monitor – Tokenscope");
}

#[test]
fn what_is_wrong_stays_in_sight() {
    let (mut desktop, mut player) = open_view(ViewId::Runs, scenes::errors());
    for words in [
        "config.toml, line 12",
        "written by Tokenscope 0.9",
        "No simulator",
        "Settings file broken",
        "History read-only",
    ] {
        assert!(shows(&desktop, words), "{words}");
    }
    click(&mut desktop, &mut player, "Close this notice");
    assert!(!shows(&desktop, "written by Tokenscope 0.9"));
    player.say(Update::History(HistoryNews::Storage(Storage::Failing {
        why: "the disk is full: make room".into(),
    })));
    player.play(&mut desktop);
    assert!(shows(&desktop, "Runs are not saved: the disk is full"));
}

#[test]
fn what_is_odd_about_the_settings_is_told_once() {
    let (mut desktop, mut player) = open_view(ViewId::Runs, scenes::filled());
    let mut settings = player.scene.settings.clone();
    let odd = |n: usize| SettingsProblem {
        path: "config.toml".into(),
        line: Some(n),
        message: format!("there is no key “odd{n}”"),
    };
    settings.warnings = (1..=5).map(odd).collect();
    player.say(Update::Settings(SettingsNews::Are(Arc::new(
        settings.clone(),
    ))));
    player.play(&mut desktop);
    assert!(shows(&desktop, "odd1") && shows(&desktop, "… and 2 more"));
    click(&mut desktop, &mut player, "Close these warnings");
    assert!(!shows(&desktop, "odd1"));
    settings.warnings.truncate(1);
    player.say(Update::Settings(SettingsNews::Are(Arc::new(settings))));
    player.play(&mut desktop);
    assert!(
        shows(&desktop, "odd1") && !shows(&desktop, "more"),
        "they are others now"
    );
}

#[test]
fn an_unreadable_layout_is_passed_over() {
    for saved in [
        "",
        "{",
        r#"{"view":"no_such_view"}"#,
        r#"{"view":"monitor","views":{"monitor":"["}}"#,
    ] {
        let (desktop, _player) = open(scenes::empty(), WIDE, Some(saved));
        assert!(
            views()
                .iter()
                .any(|view| view.id() == desktop.state().app().current())
        );
    }
}

#[test]
fn many_updates_ask_for_one_frame() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    let ctx = egui::Context::default();
    let asked = Arc::new(AtomicUsize::new(0));
    let (command, _commands) = tokio::sync::mpsc::unbounded_channel();
    let (_updates, update) = std::sync::mpsc::channel();
    let wake = app::wake(&ctx);
    let mut app = App::new(Engine::of_channels(command, update), &ctx, None);
    app.drain(&ctx);
    let count = asked.clone();
    ctx.set_request_repaint_callback(move |_| {
        count.fetch_add(1, Ordering::Relaxed);
    });
    let frames = || {
        for _ in 0..3 {
            let mut output = ctx.run_ui(egui::RawInput::default(), |_| ());
            output.textures_delta.clear();
        }
    };
    frames();
    let before = asked.load(Ordering::Relaxed);
    for _ in 0..1_000 {
        wake();
    }
    assert_eq!(asked.load(Ordering::Relaxed) - before, 1);
    app.drain(&ctx);
    frames();
    let before = asked.load(Ordering::Relaxed);
    wake();
    assert_eq!(
        asked.load(Ordering::Relaxed) - before,
        1,
        "drained, it wakes again"
    );
}

#[test]
fn a_closed_window_waits_for_the_engine_elsewhere() {
    let ctx = egui::Context::default();
    let (command, mut commands) = tokio::sync::mpsc::unbounded_channel();
    let (updates, update) = std::sync::mpsc::channel();
    let (ended, ending) = std::sync::mpsc::channel();
    let mut app = App::new(Engine::of_channels(command, update), &ctx, None).with_ended(ended);
    app.stop();
    assert!(
        std::iter::from_fn(|| commands.try_recv().ok())
            .any(|command| matches!(command, Command::Stop))
    );
    assert!(ending.try_recv().is_err(), "the engine has not said so yet");
    updates
        .send(Update::History(HistoryNews::Storage(Storage::Ok)))
        .unwrap();
    updates.send(Update::Stopped).unwrap();
    ending.recv().expect("told once it has stopped");
}

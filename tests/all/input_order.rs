//! Text and what acts on it in one frame: everything must come out as if each had come by itself.

use std::sync::Arc;

use egui::{Event, ImeEvent, Key, KeyboardShortcut, Modifiers, PointerButton, accesskit::Role};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use tokenscope::{
    desktop::{
        shortcuts::{ALSO, VIEW_KEYS, WINDOW_VERBS},
        view::ViewId,
        views::views,
    },
    engine::{Command, HistoryCommand, KeyCommand, RunCommand},
};

use crate::desktop::{Desktop, Dropped, Player, layout_of, open, player::reply_to, scenes};

/// A place with fields: the view, and what is pressed by name to come there.
struct Surface {
    view: ViewId,
    presses: &'static [&'static str],
}

const fn at(view: ViewId, presses: &'static [&'static str]) -> Surface {
    Surface { view, presses }
}

/// Every place of the window in which something is typed.
static SURFACES: &[Surface] = &[
    at(ViewId::Playground, &[]),
    at(ViewId::Playground, &["Conversations"]),
    at(ViewId::Playground, &["Parameters of pane 1"]),
    at(ViewId::Playground, &["Attach by address…"]),
    at(
        ViewId::Playground,
        &["More for pane 1", "Edit the raw body and send it…"],
    ),
    at(
        ViewId::Playground,
        &["Send", "Edit the prompt and ask again"],
    ),
    at(ViewId::Runs, &[]),
    at(ViewId::Settings, &["Edit gateway"]),
];

fn arrive(surface: &Surface) -> (Desktop, Player) {
    let layout = layout_of(surface.view);
    let (mut desktop, mut player) = open(scenes::filled(), (1280.0, 900.0), Some(&layout));
    for name in surface.presses {
        let found = desktop.query_all_by_label(name).next();
        let Some(node) = found else {
            let names: Vec<_> = (desktop.root().children_recursive())
                .filter_map(|n| n.accesskit_node().label())
                .collect();
            panic!("no {name:?} among {names:?}");
        };
        node.click();
        player.play(&mut desktop);
    }
    (desktop, player)
}

fn fields(desktop: &Desktop) -> Vec<egui_kittest::Node<'_>> {
    let writable = |node: &egui_kittest::Node<'_>| {
        let role = node.accesskit_node().role();
        matches!(
            role,
            Role::TextInput | Role::MultilineTextInput | Role::SearchInput | Role::PasswordInput
        )
    };
    (desktop.root().children_recursive())
        .filter(writable)
        .collect()
}

fn names_of(surface: &Surface) -> Vec<String> {
    let (desktop, _player) = arrive(surface);
    let name = |node: &egui_kittest::Node<'_>| node.accesskit_node().label().unwrap_or_default();
    fields(&desktop).iter().map(name).collect()
}

/// All keys that do something in a view, and those that do in any.
fn shortcuts(view: ViewId) -> Vec<KeyboardShortcut> {
    let own = views().into_iter().filter(|v| v.id() == view);
    let verbs = own.flat_map(|view| view.verbs());
    let all = verbs.chain(WINDOW_VERBS.iter().copied());
    let plain = [Key::Enter, Key::Escape, Key::Tab, Key::ArrowDown];
    (all.filter_map(|verb| verb.shortcut))
        .chain(ALSO.iter().map(|(_, keys)| *keys))
        .chain((VIEW_KEYS.iter().take(views().len())).map(|k| command(*k)))
        .chain(plain.map(|key| KeyboardShortcut::new(Modifiers::NONE, key)))
        .collect()
}

fn command(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::COMMAND, key)
}

/// A shortcut as a keyboard sends it.
fn press(keys: KeyboardShortcut) -> [Event; 4] {
    let key = |pressed| Event::Key {
        key: keys.logical_key,
        physical_key: None,
        pressed,
        repeat: false,
        modifiers: keys.modifiers,
    };
    [
        Event::ModifiersChanged(keys.modifiers),
        key(true),
        key(false),
        Event::ModifiersChanged(Modifiers::NONE),
    ]
}

/// What came of it: what every field holds, which view is shown, and what was asked of the engine.
fn outcome(desktop: &Desktop, player: &Player) -> (Vec<(String, String)>, ViewId, Vec<String>) {
    // The name of a file to export to holds the second.
    let held = fields(desktop).into_iter().filter_map(|node| {
        let name = node.accesskit_node().label().unwrap_or_default();
        let value = node.value().unwrap_or_default();
        (name != "File").then_some((name, value))
    });
    let asked = player.heard.iter().filter_map(|command| match command {
        Command::Run(RunCommand::Send(run)) => Some(format!(
            "send {:?} {:?}",
            run.request.messages, run.request.raw_body
        )),
        Command::Edit(_)
        | Command::Key(KeyCommand::Set { .. })
        | Command::History(HistoryCommand::Export { .. }) => Some(format!("{command:?}")),
        _ => None,
    });
    (
        held.collect(),
        desktop.state().app().current(),
        asked.collect(),
    )
}

/// Puts the focus into the nth field, and gives it events: all in one frame, or each by itself.
fn play(
    surface: &Surface,
    field: usize,
    events: &[Event],
    at_once: bool,
) -> (Vec<(String, String)>, ViewId, Vec<String>) {
    let (mut desktop, mut player) = arrive(surface);
    fields(&desktop)[field].focus();
    player.play(&mut desktop);
    let parts = events.chunks(if at_once { events.len() } else { 1 });
    for part in parts {
        desktop.input_mut().events.extend(part.iter().cloned());
        // What waits for its frame.
        desktop.run_steps(if at_once { 2 * events.len() } else { 1 });
        player.play(&mut desktop);
    }
    outcome(&desktop, &player)
}

fn text(text: &str) -> Event {
    Event::Text(text.to_owned())
}

/// Text, and each of these shortcuts with text after it.
fn between(keys: impl IntoIterator<Item = KeyboardShortcut>) -> Vec<Event> {
    // Runs of this name are there: an empty table could not be exported.
    let mut events = vec![text("open"), text("ai")];
    for keys in keys {
        events.extend(press(keys));
        events.extend([text(" and"), text(" more")]);
    }
    events
}

/// What stands in a field when a shortcut is pressed is what was typed before it: for each field of the window.
#[test]
fn in_each_field_text_and_shortcuts_in_one_frame_come_in_their_order() {
    let plain = |key| KeyboardShortcut::new(Modifiers::NONE, key);
    let keys = [plain(Key::Enter), command(Key::Enter), plain(Key::Tab)];
    let events = between(keys);
    for surface in SURFACES {
        let names = names_of(surface);
        assert!(!names.is_empty(), "{:?}", surface.presses);
        for (field, name) in names.iter().enumerate() {
            let fast = play(surface, field, &events, true);
            let slow = play(surface, field, &events, false);
            assert_eq!(fast, slow, "{name}, {:?}", surface.presses);
        }
    }
}

/// For each shortcut of each view, in that view's first field.
#[test]
fn each_shortcut_acts_on_the_text_before_it_in_its_frame() {
    for surface in SURFACES.iter().filter(|surface| surface.presses.is_empty()) {
        for keys in shortcuts(surface.view) {
            let events = between([keys]);
            let fast = play(surface, 0, &events, true);
            let slow = play(surface, 0, &events, false);
            assert_eq!(fast, slow, "{keys:?} in {:?}", surface.view);
        }
    }
}

/// What was sent to each pane.
fn prompts(player: &Player) -> Vec<String> {
    let text = |command: &Command| match command {
        Command::Run(RunCommand::Send(run)) => Some(run.request.messages.last()?.text()),
        _ => None,
    };
    player.heard.iter().filter_map(text).collect()
}

fn prompt(desktop: &Desktop) -> String {
    let field = desktop.get_by_role_and_label(Role::MultilineTextInput, "Prompt");
    field.value().unwrap_or_default()
}

/// The composer, empty and in focus.
fn composer() -> (Desktop, Player) {
    let (mut desktop, mut player) = arrive(&SURFACES[0]);
    desktop
        .get_by_role_and_label(Role::MultilineTextInput, "Prompt")
        .focus();
    player.play(&mut desktop);
    desktop.key_press_modifiers(Modifiers::COMMAND, Key::A);
    desktop.key_press(Key::Delete);
    player.play(&mut desktop);
    assert_eq!(prompt(&desktop), "");
    (desktop, player)
}

fn at_once(desktop: &mut Desktop, player: &mut Player, events: impl IntoIterator<Item = Event>) {
    desktop.input_mut().events.extend(events);
    desktop.run_steps(1);
    player.play(desktop);
}

#[test]
fn what_is_sent_is_all_that_was_written_before_and_nothing_after() {
    let send = || press(command(Key::Enter));
    let writings = [
        vec![text("first part"), text(" and second part")],
        vec![Event::Paste("first part and second part".to_owned())],
        vec![Event::Ime(ImeEvent::Commit(
            "first part and second part".to_owned(),
        ))],
        // A text expander: it takes back what was typed and pastes.
        vec![
            text(";fp"),
            press(KeyboardShortcut::new(Modifiers::NONE, Key::Backspace))[1].clone(),
            press(KeyboardShortcut::new(Modifiers::NONE, Key::Backspace))[1].clone(),
            press(KeyboardShortcut::new(Modifiers::NONE, Key::Backspace))[1].clone(),
            Event::Paste("first part and second part".to_owned()),
        ],
    ];
    for writing in writings {
        let (mut desktop, mut player) = composer();
        let after = [text("for the next")];
        let events = writing.iter().cloned().chain(send()).chain(after);
        at_once(&mut desktop, &mut player, events);
        let expected = ["first part and second part"; 2];
        assert_eq!(prompts(&player), expected, "{writing:?}");
        assert_eq!(prompt(&desktop), "for the next", "{writing:?}");
    }
}

#[test]
fn a_click_on_send_sends_what_was_written_in_the_same_frame() {
    let (mut desktop, mut player) = composer();
    let pos = (desktop.get_by_role_and_label(Role::Button, "Send").rect()).center();
    let button = |pressed| Event::PointerButton {
        pos,
        button: PointerButton::Primary,
        pressed,
        modifiers: Modifiers::NONE,
    };
    let events = [
        text("first part"),
        text(" and second part"),
        Event::PointerMoved(pos),
        button(true),
        button(false),
    ];
    at_once(&mut desktop, &mut player, events);
    assert_eq!(prompts(&player), ["first part and second part"; 2]);
}

#[test]
fn what_a_shortcut_opens_has_the_text_that_follows_it() {
    let (mut desktop, mut player) = composer();
    let events = [text("kept")].into_iter();
    let events = (events.chain(press(command(Key::K)))).chain([text("logar")]);
    let enter = press(KeyboardShortcut::new(Modifiers::NONE, Key::Enter));
    at_once(&mut desktop, &mut player, events.chain(enter));
    // The palette found "Logarithmic scale" of the monitor, and the prompt was left alone.
    assert_eq!(desktop.state().app().current(), ViewId::Monitor);
    assert!(desktop.state().app().layout().contains(r#"scale\":\"log"#));
    at_once(&mut desktop, &mut player, press(command(Key::Num1)));
    assert_eq!(prompt(&desktop), "kept");
}

#[test]
fn a_prompt_waits_for_a_file_that_is_being_read() {
    let (mut desktop, mut player) = composer();
    let file = Dropped("/nowhere/picture.png".into());
    desktop.input_mut().dropped_files.push(Arc::new(file));
    player.play(&mut desktop);
    let send = press(command(Key::Enter));
    let events = [text("what is this?")].into_iter().chain(send.clone());
    at_once(&mut desktop, &mut player, events);
    assert_eq!(prompts(&player), [""; 0], "it would go without its picture");
    let told = "A file is still being read: send in a moment";
    assert!(desktop.query_by_label(told).is_some());
    for command in &mut player.heard {
        if let Command::ReadFile { reply, .. } = command {
            reply_to(reply, Err("picture.png: gone".to_owned()));
        }
    }
    player.play(&mut desktop);
    at_once(&mut desktop, &mut player, send);
    assert_eq!(prompts(&player), ["what is this?"; 2]);
}

fn preedit(letters: &str) -> Event {
    Event::Ime(ImeEvent::Preedit {
        text: letters.to_owned(),
        active_range_chars: None,
    })
}

/// Events that write, and what they write: `t` stands for typed letters, `c` for a phrase of an input method.
fn writing(order: impl Iterator<Item = char>) -> (Vec<Event>, String) {
    let (mut events, mut written) = (Vec::new(), String::new());
    for piece in order {
        if piece == 't' {
            events.extend(["n", "o"].map(text));
            written.push_str("no");
        } else {
            let commit = Event::Ime(ImeEvent::Commit("中文，你好".to_owned()));
            // Some say that nothing is composed before the phrase, some after it, and some both.
            events.extend([preedit("zw"), preedit(""), commit, preedit("")]);
            written.push_str("中文，你好");
        }
    }
    (events, written)
}

/// Frames of these events: each by itself, and two with the border at every place.
fn splits(events: &[Event]) -> Vec<Vec<&[Event]>> {
    let two = (0..events.len()).map(|at| vec![&events[..at], &events[at..]]);
    std::iter::once(events.chunks(1).collect())
        .chain(two)
        .collect()
}

#[test]
fn phrases_of_an_input_method_are_sent_or_kept_as_they_came_however_frames_fall() {
    for order in ["c", "ct"] {
        let (before, sent) = writing(order.chars());
        let (after, kept) = writing(order.chars().rev());
        let enter = press(command(Key::Enter));
        let events: Vec<_> = before.into_iter().chain(enter).chain(after).collect();
        for frames in splits(&events) {
            let (mut desktop, mut player) = composer();
            for frame in &frames {
                at_once(&mut desktop, &mut player, frame.iter().cloned());
            }
            let found = (prompts(&player), prompt(&desktop));
            assert_eq!(found, (vec![sent.clone(); 2], kept.clone()), "{frames:?}");
        }
    }
}

/// Has an input method compose in the field in focus, and asserts that nothing ends it.
fn assert_composes(desktop: &mut Desktop, player: &mut Player, field: &str) {
    for letters in ["z", "zw"] {
        at_once(desktop, player, [preedit(letters)]);
        let ime = desktop.output().platform_output.ime.as_ref();
        let ended = ime.map(|ime| ime.should_interrupt_composition);
        assert_eq!(ended, Some(false), "{field}");
    }
}

#[test]
fn an_input_method_can_compose_in_every_field() {
    for surface in SURFACES {
        for (field, name) in names_of(surface).iter().enumerate() {
            let (mut desktop, mut player) = arrive(surface);
            fields(&desktop)[field].focus();
            player.play(&mut desktop);
            assert_composes(&mut desktop, &mut player, name);
        }
    }
    let (mut desktop, mut player) = composer();
    at_once(&mut desktop, &mut player, press(command(Key::K)));
    assert_composes(&mut desktop, &mut player, "the palette");
}

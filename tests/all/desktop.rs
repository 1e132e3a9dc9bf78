//! The window, driven by the names of its controls, over an engine that the test plays.

mod doubtful;
mod fields;
mod scale;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use egui::{Key, Modifiers, Role};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use secrecy::ExposeSecret as _;
use tokenscope::{
    credential::{KeyOf, KeyPlace, KeyStatus},
    desktop::{
        app::{self, App},
        view::ViewId,
        views::views,
    },
    engine::{
        Command, ConversationCommand, Engine, ExportStep, HistoryCommand, HistoryNews, KeyCommand,
        KeyNews, RunCommand, RunNews, SettingsNews, Steps, Update,
    },
    event::{Event, Fault, FaultClass, Phase},
    history::{ExportFormat, OutcomeFilter, SeriesQuery, SortColumn, Storage},
    run::{RunHead, RunId, RunUpdate},
    settings::{SettingsEdit, SettingsProblem, ThemeChoice},
    visible::visible,
};

use crate::{
    canary::{assert_no_canary_in, canary},
    desktop_scenes::{self as scenes, Desktop, Player, Scene, layout_of, open},
};

const SIZES: [(f32, f32); 2] = [(1280.0, 800.0), (900.0, 600.0)];
const WIDE: (f32, f32) = SIZES[0];

fn open_view(view: ViewId, scene: Scene) -> (Desktop, Player) {
    open(scene, WIDE, Some(&layout_of(view)))
}

fn click(desktop: &mut Desktop, player: &mut Player, name: &str) {
    desktop.get_by_label(name).click();
    player.play(desktop);
}

fn press(desktop: &mut Desktop, player: &mut Player, key: Key) {
    desktop.key_press_modifiers(Modifiers::COMMAND, key);
    player.play(desktop);
}

/// A field by its name, which its label has too.
fn field<'a>(desktop: &'a Desktop, name: &'a str) -> egui_kittest::Node<'a> {
    desktop.get_by_role_and_label(Role::TextInput, name)
}

fn type_into(desktop: &mut Desktop, player: &mut Player, name: &str, text: &str) {
    field(desktop, name).focus();
    player.play(desktop);
    field(desktop, name).type_text(text);
    player.play(desktop);
}

/// Replaces what stands in a field.
fn write_into(desktop: &mut Desktop, player: &mut Player, name: &str, text: &str) {
    field(desktop, name).focus();
    player.play(desktop);
    desktop.key_press_modifiers(Modifiers::COMMAND, Key::A);
    field(desktop, name).type_text(text);
    player.play(desktop);
}

fn is_on(node: &egui_kittest::Node<'_>) -> bool {
    node.accesskit_node().toggled() == Some(egui::accesskit::Toggled::True)
}

fn shows(desktop: &Desktop, text: &str) -> bool {
    desktop.query_all_by_label_contains(text).next().is_some()
}

fn heard<T>(player: &Player, of: impl Fn(&Command) -> Option<T>) -> Vec<T> {
    player.heard.iter().filter_map(of).collect()
}

fn run_queries(player: &Player) -> Vec<tokenscope::history::RunQuery> {
    heard(player, |command| match command {
        Command::History(HistoryCommand::Runs { query, .. }) => Some(query.clone()),
        _ => None,
    })
}

fn series_queries(player: &Player) -> Vec<SeriesQuery> {
    heard(player, |command| match command {
        Command::History(HistoryCommand::Series { query, .. }) => Some(query.clone()),
        _ => None,
    })
}

fn edits(player: &Player) -> Vec<SettingsEdit> {
    heard(player, |command| match command {
        Command::Edit(edit) => Some(edit.clone()),
        _ => None,
    })
}

/// Keys of endpoints that were to be kept: the endpoint, the key, whether in the keyring.
fn keys_set(player: &Player) -> Vec<(String, String, bool)> {
    heard(player, |command| match command {
        Command::Key(KeyCommand::Set {
            endpoint,
            of: KeyOf::Endpoint,
            key,
            in_keyring,
        }) => Some((
            endpoint.clone(),
            key.expose_secret().to_owned(),
            *in_keyring,
        )),
        _ => None,
    })
}

#[test]
fn a_screen_reader_is_told_nothing_hidden() {
    const HIDDEN: &str = "m\u{202e}o\u{200b}\u{1b}[2J\u{e0041}";
    let mut scene = scenes::errors();
    for run in &mut scene.runs {
        run.head.target.model.push_str(HIDDEN);
        if let Some(fault) = &mut run.answer.fault {
            fault.message.push_str(HIDDEN);
        }
    }
    for endpoint in &mut scene.settings.endpoints {
        endpoint.label.push_str(HIDDEN);
        endpoint.models = vec![HIDDEN.into()];
    }
    let mut seen = 0;
    for view in views() {
        let (desktop, _player) = open(scene.clone(), WIDE, Some(&layout_of(view.id())));
        for node in desktop.root().children_recursive() {
            let node = node.accesskit_node();
            for told in [
                node.label(),
                node.value(),
                node.data().description().map(Into::into),
            ] {
                let told = told.unwrap_or_default();
                assert_eq!(visible(&told), told, "{} {:?}", view.title(), node.role());
                seen += usize::from(told.contains(&*visible(HIDDEN)));
            }
        }
    }
    assert!(seen > 10, "{seen} names of models and endpoints");
}

#[test]
fn every_view_draws_in_every_theme_size_and_scene() {
    for view in views() {
        for theme in [ThemeChoice::Dark, ThemeChoice::Light] {
            for size in SIZES {
                for mut scene in [
                    scenes::empty(),
                    scenes::filled(),
                    scenes::errors(),
                    scenes::chinese(),
                ] {
                    scene.settings.appearance.theme = theme;
                    let (desktop, _player) = open(scene, size, Some(&layout_of(view.id())));
                    assert_eq!(desktop.state().app().current(), view.id());
                    assert_eq!(
                        desktop.unnamed_widgets(),
                        Vec::<String>::new(),
                        "{} {theme:?}",
                        view.title()
                    );
                }
            }
        }
    }
}

#[test]
fn a_window_at_rest_asks_for_no_frame() {
    for view in views() {
        let (mut desktop, _player) = open_view(view.id(), scenes::filled());
        desktop.run_steps(4);
        let delay = desktop
            .output()
            .viewport_output
            .values()
            .map(|v| v.repaint_delay)
            .min();
        assert_eq!(delay, Some(Duration::MAX), "{}", view.title());
    }
}

#[test]
fn views_are_reached_by_the_rail_and_by_keys() {
    let (mut desktop, mut player) = open_view(ViewId::Playground, scenes::filled());
    for (view, key) in views()
        .iter()
        .zip([Key::Num1, Key::Num2, Key::Num3, Key::Num4])
        .rev()
    {
        press(&mut desktop, &mut player, key);
        assert_eq!(desktop.state().app().current(), view.id());
    }
    for view in views() {
        desktop
            .get_by_role_and_label(Role::Tab, view.title())
            .click();
        player.play(&mut desktop);
        assert_eq!(desktop.state().app().current(), view.id());
    }
}

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

#[test]
fn runs_are_fetched_page_by_page() {
    let (_desktop, player) = open_view(ViewId::Runs, scenes::filled());
    let queries = run_queries(&player);
    assert_eq!(queries.len(), 1, "only what is on screen");
    assert_eq!((queries[0].offset, queries[0].limit), (0, 200));
}

#[test]
fn runs_are_searched_filtered_and_sorted_by_the_history() {
    let (mut desktop, mut player) = open_view(ViewId::Runs, scenes::filled());
    press(&mut desktop, &mut player, Key::F);
    assert!(desktop.get_by_label("Search runs").is_focused());
    desktop.get_by_label("Search runs").type_text("gateway");
    player.play(&mut desktop);
    assert_eq!(run_queries(&player).last().unwrap().text, "gateway");

    click(&mut desktop, &mut player, "Sort by TTFT");
    let sort = run_queries(&player).last().unwrap().sort;
    assert_eq!((sort.by, sort.descending), (SortColumn::Ttft, true));
    click(&mut desktop, &mut player, "Sort by TTFT");
    assert!(!run_queries(&player).last().unwrap().sort.descending);

    click(&mut desktop, &mut player, "Outcome");
    click(&mut desktop, &mut player, "Failed");
    let query = run_queries(&player).pop().unwrap();
    assert_eq!(
        (query.outcome, query.text.as_str()),
        (Some(OutcomeFilter::Fault), "gateway")
    );
}

#[test]
fn a_click_on_a_row_opens_the_run() {
    let (mut desktop, mut player) = open_view(ViewId::Runs, scenes::filled());
    let newest = player.scene.runs.last().unwrap().clone();
    desktop.query_all_by_role(Role::Row).next().unwrap().click();
    player.play(&mut desktop);
    let loaded = heard(&player, |command| match command {
        Command::Run(RunCommand::Load(id)) => Some(*id),
        _ => None,
    });
    assert_eq!(loaded, [newest.head.id]);
    assert!(shows(&desktop, "A hash map is like a wall"));
    click(&mut desktop, &mut player, "Close the details");
    assert!(!shows(&desktop, "A hash map is like a wall"));
}

#[test]
fn rows_are_walked_with_the_keyboard() {
    let (mut desktop, mut player) = open_view(ViewId::Runs, scenes::filled());
    for _ in 0..3 {
        desktop.key_press(Key::ArrowDown);
        player.play(&mut desktop);
    }
    let selected = desktop
        .query_all_by_role(Role::Row)
        .position(|row| is_on(&row));
    assert_eq!(selected, Some(2));
    desktop.key_press(Key::Escape);
    player.play(&mut desktop);
    assert!(desktop.query_by_label("Close the details").is_none());
}

#[test]
fn a_failed_run_shows_the_providers_own_words() {
    let (mut desktop, mut player) = open_view(ViewId::Runs, scenes::errors());
    let row = desktop
        .query_all_by_label_contains("rate_limited")
        .next()
        .unwrap();
    row.click();
    player.play(&mut desktop);
    for words in [
        "Rate limit reached for gpt-5-mini",
        "HTTP 429",
        "rate_limit_exceeded",
        "20.0 s",
    ] {
        assert!(shows(&desktop, words), "{words}");
    }
}

#[test]
fn a_run_that_is_gone_says_so() {
    let (mut desktop, mut player) = open_view(ViewId::Runs, scenes::filled());
    let id = player.scene.runs.last().unwrap().head.id;
    player.scene.runs.retain(|run| run.head.id != id);
    desktop.query_all_by_role(Role::Row).next().unwrap().click();
    player.play(&mut desktop);
    assert!(shows(&desktop, "This run is not in the history"));
}

#[test]
fn an_export_takes_the_filters_along_and_tells_how_it_ended() {
    let (mut desktop, mut player) = open_view(ViewId::Runs, scenes::filled());
    type_into(&mut desktop, &mut player, "Search runs", "openai");
    click(&mut desktop, &mut player, "Sort by TTFT");
    press(&mut desktop, &mut player, Key::E);
    click(&mut desktop, &mut player, "Format: JSON");
    click(&mut desktop, &mut player, "Export");
    let exports = heard(&player, |command| match command {
        Command::History(HistoryCommand::Export {
            query, format, to, ..
        }) => Some((query.clone(), *format, to.clone())),
        _ => None,
    });
    let [(query, format, to)] = exports.as_slice() else {
        panic!("{exports:?}")
    };
    assert_eq!(
        (query.text.as_str(), query.sort.by, *format),
        ("openai", SortColumn::Ttft, ExportFormat::Json)
    );
    assert_eq!(to.extension(), Some("json".as_ref()));

    export(&player).tell(ExportStep::Written {
        done: 40,
        total: 64,
    });
    player.play(&mut desktop);
    assert!(shows(&desktop, "40 of 64"));
    desktop.get_by_label_contains("Stop").click();
    player.play(&mut desktop);
    assert!(shows(&desktop, "stopped; no file was written"));
    assert!(export(&player).is_given_up(), "the engine sees it");

    click(&mut desktop, &mut player, "Export");
    export(&player).tell(ExportStep::Over(Err("the disk is full".into())));
    player.play(&mut desktop);
    assert!(
        shows(&desktop, "the disk is full"),
        "the dialog stays and says why"
    );
    click(&mut desktop, &mut player, "Export");
    export(&player).tell(ExportStep::Over(Ok(64)));
    player.play(&mut desktop);
    assert!(shows(&desktop, "64 runs written to"));
}

/// The latest export that was asked for.
fn export(player: &Player) -> &Steps<ExportStep> {
    let steps = |command| match command {
        &Command::History(HistoryCommand::Export { ref steps, .. }) => Some(steps),
        _ => None,
    };
    (player.heard.iter().rev().find_map(steps)).expect("it was asked for")
}

#[test]
fn the_monitor_asks_for_the_stretch_that_is_shown() {
    let (mut desktop, mut player) = open_view(ViewId::Monitor, scenes::filled());
    let first = series_queries(&player);
    assert_eq!(first.len(), 1, "once is enough at rest: {first:?}");
    let hour = scenes::now() - first[0].from_unix_ns.unwrap();
    assert!((3_500..3_700).contains(&(hour / 1_000_000_000)), "{hour}");
    assert!(first[0].pixels >= 500);
    click(&mut desktop, &mut player, "Range: All");
    assert_eq!(series_queries(&player).last().unwrap().from_unix_ns, None);
}

#[test]
fn a_click_on_the_legend_shows_one_target_alone_and_again_all() {
    let (mut desktop, mut player) = open_view(ViewId::Monitor, scenes::many_targets());
    let hidden = |desktop: &Desktop| {
        desktop
            .get_all_by_role(Role::Button)
            .filter(|button| {
                let name = button.accesskit_node().label();
                name.is_some_and(|name| name.starts_with("Show ") && name.contains('/'))
            })
            .count()
    };
    let all = desktop.query_all_by_label_contains("Only ").count();
    assert!(all >= 9, "{all}");
    let one = "Only ollama/gemma3:270m";
    click(&mut desktop, &mut player, one);
    assert_eq!(hidden(&desktop), all - 1);
    click(&mut desktop, &mut player, one);
    assert_eq!(hidden(&desktop), 0);
    let toggle = |desktop: &mut Desktop, player: &mut Player| {
        desktop
            .get_by_label(one)
            .click_modifiers(Modifiers::COMMAND);
        player.play(desktop);
    };
    toggle(&mut desktop, &mut player);
    assert_eq!(hidden(&desktop), 1);
    toggle(&mut desktop, &mut player);
    assert_eq!(hidden(&desktop), 0);
}

#[test]
fn a_tiny_request_is_sent_from_the_settings_and_says_what_it_costs() {
    let (mut desktop, mut player) = open_view(ViewId::Settings, scenes::filled());
    assert!(
        desktop
            .query_by_label("Send a tiny request to deepseek")
            .is_none()
    );
    click(&mut desktop, &mut player, "Test deepseek");
    assert!(shows(&desktop, "it costs what they cost"));
    click(&mut desktop, &mut player, "Send a tiny request to deepseek");
    let sent = heard(&player, |command| match command {
        Command::Run(RunCommand::Send(send)) => {
            Some((send.id, send.endpoint.clone(), (*send.request).clone()))
        }
        _ => None,
    });
    let [(id, endpoint, request)] = &sent[..] else {
        panic!("one request: {sent:?}");
    };
    assert_eq!(
        (endpoint.as_str(), request.model.as_str()),
        ("deepseek", "steady")
    );
    assert_eq!(request.params.max_tokens, Some(16));
    player.say(Update::Run(RunNews::Loaded {
        id: *id,
        run: Some(Box::new(scenes::runs(1, "hello").remove(0))),
    }));
    player.play(&mut desktop);
    assert!(shows(&desktop, "TTFT net"));
}

#[test]
fn a_count_of_what_was_lost_opens_the_latest_run_of_it() {
    let scene = scenes::filled();
    let lost = |run: &&tokenscope::run::Run| {
        run.head.target.endpoint == "openai" && !run.answer.notes.is_empty()
    };
    let latest = scene.runs.iter().rfind(lost).unwrap().head.id;
    let (mut desktop, mut player) = open_view(ViewId::Conformance, scene);
    let asked = |player: &Player| {
        heard(player, |command| match command {
            Command::History(HistoryCommand::Conformance { since_unix_ns, .. }) => {
                Some(*since_unix_ns)
            }
            _ => None,
        })
    };
    assert_eq!(asked(&player).len(), 1, "once is enough at rest");
    click(&mut desktop, &mut player, "Range: All");
    assert_eq!(asked(&player).last(), Some(&None));
    let count = "End mark in ";
    let cell = desktop
        .get_all_by_label_contains(count)
        .find(|cell| {
            cell.accesskit_node()
                .label()
                .is_some_and(|name| name.contains("openai/"))
        })
        .unwrap();
    cell.click();
    player.play(&mut desktop);
    assert_eq!(desktop.state().app().current(), ViewId::Runs);
    let opened = heard(&player, |command| match command {
        Command::Run(RunCommand::Load(id)) => Some(*id),
        _ => None,
    });
    assert_eq!(opened, [latest]);
}

#[test]
fn a_click_on_a_point_opens_its_run() {
    let mut scene = scenes::filled();
    scene.runs.truncate(1);
    // In the middle of the last hour.
    scene.runs[0].stamps.started_unix_ns = scenes::now() - 1_800_000_000_000;
    let id = scene.runs[0].head.id;
    let (mut desktop, mut player) = open_view(ViewId::Monitor, scene);
    let plot = desktop
        .get_by_label("Plot of time to first token over time")
        .rect();
    // One TTFT alone lies at 1/1.1 of the axis that is -0.06 to 1 of its height.
    let y = plot.bottom() - plot.height() * ((1.0 / 1.1 + 0.06) / 1.06);
    let at = egui::pos2(plot.center().x, y);
    desktop.hover_at(at);
    player.play(&mut desktop);
    assert!(shows(&desktop, "Click to open the run"));
    desktop.drag_at(at);
    desktop.drop_at(at);
    player.play(&mut desktop);
    assert_eq!(desktop.state().app().current(), ViewId::Runs);
    assert!(
        player
            .heard
            .iter()
            .any(|command| matches!(command, Command::Run(RunCommand::Load(run)) if *run == id))
    );
}

#[test]
fn a_run_that_ends_has_the_history_asked_again() {
    let (mut desktop, mut player) = open_view(ViewId::Monitor, scenes::filled());
    let head = RunHead {
        id: RunId(9_000),
        ..player.scene.runs[0].head.clone()
    };
    let id = head.id;
    player.say(Update::Run(RunNews::Accepted(Box::new(head))));
    player.say(Update::Run(RunNews::Update {
        id,
        update: RunUpdate::Started {
            started_unix_ns: scenes::now(),
        }
        .into(),
    }));
    player.play(&mut desktop);
    assert!(shows(&desktop, "1 running"));
    assert_eq!(
        series_queries(&player).len(),
        1,
        "a run on its way changes nothing yet"
    );
    let stamps = Box::new(player.scene.runs[0].stamps.clone());
    player.say(Update::Run(RunNews::Update {
        id,
        update: RunUpdate::Closed {
            at: 1,
            events: vec![Event::Fault(Fault::new(
                FaultClass::Reset,
                Phase::Headers,
                "reset by peer",
            ))],
            stamps,
        }
        .into(),
    }));
    for _ in 0..4 {
        player.play(&mut desktop);
    }
    assert!(!shows(&desktop, "1 running"));
    assert_eq!(series_queries(&player).len(), 2);
}

#[test]
fn a_hidden_target_stays_hidden_in_the_next_window() {
    let (mut desktop, mut player) = open_view(ViewId::Monitor, scenes::filled());
    click(&mut desktop, &mut player, "Hide ollama/gemma3:270m");
    let layout = desktop.state().app().layout();
    let (desktop, _player) = open(scenes::filled(), WIDE, Some(&layout));
    assert_eq!(desktop.state().app().current(), ViewId::Monitor);
    assert!(desktop.query_by_label("Show ollama/gemma3:270m").is_some());
}

#[test]
fn the_wheel_zooms_and_the_stretch_is_asked_for_again() {
    let (mut desktop, mut player) = open_view(ViewId::Monitor, scenes::filled());
    let plot = desktop
        .get_by_label("Plot of time to first token over time")
        .rect();
    desktop.hover_at(plot.center());
    desktop.event(egui::Event::MouseWheel {
        source: egui::MouseWheelSource::Wheel,
        unit: egui::MouseWheelUnit::Point,
        delta: egui::vec2(0.0, 200.0),
        phase: egui::TouchPhase::Move,
        modifiers: Modifiers::NONE,
    });
    player.play(&mut desktop);
    let zoomed = series_queries(&player).pop().unwrap();
    let seconds = (zoomed.to_unix_ns.unwrap() - zoomed.from_unix_ns.unwrap()) / 1_000_000_000;
    assert!((600..3_000).contains(&seconds), "{seconds}");
    desktop.get_by_label_contains("Reset zoom").click();
    player.play(&mut desktop);
    assert_eq!(series_queries(&player).last().unwrap().to_unix_ns, None);
}

#[test]
fn a_history_that_can_not_be_read_says_so() {
    let (mut desktop, mut player) = open_view(ViewId::Monitor, scenes::filled());
    desktop.get_by_label("Range: 24 h").click();
    desktop.run_steps(4);
    player.refuse_series("the history file is locked");
    player.play(&mut desktop);
    assert!(shows(&desktop, "the history file is locked"));
}

#[test]
fn an_endpoint_is_added_from_a_preset() {
    let (mut desktop, mut player) = open_view(ViewId::Settings, scenes::filled());
    desktop.get_by_label_contains("Add an endpoint").click();
    player.play(&mut desktop);
    type_into(&mut desktop, &mut player, "Search providers", "custom");
    click(&mut desktop, &mut player, "Add Custom");
    if desktop.query_all_by_label("base_url").next().is_some() {
        type_into(
            &mut desktop,
            &mut player,
            "base_url",
            "https://llm.example.com/v1",
        );
        click(&mut desktop, &mut player, "Continue");
    }
    write_into(&mut desktop, &mut player, "Id", "mine");
    write_into(
        &mut desktop,
        &mut player,
        "Base URL",
        "https://llm.example.com/v1",
    );
    assert!(
        shows(&desktop, "https://llm.example.com/v1/chat/completions"),
        "the final URL is shown"
    );
    click(&mut desktop, &mut player, "Save");
    let edits = edits(&player);
    let [
        SettingsEdit::PutEndpoint {
            old_id: None,
            endpoint,
        },
    ] = edits.as_slice()
    else {
        panic!("{edits:?}")
    };
    assert_eq!(
        (endpoint.id.as_str(), endpoint.base_url.as_str()),
        ("mine", "https://llm.example.com/v1")
    );
    assert!(
        desktop.query_all_by_label("Base URL").next().is_some(),
        "it stays open until the file has it"
    );

    let mut settings = player.scene.settings.clone();
    settings.endpoints.push((**endpoint).clone());
    player.say(Update::Settings(SettingsNews::Are(Arc::new(settings))));
    player.play(&mut desktop);
    assert!(desktop.query_by_label("Edit mine").is_some());
}

#[test]
fn a_bad_endpoint_is_explained_and_not_sent() {
    let (mut desktop, mut player) = open_view(ViewId::Settings, scenes::filled());
    click(&mut desktop, &mut player, "Edit deepseek");
    write_into(&mut desktop, &mut player, "Id", "a/b");
    write_into(&mut desktop, &mut player, "Base URL", "ftp://x");
    click(&mut desktop, &mut player, "Save");
    assert!(shows(&desktop, "No slash and no blank"));
    assert!(edits(&player).is_empty());
}

#[test]
fn http_to_another_machine_must_be_allowed() {
    const ALLOW: &str = "Allow http:// to another machine";
    let (mut desktop, mut player) = open_view(ViewId::Settings, scenes::filled());
    click(&mut desktop, &mut player, "Edit deepseek");
    assert!(
        desktop.query_by_label(ALLOW).is_none(),
        "https asks nothing"
    );
    write_into(
        &mut desktop,
        &mut player,
        "Base URL",
        "http://far.example/v1",
    );
    click(&mut desktop, &mut player, "Save");
    assert!(edits(&player).is_empty());
    click(&mut desktop, &mut player, ALLOW);
    click(&mut desktop, &mut player, "Save");
    let edits = edits(&player);
    let [SettingsEdit::PutEndpoint { endpoint, .. }] = edits.as_slice() else {
        panic!("{edits:?}")
    };
    assert!(endpoint.allow_http && endpoint.base_url.scheme() == "http");
}

#[test]
fn a_broken_settings_file_keeps_what_was_typed() {
    let (mut desktop, mut player) = open_view(ViewId::Settings, scenes::filled());
    click(&mut desktop, &mut player, "Edit deepseek");
    write_into(&mut desktop, &mut player, "Name", "Deep blue");
    click(&mut desktop, &mut player, "Save");
    player.say(Update::Settings(SettingsNews::Problem(
        scenes::errors().problem,
    )));
    player.play(&mut desktop);
    assert!(shows(&desktop, "line 12"));
    assert!(desktop.query_by_label("Open the file").is_some());
    assert_eq!(
        field(&desktop, "Name").value().as_deref(),
        Some("Deep blue")
    );
    player.say(Update::Settings(SettingsNews::Problem(None)));
    player.play(&mut desktop);
    assert!(!shows(&desktop, "line 12"));
}

#[test]
fn an_endpoint_is_deleted_only_when_that_is_meant() {
    let (mut desktop, mut player) = open_view(ViewId::Settings, scenes::filled());
    click(&mut desktop, &mut player, "Edit deepseek");
    click(&mut desktop, &mut player, "Delete…");
    click(&mut desktop, &mut player, "Keep it");
    assert!(edits(&player).is_empty());
    click(&mut desktop, &mut player, "Delete…");
    click(&mut desktop, &mut player, "Delete it");
    assert_eq!(
        edits(&player),
        [SettingsEdit::RemoveEndpoint {
            id: "deepseek".into()
        }]
    );
}

#[test]
fn a_test_shows_each_step_and_why_one_failed() {
    let (mut desktop, mut player) = open_view(ViewId::Settings, scenes::filled());
    click(&mut desktop, &mut player, "Test deepseek");
    for words in ["104.18.7.192", "TLS 1.3", "HTTP 401", "Incorrect API key"] {
        assert!(shows(&desktop, words), "{words}");
    }
}

#[test]
fn a_key_goes_to_the_engine_and_nowhere_else() {
    const CANARY: &str = "sk-canary-5f1d";
    let (mut desktop, mut player) = open_view(ViewId::Settings, scenes::filled());
    desktop.get_by_role_and_label(Role::Tab, "Keys").click();
    player.play(&mut desktop);
    assert!(shows(&desktop, "from OPENAI_API_KEY") && shows(&desktop, "in the OS keyring"));
    assert!(
        shows(&desktop, "the OS keyring is locked"),
        "what is the matter is said in words"
    );
    click(&mut desktop, &mut player, "Set the key of gateway");
    desktop.get_by_label("Key of gateway").type_text(CANARY);
    player.play(&mut desktop);
    let shown = desktop
        .get_by_label("Key of gateway")
        .value()
        .unwrap_or_default();
    assert!(!shown.contains("canary"), "{shown}");
    click(&mut desktop, &mut player, "Keep it in: This session only");
    click(&mut desktop, &mut player, "Keep the key");
    let keys = keys_set(&player);
    assert_eq!(keys, [("gateway".to_owned(), CANARY.to_owned(), false)]);
    assert!(desktop.query_by_label("Key of gateway").is_none());
    assert!(!format!("{:?}", player.heard).contains("canary"));
    assert!(!desktop.state().app().layout().contains("canary"));

    player.say(Update::Key(KeyNews::Status(KeyStatus {
        endpoint: "gateway".into(),
        of: KeyOf::Endpoint,
        origin: "https://llm.example.com:8443".into(),
        place: KeyPlace::Memory,
        problem: None,
    })));
    player.play(&mut desktop);
    click(&mut desktop, &mut player, "Forget the key of gateway…");
    click(&mut desktop, &mut player, "Forget it");
    assert!(player.heard.iter().any(
        |command| matches!(command, Command::Key(KeyCommand::Forget { endpoint, of: KeyOf::Endpoint }) if endpoint == "gateway")
    ));
}

#[test]
fn a_proxy_has_a_password_of_its_own() {
    let (mut desktop, mut player) = open_view(ViewId::Settings, scenes::filled());
    desktop.get_by_role_and_label(Role::Tab, "Keys").click();
    player.say(Update::Key(KeyNews::Status(KeyStatus {
        endpoint: "gateway".into(),
        of: KeyOf::Proxy,
        origin: "http://ada@proxy.example.com:3128".into(),
        place: KeyPlace::Missing,
        problem: None,
    })));
    player.play(&mut desktop);
    assert!(shows(&desktop, "Password of its proxy"));
    click(
        &mut desktop,
        &mut player,
        "Set the proxy password of gateway",
    );
    let field = desktop.get_by_label("Proxy password of gateway");
    field.type_text("hunter2");
    player.play(&mut desktop);
    click(&mut desktop, &mut player, "Keep the password");
    let passwords = heard(&player, |command| match command {
        Command::Key(KeyCommand::Set {
            endpoint,
            of: KeyOf::Proxy,
            key,
            in_keyring: true,
        }) => Some((endpoint.clone(), key.expose_secret().to_owned())),
        _ => None,
    });
    assert_eq!(passwords, [("gateway".to_owned(), "hunter2".to_owned())]);
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

/// Drops a file on the window, and plays until this text is shown.
fn drop_file(desktop: &mut Desktop, player: &mut Player, file: &Path, until: &str) {
    let file = Arc::new(Dropped(file.to_owned()));
    desktop.input_mut().dropped_files.push(file);
    desktop.step();
    desktop.input_mut().dropped_files.clear();
    for _ in 0..200 {
        player.play(desktop);
        if shows(desktop, until) {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("never shown: {until}");
}

#[test]
fn a_service_account_is_imported_with_its_project_and_its_key_is_seen_nowhere() {
    let canary = canary();
    let folder = tempfile::tempdir().unwrap();
    let (client, account) = (
        folder.path().join("client.json"),
        folder.path().join("me.json"),
    );
    let json = serde_json::json!({"installed": {"client_id": "x", "client_secret": canary}});
    std::fs::write(&client, json.to_string()).unwrap();
    let json = serde_json::json!({
        "type": "service_account", "client_email": "me@p-1.iam.gserviceaccount.com", "project_id": "p-1",
        "private_key": canary,
    });
    std::fs::write(&account, serde_json::to_string_pretty(&json).unwrap()).unwrap();

    let (mut desktop, mut player) = open_view(ViewId::Settings, scenes::filled());
    click(&mut desktop, &mut player, "Edit deepseek");
    assert!(!shows(&desktop, "Import service account"), "not of Google");
    click(&mut desktop, &mut player, "Back to the endpoints");
    desktop.get_by_label_contains("Add an endpoint").click();
    player.play(&mut desktop);
    type_into(
        &mut desktop,
        &mut player,
        "Search providers",
        "vertex-native",
    );
    click(&mut desktop, &mut player, "Add Vertex AI, a region");
    assert!(shows(&desktop, "leave the project empty"));
    click(&mut desktop, &mut player, "Continue");
    assert!(shows(&desktop, "Import service account…"));
    click(&mut desktop, &mut player, "Save");
    assert!(shows(
        &desktop,
        "The project is missing: import a service account"
    ));
    assert!(edits(&player).is_empty());

    let refused = "This is an OAuth client, not a service account";
    drop_file(&mut desktop, &mut player, &client, refused);
    let imported = "Imported: service account me@p-1.iam.gserviceaccount.com, project p-1";
    drop_file(&mut desktop, &mut player, &account, imported);
    assert!(!shows(&desktop, refused) && !shows(&desktop, "The project is missing"));
    assert!(desktop.unnamed_widgets().is_empty());
    let url = field(&desktop, "Base URL").value().unwrap();
    assert!(url.contains("/projects/p-1/locations/us-central1"), "{url}");
    assert!(
        keys_set(&player).is_empty(),
        "only a saved endpoint has a key"
    );

    click(&mut desktop, &mut player, "Save");
    let saved = edits(&player);
    let [SettingsEdit::PutEndpoint { endpoint, .. }] = saved.as_slice() else {
        panic!("{saved:?}")
    };
    assert!(endpoint.key_command.is_empty(), "it would be asked first");
    let mut settings = player.scene.settings.clone();
    settings.endpoints.push((**endpoint).clone());
    player.say(Update::Settings(SettingsNews::Are(Arc::new(settings))));
    player.play(&mut desktop);
    assert_eq!(
        keys_set(&player),
        [("vertex-native".to_owned(), json.to_string(), true)]
    );
    assert!(shows(
        &desktop,
        "Saved the endpoint with service account me@p-1"
    ));
    assert_no_canary_in(format!("{:?}", player.heard).as_bytes(), &canary, "a log");
    let layout = desktop.state().app().layout();
    assert_no_canary_in(layout.as_bytes(), &canary, "the layout");
    let shown = format!("{:?}", desktop.root());
    assert_no_canary_in(shown.as_bytes(), &canary, "the window");

    player.say(Update::Key(KeyNews::Problem {
        endpoint: "vertex-native".into(),
        of: KeyOf::Endpoint,
        message: "the OS keyring is locked".into(),
    }));
    player.play(&mut desktop);
    assert!(shows(&desktop, "Its key: the OS keyring is locked"));
}

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
    assert!(shows(&desktop, "Runs are not kept: the disk is full"));
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

#[test]
fn a_run_of_the_history_is_opened_by_its_id_alone() {
    let scene = scenes::filled();
    let id = RunId(5);
    let (mut desktop, mut player) = open_view(ViewId::Runs, scene);
    player.say(Update::Run(RunNews::Loaded {
        id,
        run: player
            .scene
            .runs
            .iter()
            .find(|run| run.head.id == id)
            .cloned()
            .map(Box::new),
    }));
    player.play(&mut desktop);
    assert!(desktop.state().app().state().runs.contains_key(&id));
}

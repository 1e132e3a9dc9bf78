//! The gateway's view: turned on and off, connected to, watched.

use egui::{Key, Role};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use tokenscope::{
    desktop::view::ViewId,
    engine::{Command, GatewayCommand, GatewayNews, GatewayState, Update},
};

use super::{Desktop, Player, Scene, WIDE, click, heard, is_on, open, open_view, scenes, shows};

fn gateway_commands(player: &Player) -> Vec<&'static str> {
    heard(player, |command| match command {
        Command::Gateway(GatewayCommand::Start) => Some("start"),
        Command::Gateway(GatewayCommand::Stop) => Some("stop"),
        Command::Gateway(GatewayCommand::Watch(_)) => Some("watch"),
        _ => None,
    })
}

fn say(desktop: &mut Desktop, player: &mut Player, state: GatewayState) {
    player.say(Update::Gateway(GatewayNews::Is(state)));
    player.play(desktop);
}

fn with_tab(scene: Scene, tab: &str) -> (Desktop, Player) {
    let saved = serde_json::json!({ "tab": tab }).to_string();
    let layout = serde_json::json!({ "view": "gateway", "views": { "gateway": saved } });
    open(scene, WIDE, Some(&layout.to_string()))
}

#[test]
fn it_is_turned_on_and_off_and_says_how_it_stands() {
    let (mut desktop, mut player) = open_view(ViewId::Gateway, scenes::filled());
    assert!(shows(&desktop, "The gateway is off") && shows(&desktop, "127.0.0.1:8081"));
    assert!(gateway_commands(&player).is_empty(), "off by default");
    click(&mut desktop, &mut player, "Turn the gateway on");
    assert_eq!(gateway_commands(&player), ["start"]);
    say(&mut desktop, &mut player, GatewayState::Starting);
    assert!(shows(&desktop, "Starting"));
    say(&mut desktop, &mut player, scenes::access());
    assert!(shows(&desktop, "http://127.0.0.1:8081/v1"));
    assert!(is_on(
        &desktop.get_by_role_and_label(Role::Switch, "The gateway")
    ));
    assert_eq!(gateway_commands(&player), ["start", "watch"]);
    click(&mut desktop, &mut player, "The gateway");
    assert_eq!(gateway_commands(&player), ["start", "watch", "stop"]);
    say(&mut desktop, &mut player, GatewayState::Off);
    assert!(shows(&desktop, "The gateway is off"));
}

#[test]
fn it_starts_with_the_window_if_it_was_on_then() {
    let (mut desktop, mut player) = open_view(ViewId::Gateway, scenes::filled());
    click(&mut desktop, &mut player, "Turn the gateway on");
    let layout = desktop.state().app().layout();
    let (_desktop, player) = open(scenes::filled(), WIDE, Some(&layout));
    assert_eq!(gateway_commands(&player), ["start"]);
    let (mut desktop, mut player) = open(scenes::gateway_on(), WIDE, Some(&layout));
    click(&mut desktop, &mut player, "The gateway");
    let layout = desktop.state().app().layout();
    let (_desktop, player) = open(scenes::filled(), WIDE, Some(&layout));
    assert!(gateway_commands(&player).is_empty());
}

#[test]
fn why_it_could_not_start_is_told_and_it_can_be_tried_again() {
    let (mut desktop, mut player) = open_view(ViewId::Gateway, scenes::errors());
    assert!(shows(&desktop, "Address already in use") && shows(&desktop, "No gateway"));
    click(&mut desktop, &mut player, "Try again");
    assert_eq!(gateway_commands(&player), ["start"]);
}

#[test]
fn the_token_is_drawn_and_copied_only_on_demand() {
    let (mut desktop, mut player) = with_tab(scenes::busy_gateway(), "connect");
    assert!(!shows(&desktop, scenes::TOKEN) && shows(&desktop, "$TOKEN"));
    click(&mut desktop, &mut player, "Show the token");
    assert!(shows(&desktop, scenes::TOKEN));
    click(&mut desktop, &mut player, "Hide the token");
    assert!(!shows(&desktop, scenes::TOKEN));
    let text = copied(&mut desktop, "Copy the text");
    assert!(text.contains("OPENAI_API_KEY=$TOKEN"), "{text}");
    let text = copied(&mut desktop, "Copy with the token");
    assert!(
        text.contains(&format!("OPENAI_API_KEY={}", scenes::TOKEN)),
        "{text}"
    );
    assert!(!shows(&desktop, scenes::TOKEN), "it is copied, not drawn");
    assert_eq!(copied(&mut desktop, "Copy the token"), scenes::TOKEN);
}

/// What a button copies.
fn copied(desktop: &mut Desktop, button: &str) -> String {
    desktop.get_by_label(button).click();
    for _ in 0..4 {
        desktop.step();
        for command in &desktop.output().platform_output.commands {
            if let egui::OutputCommand::CopyText(text) = command {
                return text.clone();
            }
        }
    }
    panic!("{button} copies nothing");
}

#[test]
fn each_program_has_a_text_with_its_own_variables() {
    let (mut desktop, mut player) = with_tab(scenes::busy_gateway(), "connect");
    for (program, expected) in [
        ("Environment", "OPENAI_BASE_URL=http://127.0.0.1:8081/v1"),
        ("OpenAI Python", "client.chat.completions.create"),
        ("OpenAI JS", "process.env.TOKEN"),
        (
            "Anthropic",
            "anthropic.Anthropic(base_url=\"http://127.0.0.1:8081\"",
        ),
        ("cURL", "curl -N http://127.0.0.1:8081/v1/chat/completions"),
        ("Claude Code", "ANTHROPIC_AUTH_TOKEN=$TOKEN"),
        ("Codex", "wire_api = \"responses\""),
        ("Gemini CLI", "GOOGLE_GEMINI_BASE_URL=http://127.0.0.1:8081"),
    ] {
        click(&mut desktop, &mut player, &format!("Program: {program}"));
        assert!(shows(&desktop, expected), "{program}");
    }
}

#[test]
fn a_request_opens_in_the_runs() {
    let scene = scenes::busy_gateway();
    let newest = scene.gateway_status.recent[0].clone();
    let (mut desktop, mut player) = with_tab(scene.clone(), "requests");
    assert!(shows(&desktop, "Requests · 3 live") && shows(&desktop, "waiting"));
    let row = desktop
        .query_all_by_role(Role::Row)
        .nth(3)
        .expect("the newest that is over");
    row.click();
    player.play(&mut desktop);
    assert_eq!(desktop.state().app().current(), ViewId::Runs);
    let opened = newest.run.unwrap();
    assert!(desktop.state().app().state().runs.contains_key(&opened));

    let (mut desktop, mut player) = with_tab(scene, "requests");
    for _ in 0..4 {
        desktop.key_press(Key::ArrowDown);
        player.play(&mut desktop);
    }
    let rows: Vec<_> = desktop.query_all_by_role(Role::Row).collect();
    assert!(is_selected(&rows[3]), "the keyboard’s cursor");
    desktop.key_press(Key::Enter);
    player.play(&mut desktop);
    assert_eq!(desktop.state().app().current(), ViewId::Runs);
}

fn is_selected(node: &egui_kittest::Node<'_>) -> bool {
    node.accesskit_node().is_selected() == Some(true) || is_on(node)
}

#[test]
fn routes_have_their_counts_and_their_targets_health() {
    let (desktop, _player) = with_tab(scenes::busy_gateway(), "routes");
    for text in [
        "fastest",
        "no route",
        "1\u{202f}412",
        "17 / 11",
        "ready",
        "on trial",
        "paused to",
        "no endpoint",
        "431 ms",
        "1.24 s",
        "$4.18",
        "openrouter/openai/gpt-5-mini",
    ] {
        assert!(shows(&desktop, text), "{text}");
    }
}

#[test]
fn nobody_is_asked_while_the_view_is_not_shown() {
    let (mut desktop, mut player) = open_view(ViewId::Gateway, scenes::gateway_on());
    let watches = |player: &Player| {
        heard(player, |command| match command {
            Command::Gateway(GatewayCommand::Watch(steps)) => Some(steps.is_given_up()),
            _ => None,
        })
    };
    assert_eq!(watches(&player), [false]);
    desktop.get_by_role_and_label(Role::Tab, "Monitor").click();
    player.play(&mut desktop);
    desktop.run_steps(2);
    assert_eq!(watches(&player), [true]);
    desktop.get_by_role_and_label(Role::Tab, "Gateway").click();
    player.play(&mut desktop);
    assert_eq!(watches(&player), [true, false]);
}

#[test]
fn a_pane_asks_the_same_through_the_gateway_and_directly_again() {
    let direct = "Ask directly, not through the gateway";
    let through = "Ask the same through the gateway";
    // While the gateway is off, there is one way.
    let (mut desktop, mut player) = open_view(ViewId::Playground, scenes::filled());
    click(&mut desktop, &mut player, "More for pane 1");
    assert!(!shows(&desktop, through) && !shows(&desktop, direct));

    let (mut desktop, mut player) = open_view(ViewId::Playground, scenes::gateway_on());
    let picker = |desktop: &Desktop| {
        let picker = desktop.get_by(|node| {
            let name = node.label().unwrap_or_default();
            name.starts_with("Target of pane 1")
        });
        picker.accesskit_node().label().unwrap_or_default()
    };
    let before = picker(&desktop);
    click(&mut desktop, &mut player, "More for pane 1");
    click(&mut desktop, &mut player, through);
    let name = picker(&desktop);
    assert_eq!(name, format!("{before} · via gateway"));
    click(&mut desktop, &mut player, "More for pane 1");
    click(&mut desktop, &mut player, direct);
    assert_eq!(picker(&desktop), before);
}

#[test]
fn tables_end_where_the_bar_above_them_ends() {
    for (tab, first) in [("requests", "Time"), ("routes", "Route and its targets")] {
        let (desktop, _player) = with_tab(scenes::busy_gateway(), tab);
        let titles = desktop.get_all_by_label("Gateway");
        let left = titles.map(|node| node.rect().left()).fold(0.0, f32::max);
        // The frame around the tabs, and its line.
        let right = desktop.get_by_label("Show: Connect").rect().right() + 2.0;
        let heads = [first, "Cost"].map(|name| desktop.get_by_label(name).rect());
        assert!(
            (heads[0].left() - left).abs() < 1.0,
            "{tab}: {heads:?}, {left}"
        );
        assert!(
            (heads[1].right() - right).abs() < 1.0,
            "{tab}: {heads:?}, {right}"
        );
    }
}

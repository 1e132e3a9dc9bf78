//! The probes' bar and the form of their plan in the Monitor view, and the gaps in its plot.

use std::time::{Duration, Instant};

use egui::Role;
use egui_kittest::kittest::Queryable as _;
use tokenscope::{
    desktop::view::ViewId,
    engine::{Command, MonitorCommand, MonitorNews, MonitorState, ProbingState, Update},
    history::{GapReason, ProbeGap},
    price::Usd,
    settings::{
        SettingsEdit,
        monitor::{MonitorSettings, ProbedConnections},
    },
};

use super::{
    Desktop, Player, SIZES, click, edits, heard, is_on, layout_of, open, open_view, scenes,
    series_queries, shows, write_into,
};

fn say(desktop: &mut Desktop, player: &mut Player, state: MonitorState) {
    player.say(Update::Monitor(MonitorNews::Is(state)));
    player.play(desktop);
}

fn saved(player: &Player) -> Vec<MonitorSettings> {
    let plan = |edit| match edit {
        SettingsEdit::Monitor(plan) => Some(plan),
        _ => None,
    };
    edits(player).into_iter().filter_map(plan).collect()
}

#[test]
fn the_engine_is_told_once_to_follow_the_plan_even_if_the_view_is_not_shown() {
    let (_desktop, player) = open_view(ViewId::Runs, scenes::filled());
    let followed = heard(&player, |command| {
        matches!(command, Command::Monitor(MonitorCommand::Follow)).then_some(())
    });
    assert_eq!(followed.len(), 1);
}

#[test]
fn without_a_plan_it_says_so_and_the_switch_opens_the_form() {
    let (mut desktop, mut player) = open_view(ViewId::Monitor, scenes::filled());
    assert!(shows(&desktop, "No target is probed yet"));
    let switch = desktop.get_by_role_and_label(Role::Switch, "Probes");
    assert!(!is_on(&switch), "off by default");
    click(&mut desktop, &mut player, "Probes");
    assert!(shows(&desktop, "Probe plan") && saved(&player).is_empty());
    assert!(shows(&desktop, "Add a target to see what probing it costs"));
}

#[test]
fn a_plan_is_made_in_the_form_with_its_forecast_and_turned_on() {
    let (mut desktop, mut player) = open_view(ViewId::Monitor, scenes::filled());
    click(&mut desktop, &mut player, "Choose targets…");
    click(&mut desktop, &mut player, "Target to add: not chosen");
    click(&mut desktop, &mut player, "deepseek/steady");
    assert!(shows(&desktop, "Remove deepseek/steady"));
    assert!(shows(
        &desktop,
        "The price of deepseek/steady is not known: it is not probed"
    ));
    let allow = "Probe targets without a known price, too, and do not count them";
    click(&mut desktop, &mut player, allow);
    assert!(shows(&desktop, "does not count for the cap"));
    click(
        &mut desktop,
        &mut player,
        "Time between two probes of a target",
    );
    click(&mut desktop, &mut player, "15 min");
    click(&mut desktop, &mut player, "Connections: In turn");
    click(&mut desktop, &mut player, "Free checks: 10 s");
    let cap = "Most US dollars a day, from midnight to midnight, UTC";
    write_into(&mut desktop, &mut player, cap, "much");
    assert!(shows(&desktop, "An amount is written as 0.50 or 2"));
    click(&mut desktop, &mut player, "Save and turn on");
    assert!(saved(&player).is_empty(), "not with such an amount");
    write_into(&mut desktop, &mut player, cap, "0.25");
    let question = "Question, sent with a new random number in front";
    write_into(&mut desktop, &mut player, question, &"x".repeat(2_001));
    assert!(shows(&desktop, "A prompt has at most 2000 characters"));
    click(&mut desktop, &mut player, "Save and turn on");
    assert!(saved(&player).is_empty(), "not with such a question");
    write_into(&mut desktop, &mut player, question, "Name ten rivers.");
    click(&mut desktop, &mut player, "Save and turn on");
    assert!(!shows(&desktop, "Probe plan"));
    assert_eq!(
        saved(&player),
        [MonitorSettings {
            on: true,
            targets: vec!["deepseek/steady".parse().unwrap()],
            every_s: 900,
            connections: ProbedConnections::Both,
            usd_per_day: Some(0.25),
            allow_unpriced: true,
            check_every_s: 10,
            prompt: Some("Name ten rivers.".to_owned()),
        }]
    );
}

#[test]
fn the_forecast_tells_the_cost_and_when_the_cap_is_reached() {
    let mut scene = scenes::planned();
    scene.settings.monitor.targets.truncate(1);
    scene.settings.monitor.every_s = 10;
    scene.settings.monitor.usd_per_day = Some(0.01);
    let (mut desktop, mut player) = open_view(ViewId::Monitor, scene);
    click(&mut desktop, &mut player, "Plan…");
    assert!(shows(
        &desktop,
        "a day at most, for 8640 probes of known price"
    ));
    assert!(shows(&desktop, "The cap of $0.0100 may be reached after"));
    click(&mut desktop, &mut player, "Remove openai/gpt-5-mini");
    assert!(!shows(&desktop, "a day at most"));
    click(&mut desktop, &mut player, "Cancel");
    assert!(saved(&player).is_empty() && !shows(&desktop, "Probe plan"));
}

#[test]
fn the_forecast_is_in_sight_in_a_small_window() {
    let mut scene = scenes::planned();
    let more = (1..5).map(|n| format!("openai/gpt-5-mini-{n}").parse().unwrap());
    scene.settings.monitor.targets.extend(more);
    let layout = layout_of(ViewId::Monitor);
    let (mut desktop, mut player) = open(scene, SIZES[1], Some(&layout));
    click(&mut desktop, &mut player, "Plan…");
    let forecast = desktop.get_by_label_contains(" a day at most").rect();
    let save = desktop.get_by_label("Save and turn on").rect();
    assert!(forecast.bottom() <= save.top(), "{forecast:?} {save:?}");
    assert!(forecast.height() > 10.0, "{forecast:?}");
    assert!(save.bottom() <= SIZES[1].1, "{save:?}");
}

#[test]
fn it_is_turned_on_and_off_and_says_how_it_stands() {
    let (mut desktop, mut player) = open_view(ViewId::Monitor, scenes::planned());
    assert!(shows(&desktop, "Off · 2 targets every 5 min when on"));
    click(&mut desktop, &mut player, "Probes");
    let on = MonitorSettings {
        on: true,
        ..scenes::planned().settings.monitor
    };
    assert_eq!(saved(&player), [on]);
    let probing = ProbingState {
        targets: 2,
        every: Some(Duration::from_mins(1)),
        next: Some(Instant::now() + Duration::from_mins(1)),
        spent: Usd::of_dollars(0.5).unwrap(),
        usd_per_day: Usd::of_dollars(1.0),
        ..ProbingState::default()
    };
    say(
        &mut desktop,
        &mut player,
        MonitorState::Probing(probing.clone()),
    );
    assert!(shows(&desktop, "Probing 2 targets every 60 s · next in "));
    assert!(shows(&desktop, "$0.500 today of $1.00"));
    let capped = ProbingState {
        not_asked: scenes::planned()
            .settings
            .monitor
            .targets
            .into_iter()
            .map(|target| (target, GapReason::CostCap))
            .collect(),
        ..probing
    };
    say(&mut desktop, &mut player, MonitorState::Probing(capped));
    assert!(shows(&desktop, "paused: the day’s cost cap was reached"));
    say(
        &mut desktop,
        &mut player,
        MonitorState::Watching { pid: Some(4_711) },
    );
    assert!(shows(&desktop, "Another process probes: pid 4711"));
    let why = "the data folder can't be locked".to_owned();
    say(&mut desktop, &mut player, MonitorState::Failed(why));
    assert!(shows(
        &desktop,
        "Not probing: the data folder can't be locked"
    ));
}

#[test]
fn a_gap_is_told_under_the_pointer_and_a_new_one_asks_the_history_again() {
    let mut scene = scenes::filled();
    scene.runs.truncate(1);
    let minute = 60_000_000_000;
    let gap = ProbeGap {
        target: None,
        why: GapReason::Asleep,
        from_unix_ns: scenes::now() - 40 * minute,
        to_unix_ns: Some(scenes::now() - 20 * minute),
    };
    scene.runs[0].stamps.started_unix_ns = scenes::now() - 5 * minute;
    scene.gaps = vec![gap.clone()];
    let (mut desktop, mut player) = open_view(ViewId::Monitor, scene);
    let plot = desktop
        .get_by_label("Plot of time to first token over time")
        .rect();
    desktop.hover_at(plot.center());
    player.play(&mut desktop);
    assert!(shows(&desktop, "Not asked: the machine slept"));
    assert!(shows(&desktop, "all targets") && shows(&desktop, "20 min 00 s"));
    desktop.hover_at(plot.left_center() + egui::vec2(80.0, 0.0));
    player.play(&mut desktop);
    assert!(!shows(&desktop, "Not asked"));
    let before = series_queries(&player).len();
    player.say(Update::Monitor(MonitorNews::Gap(gap)));
    for _ in 0..4 {
        player.play(&mut desktop);
    }
    assert_eq!(series_queries(&player).len(), before + 1);
}

#[test]
fn a_target_in_the_legend_has_its_endpoints_availability() {
    let (desktop, _player) = open_view(ViewId::Monitor, scenes::probing());
    assert!(shows(&desktop, "up 100.00 %") && shows(&desktop, "up 93.33 %"));
    assert!(shows(&desktop, "Probing 2 targets every 60 s · next in "));
}

#[test]
fn the_availability_in_the_legend_stays_in_its_room() {
    for size in SIZES {
        let layout = layout_of(ViewId::Monitor);
        let (desktop, _player) = open(scenes::probing(), size, Some(&layout));
        let eye = desktop.get_by_label("Hide openai/gpt-5-mini").rect();
        // The picture on the button ends before the button does.
        let edge = eye.right() - 4.0;
        for text in ["up 100.00 %", "up 93.33 %"] {
            let right = desktop.get_by_label(text).rect().right();
            assert!(right <= edge, "{text}: {right}, {edge}");
        }
    }
}

#[test]
fn how_long_a_certificate_is_valid_is_told_where_the_endpoint_is() {
    let (mut desktop, mut player) = open_view(ViewId::Monitor, scenes::probing());
    let up = desktop.get_by_label("up 93.33 %").rect().center();
    desktop.hover_at(up);
    player.play(&mut desktop);
    assert!(shows(&desktop, "Certificate valid for 61 days, until 20"));
    let up = desktop.get_by_label("up 100.00 %").rect().center();
    desktop.hover_at(up);
    player.play(&mut desktop);
    assert!(!shows(&desktop, "Certificate valid"), "over plain HTTP");
    click(&mut desktop, &mut player, "Chart: Targets");
    let status = desktop.get_by_label("Sort by Status").rect();
    let row = desktop.get_by_label_contains("Runs of openai/gpt-5-mini: ");
    let cell = egui::pos2(status.left() + 12.0, row.rect().center().y);
    desktop.hover_at(cell);
    player.play(&mut desktop);
    assert!(shows(&desktop, "Started 20"));
    assert!(shows(&desktop, "Certificate valid for 61 days, until 20"));
}

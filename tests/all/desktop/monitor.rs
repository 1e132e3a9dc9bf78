//! The view of figures over time.

use egui::{Key, Modifiers, Role};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use tokenscope::{
    desktop::view::ViewId,
    engine::{Command, HistoryCommand, RunCommand, RunNews, Update},
    event::{Event, Fault, FaultClass, Phase},
    history::DistributionQuery,
    run::{ConnectionKind, RunHead, RunId, RunUpdate},
};

use super::{
    Desktop, Player, WIDE, click, heard, is_on, open, open_view, press, run_queries, scenes,
    series_queries, shows, turn_wheel,
};

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
fn the_legend_is_sorted_by_median_and_tells_p95_and_n() {
    let (desktop, _) = open_view(ViewId::Monitor, scenes::filled());
    let entries = desktop.query_all_by_label_contains("Only ");
    let mut entries: Vec<_> = entries
        .filter_map(|entry| Some((entry.rect().top(), entry.accesskit_node().label()?)))
        .collect();
    entries.sort_by(|a, b| a.0.total_cmp(&b.0));
    let names: Vec<_> = entries.into_iter().map(|(_, name)| name).collect();
    assert_eq!(names, BY_MEDIAN.map(|target| format!("Only {target}")));
    let figures: Vec<_> = desktop.query_all_by_label_contains("P95 ").collect();
    assert!(figures.len() >= 5, "{}", figures.len());
}

#[test]
fn the_legend_tells_of_changes_and_of_runs_that_were_read_late() {
    let (desktop, _) = open_view(ViewId::Monitor, scenes::filled());
    assert!(
        !desktop
            .query_all_by_label_contains("late here")
            .any(|_| true)
    );
    let (desktop, _) = open_view(ViewId::Monitor, scenes::changed());
    let late = desktop.query_all_by_label_contains("late here").count();
    assert!(late >= 1);
    let slower: Vec<_> = desktop.query_all_by_label_contains("\u{25b2}").collect();
    assert_eq!(slower.len(), 1, "one target became slower");
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

/// Zooms the plot by the wheel.
fn zoom(desktop: &mut Desktop, player: &mut Player) {
    turn_wheel(desktop, player, "Plot of time to first token over time");
}

#[test]
fn another_scale_by_key_resets_the_zoom() {
    let (mut desktop, mut player) = open_view(ViewId::Monitor, scenes::filled());
    zoom(&mut desktop, &mut player);
    let last = |player: &Player| series_queries(player).pop().unwrap().to_unix_ns;
    assert!(last(&player).is_some());
    press(&mut desktop, &mut player, Key::L);
    assert!(is_on(&desktop.get_by_label("Scale: Log")));
    assert_eq!(last(&player), None);
    assert!(!shows(&desktop, "Reset zoom"));
}

#[test]
fn the_wheel_zooms_and_the_stretch_is_asked_for_again() {
    let (mut desktop, mut player) = open_view(ViewId::Monitor, scenes::filled());
    zoom(&mut desktop, &mut player);
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

fn distribution_queries(player: &Player) -> Vec<DistributionQuery> {
    heard(player, |command| match command {
        Command::History(HistoryCommand::Distributions { query, .. }) => Some(query.clone()),
        _ => None,
    })
}

/// The accessible names of the table's rows, from the top.
fn row_names(desktop: &Desktop) -> Vec<String> {
    let rows = desktop.query_all_by_role(Role::Row);
    let mut rows: Vec<_> = rows
        .filter_map(|row| Some((row.rect().top(), row.accesskit_node().label()?)))
        .collect();
    rows.sort_by(|a, b| a.0.total_cmp(&b.0));
    rows.into_iter().map(|(_, name)| name).collect()
}

fn starts(names: &[String], targets: &[&str]) -> bool {
    let expected = targets.iter().map(|target| format!("Runs of {target}: "));
    names.len() == targets.len() && names.iter().zip(expected).all(|(n, e)| n.starts_with(&e))
}

const BY_MEDIAN: [&str; 5] = [
    "ollama/gemma3:270m",
    "simulator/steady",
    "openai/gpt-5-mini",
    "gateway/gpt-5-mini",
    "deepseek/deepseek-chat",
];

#[test]
fn the_table_of_targets_is_sorted_and_a_click_opens_a_targets_runs() {
    let (mut desktop, mut player) = open_view(ViewId::Monitor, scenes::filled());
    assert_eq!(
        distribution_queries(&player).len(),
        0,
        "not shown, not asked"
    );
    click(&mut desktop, &mut player, "Chart: Targets");
    let asked = distribution_queries(&player);
    assert_eq!(asked.len(), 1, "once is enough at rest");
    assert_eq!(asked[0].connection, ConnectionKind::Warm);
    let names = row_names(&desktop);
    assert!(starts(&names, &BY_MEDIAN), "{names:#?}");
    assert!(
        names.iter().all(|name| name.contains(", P50 ")),
        "{names:#?}"
    );

    click(&mut desktop, &mut player, "Sort by P50");
    let mut down = BY_MEDIAN;
    down.reverse();
    assert!(starts(&row_names(&desktop), &down));
    click(&mut desktop, &mut player, "Sort by Target");
    let mut by_name = BY_MEDIAN;
    by_name.sort_unstable();
    assert!(starts(&row_names(&desktop), &by_name));

    click(&mut desktop, &mut player, "Connections: Cold");
    let asked = distribution_queries(&player);
    assert_eq!(
        asked.last().map(|query| query.connection),
        Some(ConnectionKind::Cold)
    );

    let row = desktop.get_all_by_label_contains("Runs of ollama/").next();
    row.unwrap().click();
    player.play(&mut desktop);
    assert_eq!(desktop.state().app().current(), ViewId::Runs);
    let query = run_queries(&player).pop().unwrap();
    assert_eq!(query.targets, ["ollama/gemma3:270m".parse().unwrap()]);
    assert_eq!((query.text.as_str(), query.outcome), ("", None));
}

#[test]
fn no_figure_of_warm_runs_stands_under_cold() {
    let (mut desktop, mut player) = open_view(ViewId::Monitor, scenes::filled());
    click(&mut desktop, &mut player, "Chart: Targets");
    assert_eq!(row_names(&desktop).len(), BY_MEDIAN.len());
    desktop.get_by_label("Connections: Cold").click();
    // Nobody answers yet.
    desktop.run_steps(6);
    assert_eq!(row_names(&desktop), [""; 0]);
    player.play(&mut desktop);
    assert_eq!(row_names(&desktop).len(), BY_MEDIAN.len());
}

#[test]
fn the_table_of_targets_follows_the_arrow_keys_and_enter() {
    let (mut desktop, mut player) = open_view(ViewId::Monitor, scenes::filled());
    click(&mut desktop, &mut player, "Chart: Targets");
    for key in [Key::ArrowDown, Key::ArrowDown, Key::ArrowDown, Key::ArrowUp] {
        desktop.key_press(key);
        player.play(&mut desktop);
    }
    desktop.key_press(Key::Enter);
    player.play(&mut desktop);
    assert_eq!(desktop.state().app().current(), ViewId::Runs);
    let query = run_queries(&player).pop().unwrap();
    assert_eq!(query.targets, [BY_MEDIAN[1].parse().unwrap()]);
}

#[test]
fn the_chart_and_its_order_are_kept_in_the_next_window() {
    let (mut desktop, mut player) = open_view(ViewId::Monitor, scenes::filled());
    click(&mut desktop, &mut player, "Chart: Targets");
    click(&mut desktop, &mut player, "Sort by Target");
    let before = row_names(&desktop);
    let layout = desktop.state().app().layout();
    let (desktop, player) = open(scenes::filled(), WIDE, Some(&layout));
    assert_eq!(distribution_queries(&player).len(), 1);
    let now = row_names(&desktop);
    let targets = |names: &[String]| -> Vec<String> {
        let of = |name: &String| name.split(": n ").next().unwrap().to_owned();
        names.iter().map(of).collect()
    };
    assert_eq!(targets(&before), targets(&now));
}

#[test]
fn distributions_that_can_not_be_read_say_so() {
    let (mut desktop, mut player) = open_view(ViewId::Monitor, scenes::filled());
    desktop.get_by_label("Chart: Targets").click();
    desktop.run_steps(4);
    player.refuse_distributions("the history file is locked");
    player.play(&mut desktop);
    assert!(shows(&desktop, "the history file is locked"));
    click(&mut desktop, &mut player, "Chart: TTFT");
    assert!(!shows(&desktop, "the history file is locked"));
}

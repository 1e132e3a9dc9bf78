//! The view of load benches: set up, watched, judged, kept.

pub mod asking;

use std::sync::Arc;

use egui::Role;
use egui_kittest::kittest::Queryable as _;
use serde_json::json;
use tokenscope::{
    bench::{BenchId, BenchPlan, BenchSummary, InvalidReason, Load, StopReason},
    engine::{BenchCommand, BenchNews, Command, SavedBenchCommand, Update},
    event::{Fault, FaultClass, Phase},
    settings::ThemeChoice,
};

use super::{
    Desktop, Player, SIZES, WIDE, click, heard, open,
    scenes::{self, bench_progress},
    shows, write_into,
};

/// The view with this kept of it.
pub fn layout(kept: &serde_json::Value) -> String {
    json!({ "view": "bench", "views": { "bench": kept.to_string() } }).to_string()
}

/// The view with a target chosen, and what else is typed.
fn set_up(target: &str, more: &serde_json::Value) -> (Desktop, Player) {
    let (endpoint, model) = target.split_once('/').unwrap();
    let mut draft = json!({ "target": { "endpoint": endpoint, "model": model } });
    for (name, value) in more.as_object().unwrap() {
        draft[name] = value.clone();
    }
    let kept = json!({ "side": "set_up", "draft": draft });
    open(scenes::benched(), WIDE, Some(&layout(&kept)))
}

fn started(player: &Player) -> Vec<(BenchId, BenchPlan)> {
    heard(player, |command| match command {
        Command::Bench(BenchCommand::Start(start)) => Some((start.id, start.plan.clone())),
        _ => None,
    })
}

/// The view with a bench that was just started.
fn running() -> (Desktop, Player, BenchId) {
    let (mut desktop, mut player) = set_up("simulator/steady", &json!({}));
    click(&mut desktop, &mut player, "Start");
    let (id, _) = started(&player)[0];
    (desktop, player, id)
}

fn saved(player: &Player) -> Vec<String> {
    heard(player, |command| match command {
        Command::Bench(BenchCommand::Saved(command)) => Some(match command {
            SavedBenchCommand::List(_) => "list".to_owned(),
            SavedBenchCommand::Open { id, .. } => format!("open {}", id.0),
            SavedBenchCommand::Delete { id, .. } => format!("delete {}", id.0),
            SavedBenchCommand::Report { id, .. } => format!("report {}", id.0),
        }),
        _ => None,
    })
}

/// Tells how a bench goes for so many half seconds.
fn go_on_to(desktop: &mut Desktop, player: &mut Player, id: BenchId, halves: u64) {
    for halves in 0..halves {
        let progress = bench_progress(id, halves);
        player.say(Update::Bench(BenchNews::Progress(progress.into())));
    }
    player.play(desktop);
}

/// Starts what is set up, and tells how it goes for so many half seconds.
#[cfg(feature = "pictures")]
pub fn run_to(desktop: &mut Desktop, player: &mut Player, halves: u64) {
    click(desktop, player, "Start");
    let (id, _) = started(player)[0];
    go_on_to(desktop, player, id, halves);
}

fn say(desktop: &mut Desktop, player: &mut Player, news: BenchNews) {
    player.say(Update::Bench(news));
    player.play(desktop);
}

/// The saved benches with this detail of one of them open, counted from 1.
pub fn open_saved(
    id: usize,
    detail: &str,
    size: (f32, f32),
    theme: ThemeChoice,
) -> (Desktop, Player) {
    let kept = json!({ "side": "saved", "detail": detail });
    let mut scene = scenes::benched();
    scene.settings.appearance.theme = theme;
    let (mut desktop, mut player) = open(scene, size, Some(&layout(&kept)));
    open_row(&mut desktop, &mut player, id);
    (desktop, player)
}

/// Opens a row of the list, counted from 1.
pub fn open_row(desktop: &mut Desktop, player: &mut Player, row: usize) {
    let rows: Vec<_> = desktop
        .query_all_by_label_contains("Open the bench of")
        .collect();
    rows[row - 1].click();
    drop(rows);
    player.play(desktop);
}

#[test]
fn a_bench_is_set_up_watched_stopped_and_judged() {
    let more = json!({ "load": "rate", "per_second": "20", "seconds": "30", "requests": "" });
    let (mut desktop, mut player) = set_up("simulator/steady", &more);
    assert!(shows(&desktop, "About 600 requests, all on this machine"));
    assert!(shows(&desktop, "It costs nothing"));
    click(&mut desktop, &mut player, "Start");
    let [(id, plan)] = &started(&player)[..] else {
        panic!("no question is asked before load to this machine")
    };
    assert_eq!(plan.load.requested_rate(), Some(20.0));
    let id = *id;
    assert!(shows(&desktop, "Opening connections"));
    go_on_to(&mut desktop, &mut player, id, 40);
    for text in [
        "Sent a second",
        "of 20 asked for",
        "Largest lag",
        "Under way",
        "rate limited 4",
    ] {
        assert!(shows(&desktop, text), "{text}");
    }
    assert!(shows(
        &desktop,
        "Requests a second, and under way, over time"
    ));
    click(&mut desktop, &mut player, "\u{e083} Stop");
    let stops = heard(&player, |command| {
        matches!(command, Command::Bench(BenchCommand::Stop)).then_some(())
    });
    assert_eq!(stops.len(), 1);
    let summary = BenchSummary {
        stopped: Some(StopReason::Stopped),
        ..player.scene.benches[0].row.summary.clone().unwrap()
    };
    let over = BenchNews::Over {
        id,
        summary: summary.into(),
        first_fault: Some(Fault::new(
            FaultClass::RateLimited,
            Phase::Headers,
            "slow down",
        )),
    };
    say(&mut desktop, &mut player, over);
    assert!(shows(&desktop, "Valid: this machine kept up"));
    for text in [
        "It was stopped",
        "TTFT from schedule",
        "The first: slow down",
    ] {
        assert!(shows(&desktop, text), "{text}");
    }
    assert!(
        saved(&player).contains(&format!("open {}", id.0)),
        "for its plots"
    );
}

#[test]
fn load_to_another_machine_is_asked_for_first() {
    let (mut desktop, mut player) = set_up("openai/gpt-5-mini", &json!({}));
    assert!(shows(&desktop, "200 requests at most, to another machine"));
    click(&mut desktop, &mut player, "Start");
    assert!(shows(&desktop, "Send this load to another machine?"));
    click(&mut desktop, &mut player, "Send nothing");
    assert!(started(&player).is_empty() && !shows(&desktop, "Send nothing"));
    click(&mut desktop, &mut player, "Start");
    click(&mut desktop, &mut player, "Send the load");
    let [(_, plan)] = &started(&player)[..] else {
        panic!()
    };
    assert_eq!(plan.load, Load::Closed { concurrency: 8 });
    assert!(!shows(&desktop, "Send the load"));
}

#[test]
fn what_is_wrong_is_said_and_nothing_is_started() {
    let (mut desktop, mut player) = set_up("simulator/steady", &json!({}));
    write_into(&mut desktop, &mut player, "Streams at a time", "0");
    assert!(shows(&desktop, "Streams are a number from 1 to 100000"));
    click(&mut desktop, &mut player, "Start");
    assert!(started(&player).is_empty());
    write_into(&mut desktop, &mut player, "Streams at a time", "3");
    click(&mut desktop, &mut player, "Start");
    assert_eq!(started(&player)[0].1.load, Load::Closed { concurrency: 3 });
}

#[test]
fn a_bench_that_could_not_be_run_says_why() {
    let (mut desktop, mut player, id) = running();
    let why = "another bench is running: wait for its end, or stop it";
    let fault = Fault::new(FaultClass::BadRequest, Phase::Prepare, why);
    say(&mut desktop, &mut player, BenchNews::Refused { id, fault });
    assert!(shows(&desktop, why));
    click(&mut desktop, &mut player, "Start");
    assert_eq!(started(&player).len(), 2, "it can be tried again");
}

#[test]
fn a_bench_of_the_history_says_first_whether_it_counts() {
    let (desktop, player) = open_saved(1, "figures", WIDE, ThemeChoice::Dark);
    assert_eq!(saved(&player), ["list", "open 1"]);
    let top = |text: &str| desktop.get_by_label_contains(text).rect().top();
    let verdict = top("Valid: this machine kept up");
    let (start, schedule) = (top("TTFT from start"), top("TTFT from schedule"));
    assert!(verdict < start && start < schedule && schedule - start < 60.0);
    for text in [
        "of 20 asked for",
        "Goodput",
        "of 1\u{202f}200 requests failed",
        "In no figure: 20",
    ] {
        assert!(shows(&desktop, text), "{text}");
    }
}

#[test]
fn a_bench_whose_client_lagged_counts_for_nothing() {
    let (desktop, player) = open_saved(3, "figures", WIDE, ThemeChoice::Dark);
    let found = player.scene.benches[2].row.summary.clone().unwrap();
    assert!(
        matches!(found.invalid[0], InvalidReason::Lagged { .. }),
        "{:?}",
        found.invalid
    );
    assert!(shows(
        &desktop,
        "Invalid: this machine was late, so no figure counts"
    ));
    assert!(!shows(&desktop, "Valid:"));
}

#[test]
fn a_closed_loop_says_what_it_can_not_show() {
    let (desktop, _player) = open_saved(2, "figures", WIDE, ThemeChoice::Dark);
    assert!(shows(&desktop, "cannot show coordinated omission"));
    assert!(!shows(&desktop, "TTFT from schedule"));
}

#[test]
fn one_that_was_cut_off_shows_what_was_stored() {
    let (desktop, _player) = open_saved(4, "figures", WIDE, ThemeChoice::Dark);
    assert!(shows(&desktop, "cut off after 300 requests"));
    assert!(
        shows(&desktop, "TTFT from schedule"),
        "computed from its requests"
    );
}

#[test]
fn each_plot_is_named_and_every_control_has_a_name() {
    let plots = [
        ("over_time", "TTFT from schedule over time"),
        ("spread", "Share of answers by TTFT and total"),
        ("rate", "Requests under way over time"),
        ("lag", "Our own lag over time"),
        ("figures", "P99"),
    ];
    for size in SIZES {
        for theme in [ThemeChoice::Dark, ThemeChoice::Light] {
            for (detail, name) in plots {
                let (desktop, _player) = open_saved(1, detail, size, theme);
                assert!(shows(&desktop, name), "{name}");
                assert_eq!(desktop.unnamed_widgets(), Vec::<String>::new(), "{detail}");
                let plot = desktop.get_by_label(name).rect();
                assert!(
                    plot.bottom() <= size.1 && plot.right() <= size.0,
                    "{detail}: {plot:?}"
                );
            }
        }
    }
}

#[test]
fn times_are_from_schedule_or_from_start() {
    let (mut desktop, mut player) = open_saved(1, "over_time", WIDE, ThemeChoice::Dark);
    click(&mut desktop, &mut player, "Times: From start");
    assert!(shows(&desktop, "TTFT from start over time"));
    click(&mut desktop, &mut player, "Scale: Log");
    let saved = desktop.state().app().layout();
    assert!(saved.contains("log") && saved.contains("start"), "{saved}");
}

#[test]
fn a_plot_tells_what_is_under_the_pointer() {
    let (mut desktop, mut player) = open_saved(1, "over_time", WIDE, ThemeChoice::Dark);
    let rect = desktop.get_by_label("TTFT from schedule over time").rect();
    desktop.hover_at(rect.center());
    player.play(&mut desktop);
    assert!(
        desktop.query_all_by_label_contains("median").count() >= 2,
        "key and tooltip"
    );
}

#[test]
fn a_bench_is_deleted_once_that_is_confirmed() {
    let (mut desktop, mut player) = open_saved(1, "figures", WIDE, ThemeChoice::Dark);
    let delete = |desktop: &mut Desktop, player: &mut Player| {
        let all: Vec<_> = desktop
            .query_all_by_label_contains("Delete the bench of")
            .collect();
        all[0].click();
        drop(all);
        player.play(desktop);
    };
    delete(&mut desktop, &mut player);
    assert!(shows(
        &desktop,
        "Delete this bench and its 1\u{202f}220 requests?"
    ));
    click(&mut desktop, &mut player, "Keep it");
    assert_eq!(saved(&player), ["list", "open 1"]);
    delete(&mut desktop, &mut player);
    click(&mut desktop, &mut player, "Delete the bench");
    assert_eq!(saved(&player), ["list", "open 1", "delete 1", "list"]);
    assert!(shows(&desktop, "No bench is shown"));
}

/// Puts another bench beside the one that is shown.
pub fn put_beside(desktop: &mut Desktop, player: &mut Player) {
    let all: Vec<_> = desktop
        .query_all_by_label_contains("beside the one that is shown")
        .collect();
    all[0].click();
    drop(all);
    player.play(desktop);
}

#[test]
fn two_benches_stand_side_by_side_with_their_intervals() {
    let (mut desktop, mut player) = open_saved(1, "figures", WIDE, ThemeChoice::Dark);
    assert!(desktop.query_by_label("Show: Beside").is_none());
    put_beside(&mut desktop, &mut player);
    assert!(saved(&player).contains(&"open 2".to_owned()));
    for text in [
        "TTFT from start, median",
        "B is higher",
        "Goodput",
        "16 streams",
    ] {
        assert!(shows(&desktop, text), "{text}");
    }
    assert_eq!(desktop.unnamed_widgets(), Vec::<String>::new());
    click(&mut desktop, &mut player, "Show: Spread");
    assert!(shows(&desktop, "A TTFT from start") && shows(&desktop, "B TTFT from start"));
    // The same button again: alone.
    put_beside(&mut desktop, &mut player);
    assert!(desktop.query_by_label("Show: Beside").is_none());
}

#[test]
fn without_a_history_what_was_measured_is_shown_all_the_same() {
    let (mut desktop, mut player, id) = running();
    let summary = Arc::new(player.scene.benches[0].row.summary.clone().unwrap());
    let over = BenchNews::Over {
        id,
        summary,
        first_fault: None,
    };
    say(&mut desktop, &mut player, over);
    // The scene’s history does not have it.
    assert!(shows(&desktop, "Valid: this machine kept up"));
    click(&mut desktop, &mut player, "Show: Rate");
    assert!(shows(&desktop, "nothing to draw"));
}

#[test]
fn the_panel_at_the_side_can_be_closed() {
    let (mut desktop, mut player) = set_up("simulator/steady", &json!({}));
    let is_pressed = |desktop: &Desktop| {
        let node = desktop.get_by_role_and_label(Role::Button, "Set up a bench");
        super::is_on(&node)
    };
    assert!(is_pressed(&desktop));
    click(&mut desktop, &mut player, "Set up a bench");
    assert!(!shows(&desktop, "Streams at a time"));
    let layout = desktop.state().app().layout();
    let (desktop, _player) = open(scenes::benched(), WIDE, Some(&layout));
    assert!(!shows(&desktop, "Streams at a time"), "as it was left");
    assert!(shows(&desktop, "No bench is shown"));
}

//! The monitor's charts of distributions.

use egui::Role;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use tokenscope::{
    desktop::view::ViewId,
    engine::{Command, HistoryCommand},
};

use super::{Desktop, Player, click, heard, open_view, scenes, shows, turn_wheel};

/// The monitor with this chart.
fn chart(name: &str) -> (Desktop, Player) {
    let (mut desktop, mut player) = open_view(ViewId::Monitor, scenes::filled());
    click(&mut desktop, &mut player, &format!("Chart: {name}"));
    (desktop, player)
}

/// The names of the pictures that begin so.
fn pictures(desktop: &Desktop, start: &str) -> Vec<String> {
    let all = desktop.query_all_by_role(Role::Image);
    let names = all.filter_map(|picture| picture.accesskit_node().label());
    names.filter(|name| name.starts_with(start)).collect()
}

/// Moves the pointer down over a picture until a text with this in it is shown.
fn hover_until(desktop: &mut Desktop, player: &mut Player, picture: &str, text: &str) -> bool {
    let rect = desktop.get_by_label_contains(picture).rect();
    (0..40_u8).any(|step| {
        let y = rect.top() + rect.height() * (f32::from(step) + 0.5) / 40.0;
        desktop.hover_at(egui::pos2(rect.center().x, y));
        player.play(desktop);
        shows(desktop, text)
    })
}

#[test]
fn bands_tell_the_percentiles_of_a_bucket_and_their_runs() {
    let (mut desktop, mut player) = chart("Bands");
    let name = "Bands of time to first token over time";
    assert_eq!(pictures(&desktop, "Bands of").len(), 1);
    assert!(desktop.query_by_label("Scale: Log").is_some());
    assert!(hover_until(&mut desktop, &mut player, name, ", n "));
    assert!(shows(&desktop, "P50 "));
    assert!(!shows(&desktop, "P99 "), "one run a minute is too few");
}

#[test]
fn a_heat_map_of_each_target_tells_its_hours() {
    let (mut desktop, mut player) = chart("Hours");
    let maps = pictures(&desktop, "Heat map of ");
    assert_eq!(maps.len(), 5, "{maps:#?}");
    assert!(maps.iter().all(|name| name.contains(". Lowest: ")));
    assert!(
        desktop.query_by_label("Scale: Log").is_none(),
        "colours, no axis"
    );
    click(&mut desktop, &mut player, "Hide ollama/gemma3:270m");
    let maps = pictures(&desktop, "Heat map of ");
    assert_eq!(maps.len(), 4, "{maps:#?}");
    assert!(maps.iter().all(|name| !name.contains("ollama/")));
}

#[test]
fn spread_tells_which_share_of_the_runs_was_that_fast() {
    let (mut desktop, mut player) = chart("Spread");
    let name = "Share of runs by time to first token";
    assert_eq!(pictures(&desktop, name).len(), 1);
    let told = " of the runs took at most ";
    assert!(hover_until(&mut desktop, &mut player, name, told));
}

#[test]
fn errors_are_counted_by_class_for_the_targets_that_are_shown() {
    let (mut desktop, mut player) = chart("Errors");
    assert_eq!(
        pictures(&desktop, "Share of failed runs over time").len(),
        1
    );
    assert!(
        desktop.query_by_label("Connections: Cold").is_none(),
        "outcomes are of all connections"
    );
    let failures = |run: &&tokenscope::run::Run| {
        let fault = run.answer.fault.as_ref();
        fault.is_some_and(|fault| !fault.class.is_no_failure())
    };
    let of = |player: &Player, is_counted: fn(&str) -> bool| {
        let runs = player.scene.runs.iter();
        let failed = runs
            .filter(failures)
            .filter(|run| is_counted(&run.head.target.endpoint));
        format!("{} of ", failed.count())
    };
    let all = of(&player, |_| true);
    assert_ne!(all, "0 of ");
    let told = |desktop: &Desktop| {
        let label = desktop.get_by_label_contains(" runs failed");
        label
            .accesskit_node()
            .value()
            .or(label.accesskit_node().label())
    };
    assert!(told(&desktop).unwrap().starts_with(&all));
    click(&mut desktop, &mut player, "Hide openai/gpt-5-mini");
    let others = of(&player, |endpoint| endpoint != "openai");
    assert!(told(&desktop).unwrap().starts_with(&others));
}

#[test]
fn phases_are_stacked_for_each_target_and_never_mix_cold_with_warm() {
    let (mut desktop, mut player) = chart("Phases");
    let plots = pictures(&desktop, "Phases of ");
    assert_eq!(plots.len(), 5, "{plots:#?}");
    let name = "Phases of openai/gpt-5-mini over time";
    assert!(hover_until(
        &mut desktop,
        &mut player,
        name,
        "Until first byte "
    ));
    assert!(shows(&desktop, ", n "));
    assert!(!shows(&desktop, "TLS"), "a warm run has no handshake");
    assert!(desktop.query_by_label("Scale: Log").is_none());
    click(&mut desktop, &mut player, "Connections: Cold");
    assert!(shows(&desktop, "TLS"));
    click(&mut desktop, &mut player, "Only openai/gpt-5-mini");
    let plots = pictures(&desktop, "Phases of ");
    assert_eq!(plots, [name]);
}

/// From and to, in nanoseconds since 1970.
type Stretch = (Option<i64>, Option<i64>);

/// The stretches that the history was asked for last, by the plot and by each chart.
fn stretches(player: &Player) -> [Option<Stretch>; 3] {
    let last = |of: fn(&HistoryCommand) -> Option<Stretch>| {
        let asked = heard(player, |command| match command {
            Command::History(command) => of(command),
            _ => None,
        });
        asked.last().copied()
    };
    [
        last(|command| match command {
            HistoryCommand::Series { query, .. } => Some((query.from_unix_ns, query.to_unix_ns)),
            _ => None,
        }),
        last(|command| match command {
            HistoryCommand::Distributions { query, .. } => {
                Some((query.from_unix_ns, query.to_unix_ns))
            }
            _ => None,
        }),
        last(|command| match command {
            HistoryCommand::Phases { query, .. } => Some((query.from_unix_ns, query.to_unix_ns)),
            _ => None,
        }),
    ]
}

#[test]
fn charts_over_time_zoom_by_the_wheel_and_share_what_they_show() {
    for (name, picture) in [
        ("Bands", "Bands of time to first token over time"),
        ("Errors", "Share of failed runs over time"),
        ("Phases", "Phases of openai/gpt-5-mini over time"),
    ] {
        let (mut desktop, mut player) = chart(name);
        if name == "Phases" {
            click(&mut desktop, &mut player, "Only openai/gpt-5-mini");
        }
        assert!(!shows(&desktop, "Reset zoom"));
        turn_wheel(&mut desktop, &mut player, picture);
        assert!(shows(&desktop, "Reset zoom"), "{name}");
        let [plot, distributions, phases] = stretches(&player);
        let zoomed = plot.unwrap();
        let seconds = (zoomed.1.unwrap() - zoomed.0.unwrap()) / 1_000_000_000;
        assert!((600..3_000).contains(&seconds), "{name}: {seconds}");
        assert_eq!(phases.or(distributions), Some(zoomed), "{name}");
        for other in ["Errors", "Phases", "TTFT", "Bands"] {
            click(&mut desktop, &mut player, &format!("Chart: {other}"));
            assert!(shows(&desktop, "Reset zoom"), "{other}");
        }
        assert_eq!(stretches(&player), [Some(zoomed); 3]);
        desktop.get_by_label_contains("Reset zoom").click();
        player.play(&mut desktop);
        assert_eq!(stretches(&player)[0].unwrap().1, None, "{name}");
    }
}

#[test]
fn the_hours_of_the_week_are_blank_until_they_are_known() {
    let (mut desktop, mut player) = chart("Bands");
    desktop.get_by_label("Chart: Hours").click();
    // Nobody answers yet.
    desktop.run_steps(6);
    assert_eq!(pictures(&desktop, "Heat map of "), [""; 0]);
    player.play(&mut desktop);
    assert_eq!(pictures(&desktop, "Heat map of ").len(), 5);
    assert!(shows(&desktop, "The stronger the colour, the slower"));
}

#[test]
fn the_key_explains_the_plot_of_single_runs_alone() {
    let (mut desktop, mut player) = chart("TTFT");
    let key = "failed run, not in any median";
    assert!(shows(&desktop, key));
    for name in ["Bands", "Phases", "Spread", "Hours", "Errors"] {
        click(&mut desktop, &mut player, &format!("Chart: {name}"));
        assert!(!shows(&desktop, key), "{name}");
    }
}

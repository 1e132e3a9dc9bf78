//! The view of comparisons: verdicts first, details, saved ones, what runs, and answers to mark.

mod marking;
mod set_up;

use egui::Role;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use tokenscope::{
    compare::ComparisonId,
    desktop::view::ViewId,
    engine::{Command, CompareCommand, CompareNews, Update},
    settings::ThemeChoice,
};

use super::{
    Desktop, Player, SIZES, click, heard, layout_of, open, open_view, scenes, shows, write_into,
};
use crate::desktop::{player::reply_to, scenes::Scene};

/// The view with the list of saved comparisons.
fn saved(scene: Scene) -> (Desktop, Player) {
    let (mut desktop, mut player) = open_view(ViewId::Compare, scene);
    click(&mut desktop, &mut player, "Saved comparisons");
    (desktop, player)
}

/// Opens the saved comparison in whose name this stands.
fn open_saved(desktop: &mut Desktop, player: &mut Player, of: &str) {
    desktop
        .get_by_label_contains(&format!("Comparison of {of}"))
        .click();
    player.play(desktop);
}

/// The comparison of two targets over both kinds of connection.
fn opened() -> (Desktop, Player) {
    let (mut desktop, mut player) = saved(scenes::compared());
    open_saved(
        &mut desktop,
        &mut player,
        "openai/gpt-5-mini and gateway/gpt-5-mini",
    );
    (desktop, player)
}

/// What the engine was told of comparisons, but for lists.
fn told(player: &Player) -> Vec<String> {
    heard(player, |command| match command {
        Command::Compare(CompareCommand::Start(_)) => Some("start".to_owned()),
        Command::Compare(CompareCommand::Resume(id)) => Some(format!("resume {id}")),
        Command::Compare(CompareCommand::Stop) => Some("stop".to_owned()),
        Command::Compare(CompareCommand::Open { id, .. }) => Some(format!("open {id}")),
        Command::Compare(CompareCommand::Mark {
            round, arm, mark, ..
        }) => Some(format!("mark {round} {arm} {mark:?}")),
        Command::Compare(CompareCommand::Delete { id, .. }) => Some(format!("delete {id}")),
        Command::Compare(CompareCommand::Report { id, .. }) => Some(format!("report {id}")),
        _ => None,
    })
}

/// The place from the top of the first thing in whose name this stands.
fn top_of(desktop: &Desktop, text: &str) -> f32 {
    let found = desktop.query_all_by_label_contains(text);
    found
        .map(|node| node.rect().top())
        .reduce(f32::min)
        .unwrap()
}

#[test]
fn no_row_of_a_saved_comparison_covers_another() {
    let (desktop, _player) = saved(scenes::compared());
    let rows = desktop.query_all_by_label_contains("Comparison of ");
    let mut rects: Vec<_> = rows.map(|row| row.rect()).collect();
    rects.sort_by(|one, other| one.top().total_cmp(&other.top()));
    assert_eq!(rects.len(), 3);
    for pair in rects.windows(2) {
        assert!(pair[0].bottom() <= pair[1].top(), "{rects:?}");
    }
}

#[test]
fn a_comparison_that_is_being_read_is_said_to_be() {
    let (mut desktop, mut player) = saved(scenes::compared());
    let row = "Comparison of openai/gpt-5-mini and gateway/gpt-5-mini";
    desktop.get_by_label_contains(row).click();
    desktop.run_steps(6);
    assert!(shows(&desktop, "Opening…") && !shows(&desktop, "Which one is faster?"));
    player.play(&mut desktop);
    assert!(!shows(&desktop, "Opening…") && shows(&desktop, "B is faster"));
}

#[test]
fn verdicts_come_first_in_sentences_cold_and_warm_apart() {
    let (desktop, player) = opened();
    assert_eq!(told(&player), ["open 77"]);
    let faster = "B is faster by 118 ms (95 % interval";
    let found: Vec<_> = desktop.query_all_by_label_contains(faster).collect();
    assert!(
        found.len() >= 3,
        "each kind of connection, and the details: {}",
        found.len()
    );
    for kind in ["Median TTFT, cold", "Median TTFT, warm"] {
        assert!(shows(&desktop, kind), "{kind}");
    }
    assert!(top_of(&desktop, faster) < top_of(&desktop, "Detail: Verdicts"));
    assert!(
        shows(&desktop, "about 140 more pairs"),
        "what can't be told says what it takes"
    );
    assert!(shows(&desktop, "B fails more often: 7.0 % against 0.0 %"));
}

#[test]
fn each_verdict_tells_how_it_was_made_and_what_is_left_out_is_counted() {
    let (mut desktop, mut player) = opened();
    let verdict = desktop
        .query_all_by_label_contains("B is faster by 118 ms")
        .next();
    let at = verdict.unwrap().rect().center();
    desktop.hover_at(at);
    player.play(&mut desktop);
    assert!(shows(&desktop, "Median TTFT, cold: B against A"));
    assert!(shows(
        &desktop,
        "95 % interval \u{2212}150 ms to \u{2212}88 ms"
    ));
    assert!(
        shows(&desktop, "Conover 1999") || shows(&desktop, "Howard"),
        "its method is cited"
    );
    let left_out = desktop
        .query_all_by_label_contains("Left out of B’s times: ")
        .next();
    let left_out = left_out.unwrap();
    left_out.scroll_to_me();
    player.play(&mut desktop);
    assert!(shows(&desktop, "failed (") && shows(&desktop, "rate limited"));
    assert!(shows(&desktop, "late here"));
}

#[test]
fn the_connections_of_the_details_are_chosen_where_there_are_both() {
    let (mut desktop, mut player) = opened();
    let pairs = |desktop: &Desktop, kind: &str| shows(desktop, kind);
    assert!(pairs(&desktop, "pairs cold") && pairs(&desktop, "pairs warm"));
    click(&mut desktop, &mut player, "Detail: Phases");
    assert!(
        !shows(&desktop, "Phases of A: DNS"),
        "warm at first: there are no handshakes"
    );
    click(&mut desktop, &mut player, "Connections: Cold");
    assert!(shows(&desktop, "Phases of A: DNS 12 ms, TCP "));
    let layout = desktop.state().app().layout();
    let (mut desktop, mut player) = open(scenes::compared(), SIZES[0], Some(&layout));
    open_saved(
        &mut desktop,
        &mut player,
        "openai/gpt-5-mini and gateway/gpt-5-mini",
    );
    assert!(
        shows(&desktop, "Phases of A: DNS 12 ms"),
        "kept in the next window"
    );
}

/// The names of the pictures.
fn pictures(desktop: &Desktop) -> Vec<String> {
    let all = desktop.query_all_by_role(Role::Image);
    all.filter_map(|picture| picture.accesskit_node().label())
        .collect()
}

#[test]
fn plots_show_each_figure_and_a_pair_is_read_and_opened() {
    let (mut desktop, mut player) = opened();
    for (detail, name) in [
        ("Spread", "Share of runs by TTFT"),
        ("Q–Q", "Quantiles of TTFT of each arm against those of A"),
        ("Over time", "Paired differences of TTFT over time"),
    ] {
        click(&mut desktop, &mut player, &format!("Detail: {detail}"));
        assert_eq!(pictures(&desktop), [name]);
    }
    let plot = desktop
        .get_by_label("Paired differences of TTFT over time")
        .rect();
    let points = (0..4_000_u16).map(|step| {
        let (column, row) = (f32::from(step % 100), f32::from(step / 100));
        plot.min + egui::vec2(plot.width() * column / 100.0, plot.height() * row / 40.0)
    });
    let mut found = None;
    for at in points {
        desktop.hover_at(at);
        desktop.run_steps(1);
        if shows(&desktop, "Click to open the run of B") {
            found = Some(at);
            break;
        }
    }
    let at = found.expect("a pair under the pointer");
    assert!(shows(&desktop, "B against A: "));
    desktop.drag_at(at);
    desktop.drop_at(at);
    player.play(&mut desktop);
    assert_eq!(desktop.state().app().current(), ViewId::Runs);
}

#[test]
fn another_figure_of_the_plots_is_chosen() {
    let (mut desktop, mut player) = opened();
    click(&mut desktop, &mut player, "Detail: Spread");
    let figures = desktop.query_all_by_label_contains("Figure: ");
    let names: Vec<String> = figures
        .filter_map(|node| node.accesskit_node().label())
        .collect();
    assert_eq!(names.len(), 3, "{names:?}");
    click(&mut desktop, &mut player, &names[2]);
    let figure = names[2].trim_start_matches("Figure: ");
    assert_eq!(pictures(&desktop), [format!("Share of runs by {figure}")]);
}

#[test]
fn the_articles_table_has_each_cell_or_why_it_was_not_measured() {
    let (mut desktop, mut player) = opened();
    click(&mut desktop, &mut player, "Detail: Table");
    for row in ["Packet loss", "P99 TTFT", "Connection stability", "Gain"] {
        assert!(shows(&desktop, row), "{row}");
    }
    let cell = desktop.query_all_by_label("not measured").next().unwrap();
    let at = cell.rect().center();
    desktop.hover_at(at);
    player.play(&mut desktop);
    assert!(shows(
        &desktop,
        "it takes 100 measured runs, and there are "
    ));
}

#[test]
fn a_comparison_that_was_cut_off_is_resumed_and_one_that_is_over_is_not() {
    let (mut desktop, mut player) = opened();
    assert!(!shows(&desktop, "Resume"));
    open_saved(&mut desktop, &mut player, "deepseek");
    assert!(shows(&desktop, "It was cut off, and can be resumed"));
    desktop.get_by_label_contains("Resume").click();
    player.play(&mut desktop);
    assert_eq!(told(&player).last().unwrap(), "resume 76");
    let why = "another process runs it: wait for its end, or end that process";
    player.say(Update::Compare(CompareNews::Refused(why.into())));
    player.play(&mut desktop);
    assert!(shows(&desktop, why));
    click(&mut desktop, &mut player, "Close this notice");
    assert!(!shows(&desktop, why));
}

#[test]
fn what_runs_is_followed_and_stopped_first_gently_then_at_once() {
    let (mut desktop, mut player) = open_view(ViewId::Compare, scenes::comparing());
    assert!(shows(&desktop, "Asking B"));
    assert!(shows(&desktop, "pairs warm"));
    assert!(shows(&desktop, "$0.0"), "what it cost so far");
    desktop.get_by_label_contains("Stop").click();
    player.play(&mut desktop);
    assert!(shows(&desktop, "then it stops"));
    desktop.get_by_label_contains("Stop at once").click();
    player.play(&mut desktop);
    assert_eq!(told(&player), ["stop", "stop"]);
    let over = player.scene.comparisons[0].clone();
    player.say(Update::Compare(CompareNews::Ended(Box::new(over))));
    player.play(&mut desktop);
    assert!(!shows(&desktop, "Asking B") && shows(&desktop, "It is settled"));
}

#[test]
fn a_saved_one_may_be_read_while_another_runs() {
    let (mut desktop, mut player) = saved(scenes::comparing());
    open_saved(&mut desktop, &mut player, "deepseek");
    assert!(shows(&desktop, "It was cut off"));
    let resume = desktop.get_by_label_contains("Resume");
    assert!(resume.accesskit_node().is_disabled(), "one runs at a time");
    // News of the other one does not take its place.
    let news = player.scene.comparing.clone().unwrap();
    player.say(Update::Compare(CompareNews::Is(Box::new(news))));
    player.play(&mut desktop);
    assert!(shows(&desktop, "It was cut off"));
    open_saved(
        &mut desktop,
        &mut player,
        "openai/gpt-5-mini and gateway/gpt-5-mini",
    );
    assert!(shows(&desktop, "Asking B"));
}

#[test]
fn it_is_deleted_once_that_is_confirmed() {
    let (mut desktop, mut player) = opened();
    let delete = |desktop: &mut Desktop, player: &mut Player| {
        click(desktop, player, "More for this comparison");
        click(desktop, player, "Delete…");
    };
    delete(&mut desktop, &mut player);
    click(&mut desktop, &mut player, "Keep it");
    assert_eq!(told(&player), ["open 77"]);
    delete(&mut desktop, &mut player);
    click(&mut desktop, &mut player, "Delete the comparison");
    assert_eq!(told(&player).last().unwrap(), "delete 77");
    player.scene.comparisons.remove(0);
    for command in &mut player.heard {
        if let Command::Compare(CompareCommand::Delete { reply, .. }) = command {
            reply_to(reply, Ok(true));
        }
    }
    for _ in 0..4 {
        player.play(&mut desktop);
    }
    assert!(
        !shows(&desktop, "B is faster")
            && !shows(
                &desktop,
                "Comparison of openai/gpt-5-mini and gateway/gpt-5-mini,"
            )
    );
    assert!(shows(&desktop, "Which one is faster?"));
}

#[test]
fn a_report_is_written_where_the_user_says_and_a_failure_is_told() {
    let (mut desktop, mut player) = opened();
    desktop.get_by_label_contains("Report…").click();
    player.play(&mut desktop);
    write_into(&mut desktop, &mut player, "File", "/tmp/r.html");
    click(&mut desktop, &mut player, "Write it");
    let paths = heard(&player, |command| match command {
        Command::Compare(CompareCommand::Report { id, to, .. }) => Some((*id, to.clone())),
        _ => None,
    });
    assert_eq!(paths, [(ComparisonId(77), "/tmp/r.html".into())]);
    let answer = |player: &mut Player, answer: Result<(), String>| {
        for command in &mut player.heard {
            if let Command::Compare(CompareCommand::Report { reply, .. }) = command {
                reply_to(reply, answer.clone());
            }
        }
    };
    answer(&mut player, Err("the disk is full".into()));
    player.play(&mut desktop);
    assert!(shows(&desktop, "Not written: the disk is full"));
    click(&mut desktop, &mut player, "Write it");
    answer(&mut player, Ok(()));
    player.play(&mut desktop);
    assert!(shows(&desktop, "The report is written to /tmp/r.html"));
    assert!(!shows(&desktop, "Write it"));
}

#[test]
fn every_detail_draws_in_every_theme_and_size_with_a_name_for_each_control() {
    let details = [
        "Verdicts",
        "Over time",
        "Spread",
        "Q–Q",
        "Phases",
        "Table",
        "Answers",
    ];
    for (scene, of) in [
        (
            scenes::compared(),
            "openai/gpt-5-mini and gateway/gpt-5-mini",
        ),
        (
            scenes::compared(),
            "openai/gpt-5-mini and gateway/an-organisation",
        ),
        (
            scenes::comparing(),
            "openai/gpt-5-mini and gateway/gpt-5-mini",
        ),
    ] {
        for theme in [ThemeChoice::Dark, ThemeChoice::Light] {
            for size in SIZES {
                let mut scene = scene.clone();
                scene.settings.appearance.theme = theme;
                let (mut desktop, mut player) =
                    open(scene, size, Some(&layout_of(ViewId::Compare)));
                click(&mut desktop, &mut player, "Saved comparisons");
                open_saved(&mut desktop, &mut player, of);
                for detail in details {
                    click(&mut desktop, &mut player, &format!("Detail: {detail}"));
                    assert_eq!(desktop.unnamed_widgets(), Vec::<String>::new(), "{detail}");
                    for role in [Role::Label, Role::Image, Role::RadioButton, Role::Button] {
                        for node in desktop.query_all_by_role(role) {
                            let (right, named) = (node.rect().right(), node.accesskit_node());
                            let name = named.label().or(named.value());
                            assert!(right <= size.0 + 1.0, "{detail} {size:?}: {name:?}");
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn a_comparison_at_rest_asks_for_no_frame() {
    for detail in ["Verdicts", "Over time", "Answers"] {
        let (mut desktop, mut player) = opened();
        click(&mut desktop, &mut player, &format!("Detail: {detail}"));
        desktop.run_steps(4);
        let viewports = &desktop.output().viewport_output;
        let delay = viewports
            .values()
            .map(|viewport| viewport.repaint_delay)
            .min();
        assert_eq!(delay, Some(std::time::Duration::MAX), "{detail}");
    }
}

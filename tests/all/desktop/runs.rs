//! The view of runs: its table, the details of a run, exports.

use egui::{Key, Role};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use tokenscope::{
    desktop::view::ViewId,
    engine::{Command, ExportStep, HistoryCommand, RunCommand, RunNews, Steps, Update},
    history::{Deletion, DeletionCount, ExportFormat, OutcomeFilter, SortColumn},
    run::{Run, RunId},
};

use super::{
    Desktop, Player, WIDE, click, click_row, heard, is_on, open, open_view, press, run_queries,
    scenes, shows, type_into,
    wire::{drop_file, file_of},
};
use crate::deadline;

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
    assert!(shows(&desktop, "Latency"));
    desktop.get_by_label("Copy: answer").scroll_to_me();
    desktop.run_steps(30);
    assert!(shows(&desktop, "A hash map is like a wall"));
    click(&mut desktop, &mut player, "Close the inspector");
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
    assert!(desktop.query_by_label("Close the inspector").is_none());
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
    deadline::until_true("the folder for documents", || {
        player.play(&mut desktop);
        !desktop
            .get_by_label("Export")
            .accesskit_node()
            .is_disabled()
    });
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

    export(&player).send(ExportStep::Written {
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
    export(&player).send(ExportStep::Over(Err("the disk is full".into())));
    player.play(&mut desktop);
    assert!(
        shows(&desktop, "the disk is full"),
        "the dialog stays and says why"
    );
    click(&mut desktop, &mut player, "Export");
    export(&player).send(ExportStep::Over(Ok(64)));
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

/// The runs that the engine was asked to delete.
fn deletions(player: &Player) -> Vec<Deletion> {
    heard(player, |command| match command {
        Command::History(HistoryCommand::Delete { deletion, .. }) => Some(deletion.clone()),
        _ => None,
    })
}

/// Answers the latest deletion that was asked for.
fn answer_deletion(player: &mut Player, answer: Result<DeletionCount, String>) {
    let place =
        |command: &Command| matches!(command, Command::History(HistoryCommand::Delete { .. }));
    let place = player.heard.iter().rposition(place).unwrap();
    let Command::History(HistoryCommand::Delete { reply, .. }) = player.heard.remove(place) else {
        unreachable!()
    };
    reply.send(answer);
}

/// Confirms the dialog that deletes a run, and has it deleted.
fn delete_the_run(desktop: &mut Desktop, player: &mut Player) {
    click(desktop, player, "Delete the run");
    let deleted = DeletionCount {
        runs: 1,
        ..DeletionCount::default()
    };
    answer_deletion(player, Ok(deleted));
    player.play(desktop);
}

#[test]
fn a_deleted_run_is_compared_with_no_longer() {
    let (mut desktop, mut player) = open_view(ViewId::Runs, scenes::filled());
    click_row(&mut desktop, &mut player, 0);
    click(&mut desktop, &mut player, "Inspector: Waterfall");
    desktop.get_by_label_contains("Compare with").click();
    player.play(&mut desktop);
    click(&mut desktop, &mut player, "A run in the table…");
    click_row(&mut desktop, &mut player, 1);
    assert!(shows(&desktop, "Stop comparing"));
    // The other run is opened, and deleted.
    click_row(&mut desktop, &mut player, 1);
    click(&mut desktop, &mut player, "Delete the run…");
    delete_the_run(&mut desktop, &mut player);
    click_row(&mut desktop, &mut player, 0);
    assert!(!shows(&desktop, "Stop comparing"));
}

#[test]
fn a_run_behind_a_file_closes_when_it_is_deleted_or_other_runs_are_opened() {
    let scene = scenes::wire();
    let (_folder, path) = file_of(&scene);
    let (mut desktop, mut player) = open_view(ViewId::Runs, scene);
    let is_open = |desktop: &Desktop, name: &str| desktop.query_by_label(name).is_some();
    click_row(&mut desktop, &mut player, 0);
    drop_file(&mut desktop, &mut player, &path);
    press(&mut desktop, &mut player, Key::K);
    let palette = desktop.get_by_label("Command");
    palette.type_text("Delete the selected run");
    player.play(&mut desktop);
    desktop.key_press(Key::Enter);
    player.play(&mut desktop);
    delete_the_run(&mut desktop, &mut player);
    assert!(is_open(&desktop, "from a file"), "the file stays");
    click(&mut desktop, &mut player, "Close the inspector");
    assert!(!is_open(&desktop, "Close the inspector"));

    click_row(&mut desktop, &mut player, 0);
    drop_file(&mut desktop, &mut player, &path);
    press(&mut desktop, &mut player, Key::Num2);
    click(&mut desktop, &mut player, "Chart: Targets");
    let row = desktop.get_all_by_label_contains("Runs of ollama/").next();
    row.unwrap().click();
    player.play(&mut desktop);
    assert_eq!(desktop.state().app().current(), ViewId::Runs);
    assert!(!is_open(&desktop, "Close the inspector"));
}

#[test]
fn the_order_stays_over_a_restart() {
    let (mut desktop, mut player) = open_view(ViewId::Runs, scenes::filled());
    click(&mut desktop, &mut player, "Sort by TTFT");
    let chosen = run_queries(&player).last().unwrap().sort;
    let layout = desktop.state().app().layout();
    let (_desktop, player) = open(scenes::filled(), WIDE, Some(&layout));
    assert_eq!(run_queries(&player).last().unwrap().sort, chosen);
    assert_eq!(chosen.by, SortColumn::Ttft);
}

#[test]
fn all_runs_of_a_filter_are_deleted_once_it_is_known_how_many_they_are() {
    let (mut desktop, mut player) = open_view(ViewId::Runs, scenes::filled());
    let target = player.scene.runs.last().unwrap().head.target.clone();
    let of_target = |run: &&Run| run.head.target == target && run.state.is_over();
    let runs = player.scene.runs.iter().rev().filter(of_target);
    let ids: Vec<RunId> = runs.map(|run| run.head.id).collect();
    let row = desktop.query_all_by_role(Role::Row).next().unwrap();
    row.click_secondary();
    player.play(&mut desktop);
    click(&mut desktop, &mut player, "Show only its target");
    assert_eq!(run_queries(&player).last().unwrap().targets, [target]);
    let all = "Delete all runs of this search and filters…";
    click(&mut desktop, &mut player, all);
    let runs = format!("{} runs", ids.len());
    assert!(shows(&desktop, &format!("Delete the {runs} that match?")));
    assert_eq!(deletions(&player), []);
    click(&mut desktop, &mut player, "Keep them");
    click(&mut desktop, &mut player, all);
    click(&mut desktop, &mut player, &format!("Delete {runs}"));
    assert_eq!(deletions(&player), [Deletion::Runs(ids.clone().into())]);
    let deleted = DeletionCount {
        runs: ids.len() as u64,
        ..DeletionCount::default()
    };
    answer_deletion(&mut player, Ok(deleted));
    player.play(&mut desktop);
    assert!(shows(&desktop, &format!("Deleted {runs}")));
    assert!(!shows(&desktop, "go for good"));
}

#[test]
fn the_menu_of_a_row_opens_the_run_or_asks_to_delete_it() {
    let (mut desktop, mut player) = open_view(ViewId::Runs, scenes::filled());
    let id = player.scene.runs.last().unwrap().head.id;
    let menu = |desktop: &mut Desktop, player: &mut Player| {
        let row = desktop.query_all_by_role(Role::Row).next().unwrap();
        row.click_secondary();
        player.play(desktop);
    };
    menu(&mut desktop, &mut player);
    click(&mut desktop, &mut player, "Delete the run…");
    click(&mut desktop, &mut player, "Delete the run");
    assert_eq!(deletions(&player), [Deletion::run(id)]);
    answer_deletion(&mut player, Err("the disk is full".into()));
    player.play(&mut desktop);
    click(&mut desktop, &mut player, "Keep it");
    menu(&mut desktop, &mut player);
    click(&mut desktop, &mut player, "Open the run");
    assert!(shows(&desktop, "Close the inspector"));
}

#[test]
fn a_run_is_deleted_once_that_is_confirmed() {
    let (mut desktop, mut player) = open_view(ViewId::Runs, scenes::filled());
    let id = player.scene.runs.last().unwrap().head.id;
    desktop.query_all_by_role(Role::Row).next().unwrap().click();
    player.play(&mut desktop);
    click(&mut desktop, &mut player, "Delete the run…");
    assert!(shows(&desktop, "go for good"), "it says what goes");
    click(&mut desktop, &mut player, "Keep it");
    assert!(!shows(&desktop, "go for good"));
    assert_eq!(deletions(&player), []);

    click(&mut desktop, &mut player, "Delete the run…");
    click(&mut desktop, &mut player, "Delete the run");
    assert_eq!(deletions(&player), [Deletion::run(id)]);
    answer_deletion(&mut player, Err("the disk is full".into()));
    player.play(&mut desktop);
    assert!(shows(&desktop, "the disk is full"), "it stays and says why");

    delete_the_run(&mut desktop, &mut player);
    assert!(shows(&desktop, "Deleted the run"));
    assert!(!shows(&desktop, "go for good"));
    assert!(
        !shows(&desktop, "A hash map is like a wall"),
        "its details close"
    );
    let state = desktop.state().app().state();
    assert!(!state.runs.contains_key(&id) && !state.findings.contains_key(&id));
}

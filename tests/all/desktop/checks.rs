//! The view of what was lost between request and answer.

use std::collections::{BTreeMap, BTreeSet};

use egui_kittest::kittest::{NodeT as _, Queryable as _};
use tokenscope::{
    conformance::{self, CHECKS, Check},
    desktop::view::ViewId,
    endpoint::{TargetId, local_gateway},
    engine::{Command, HistoryCommand, RunCommand},
    run::{Run, RunState},
};

use super::{Desktop, Player, click, heard, open_view, scenes};

#[test]
fn a_count_of_what_was_lost_opens_the_latest_run_of_it() {
    let scene = scenes::filled();
    let lost = |run: &&Run| run.head.target.endpoint == "openai" && !run.answer.notes.is_empty();
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

/// Where the one text that begins so stands, in points from the top.
fn top_of(desktop: &Desktop, text: &str) -> f32 {
    desktop.get_by_label(text).rect().top()
}

#[test]
fn findings_come_first_and_of_the_rest_one_line_says_that_all_is_fine() {
    let mut scene = scenes::filled();
    let is_ollama = |run: &Run| run.head.target.endpoint == "ollama";
    (scene.runs).retain(|run| !is_ollama(run) || run.state == RunState::Ok);
    for run in scene.runs.iter_mut().filter(|run| is_ollama(run)) {
        run.answer.model = Some(run.head.target.model.clone());
        run.answer.notes.clear();
    }
    let mut found: BTreeMap<TargetId, BTreeSet<Check>> = BTreeMap::new();
    for run in scene.runs.iter().filter(|run| conformance::tells(run)) {
        let of_target = found.entry(run.head.target.clone()).or_default();
        of_target.extend(conformance::findings(run).iter().map(|one| one.check));
    }
    let (mut desktop, mut player) = open_view(ViewId::Conformance, scene);
    click(&mut desktop, &mut player, "Range: All");
    let (fine, odd): (Vec<_>, Vec<_>) = found.iter().partition(|(_, checks)| checks.is_empty());
    assert!(!fine.is_empty() && !odd.is_empty(), "{found:?}");
    let said_to_be_fine = desktop.query_all_by_label_contains("all fine in ").count();
    assert_eq!(said_to_be_fine, fine.len());
    let name = |target: &TargetId| local_gateway::shown(target);
    for (odd, _) in &odd {
        for (fine, _) in &fine {
            assert!(top_of(&desktop, &name(odd)) < top_of(&desktop, &name(fine)));
        }
    }
    let anywhere: BTreeSet<Check> = found.values().flatten().copied().collect();
    let head = top_of(&desktop, "Answers");
    for check in CHECKS {
        let is_column = desktop
            .query_all_by_label(check.label)
            .any(|label| (label.rect().top() - head).abs() < 3.0);
        assert_eq!(
            is_column,
            anywhere.contains(&check.check),
            "{}",
            check.label
        );
    }
    assert!(desktop.query_by_label("0").is_none());
}

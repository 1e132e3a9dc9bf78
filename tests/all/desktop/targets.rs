//! The monitor's table of targets: bursts, costs, and which columns have room.

use egui::Role;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use tokenscope::{
    desktop::view::ViewId,
    event::{Fault, FaultClass, Phase},
    run::{Run, RunState},
    transport::ConnectionLoss,
};

use super::{Desktop, Player, SIZES, click, layout_of, open, scenes, shows};

fn table(size: (f32, f32)) -> (Desktop, Player) {
    let scene = scenes::buffering_and_priced();
    let (mut desktop, mut player) = open(scene, size, Some(&layout_of(ViewId::Monitor)));
    click(&mut desktop, &mut player, "Chart: Targets");
    (desktop, player)
}

/// What a screen reader says of a target's row.
fn row_of(desktop: &Desktop, target: &str) -> String {
    let start = format!("Runs of {target}: ");
    let rows = desktop.get_all_by_role(Role::Row);
    let mut names = rows.filter_map(|row| row.accesskit_node().label());
    names.find(|name| name.starts_with(&start)).unwrap()
}

/// The heads of the columns that can be sorted, from the left.
fn heads(desktop: &Desktop) -> Vec<(String, egui::Rect)> {
    let heads = desktop.query_all_by_label_contains("Sort by ");
    let heads = heads.map(|head| (head.accesskit_node().label().unwrap(), head.rect()));
    let mut heads: Vec<_> = heads.collect();
    heads.sort_by(|a, b| a.1.left().total_cmp(&b.1.left()));
    heads
}

#[test]
fn bursts_and_todays_costs_are_blank_where_they_are_not_known() {
    let (mut desktop, mut player) = table(SIZES[0]);
    let buffered = row_of(&desktop, "gateway/gpt-5-mini");
    assert!(buffered.contains(", in bursts "), "{buffered}");
    assert!(!buffered.contains("in bursts 0 %"), "{buffered}");
    let plain = row_of(&desktop, "openai/gpt-5-mini");
    assert!(plain.contains(", in bursts 0 %"), "{plain}");
    let unpriced = row_of(&desktop, "deepseek/deepseek-chat");
    assert!(!unpriced.contains(", today "), "{unpriced}");
    // Around midnight nothing may have been spent today.
    if plain.contains(", today ") {
        assert!(plain.contains(", today $"), "{plain}");
        assert!(buffered.contains(", today at least $"), "{buffered}");
        assert!(shows(&desktop, "≥ $"));
    }
    click(&mut desktop, &mut player, "Sort by Burst");
    let first = desktop.get_all_by_role(Role::Row);
    let first = first.min_by(|a, b| a.rect().top().total_cmp(&b.rect().top()));
    let first = first.unwrap().accesskit_node().label().unwrap();
    assert!(first.starts_with("Runs of gateway/"), "{first}");
}

#[test]
fn lost_connections_are_told_with_a_targets_errors() {
    let mut scene = scenes::buffering_and_priced();
    let of_target = |run: &&mut Run| run.head.target.to_string() == "openai/gpt-5-mini";
    let losses = [ConnectionLoss::Reset, ConnectionLoss::HalfOpen];
    for (run, lost) in scene.runs.iter_mut().rev().filter(of_target).zip(losses) {
        run.state = RunState::Fault;
        run.answer.fault = Some(Fault::new(FaultClass::Reset, Phase::Headers, "reset"));
        run.stamps.link.get_or_insert_default().lost = Some(lost);
    }
    let (mut desktop, mut player) = open(scene, SIZES[0], Some(&layout_of(ViewId::Monitor)));
    click(&mut desktop, &mut player, "Chart: Targets");
    let row = row_of(&desktop, "openai/gpt-5-mini");
    let lost = ", connections lost: 1 reset, 1 half open";
    assert!(row.contains(lost), "{row}");
    let other = row_of(&desktop, "gateway/gpt-5-mini");
    assert!(!other.contains("connections lost"), "{other}");
}

#[test]
fn columns_leave_before_the_table_is_wider_than_the_window() {
    let (desktop, _) = table(SIZES[0]);
    let wide = heads(&desktop);
    let (desktop, _) = table(SIZES[1]);
    let narrow = heads(&desktop);
    assert_eq!(wide.len(), 9, "{wide:#?}");
    let names: Vec<&str> = narrow.iter().map(|(name, _)| name.as_str()).collect();
    let expected: Vec<&str> = (wide.iter())
        .map(|(name, _)| name.as_str())
        .filter(|name| *name != "Sort by Last")
        .collect();
    assert_eq!(names, expected);
    for (name, rect) in &narrow {
        assert!(rect.right() <= SIZES[1].0 - 8.0, "{name}: {rect:?}");
    }
}

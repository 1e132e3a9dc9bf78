//! The monitor's charts of distributions.

use egui::Role;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use tokenscope::desktop::view::ViewId;

use super::{Desktop, Player, click, open_view, scenes, shows};

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

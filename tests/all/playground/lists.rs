//! Lists, menus and search fields: what one opens stands at what is chosen, and what destroys stands apart.

use egui::{Key, accesskit::Role};
use egui_kittest::{Harness, kittest::Queryable as _};
use tokenscope::desktop::{theme::Theme, view::Action};

use super::{Rig, answer_all, ask, rig};
use crate::painted;

/// A rig whose simulated endpoint lists a hundred models.
fn rig_of_many() -> Harness<'static, Rig> {
    let mut harness = rig();
    let many: Vec<_> = (0..100).map(|n| format!("model-{n:02}")).collect();
    let many = many.iter().map(String::as_str);
    harness.state_mut().tell_models("simulated", many);
    harness
}

/// Opens the picker of the first pane.
fn open_picker(harness: &mut Harness<'_, Rig>) {
    harness
        .get_by_label_contains("Target of pane 1: simulated/")
        .click();
    harness.run_steps(5);
}

const SEARCH: &str = "Search models, or type a name";

/// Whether a row is wholly in the list below the search field.
fn in_sight(harness: &Harness<'_, Rig>, row: &str) -> bool {
    let search = harness.get_by_label(SEARCH).rect();
    let row = harness.get_by_label(row).rect();
    row.top() >= search.bottom() && row.bottom() <= search.bottom() + 392.0
}

#[test]
fn a_picker_opens_at_what_is_chosen_and_follows_the_keyboard_and_the_search() {
    let mut harness = rig_of_many();
    open_picker(&mut harness);
    assert!(!in_sight(&harness, "simulated/model-80"));
    harness.get_by_label("simulated/model-80").scroll_to_me();
    harness.run_steps(30);
    harness.get_by_label("simulated/model-80").click();
    harness.run_steps(5);
    open_picker(&mut harness);
    assert!(in_sight(&harness, "simulated/model-80"));
    for _ in 0..15 {
        harness.key_press(Key::ArrowDown);
        harness.run_steps(2);
    }
    harness.run_steps(20);
    assert!(in_sight(&harness, "simulated/model-95"));
    harness.get_by_label(SEARCH).type_text("model");
    harness.run_steps(5);
    assert!(in_sight(&harness, "simulated/model-00"), "the first match");
}

#[test]
fn the_pickers_search_field_is_as_wide_as_its_list() {
    let mut harness = rig_of_many();
    open_picker(&mut harness);
    for typed in ["", "model-0"] {
        harness.get_by_label(SEARCH).type_text(typed);
        harness.run_steps(3);
        let search = harness.get_by_label(SEARCH).rect();
        let row = harness.get_by_label("simulated/model-00").rect();
        assert!((search.left() - row.left()).abs() < 1.0, "{typed:?}");
        // Beside the list runs its scroll bar.
        let past = search.right() - row.right();
        assert!((0.0..20.0).contains(&past), "{typed:?}: {past}");
    }
}

#[test]
fn what_destroys_stands_apart_in_its_color() {
    let mut harness = rig();
    let sent = ask(&mut harness, "Go");
    answer_all(&mut harness, &sent, "fine");
    let menus = [
        ("More for pane 1", "Clear this pane"),
        ("More for this turn", "Delete this turn"),
    ];
    for (menu, first) in menus {
        let button = harness.get_all_by_label(menu).next().unwrap();
        button.click();
        harness.run_steps(4);
        let bad = Theme::of(&harness.ctx).bad;
        assert_eq!(painted::text_colors(&harness, first), [bad]);
        let copy = "Copy the conversation as Markdown";
        assert_ne!(painted::text_colors(&harness, copy), [bad]);
        let danger = harness.get_by_label(first).rect();
        let items = harness
            .get_all_by_role(Role::Button)
            .map(|node| node.rect());
        let above = items.filter(|item| {
            (item.left() - danger.left()).abs() < 1.0 && item.bottom() <= danger.top()
        });
        let mut above: Vec<_> = above.map(|item| (item.top(), item.bottom())).collect();
        above.sort_by(|a, b| b.0.total_cmp(&a.0));
        let [last, before, ..] = above[..] else {
            panic!("{menu}: {above:?}");
        };
        let (usual, gap) = (last.0 - before.1, danger.top() - last.1);
        assert!(gap >= usual + 8.0, "{menu}: {gap} after {usual}");
        harness.key_press(Key::Escape);
        harness.run_steps(3);
    }
}

#[test]
fn an_answer_is_inspected_from_its_menu() {
    let mut harness = rig();
    let sent = ask(&mut harness, "Go");
    answer_all(&mut harness, &sent, "fine");
    let more = harness.get_all_by_label("More for this turn").next();
    more.unwrap().click();
    harness.run_steps(4);
    harness.get_by_label("Inspect").click();
    harness.run_steps(2);
    let opened = Action::OpenRun(sent[0].id);
    assert!(harness.state().actions.contains(&opened));
}

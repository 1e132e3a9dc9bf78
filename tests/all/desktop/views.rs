//! Every view: what it draws, what a screen reader is told of it, and how it is reached.

use std::time::Duration;

use egui::{Key, Role};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use tokenscope::{
    desktop::{view::ViewId, views::views},
    settings::ThemeChoice,
    visible::visible,
};

use super::{SIZES, WIDE, layout_of, open, open_view, press, scenes};

#[test]
fn a_screen_reader_is_told_nothing_hidden() {
    const HIDDEN: &str = "m\u{202e}o\u{200b}\u{1b}[2J\u{e0041}";
    let mut scene = scenes::errors();
    for run in &mut scene.runs {
        run.head.target.model.push_str(HIDDEN);
        if let Some(fault) = &mut run.answer.fault {
            fault.message.push_str(HIDDEN);
        }
    }
    for endpoint in &mut scene.settings.endpoints {
        endpoint.label.push_str(HIDDEN);
        endpoint.models = vec![HIDDEN.into()];
    }
    let mut seen = 0;
    for view in views() {
        let (desktop, _player) = open(scene.clone(), WIDE, Some(&layout_of(view.id())));
        for node in desktop.root().children_recursive() {
            let node = node.accesskit_node();
            for told in [
                node.label(),
                node.value(),
                node.data().description().map(Into::into),
            ] {
                let told = told.unwrap_or_default();
                assert_eq!(visible(&told), told, "{} {:?}", view.title(), node.role());
                seen += usize::from(told.contains(&*visible(HIDDEN)));
            }
        }
    }
    assert!(seen > 10, "{seen} names of models and endpoints");
}

#[test]
fn every_view_draws_in_every_theme_size_and_scene() {
    for view in views() {
        for theme in [ThemeChoice::Dark, ThemeChoice::Light] {
            for size in SIZES {
                for mut scene in [
                    scenes::empty(),
                    scenes::filled(),
                    scenes::errors(),
                    scenes::chinese(),
                    scenes::busy_gateway(),
                    scenes::long_names(),
                    scenes::chinese_gateway(),
                ] {
                    scene.settings.appearance.theme = theme;
                    let (desktop, _player) = open(scene, size, Some(&layout_of(view.id())));
                    assert_eq!(desktop.state().app().current(), view.id());
                    assert_eq!(
                        desktop.unnamed_widgets(),
                        Vec::<String>::new(),
                        "{} {theme:?}",
                        view.title()
                    );
                }
            }
        }
    }
}

#[test]
fn a_window_at_rest_asks_for_no_frame() {
    for view in views() {
        let (mut desktop, _player) = open_view(view.id(), scenes::filled());
        desktop.run_steps(4);
        let delay = desktop
            .output()
            .viewport_output
            .values()
            .map(|v| v.repaint_delay)
            .min();
        assert_eq!(delay, Some(Duration::MAX), "{}", view.title());
    }
}

#[test]
fn views_are_reached_by_the_rail_and_by_keys() {
    let (mut desktop, mut player) = open_view(ViewId::Playground, scenes::filled());
    for (view, key) in views()
        .iter()
        .zip([Key::Num1, Key::Num2, Key::Num3, Key::Num4])
        .rev()
    {
        press(&mut desktop, &mut player, key);
        assert_eq!(desktop.state().app().current(), view.id());
    }
    for view in views() {
        desktop
            .get_by_role_and_label(Role::Tab, view.title())
            .click();
        player.play(&mut desktop);
        assert_eq!(desktop.state().app().current(), view.id());
    }
}

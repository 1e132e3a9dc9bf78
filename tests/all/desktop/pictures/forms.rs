//! Pictures of the settings' forms for alerts, and for what the history keeps.

use egui_kittest::kittest::Queryable as _;
use tokenscope::settings::ThemeChoice;

use super::{
    super::{Desktop, SIZES, scenes, write_into},
    Detail, picture,
};

#[test]
#[ignore = "draws; look at target/pictures"]
fn pictures_of_alerts_and_limits() {
    let alerts = r#"{"view":"settings","views":{"settings":"\"alerts\""}}"#;
    let data = r#"{"view":"settings","views":{"settings":"\"data\""}}"#;
    let all: [Detail<'_>; 7] = [
        ("alerts-none", alerts, scenes::filled, |_, _| ()),
        ("alerts-list", alerts, scenes::watched, |_, _| ()),
        ("alerts-form", alerts, scenes::watched, |desktop, _| {
            desktop.get_by_label("Edit slow").click();
        }),
        (
            "alerts-tried",
            alerts,
            scenes::watched,
            |desktop, player| {
                desktop.get_by_label("Edit 不可用").click();
                player.play(desktop);
                desktop.get_by_label("Try on the past").click();
                player.play(desktop);
                desktop.get_by_label("Try on the past").scroll_to_me();
            },
        ),
        (
            "alerts-problems",
            alerts,
            scenes::filled,
            |desktop, player| {
                desktop.get_by_label_contains("Add an alert").click();
                player.play(desktop);
                write_into(desktop, player, "Quiet hours", "at night");
                write_into(desktop, player, "Webhook", "https://hooks.example/secret");
                show_and_click(desktop, "Save");
            },
        ),
        ("data-problems", data, scenes::filled, |desktop, player| {
            write_into(desktop, player, "Probes one by one: days", "0");
        }),
        ("data-delete", data, scenes::filled, |desktop, player| {
            show_and_click(desktop, "Delete from the history…");
            player.play(desktop);
            write_into(desktop, player, "First day (UTC)", "2026-11-28");
            desktop.get_by_label("Count").click();
        }),
    ];
    for (name, layout, scene, prepare) in all {
        for theme in [ThemeChoice::Dark, ThemeChoice::Light] {
            for size in SIZES {
                picture(scene(), theme, size, layout, name, prepare);
            }
        }
    }
}

/// Scrolls to a button, as one would in a small window, and clicks it.
fn show_and_click(desktop: &mut Desktop, name: &str) {
    desktop.get_by_label(name).scroll_to_me();
    desktop.run_steps(20);
    desktop.get_by_label(name).click();
}

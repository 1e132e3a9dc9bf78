//! The forms of the settings for what the history keeps, and for deleting.

use egui_kittest::kittest::{NodeT as _, Queryable as _};
use tokenscope::{
    engine::{Command, HistoryCommand},
    history::Deletion,
    settings::{CaptureLimits, Measuring, SettingsEdit, retention::Retention},
};

use super::{Desktop, Player, click, edits, field, heard, open, scenes, shows, write_into};

const DATA: &str = r#"{"view":"settings","views":{"settings":"\"data\""}}"#;

fn open_data() -> (Desktop, Player) {
    open(scenes::filled(), super::WIDE, Some(DATA))
}

#[test]
fn what_is_used_and_what_is_kept_is_shown() {
    let (desktop, _player) = open_data();
    assert!(shows(&desktop, "96.0 MiB") && shows(&desktop, "41.0 of 512 MiB, of 320 runs"));
    for (name, value) in [
        ("Captures: MiB at most", "512"),
        ("Captures: days at most", "30"),
        ("Probes one by one: days", "14"),
        ("Free checks one by one: days", "3"),
        ("Late here: percent of TTFT", "10"),
    ] {
        assert_eq!(
            field(&desktop, name).value().as_deref(),
            Some(value),
            "{name}"
        );
    }
}

#[test]
fn only_what_was_changed_is_saved_and_a_wrong_number_is_explained_beside_its_field() {
    let (mut desktop, mut player) = open_data();
    write_into(&mut desktop, &mut player, "Probes one by one: days", "0");
    assert!(shows(&desktop, "A whole number from 1 to 36500"));
    click(&mut desktop, &mut player, "Save");
    assert!(edits(&player).is_empty(), "not with such a number");
    write_into(&mut desktop, &mut player, "Probes one by one: days", "60");
    write_into(&mut desktop, &mut player, "Captures: MiB at most", "2048");
    click(&mut desktop, &mut player, "Save");
    assert_eq!(
        edits(&player),
        [
            SettingsEdit::Captures(CaptureLimits {
                mib: 2_048,
                days: 30
            }),
            SettingsEdit::Retention(Retention {
                probes_days: 60,
                checks_days: 3
            }),
        ]
    );
    write_into(
        &mut desktop,
        &mut player,
        "Late here: percent of TTFT",
        "25",
    );
    click(&mut desktop, &mut player, "Undo");
    assert_eq!(
        field(&desktop, "Captures: MiB at most").value().as_deref(),
        Some("512")
    );
    write_into(
        &mut desktop,
        &mut player,
        "Late here: percent of TTFT",
        "25",
    );
    click(&mut desktop, &mut player, "Save");
    let last = edits(&player).pop().unwrap();
    assert_eq!(
        last,
        SettingsEdit::Measuring(Measuring { late_share: 0.25 })
    );
}

#[test]
fn a_number_that_is_only_written_otherwise_is_no_change() {
    let (mut desktop, mut player) = open_data();
    for same in ["14 ", "014"] {
        write_into(&mut desktop, &mut player, "Probes one by one: days", same);
        assert!(
            desktop.get_by_label("Save").accesskit_node().is_disabled(),
            "{same:?}"
        );
        assert!(desktop.query_by_label("Undo").is_none(), "{same:?}");
    }
}

#[test]
fn nothing_is_deleted_before_it_was_counted() {
    let (mut desktop, mut player) = open_data();
    click(&mut desktop, &mut player, "Delete from the history…");
    assert!(shows(&desktop, "Name a target, or a day"));
    assert!(desktop.query_by_label("Delete it for good").is_none());
    write_into(&mut desktop, &mut player, "First day (UTC)", "2026-11-40");
    assert!(shows(&desktop, "A day is written as 2026-11-30"));
    write_into(&mut desktop, &mut player, "First day (UTC)", "2026-11-28");
    write_into(&mut desktop, &mut player, "Last day (UTC)", "2026-11-27");
    assert!(shows(&desktop, "The first day is after the last"));
    write_into(&mut desktop, &mut player, "Last day (UTC)", "2026-11-28");
    click(&mut desktop, &mut player, "Count");
    assert!(shows(
        &desktop,
        "This deletes 1\u{202f}240 runs, 2\u{202f}880 rows of checks"
    ));
    write_into(&mut desktop, &mut player, "Target", "openai/gpt-5-mini");
    assert!(
        desktop.query_by_label("Delete it for good").is_none(),
        "that was counted for all targets"
    );
    click(&mut desktop, &mut player, "Count");
    assert!(shows(&desktop, "This deletes 62 runs"));
    click(&mut desktop, &mut player, "Delete it for good");
    let deleted = heard(&player, |command| match command {
        Command::History(HistoryCommand::Delete { deletion, .. }) => Some(deletion.clone()),
        _ => None,
    });
    let day = 20_785;
    assert_eq!(
        deleted,
        [Deletion::Days {
            target: Some("openai/gpt-5-mini".parse().unwrap()),
            from: Some(day),
            before: Some(day + 1),
        }]
    );
    assert!(
        shows(&desktop, "Delete from the history"),
        "until it is done"
    );
}

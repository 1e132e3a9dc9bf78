//! Alerts in the settings: added, edited, removed, tried on the past.

use std::sync::Arc;

use egui::Role;
use egui_kittest::kittest::Queryable as _;
use tokenscope::{
    alert::AlertNews,
    desktop::view::ViewId,
    engine::{Command, HistoryCommand, MonitorNews, SettingsNews, Update},
    settings::{
        SettingsEdit,
        alert::{AlertFigure, AlertSettings, WebhookForm},
    },
};

use super::{
    Desktop, Player, SIZES, WIDE, click, edits, field, heard, open, open_view, scenes, shows,
    write_into,
};

const ALERTS: &str = r#"{"view":"settings","views":{"settings":"\"alerts\""}}"#;

fn open_alerts(scene: super::Scene) -> (Desktop, Player) {
    open(scene, WIDE, Some(ALERTS))
}

fn add(desktop: &mut Desktop, player: &mut Player) {
    desktop.get_by_label_contains("Add an alert").click();
    player.play(desktop);
}

fn choose(desktop: &mut Desktop, player: &mut Player, figure: &str) {
    click(desktop, player, "Figure");
    click(desktop, player, figure);
}

/// The alerts that were saved, with the names that they had.
fn saved(player: &Player) -> Vec<(Option<String>, AlertSettings)> {
    let alert = |edit| match edit {
        SettingsEdit::PutAlert { old_name, alert } => Some((old_name, *alert)),
        _ => None,
    };
    edits(player).into_iter().filter_map(alert).collect()
}

#[test]
fn the_list_says_what_each_alert_does() {
    let (desktop, _player) = open_alerts(scenes::watched());
    assert!(shows(
        &desktop,
        "TTFT P95 above 2000 ms in 15 min, over at 1800 ms; openai/*"
    ));
    assert!(shows(
        &desktop,
        "Tells a notification, a webhook (slack); quiet 22:00-07:00"
    ));
    assert!(shows(
        &desktop,
        "Availability below 99 % in 15 min, over at 99.10 %; all targets"
    ));
    assert!(shows(&desktop, "Edit 不可用"));
}

#[test]
fn an_alert_is_made_in_the_form_with_its_problems_beside_the_fields() {
    let (mut desktop, mut player) = open_alerts(scenes::filled());
    assert!(shows(&desktop, "There is no alert yet"));
    add(&mut desktop, &mut player);
    click(&mut desktop, &mut player, "Save");
    assert!(shows(&desktop, "A name is needed") && shows(&desktop, "Milliseconds, such as 2000"));
    assert!(saved(&player).is_empty());
    write_into(&mut desktop, &mut player, "Name", "away");
    choose(
        &mut desktop,
        &mut player,
        "Availability: probes and free checks",
    );
    assert!(
        shows(&desktop, "Percent, from above 0 to 100"),
        "the unit has changed"
    );
    write_into(&mut desktop, &mut player, "Fires below (%)", "99.5");
    write_into(&mut desktop, &mut player, "Over at (%)", "99");
    assert!(shows(&desktop, "Not below the limit at which it fires"));
    write_into(&mut desktop, &mut player, "Over at (%)", "99.9");
    let role = Role::MultilineTextInput;
    desktop.get_by_role_and_label(role, "Targets").focus();
    player.play(&mut desktop);
    let targets = desktop.get_by_role_and_label(role, "Targets");
    targets.type_text("openai/*");
    player.play(&mut desktop);
    write_into(&mut desktop, &mut player, "Minutes that count", "60");
    write_into(&mut desktop, &mut player, "Quiet hours", "22:00-07:00");
    click(&mut desktop, &mut player, "A notification of the desktop");
    assert!(shows(&desktop, "Somebody should be told"));
    write_into(&mut desktop, &mut player, "Webhook", "${LARK_HOOK}");
    click(&mut desktop, &mut player, "Form of the webhook: Lark");
    assert!(!shows(&desktop, "Fix the fields"));
    click(&mut desktop, &mut player, "Save");
    let expected = AlertSettings {
        name: "away".into(),
        targets: vec!["openai/*".into()],
        figure: AlertFigure::Availability,
        below: Some(0.995),
        until: Some(0.999),
        over_minutes: 60,
        quiet: "22:00-07:00".parse().ok(),
        notify: false,
        webhook: Some("${LARK_HOOK}".into()),
        form: WebhookForm::Lark,
        ..AlertSettings::default()
    };
    assert_eq!(saved(&player), [(None, expected.clone())]);
    assert!(
        shows(&desktop, "New alert"),
        "it stays open until the file has it"
    );
    let mut settings = player.scene.settings.clone();
    settings.alerts.push(expected);
    player.say(Update::Settings(SettingsNews::Are(Arc::new(settings))));
    player.play(&mut desktop);
    assert!(desktop.query_by_label("Edit away").is_some());
}

#[test]
fn an_alert_is_renamed_and_removed_only_when_that_is_meant() {
    let (mut desktop, mut player) = open_alerts(scenes::watched());
    click(&mut desktop, &mut player, "Edit slow");
    write_into(&mut desktop, &mut player, "Name", "slower");
    click(&mut desktop, &mut player, "Save");
    let [(old, rule)] = &saved(&player)[..] else {
        panic!("one alert");
    };
    assert_eq!(
        (old.as_deref(), rule.name.as_str()),
        (Some("slow"), "slower")
    );
    assert_eq!(
        AlertSettings {
            name: "slow".into(),
            ..rule.clone()
        },
        scenes::watched().settings.alerts[0],
        "nothing else has changed"
    );
    click(&mut desktop, &mut player, "Remove…");
    click(&mut desktop, &mut player, "Keep it");
    click(&mut desktop, &mut player, "Remove…");
    click(&mut desktop, &mut player, "Remove it");
    let name = "slow".to_owned();
    assert_eq!(
        edits(&player).pop(),
        Some(SettingsEdit::RemoveAlert { name })
    );
}

#[test]
fn a_rule_is_tried_on_the_past_before_it_is_saved() {
    let (mut desktop, mut player) = open_alerts(scenes::watched());
    click(&mut desktop, &mut player, "Edit slow");
    write_into(&mut desktop, &mut player, "Fires above (ms)", "3000");
    let kept = "Probes are kept one by one for 14 days, so this tries no more than 14 days of them";
    assert!(!shows(&desktop, kept));
    click(&mut desktop, &mut player, "Past: 30 days");
    assert!(shows(&desktop, kept) && !shows(&desktop, "Checks are kept"));
    click(&mut desktop, &mut player, "Try on the past");
    assert!(shows(
        &desktop,
        "Would have fired 3 times in the last 30 days, by 2\u{202f}016 probes"
    ));
    assert!(shows(&desktop, "and fires still"));
    let tried = heard(&player, |command| match command {
        Command::History(HistoryCommand::TryAlert { rule, .. }) => Some(rule.above),
        _ => None,
    });
    assert_eq!(tried, [Some(3_000.0)]);
    assert!(edits(&player).is_empty());
}

#[test]
fn a_trial_is_shown_only_beside_the_rule_that_was_tried() {
    let (mut desktop, mut player) = open_alerts(scenes::watched());
    click(&mut desktop, &mut player, "Edit slow");
    click(&mut desktop, &mut player, "Try on the past");
    assert!(shows(&desktop, "Would have fired"));
    write_into(&mut desktop, &mut player, "Name", "slower");
    assert!(shows(&desktop, "Would have fired"), "it judges as before");
    write_into(&mut desktop, &mut player, "Fires above (ms)", "3000");
    assert!(!shows(&desktop, "Would have fired"));
    write_into(&mut desktop, &mut player, "Fires above (ms)", "soon");
    assert!(!shows(&desktop, "Would have fired"));
}

#[test]
fn a_trial_says_how_many_days_were_asked_for_whatever_is_chosen_since() {
    let (mut desktop, mut player) = open_alerts(scenes::watched());
    click(&mut desktop, &mut player, "Edit slow");
    desktop.get_by_label("Try on the past").click();
    desktop.run_steps(4);
    desktop.get_by_label("Past: 1 day").click();
    desktop.run_steps(4);
    player.play(&mut desktop);
    assert!(shows(
        &desktop,
        "Would have fired 3 times in the last 7 days"
    ));
}

#[test]
fn a_webhook_that_is_a_secret_is_neither_shown_nor_told() {
    const SECRET: &str = "https://hooks.example/services/T0/B0/s3cr3t";
    let mut scene = scenes::watched();
    scene.settings.alerts[0].webhook = Some(SECRET.into());
    let (mut desktop, mut player) = open_alerts(scene);
    assert!(!shows(&desktop, "s3cr3t"));
    click(&mut desktop, &mut player, "Edit slow");
    assert!(shows(&desktop, "Such a URL is a secret"));
    assert!(!shows(&desktop, "s3cr3t"));
    let value = field(&desktop, "Name").value();
    assert_eq!(value.as_deref(), Some("slow"));
}

#[test]
fn the_form_fits_the_smallest_window() {
    let (mut desktop, mut player) = open(scenes::watched(), SIZES[1], Some(ALERTS));
    click(&mut desktop, &mut player, "Edit slow");
    for name in [
        "Name",
        "Fires above (ms)",
        "Over at (ms)",
        "Quiet hours",
        "Webhook",
    ] {
        let rect = field(&desktop, name).rect();
        assert!(
            rect.left() >= 148.0 && rect.right() <= 900.0,
            "{name}: {rect}"
        );
    }
    assert_eq!(desktop.unnamed_widgets(), Vec::<String>::new());
}

#[test]
fn what_fires_since_before_the_window_opened_is_shown_until_it_is_over() {
    let news = AlertNews {
        rule: "slow".into(),
        target: "openai/gpt-5-mini".into(),
        fires: true,
        at_unix_ns: scenes::now(),
        since_unix_ns: scenes::now(),
        figure: AlertFigure::TtftP95,
        value: 2_310.0,
        n: 24,
        over_minutes: 15,
        above: Some(2_000.0),
        below: None,
    };
    let text = "slow: openai/gpt-5-mini: TTFT P95 is 2310 ms";
    let (mut desktop, mut player) = open_view(ViewId::Monitor, scenes::watched());
    assert!(!shows(&desktop, text));
    player.say(Update::Monitor(MonitorNews::Firing(vec![news])));
    player.play(&mut desktop);
    assert!(shows(&desktop, text));
    player.say(Update::Monitor(MonitorNews::Firing(Vec::new())));
    player.play(&mut desktop);
    assert!(!shows(&desktop, text), "its rule was removed");
}

use super::*;

fn draft(change: impl FnOnce(&mut AlertDraft)) -> AlertDraft {
    let mut draft = AlertDraft::new();
    draft.name = "slow".into();
    draft.limit = "2000".into();
    change(&mut draft);
    draft
}

fn wrong(draft: &AlertDraft) -> Vec<AlertField> {
    let problems = draft.rule(&Settings::default()).err();
    problems
        .into_iter()
        .flat_map(AlertProblems::into_keys)
        .collect()
}

#[test]
fn an_alert_comes_back_from_its_draft() {
    let rule = AlertSettings {
        name: "away".into(),
        targets: vec!["openai/*".into(), "google/gemini".into()],
        figure: AlertFigure::Availability,
        below: Some(0.999),
        until: Some(0.999_5),
        over_minutes: 60,
        least: 20,
        quiet: Some("22:00-07:00".parse().unwrap()),
        notify: false,
        webhook: Some("${HOOK}".into()),
        form: WebhookForm::Lark,
        command: vec!["program".into(), "an argument".into()],
        ..AlertSettings::default()
    };
    let draft = AlertDraft::of(&rule);
    assert_eq!(
        (draft.limit.as_str(), draft.until.as_str()),
        ("99.9", "99.95")
    );
    assert_eq!(draft.rule(&Settings::default()), Ok(rule));
}

#[test]
fn each_limit_that_the_file_may_have_can_be_edited() {
    for (figure, limit) in [
        (AlertFigure::TtftP95, 0.0),
        (AlertFigure::TtftP95, 1e-7),
        (AlertFigure::TtftP95, 2e12),
        (AlertFigure::ErrorRate, 0.0),
        (AlertFigure::ErrorRate, 0.999_999_9),
        (AlertFigure::Burst, 1.0 - f64::EPSILON / 2.0),
        (AlertFigure::Availability, 1e-12),
        (AlertFigure::Availability, 1.0),
        (AlertFigure::CertificateDays, 398.0),
    ] {
        let (above, below) = figure.sides(Some(limit));
        let rule = AlertSettings {
            name: "slow".into(),
            figure,
            above,
            below,
            ..AlertSettings::default()
        };
        assert_eq!(rule.check(), Ok(()));
        let edited = AlertDraft::of(&rule).rule(&Settings::default());
        assert_eq!(edited, Ok(rule));
    }
}

#[test]
fn each_field_says_what_is_wrong_with_it() {
    use AlertField::{Channels, Least, Limit, Minutes, Name, Quiet, Targets, Until, Webhook};
    assert_eq!(wrong(&draft(|_| ())), []);
    for (field, change) in [
        (Name, (|d| d.name = " ".into()) as fn(&mut AlertDraft)),
        (Targets, |d| d.targets = "openai".into()),
        (Targets, |d| d.targets = "open*/gpt".into()),
        (Limit, |d| d.limit = "soon".into()),
        (Limit, |d| d.set_figure(AlertFigure::ErrorRate)),
        (Until, |d| d.until = "2001".into()),
        (Minutes, |d| d.minutes = "0".into()),
        (Minutes, |d| d.minutes = "10081".into()),
        (Least, |d| d.least = "0".into()),
        (Quiet, |d| d.quiet = "at night".into()),
        (Webhook, |d| d.webhook = "hooks".into()),
        (Channels, |d| d.notify = false),
    ] {
        assert_eq!(wrong(&draft(change)), [field]);
    }
    let twice = Settings {
        alerts: vec![draft(|_| ()).rule(&Settings::default()).unwrap()],
        ..Settings::default()
    };
    let problems = draft(|_| ()).rule(&twice).unwrap_err();
    assert!(problems.contains_key(&Name), "{problems:?}");
}

#[test]
fn a_webhook_is_in_no_debug_output() {
    let draft = draft(|draft| draft.webhook = "https://hooks.example/secret".into());
    assert!(draft.has_plain_webhook() && !format!("{draft:?}").contains("secret"));
}

#[test]
fn where_it_is_over_unless_said_is_shown_in_the_fields_unit() {
    let mut draft = draft(|_| ());
    assert_eq!(draft.usual_until().as_deref(), Some("1800"));
    draft.set_figure(AlertFigure::Availability);
    assert_eq!(draft.usual_until(), None);
    draft.limit = "99".into();
    assert_eq!(draft.usual_until().as_deref(), Some("99.1"));
}

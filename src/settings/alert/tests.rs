use super::*;

#[test]
fn the_list_of_keys_matches_the_fields() {
    let full = AlertSettings {
        above: Some(1.0),
        below: Some(1.0),
        until: Some(1.0),
        quiet: Some("22:00-07:00".parse().unwrap()),
        webhook: Some(String::new()),
        ..AlertSettings::default()
    };
    let written = toml_edit::ser::to_document(&full).unwrap();
    let keys: Vec<&str> = written.iter().map(|(key, _)| key).collect();
    assert_eq!(keys, KEYS);
    assert_eq!(written["quiet"].as_str(), Some("22:00-07:00"));
}

#[test]
fn each_figure_has_its_side_and_its_range() {
    use AlertFigure::{Availability, Burst, CertificateDays, ErrorRate, TtftP95};
    let of = |figure, above, below, until| {
        let rule = AlertSettings {
            figure,
            above,
            below,
            until,
            ..AlertSettings::default()
        };
        rule.check().err().map(|(key, _)| key)
    };
    assert_eq!(of(TtftP95, Some(2_000.0), None, Some(1_800.0)), None);
    assert_eq!(of(TtftP95, None, None, None), Some("above"));
    assert_eq!(of(TtftP95, Some(f64::NAN), None, None), Some("above"));
    assert_eq!(
        of(TtftP95, Some(2_000.0), None, Some(2_001.0)),
        Some("until")
    );
    assert_eq!(of(TtftP95, Some(2_000.0), Some(1.0), None), Some("below"));
    assert_eq!(of(ErrorRate, Some(1.0), None, None), Some("above"));
    assert_eq!(of(Burst, Some(0.2), None, None), None);
    assert_eq!(of(Availability, None, Some(0.99), Some(0.995)), None);
    assert_eq!(of(Availability, None, Some(1.0), None), None);
    assert_eq!(of(Availability, None, Some(0.0), None), Some("below"));
    assert_eq!(
        of(Availability, None, Some(0.99), Some(0.98)),
        Some("until")
    );
    assert_eq!(of(Availability, Some(0.99), None, None), Some("above"));
    assert_eq!(of(CertificateDays, None, Some(14.0), None), None);
    assert_eq!(of(CertificateDays, None, Some(0.5), None), Some("below"));
    assert_eq!(
        of(CertificateDays, None, Some(14.0), Some(13.0)),
        Some("until")
    );
}

#[test]
fn it_is_over_a_little_way_behind_its_limit_unless_said() {
    let of = |figure, above, below| AlertSettings {
        figure,
        above,
        below,
        ..AlertSettings::default()
    };
    let slow = of(AlertFigure::TtftP95, Some(2_000.0), None);
    assert!(slow.is_bad(2_001.0) && !slow.is_bad(2_000.0));
    assert!(slow.is_good(1_800.0) && !slow.is_good(1_801.0));
    let away = of(AlertFigure::Availability, None, Some(0.9));
    assert!(away.is_bad(0.89) && !away.is_bad(0.9));
    assert!(away.is_good(0.91) && !away.is_good(0.905));
    let expires = of(AlertFigure::CertificateDays, None, Some(14.0));
    assert!(expires.is_bad(13.9) && !expires.is_bad(14.0));
    assert!(expires.is_good(89.0) && !expires.is_good(15.0));
}

#[test]
fn who_is_told_changes_no_judgement_and_no_secret_is_in_it() {
    let rule = AlertSettings {
        above: Some(2_000.0),
        ..AlertSettings::default()
    };
    let told = AlertSettings {
        webhook: Some("https://hooks.example/secret".into()),
        notify: false,
        ..rule.clone()
    };
    assert_eq!(rule.judgement(), told.judgement());
    assert!(!told.judgement().contains("secret"));
    let other = AlertSettings {
        above: Some(2_001.0),
        ..rule.clone()
    };
    assert_ne!(rule.judgement(), other.judgement());
}

#[test]
fn an_endpoint_is_meant_by_its_name_its_targets_or_all() {
    for (pattern, fits) in [
        ("*", true),
        ("open*", true),
        ("openai/*", true),
        ("openai/gpt-5", true),
        ("openai-2/*", false),
        ("openai", false),
    ] {
        let rule = AlertSettings {
            targets: vec![pattern.into()],
            ..AlertSettings::default()
        };
        assert_eq!(rule.is_for_endpoint("openai"), fits, "{pattern}");
    }
    assert!(AlertSettings::default().is_for_endpoint("openai"));
}

#[test]
fn targets_are_exact_or_begin_so() {
    let rule = |targets: &[&str]| AlertSettings {
        targets: targets.iter().map(ToString::to_string).collect(),
        ..AlertSettings::default()
    };
    for (targets, fits) in [
        (&[][..], true),
        (&["openai/gpt-5"], true),
        (&["openai/*"], true),
        (&["*"], true),
        (&["openai/gpt"], false),
        (&["google/*", "openai/gpt-5"], true),
        (&["google/*"], false),
    ] {
        assert_eq!(rule(targets).is_for("openai/gpt-5"), fits, "{targets:?}");
    }
}

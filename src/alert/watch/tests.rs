use super::*;
use crate::{alert::trial, settings::alert::QuietHours};

fn rule(figure: AlertFigure, limit: f64) -> AlertSettings {
    let (above, below) = figure.sides(Some(limit));
    AlertSettings {
        name: "r".into(),
        figure,
        above,
        below,
        ..AlertSettings::default()
    }
}

fn sample(minute: i64, told: SampleKind) -> AlertSample {
    AlertSample {
        at_unix_ns: minute * MINUTE_NS,
        target: "here/m".parse().unwrap(),
        told,
    }
}

fn answered(minute: i64, ms: f64) -> AlertSample {
    sample(minute, SampleKind::Answered(Some(ms)))
}

/// A watch over the target of [`sample`].
fn watch() -> AlertWatch {
    let mut watch = AlertWatch::default();
    watch.follow_targets(["here/m".parse().unwrap()]);
    watch
}

/// The minutes at which it fired and was over.
fn told(rule: &AlertSettings, samples: impl IntoIterator<Item = AlertSample>) -> Vec<(i64, bool)> {
    let mut watch = watch();
    watch.follow(std::slice::from_ref(rule));
    let samples = samples.into_iter();
    let news = samples.flat_map(|sample| {
        let minute = sample.at_unix_ns / MINUTE_NS;
        watch.push(&sample, u32::try_from(minute % 1_440).unwrap())
    });
    news.map(|news| (news.at_unix_ns / MINUTE_NS, news.fires))
        .collect()
}

#[test]
fn a_median_fires_once_and_is_over_once() {
    let slow = |minute| (20..60).contains(&minute);
    let probes = (0..120).map(|minute| answered(minute, if slow(minute) { 900.0 } else { 300.0 }));
    let rule = rule(AlertFigure::TtftP50, 500.0);
    // Of 15 runs the eighth slow one makes the median, and the eighth good one ends it.
    assert_eq!(told(&rule, probes), [(27, true), (67, false)]);
}

#[test]
fn between_the_two_limits_nothing_is_told() {
    let values = [300.0, 510.0, 480.0, 510.0, 480.0, 449.0, 480.0, 510.0];
    let probes = values.iter().enumerate().flat_map(|(hour, ms)| {
        let hour = i64::try_from(hour).unwrap();
        (0..15).map(move |minute| answered(hour * 60 + minute, *ms))
    });
    let told = told(&rule(AlertFigure::TtftP50, 500.0), probes);
    let hours: Vec<_> = told
        .iter()
        .map(|(minute, fires)| (minute / 60, *fires))
        .collect();
    assert_eq!(hours, [(1, true), (5, false), (7, true)]);
}

#[test]
fn an_error_rate_counts_all_runs_and_too_few_tell_nothing() {
    let rule = rule(AlertFigure::ErrorRate, 0.5);
    let failed = |minute| sample(minute, SampleKind::Failed);
    assert_eq!(told(&rule, (0..4).map(failed)), []);
    assert_eq!(told(&rule, (0..6).map(failed)), [(4, true)]);
    // Untrusted times are answers all the same.
    let late = |minute| sample(minute, SampleKind::Answered(None));
    let half = (0..100).map(|minute| {
        if minute % 2 == 0 {
            failed(minute)
        } else {
            late(minute)
        }
    });
    let told = told(&rule, half);
    assert!(
        told.iter().all(|(minute, _)| *minute < 15),
        "8 of 15 at most: {told:?}"
    );
}

#[test]
fn a_percentile_waits_until_it_is_known() {
    let rule = AlertSettings {
        over_minutes: 60,
        ..rule(AlertFigure::TtftP95, 500.0)
    };
    let told = told(&rule, (0..60).map(|minute| answered(minute, 900.0)));
    assert_eq!(told, [(19, true)], "P95 needs twenty runs");
}

#[test]
fn runs_that_end_in_another_order_count_by_when_they_began() {
    let rule = rule(AlertFigure::TtftP50, 500.0);
    let mut state = RuleState::default();
    let mut minutes_after = |minute| {
        state.add(&rule, &answered(minute, 300.0), minute * MINUTE_NS);
        let minutes = state.window.iter().map(|(at, _)| at / MINUTE_NS);
        minutes.collect::<Vec<_>>()
    };
    assert_eq!(minutes_after(10), [10]);
    assert_eq!(minutes_after(4), [4, 10]);
    assert_eq!(minutes_after(12), [4, 10, 12]);
    assert_eq!(minutes_after(20), [10, 12, 20]);
    assert_eq!(minutes_after(11), [10, 11, 12, 20]);
    assert_eq!(minutes_after(27), [20, 27]);
}

#[test]
fn in_quiet_hours_nobody_is_told_until_they_end() {
    let rule = AlertSettings {
        quiet: Some(QuietHours { from: 0, to: 60 }),
        ..rule(AlertFigure::TtftP50, 500.0)
    };
    let lasting = (0..90).map(|minute| answered(minute, 900.0));
    assert_eq!(told(&rule, lasting), [(60, true)]);
    let over = (0..90).map(|minute| answered(minute, if minute < 30 { 900.0 } else { 100.0 }));
    assert_eq!(
        told(&rule, over),
        [],
        "what was over in the night is not told"
    );
}

#[test]
fn targets_are_apart_and_rules_keep_their_state_when_others_change() {
    let (one, other) = (
        rule(AlertFigure::TtftP50, 500.0),
        rule(AlertFigure::ErrorRate, 0.1),
    );
    let mut watch = watch();
    watch.follow(std::slice::from_ref(&one));
    let slow: Vec<_> = (0..10)
        .flat_map(|minute| watch.push(&answered(minute, 900.0), 0))
        .collect();
    assert_eq!(slow.len(), 1);
    watch.follow(&[other, one]);
    assert_eq!(watch.firing().len(), 1);
    let mut elsewhere = answered(11, 900.0);
    elsewhere.target.model = "n".into();
    assert_eq!(watch.push(&elsewhere, 0), [], "one run of another target");
    let over: Vec<_> = (11..30)
        .flat_map(|minute| watch.push(&answered(minute, 100.0), 0))
        .collect();
    assert_eq!(over.len(), 1, "it fired before, and is over");
    assert!(!over[0].fires);
}

#[test]
fn a_rule_is_tried_on_the_past() {
    let slow = |minute| (20..60).contains(&minute) || minute >= 110;
    let past: Vec<_> = (0..120)
        .map(|minute| answered(minute, if slow(minute) { 900.0 } else { 300.0 }))
        .collect();
    let found = trial(&rule(AlertFigure::TtftP50, 500.0), &past);
    let minutes: Vec<_> = (found.periods.iter())
        .map(|p| {
            (
                p.from_unix_ns / MINUTE_NS,
                p.to_unix_ns.map(|to| to / MINUTE_NS),
            )
        })
        .collect();
    assert_eq!(minutes, [(27, Some(67)), (117, None)]);
    assert_eq!(found.n, 120);
}

/// A check of the endpoint of [`sample`]'s target.
fn check(minute: i64, told: SampleKind) -> AlertSample {
    AlertSample {
        target: of_endpoint("here"),
        ..sample(minute, told)
    }
}

fn checked(minute: i64, is_up: bool) -> AlertSample {
    check(minute, SampleKind::Checked { is_up })
}

#[test]
fn checks_count_for_the_availability_of_each_target_and_not_for_its_error_rate() {
    let away = |minute| (30..45).contains(&minute);
    let samples: Vec<_> = (0..90)
        .flat_map(|minute| {
            let probe = (minute % 10 == 0).then(|| answered(minute, 300.0));
            probe.into_iter().chain([checked(minute, !away(minute))])
        })
        .collect();
    let available = rule(AlertFigure::Availability, 0.9);
    // Of 16 or 17 in 15 minutes two failures are too many, and one is few enough to end it.
    assert_eq!(told(&available, samples.clone()), [(31, true), (58, false)]);
    assert_eq!(
        told(&rule(AlertFigure::ErrorRate, 0.1), samples.clone()),
        []
    );

    let mut watch = watch();
    watch.follow(std::slice::from_ref(&available));
    watch.follow_targets(["here/m", "here/n", "there/m"].map(|target| target.parse().unwrap()));
    let news = (0..10).flat_map(|minute| watch.push(&checked(minute, false), 0));
    let targets: Vec<_> = news.map(|news| news.target).collect();
    assert_eq!(targets, ["here/m", "here/n"], "before their first probes");
}

#[test]
fn a_share_of_buffered_answers_is_of_those_that_can_tell() {
    let arrived = |minute, is_buffered| sample(minute, SampleKind::Arrived { is_buffered });
    let samples = (0..60).flat_map(|minute| {
        // Short answers, which can't tell, do not dilute it.
        let tells = (minute % 2 == 0).then(|| arrived(minute, (20..40).contains(&minute)));
        tells.into_iter().chain([answered(minute, 300.0)])
    });
    let told = told(&rule(AlertFigure::Burst, 0.5), samples);
    assert_eq!(told, [(28, true), (48, false)]);
}

#[test]
fn a_certificate_is_told_once_for_its_endpoint_until_it_is_renewed() {
    const DAY: i64 = 24 * 60;
    let seen = |minute, until_day: i64| {
        let until_unix_s = until_day * DAY * 60;
        check(minute, SampleKind::Certificate { until_unix_s })
    };
    let days = (0..30).map(|day| seen(day * DAY, if day < 25 { 30 } else { 120 }));
    let rule = rule(AlertFigure::CertificateDays, 14.0);
    let mut watch = watch();
    watch.follow(std::slice::from_ref(&rule));
    watch.follow_targets(["here/m", "here/n"].map(|target| target.parse().unwrap()));
    let news: Vec<_> = days
        .flat_map(|sample| watch.push(&sample, 0))
        .map(|news| {
            (
                news.at_unix_ns / MINUTE_NS / DAY,
                news.target,
                news.fires,
                news.value,
            )
        })
        .collect();
    let here = || "here".to_owned();
    assert_eq!(news, [(17, here(), true, 13.0), (25, here(), false, 95.0)]);
    assert!(
        watch.push(&checked(0, false), 0).is_empty(),
        "no certificate was seen"
    );
}

#[test]
fn quiet_hours_and_hysteresis_hold_for_a_certificate_too() {
    let rule = AlertSettings {
        until: Some(60.0),
        quiet: Some(QuietHours { from: 0, to: 600 }),
        ..rule(AlertFigure::CertificateDays, 14.0)
    };
    let seen = |minute: i64, days: i64| {
        let until_unix_s = minute * 60 + days * 86_400;
        check(minute, SampleKind::Certificate { until_unix_s })
    };
    let told = told(
        &rule,
        [
            seen(10, 13),
            seen(590, 13),
            seen(600, 13),
            seen(610, 59),
            seen(620, 60),
        ],
    );
    assert_eq!(told, [(600, true), (620, false)]);
}

/// A watch of one rule that has fired and been told of it.
fn fired(rule: &AlertSettings) -> (AlertWatch, Vec<AlertSample>) {
    let past: Vec<_> = (0..10).map(|minute| answered(minute, 900.0)).collect();
    let mut watch = watch();
    watch.follow(std::slice::from_ref(rule));
    let news = past.iter().flat_map(|sample| watch.push(sample, 0)).count();
    assert_eq!(news, 1);
    (watch, past)
}

#[test]
fn what_fired_before_a_restart_fires_after_and_is_not_told_again() {
    let rule = rule(AlertFigure::TtftP50, 500.0);
    let (before, past) = fired(&rule);
    let mut after = watch();
    after.follow(std::slice::from_ref(&rule));
    let now = 12 * MINUTE_NS;
    assert_eq!(after.restore(&before.firing(), &past, now, 0), []);
    assert_eq!(after.firing(), before.firing());
    assert_eq!(after.told()[0].since_unix_ns, 4 * MINUTE_NS);
    let slow = (12..20)
        .flat_map(|minute| after.push(&answered(minute, 900.0), 0))
        .count();
    assert_eq!(slow, 0, "it was told");
    let good: Vec<_> = (20..60)
        .flat_map(|minute| after.push(&answered(minute, 100.0), 0))
        .collect();
    assert_eq!(good.len(), 1);
    assert_eq!(
        (good[0].fires, good[0].since_unix_ns),
        (false, 4 * MINUTE_NS)
    );

    // Twice restored is once restored.
    after.restore(&before.firing(), &past, now, 0);
    after.restore(&before.firing(), &past, now, 0);
    assert_eq!(after.firing()[0].n, 10);
}

#[test]
fn what_got_better_meanwhile_is_told_at_once_or_by_the_next_probes() {
    let rule = rule(AlertFigure::TtftP50, 500.0);
    let (before, mut past) = fired(&rule);
    past.extend((20..30).map(|minute| answered(minute, 100.0)));
    let mut after = watch();
    after.follow(std::slice::from_ref(&rule));
    let news = after.restore(&before.firing(), &past, 30 * MINUTE_NS, 0);
    assert_eq!(news.len(), 1, "by what another process has probed");
    assert!(!news[0].fires && after.firing().is_empty());

    assert_eq!(after.restore(&before.firing(), &[], 300 * MINUTE_NS, 0), []);
    assert_eq!(after.firing().len(), 1, "nothing is known yet");
    let news: Vec<_> = (300..310)
        .flat_map(|minute| after.push(&answered(minute, 100.0), 0))
        .collect();
    assert_eq!((news.len(), news[0].fires), (1, false));
}

#[test]
fn what_was_held_back_for_the_night_is_told_after_a_restart() {
    let rule = AlertSettings {
        quiet: Some(QuietHours { from: 0, to: 60 }),
        ..rule(AlertFigure::TtftP50, 500.0)
    };
    let past: Vec<_> = (0..10).map(|minute| answered(minute, 900.0)).collect();
    let mut before = watch();
    before.follow(std::slice::from_ref(&rule));
    assert_eq!(
        past.iter()
            .flat_map(|sample| before.push(sample, 0))
            .count(),
        0
    );
    assert!(!before.firing()[0].is_told && before.told().is_empty());
    let mut after = watch();
    after.follow(std::slice::from_ref(&rule));
    let news = after.restore(&before.firing(), &past, 12 * MINUTE_NS, 60);
    assert_eq!((news.len(), news[0].fires), (1, true));
}

#[test]
fn a_rule_that_judges_otherwise_begins_anew_and_one_that_tells_others_does_not() {
    let rule = rule(AlertFigure::TtftP50, 500.0);
    let (before, past) = fired(&rule);
    let restored = |changed: &AlertSettings| {
        let mut after = watch();
        after.follow(std::slice::from_ref(changed));
        after.restore(&before.firing(), &past, 12 * MINUTE_NS, 0);
        after.firing().len()
    };
    let told_elsewhere = AlertSettings {
        webhook: Some("${HOOK}".into()),
        ..rule.clone()
    };
    assert_eq!(restored(&told_elsewhere), 1);
    let higher = AlertSettings {
        above: Some(600.0),
        ..rule.clone()
    };
    assert_eq!(restored(&higher), 0);
    let others = AlertSettings {
        targets: vec!["there/*".into()],
        ..rule
    };
    assert_eq!(restored(&others), 0);
}

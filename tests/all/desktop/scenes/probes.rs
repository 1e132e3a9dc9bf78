//! The monitor's probes, made up.

use std::time::{Duration, Instant};

use tokenscope::{
    engine::{MonitorState, ProbingState},
    history::{Availability, GapReason, ProbeGap},
    price::Usd,
    settings::monitor::MonitorSettings,
};

use super::{Scene, filled, now};

const MINUTE: i64 = 60_000_000_000;

/// A plan of two targets, off.
pub fn planned() -> Scene {
    let mut scene = filled();
    scene.settings.monitor = MonitorSettings {
        targets: vec![
            "openai/gpt-5-mini".parse().unwrap(),
            "ollama/gemma3:270m".parse().unwrap(),
        ],
        usd_per_day: Some(1.0),
        ..MonitorSettings::default()
    };
    scene
}

/// The plan is followed, after a sleep and a time without a network for one target.
pub fn probing() -> Scene {
    let mut scene = planned();
    scene.settings.monitor.on = true;
    let (asleep, offline) = ((-40, -31), (-18, -14));
    scene.runs.retain(|run| {
        let minutes = (run.stamps.started_unix_ns - now()) / MINUTE;
        !(asleep.0..asleep.1).contains(&minutes)
    });
    let gap = |why, (from, to): (i64, i64), target: Option<&str>| ProbeGap {
        target: target.map(|target| target.parse().unwrap()),
        why,
        from_unix_ns: now() + from * MINUTE,
        to_unix_ns: Some(now() + to * MINUTE),
    };
    scene.gaps = vec![
        gap(GapReason::Asleep, asleep, None),
        gap(GapReason::Offline, offline, Some("openai/gpt-5-mini")),
    ];
    scene.availability = vec![
        Availability {
            endpoint: "ollama".into(),
            up: 120,
            checks: 120,
            certificate_until: None,
        },
        Availability {
            endpoint: "openai".into(),
            up: 112,
            checks: 120,
            // Sixty-one days, and what a test may take.
            certificate_until: Some(now() / 1_000_000_000 + 61 * 86_400 + 3_600),
        },
    ];
    scene.monitor = MonitorState::Probing(ProbingState {
        targets: 2,
        every: Some(Duration::from_mins(1)),
        next: Instant::now().checked_add(Duration::from_millis(11_500)),
        spent: Usd::of_dollars(0.0213).unwrap(),
        usd_per_day: Usd::of_dollars(1.0),
        ..ProbingState::default()
    });
    scene
}

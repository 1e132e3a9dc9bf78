//! How much room the history takes, and alerts, made up.

use tokenscope::{
    alert::{AlertPeriod, AlertTrial},
    history::{Deletion, DeletionCount, HistoryUsage},
    settings::alert::{AlertFigure, AlertSettings, WebhookForm},
};

use super::{Scene, filled, now};

const MINUTE: i64 = 60_000_000_000;

impl Scene {
    pub(super) fn usage(&self) -> HistoryUsage {
        let runs = self.runs.len() as u64;
        HistoryUsage {
            file_bytes: 96 << 20,
            capture_bytes: 41 << 20,
            captures: runs,
            runs,
            probes: runs / 2,
            checks: 8_640,
        }
    }
}

/// What a deletion deletes: more if it is of all targets.
pub(super) fn counted(deletion: &Deletion) -> DeletionCount {
    let all = matches!(deletion, Deletion::Days { target: None, .. });
    DeletionCount {
        runs: if all { 1_240 } else { 62 },
        checks: if all { 2_880 } else { 0 },
        ..DeletionCount::default()
    }
}

/// A rule that would have fired three times.
pub(super) fn tried() -> AlertTrial {
    let period = |ago: i64, lasted: Option<i64>| AlertPeriod {
        target: "openai/gpt-5-mini".into(),
        from_unix_ns: now() - ago * MINUTE,
        to_unix_ns: lasted.map(|lasted| now() - (ago - lasted) * MINUTE),
    };
    AlertTrial {
        n: 2_016,
        periods: vec![
            period(7_000, Some(45)),
            period(3_000, Some(12)),
            period(30, None),
        ],
    }
}

/// Three alerts.
pub fn watched() -> Scene {
    let mut scene = filled();
    scene.settings.alerts = vec![
        AlertSettings {
            name: "slow".into(),
            targets: vec!["openai/*".into()],
            figure: AlertFigure::TtftP95,
            above: Some(2_000.0),
            least: 20,
            quiet: "22:00-07:00".parse().ok(),
            webhook: Some("${SLACK_HOOK}".into()),
            form: WebhookForm::Slack,
            ..AlertSettings::default()
        },
        AlertSettings {
            name: "不可用".into(),
            figure: AlertFigure::Availability,
            below: Some(0.99),
            command: vec!["page-me".into()],
            ..AlertSettings::default()
        },
        AlertSettings {
            name: "renew the certificate".into(),
            figure: AlertFigure::CertificateDays,
            below: Some(14.0),
            ..AlertSettings::default()
        },
    ];
    scene
}

//! Rules on the past: when they would have fired, and what a watch that begins again needs to know.

use serde::Serialize;

use super::{AlertSample, AlertWatch};
use crate::{
    history::{EndpointCheck, History, HistoryError, ProbeBurst, ProbeOutcome},
    settings::alert::{AlertFigure, AlertSettings},
};

/// A time in which a rule fired for a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AlertPeriod {
    /// The target, or the endpoint where the rule is about that.
    pub target: String,
    /// When it fired, in nanoseconds since 1970.
    pub from_unix_ns: i64,
    /// When it was over; `None` if it still fires.
    pub to_unix_ns: Option<i64>,
}

/// How a rule would have done on the past.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlertTrial {
    /// How many runs and checks counted.
    pub n: usize,
    /// When it would have fired, in order of time.
    pub periods: Vec<AlertPeriod>,
}

/// What the probes and checks of the history say that began at or after a time (nanoseconds since 1970), in order of
/// time: of each kind, if a rule looks at it. What was rolled up says nothing.
///
/// # Errors
/// If the history can't be read.
pub async fn past_samples(
    history: &History,
    rules: &[AlertSettings],
    since_unix_ns: i64,
    late_share: f64,
) -> Result<Vec<AlertSample>, HistoryError> {
    let looks_at = |wanted: &[AlertFigure]| rules.iter().any(|rule| wanted.contains(&rule.figure));
    let probes: Vec<ProbeOutcome> = history.probe_outcomes(since_unix_ns).await?;
    let mut samples: Vec<AlertSample> = probes
        .iter()
        .filter_map(|probe| AlertSample::of_probe(probe, late_share))
        .collect();
    if looks_at(&[AlertFigure::Burst]) {
        let bursts: Vec<ProbeBurst> = history.probe_bursts(since_unix_ns).await?;
        samples.extend(bursts.iter().filter_map(AlertSample::of_burst));
    }
    if looks_at(&[AlertFigure::Availability, AlertFigure::CertificateDays]) {
        let checks: Vec<EndpointCheck> = history.checks(since_unix_ns, i64::MAX).await?;
        samples.extend(checks.iter().flat_map(AlertSample::of_check));
    }
    samples.sort_by_key(|sample| sample.at_unix_ns);
    Ok(samples)
}

/// How a rule would have done on the past, which is in order of time. Quiet hours are left aside.
#[must_use]
pub fn trial(rule: &AlertSettings, samples: &[AlertSample]) -> AlertTrial {
    let is_meant = |sample: &&AlertSample| match sample.target.model.as_str() {
        "" => rule.is_for_endpoint(&sample.target.endpoint),
        _ => rule.is_for(&sample.target.to_string()),
    };
    let counting = samples
        .iter()
        .filter(|sample| sample.told.counts_for(rule.figure));
    AlertTrial {
        n: counting.filter(is_meant).count(),
        periods: periods(rule, samples),
    }
}

/// When a rule would have fired on the past, which is in order of time. Quiet hours are left aside.
#[must_use]
pub fn periods(rule: &AlertSettings, samples: &[AlertSample]) -> Vec<AlertPeriod> {
    let mut watch = AlertWatch::default();
    watch.follow(&[AlertSettings {
        quiet: None,
        ..rule.clone()
    }]);
    let targets = samples.iter().map(|sample| &sample.target);
    watch.follow_targets(targets.filter(|target| !target.model.is_empty()).cloned());
    let mut found: Vec<AlertPeriod> = Vec::new();
    for sample in samples {
        for news in watch.push(sample, 0) {
            if news.fires {
                found.push(AlertPeriod {
                    target: news.target,
                    from_unix_ns: news.at_unix_ns,
                    to_unix_ns: None,
                });
            } else if let Some(open) = found.iter_mut().rev().find(|p| p.target == news.target) {
                open.to_unix_ns = Some(news.at_unix_ns);
            }
        }
    }
    found
}

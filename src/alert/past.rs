//! Rules on the past: when they would have fired, and what a watch that begins again needs to know.

use serde::Serialize;

use super::{AlertSample, AlertWatch, watch::is_about};
use crate::{
    history::{EndpointCheck, History, HistoryError, ProbeBurst, ProbeOutcome},
    settings::{
        alert::{AlertFigure, AlertSettings},
        retention::Retention,
    },
};

const HOUR_NS: i64 = 60 * 60 * 1_000_000_000;
const DAY_NS: i64 = 24 * HOUR_NS;

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

impl AlertTrial {
    /// How often it would have fired, in words: `would have fired 3 times`.
    #[must_use]
    pub fn times(&self) -> String {
        match self.periods.len() {
            0 => "would not have fired".to_owned(),
            1 => "would have fired once".to_owned(),
            times => format!("would have fired {times} times"),
        }
    }
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
    let looks_at = |what: fn(AlertFigure) -> bool| rules.iter().any(|rule| what(rule.figure));
    let mut samples: Vec<AlertSample> = Vec::new();
    if looks_at(AlertFigure::looks_at_probes) {
        let probes: Vec<ProbeOutcome> = history.probe_outcomes(since_unix_ns).await?;
        let told = probes.iter();
        samples.extend(told.filter_map(|probe| AlertSample::of_probe(probe, late_share)));
    }
    if looks_at(|figure| figure == AlertFigure::Burst) {
        let bursts: Vec<ProbeBurst> = history.probe_bursts(since_unix_ns).await?;
        samples.extend(bursts.iter().filter_map(AlertSample::of_burst));
    }
    if looks_at(AlertFigure::looks_at_checks) {
        let checks: Vec<EndpointCheck> = history.checks(since_unix_ns, i64::MAX).await?;
        samples.extend(checks.iter().flat_map(AlertSample::of_check));
    }
    samples.sort_by_key(|sample| sample.at_unix_ns);
    Ok(samples)
}

/// What a trial of these figures on the past since then has to do without, as sentences: probes and checks are kept one by
/// one only so long, and what was rolled up says nothing. Times are in nanoseconds since 1970.
#[must_use]
pub fn not_kept(
    figures: &[AlertFigure],
    (since_unix_ns, now_unix_ns): (i64, i64),
    retention: Retention,
) -> Vec<String> {
    let looks_at = |what: fn(AlertFigure) -> bool| figures.iter().any(|figure| what(*figure));
    let kept = [
        (
            "Probes",
            retention.probes_days,
            looks_at(AlertFigure::looks_at_probes),
        ),
        (
            "Checks",
            retention.checks_days,
            looks_at(AlertFigure::looks_at_checks),
        ),
    ];
    let is_before = |days: u32| {
        let kept_since = now_unix_ns.saturating_sub(i64::from(days).saturating_mul(DAY_NS));
        since_unix_ns < kept_since.saturating_sub(HOUR_NS)
    };
    (kept.into_iter())
        .filter(|(_, days, is_looked_at)| *is_looked_at && is_before(*days))
        .map(|(what, days, _)| {
            let days = if days == 1 {
                "1 day".to_owned()
            } else {
                format!("{days} days")
            };
            format!(
                "{what} are kept one by one for {days}, so this tries no more than {days} of them"
            )
        })
        .collect()
}

/// How a rule would have done on the past, which is in order of time. Quiet hours are left aside.
#[must_use]
pub fn trial(rule: &AlertSettings, samples: &[AlertSample]) -> AlertTrial {
    let counts = |sample: &&AlertSample| {
        sample.told.counts_for(rule.figure) && is_about(rule, &sample.target)
    };
    AlertTrial {
        n: samples.iter().filter(counts).count(),
        periods: periods(rule, samples),
    }
}

/// When a rule would have fired on the past, which is in order of time. Quiet hours are left aside.
fn periods(rule: &AlertSettings, samples: &[AlertSample]) -> Vec<AlertPeriod> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_kept_for_so_long_is_said_of_what_a_rule_looks_at() {
        use AlertFigure::{Availability, CertificateDays, ErrorRate};
        let now = 1_796_000_000_000_000_000;
        let told = |figure, days: i64| {
            let since = now - days * DAY_NS;
            not_kept(&[figure], (since, now), Retention::default()).join("; ")
        };
        assert_eq!(told(Availability, 3), "");
        let checks =
            "Checks are kept one by one for 3 days, so this tries no more than 3 days of them";
        assert_eq!(told(Availability, 7), checks);
        assert_eq!(told(CertificateDays, 30), checks);
        assert_eq!(told(ErrorRate, 14), "");
        let probes =
            "Probes are kept one by one for 14 days, so this tries no more than 14 days of them";
        assert_eq!(told(ErrorRate, 30), probes);
        assert_eq!(told(Availability, 30), format!("{probes}; {checks}"));
    }
}

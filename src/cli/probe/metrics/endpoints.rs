//! What free checks found of endpoints, as metrics for Prometheus.
//!
//! In: checks that are over. Out: the families of a scrape. Times are those of each check's own connection, in seconds.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use super::times::BUCKETS;
use crate::{
    event::FaultClass,
    history::EndpointCheck,
    metrics::{Histogram, Labels, MetricFamily, count},
};

/// The outcome of a check that found nothing wrong.
const OK: &str = "ok";

/// A part of a check, and how long it took, in seconds.
type CheckPhase = (&'static str, fn(&EndpointCheck) -> Option<f64>);

/// The parts of a check, in their order.
pub(in crate::cli::probe) const PHASES: [CheckPhase; 4] = [
    ("dns", |check| check.dns_ns.map(seconds)),
    ("tcp", |check| check.tcp_ns.map(seconds)),
    ("tls", |check| check.tls_ns.map(seconds)),
    ("models", |check| check.models_ns.map(seconds)),
];

/// All that is known of an endpoint.
struct EndpointSeries {
    outcomes: BTreeMap<&'static str, u64>,
    phases: [Histogram; PHASES.len()],
    /// Whether it was there at the last check that could tell.
    is_up: Option<bool>,
    /// The end of the validity of the certificate that it showed last, in seconds since 1970.
    certificate_until: Option<i64>,
}

impl EndpointSeries {
    fn new() -> Self {
        Self {
            // A count that begins at 0 shows its first step.
            outcomes: BTreeMap::from([(OK, 0)]),
            phases: PHASES.each_ref().map(|_| Histogram::new(&BUCKETS)),
            is_up: None,
            certificate_until: None,
        }
    }

    fn take(&mut self, check: &EndpointCheck) {
        let outcome = check.fault.map_or(OK, FaultClass::as_str);
        *self.outcomes.entry(outcome).or_default() += 1;
        for (histogram, (_, took)) in self.phases.iter_mut().zip(PHASES) {
            if let Some(took) = took(check) {
                histogram.add(took);
            }
        }
        self.is_up = check.is_up().or(self.is_up);
        self.certificate_until = check.certificate_until.or(self.certificate_until);
    }
}

/// The metrics of the endpoints that are checked.
#[derive(Default)]
pub(super) struct EndpointMetrics(Mutex<BTreeMap<String, EndpointSeries>>);

impl EndpointMetrics {
    /// A check is over.
    pub(super) fn take(&self, check: &EndpointCheck) {
        let mut endpoints = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let series = endpoints.entry(check.endpoint.clone());
        series.or_insert_with(EndpointSeries::new).take(check);
    }

    /// All of it.
    pub(super) fn families(&self) -> Vec<MetricFamily> {
        let endpoints = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let gauges = |value: fn(&EndpointSeries) -> Option<f64>| {
            let known = endpoints
                .iter()
                .filter_map(|(endpoint, series)| Some((labels(endpoint), value(series)?)));
            known.collect()
        };
        vec![
            MetricFamily::gauges(
                "tokenscope_endpoint_up",
                "Whether an endpoint was there at its last free check: 1 or 0",
                gauges(|series| series.is_up.map(|is_up| count(is_up.into()))),
            ),
            MetricFamily::counters(
                "tokenscope_endpoint_checks_total",
                "Free checks that are over, by outcome: ok, or the class of the fault",
                outcomes(&endpoints),
            ),
            MetricFamily::histograms(
                "tokenscope_endpoint_check_phase_seconds",
                "Parts of free checks: dns, tcp and tls of a new connection, and the list of models",
                phases(&endpoints),
            ),
            MetricFamily::gauges(
                "tokenscope_endpoint_certificate_expiry_timestamp_seconds",
                "When the certificate ends that an endpoint showed at its last free check, in seconds since 1970",
                gauges(|series| series.certificate_until.map(unix_seconds)),
            ),
        ]
    }
}

fn labels(endpoint: &str) -> Labels {
    vec![("endpoint", endpoint.to_owned())]
}

fn outcomes(endpoints: &BTreeMap<String, EndpointSeries>) -> Vec<(Labels, f64)> {
    let mut samples = Vec::new();
    for (endpoint, series) in endpoints {
        for (outcome, checks) in &series.outcomes {
            let mut labels = labels(endpoint);
            labels.push(("outcome", (*outcome).to_owned()));
            samples.push((labels, count(*checks)));
        }
    }
    samples
}

fn phases(endpoints: &BTreeMap<String, EndpointSeries>) -> Vec<(Labels, Histogram)> {
    let mut samples = Vec::new();
    for (endpoint, series) in endpoints {
        for (histogram, (phase, _)) in series.phases.iter().zip(PHASES) {
            let mut labels = labels(endpoint);
            labels.push(("phase", phase.to_owned()));
            samples.push((labels, histogram.clone()));
        }
    }
    samples
}

/// Nanoseconds as seconds.
#[expect(clippy::cast_precision_loss, reason = "a length of time")]
fn seconds(ns: u64) -> f64 {
    ns as f64 / 1e9
}

/// A time of day in whole seconds.
#[expect(clippy::cast_precision_loss, reason = "exact for millions of years")]
pub(in crate::cli::probe) fn unix_seconds(at: i64) -> f64 {
    at as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_left_out_and_what_was_known_stays() {
        let metrics = EndpointMetrics::default();
        let check = EndpointCheck {
            endpoint: "here".into(),
            status: Some(200),
            tcp_ns: Some(2_000_000),
            certificate_until: Some(1_800_000_000),
            ..EndpointCheck::default()
        };
        metrics.take(&check);
        // This one found no key, so that nothing was asked.
        metrics.take(&EndpointCheck {
            endpoint: "here".into(),
            fault: Some(FaultClass::Auth),
            ..EndpointCheck::default()
        });
        metrics.take(&EndpointCheck {
            endpoint: "there".into(),
            fault: Some(FaultClass::Connect),
            ..EndpointCheck::default()
        });
        let endpoints = metrics.0.lock().unwrap();
        let here = &endpoints["here"];
        assert_eq!(
            (here.is_up, here.certificate_until),
            (Some(true), Some(1_800_000_000))
        );
        assert_eq!(here.outcomes, BTreeMap::from([(OK, 1), ("auth", 1)]));
        let there = &endpoints["there"];
        assert_eq!((there.is_up, there.certificate_until), (Some(false), None));
    }
}

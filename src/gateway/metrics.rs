//! Counts and times of the gateway, for Prometheus.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::audit::AuditRecord;
use crate::metrics::{Histogram, Labels, MetricFamily, count};

/// Upper bounds of the buckets of times, in seconds.
const BUCKETS: [f64; 18] = [
    0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0,
    2.0, 5.0, 15.0, 60.0,
];

/// Most different sets of labels: a client can't fill memory with names of models.
const MOST_SERIES: usize = 1_000;

/// The route, target and outcome of a series.
type SeriesKey = (String, String, String);

/// A time of a request: its name, its help, and its milliseconds.
type RequestTime = (&'static str, &'static str, fn(&AuditRecord) -> Option<f64>);

const TIMES: [RequestTime; 5] = [
    (
        "tokenscope_ttft_seconds",
        "Time from the request to the first token handed on",
        |record| record.ttft_ms,
    ),
    (
        "tokenscope_added_seconds",
        "Time to the first token that the gateway itself took",
        |record| record.added_ms,
    ),
    (
        "tokenscope_network_seconds",
        "Time to the first token that connecting and one round trip took",
        |record| record.network_ms,
    ),
    (
        "tokenscope_provider_seconds",
        "Time to the first token that the provider took",
        |record| record.provider_ms,
    ),
    (
        "tokenscope_lost_seconds",
        "Time to the first token that targets took which failed or were too slow",
        |record| record.lost_ms,
    ),
];

/// A sum over requests: its name, its help, and what one request adds.
type RequestSum = (&'static str, &'static str, fn(&AuditRecord) -> f64);

const SUMS: [RequestSum; 6] = [
    (
        "tokenscope_requests_total",
        "Requests that are over",
        |_| 1.0,
    ),
    (
        "tokenscope_attempts_total",
        "Targets that were asked",
        |record| f64::from(record.attempts),
    ),
    (
        "tokenscope_hedges_total",
        "Targets that were asked beside another",
        |record| f64::from(record.hedges),
    ),
    (
        "tokenscope_input_tokens_total",
        "Tokens of prompts",
        |record| count(record.input_tokens.unwrap_or(0)),
    ),
    (
        "tokenscope_output_tokens_total",
        "Tokens of answers",
        |record| count(record.output_tokens.unwrap_or(0)),
    ),
    (
        "tokenscope_cost_usd_total",
        "US dollars as far as prices are known, the prompts of beaten targets included",
        |record| record.charged_usd().unwrap_or(0.0),
    ),
];

#[derive(Debug)]
struct MetricSeries {
    sums: [f64; SUMS.len()],
    times: [Histogram; TIMES.len()],
}

impl MetricSeries {
    fn new() -> Self {
        Self {
            sums: [0.0; SUMS.len()],
            times: TIMES.map(|_| Histogram::new(&BUCKETS)),
        }
    }

    fn add(&mut self, record: &AuditRecord) {
        for (sum, (.., value)) in self.sums.iter_mut().zip(SUMS) {
            *sum += value(record);
        }
        for (histogram, (.., ms)) in self.times.iter_mut().zip(TIMES) {
            if let Some(ms) = ms(record) {
                histogram.add(ms / 1e3);
            }
        }
    }
}

/// The metrics of a gateway.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    series: Mutex<BTreeMap<SeriesKey, MetricSeries>>,
}

impl Metrics {
    /// A request is over.
    pub(super) fn end(&self, record: &AuditRecord) {
        let mut all = self.series();
        let mut labels = (
            record.route.clone(),
            record.target.clone(),
            record.outcome.clone(),
        );
        if all.len() >= MOST_SERIES && !all.contains_key(&labels) {
            labels = ("other".into(), "other".into(), record.outcome.clone());
        }
        all.entry(labels)
            .or_insert_with(MetricSeries::new)
            .add(record);
    }

    /// All of it, and how many requests are under way.
    pub(super) fn families(&self, in_flight: usize) -> Vec<MetricFamily> {
        let series = self.series();
        let mut families = vec![MetricFamily::gauges(
            "tokenscope_requests_in_flight",
            "Requests under way",
            vec![(Vec::new(), count(in_flight as u64))],
        )];
        families.extend(SUMS.iter().enumerate().map(|(at, (name, help, _))| {
            let samples = series.iter();
            let samples = samples.map(|(key, series)| (labels(key), series.sums[at]));
            MetricFamily::counters(name, help, samples.collect())
        }));
        families.extend(TIMES.iter().enumerate().map(|(at, (name, help, _))| {
            let samples = series.iter();
            let samples = samples.map(|(key, series)| (labels(key), series.times[at].clone()));
            MetricFamily::histograms(name, help, samples)
        }));
        families
    }

    fn series(&self) -> MutexGuard<'_, BTreeMap<SeriesKey, MetricSeries>> {
        self.series.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn labels((route, target, outcome): &SeriesKey) -> Labels {
    [("route", route), ("target", target), ("outcome", outcome)]
        .map(|(name, value)| (name, value.clone()))
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Exposition;

    #[test]
    fn counts_and_buckets_add_up() {
        let metrics = Metrics::default();
        for ttft_ms in [Some(0.2), Some(300.0), Some(90_000.0), None] {
            metrics.end(&AuditRecord {
                route: "a\"b".into(),
                outcome: "ok".into(),
                attempts: 1,
                output_tokens: Some(10),
                ttft_ms,
                ..AuditRecord::default()
            });
        }
        let text = Exposition::Text.written(&metrics.families(1));
        let text = String::from_utf8(text).unwrap();
        let labels = "route=\"a\\\"b\",target=\"\",outcome=\"ok\"";
        for line in [
            "tokenscope_requests_in_flight 1".to_owned(),
            format!("tokenscope_requests_total{{{labels}}} 4"),
            format!("tokenscope_output_tokens_total{{{labels}}} 40"),
            format!("tokenscope_ttft_seconds_bucket{{{labels},le=\"0.00025\"}} 1"),
            format!("tokenscope_ttft_seconds_bucket{{{labels},le=\"0.35\"}} 2"),
            format!("tokenscope_ttft_seconds_bucket{{{labels},le=\"60\"}} 2"),
            format!("tokenscope_ttft_seconds_bucket{{{labels},le=\"+Inf\"}} 3"),
            format!("tokenscope_ttft_seconds_count{{{labels}}} 3"),
        ] {
            assert!(text.lines().any(|other| other == line), "{line}\n{text}");
        }
        assert!(
            !text.contains("tokenscope_added_seconds_count"),
            "nothing was measured"
        );
    }

    #[test]
    fn names_of_clients_can_not_fill_memory() {
        let metrics = Metrics::default();
        for model in 0..3 * MOST_SERIES {
            metrics.end(&AuditRecord {
                route: model.to_string(),
                ..AuditRecord::default()
            });
        }
        assert!(metrics.series().len() <= MOST_SERIES + 1);
    }
}

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

/// The times that each request has: names and helps.
const TIMES: [(&str, &str); 5] = [
    (
        "tokenscope_ttft_seconds",
        "Time from the request to the first token handed on",
    ),
    (
        "tokenscope_added_seconds",
        "Time to the first token that the gateway itself took",
    ),
    (
        "tokenscope_network_seconds",
        "Time to the first token that connecting and one round trip took",
    ),
    (
        "tokenscope_provider_seconds",
        "Time to the first token that the provider took",
    ),
    (
        "tokenscope_lost_seconds",
        "Time to the first token that targets took which failed or were too slow",
    ),
];

/// A sum of each series: its name, its help, and its value.
type SeriesSum = (&'static str, &'static str, fn(&MetricSeries) -> f64);

/// The sums of each series.
const SUMS: [SeriesSum; 6] = [
    (
        "tokenscope_requests_total",
        "Requests that are over",
        |series| count(series.requests),
    ),
    (
        "tokenscope_attempts_total",
        "Targets that were asked",
        |series| count(series.attempts),
    ),
    (
        "tokenscope_hedges_total",
        "Targets that were asked beside another",
        |series| count(series.hedges),
    ),
    (
        "tokenscope_input_tokens_total",
        "Tokens of prompts",
        |series| count(series.input_tokens),
    ),
    (
        "tokenscope_output_tokens_total",
        "Tokens of answers",
        |series| count(series.output_tokens),
    ),
    (
        "tokenscope_cost_usd_total",
        "US dollars as far as prices are known, the prompts of beaten targets included",
        |series| series.cost_usd,
    ),
];

#[derive(Debug)]
struct MetricSeries {
    requests: u64,
    attempts: u64,
    hedges: u64,
    input_tokens: u64,
    output_tokens: u64,
    cost_usd: f64,
    times: [Histogram; TIMES.len()],
}

impl MetricSeries {
    fn new() -> Self {
        Self {
            requests: 0,
            attempts: 0,
            hedges: 0,
            input_tokens: 0,
            output_tokens: 0,
            cost_usd: 0.0,
            times: TIMES.map(|_| Histogram::new(&BUCKETS)),
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
        let series = all.entry(labels).or_insert_with(MetricSeries::new);
        series.requests += 1;
        series.attempts += u64::from(record.attempts);
        series.hedges += u64::from(record.hedges);
        series.input_tokens += record.input_tokens.unwrap_or(0);
        series.output_tokens += record.output_tokens.unwrap_or(0);
        series.cost_usd += record.charged_usd().unwrap_or(0.0);
        let times = [
            record.ttft_ms,
            record.added_ms,
            record.network_ms,
            record.provider_ms,
            record.lost_ms,
        ];
        for (histogram, ms) in series.times.iter_mut().zip(times) {
            if let Some(ms) = ms {
                histogram.add(ms / 1e3);
            }
        }
    }

    /// All of it, and how many requests are under way.
    pub(super) fn families(&self, in_flight: usize) -> Vec<MetricFamily> {
        let series = self.series();
        let mut families = vec![MetricFamily::gauges(
            "tokenscope_requests_in_flight",
            "Requests under way",
            vec![(Vec::new(), count(in_flight as u64))],
        )];
        families.extend(SUMS.iter().map(|(name, help, value)| {
            let samples = series
                .iter()
                .map(|(key, series)| (labels(key), value(series)));
            MetricFamily::counters(name, help, samples.collect())
        }));
        families.extend(TIMES.iter().enumerate().map(|(at, (name, help))| {
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

//! Counts and times of the gateway, in Prometheus's text format.
//!
//! The format: <https://prometheus.io/docs/instrumenting/exposition_formats/>.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::audit::AuditRecord;

/// Upper bounds of the buckets of times, in seconds.
const BUCKETS: [f64; 18] = [
    0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0,
    2.0, 5.0, 15.0, 60.0,
];

/// Most different sets of labels: a client can't fill memory with names of models.
const MOST_SERIES: usize = 1_000;

/// The labels of a series: route, target, outcome.
type Labels = (String, String, String);

#[derive(Clone, Debug, Default)]
struct Histogram {
    buckets: [u64; BUCKETS.len()],
    count: u64,
    sum: f64,
}

/// The times that each request has.
const TIMES: [(&str, &str); 5] = [
    ("ttft", "Time from the request to the first token handed on"),
    (
        "added",
        "Time to the first token that the gateway itself took",
    ),
    (
        "network",
        "Time to the first token that connecting and one round trip took",
    ),
    ("provider", "Time to the first token that the provider took"),
    (
        "lost",
        "Time to the first token that targets took which failed or were too slow",
    ),
];

#[derive(Clone, Debug, Default)]
struct MetricSeries {
    requests: u64,
    attempts: u64,
    hedges: u64,
    input_tokens: u64,
    output_tokens: u64,
    cost_usd: f64,
    times: [Histogram; TIMES.len()],
}

/// The metrics of a gateway.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    series: Mutex<BTreeMap<Labels, MetricSeries>>,
}

/// Reads a count.
type Count = fn(&MetricSeries) -> u64;

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
        let series = all.entry(labels).or_default();
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

    /// All of it as text, and how many requests are under way.
    pub(super) fn text(&self, in_flight: usize) -> String {
        let series = self.series();
        let mut text = String::new();
        head(
            &mut text,
            "requests_in_flight",
            "gauge",
            "Requests under way",
        );
        let _ = writeln!(text, "tokenscope_requests_in_flight {in_flight}");
        let counts: [(&str, &str, Count); 5] = [
            ("requests_total", "Requests that are over", |series| {
                series.requests
            }),
            ("attempts_total", "Targets that were asked", |series| {
                series.attempts
            }),
            (
                "hedges_total",
                "Targets that were asked beside another",
                |series| series.hedges,
            ),
            ("input_tokens_total", "Tokens of prompts", |series| {
                series.input_tokens
            }),
            ("output_tokens_total", "Tokens of answers", |series| {
                series.output_tokens
            }),
        ];
        for (name, help, count) in counts {
            head(&mut text, name, "counter", help);
            for (labels, series) in &*series {
                let _ = writeln!(
                    text,
                    "tokenscope_{name}{{{}}} {}",
                    written(labels),
                    count(series)
                );
            }
        }
        let help = "US dollars as far as prices are known, the prompts of beaten targets included";
        head(&mut text, "cost_usd_total", "counter", help);
        for (labels, series) in &*series {
            let (labels, cost) = (written(labels), series.cost_usd);
            let _ = writeln!(text, "tokenscope_cost_usd_total{{{labels}}} {cost}");
        }
        for (at, (name, help)) in TIMES.iter().enumerate() {
            head(&mut text, &format!("{name}_seconds"), "histogram", help);
            for (labels, series) in &*series {
                series.times[at].write(name, &written(labels), &mut text);
            }
        }
        text
    }

    fn series(&self) -> MutexGuard<'_, BTreeMap<Labels, MetricSeries>> {
        self.series.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Histogram {
    fn add(&mut self, seconds: f64) {
        self.count += 1;
        self.sum += seconds;
        for (bucket, bound) in self.buckets.iter_mut().zip(BUCKETS) {
            *bucket += u64::from(seconds <= bound);
        }
    }

    fn write(&self, name: &str, labels: &str, text: &mut String) {
        if self.count == 0 {
            return;
        }
        let name = format!("tokenscope_{name}_seconds");
        for (bucket, bound) in self.buckets.iter().zip(BUCKETS) {
            let _ = writeln!(text, "{name}_bucket{{{labels},le=\"{bound}\"}} {bucket}");
        }
        let _ = writeln!(text, "{name}_bucket{{{labels},le=\"+Inf\"}} {}", self.count);
        let _ = writeln!(text, "{name}_sum{{{labels}}} {}", self.sum);
        let _ = writeln!(text, "{name}_count{{{labels}}} {}", self.count);
    }
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    // Writing to a string can't fail.
    let _ = writeln!(
        text,
        "# HELP tokenscope_{name} {help}\n# TYPE tokenscope_{name} {kind}"
    );
}

fn written((route, target, outcome): &Labels) -> String {
    let value = |text: &str| {
        let text = text.replace('\\', "\\\\").replace('"', "\\\"");
        text.replace('\n', "\\n")
    };
    let [route, target, outcome] = [route, target, outcome].map(|label| value(label));
    format!("route=\"{route}\",target=\"{target}\",outcome=\"{outcome}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let text = metrics.text(1);
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

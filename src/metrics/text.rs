//! Prometheus's text format, version 0.0.4. <https://prometheus.io/docs/instrumenting/exposition_formats/>

use std::fmt::Write as _;

use super::{Histogram, Labels, MetricFamily, Samples};

/// The families as text. Histograms are classic ones.
pub(super) fn written(families: &[MetricFamily]) -> String {
    let mut text = String::new();
    for family in families.iter().filter(|family| !family.samples.is_empty()) {
        let (name, help) = (family.name, family.help);
        let kind = match family.samples {
            Samples::Counters(_) => "counter",
            Samples::Gauges(_) => "gauge",
            Samples::Histograms(_) => "histogram",
        };
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        // Writing to a string can't fail.
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        match &family.samples {
            Samples::Counters(samples) | Samples::Gauges(samples) => {
                for (labels, value) in samples {
                    let _ = writeln!(text, "{name}{} {value}", in_braces(&pairs(labels)));
                }
            }
            Samples::Histograms(samples) => {
                for (labels, histogram) in samples {
                    write_histogram(name, &pairs(labels), histogram, &mut text);
                }
            }
        }
    }
    text
}

fn write_histogram(name: &str, labels: &str, histogram: &Histogram, text: &mut String) {
    let before = if labels.is_empty() { "" } else { "," };
    let count = histogram.count();
    for (bound, below) in histogram.cumulative() {
        let _ = writeln!(
            text,
            "{name}_bucket{{{labels}{before}le=\"{bound}\"}} {below}"
        );
    }
    let _ = writeln!(text, "{name}_bucket{{{labels}{before}le=\"+Inf\"}} {count}");
    let labels = in_braces(labels);
    let _ = writeln!(text, "{name}_sum{labels} {}", histogram.sum());
    let _ = writeln!(text, "{name}_count{labels} {count}");
}

fn in_braces(pairs: &str) -> String {
    if pairs.is_empty() {
        String::new()
    } else {
        format!("{{{pairs}}}")
    }
}

fn pairs(labels: &Labels) -> String {
    let escaped = |value: &str| {
        let value = value.replace('\\', "\\\\").replace('"', "\\\"");
        value.replace('\n', "\\n")
    };
    let pairs = labels.iter();
    let pairs = pairs.map(|(name, value)| format!("{name}=\"{}\"", escaped(value)));
    pairs.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_others_stay_within_their_quotes() {
        let labels = vec![("target", "a\"} 1\nb\\".to_owned())];
        let family = MetricFamily::counters("x_total", "Help\nin two lines", vec![(labels, 2.0)]);
        assert_eq!(
            written(&[family]),
            "# HELP x_total Help\\nin two lines\n# TYPE x_total counter\nx_total{target=\"a\\\"} 1\\nb\\\\\"} 2\n"
        );
    }

    #[test]
    fn a_histogram_has_its_buckets_sum_and_count_and_a_family_without_samples_is_left_out() {
        let mut histogram = Histogram::new(&[0.5, 1.0]);
        histogram.add(0.5);
        histogram.add(3.0);
        let empty = (Vec::new(), Histogram::new(&[1.0]));
        let families = [
            MetricFamily::histograms("none_seconds", "Nothing", [empty]),
            MetricFamily::histograms("t_seconds", "Time", [(Vec::new(), histogram)]),
        ];
        assert_eq!(
            written(&families),
            "# HELP t_seconds Time\n# TYPE t_seconds histogram\nt_seconds_bucket{le=\"0.5\"} 1\n\
             t_seconds_bucket{le=\"1\"} 1\nt_seconds_bucket{le=\"+Inf\"} 2\nt_seconds_sum 3.5\nt_seconds_count 2\n"
        );
    }
}

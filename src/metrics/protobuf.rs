//! Prometheus's protobuf format: families one after another, each behind its length.
//!
//! The messages and their numbers are those of `metrics.proto`, as far as they are needed:
//! <https://github.com/prometheus/client_model/blob/master/io/prometheus/client/metrics.proto>.

use prost::Message as _;

use super::{Histogram, Labels, Samples, histogram};

/// The families as protobuf. Histograms are classic and native at once.
pub(super) fn written(families: &[super::MetricFamily]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for family in families.iter().filter(|family| !family.samples.is_empty()) {
        // A message that is encoded into a vector has room enough.
        let encoded = FamilyMessage::of(family).encode_length_delimited(&mut bytes);
        debug_assert!(encoded.is_ok());
    }
    bytes
}

#[derive(Clone, PartialEq, prost::Message)]
struct FamilyMessage {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    help: String,
    #[prost(enumeration = "MetricType", tag = "3")]
    kind: i32,
    #[prost(message, repeated, tag = "4")]
    metric: Vec<Metric>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
#[repr(i32)]
enum MetricType {
    Counter = 0,
    Gauge = 1,
    Histogram = 4,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Metric {
    #[prost(message, repeated, tag = "1")]
    label: Vec<LabelPair>,
    #[prost(message, optional, tag = "2")]
    gauge: Option<Number>,
    #[prost(message, optional, tag = "3")]
    counter: Option<Number>,
    #[prost(message, optional, tag = "7")]
    histogram: Option<HistogramMessage>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct LabelPair {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    value: String,
}

/// The value of a counter or a gauge.
#[derive(Clone, Copy, PartialEq, prost::Message)]
struct Number {
    #[prost(double, tag = "1")]
    value: f64,
}

#[derive(Clone, PartialEq, prost::Message)]
struct HistogramMessage {
    #[prost(uint64, tag = "1")]
    sample_count: u64,
    #[prost(double, tag = "2")]
    sample_sum: f64,
    #[prost(message, repeated, tag = "3")]
    bucket: Vec<Bucket>,
    #[prost(sint32, tag = "5")]
    schema: i32,
    #[prost(double, tag = "6")]
    zero_threshold: f64,
    #[prost(uint64, tag = "7")]
    zero_count: u64,
    #[prost(message, repeated, tag = "12")]
    positive_span: Vec<BucketSpan>,
    /// How many more values each bucket has than the one before it.
    #[prost(sint64, repeated, tag = "13")]
    positive_delta: Vec<i64>,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
struct Bucket {
    #[prost(uint64, tag = "1")]
    cumulative_count: u64,
    #[prost(double, tag = "2")]
    upper_bound: f64,
}

/// Native buckets that follow each other.
#[derive(Clone, Copy, PartialEq, Eq, Hash, prost::Message)]
struct BucketSpan {
    /// How many buckets are left out before it; of the first one, the number of its first bucket.
    #[prost(sint32, tag = "1")]
    offset: i32,
    #[prost(uint32, tag = "2")]
    length: u32,
}

impl FamilyMessage {
    fn of(family: &super::MetricFamily) -> Self {
        let (kind, metric) = match &family.samples {
            Samples::Counters(samples) => {
                let metric = |value| Metric {
                    counter: Some(Number { value }),
                    ..Metric::default()
                };
                (MetricType::Counter, numbers(samples, metric))
            }
            Samples::Gauges(samples) => {
                let metric = |value| Metric {
                    gauge: Some(Number { value }),
                    ..Metric::default()
                };
                (MetricType::Gauge, numbers(samples, metric))
            }
            Samples::Histograms(samples) => {
                let metric = |(labels, histogram): &(Labels, Histogram)| Metric {
                    label: pairs(labels),
                    histogram: Some(HistogramMessage::of(histogram)),
                    ..Metric::default()
                };
                let metrics = samples.iter().map(metric).collect();
                (MetricType::Histogram, metrics)
            }
        };
        Self {
            name: family.name.to_owned(),
            help: family.help.to_owned(),
            kind: kind.into(),
            metric,
        }
    }
}

fn numbers(samples: &[(Labels, f64)], metric: fn(f64) -> Metric) -> Vec<Metric> {
    let with_labels = |(labels, value): &(Labels, f64)| Metric {
        label: pairs(labels),
        ..metric(*value)
    };
    samples.iter().map(with_labels).collect()
}

fn pairs(labels: &Labels) -> Vec<LabelPair> {
    let pair = |(name, value): &(&str, String)| LabelPair {
        name: (*name).to_owned(),
        value: value.clone(),
    };
    labels.iter().map(pair).collect()
}

impl HistogramMessage {
    fn of(histogram: &Histogram) -> Self {
        let bucket = |(upper_bound, cumulative_count)| Bucket {
            cumulative_count,
            upper_bound,
        };
        let (positive_span, positive_delta) = spans(histogram.native());
        Self {
            sample_count: histogram.count(),
            sample_sum: histogram.sum(),
            bucket: histogram.cumulative().map(bucket).collect(),
            schema: histogram::SCHEMA,
            zero_threshold: histogram::ZERO_THRESHOLD,
            zero_count: histogram.zeros(),
            positive_span,
            positive_delta,
        }
    }
}

/// Buckets in order as spans without a hole, and the steps from one bucket's count to the next one's.
fn spans(buckets: impl Iterator<Item = (i32, u64)>) -> (Vec<BucketSpan>, Vec<i64>) {
    let mut spans: Vec<BucketSpan> = Vec::new();
    let mut deltas = Vec::new();
    // The bucket that would come next, and the last count.
    let (mut next, mut last) = (0, 0);
    for (bucket, count) in buckets {
        match spans.last_mut() {
            Some(span) if bucket == next => span.length += 1,
            _ => spans.push(BucketSpan {
                offset: bucket - next,
                length: 1,
            }),
        }
        deltas.push(count.cast_signed() - last);
        (next, last) = (bucket + 1, count.cast_signed());
    }
    (spans, deltas)
}

#[cfg(test)]
mod tests {
    use super::{super::count, *};

    #[test]
    fn buckets_are_spans_and_steps() {
        let span = |offset, length| BucketSpan { offset, length };
        let (spans, deltas) = spans([(-9, 2), (-8, 5), (-4, 1), (3, 1)].into_iter());
        assert_eq!(spans, [span(-9, 2), span(3, 1), span(6, 1)]);
        assert_eq!(deltas, [2, 3, -4, 0]);
    }

    #[test]
    fn what_is_written_is_read_back() {
        let labels = || vec![("target", "é \"quoted\"".to_owned())];
        let mut histogram = Histogram::new(&[1.0]);
        for value in [0.0, 0.5, 0.5, 4.0] {
            histogram.add(value);
        }
        let families = [
            super::super::MetricFamily::counters("a_total", "A", vec![(labels(), count(3))]),
            super::super::MetricFamily::gauges("b", "B", vec![(labels(), -1.5)]),
            super::super::MetricFamily::histograms("c_seconds", "C", [(labels(), histogram)]),
        ];
        let bytes = written(&families);
        let mut rest = bytes.as_slice();
        let mut read = Vec::new();
        while !rest.is_empty() {
            read.push(FamilyMessage::decode_length_delimited(&mut rest).unwrap());
        }
        let kinds: Vec<_> = read.iter().map(FamilyMessage::kind).collect();
        assert_eq!(
            kinds,
            [
                MetricType::Counter,
                MetricType::Gauge,
                MetricType::Histogram
            ]
        );
        assert_eq!(read[0].metric[0].counter, Some(Number { value: 3.0 }));
        assert_eq!(read[1].metric[0].gauge, Some(Number { value: -1.5 }));
        let metric = &read[2].metric[0];
        assert_eq!(metric.label[0].value, "é \"quoted\"");
        let histogram = metric.histogram.as_ref().unwrap();
        assert_eq!((histogram.sample_count, histogram.zero_count), (4, 1));
        assert!((histogram.sample_sum - 5.0).abs() < 1e-12);
        assert_eq!(histogram.bucket[0].cumulative_count, 3);
        assert_eq!(histogram.positive_delta, [2, -1]);
    }
}

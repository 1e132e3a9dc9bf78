//! Counts, gauges and histograms, and how Prometheus reads them.
//!
//! In: families of metrics. Out: the body of a scrape in the format that its request accepts: text, or protobuf, which
//! alone has native histograms. Names end in their unit, as Prometheus advises: seconds, bytes, `_total` for counts.

mod exposition;
mod histogram;
mod protobuf;
mod text;

pub use self::{exposition::Exposition, histogram::Histogram};

/// The labels of a sample, each with its value.
pub type Labels = Vec<(&'static str, String)>;

/// All samples of one name.
#[derive(Clone, Debug)]
pub struct MetricFamily {
    /// Its name.
    pub name: &'static str,
    /// What it says, in one line.
    pub help: &'static str,
    /// Its samples; a family without any is not written.
    pub samples: Samples,
}

/// The samples of a family, which are of one kind.
#[derive(Clone, Debug)]
pub enum Samples {
    /// Sums that only grow.
    Counters(Vec<(Labels, f64)>),
    /// Values that go up and down.
    Gauges(Vec<(Labels, f64)>),
    /// Distributions.
    Histograms(Vec<(Labels, Histogram)>),
}

impl Samples {
    fn is_empty(&self) -> bool {
        match self {
            Self::Counters(samples) | Self::Gauges(samples) => samples.is_empty(),
            Self::Histograms(samples) => samples.is_empty(),
        }
    }
}

impl MetricFamily {
    /// Sums that only grow; the name ends in `_total`.
    #[must_use]
    pub fn counters(name: &'static str, help: &'static str, samples: Vec<(Labels, f64)>) -> Self {
        let samples = Samples::Counters(samples);
        Self {
            name,
            help,
            samples,
        }
    }

    /// Values that go up and down.
    #[must_use]
    pub fn gauges(name: &'static str, help: &'static str, samples: Vec<(Labels, f64)>) -> Self {
        let samples = Samples::Gauges(samples);
        Self {
            name,
            help,
            samples,
        }
    }

    /// Distributions; those without a value are left out.
    #[must_use]
    pub fn histograms(
        name: &'static str,
        help: &'static str,
        samples: impl IntoIterator<Item = (Labels, Histogram)>,
    ) -> Self {
        let samples = samples.into_iter();
        let samples = samples.filter(|(_, histogram)| histogram.count() > 0);
        Self {
            name,
            help,
            samples: Samples::Histograms(samples.collect()),
        }
    }
}

/// A count as a sample's value.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
pub fn count(count: u64) -> f64 {
    count as f64
}

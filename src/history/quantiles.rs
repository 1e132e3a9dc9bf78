//! Percentiles of TTFT, by single runs or by a sketch.

use crate::measure::{percentile::percentiles, sketch::TimeSketch};

/// Most values of the spread of TTFTs.
pub const MOST_QUANTILES: usize = 512;

/// Percentiles of TTFT in milliseconds; each is blank where there are too few runs for it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Quantiles {
    /// How many runs were measured.
    pub runs: usize,
    /// The median.
    pub p50: Option<f64>,
    /// From 10 runs on.
    pub p90: Option<f64>,
    /// From 20 runs on.
    pub p95: Option<f64>,
    /// From 100 runs on.
    pub p99: Option<f64>,
}

impl Quantiles {
    /// Those of some TTFTs in milliseconds.
    #[must_use]
    pub fn of(ms: &[f64]) -> Self {
        let found = percentiles(ms.iter().copied(), &[0.5, 0.9, 0.95, 0.99]);
        let value = |at: usize| found.get(at).and_then(|percentile| percentile.value);
        Self {
            runs: ms.len(),
            p50: value(0),
            p90: value(1),
            p95: value(2),
            p99: value(3),
        }
    }

    /// Those of TTFTs that are known by a sketch, to within its error.
    #[must_use]
    pub(super) fn of_sketch(sketch: &TimeSketch) -> Self {
        let found = sketch.percentiles_ms(&[0.5, 0.9, 0.95, 0.99]);
        let value = |at: usize| found.get(at).copied().flatten();
        Self {
            runs: usize::try_from(sketch.len()).unwrap_or(usize::MAX),
            p50: value(0),
            p90: value(1),
            p95: value(2),
            p99: value(3),
        }
    }
}

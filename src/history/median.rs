//! A median with its number of runs.

/// The median TTFT of some runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Median {
    /// How many runs.
    pub runs: usize,
    /// Their median in milliseconds; of an even number, the mean of the two in the middle.
    pub ms: f64,
}

impl Median {
    /// `None` if there are no runs.
    #[must_use]
    pub fn of(mut ms: Vec<f64>) -> Option<Self> {
        let runs = ms.len();
        let (below, middle, _) = match runs {
            0 => return None,
            _ => ms.select_nth_unstable_by(runs / 2, f64::total_cmp),
        };
        let ms = match below.iter().copied().max_by(f64::total_cmp) {
            Some(lower) if runs.is_multiple_of(2) => f64::midpoint(lower, *middle),
            _ => *middle,
        };
        Some(Self { runs, ms })
    }
}

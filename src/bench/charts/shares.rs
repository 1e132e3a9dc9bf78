//! The distribution of a time as a line of steps.

/// How many quantiles a line has at most, evenly over all shares, and as many again over the slowest hundredth.
const MOST: usize = 300;

/// For some times the share of answers that took at most that (an ECDF): all of them if there are few.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShareSteps {
    /// How many answers.
    pub n: u64,
    /// A time in milliseconds, and the share that took at most that; both ascend.
    pub steps: Vec<[f64; 2]>,
}

impl ShareSteps {
    /// Of times in any order; NaN is none.
    #[expect(clippy::cast_precision_loss, reason = "counts of requests")]
    pub(super) fn of(mut values: Vec<f32>) -> Self {
        values.retain(|value| !value.is_nan());
        values.sort_unstable_by(f32::total_cmp);
        let n = values.len();
        let step = |rank: usize| [f64::from(values[rank]), (rank + 1) as f64 / n as f64];
        Self {
            n: n as u64,
            steps: ranks(n).into_iter().map(step).collect(),
        }
    }
}

/// The ranks of the values that are shown, in ascending order; the last is always one of them.
fn ranks(n: usize) -> Vec<usize> {
    let even = |from: usize, to: usize| {
        let stride = (to - from).div_ceil(MOST).max(1);
        (from..to).step_by(stride)
    };
    let tail = n - n / 100;
    let mut ranks: Vec<usize> = even(0, tail).chain(even(tail, n)).collect();
    if let Some(last) = n.checked_sub(1).filter(|last| ranks.last() != Some(last)) {
        ranks.push(last);
    }
    ranks
}

//! What happened in each stretch of a bench's time.

use super::{ChartOutcome, ChartRequest};
use crate::{
    measure::percentile::{estimate, percentiles},
    run::ms,
};

/// Most bins of a bench.
const MOST: u64 = 150;

/// Requests that a bin has on average at least, so that its rate says something.
const LEAST_REQUESTS: u64 = 8;

/// Widths of a bin, in milliseconds; beyond the last one its multiples.
const WIDTHS_MS: [u64; 13] = [
    50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 30_000, 60_000, 300_000, 600_000,
];

/// What happened in a stretch of time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChartBin {
    /// Its begin, in milliseconds since the first request that counts.
    pub from_ms: f64,
    /// Requests that were due; `None` in a closed loop.
    pub due: Option<u64>,
    /// Requests that were begun.
    pub begun: u64,
    /// Complete answers that ended.
    pub ok: u64,
    /// Requests that failed.
    pub failed: u64,
    /// Requests under way, on average.
    pub under_way: f64,
    /// TTFT from start, of complete answers to requests that were begun in it.
    pub ttft: TtftOfBin,
    /// The same from schedule; `None` in a closed loop.
    pub ttft_from_schedule: Option<TtftOfBin>,
    /// The median of our lag, in milliseconds, of requests that were begun in it.
    pub lag_p50_ms: Option<f64>,
    /// The largest.
    pub lag_max_ms: Option<f64>,
}

/// TTFT in a bin, in milliseconds; each blank where there are too few answers for it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TtftOfBin {
    /// How many answers.
    pub n: u64,
    /// The median.
    pub p50: Option<f64>,
    /// The 95th percentile.
    pub p95: Option<f64>,
    /// The 99th percentile.
    pub p99: Option<f64>,
    /// The largest.
    pub max: Option<f64>,
}

impl TtftOfBin {
    fn of(values: &[f64]) -> Self {
        let found = percentiles(values.iter().copied(), &[0.5, 0.95, 0.99]);
        let at = |index: usize| found.get(index).and_then(|found| found.value);
        Self {
            n: values.len() as u64,
            p50: at(0),
            p95: at(1),
            p99: at(2),
            max: values.iter().copied().reduce(f64::max),
        }
    }
}

/// The bins of some requests, and their width in milliseconds. `first` is when the first one was due.
pub(super) fn of(requests: &[ChartRequest], first: u64, is_open: bool) -> (f64, Vec<ChartBin>) {
    let last = requests.iter().map(|request| request.ended).max();
    let span = last.unwrap_or(first).saturating_sub(first);
    let width = width_ns(span, requests.len() as u64);
    let mut bins = BinsInWork::new(first, width, span, is_open);
    for request in requests {
        bins.add(request);
    }
    (ms(width), bins.finished())
}

/// The width of a bin in nanoseconds.
fn width_ns(span: u64, requests: u64) -> u64 {
    let most = MOST.min(requests / LEAST_REQUESTS).max(10);
    let widths = WIDTHS_MS.map(|ms| ms * 1_000_000);
    let fits = |width: &u64| span / width < most;
    let [.., widest] = widths;
    let found = widths.into_iter().find(fits);
    found.unwrap_or_else(|| (span / most / widest + 1) * widest)
}

/// Bins that are being filled.
struct BinsInWork {
    first: u64,
    width: u64,
    is_open: bool,
    bins: Vec<ChartBin>,
    /// For each bin the answers to requests that were begun in it: TTFT from start, and our lag.
    answers: Vec<Vec<(f32, f32)>>,
    lags: Vec<Vec<f64>>,
    /// By how many more requests are under way at the end of a bin than at its begin.
    changes: Vec<i64>,
    /// The time that requests which begin or end in a bin are under way in it, less a whole bin for each that ends; in
    /// nanoseconds.
    parts: Vec<i64>,
}

impl BinsInWork {
    fn new(first: u64, width: u64, span: u64, is_open: bool) -> Self {
        let count = usize::try_from(span / width).unwrap_or_default() + 1;
        let bin = |index: usize| ChartBin {
            from_ms: ms(width * index as u64),
            due: is_open.then_some(0),
            ..ChartBin::default()
        };
        Self {
            first,
            width,
            is_open,
            bins: (0..count).map(bin).collect(),
            answers: vec![Vec::new(); count],
            lags: vec![Vec::new(); count],
            changes: vec![0; count],
            parts: vec![0; count],
        }
    }

    /// The bin of a time, and how much of it is left then, in nanoseconds.
    fn place(&self, at: u64) -> (usize, i64) {
        let since = at.saturating_sub(self.first);
        let index = usize::try_from(since / self.width).unwrap_or(usize::MAX);
        let left = self.width - since % self.width;
        (index.min(self.bins.len() - 1), left.cast_signed())
    }

    fn add(&mut self, request: &ChartRequest) {
        let (begun, left_at_begin) = self.place(request.started);
        let (ended, left_at_end) = self.place(request.ended);
        let (due, _) = self.place(request.due());
        if let Some(count) = &mut self.bins[due].due {
            *count += 1;
        }
        self.bins[begun].begun += 1;
        self.changes[begun] += 1;
        self.parts[begun] += left_at_begin;
        self.changes[ended] -= 1;
        self.parts[ended] -= left_at_end;
        match request.outcome {
            ChartOutcome::Ok => self.bins[ended].ok += 1,
            ChartOutcome::Failed => self.bins[ended].failed += 1,
            ChartOutcome::Cancelled => {}
        }
        self.lags[begun].push(request.lag_ms.into());
        if !request.ttft_ms.is_nan() {
            self.answers[begun].push((request.ttft_ms, request.lag_ms));
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "counts and times of a bench")]
    fn finished(mut self) -> Vec<ChartBin> {
        let mut at_begin = 0_i64;
        let width = self.width as f64;
        for (index, bin) in self.bins.iter_mut().enumerate() {
            bin.under_way = at_begin as f64 + self.parts[index] as f64 / width;
            at_begin += self.changes[index];
            let answers = std::mem::take(&mut self.answers[index]);
            let times = |value: fn(&(f32, f32)) -> f32| {
                let values: Vec<f64> = answers.iter().map(|one| value(one).into()).collect();
                TtftOfBin::of(&values)
            };
            bin.ttft = times(|(ttft, _)| *ttft);
            bin.ttft_from_schedule = self.is_open.then(|| times(|(ttft, lag)| ttft + lag));
            let mut lags = std::mem::take(&mut self.lags[index]);
            bin.lag_max_ms = lags.iter().copied().reduce(f64::max);
            bin.lag_p50_ms = estimate(&mut lags, 0.5);
        }
        self.bins
    }
}

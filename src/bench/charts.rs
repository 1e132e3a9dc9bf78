//! What plots show of a bench: its requests reduced to some hundred points, however many there are.
//!
//! In: requests one by one. Out: [`BenchCharts`]. It may take a tenth of a second for a million, so that no window makes
//! them on its own thread.

mod bins;
mod shares;

pub use self::{
    bins::{ChartBin, TtftOfBin},
    shares::ShareSteps,
};
use super::{plan::BenchPlan, record::BenchRequest};

/// Most points that stand for single requests.
const MOST_POINTS: usize = 2_000;

/// What plots show of a bench. The warm-up is left out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BenchCharts {
    /// The width of a bin, in milliseconds.
    pub bin_ms: f64,
    /// What happened in each stretch of time, in order.
    pub bins: Vec<ChartBin>,
    /// A sample of the answers, in the order in which they ended: every one if there are few.
    pub points: Vec<ChartPoint>,
    /// TTFT from start, of complete answers.
    pub ttft: ShareSteps,
    /// TTFT from schedule; `None` in a closed loop.
    pub ttft_from_schedule: Option<ShareSteps>,
    /// The time to the last token from start.
    pub total: ShareSteps,
    /// The same from schedule; `None` in a closed loop.
    pub total_from_schedule: Option<ShareSteps>,
}

/// One answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChartPoint {
    /// When it was begun, in milliseconds since the first request that counts.
    pub at_ms: f64,
    /// Its TTFT from start, in milliseconds.
    pub ttft_ms: f64,
    /// Its TTFT from schedule.
    pub ttft_from_schedule_ms: f64,
}

/// A request, as far as plots need it: in few bytes, since there may be a million.
#[derive(Clone, Copy, Debug)]
struct ChartRequest {
    /// Nanoseconds since the bench's start.
    started: u64,
    ended: u64,
    /// Milliseconds from when it was due until it was begun.
    lag_ms: f32,
    /// Milliseconds from start; NaN if there was no token, or no complete answer.
    ttft_ms: f32,
    total_ms: f32,
    outcome: ChartOutcome,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ChartOutcome {
    Ok,
    Failed,
    /// Ended by our own stop.
    Cancelled,
}

/// Collects the requests of a bench for its plots.
#[derive(Debug, Default)]
pub struct ChartCollector {
    is_open: bool,
    requests: Vec<ChartRequest>,
}

impl ChartCollector {
    /// An empty one for a plan.
    #[must_use]
    pub fn new(plan: &BenchPlan) -> Self {
        Self {
            is_open: plan.load.is_open(),
            requests: Vec::new(),
        }
    }

    /// Adds a request; those of the warm-up are left out.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "24 bits are finer than any plot"
    )]
    pub fn add(&mut self, request: &BenchRequest) {
        if request.is_warm_up {
            return;
        }
        let outcome = match request.fault() {
            None => ChartOutcome::Ok,
            Some(class) if class.is_no_failure() => ChartOutcome::Cancelled,
            Some(_) => ChartOutcome::Failed,
        };
        let of_answer = |ms: Option<f64>| match ms {
            Some(ms) if outcome == ChartOutcome::Ok => ms as f32,
            _ => f32::NAN,
        };
        self.requests.push(ChartRequest {
            started: request.started,
            ended: request.ended.max(request.started),
            lag_ms: request.lag_ms() as f32,
            ttft_ms: of_answer(request.ttft_ms()),
            total_ms: of_answer(request.total_ms()),
            outcome,
        });
    }

    /// What the plots show.
    #[must_use]
    pub fn charts(self) -> BenchCharts {
        let Some(first) = self.requests.iter().map(ChartRequest::due).min() else {
            return BenchCharts::default();
        };
        let times = |value: fn(&ChartRequest) -> f32| {
            ShareSteps::of(self.requests.iter().map(value).collect())
        };
        let from_schedule = |value: fn(&ChartRequest) -> f32| self.is_open.then(|| times(value));
        let (bin_ms, bins) = bins::of(&self.requests, first, self.is_open);
        BenchCharts {
            bin_ms,
            bins,
            points: points(&self.requests, first),
            ttft: times(|request| request.ttft_ms),
            ttft_from_schedule: from_schedule(|request| request.ttft_ms + request.lag_ms),
            total: times(|request| request.total_ms),
            total_from_schedule: from_schedule(|request| request.total_ms + request.lag_ms),
        }
    }
}

impl ChartRequest {
    /// When it was due, in nanoseconds since the bench's start.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a lag is not negative"
    )]
    fn due(&self) -> u64 {
        let lag_ns = f64::from(self.lag_ms) * 1e6;
        self.started.saturating_sub(lag_ns as u64)
    }
}

/// A sample of the answers, evenly over their order.
fn points(requests: &[ChartRequest], first: u64) -> Vec<ChartPoint> {
    let answers = || requests.iter().filter(|request| !request.ttft_ms.is_nan());
    let stride = answers().count().div_ceil(MOST_POINTS).max(1);
    let answers = answers().step_by(stride);
    answers
        .map(|request| ChartPoint {
            at_ms: crate::run::ms(request.started.saturating_sub(first)),
            ttft_ms: request.ttft_ms.into(),
            ttft_from_schedule_ms: (request.ttft_ms + request.lag_ms).into(),
        })
        .collect()
}

#[cfg(test)]
mod tests;

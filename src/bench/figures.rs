//! The figures of a bench, from its requests one by one.
//!
//! Only what the figures need is held, some hundred bytes a request, so that a million fit in memory.

use super::{
    float,
    plan::{BenchConnections, BenchPlan, GoodputLimits, Load, StopReason},
    record::{BenchRequest, RequestOutcome},
    seconds,
    summary::{
        BenchSummary, BenchTimes, ConnectionTimes, FaultCounts, Goodput, Lag, RequestCounts,
        TimeFigures,
    },
    texts::TextCounts,
    validity,
};
use crate::{
    measure::{late, percentile::percentiles, sketch::TimeSketch},
    run::{ConnectionKind, ms},
};

/// Why a closed loop has no figures from schedule.
const NO_SCHEDULE: &str = "a closed loop has no schedule: while the server stalls, nothing is sent, so that these \
                           figures cannot show coordinated omission; use a rate";

/// Adds up the requests of a bench.
#[derive(Debug, Default)]
pub struct Tally {
    requested_rate: Option<f64>,
    requested_concurrency: Option<u32>,
    is_open: bool,
    connections: Option<BenchConnections>,
    limits: GoodputLimits,
    counts: RequestCounts,
    faults: FaultCounts,
    late: u64,
    first_tokens: u64,
    good: u64,
    output_tokens: Option<u64>,
    input_tokens: Option<u64>,
    uncounted: u64,
    /// Of those that ended with a complete answer, in milliseconds.
    ttft_warm: Vec<f64>,
    ttft_cold: Vec<f64>,
    tpot: Vec<f64>,
    total: Vec<f64>,
    connect: Vec<f64>,
    ttft_from_schedule: Vec<f64>,
    total_from_schedule: Vec<f64>,
    /// Of all that were sent.
    lag: Vec<f64>,
    gaps: Option<TimeSketch>,
    starts: StampRange,
    dues: StampRange,
    ends: StampRange,
    /// `None` where no texts are kept.
    texts: Option<TextCounts>,
    /// The time that requests were under way, added up, in nanoseconds.
    under_way: u128,
}

/// The first and the last of some times.
#[derive(Clone, Copy, Debug, Default)]
struct StampRange(Option<(u64, u64)>);

impl StampRange {
    fn add(&mut self, at: u64) {
        let (first, last) = self.0.unwrap_or((at, at));
        self.0 = Some((first.min(at), last.max(at)));
    }

    /// So many evenly spaced things a second: (n − 1) / (last − first).
    fn rate_of(self, n: u64) -> Option<f64> {
        let (first, last) = self.0?;
        let spaces = n.checked_sub(1).filter(|spaces| *spaces > 0)?;
        (last > first).then(|| float(spaces) / seconds(last - first))
    }
}

impl Tally {
    /// An empty one for a plan.
    #[must_use]
    pub fn new(plan: &BenchPlan) -> Self {
        Self {
            requested_rate: plan.load.requested_rate(),
            requested_concurrency: match plan.load {
                Load::Closed { concurrency } => Some(concurrency),
                Load::Rate { .. } | Load::Trace { .. } => None,
            },
            is_open: plan.load.is_open(),
            connections: Some(plan.connections),
            limits: plan.goodput,
            gaps: TimeSketch::new().ok(),
            texts: plan.keep_texts.then(TextCounts::default),
            ..Self::default()
        }
    }

    /// Adds a request.
    pub fn add(&mut self, request: &BenchRequest) {
        if request.is_warm_up {
            self.counts.warm_up += 1;
            return;
        }
        self.counts.sent += 1;
        match request.connection {
            Some(ConnectionKind::Cold) => self.counts.cold += 1,
            Some(ConnectionKind::Warm) => self.counts.warm += 1,
            None => {}
        }
        if let Some(texts) = &mut self.texts {
            texts.add(request.text.as_deref());
        }
        self.lag.push(request.lag_ms());
        self.starts.add(request.started);
        self.dues.add(request.scheduled);
        self.ends.add(request.ended);
        self.under_way += u128::from(request.ended.saturating_sub(request.started));
        self.count_tokens(request);
        match request.outcome {
            RequestOutcome::Ok => self.add_complete(request),
            RequestOutcome::Fault(class) if class.is_no_failure() => self.counts.cancelled += 1,
            RequestOutcome::Fault(class) => {
                self.counts.failed += 1;
                *self.faults.entry(class).or_default() += 1;
            }
        }
    }

    /// Counts requests that were due and not sent, since the server had asked us to wait.
    pub fn add_held_back(&mut self, requests: u64) {
        self.counts.held_back += requests;
    }

    /// How many requests there were so far.
    #[must_use]
    pub fn counts(&self) -> RequestCounts {
        self.counts
    }

    /// Failures by their class so far.
    #[must_use]
    pub fn faults(&self) -> &FaultCounts {
        &self.faults
    }

    fn count_tokens(&mut self, request: &BenchRequest) {
        let add = |sum: &mut Option<u64>, tokens: Option<u32>| {
            if let Some(tokens) = tokens {
                *sum = Some(sum.unwrap_or(0) + u64::from(tokens));
            }
        };
        add(&mut self.input_tokens, request.input_tokens);
        if request.is_ok() {
            add(&mut self.output_tokens, request.output_tokens);
            self.uncounted += u64::from(request.output_tokens.is_none());
        }
    }

    fn add_complete(&mut self, request: &BenchRequest) {
        self.counts.ok += 1;
        self.good += u64::from(is_good(request, &self.limits, self.is_open));
        if let Some(ttft) = request.ttft_ms() {
            match request.connection {
                Some(ConnectionKind::Cold) => self.ttft_cold.push(ttft),
                _ => self.ttft_warm.push(ttft),
            }
        }
        if let Some(first) = request.first_token {
            self.first_tokens += 1;
            let ttft = first.saturating_sub(request.started);
            let is_late = late::is_late(ttft, request.our_delay, late::SHARE);
            self.late += u64::from(is_late);
        }
        self.tpot.extend(request.tpot_ms());
        self.total.extend(request.total_ms());
        if request.connection == Some(ConnectionKind::Cold) {
            let sent = request.request_sent;
            self.connect
                .extend(sent.map(|sent| ms(sent.saturating_sub(request.started))));
        }
        if self.is_open {
            self.ttft_from_schedule
                .extend(request.ttft_from_schedule_ms());
            self.total_from_schedule
                .extend(request.total_from_schedule_ms());
        }
        if let Some(gaps) = &mut self.gaps {
            for gap in request.arrivals.gaps() {
                // It has room for 146,000 years.
                let _ = gaps.record(gap);
            }
        }
    }

    /// The figures. Values are sorted, which takes a moment for a million.
    #[must_use]
    pub fn summary(&self, stopped: Option<StopReason>) -> BenchSummary {
        let ttft = times(&[self.ttft_warm.as_slice(), &self.ttft_cold].concat());
        let lag = self.lag_ms();
        let span = match (self.starts.0, self.ends.0) {
            (Some((first, _)), Some((_, last))) => last.saturating_sub(first),
            _ => 0,
        };
        let a_second = |n: u64| (span > 0).then(|| float(n) / seconds(span));
        let achieved_rate = self.starts.rate_of(self.counts.sent);
        let from_schedule = self.is_open.then(|| BenchTimes {
            ttft_ms: times(&self.ttft_from_schedule),
            total_ms: times(&self.total_from_schedule),
        });
        let due_rate = self.dues.rate_of(self.counts.sent).filter(|_| self.is_open);
        let invalid = validity::reasons(&validity::Evidence {
            lag,
            median_ttft_ms: ttft.p50,
            late: (self.late, self.first_tokens),
            achieved_rate,
            due_rate,
        });
        BenchSummary {
            requested_rate: self.requested_rate,
            requested_concurrency: self.requested_concurrency,
            achieved_rate,
            completed_rate: a_second(self.counts.ok),
            achieved_concurrency: self.achieved_concurrency(span),
            tokens_per_second: self
                .output_tokens
                .filter(|_| self.uncounted == 0)
                .and_then(a_second),
            valid: invalid.is_empty() && self.counts.sent > 0,
            invalid,
            lag_ms: lag,
            late_deliveries: self.late,
            ttft_ms: ttft,
            ttft_by_connection: ConnectionTimes {
                warm: times(&self.ttft_warm),
                cold: times(&self.ttft_cold),
            },
            tpot_ms: times(&self.tpot),
            total_ms: times(&self.total),
            read_gap_ms: self.gaps.as_ref().map(of_sketch).unwrap_or_default(),
            connect_ms: times(&self.connect),
            from_schedule,
            from_schedule_note: (!self.is_open).then(|| NO_SCHEDULE.to_owned()),
            goodput: (!self.limits.is_empty()).then(|| self.goodput(span)),
            requests: self.counts,
            faults: self.faults.clone(),
            input_tokens: self.input_tokens,
            output_tokens: self.output_tokens,
            texts: self.texts,
            stopped,
            connections: self.connections,
            duration_ms: ms(span),
            ..BenchSummary::default()
        }
    }

    /// Requests under way on average, over the whole time.
    fn achieved_concurrency(&self, span: u64) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "an average")]
        (span > 0).then(|| self.under_way as f64 / float(span))
    }

    fn lag_ms(&self) -> Lag {
        let found = percentiles(self.lag.iter().copied(), &[0.5, 0.99]);
        let max = self.lag.iter().copied().reduce(f64::max);
        Lag {
            p50: found.first().and_then(|p50| p50.value),
            p99: found.get(1).and_then(|p99| p99.value).or(max),
            max,
        }
    }

    fn goodput(&self, span: u64) -> Goodput {
        let of = self.counts.ok + self.counts.failed;
        let interval = share_interval(self.good, of);
        Goodput {
            good: self.good,
            of,
            share: (of > 0).then(|| float(self.good) / float(of)),
            share_low: interval.map(|(low, _)| low),
            share_high: interval.map(|(_, high)| high),
            per_second: (span > 0).then(|| float(self.good) / seconds(span)),
        }
    }
}

/// Whether a request kept the limits. A figure that is not known keeps none.
fn is_good(request: &BenchRequest, limits: &GoodputLimits, is_open: bool) -> bool {
    let (ttft, total) = if is_open {
        (
            request.ttft_from_schedule_ms(),
            request.total_from_schedule_ms(),
        )
    } else {
        (request.ttft_ms(), request.total_ms())
    };
    let keeps = |limit: Option<f64>, value: Option<f64>| {
        limit.is_none_or(|limit| value.is_some_and(|value| value <= limit))
    };
    // An answer of one token has no time per token after the first, and so none that is too long.
    let has_one_token = request.output_tokens == Some(1);
    keeps(limits.ttft_ms, ttft)
        && (has_one_token || keeps(limits.tpot_ms, request.tpot_ms()))
        && keeps(limits.total_ms, total)
}

/// The percentiles of some milliseconds.
#[must_use]
pub fn times(values: &[f64]) -> TimeFigures {
    let found = percentiles(values.iter().copied(), &[0.5, 0.9, 0.95, 0.99]);
    let [p50, p90, p95, p99] = found.as_slice() else {
        return TimeFigures::default();
    };
    let n = u64::try_from(values.len()).unwrap_or(u64::MAX);
    TimeFigures {
        n,
        mean: (n > 0).then(|| values.iter().sum::<f64>() / float(n)),
        min: values.iter().copied().reduce(f64::min),
        p50: p50.value,
        p50_low: p50.low,
        p50_high: p50.high,
        p90: p90.value,
        p95: p95.value,
        p95_low: p95.low,
        p95_high: p95.high,
        p99: p99.value,
        p99_low: p99.low,
        p99_high: p99.high,
        max: values.iter().copied().reduce(f64::max),
    }
}

/// The percentiles of a sketch, without intervals.
#[must_use]
pub fn of_sketch(sketch: &TimeSketch) -> TimeFigures {
    let found = sketch.percentiles_ms(&[0.5, 0.9, 0.95, 0.99]);
    let at = |index: usize| found.get(index).copied().flatten();
    let n = sketch.len();
    let ends = n.checked_sub(1).map(|last| sketch.at_ranks([0, last]));
    let end = |index: usize| ends.as_ref().and_then(|ends| ends.get(index).copied());
    TimeFigures {
        n,
        min: end(0),
        p50: at(0),
        p90: at(1),
        p95: at(2),
        p99: at(3),
        max: end(1),
        ..TimeFigures::default()
    }
}

/// A 95 % interval of a share: the score interval of Wilson (1927), which keeps its level near 0 and 1, too.
#[must_use]
pub fn share_interval(of_these: u64, of: u64) -> Option<(f64, f64)> {
    const Z: f64 = 1.959_963_984_540_054;
    if of == 0 {
        return None;
    }
    let (n, share) = (float(of), float(of_these) / float(of));
    let middle = share + Z * Z / (2.0 * n);
    let reach = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + Z * Z / n;
    Some((
        ((middle - reach) / scale).max(0.0),
        ((middle + reach) / scale).min(1.0),
    ))
}

#[cfg(test)]
mod tests;

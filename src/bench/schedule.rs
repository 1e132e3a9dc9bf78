//! When each request of an open loop is due, and when each stream of a closed one begins.
//!
//! A schedule is a function of the plan alone: the same seed gives the same times, and every worker computes the same
//! one. Due times are absolute, so that a late request delays no other.

use std::sync::Arc;

use super::{
    float,
    plan::{ArrivalProcess, BenchPlan, Load},
};
use crate::seeded::uniform;

/// The due times of an open loop, in nanoseconds since the start of the bench, in ascending order.
#[derive(Clone, Debug)]
pub struct BenchSchedule {
    times: Times,
    next: u64,
}

#[derive(Clone, Debug)]
enum Times {
    /// At so many requests a nanosecond, after a ramp of so many nanoseconds. `sent` is how many requests a constant
    /// rate of one would have sent by the next due time.
    Rate {
        per_ns: f64,
        ramp_ns: f64,
        arrivals: ArrivalProcess,
        seed: u64,
        sent: f64,
    },
    Trace(Arc<[u64]>),
}

impl BenchSchedule {
    /// The schedule of a plan; `None` for a closed loop.
    #[must_use]
    pub fn of(plan: &BenchPlan) -> Option<Self> {
        let times = match &plan.load {
            Load::Closed { .. } => return None,
            Load::Rate {
                per_second,
                arrivals,
            } => Times::Rate {
                per_ns: per_second / 1e9,
                ramp_ns: float(plan.ramp_ms) * 1e6,
                arrivals: *arrivals,
                seed: plan.seed,
                sent: 0.0,
            },
            Load::Trace { offsets } => Times::Trace(Arc::clone(offsets)),
        };
        Some(Self { times, next: 0 })
    }
}

impl Iterator for BenchSchedule {
    type Item = (u64, u64);

    /// The next request's number and due time.
    fn next(&mut self) -> Option<(u64, u64)> {
        let number = self.next;
        let due = match &mut self.times {
            Times::Rate {
                per_ns,
                ramp_ns,
                arrivals,
                seed,
                sent,
            } => {
                match arrivals {
                    ArrivalProcess::Constant => *sent = float(number),
                    ArrivalProcess::Poisson => *sent += exponential(*seed, number),
                }
                due_ns(*sent, *per_ns, *ramp_ns)
            }
            Times::Trace(offsets) => *offsets.get(usize::try_from(number).ok()?)?,
        };
        self.next += 1;
        Some((number, due))
    }
}

/// When a rate that grows evenly from nothing over `ramp_ns`, and then stays, has sent so many requests. While it grows,
/// `per_ns × t² / (2 × ramp)` were sent by the time `t`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "conversion saturates"
)]
fn due_ns(sent: f64, per_ns: f64, ramp_ns: f64) -> u64 {
    let in_ramp = per_ns * ramp_ns / 2.0;
    let at = if sent < in_ramp {
        (2.0 * ramp_ns * sent / per_ns).sqrt()
    } else {
        sent / per_ns + ramp_ns / 2.0
    };
    at.round() as u64
}

/// When a stream of a closed loop sends its first request: streams begin evenly over the ramp.
#[must_use]
pub fn stream_begins_ns(stream: u32, streams: u32, ramp_ms: u64) -> u64 {
    let ramp = ramp_ms.saturating_mul(1_000_000);
    let at = u128::from(ramp) * u128::from(stream) / u128::from(streams.max(1));
    u64::try_from(at).unwrap_or(u64::MAX)
}

/// An exponentially distributed number with mean 1: the `index`-th of a seed.
fn exponential(seed: u64, index: u64) -> f64 {
    -(-uniform(seed, index)).ln_1p()
}

/// A line of a trace file that can't be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "line {line} of the trace is no time: write seconds since the start, or a JSON object with “timestamp” in milliseconds"
)]
pub struct BadTrace {
    /// The line, from 1.
    pub line: usize,
}

/// Reads a trace: a time a line, in seconds, or a JSON object a line with a `timestamp` in milliseconds (as the Mooncake
/// traces have it). The first request is due at once, the others as long after it as they were. Blank lines, and lines
/// that begin with `#`, are left out.
///
/// # Errors
/// The first line that can't be read.
pub fn read_trace(text: &str) -> Result<Arc<[u64]>, BadTrace> {
    let lines = text
        .lines()
        .enumerate()
        .map(|(at, line)| (at + 1, line.trim()));
    let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    let times = lines.map(|(line, text)| trace_time(text).ok_or(BadTrace { line }));
    let mut times: Vec<u64> = times.collect::<Result<_, _>>()?;
    times.sort_unstable();
    let first = times.first().copied().unwrap_or(0);
    Ok(times.into_iter().map(|time| time - first).collect())
}

/// A line's time in nanoseconds.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the range is checked"
)]
fn trace_time(text: &str) -> Option<u64> {
    let ns = if text.starts_with('{') {
        let object: serde_json::Value = serde_json::from_str(text).ok()?;
        object.get("timestamp")?.as_f64()? * 1e6
    } else {
        text.parse::<f64>().ok()? * 1e9
    };
    (0.0..9e18).contains(&ns).then(|| ns.round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::plan::tests::a_plan;

    fn times(load: Load, ramp_ms: u64, count: usize) -> Vec<u64> {
        let plan = BenchPlan {
            load,
            ramp_ms,
            ..a_plan()
        };
        let times = BenchSchedule::of(&plan).unwrap().map(|(_, due)| due);
        times.take(count).collect()
    }

    fn rate(per_second: f64, arrivals: ArrivalProcess) -> Load {
        Load::Rate {
            per_second,
            arrivals,
        }
    }

    #[test]
    fn a_constant_rate_does_not_drift() {
        let due = times(rate(3.0, ArrivalProcess::Constant), 0, 300_001);
        assert_eq!(due[1], 333_333_333);
        assert_eq!(due[300_000], 100_000_000_000_000);
    }

    #[test]
    fn a_poisson_process_has_its_rate_and_spread_and_is_the_same_each_time() {
        let load = rate(1_000.0, ArrivalProcess::Poisson);
        let due = times(load.clone(), 0, 100_000);
        assert_eq!(due, times(load, 0, 100_000));
        let mean = float(*due.last().unwrap()) / 1e5;
        assert!((mean / 1e6 - 1.0).abs() < 0.02, "{mean}");
        let gaps = due.windows(2).map(|pair| float(pair[1] - pair[0]));
        let square = gaps.map(|gap| (gap - mean).powi(2)).sum::<f64>() / 1e5;
        assert!((square.sqrt() / mean - 1.0).abs() < 0.02, "{square}");
    }

    #[test]
    fn a_ramp_sends_half_as_much_while_it_lasts() {
        let due = times(rate(100.0, ArrivalProcess::Constant), 10_000, 1_001);
        let within = due.iter().filter(|due| **due < 10_000_000_000).count();
        assert_eq!(within, 500);
        assert_eq!(due[501] - due[500], 10_000_000);
        assert!(due[1] - due[0] > 100_000_000);
        assert!(due.is_sorted());
    }

    #[test]
    fn streams_begin_over_the_ramp() {
        let begins = [0, 1, 3].map(|stream| stream_begins_ns(stream, 4, 1_000));
        assert_eq!(begins, [0, 250_000_000, 750_000_000]);
    }

    #[test]
    fn a_trace_is_read_in_both_forms_and_begins_at_once() {
        let seconds = read_trace("# seconds\n1.5\n\n3\n2.25\n").unwrap();
        assert_eq!(*seconds, [0, 750_000_000, 1_500_000_000]);
        let mooncake =
            read_trace("{\"timestamp\": 27482, \"input_length\": 6955}\n{\"timestamp\": 30535}")
                .unwrap();
        assert_eq!(*mooncake, [0, 3_053_000_000]);
        assert_eq!(times(Load::Trace { offsets: seconds }, 0, 9).len(), 3);
        for (text, line) in [("1\nx", 2), ("-1", 1), ("{}", 1), ("1e99", 1)] {
            assert_eq!(read_trace(text), Err(BadTrace { line }), "{text}");
        }
    }
}

//! A bench that several machines ran, from the requests of each: figures are computed from all of them together, never
//! from figures.
//!
//! In: the [`BenchPart`]s. Out: a [`MergedBench`], and the requests on one clock. A request is moved as a whole: all its
//! times stay as its own machine measured them, so that the clocks decide about rates and streams, and about no latency.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{
    BenchId, BenchPlan, BenchRequest, BenchSummary, InvalidReason, Lag, RequestCounts, StopReason,
    Tally, TimeFigures,
    offset::MeasuredClock,
    part::{BadPart, BenchPart},
    share::ShareError,
};
use crate::run::ms;

/// The least share of the time of all machines in which all of them must have sent at once.
pub const LEAST_TOGETHER: f64 = 0.8;

/// Why parts can't be merged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// There is nothing.
    #[error("there is no part")]
    Nothing,
    /// The same part is there twice.
    #[error("the part of {machine} is there twice")]
    Twice {
        /// Its machine.
        machine: String,
    },
    /// They are parts of several loads.
    #[error(transparent)]
    Load(#[from] ShareError),
    /// A part can't be read.
    #[error("the part of {machine}: {why}")]
    Part {
        /// Its machine.
        machine: String,
        /// What is wrong with it.
        why: BadPart,
    },
}

/// A bench of several machines.
#[derive(Clone, Debug)]
pub struct MergedBench {
    /// The plan of all of them together.
    pub plan: BenchPlan,
    /// The figures, from the requests of all machines.
    pub summary: BenchSummary,
    /// What each machine measured.
    pub machines: Vec<MachineResult>,
    /// How well the clocks of the machines are known.
    pub clock: CommonClock,
    /// When the first machine began, on the common clock, in nanoseconds since 1970.
    pub began_unix_ns: i64,
    /// The share of the time of all machines in which all of them sent; `None` without requests.
    pub together_share: Option<f64>,
}

/// How well the clocks of the machines are known against each other. Latencies do not depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "by")]
pub enum CommonClock {
    /// There is one machine.
    OneMachine,
    /// By round trips from the machine that drove the others.
    RoundTrips {
        /// The largest error that was possible when they were measured, in milliseconds.
        uncertainty_ms: f64,
    },
    /// By the wall clock of each machine, whose error nobody measured.
    WallClocks,
}

/// What one machine measured.
#[derive(Clone, Debug, Serialize)]
pub struct MachineResult {
    /// The machine, as whoever ran the bench calls it.
    pub machine: String,
    /// How many requests there are of it.
    pub requests: RequestCounts,
    /// Requests a second that it began.
    pub achieved_rate: Option<f64>,
    /// Its own lag.
    pub lag_ms: Lag,
    /// TTFT from there. Machines at different places see different ones.
    pub ttft_ms: TimeFigures,
    /// Whether it kept up.
    pub valid: bool,
    /// Why not.
    pub invalid: Vec<InvalidReason>,
    /// Why some of its requests are missing; `None` if none are.
    pub lost: Option<String>,
    /// Its clock − the driver's before the bench, in milliseconds; `None` where it was not measured.
    pub clock_offset_ms: Option<f64>,
    /// The offset was wrong by this at most, in milliseconds.
    pub clock_uncertainty_ms: Option<f64>,
    /// How much the offset changed until the end, in milliseconds.
    pub clock_drift_ms: Option<f64>,
}

/// Merges parts.
///
/// # Errors
/// If they are no parts of one load, one is there twice, or a block can't be read.
pub fn merge(parts: &[BenchPart]) -> Result<MergedBench, MergeError> {
    check_once(parts)?;
    let plans: Vec<&BenchPlan> = parts.iter().map(|part| &part.head.plan).collect();
    let plan = BenchPlan::of_parts(&plans)?;
    let common = CommonTime::of(parts);
    let mut tally = Tally::new(&plan);
    let (mut machines, mut spans) = (Vec::new(), Vec::new());
    for part in parts {
        let mut machine = MachineTally::new(part);
        for block in part.requests() {
            for mut request in block.map_err(|why| unreadable(part, why))? {
                machine.add(&request);
                common.shift(part, &mut request);
                tally.add(&request);
                machine.span.add(&request);
            }
        }
        let held_back = part.end.summary.as_ref();
        tally.add_held_back(held_back.map_or(0, |found| found.requests.held_back));
        spans.push(machine.span);
        machines.push(machine.result(part));
    }
    let together_share = together(&spans);
    let mut summary = tally.summary(stopped(parts));
    complete(&mut summary, parts, &machines, together_share);
    Ok(MergedBench {
        plan,
        summary,
        machines,
        clock: common.clock(parts),
        began_unix_ns: common.zero,
        together_share,
    })
}

/// All requests on one clock, a block at a time, in the order of the parts. Numbers count through.
///
/// # Errors
/// As [`merge`].
pub fn merged_requests(
    parts: &[BenchPart],
) -> impl Iterator<Item = Result<Vec<BenchRequest>, MergeError>> {
    let common = CommonTime::of(parts);
    let mut number = 0;
    let blocks = parts
        .iter()
        .flat_map(|part| part.requests().map(move |block| (part, block)));
    blocks.map(move |(part, block)| {
        let mut block = block.map_err(|why| unreadable(part, why))?;
        for request in &mut block {
            common.shift(part, request);
            request.number = number;
            number += 1;
        }
        Ok(block)
    })
}

fn unreadable(part: &BenchPart, why: BadPart) -> MergeError {
    let machine = part.head.machine.clone();
    MergeError::Part { machine, why }
}

fn check_once(parts: &[BenchPart]) -> Result<(), MergeError> {
    if parts.is_empty() {
        return Err(MergeError::Nothing);
    }
    let mut ids: BTreeSet<(BenchId, &str)> = BTreeSet::new();
    for part in parts {
        if !ids.insert((part.head.id, &part.head.machine)) {
            let machine = part.head.machine.clone();
            return Err(MergeError::Twice { machine });
        }
    }
    Ok(())
}

/// The clock on which all requests are put: that of the driver where every part was measured against the same one, else
/// each machine's wall clock is taken at its word.
struct CommonTime {
    is_measured: bool,
    /// Offset 0 of the merged bench, in nanoseconds since 1970.
    zero: i64,
}

impl CommonTime {
    fn of(parts: &[BenchPart]) -> Self {
        let session = |part: &BenchPart| part.head.clock.map(|clock| clock.session);
        let first = parts.first().and_then(session);
        let has_sent = |part: &&BenchPart| part.head.began_unix_ns.is_some();
        let mut common = Self {
            is_measured: first.is_some()
                && (parts.iter().filter(has_sent)).all(|part| session(part) == first),
            zero: 0,
        };
        let beginnings = parts.iter().filter_map(|part| {
            let began = part.head.began_unix_ns?;
            Some(began.saturating_sub(common.offset_ns(part, began)))
        });
        common.zero = beginnings.min().unwrap_or(0);
        common
    }

    /// How far the part's clock is ahead at one of its times.
    fn offset_ns(&self, part: &BenchPart, at: i64) -> i64 {
        let clock = part.head.clock.filter(|_| self.is_measured);
        clock.map_or(0, |clock| clock.offset_ns(at))
    }

    /// Puts a request of a part on the common clock.
    fn shift(&self, part: &BenchPart, request: &mut BenchRequest) {
        let began = part.head.began_unix_ns.unwrap_or(self.zero);
        let due = began.saturating_add_unsigned(request.scheduled);
        let by = began.saturating_sub(self.offset_ns(part, due)) - self.zero;
        let moved = |at: &mut u64| *at = at.saturating_add_signed(by);
        moved(&mut request.scheduled);
        moved(&mut request.started);
        moved(&mut request.ended);
        for stamp in [
            &mut request.request_sent,
            &mut request.headers,
            &mut request.first_event,
            &mut request.first_token,
            &mut request.first_visible,
            &mut request.last_token,
            &mut request.finished,
        ] {
            stamp.iter_mut().for_each(moved);
        }
    }

    fn clock(&self, parts: &[BenchPart]) -> CommonClock {
        let clocks = parts.iter().filter_map(|part| part.head.clock);
        match clocks.map(|clock| clock.uncertainty_ns()).max() {
            Some(most) if self.is_measured => CommonClock::RoundTrips {
                uncertainty_ms: ms(most),
            },
            _ if parts.len() == 1 => CommonClock::OneMachine,
            _ => CommonClock::WallClocks,
        }
    }
}

/// When a machine sent its first and its last request that counts, on the common clock.
#[derive(Clone, Copy, Debug, Default)]
struct SendingTime(Option<(u64, u64)>);

impl SendingTime {
    fn add(&mut self, request: &BenchRequest) {
        if request.is_warm_up {
            return;
        }
        let at = request.started;
        let (first, last) = self.0.unwrap_or((at, at));
        self.0 = Some((first.min(at), last.max(at)));
    }
}

/// The share of the time from the first request to the last in which all machines sent. One that sent nothing is told of
/// as missing.
fn together(spans: &[SendingTime]) -> Option<f64> {
    let spans = || spans.iter().filter_map(|span| span.0);
    let all = spans().map(|span| span.1).max()? - spans().map(|span| span.0).min()?;
    let first_to_end = spans().map(|span| span.1).min()?;
    let last_to_begin = spans().map(|span| span.0).max()?;
    let shared = first_to_end.saturating_sub(last_to_begin);
    (all > 0).then(|| ms(shared) / ms(all))
}

struct MachineTally {
    tally: Tally,
    count: u64,
    span: SendingTime,
}

impl MachineTally {
    fn new(part: &BenchPart) -> Self {
        Self {
            tally: Tally::new(&part.head.plan),
            count: 0,
            span: SendingTime::default(),
        }
    }

    fn add(&mut self, request: &BenchRequest) {
        self.tally.add(request);
        self.count += 1;
    }

    fn result(self, part: &BenchPart) -> MachineResult {
        let found = self.tally.summary(None);
        // What requests do not show, such as a sleep of the machine, it has said itself.
        let own = part.end.summary.as_ref();
        let mut invalid = found.invalid;
        for reason in own.map_or(&[][..], |own| &own.invalid) {
            if !invalid.contains(reason) {
                invalid.push(reason.clone());
            }
        }
        let clock = part.head.clock;
        let signed_ms = |ns: i64| ms(ns.unsigned_abs()) * if ns < 0 { -1.0 } else { 1.0 };
        MachineResult {
            machine: part.head.machine.clone(),
            requests: RequestCounts {
                held_back: own.map_or(0, |own| own.requests.held_back),
                ..found.requests
            },
            achieved_rate: found.achieved_rate,
            lag_ms: found.lag_ms,
            ttft_ms: found.ttft_ms,
            valid: invalid.is_empty() && found.valid,
            invalid,
            lost: part.end.lost.clone().or_else(|| missing(part, self.count)),
            clock_offset_ms: clock.map(|clock| signed_ms(clock.before.offset_ns)),
            clock_uncertainty_ms: clock.map(|clock| ms(clock.uncertainty_ns())),
            clock_drift_ms: clock
                .as_ref()
                .and_then(MeasuredClock::drift_ns)
                .map(signed_ms),
        }
    }
}

/// Says that fewer requests came than the machine had made.
fn missing(part: &BenchPart, count: u64) -> Option<String> {
    let made = part.end.summary.as_ref()?.requests;
    let made = made.sent + made.warm_up;
    (made != count).then(|| format!("it made {made} requests, and {count} are here"))
}

/// Why it stopped: what any machine had but its time and its count.
fn stopped(parts: &[BenchPart]) -> Option<StopReason> {
    let reasons = parts
        .iter()
        .filter_map(|part| part.end.summary.as_ref()?.stopped);
    let is_planned =
        |reason: &StopReason| matches!(reason, StopReason::Requests | StopReason::Time);
    reasons.min_by_key(is_planned)
}

/// Each of these once, in the order in which they came.
fn distinct<'a, T: Clone + PartialEq + 'a>(all: impl Iterator<Item = &'a T>) -> Vec<T> {
    let mut found: Vec<T> = Vec::new();
    for one in all {
        if !found.contains(one) {
            found.push(one.clone());
        }
    }
    found
}

/// Adds what the requests do not show.
fn complete(
    summary: &mut BenchSummary,
    parts: &[BenchPart],
    machines: &[MachineResult],
    together_share: Option<f64>,
) {
    let own = || parts.iter().map(|part| part.end.summary.as_ref());
    summary.cost_usd = own().map(|found| found?.cost_usd).sum();
    summary.back_off = parts.first().map(|part| part.head.plan.back_off);
    summary.places = distinct(own().flatten().flat_map(|found| &found.places));
    summary.versions = distinct(parts.iter().map(|part| &part.head.version));
    for machine in machines {
        let name = || machine.machine.clone();
        if let Some(why) = &machine.lost {
            summary.invalid.push(InvalidReason::PartMissing {
                machine: name(),
                why: why.clone(),
            });
        } else if !machine.valid {
            let why: Vec<String> = machine.invalid.iter().map(ToString::to_string).collect();
            summary.invalid.push(InvalidReason::OnMachine {
                machine: name(),
                why: if why.is_empty() {
                    "nothing was measured".to_owned()
                } else {
                    why.join("; ")
                },
            });
        }
    }
    if let Some(share) = together_share.filter(|share| *share < LEAST_TOGETHER) {
        summary.invalid.push(InvalidReason::Apart {
            share,
            allowed: LEAST_TOGETHER,
        });
    }
    summary.valid &= summary.invalid.is_empty();
}

#[cfg(test)]
mod tests;

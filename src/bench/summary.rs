//! What a bench found: each figure with its number of values and its interval.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    plan::{BackOff, BenchConnections, StopReason},
    texts::TextCounts,
};
use crate::{endpoint::TargetPlace, event::FaultClass};

/// What a bench found. Its JSON, with a `type`, is the last line of `tokenscope bench --json`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct BenchSummary {
    /// Requests a second that were asked for; `None` in a closed loop.
    pub requested_rate: Option<f64>,
    /// Streams that were asked for; `None` in an open loop.
    pub requested_concurrency: Option<u32>,
    /// Requests a second that were really begun: (n − 1) / (last start − first start).
    pub achieved_rate: Option<f64>,
    /// Answers a second that came complete, over the time in which any request was under way.
    pub completed_rate: Option<f64>,
    /// Requests under way, averaged over the whole time.
    pub achieved_concurrency: Option<f64>,
    /// Output tokens a second, of complete answers, over the same time; `None` where the provider counts none.
    pub tokens_per_second: Option<f64>,
    /// Whether this machine kept up, so that the figures are the server's.
    pub valid: bool,
    /// Why not.
    pub invalid: Vec<InvalidReason>,
    /// Our own lag: started − scheduled. In a closed loop: since the stream was free.
    pub lag_ms: Lag,
    /// First tokens that this program read too late to count ([`crate::measure::late`]).
    pub late_deliveries: u64,
    /// TTFT from start, of all complete answers. Whether a request finds an open connection depends on the load, so
    /// that leaving cold ones out would leave out the worst moments.
    pub ttft_ms: TimeFigures,
    /// The same by the kind of connection.
    pub ttft_by_connection: ConnectionTimes,
    /// Time per output token.
    pub tpot_ms: TimeFigures,
    /// Last token − started.
    pub total_ms: TimeFigures,
    /// Times between reads that carried tokens, of all answers together. They depend on each other, so there is no
    /// interval.
    pub read_gap_ms: TimeFigures,
    /// Connecting, of those that had to: request sent − started.
    pub connect_ms: TimeFigures,
    /// The same from schedule; `None` in a closed loop, which has no schedule.
    pub from_schedule: Option<BenchTimes>,
    /// Why there is nothing from schedule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_schedule_note: Option<String>,
    /// Of requests that kept the limits; `None` where none were set.
    pub goodput: Option<Goodput>,
    /// How many requests there were.
    pub requests: RequestCounts,
    /// Failures by their class, in the denominator of every rate.
    pub faults: FaultCounts,
    /// Input tokens as the provider counted them; `None` where it counts none.
    pub input_tokens: Option<u64>,
    /// Output tokens of complete answers, as the provider counted them; `None` where it counts none.
    pub output_tokens: Option<u64>,
    /// What it cost in US dollars, as far as token counts and prices are known; `None` where they are not.
    pub cost_usd: Option<f64>,
    /// How many texts of answers are kept; `None` where that was not asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub texts: Option<TextCounts>,
    /// Why it stopped.
    pub stopped: Option<StopReason>,
    /// What was chosen for 429s.
    pub back_off: Option<BackOff>,
    /// Over which connections it asked.
    pub connections: Option<BenchConnections>,
    /// Its length, from the first start that counts to the last end, in milliseconds.
    pub duration_ms: f64,
    /// Where its requests went: a place for each that its machines name; empty where that is not known.
    pub places: Vec<TargetPlace>,
    /// The version of Tokenscope that measured it, or of each machine's where they differ; empty where that is not known.
    pub versions: Vec<String>,
}

/// Percentiles of a time in milliseconds, each blank where there are too few values for it, with 95 % intervals from
/// order statistics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TimeFigures {
    /// How many values.
    pub n: u64,
    /// The mean.
    pub mean: Option<f64>,
    /// The smallest.
    pub min: Option<f64>,
    /// The median.
    pub p50: Option<f64>,
    /// Lower end of its interval.
    pub p50_low: Option<f64>,
    /// Upper end of its interval.
    pub p50_high: Option<f64>,
    /// The 90th percentile.
    pub p90: Option<f64>,
    /// The 95th percentile.
    pub p95: Option<f64>,
    /// Lower end of its interval.
    pub p95_low: Option<f64>,
    /// Upper end of its interval.
    pub p95_high: Option<f64>,
    /// The 99th percentile.
    pub p99: Option<f64>,
    /// Lower end of its interval.
    pub p99_low: Option<f64>,
    /// Upper end of its interval.
    pub p99_high: Option<f64>,
    /// The largest.
    pub max: Option<f64>,
}

/// Figures from schedule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct BenchTimes {
    /// First token − scheduled.
    pub ttft_ms: TimeFigures,
    /// Last token − scheduled.
    pub total_ms: TimeFigures,
}

/// TTFT by the kind of connection, which are never compared as if they were one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ConnectionTimes {
    /// Over a connection that was open.
    pub warm: TimeFigures,
    /// Over one that was opened for the request; its handshakes are part of it.
    pub cold: TimeFigures,
}

/// Our own lag, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Lag {
    /// The median.
    pub p50: Option<f64>,
    /// The 99th percentile; of fewer than 100 requests the largest, so that it is never blank when it matters.
    pub p99: Option<f64>,
    /// The largest.
    pub max: Option<f64>,
}

/// Why a bench says nothing about the server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "reason")]
pub enum InvalidReason {
    /// Requests were begun too long after they were due.
    Lagged {
        /// The 99th percentile of our lag, in milliseconds.
        p99_ms: f64,
        /// The most that is allowed.
        allowed_ms: f64,
    },
    /// Too many first tokens were read late.
    ReadLate {
        /// The share of first tokens that were.
        share: f64,
        /// The most that is allowed.
        allowed: f64,
    },
    /// The machine slept meanwhile.
    Slept {
        /// For so long.
        seconds: f64,
    },
    /// Of a bench on several machines: one did not keep up.
    OnMachine {
        /// The machine.
        machine: String,
        /// Its reasons, in words.
        why: String,
    },
    /// Of a bench on several machines: what one of them measured is missing, or some of it.
    PartMissing {
        /// The machine.
        machine: String,
        /// Why.
        why: String,
    },
    /// Of a bench on several machines: they sent at once for too small a share of the time.
    Apart {
        /// The share.
        share: f64,
        /// The least that is allowed.
        allowed: f64,
    },
    /// Fewer requests were begun than were due.
    Short {
        /// The rate that was kept ÷ the rate that was asked for.
        share: f64,
        /// The least that is allowed.
        allowed: f64,
    },
}

/// Requests that kept all limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Goodput {
    /// How many did.
    pub good: u64,
    /// Of how many: failures count, those that we held back do not.
    pub of: u64,
    /// The share; `None` without requests.
    pub share: Option<f64>,
    /// Lower end of its 95 % interval.
    pub share_low: Option<f64>,
    /// Upper end of its 95 % interval.
    pub share_high: Option<f64>,
    /// Good ones a second, over the time in which any request was under way.
    pub per_second: Option<f64>,
}

/// How many requests there were. All but the warm-up count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RequestCounts {
    /// Sent and ended.
    pub sent: u64,
    /// Ended with a complete answer.
    pub ok: u64,
    /// Ended with a fault.
    pub failed: u64,
    /// Cancelled by our own stop: neither ok nor failed.
    pub cancelled: u64,
    /// Due, and not sent since the server had asked us to wait.
    pub held_back: u64,
    /// Of the warm-up.
    pub warm_up: u64,
    /// Over a new connection.
    pub cold: u64,
    /// Over an open one.
    pub warm: u64,
}

/// Failures by their class.
pub type FaultCounts = BTreeMap<FaultClass, u64>;

//! What a bench sends, when, and when it stops.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use super::AskedPrompts;
pub use crate::endpoint::BackOff;
use crate::{endpoint::TargetId, event::words};

/// One bench: one load on one target. A sweep, a search and several targets are several benches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BenchPlan {
    /// Whom it asks.
    pub target: TargetId,
    /// When requests are sent.
    pub load: Load,
    /// Over how long the load grows from nothing to its full size, evenly, in milliseconds.
    pub ramp_ms: u64,
    /// Over which connections.
    pub connections: BenchConnections,
    /// How many requests are sent before those that count; none of their times enters a figure.
    pub warm_up: u64,
    /// When it stops.
    pub stop: StopRules,
    /// What a request must keep to count as good; empty where it was not asked.
    pub goodput: GoodputLimits,
    /// What a 429 changes. Polite, nothing is sent for as long as the server asks, or a second where it does not say; what
    /// was due meanwhile is skipped, and counted as held back.
    pub back_off: BackOff,
    /// Most requests under way at a time, in an open loop. A request that is due while so many are waits, which counts
    /// as our lag.
    pub most_in_flight: u32,
    /// Most output tokens of a request, where its prompt does not say.
    pub max_tokens: u32,
    /// The seed of everything random: arrivals, and the order of prompts.
    pub seed: u64,
    /// What is asked, told without its text; `None` where that was not noted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<AskedPrompts>,
    /// Whether texts of the answers are kept, within the limits of [`texts`](super::texts).
    #[serde(default)]
    pub keep_texts: bool,
}

/// When requests are sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Load {
    /// A closed loop: so many streams, each of which sends its next request when its last one is over. A server that
    /// stalls is asked less meanwhile, so this load can't show coordinated omission.
    Closed {
        /// How many streams.
        concurrency: u32,
    },
    /// An open loop: requests are sent by a schedule, whether earlier ones are over or not.
    Rate {
        /// Requests a second.
        per_second: f64,
        /// How they are spaced.
        arrivals: ArrivalProcess,
    },
    /// An open loop by a recorded schedule.
    Trace {
        /// When each request is sent, in nanoseconds since the start, in ascending order.
        offsets: Arc<[u64]>,
    },
}

impl Load {
    /// Whether requests are sent by a schedule: only then there are figures from schedule.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !matches!(self, Self::Closed { .. })
    }

    /// Requests a second that are asked for; `None` in a closed loop, and for a trace of fewer than two requests.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts and times of a bench")]
    pub fn requested_rate(&self) -> Option<f64> {
        match self {
            Self::Closed { .. } => None,
            Self::Rate { per_second, .. } => Some(*per_second),
            Self::Trace { offsets } => {
                let span = offsets.last()?.checked_sub(*offsets.first()?)?;
                (span > 0).then(|| (offsets.len() - 1) as f64 / (span as f64 / 1e9))
            }
        }
    }
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed { concurrency: 1 } => f.write_str("1 stream"),
            Self::Closed { concurrency } => write!(f, "{concurrency} streams"),
            Self::Rate {
                per_second,
                arrivals,
            } => write!(f, "{per_second} requests/s, {arrivals}"),
            Self::Trace { offsets } => write!(f, "a trace of {} requests", offsets.len()),
        }
    }
}

words! {
    /// How the requests of a rate are spaced.
    ArrivalProcess {
        /// At equal distances.
        Constant = "constant",
        /// At exponentially distributed distances, as those of many independent users are (a Poisson process).
        Poisson = "poisson",
    }
}

words! {
    /// Over which connections a bench asks.
    BenchConnections {
        /// Open ones, where there are any.
        Warm = "warm",
        /// A new one for each request.
        Cold = "cold",
    }
}

/// When a bench stops: at the first of these that holds. Without a count and a time it goes on until it is stopped, or
/// to the end of its trace.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StopRules {
    /// So many requests were sent that count.
    pub requests: Option<u64>,
    /// Requests that count were sent for so long, in milliseconds. Those under way are waited for.
    pub time_ms: Option<u64>,
    /// More requests than this failed.
    pub failures: Option<u64>,
    /// It cost so many US dollars, or would with those under way at their most.
    pub cost_usd: Option<f64>,
    /// The server takes less than is sent, for good: what is under way only grows.
    pub over_saturation: bool,
    /// How long the last requests are waited for once nothing more is sent, in milliseconds; those still under way then
    /// are cancelled. `None`: until their own limits.
    pub drain_ms: Option<u64>,
}

words! {
    /// Why a bench stopped.
    StopReason {
        /// All its requests were sent.
        Requests = "requests",
        /// Its time was over.
        Time = "time",
        /// Too many requests failed.
        Failures = "failures",
        /// Its budget was spent.
        Cost = "cost",
        /// The server took less than was sent.
        OverSaturation = "over_saturation",
        /// It was stopped by a person or a signal.
        Stopped = "stopped",
        /// The program ended in the middle.
        Killed = "killed",
    }
}

/// What a request must keep to count as good (goodput). Each limit is in milliseconds and holds for the figure of that
/// name: from schedule in an open loop, else from start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct GoodputLimits {
    /// The time to the first token.
    pub ttft_ms: Option<f64>,
    /// The time per output token after the first.
    pub tpot_ms: Option<f64>,
    /// The time to the last token.
    pub total_ms: Option<f64>,
}

impl GoodputLimits {
    /// Whether nothing is asked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A plan of one stream.
    pub(crate) fn a_plan() -> BenchPlan {
        BenchPlan {
            target: TargetId {
                endpoint: "here".into(),
                model: "m".into(),
            },
            load: Load::Closed { concurrency: 1 },
            ramp_ms: 0,
            connections: BenchConnections::Warm,
            warm_up: 0,
            stop: StopRules::default(),
            goodput: GoodputLimits::default(),
            back_off: BackOff::Never,
            most_in_flight: 1_000,
            max_tokens: 64,
            seed: 1,
            asked: Some(AskedPrompts {
                prompts: 1,
                digest: "0123456789abcdef".into(),
            }),
            keep_texts: false,
        }
    }

    #[test]
    fn a_plan_is_the_same_after_storing() {
        let plan = BenchPlan {
            load: Load::Trace {
                offsets: [0, 5_000_000_000, 9_000_000_000].into(),
            },
            ..a_plan()
        };
        let json = serde_json::to_string(&plan).unwrap();
        assert_eq!(serde_json::from_str::<BenchPlan>(&json).unwrap(), plan);
    }

    #[test]
    fn only_a_schedule_has_a_rate() {
        let offsets = [0, 1_000_000_000, 4_000_000_000].into();
        assert_eq!(Load::Trace { offsets }.requested_rate(), Some(0.5));
        assert_eq!(Load::Closed { concurrency: 3 }.requested_rate(), None);
        let one = Load::Trace {
            offsets: [5].into(),
        };
        assert_eq!(one.requested_rate(), None);
    }
}

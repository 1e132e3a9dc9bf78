//! What a driver orders of an agent, what the agent says meanwhile, and what it takes.

use serde::{Deserialize, Serialize};

use super::{BenchId, BenchPlan, BenchSummary, FaultCounts, Load, RequestCounts};

/// The version of this form. An agent takes orders of its own version alone.
pub const ORDER_VERSION: u32 = 2;

/// Largest prompts that a driver sends, in bytes of JSON. An agent holds them in memory.
pub const MAX_PROMPTS: usize = 64 << 20;

/// The order to run a part of a bench.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BenchOrder {
    /// The version of this form.
    pub version: u32,
    /// What the agent is to send: its own part. The target is one of the agent's settings; what is asked was sent before.
    pub plan: BenchPlan,
    /// The agent's place among the machines of the load, from 0, and how many there are.
    pub share: (u32, u32),
    /// Another number for each bench, the same for all its machines: see [`OnePrompt`](super::OnePrompt).
    pub nonce: u64,
    /// When to begin, on the agent's clock, in nanoseconds since 1970.
    pub begin_unix_ns: i64,
}

/// What an agent says of itself and of a target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AgentInfo {
    /// The version of orders that it takes.
    pub orders: u32,
    /// The version of the program.
    pub version: String,
    /// Whether the target is on the agent's own machine.
    pub is_local: bool,
    /// Whether the price of the target is known there.
    pub is_priced: bool,
}

/// The time on an agent's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentTime {
    /// In nanoseconds since 1970.
    pub unix_ns: i64,
}

/// What an agent says while it runs a bench.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "news")]
pub enum AgentNews {
    /// It has taken the order, and waits for its time.
    Accepted {
        /// Its own key of the bench.
        id: BenchId,
    },
    /// It sends.
    Began {
        /// Offset 0 of its stamps on its clock, in nanoseconds since 1970.
        unix_ns: i64,
    },
    /// How it goes.
    Progress(AgentProgress),
    /// It is over; all its requests were told of before.
    Over {
        /// What it found.
        summary: Box<BenchSummary>,
        /// The first failure, with the provider's words.
        first_fault: Option<String>,
    },
    /// It can't be run.
    Refused {
        /// Why.
        why: String,
    },
}

/// How a bench goes on an agent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AgentProgress {
    /// Since it began, in milliseconds.
    pub elapsed_ms: f64,
    /// Requests that count and are over.
    pub counts: RequestCounts,
    /// Failures by their class.
    pub faults: FaultCounts,
    /// Requests under way.
    pub under_way: u64,
    /// Requests sent a second, over the last second or so.
    pub rate: Option<f64>,
    /// The largest lag so far, in milliseconds.
    pub lag_max_ms: Option<f64>,
    /// What it cost so far in US dollars, as far as that is known.
    pub cost_usd: Option<f64>,
}

/// What an agent takes at most.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AgentLimits {
    /// Requests of a bench, the warm-up included.
    pub requests: u64,
    /// The time of a bench, in milliseconds.
    pub time_ms: u64,
    /// Streams of a closed loop, and requests under way of an open one.
    pub streams: u32,
    /// Requests a second.
    pub rate: f64,
    /// US dollars of a bench; `None` without a limit.
    pub usd: Option<f64>,
}

impl AgentLimits {
    /// The plan within these limits: what it leaves open is limited by them.
    ///
    /// # Errors
    /// What is asked beyond them.
    pub fn limited(&self, mut plan: BenchPlan) -> Result<BenchPlan, String> {
        self.check_load(&plan.load)?;
        let most = self.requests.saturating_sub(plan.warm_up);
        let requests = plan.stop.requests.unwrap_or(most);
        if requests > most {
            return Err(format!(
                "this agent takes {} requests at most",
                self.requests
            ));
        }
        let time_ms = plan.stop.time_ms.unwrap_or(self.time_ms);
        if time_ms > self.time_ms {
            let most = self.time_ms / 1_000;
            return Err(format!("this agent takes benches of {most} s at most"));
        }
        plan.stop.requests = Some(requests);
        plan.stop.time_ms = Some(time_ms);
        plan.stop.cost_usd = match (plan.stop.cost_usd, self.usd) {
            (Some(asked), Some(most)) => Some(asked.min(most)),
            (asked, most) => asked.or(most),
        };
        plan.most_in_flight = plan.most_in_flight.min(self.streams);
        // Those under way at the end are not waited for without end.
        plan.stop.drain_ms = Some(plan.stop.drain_ms.unwrap_or(self.time_ms).min(self.time_ms));
        Ok(plan)
    }

    fn check_load(&self, load: &Load) -> Result<(), String> {
        let (streams, rate) = match load {
            Load::Closed { concurrency } => (*concurrency, 0.0),
            Load::Rate { per_second, .. } => (0, *per_second),
            Load::Trace { .. } => (0, load.requested_rate().unwrap_or(0.0)),
        };
        if streams > self.streams {
            return Err(format!("this agent takes {} streams at most", self.streams));
        }
        // Written so that what is no number is refused, too.
        if !(0.0..=self.rate).contains(&rate) {
            return Err(format!("this agent takes {} requests/s at most", self.rate));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::{ArrivalProcess, StopRules, plan::tests::a_plan};

    const LIMITS: AgentLimits = AgentLimits {
        requests: 1_000,
        time_ms: 60_000,
        streams: 50,
        rate: 100.0,
        usd: Some(2.0),
    };

    fn rate(per_second: f64) -> Load {
        Load::Rate {
            per_second,
            arrivals: ArrivalProcess::Poisson,
        }
    }

    #[test]
    fn what_a_plan_leaves_open_is_limited() {
        let limited = LIMITS.limited(a_plan()).unwrap();
        assert_eq!(
            limited.stop,
            StopRules {
                requests: Some(1_000),
                time_ms: Some(60_000),
                cost_usd: Some(2.0),
                drain_ms: Some(60_000),
                ..StopRules::default()
            }
        );
        assert_eq!(limited.most_in_flight, 50);
        let own = BenchPlan {
            stop: StopRules {
                requests: Some(5),
                time_ms: Some(7),
                cost_usd: Some(0.5),
                drain_ms: Some(1),
                ..StopRules::default()
            },
            ..a_plan()
        };
        assert_eq!(LIMITS.limited(own.clone()).unwrap().stop, own.stop);
    }

    #[test]
    fn what_is_beyond_the_limits_is_refused_and_named() {
        let stop = |requests, time_ms| StopRules {
            requests,
            time_ms,
            ..StopRules::default()
        };
        let none = StopRules::default();
        for (load, stop, warm_up, why) in [
            (
                Load::Closed { concurrency: 51 },
                none.clone(),
                0,
                "50 streams",
            ),
            (rate(100.5), none.clone(), 0, "100 requests/s"),
            (rate(f64::NAN), none.clone(), 0, "100 requests/s"),
            (rate(1.0), stop(Some(1_001), None), 0, "1000 requests"),
            (rate(1.0), stop(Some(1_000), None), 1, "1000 requests"),
            (rate(1.0), stop(None, Some(60_001)), 0, "60 s"),
            (
                Load::Trace {
                    offsets: [0, 1_000_000].into(),
                },
                none,
                0,
                "100 requests/s",
            ),
        ] {
            let plan = BenchPlan {
                load,
                warm_up,
                stop,
                ..a_plan()
            };
            let refused = LIMITS.limited(plan).unwrap_err();
            assert!(refused.contains(why), "{refused}");
        }
    }
}

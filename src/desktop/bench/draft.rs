//! A new bench as it is typed, and the plan that it means.

use serde::{Deserialize, Serialize};

use super::asked_draft::AskedDraft;
use crate::{
    bench::{
        ArrivalProcess, BackOff, BenchConnections, BenchPlan, GoodputLimits, Load, StopRules,
        prompts::PromptChoice,
    },
    desktop::typed::{self, needed, optional},
    endpoint::TargetId,
    price::Usd,
};

/// How long the last requests are waited for, in milliseconds.
const DRAIN_MS: u64 = 60_000;

/// Most streams, and most requests under way.
const MOST_STREAMS: u32 = 100_000;

/// When requests are sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoadKind {
    /// A closed loop.
    #[default]
    Streams,
    /// An open loop.
    Rate,
}

/// A new bench as it is typed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct BenchDraft {
    pub target: Option<TargetId>,
    pub load: LoadKind,
    pub streams: String,
    pub per_second: String,
    pub arrivals: ArrivalProcess,
    /// Over how many seconds the load grows.
    pub ramp: String,
    pub warm_up: String,
    pub requests: String,
    pub seconds: String,
    pub failures: String,
    pub usd: String,
    pub over_saturation: bool,
    /// What a good request takes at most, in milliseconds.
    pub ttft: String,
    pub tpot: String,
    pub total: String,
    pub asked: AskedDraft,
    pub max_tokens: String,
    pub connections: BenchConnections,
    pub is_polite: bool,
    pub most_in_flight: String,
    /// Whether the texts of answers are kept.
    pub keep_texts: bool,
}

impl Default for BenchDraft {
    fn default() -> Self {
        Self {
            target: None,
            load: LoadKind::Streams,
            streams: "8".into(),
            per_second: "10".into(),
            arrivals: ArrivalProcess::Poisson,
            ramp: String::new(),
            warm_up: String::new(),
            requests: "200".into(),
            seconds: String::new(),
            failures: String::new(),
            usd: String::new(),
            over_saturation: false,
            ttft: String::new(),
            tpot: String::new(),
            total: String::new(),
            asked: AskedDraft::default(),
            max_tokens: "64".into(),
            connections: BenchConnections::Warm,
            is_polite: false,
            most_in_flight: "10000".into(),
            keep_texts: false,
        }
    }
}

impl BenchDraft {
    /// The plan.
    ///
    /// # Errors
    /// The first thing that is missing or can’t be read.
    pub fn plan(&self, seed: u64) -> Result<BenchPlan, String> {
        let target = (self.target.clone()).ok_or_else(|| "Choose a target".to_owned())?;
        let plan = BenchPlan {
            target,
            load: self.read_load()?,
            ramp_ms: self.read_ramp()?.unwrap_or_default(),
            connections: self.connections,
            warm_up: self.read_warm_up()?.unwrap_or_default(),
            stop: StopRules {
                requests: self.read_requests()?,
                time_ms: self.read_seconds()?,
                failures: self.read_failures()?,
                cost_usd: self.read_usd()?.map(Usd::dollars),
                over_saturation: self.over_saturation && self.load == LoadKind::Rate,
                drain_ms: Some(DRAIN_MS),
            },
            goodput: GoodputLimits {
                ttft_ms: read_limit(&self.ttft)?,
                tpot_ms: read_limit(&self.tpot)?,
                total_ms: read_limit(&self.total)?,
            },
            back_off: BackOff::polite_if(self.is_polite),
            most_in_flight: self.read_most_in_flight()?,
            max_tokens: self.read_max_tokens()?,
            seed,
            asked: None,
            keep_texts: self.keep_texts,
        };
        let stop = &plan.stop;
        if stop.requests.is_none() && stop.time_ms.is_none() && stop.cost_usd.is_none() {
            return Err("Say when it stops: at a number of requests, a time or a cost".to_owned());
        }
        Ok(plan)
    }

    /// What is asked.
    ///
    /// # Errors
    /// The first thing that is missing or can’t be read.
    pub fn choice(&self) -> Result<PromptChoice, String> {
        self.asked.choice(self.read_max_tokens()?)
    }

    fn read_load(&self) -> Result<Load, String> {
        match self.load {
            LoadKind::Streams => {
                let concurrency = self.read_streams()?;
                Ok(Load::Closed { concurrency })
            }
            LoadKind::Rate => Ok(Load::Rate {
                per_second: self.read_rate()?,
                arrivals: self.arrivals,
            }),
        }
    }

    /// The number of streams.
    pub fn read_streams(&self) -> Result<u32, String> {
        let why = "Streams are a number from 1 to 100000";
        needed(&self.streams, why, |n| (1..=MOST_STREAMS).contains(n))
    }

    /// Requests a second.
    pub fn read_rate(&self) -> Result<f64, String> {
        let why = "A rate is written as 10 or 0.5, requests a second";
        needed(&self.per_second, why, |rate| *rate > 0.0 && *rate <= 1e6)
    }

    /// The ramp, in milliseconds.
    pub fn read_ramp(&self) -> Result<Option<u64>, String> {
        read_seconds(&self.ramp)
    }

    /// The requests of the warm-up.
    pub fn read_warm_up(&self) -> Result<Option<u64>, String> {
        optional(
            &self.warm_up,
            "A number of requests is written as 20",
            |_| true,
        )
    }

    /// The most requests.
    pub fn read_requests(&self) -> Result<Option<u64>, String> {
        let why = "A number of requests is written as 200";
        optional(&self.requests, why, |n| *n > 0)
    }

    /// The longest time, in milliseconds.
    pub fn read_seconds(&self) -> Result<Option<u64>, String> {
        read_seconds(&self.seconds)
    }

    /// The most failures.
    pub fn read_failures(&self) -> Result<Option<u64>, String> {
        let why = "A number of failures is written as 10";
        optional(&self.failures, why, |_| true)
    }

    /// The most that it may cost.
    pub fn read_usd(&self) -> Result<Option<Usd>, String> {
        typed::usd(&self.usd)
    }

    /// The most output tokens.
    pub fn read_max_tokens(&self) -> Result<u32, String> {
        typed::tokens(&self.max_tokens)
    }

    /// The most requests under way.
    pub fn read_most_in_flight(&self) -> Result<u32, String> {
        let why = "Requests under way are a number from 1 to 100000";
        needed(&self.most_in_flight, why, |n| {
            (1..=MOST_STREAMS).contains(n)
        })
    }
}

/// A limit in milliseconds.
pub fn read_limit(text: &str) -> Result<Option<f64>, String> {
    let why = "A limit is written in milliseconds, as 500";
    optional(text, why, |ms: &f64| *ms > 0.0 && ms.is_finite())
}

/// Seconds as milliseconds.
fn read_seconds(text: &str) -> Result<Option<u64>, String> {
    let why = "A time is written in seconds, as 30 or 0.5";
    let seconds: Option<f64> = optional(text, why, |seconds| *seconds > 0.0 && *seconds < 1e7)?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "within bounds"
    )]
    Ok(seconds.map(|seconds| (seconds * 1e3).ceil() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft() -> BenchDraft {
        BenchDraft {
            target: Some("a/m".parse().unwrap()),
            ..BenchDraft::default()
        }
    }

    #[test]
    fn what_is_typed_is_the_plan() {
        let closed = draft().plan(7).unwrap();
        assert_eq!(closed.load, Load::Closed { concurrency: 8 });
        assert_eq!((closed.stop.requests, closed.seed), (Some(200), 7));
        let draft = BenchDraft {
            load: LoadKind::Rate,
            per_second: " 2.5 ".into(),
            arrivals: ArrivalProcess::Constant,
            ramp: "0.5".into(),
            warm_up: "20".into(),
            requests: String::new(),
            seconds: "30".into(),
            usd: "$0.25".into(),
            over_saturation: true,
            ttft: "500".into(),
            is_polite: true,
            ..draft()
        };
        let plan = draft.plan(1).unwrap();
        assert_eq!(plan.load.requested_rate(), Some(2.5));
        assert_eq!((plan.ramp_ms, plan.warm_up), (500, 20));
        assert_eq!(
            (plan.stop.requests, plan.stop.time_ms),
            (None, Some(30_000))
        );
        assert_eq!(plan.stop.cost_usd, Some(0.25));
        assert!(plan.stop.over_saturation && plan.back_off == BackOff::Polite);
        assert_eq!(
            (plan.goodput.ttft_ms, plan.goodput.tpot_ms),
            (Some(500.0), None)
        );
    }

    #[test]
    fn a_closed_loop_is_never_over_saturated() {
        let draft = BenchDraft {
            over_saturation: true,
            ..draft()
        };
        assert!(!draft.plan(1).unwrap().stop.over_saturation);
    }

    #[test]
    fn what_is_missing_or_wrong_is_said() {
        type Change = fn(&mut BenchDraft);
        let bad: [(Change, &str); 11] = [
            (|it| it.target = None, "Choose a target"),
            (|it| it.streams = "0".into(), "Streams"),
            (|it| it.streams = String::new(), "Streams"),
            (|it| it.requests = "0".into(), "requests"),
            (|it| it.requests = String::new(), "Say when"),
            (|it| it.seconds = "-1".into(), "seconds"),
            (|it| it.ramp = "soon".into(), "seconds"),
            (|it| it.usd = "0".into(), "amount"),
            (|it| it.ttft = "fast".into(), "milliseconds"),
            (|it| it.max_tokens = "0".into(), "tokens"),
            (|it| it.failures = "-1".into(), "failures"),
        ];
        for (change, told) in bad {
            let mut draft = draft();
            change(&mut draft);
            let why = draft.plan(1).unwrap_err();
            assert!(why.contains(told), "{why}");
        }
        for rate in ["", "0", "-1", "NaN", "inf"] {
            let draft = BenchDraft {
                load: LoadKind::Rate,
                per_second: rate.into(),
                ..draft()
            };
            assert!(draft.plan(1).is_err(), "{rate}");
        }
    }
}

//! What a bench will send, where to, and what it costs at most: told before anything is sent.

use super::{ArrivalProcess, BenchPlan, Load, MostTokens, float};
use crate::{
    endpoint::{Endpoint, local_gateway},
    event::Usage,
    price::{PriceTable, Usd},
    transport::is_this_machine,
};

/// What a bench will send and cost at most. What is not known is blank.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BenchForecast {
    /// Requests, those of the warm-up included; about as many where chance spaces them. `None` for one that has no count
    /// and no schedule.
    pub requests: Option<u64>,
    /// Whether chance decides how many there are.
    pub is_by_chance: bool,
    /// Most tokens of one, on average.
    pub most: MostTokens,
    /// What one costs at most; nothing of the simulator.
    pub usd_each: Option<Usd>,
    /// Whether all of them stay on this machine.
    pub is_local: bool,
}

impl BenchForecast {
    /// The forecast of a plan whose prompts have so many tokens, by the prices that hold at a time in nanoseconds since
    /// 1970.
    #[must_use]
    pub fn of(
        plan: &BenchPlan,
        most: MostTokens,
        endpoint: &Endpoint,
        prices: &PriceTable,
        unix_ns: i64,
    ) -> Self {
        let usage = Usage {
            input: Some(most.input),
            output: Some(most.output),
            ..Usage::default()
        };
        let usd_each = if endpoint.simulated {
            Some(Usd::default())
        } else {
            let price = prices.of(endpoint, &plan.target.model, unix_ns);
            price.and_then(|price| price.cost(&usage, None))
        };
        // The desktop's own gateway sends on what it is asked.
        let is_local =
            is_this_machine(&endpoint.base_url) && !local_gateway::is_own(&plan.target.endpoint);
        Self {
            requests: plan.requests(),
            is_by_chance: plan.is_by_chance(),
            most,
            usd_each,
            is_local,
        }
    }

    /// What all requests cost at most.
    #[must_use]
    pub fn usd(&self) -> Option<Usd> {
        self.usd_each?.checked_mul(self.requests?)
    }
}

impl BenchPlan {
    /// How many requests it sends, the warm-up included; about as many where chance spaces them.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an estimate"
    )]
    pub fn requests(&self) -> Option<u64> {
        let by_load = match (&self.load, self.stop.time_ms) {
            (Load::Rate { per_second, .. }, Some(time)) => {
                Some((per_second * float(time) / 1e3).ceil() as u64)
            }
            (Load::Trace { offsets }, _) => Some(offsets.len() as u64),
            _ => None,
        };
        let counted = self.stop.requests.into_iter().chain(by_load).min()?;
        Some(counted.saturating_add(self.warm_up))
    }

    /// Whether it ends by time, and its requests come as chance has it.
    fn is_by_chance(&self) -> bool {
        let is_poisson = matches!(
            self.load,
            Load::Rate {
                arrivals: ArrivalProcess::Poisson,
                ..
            }
        );
        is_poisson && self.stop.requests.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        bench::{StopRules, plan::tests::a_plan},
        dialect::DialectId,
    };

    #[test]
    fn requests_are_counted_where_that_can_be_known() {
        let closed = Load::Closed { concurrency: 4 };
        let rate = Load::Rate {
            per_second: 2.5,
            arrivals: ArrivalProcess::Poisson,
        };
        let trace = Load::Trace {
            offsets: [0, 1, 2].into(),
        };
        let stop = |requests, time_ms| StopRules {
            requests,
            time_ms,
            ..StopRules::default()
        };
        for (load, stop, expected) in [
            (&closed, stop(Some(100), None), Some(105)),
            (&closed, stop(None, Some(1_000)), None),
            (&rate, stop(None, None), None),
            (&rate, stop(None, Some(10_000)), Some(30)),
            (&rate, stop(Some(10), Some(10_000)), Some(15)),
            (&trace, stop(None, None), Some(8)),
            (&trace, stop(Some(2), None), Some(7)),
        ] {
            let plan = BenchPlan {
                load: load.clone(),
                warm_up: 5,
                stop,
                ..a_plan()
            };
            assert_eq!(plan.requests(), expected, "{load}");
        }
    }

    #[test]
    fn the_simulator_costs_nothing_and_an_unknown_price_is_blank() {
        let url = "http://127.0.0.1:8000/v1".parse().unwrap();
        let here = Endpoint::custom("here", url, DialectId::OpenaiChat);
        let plan = BenchPlan {
            stop: StopRules {
                requests: Some(10),
                ..StopRules::default()
            },
            ..a_plan()
        };
        let forecast = |endpoint: &Endpoint| {
            let most = MostTokens::default();
            BenchForecast::of(&plan, most, endpoint, &PriceTable::default(), 0)
        };
        let unknown = forecast(&here);
        assert_eq!((unknown.usd(), unknown.is_local), (None, true));
        let simulated = Endpoint {
            simulated: true,
            ..here
        };
        assert_eq!(forecast(&simulated).usd(), Some(Usd::default()));
    }
}

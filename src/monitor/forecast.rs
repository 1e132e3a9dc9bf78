//! What a plan will cost, said before it is followed.

use std::{borrow::Cow, time::Duration};

use super::{ProbePlan, question};
use crate::{
    endpoint::{Endpoint, TargetId},
    price::{PriceTable, Usd, most_tokens},
};

/// A day.
const DAY: Duration = Duration::from_hours(24);

/// What a plan costs a day at most, as far as prices are known. What is sent beyond the schedule is not in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Forecast {
    /// The cost of the targets whose price is known.
    pub a_day: Usd,
    /// How many probes a day go to targets that cost something.
    pub paid_probes: u64,
    /// The targets whose price is not known.
    pub unpriced: Vec<TargetId>,
}

/// The forecast of a plan, at the prices of a time (nanoseconds since 1970). Targets of unknown endpoints are left out.
#[must_use]
pub fn forecast<'a>(
    plan: &ProbePlan,
    endpoint: impl Fn(&str) -> Option<Cow<'a, Endpoint>>,
    prices: &PriceTable,
    at_unix_ns: i64,
) -> Forecast {
    let mut forecast = Forecast::default();
    let Some(every) = plan.every else {
        return forecast;
    };
    let a_day = u64::try_from(DAY.as_nanos() / every.as_nanos().max(1)).unwrap_or(u64::MAX);
    for target in &plan.targets {
        let Some(endpoint) = endpoint(&target.endpoint) else {
            continue;
        };
        match most_cost(plan, &endpoint, &target.model, prices, at_unix_ns) {
            Some(most) if most == Usd::default() => {}
            Some(most) => {
                let cost = most.checked_mul(a_day);
                let sum = cost.and_then(|cost| cost.checked_add(forecast.a_day));
                forecast.a_day = sum.unwrap_or(Usd::of_pico(u64::MAX));
                forecast.paid_probes = forecast.paid_probes.saturating_add(a_day);
            }
            None => forecast.unpriced.push(target.clone()),
        }
    }
    forecast
}

/// What one probe of a model at an endpoint costs at most; `None` if its price is not known. The simulator costs nothing.
#[must_use]
pub fn most_cost(
    plan: &ProbePlan,
    endpoint: &Endpoint,
    model: &str,
    prices: &PriceTable,
    at_unix_ns: i64,
) -> Option<Usd> {
    if endpoint.simulated {
        return Some(Usd::default());
    }
    let price = prices.of(endpoint, model, at_unix_ns)?;
    price.cost(&most_tokens(&question(plan, model)), None)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{dialect::DialectId, endpoint::preset};

    #[test]
    fn known_prices_are_summed_and_unknown_ones_are_named() {
        let targets = ["openai/gpt-5-mini", "here/m", "sim/m", "gone/m"];
        let targets = targets.map(|name| name.parse().unwrap());
        let plan = ProbePlan {
            every: Some(Duration::from_mins(5)),
            ..ProbePlan::once(targets.into())
        };
        let endpoint = |id: &str| {
            let url = "http://127.0.0.1:1/v1".parse().unwrap();
            let mut here = Endpoint::custom(id, url, DialectId::OpenaiChat);
            here.simulated = id == "sim";
            match id {
                "openai" => preset::find(id)?.endpoint(&BTreeMap::default()).ok(),
                "gone" => None,
                _ => Some(here),
            }
            .map(Cow::Owned)
        };
        let at = 1_796_000_000_000_000_000;
        let told = forecast(&plan, endpoint, &PriceTable::default(), at);
        assert_eq!(told.unpriced, ["here/m".parse().unwrap()]);
        assert_eq!(told.paid_probes, 288);
        let one = endpoint("openai").unwrap();
        let one = most_cost(&plan, &one, "gpt-5-mini", &PriceTable::default(), at).unwrap();
        assert_eq!(Some(told.a_day), one.checked_mul(288));
        assert!(told.a_day.dollars() < 0.1, "{}", told.a_day);

        // A longer question costs more.
        let longer = ProbePlan {
            prompt: "count ".repeat(300),
            ..plan
        };
        let more = forecast(&longer, endpoint, &PriceTable::default(), at);
        assert!(more.a_day > told.a_day, "{}", more.a_day);
    }
}

//! What a plan will cost, said before it is followed.

use std::borrow::Cow;

use super::{Arm, ComparePlan};
use crate::{
    endpoint::{Endpoint, TargetId},
    price::{PriceTable, Usd, most_tokens},
    transport::is_this_machine,
};

/// So many requests go to other machines without a question.
pub const FEW_REQUESTS: u64 = 20;

/// What a plan costs at most, as far as that is known.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CompareForecast {
    /// How many requests it sends, if each round gives its pairs; `None` if only a time, a cost or the verdict stops it.
    pub requests: Option<u64>,
    /// How many of them go to other machines; `None` as above.
    pub elsewhere: Option<u64>,
    /// What a round costs at most: the arms whose price is known.
    pub usd_a_round: Usd,
    /// What all of it costs at most: as above, and no more than the plan allows; `None` if nothing limits it.
    pub usd: Option<Usd>,
    /// The targets whose price is not known.
    pub unpriced: Vec<TargetId>,
}

impl CompareForecast {
    /// Whether it is to be asked for beforehand: more than a few requests go to other machines, or nobody knows how many.
    #[must_use]
    pub fn needs_question(&self) -> bool {
        self.elsewhere
            .is_none_or(|requests| requests > FEW_REQUESTS)
    }
}

/// The forecast of a plan, at the prices of a time (nanoseconds since 1970). Targets of unknown endpoints are left out.
#[must_use]
pub fn forecast<'a>(
    plan: &ComparePlan,
    endpoint: impl Fn(&str) -> Option<Cow<'a, Endpoint>>,
    prices: &PriceTable,
    at_unix_ns: i64,
) -> CompareForecast {
    let mut forecast = CompareForecast::default();
    let mut arms_elsewhere = 0;
    for arm in &plan.arms {
        let Some(endpoint) = endpoint(&arm.target.endpoint) else {
            continue;
        };
        if !endpoint.simulated && !is_this_machine(&endpoint.base_url) {
            arms_elsewhere += 1;
        }
        match most_cost(plan, arm, &endpoint, prices, at_unix_ns) {
            Some(most) => {
                let sum = forecast.usd_a_round.checked_add(most);
                forecast.usd_a_round = sum.unwrap_or(Usd::of_pico(u64::MAX));
            }
            None if forecast.unpriced.contains(&arm.target) => {}
            None => forecast.unpriced.push(arm.target.clone()),
        }
    }
    let kinds = plan.connections.kinds().len() as u64;
    let rounds = plan.stop.pairs.map(|pairs| pairs.saturating_mul(kinds));
    let times = |arms: u64| {
        rounds
            .map(|rounds| rounds.saturating_mul(arms))
            .or((arms == 0).then_some(0))
    };
    forecast.requests = rounds.map(|rounds| rounds.saturating_mul(plan.arms.len() as u64));
    forecast.elsewhere = times(arms_elsewhere);
    let most = rounds.map(|rounds| {
        let most = forecast.usd_a_round.checked_mul(rounds);
        most.unwrap_or(Usd::of_pico(u64::MAX))
    });
    let free = (forecast.usd_a_round == Usd::default()).then(Usd::default);
    let limits = [most.or(free), plan.stop.usd];
    forecast.usd = limits.into_iter().flatten().min();
    forecast
}

/// What one request of an arm costs at most; `None` if its price is not known. The simulator costs nothing.
#[must_use]
pub fn most_cost(
    plan: &ComparePlan,
    arm: &Arm,
    endpoint: &Endpoint,
    prices: &PriceTable,
    at_unix_ns: i64,
) -> Option<Usd> {
    if endpoint.simulated {
        return Some(Usd::default());
    }
    let price = prices.of(endpoint, &arm.target.model, at_unix_ns)?;
    let requests = (0..plan.prompts.len()).map(|prompt| plan.request(arm, prompt, 0));
    let costs = requests.map(|request| price.cost(&most_tokens(&request), None));
    // The dearest prompt; none if one of them can't be told.
    costs
        .collect::<Option<Vec<Usd>>>()
        .and_then(|costs| costs.into_iter().max())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{
        compare::{CompareStopRule, ComparedConnections},
        dialect::DialectId,
        endpoint::preset,
    };

    const AT: i64 = 1_796_000_000_000_000_000;

    fn endpoint(id: &str) -> Option<Cow<'static, Endpoint>> {
        let url = "http://127.0.0.1:1/v1".parse().unwrap();
        let mut here = Endpoint::custom(id, url, DialectId::OpenaiChat);
        here.simulated = id == "sim";
        let endpoint = match id {
            "openai" => preset::find(id)?.endpoint(&BTreeMap::default()).ok()?,
            _ => here,
        };
        Some(Cow::Owned(endpoint))
    }

    fn told(targets: &[&str], stop: CompareStopRule) -> CompareForecast {
        let plan = ComparePlan {
            arms: targets
                .iter()
                .map(|target| Arm::of(target.parse().unwrap()))
                .collect(),
            stop,
            connections: ComparedConnections::Both,
            ..ComparePlan::default()
        };
        forecast(&plan, endpoint, &PriceTable::default(), AT)
    }

    #[test]
    fn requests_and_costs_are_told_as_far_as_they_are_known() {
        let of_pairs = |pairs| CompareStopRule {
            pairs: Some(pairs),
            ..CompareStopRule::default()
        };
        let paid = told(&["openai/gpt-5-mini", "here/m", "sim/m"], of_pairs(10));
        assert_eq!(paid.requests, Some(60), "cold and warm");
        assert_eq!(paid.elsewhere, Some(20));
        assert!(!paid.needs_question());
        assert_eq!(paid.usd, paid.usd_a_round.checked_mul(20));
        assert!(paid.usd.is_some_and(|usd| usd > Usd::default()));
        assert_eq!(paid.unpriced, ["here/m".parse().unwrap()]);
        let more = told(&["openai/gpt-5-mini", "sim/m"], of_pairs(11));
        assert!(more.needs_question());

        let settled = CompareStopRule {
            until_settled: true,
            ..CompareStopRule::default()
        };
        let open = told(&["openai/gpt-5-mini", "sim/m"], settled.clone());
        assert_eq!((open.requests, open.usd), (None, None));
        assert!(open.needs_question());
        let free = told(&["sim/a", "sim/b"], settled.clone());
        assert_eq!((free.elsewhere, free.usd), (Some(0), Some(Usd::default())));
        assert!(!free.needs_question());
        let limited = CompareStopRule {
            usd: Usd::of_dollars(0.5),
            ..settled
        };
        let limited = told(&["openai/gpt-5-mini", "sim/m"], limited);
        assert_eq!(limited.usd, Usd::of_dollars(0.5));
    }
}

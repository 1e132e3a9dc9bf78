//! The route of a request: which of its targets may be asked, and in which order.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Instant,
};

use super::{
    health::{HealthBook, TargetHealth, TargetState},
    keys::LocalKey,
    route::GatewayRoute,
    spending::seconds_until_tomorrow,
};
use crate::{
    clock::{now, wall_clock_ns},
    dialect::serve::refusal,
    endpoint::{Endpoint, TargetId},
    event::Fault,
    price::PriceTable,
    settings::gateway::RouteStrategy,
};

/// The quantile by which the strategy `fastest` compares, unless the route says another.
const QUANTILE: f64 = 0.5;
/// The share of requests that it gives to other targets, unless the route says another.
const EXPLORATION: f64 = 0.05;
/// A target with fewer TTFTs than this is asked first, so that it is known.
const LEAST: usize = 5;

/// Where a request may go.
#[derive(Clone, Debug)]
pub(super) struct RoutedTarget {
    pub endpoint: Arc<Endpoint>,
    /// The model, by the endpoint's name.
    pub model: String,
    pub health: Arc<TargetHealth>,
    pub weight: f64,
}

impl RoutedTarget {
    /// A target without a route.
    pub(super) fn of(endpoint: Arc<Endpoint>, model: String, health: &HealthBook) -> Self {
        let id = TargetId {
            endpoint: endpoint.id.clone(),
            model,
        };
        Self {
            endpoint,
            health: health.of(&id),
            model: id.model,
            weight: 1.0,
        }
    }

    /// Itself, if it is in one of these regions.
    ///
    /// # Errors
    /// The refusal, with status 403.
    pub(super) fn allowed(self, regions: &[String]) -> Result<Self, Fault> {
        if is_within(&self.endpoint, regions) {
            return Ok(self);
        }
        Err(forbidden(&[&self], regions))
    }

    pub(super) fn id(&self) -> TargetId {
        TargetId {
            endpoint: self.endpoint.id.clone(),
            model: self.model.clone(),
        }
    }
}

/// A route that was found for a name, with its targets in the order in which they are to be asked.
#[derive(Clone, Debug)]
pub(super) struct FoundRoute {
    pub route: GatewayRoute,
    pub targets: Vec<RoutedTarget>,
}

impl FoundRoute {
    /// What a request with this key may take of the route, in the order in which its targets are to be asked.
    ///
    /// # Errors
    /// The refusal, with status 403 or 429: it may go to none of them, or may not cost anything more.
    pub(super) fn for_key(self, key: &LocalKey, prices: &PriceTable) -> Result<Self, Fault> {
        let found = self.within(&key.settings.regions)?;
        found.may_spend()?;
        let is_capped = key.settings.usd_per_day.is_some();
        let found = found.with_prices(prices, is_capped)?;
        Ok(found.in_order(now(), &mut || rand::random_range(0.0..1.0)))
    }

    /// The route with only those targets that are in its regions, and in these.
    ///
    /// # Errors
    /// The refusal, with status 403: none is.
    fn within(mut self, regions: &[String]) -> Result<Self, Fault> {
        for regions in [&self.route.settings.regions, regions] {
            let all: Vec<&RoutedTarget> = self.targets.iter().collect();
            if !all
                .iter()
                .any(|target| is_within(&target.endpoint, regions))
            {
                return Err(forbidden(&all, regions));
            }
            self.targets
                .retain(|target| is_within(&target.endpoint, regions));
        }
        Ok(self)
    }

    /// The route with only those targets whose price is known, if it has a cap or the key `is_capped`.
    ///
    /// # Errors
    /// The refusal, with status 403: none has one.
    fn with_prices(mut self, prices: &PriceTable, is_capped: bool) -> Result<Self, Fault> {
        if !is_capped && self.route.settings.usd_per_day.is_none() {
            return Ok(self);
        }
        let names: Vec<String> = (self.targets.iter())
            .map(|target| target.id().to_string())
            .collect();
        let at = wall_clock_ns();
        self.targets
            .retain(|target| prices.of(&target.endpoint, &target.model, at).is_some());
        if !self.targets.is_empty() {
            return Ok(self);
        }
        let message = format!(
            "What {} costs is not known, and this route or key has a cap of US dollars: set its price as \
             [price.\"…\"] in the settings",
            names.join(", ")
        );
        Err(refusal(403, "no_price", message))
    }

    /// Whether its dollars of today are not used up.
    ///
    /// # Errors
    /// The refusal, with status 429.
    fn may_spend(&self) -> Result<(), Fault> {
        let settings = &self.route.settings;
        if !self.route.state.spending.has_reached(settings.usd_per_day) {
            return Ok(());
        }
        let message = format!(
            "The route “{}” has used up its US dollars of today: this is a limit of the gateway, not of the model",
            settings.name
        );
        Err(Fault {
            retry_after_ms: Some(seconds_until_tomorrow() * 1_000),
            ..refusal(429, "local_limit", message)
        })
    }

    /// The targets in the order in which they are to be asked: by the route's strategy, those that can't be asked now
    /// last.
    fn in_order(mut self, at: Instant, chance: &mut dyn FnMut() -> f64) -> Self {
        let settings = &self.route.settings;
        match settings.strategy {
            RouteStrategy::FirstHealthy => {}
            RouteStrategy::RoundRobin => {
                let turn = self.route.state.turn.fetch_add(1, Ordering::Relaxed);
                let targets = self.targets.len();
                self.targets.rotate_left(turn % targets);
            }
            RouteStrategy::Weighted => self.targets = by_weight(self.targets, chance),
            RouteStrategy::Fastest => {
                let quantile = settings.quantile.unwrap_or(QUANTILE);
                // A target that is not known yet is asked first, so that it gets known.
                self.targets
                    .sort_by_cached_key(|target| target.health.ttft(quantile, at, LEAST));
                let explores = chance() < settings.exploration.unwrap_or(EXPLORATION);
                if explores && self.targets.len() > 1 {
                    let others = self.targets.len() - 1;
                    let other = 1 + index(chance(), others);
                    self.targets[..=other].rotate_right(1);
                }
            }
        }
        let is_paused =
            |target: &RoutedTarget| matches!(target.health.state(at), TargetState::Paused(_));
        self.targets.sort_by_key(is_paused);
        self
    }
}

/// Whether an endpoint is in one of these regions; none stand for all. One whose region is not known is in none.
fn is_within(endpoint: &Endpoint, regions: &[String]) -> bool {
    regions.is_empty() || regions.iter().any(|region| region == endpoint.region())
}

fn forbidden(targets: &[&RoutedTarget], regions: &[String]) -> Fault {
    let places = targets.iter().map(|target| match target.endpoint.region() {
        "" => format!(
            "{} (region not known: state it as `region` of the endpoint)",
            target.endpoint.id
        ),
        region => format!("{} ({region})", target.endpoint.id),
    });
    let places: Vec<String> = places.collect();
    let message = format!(
        "This request may only be answered in {}, and its targets are {}",
        regions.join(", "),
        places.join(", ")
    );
    refusal(403, "region_forbidden", message)
}

/// One of `many` by chance, from 0 to 1.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a chance from 0 to 1 times a small count"
)]
fn index(chance: f64, many: usize) -> usize {
    ((chance * many as f64) as usize).min(many.saturating_sub(1))
}

/// The targets in a random order: each place is drawn in proportion to the weights of those that are left.
fn by_weight(mut targets: Vec<RoutedTarget>, chance: &mut dyn FnMut() -> f64) -> Vec<RoutedTarget> {
    let mut ordered = Vec::with_capacity(targets.len());
    while !targets.is_empty() {
        let all: f64 = targets.iter().map(|target| target.weight).sum();
        let mut left = chance() * all;
        let drawn = targets.iter().position(|target| {
            left -= target.weight;
            left < 0.0
        });
        ordered.push(targets.remove(drawn.unwrap_or(0)));
    }
    ordered
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{dialect::DialectId, gateway::RouteTable, settings::gateway::RouteSettings};

    fn endpoint(id: &str) -> Endpoint {
        let url = "http://127.0.0.1:1/v1".parse().unwrap();
        Endpoint::custom(id, url, DialectId::OpenaiChat)
    }

    /// The endpoints of a route with three targets, in order, with these TTFTs in milliseconds.
    struct Three {
        table: RouteTable,
        health: HealthBook,
        at: Instant,
    }

    impl Three {
        fn new(settings: RouteSettings, ttfts: [u64; 3]) -> Self {
            let ids = ["a", "b", "c"];
            let settings = RouteSettings {
                name: "m".into(),
                targets: ids.map(|id| format!("{id}/m").parse().unwrap()).into(),
                ..settings
            };
            let (health, at) = (HealthBook::default(), now());
            for (target, ttft) in settings.targets.iter().zip(ttfts) {
                for _ in 0..LEAST * usize::from(ttft > 0) {
                    let ttft = Some(Duration::from_millis(ttft));
                    health.of(target).answered(at, ttft);
                }
            }
            let table = RouteTable::new(vec![settings], ids.map(endpoint).into());
            Self { table, health, at }
        }

        fn order(&self, chances: &[f64]) -> String {
            let mut chances = chances.iter().copied().cycle();
            let found = self.table.find("m", &self.health).unwrap();
            let ordered = found.in_order(self.at, &mut || chances.next().unwrap());
            let ids = ordered
                .targets
                .iter()
                .map(|target| target.endpoint.id.clone());
            ids.collect()
        }
    }

    fn by(strategy: RouteStrategy) -> RouteSettings {
        RouteSettings {
            strategy,
            ..RouteSettings::default()
        }
    }

    #[test]
    fn the_fastest_is_first_and_another_is_explored_now_and_then() {
        let three = Three::new(by(RouteStrategy::Fastest), [300, 100, 200]);
        assert_eq!(three.order(&[0.5]), "bca");
        assert_eq!(three.order(&[0.01, 0.0]), "cba");
        assert_eq!(three.order(&[0.01, 0.99]), "abc");
        let unknown = Three::new(by(RouteStrategy::Fastest), [300, 100, 0]);
        assert_eq!(
            unknown.order(&[0.5]),
            "cba",
            "the unknown one is asked first"
        );
    }

    #[test]
    fn turns_and_weights_decide_the_order() {
        let three = Three::new(by(RouteStrategy::RoundRobin), [0; 3]);
        let orders: Vec<String> = (0..4).map(|_| three.order(&[0.5])).collect();
        assert_eq!(orders, ["abc", "bca", "cab", "abc"]);
        let weighted = RouteSettings {
            weights: vec![1.0, 0.0, 3.0],
            ..by(RouteStrategy::Weighted)
        };
        let three = Three::new(weighted, [0; 3]);
        assert_eq!(three.order(&[0.2]), "acb");
        assert_eq!(three.order(&[0.3]), "cab");
    }

    #[test]
    fn a_target_that_can_not_be_asked_now_is_last() {
        let three = Three::new(by(RouteStrategy::FirstHealthy), [0; 3]);
        let fault = refusal(429, "slow_down", "wait");
        let first = "a/m".parse().unwrap();
        three.health.of(&first).failed(three.at, &fault);
        assert_eq!(three.order(&[0.5]), "bca");
    }
}

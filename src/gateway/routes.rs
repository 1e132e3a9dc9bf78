//! Routes: which targets answer for a model's name, and in which order they are asked.

use std::{cmp::Reverse, sync::Arc};

use super::{
    found_route::{FoundRoute, RoutedTarget},
    health::HealthBook,
    route::GatewayRoute,
};
use crate::{endpoint::Endpoint, settings::gateway::RouteSettings};

/// All routes, and the endpoints that they lead to.
#[derive(Clone, Debug, Default)]
pub struct RouteTable {
    routes: Vec<GatewayRoute>,
    endpoints: Vec<Arc<Endpoint>>,
}

impl RouteTable {
    /// These routes, the most specific first: exact names, then the longer beginning before the shorter one.
    #[must_use]
    pub fn new(mut routes: Vec<RouteSettings>, endpoints: Vec<Endpoint>) -> Self {
        routes.sort_by_key(|route| (route.name.ends_with('*'), Reverse(route.name.len())));
        Self {
            routes: routes.into_iter().map(GatewayRoute::new).collect(),
            endpoints: endpoints.into_iter().map(Arc::new).collect(),
        }
    }

    /// The same with what was known of the routes of these names before.
    pub(super) fn after(mut self, before: &Self) -> Self {
        for route in &mut self.routes {
            let mut known = before.routes.iter();
            if let Some(known) = known.find(|known| known.settings.name == route.settings.name) {
                route.state = Arc::clone(&known.state);
            }
        }
        self
    }

    /// The route for this name. A name that no route has may be a target's own, `ENDPOINT/MODEL`. Without targets the
    /// endpoints of the route are not there.
    pub(super) fn find(&self, asked: &str, health: &HealthBook) -> Option<FoundRoute> {
        let route = self.routes.iter().find(|route| route.matches(asked));
        let route = match route {
            Some(route) => route.clone(),
            None => GatewayRoute::new(RouteSettings::to(asked, asked.parse().ok()?)),
        };
        let weights = &route.settings.weights;
        let targets = route
            .settings
            .targets
            .iter()
            .enumerate()
            .filter_map(|(at, target)| {
                let endpoint = self.endpoint(&target.endpoint)?;
                let model = match target.model.as_str() {
                    "*" => asked.to_owned(),
                    model => model.to_owned(),
                };
                Some(RoutedTarget {
                    weight: weights.get(at).copied().unwrap_or(1.0),
                    ..RoutedTarget::of(Arc::clone(endpoint), model, health)
                })
            });
        let targets: Vec<RoutedTarget> = targets.collect();
        (!targets.is_empty()).then_some(FoundRoute { route, targets })
    }

    /// All routes, in the order in which they are looked up.
    pub(super) fn all(&self) -> &[GatewayRoute] {
        &self.routes
    }

    /// The endpoint of this id.
    pub(super) fn endpoint(&self, id: &str) -> Option<&Arc<Endpoint>> {
        self.endpoints.iter().find(|endpoint| endpoint.id == id)
    }

    /// The ids of the endpoints of routes' targets.
    pub(super) fn target_endpoints(&self) -> impl Iterator<Item = String> {
        let targets = self.routes.iter().flat_map(|route| &route.settings.targets);
        targets.map(|target| target.endpoint.clone())
    }

    /// The endpoints that routes lead to, each once; all endpoints if there are no routes.
    pub(super) fn routed_endpoints(&self) -> Vec<&Arc<Endpoint>> {
        let is_routed = |endpoint: &&Arc<Endpoint>| {
            let targets = self.routes.iter().flat_map(|route| &route.settings.targets);
            let mut ids = targets.map(|target| &target.endpoint);
            self.routes.is_empty() || ids.any(|id| *id == endpoint.id)
        };
        self.endpoints.iter().filter(is_routed).collect()
    }

    /// The names that can be asked for without knowing more: those of exact routes, then the targets of endpoints whose
    /// models are known.
    pub(super) fn names(&self) -> Vec<String> {
        let routes = self.routes.iter().filter(|route| route.prefix().is_none());
        let named = routes.map(|route| route.settings.name.clone());
        let targets = self.endpoints.iter().flat_map(|endpoint| {
            let of = |model: &String| format!("{}/{model}", endpoint.id);
            endpoint.models.iter().map(of)
        });
        named.chain(targets).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::DialectId;

    fn endpoint(id: &str) -> Endpoint {
        let url = "http://127.0.0.1:1/v1".parse().unwrap();
        Endpoint::custom(id, url, DialectId::OpenaiChat)
    }

    fn table(rules: &[&str]) -> RouteTable {
        let rules = rules.iter().map(|rule| rule.parse().unwrap()).collect();
        RouteTable::new(rules, vec![endpoint("a"), endpoint("b")])
    }

    fn first(table: &RouteTable, asked: &str) -> Option<String> {
        let found = table.find(asked, &HealthBook::default())?;
        Some(found.targets[0].id().to_string())
    }

    #[test]
    fn the_most_specific_route_is_taken_whatever_their_order() {
        let table = table(&["*=a/*", "gpt-*=a/x", "gpt-5=b/y", "gpt-5-*=b/*", "lost=c/z"]);
        for (asked, target) in [
            ("gpt-5", Some("b/y")),
            ("gpt-5-mini", Some("b/gpt-5-mini")),
            ("gpt-4", Some("a/x")),
            ("other", Some("a/other")),
            ("lost", None),
        ] {
            assert_eq!(first(&table, asked).as_deref(), target, "{asked}");
        }
    }

    #[test]
    fn a_name_without_a_route_may_be_a_targets_own() {
        let table = table(&["x=a/y"]);
        assert_eq!(first(&table, "b/m/n").as_deref(), Some("b/m/n"));
        assert_eq!(first(&table, "c/m"), None);
        assert_eq!(first(&table, "m"), None);
    }

    #[test]
    fn what_is_no_route_is_refused_with_how_to_write_one() {
        for bad in ["gpt-5", "=a/b", "a*b=c/d", "x=nothing"] {
            assert!(bad.parse::<RouteSettings>().is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_known_of_a_route_lasts_when_routes_are_read_again() {
        let before = table(&["x=a/*", "y=a/*"]);
        let find = |table: &RouteTable, name| {
            let found = table.find(name, &HealthBook::default()).unwrap();
            Arc::as_ptr(&found.route.state)
        };
        let known = find(&before, "x");
        let after = table(&["x=b/*", "z=b/*"]).after(&before);
        assert_eq!(find(&after, "x"), known);
        assert_ne!(find(&after, "z"), known);
        assert_eq!(first(&after, "x").as_deref(), Some("b/x"));
    }
}

//! Routes: which target answers for a model's name.

use std::str::FromStr;

use crate::endpoint::{Endpoint, TargetId};

/// A rule: the requests for these names go to this target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The name, or its beginning if `is_prefix`.
    name: String,
    is_prefix: bool,
    /// The target; a model of `*` is the name that was asked for.
    target: TargetId,
}

impl FromStr for Route {
    type Err = String;

    /// Reads `NAME=ENDPOINT/MODEL`; a name that ends in `*` is the beginning of names.
    fn from_str(text: &str) -> Result<Self, String> {
        let (name, target) = text.split_once('=').ok_or(
            "write NAME=ENDPOINT/MODEL, as in gemini-3-pro-preview=gemini/gemini-3-pro-preview or *=openai/*",
        )?;
        let target = target
            .trim()
            .parse::<TargetId>()
            .map_err(|error| error.to_string())?;
        let name = name.trim();
        let prefix = name.strip_suffix('*');
        if name.is_empty() || prefix.unwrap_or(name).contains('*') {
            return Err(format!(
                "“{name}” is no model name: a * may only be its end"
            ));
        }
        Ok(Self {
            name: prefix.unwrap_or(name).to_owned(),
            is_prefix: prefix.is_some(),
            target,
        })
    }
}

impl Route {
    fn matches(&self, asked: &str) -> bool {
        if self.is_prefix {
            asked.starts_with(&self.name)
        } else {
            asked == self.name
        }
    }

    /// The endpoint that its requests go to.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.target.endpoint
    }
}

/// All routes, and the endpoints that they lead to.
#[derive(Clone, Debug, Default)]
pub struct RouteTable {
    routes: Vec<Route>,
    endpoints: Vec<Endpoint>,
}

impl RouteTable {
    /// These routes, the most specific first: exact names, then the longer beginning before the shorter one.
    #[must_use]
    pub fn new(mut routes: Vec<Route>, endpoints: Vec<Endpoint>) -> Self {
        routes.sort_by_key(|route| (route.is_prefix, std::cmp::Reverse(route.name.len())));
        Self { routes, endpoints }
    }

    /// The endpoint and the model that answer for this name. A name that no route has may be a target's own,
    /// `ENDPOINT/MODEL`.
    pub(super) fn find(&self, asked: &str) -> Option<(&Endpoint, String)> {
        let route = self.routes.iter().find(|route| route.matches(asked));
        let target = match route {
            Some(route) => route.target.clone(),
            None => asked.parse().ok()?,
        };
        let endpoint = self.endpoints.iter().find(|e| e.id == target.endpoint)?;
        let model = match target.model.as_str() {
            "*" => asked.to_owned(),
            _ => target.model,
        };
        Some((endpoint, model))
    }

    /// The names that can be asked for without knowing more: those of exact routes, then the targets of endpoints whose
    /// models are known.
    pub(super) fn names(&self) -> Vec<String> {
        let routes = self.routes.iter().filter(|route| !route.is_prefix);
        let named = routes.map(|route| route.name.clone());
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

    fn table(rules: &[&str]) -> RouteTable {
        let endpoint = |id: &str| {
            let url = "http://127.0.0.1:1/v1".parse().unwrap();
            Endpoint::custom(id, url, DialectId::OpenaiChat)
        };
        let rules = rules.iter().map(|rule| rule.parse().unwrap()).collect();
        RouteTable::new(rules, vec![endpoint("a"), endpoint("b")])
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
            let found = table.find(asked);
            let found = found.map(|(endpoint, model)| format!("{}/{model}", endpoint.id));
            assert_eq!(found.as_deref(), target, "{asked}");
        }
    }

    #[test]
    fn a_name_without_a_route_may_be_a_targets_own() {
        let table = table(&["x=a/y"]);
        let found = |asked| table.find(asked).map(|(e, m)| (e.id.clone(), m));
        assert_eq!(found("b/m/n"), Some(("b".into(), "m/n".into())));
        assert_eq!(found("c/m"), None);
        assert_eq!(found("m"), None);
    }

    #[test]
    fn what_is_no_route_is_refused_with_how_to_write_one() {
        for bad in ["gpt-5", "=a/b", "a*b=c/d", "x=nothing"] {
            assert!(bad.parse::<Route>().is_err(), "{bad}");
        }
    }
}

//! Prices that the user gives in the settings file.

use super::{Price, PriceOrigin, Rates, Tier};
use crate::hints::matches;

/// The keys of a `[price."PATTERN"]` section; a test compares them with the fields.
pub const PRICE_KEYS: &[&str] = &[
    "input",
    "cached",
    "cache_written",
    "cache_written_1h",
    "output",
    "reasoning",
    "above",
];

/// The user's price for some targets. It is whole: what it leaves out is unknown, and not taken from the built-in table.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnPrice {
    pattern: String,
    price: Price,
}

impl OwnPrice {
    /// A price for targets that fit a pattern, in which `*` stands for anything: `endpoint/model`, or without a slash
    /// a model at any endpoint.
    #[must_use]
    pub fn new(pattern: &str, rates: Rates, above: Option<Tier>) -> Self {
        let pattern = pattern.to_owned();
        let origin = PriceOrigin::Settings {
            pattern: pattern.clone(),
        };
        Self {
            price: Price {
                rates,
                above,
                origin,
            },
            pattern,
        }
    }

    /// The pattern.
    #[must_use]
    pub fn pattern(&self) -> &str {
        &self.pattern
    }

    /// The price.
    #[must_use]
    pub fn price(&self) -> &Price {
        &self.price
    }

    /// Whether it is for this model at this endpoint. A vendor's prefix of the model (“openai/”) may be left out.
    pub(super) fn fits(&self, endpoint: &str, model: &str) -> bool {
        if self.pattern.contains('/') {
            return matches(&self.pattern, &format!("{endpoint}/{model}"));
        }
        let name = model.rsplit('/').next().unwrap_or_default();
        matches(&self.pattern, model) || matches(&self.pattern, name)
    }
}

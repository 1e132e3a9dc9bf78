//! What answers cost: token counts × a table of prices.
//!
//! In: where a request went, the model, the counts that the provider reported. Out: a [`Price`] and the cost in
//! [`Usd`], or none: a price or a count that is not known is never taken for 0. Prices are facts of
//! `assets/prices.toml`, each with its date and source, or the user's own of the settings file.

mod most;
mod own;
mod pages;
mod rates;
mod usd;

use std::fmt;

use url::Url;

pub use self::{
    most::{most_input_tokens, most_tokens},
    own::{OwnPrice, PRICE_KEYS},
    rates::{BadRate, Rates, TIER_KEYS, Tier},
    usd::{Usd, usd_digits},
};
use crate::{chat::CacheLife, endpoint::Endpoint, event::Usage};

/// The prices of one model at one provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Price {
    /// USD per million tokens.
    pub rates: Rates,
    /// Other prices for the whole request if its prompt is long.
    pub above: Option<Tier>,
    /// Who says so.
    pub origin: PriceOrigin,
}

/// Who says what a model costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PriceOrigin {
    /// The provider's page of prices, on a day.
    Page {
        /// The day, as `2026-10-03`.
        date: String,
        /// The page's URL.
        source: String,
    },
    /// A section of the settings file.
    Settings {
        /// Its pattern.
        pattern: String,
    },
}

impl fmt::Display for PriceOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Page { date, source } => write!(f, "list price of {date}, {source}"),
            Self::Settings { pattern } => write!(f, "your price for {pattern}"),
        }
    }
}

impl Price {
    /// What these tokens cost. `None` if a count or a price that is needed is not known, or if counts contradict each
    /// other (more cached tokens than tokens, a total that is not their sum).
    ///
    /// Input and output must be reported. Tokens of the cache that are not reported count as input: providers leave a
    /// count of 0 out. Cached and cache-written tokens are parts of the input, and reasoning is part of what was
    /// generated ([`Usage::generated`]), so none is counted twice.
    ///
    /// `cached_for` is how long the provider was asked to cache the prompt; `None` if that is not known.
    #[must_use]
    pub fn cost(&self, usage: &Usage, cached_for: Option<CacheLife>) -> Option<Usd> {
        rates::cost(&rates::bill(self, usage, cached_for)?)
    }

    /// How [`Price::cost`] is made, in words: `800 input × $1.25 + 200 cached × $0.125 + …`.
    #[must_use]
    pub fn formula(&self, usage: &Usage, cached_for: Option<CacheLife>) -> Option<String> {
        let bill = rates::bill(self, usage, cached_for)?;
        let lines: Vec<String> = bill.iter().map(ToString::to_string).collect();
        Some(format!(
            "{} per million tokens; {}",
            lines.join(" + "),
            self.origin
        ))
    }

    /// Whether it is the user's own, and so holds for whatever was asked.
    #[must_use]
    pub fn is_own(&self) -> bool {
        matches!(self.origin, PriceOrigin::Settings { .. })
    }
}

/// What decides which price holds for a request.
#[derive(Clone, Copy, Debug)]
pub struct PricedCall<'a> {
    /// The endpoint's id.
    pub endpoint: &'a str,
    /// The URL that was asked: its host names the provider.
    pub url: &'a str,
    /// Whether the simulator answers: then nothing costs anything, and the cost is blank.
    pub simulated: bool,
    /// The model that was asked for.
    pub model: &'a str,
    /// The model that answered, if the provider said so.
    pub served: Option<&'a str>,
    /// When it was asked, in nanoseconds since 1970: prices change.
    pub at_unix_ns: i64,
}

/// All prices: the user's own, then those of the built-in table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PriceTable {
    /// The most specific first.
    own: Vec<OwnPrice>,
}

impl PriceTable {
    /// A table with these prices of the user before the built-in ones. The longest pattern that fits a target counts.
    #[must_use]
    pub fn with_own(mut own: Vec<OwnPrice>) -> Self {
        own.sort_by_key(|own| std::cmp::Reverse(own.pattern().len()));
        Self { own }
    }

    /// The price of a model at an endpoint at a time (nanoseconds since 1970); `None` if it is not known.
    #[must_use]
    pub fn of(&self, endpoint: &Endpoint, model: &str, at_unix_ns: i64) -> Option<&Price> {
        self.of_call(&PricedCall {
            endpoint: &endpoint.id,
            url: endpoint.base_url.as_str(),
            simulated: endpoint.simulated,
            model,
            served: None,
            at_unix_ns,
        })
    }

    /// The price that holds for a request: the user's own, else that of the model which answered, else that of the
    /// model which was asked for. Built-in prices hold at the provider's own hosts only.
    #[must_use]
    pub fn of_call(&self, call: &PricedCall<'_>) -> Option<&Price> {
        if call.simulated {
            return None;
        }
        let own = self
            .own
            .iter()
            .find(|own| own.fits(call.endpoint, call.model));
        own.map(OwnPrice::price).or_else(|| {
            let url = Url::parse(call.url).ok()?;
            let host = url.host_str()?;
            let mut models = call.served.into_iter().chain([call.model]);
            models.find_map(|model| pages::price(host, model, call.at_unix_ns))
        })
    }
}

#[cfg(test)]
mod tests;

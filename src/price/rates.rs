//! Prices per token, and what counts of tokens cost by them.

use std::fmt;

use serde::{Deserialize, Deserializer, de};

use super::{Price, Usd};
use crate::{chat::CacheLife, event::Usage};

/// USD per million tokens of each kind; `None` where it is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Rates {
    /// The prompt, without what was read from the cache or written to it.
    #[serde(deserialize_with = "rate")]
    pub input: Option<Usd>,
    /// Read from the provider's cache.
    #[serde(deserialize_with = "rate")]
    pub cached: Option<Usd>,
    /// Written to the provider's cache, for five minutes or as long as the provider likes.
    #[serde(deserialize_with = "rate")]
    pub cache_written: Option<Usd>,
    /// Written to the provider's cache for an hour.
    #[serde(deserialize_with = "rate")]
    pub cache_written_1h: Option<Usd>,
    /// Generated, reasoning included unless it has a price of its own.
    #[serde(deserialize_with = "rate")]
    pub output: Option<Usd>,
    /// Reasoning, where it costs something else than output.
    #[serde(deserialize_with = "rate")]
    pub reasoning: Option<Usd>,
}

/// The prices of a whole request whose prompt is long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Tier {
    /// They hold for prompts of more than this number of tokens.
    pub tokens: u64,
    /// The prices.
    #[serde(flatten)]
    pub rates: Rates,
}

/// The keys of a [`Tier`]; a test compares them with the fields.
pub const TIER_KEYS: &[&str] = &[
    "tokens",
    "input",
    "cached",
    "cache_written",
    "cache_written_1h",
    "output",
    "reasoning",
];

/// A number that can't be a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a price is in USD per million tokens: from 0 to 1,000,000, with at most six digits behind the point"
)]
pub struct BadRate;

/// The price of one token at so many USD per million.
fn per_token(per_million: f64) -> Result<Usd, BadRate> {
    let pico = (per_million * 1e6).round();
    let is_exact = (per_million * 1e6 - pico).abs() < 1e-3;
    if !(0.0..=1e6).contains(&per_million) || !is_exact {
        return Err(BadRate);
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "from 0 to 10¹²"
    )]
    Ok(Usd::of_pico(pico as u64))
}

fn rate<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Usd>, D::Error> {
    struct Visitor;
    impl de::Visitor<'_> for Visitor {
        type Value = Option<Usd>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a number of USD per million tokens")
        }

        fn visit_f64<E: de::Error>(self, number: f64) -> Result<Self::Value, E> {
            per_token(number).map(Some).map_err(E::custom)
        }

        #[expect(
            clippy::cast_precision_loss,
            reason = "what is large is refused anyway"
        )]
        fn visit_i64<E: de::Error>(self, number: i64) -> Result<Self::Value, E> {
            self.visit_f64(number as f64)
        }

        #[expect(
            clippy::cast_precision_loss,
            reason = "what is large is refused anyway"
        )]
        fn visit_u64<E: de::Error>(self, number: u64) -> Result<Self::Value, E> {
            self.visit_f64(number as f64)
        }
    }
    from.deserialize_any(Visitor)
}

/// Tokens of one kind and the price of each.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct BillLine {
    what: &'static str,
    tokens: u64,
    each: Usd,
}

impl fmt::Display for BillLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The price of one token in picodollars is the price of a million in microdollars.
        let million = self.each.checked_mul(1_000_000).unwrap_or_default();
        let price = million.dollars();
        write!(f, "{} {} × ${price}", self.tokens, self.what)
    }
}

/// The tokens that are paid for, by kind; `None` as for [`Price::cost`].
pub(super) fn bill(
    price: &Price,
    usage: &Usage,
    cached_for: Option<CacheLife>,
) -> Option<Vec<BillLine>> {
    let (input, generated) = (usage.input?, usage.generated()?);
    let all = input.checked_add(generated)?;
    // A total of more means tokens that no other count shows.
    if usage.total.is_some_and(|total| total != all) {
        return None;
    }
    let tier = price.above.filter(|tier| input > tier.tokens);
    let rates = tier.map_or(price.rates, |tier| tier.rates);
    let (cached, written) = (usage.cached.unwrap_or(0), usage.cache_written.unwrap_or(0));
    let fresh = input.checked_sub(cached)?.checked_sub(written)?;
    let reasoning = if rates.reasoning.is_some() {
        usage.reasoning?
    } else {
        0
    };
    let output = generated.checked_sub(reasoning)?;
    let lines = [
        ("input", fresh, rates.input),
        ("cached", cached, rates.cached),
        ("written to the cache", written, rates.written(cached_for)),
        ("output", output, rates.output),
        ("reasoning", reasoning, rates.reasoning),
    ];
    // A count of 0 needs no price, but without any price nothing is known.
    rates.input.and(rates.output)?;
    let paid = lines.into_iter().filter(|(_, tokens, _)| *tokens > 0);
    paid.map(|(what, tokens, each)| {
        let each = each?;
        Some(BillLine { what, tokens, each })
    })
    .collect()
}

/// The sum of a bill; `None` if it is absurdly large.
pub(super) fn cost(bill: &[BillLine]) -> Option<Usd> {
    let mut lines = bill.iter().map(|line| line.each.checked_mul(line.tokens));
    lines.try_fold(Usd::default(), |sum, line| sum.checked_add(line?))
}

impl Rates {
    /// The price of writing to the cache. If it is not known for how long, both must cost the same.
    fn written(&self, cached_for: Option<CacheLife>) -> Option<Usd> {
        match cached_for {
            Some(CacheLife::Minutes) => self.cache_written,
            Some(CacheLife::Hour) => self.cache_written_1h,
            None => self
                .cache_written
                .filter(|price| self.cache_written_1h.is_none_or(|hour| hour == *price)),
        }
    }
}

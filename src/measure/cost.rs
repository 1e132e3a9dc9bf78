//! What a run costs, and how that was computed.
//!
//! In: a [`Run`] with the counts that the provider reported, and a [`PriceTable`]. Out: the cost, or why there is none.

use serde_json::Value;

use super::Figure;
use crate::{
    chat::{CacheLife, Part},
    endpoint::Endpoint,
    event::Usage,
    price::{Price, PriceTable, PricedCall, Usd},
    run::Run,
};

/// The key of the figure.
pub const KEY: &str = "cost_usd";

/// Why a run has no cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoCost {
    /// The simulator answered.
    #[error("The simulator's answers cost nothing")]
    Simulated,
    /// The price of the model is not known.
    #[error(
        "The price of this model at this endpoint is not known: a section [price.\"endpoint/model\"] in the settings \
         file can give it"
    )]
    NoPrice,
    /// The provider did not report the tokens.
    #[error("The provider did not report how many tokens it counted")]
    NotCounted,
    /// The list price does not cover the request.
    #[error("The list price does not cover it: {0}")]
    NotCovered(&'static str),
    /// A count that costs something has no known price, or counts contradict each other.
    #[error("The price of some of its tokens is not known, or its token counts do not add up")]
    PartUnknown,
}

/// What a run costs. A run that failed costs what was counted until then.
///
/// # Errors
/// Why it is not known.
pub fn of(run: &Run, prices: &PriceTable) -> Result<Usd, NoCost> {
    let (price, usage) = priced(run, prices)?;
    let cost = price.cost(usage, cached_for(run));
    cost.ok_or(NoCost::PartUnknown)
}

/// What another target that was asked the same charges for the prompt at least, if it counts as many tokens as the
/// target of the run did; none of them is taken for cached.
///
/// # Errors
/// Why it is not known.
pub fn of_prompt_at(
    run: &Run,
    endpoint: &Endpoint,
    model: &str,
    prices: &PriceTable,
) -> Result<Usd, NoCost> {
    if endpoint.simulated {
        return Err(NoCost::Simulated);
    }
    let price = prices.of(endpoint, model, run.stamps.started_unix_ns);
    let price = covered(run, price.ok_or(NoCost::NoPrice)?)?;
    let usage = run.answer.usage.as_ref().ok_or(NoCost::NotCounted)?;
    let prompt = Usage {
        input: Some(usage.input.ok_or(NoCost::NotCounted)?),
        output: Some(0),
        ..Usage::default()
    };
    let cost = price.cost(&prompt, cached_for(run));
    cost.ok_or(NoCost::PartUnknown)
}

/// How the cost of a run was computed, with the date and source of the price; or why there is none.
#[must_use]
pub fn explanation(run: &Run, prices: &PriceTable) -> String {
    let formula = priced(run, prices).and_then(|(price, usage)| {
        let formula = price.formula(usage, cached_for(run));
        formula.ok_or(NoCost::PartUnknown)
    });
    let broke_off = run.answer.fault.is_some();
    match formula {
        Ok(formula) if broke_off => {
            format!("{formula}. The answer broke off: what was counted until then")
        }
        Ok(formula) => formula,
        Err(why) => why.to_string(),
    }
}

/// How this run's value of a figure was computed, where its definition does not say all of it.
#[must_use]
pub fn how_made(figure: &Figure, run: &Run, prices: &PriceTable) -> Option<String> {
    (figure.key == KEY).then(|| explanation(run, prices))
}

/// Whether the run can have cost nothing: it was simulated, or it failed before anything was answered or counted.
#[must_use]
pub fn is_free(run: &Run) -> bool {
    let failed = run.answer.fault.is_some() && run.stamps.first_token.is_none();
    run.head.simulated || (failed && run.answer.usage.is_none())
}

fn priced<'a>(run: &'a Run, prices: &'a PriceTable) -> Result<(&'a Price, &'a Usage), NoCost> {
    let head = &run.head;
    if head.simulated {
        return Err(NoCost::Simulated);
    }
    let price = prices.of_call(&PricedCall {
        endpoint: &head.target.endpoint,
        url: &head.url,
        simulated: false,
        model: &head.target.model,
        served: run.answer.model.as_deref(),
        at_unix_ns: run.stamps.started_unix_ns,
    });
    let price = price.ok_or(NoCost::NoPrice)?;
    let usage = run.answer.usage.as_ref().ok_or(NoCost::NotCounted)?;
    if usage.input.is_none() || usage.generated().is_none() {
        return Err(NoCost::NotCounted);
    }
    Ok((covered(run, price)?, usage))
}

/// The price, if it covers the request.
fn covered<'a>(run: &Run, price: &'a Price) -> Result<&'a Price, NoCost> {
    // Who gives a price says what it is for.
    match not_covered(run).filter(|_| !price.is_own()) {
        Some(why) => Err(NoCost::NotCovered(why)),
        None => Ok(price),
    }
}

/// Why the list price is not the price of this request, if so.
fn not_covered(run: &Run) -> Option<&'static str> {
    let request = &run.head.request;
    let is_timed = |mime: &str| mime.starts_with("audio/") || mime.starts_with("video/");
    let mut parts = request.messages.iter().flat_map(|message| &message.parts);
    if parts.any(|part| matches!(part, Part::Media(media) if is_timed(&media.mime))) {
        return Some("sound and video have prices of their own");
    }
    if !run.answer.media.is_empty() {
        return Some("what a model draws or speaks has a price of its own");
    }
    let extra = &request.params.extra;
    let raw = request.raw_body.as_ref().and_then(Value::as_object);
    let asked = [Some(&run.answer.echoed), raw, Some(extra)];
    // What the provider says it did counts more than what was asked for.
    let is_other = |(name, usual): &(&str, &[&str])| {
        let stated = asked
            .iter()
            .flatten()
            .find_map(|fields| fields.get(*name)?.as_str());
        stated.is_some_and(|word| !usual.contains(&word))
    };
    (TERMS.iter().any(is_other))
        .then_some("a service tier, a speed or a region with a price of its own was asked for")
}

/// Fields of requests that change the price, and their words that do not.
const TERMS: &[(&str, &[&str])] = &[
    (
        "service_tier",
        &["auto", "default", "standard", "standard_only"],
    ),
    (
        "serviceTier",
        &["SERVICE_TIER_UNSPECIFIED", "STANDARD", "standard"],
    ),
    ("speed", &["standard"]),
    ("inference_geo", &["global", "not_available"]),
];

/// How long the provider was asked to cache the prompt; `None` if JSON of the user's own may say something else.
fn cached_for(run: &Run) -> Option<CacheLife> {
    let request = &run.head.request;
    let has_json = request.raw_body.is_some() || !request.params.extra.is_empty();
    let life = request.params.cache_prompt;
    (!has_json).then(|| life.unwrap_or(CacheLife::Minutes))
}

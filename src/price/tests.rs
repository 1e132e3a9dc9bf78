//! What counts of tokens cost, and which price holds.

mod listed;

use super::*;
use crate::dialect::DialectId;

/// 2026-11-30.
const NOW: i64 = 1_796_000_000_000_000_000;

#[expect(clippy::unnecessary_wraps, reason = "as the fields of `Rates`")]
fn dollars(per_million: f64) -> Option<Usd> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "small"
    )]
    Some(Usd::of_pico((per_million * 1e6).round() as u64))
}

fn rates(input: f64, output: f64) -> Rates {
    Rates {
        input: dollars(input),
        output: dollars(output),
        ..Rates::default()
    }
}

fn price_of(rates: Rates, above: Option<Tier>) -> Price {
    OwnPrice::new("x", rates, above).price().clone()
}

fn usage(input: u64, output: u64) -> Usage {
    Usage {
        input: Some(input),
        output: Some(output),
        ..Usage::default()
    }
}

fn cost(price: &Price, usage: Usage) -> Option<u64> {
    let cost = price.cost(&usage, Some(CacheLife::Minutes));
    cost.map(Usd::pico)
}

fn endpoint(url: &str) -> Endpoint {
    Endpoint::custom("mine", Url::parse(url).unwrap(), DialectId::OpenaiChat)
}

#[test]
fn what_the_user_says_holds_and_the_longest_pattern_first() {
    let own = |pattern: &str, input| OwnPrice::new(pattern, rates(input, 1.0), None);
    let prices = PriceTable::with_own(vec![
        own("gpt-5*", 1.0),
        own("mine/gpt-5*", 2.0),
        own("mine/gpt-5-mini", 3.0),
        own("*/org/*", 4.0),
    ]);
    let mine = endpoint("http://127.0.0.1:8000/v1");
    let other = Endpoint {
        id: "other".into(),
        ..mine.clone()
    };
    let simulated = Endpoint {
        simulated: true,
        ..mine.clone()
    };
    for (endpoint, model, input) in [
        (&mine, "gpt-5", Some(2.0)),
        (&mine, "gpt-5-mini", Some(3.0)),
        (&other, "gpt-5-mini", Some(1.0)),
        (&other, "openai/gpt-5", Some(1.0)),
        (&other, "org/model", Some(4.0)),
        (&other, "model", None),
        (&simulated, "gpt-5", None),
    ] {
        let found = prices
            .of(endpoint, model, NOW)
            .map(|price| price.rates.input);
        assert_eq!(found, input.map(dollars), "{}/{model}", endpoint.id);
    }
    // It is whole: the built-in price of cached tokens is not mixed in.
    let openai = endpoint("https://api.openai.com/v1");
    let price = prices.of(&openai, "gpt-5", NOW).unwrap();
    assert!(price.is_own() && price.rates.cached.is_none());
}

#[test]
fn no_token_is_paid_twice_and_none_for_nothing() {
    let full = Rates {
        cached: dollars(0.5),
        cache_written: dollars(6.25),
        cache_written_1h: dollars(10.0),
        ..rates(5.0, 25.0)
    };
    let price = price_of(full, None);
    let mut used = usage(1_000, 100);
    // 1,000 × 5 + 100 × 25 = 7,500 millionths of a dollar.
    assert_eq!(cost(&price, used), Some(7_500_000_000));
    used.cached = Some(600);
    used.cache_written = Some(300);
    // 100 × 5 + 600 × 0.5 + 300 × 6.25 + 100 × 25 = 5,175.
    assert_eq!(cost(&price, used), Some(5_175_000_000));
    // 300 × 10 instead of 300 × 6.25: 6,300.
    let hour = price.cost(&used, Some(CacheLife::Hour));
    assert_eq!(hour.map(Usd::pico), Some(6_300_000_000));
    assert_eq!(price.cost(&used, None), None, "for how long is not known");
    used.reasoning = Some(80);
    assert_eq!(
        cost(&price, used),
        Some(5_175_000_000),
        "a part of the output"
    );
    used.cached = Some(800);
    assert_eq!(cost(&price, used), None, "more cached than there is");
}

#[test]
fn what_is_not_known_is_blank() {
    let price = price_of(rates(1.0, 2.0), None);
    let cached = Usage {
        cached: Some(5),
        ..usage(10, 10)
    };
    let written = Usage {
        cache_written: Some(5),
        ..usage(10, 10)
    };
    for (what, price, usage, known) in [
        ("no usage", &price, Usage::default(), false),
        (
            "no output",
            &price,
            Usage {
                output: None,
                ..usage(10, 10)
            },
            false,
        ),
        (
            "no input",
            &price,
            Usage {
                input: None,
                ..usage(10, 10)
            },
            false,
        ),
        ("no price of cached tokens", &price, cached, false),
        ("no price of written tokens", &price, written, false),
        (
            "none cached",
            &price,
            Usage {
                cached: Some(0),
                ..usage(10, 10)
            },
            true,
        ),
        (
            "no price at all",
            &price_of(Rates::default(), None),
            usage(0, 0),
            false,
        ),
        (
            "a total of more",
            &price,
            Usage {
                total: Some(21),
                ..usage(10, 10)
            },
            false,
        ),
        (
            "a total that adds up",
            &price,
            Usage {
                total: Some(20),
                ..usage(10, 10)
            },
            true,
        ),
        ("absurd counts", &price, usage(u64::MAX, 1), false),
        (
            "free",
            &price_of(rates(0.0, 0.0), None),
            usage(10, 10),
            true,
        ),
    ] {
        assert_eq!(cost(price, usage).is_some(), known, "{what}");
        let formula = price.formula(&usage, Some(CacheLife::Minutes));
        assert!(
            known || what == "absurd counts" || formula.is_none(),
            "{what}"
        );
    }
}

#[test]
fn reasoning_may_have_a_price_of_its_own_and_long_prompts_too() {
    let with_reasoning = Rates {
        reasoning: dollars(3.0),
        ..rates(1.0, 2.0)
    };
    let price = price_of(with_reasoning, None);
    assert_eq!(cost(&price, usage(10, 10)), None, "its count is needed");
    let counted = Usage {
        reasoning: Some(4),
        ..usage(10, 10)
    };
    // 10 × 1 + 6 × 2 + 4 × 3.
    assert_eq!(cost(&price, counted), Some(34_000_000));
    let tier = |rates| Some(Tier { tokens: 100, rates });
    let tiered = price_of(rates(1.0, 2.0), tier(rates(10.0, 20.0)));
    assert_eq!(cost(&tiered, usage(100, 1)), Some(102_000_000));
    assert_eq!(
        cost(&tiered, usage(101, 1)),
        Some(1_030_000_000),
        "all of it"
    );
    let unknown = price_of(rates(1.0, 2.0), tier(Rates::default()));
    assert_eq!(cost(&unknown, usage(101, 1)), None);
}

#[test]
fn a_formula_names_tokens_prices_and_the_source() {
    let openai = endpoint("https://api.openai.com/v1");
    let prices = PriceTable::default();
    let price = prices.of(&openai, "gpt-5", NOW).unwrap();
    let used = Usage {
        cached: Some(200),
        ..usage(1_000, 50)
    };
    assert_eq!(
        price.formula(&used, None).unwrap(),
        "800 input × $1.25 + 200 cached × $0.125 + 50 output × $10 per million tokens; \
         list price of 2026-10-03, https://developers.openai.com/api/docs/pricing"
    );
}

#[test]
fn the_lists_of_keys_match_the_fields() {
    let keys = PRICE_KEYS.iter().filter(|key| **key != "above");
    let lines: Vec<String> = keys.map(|key| format!("{key} = 1")).collect();
    let text = lines.join(
        "
",
    );
    let all: Rates = toml_edit::de::from_str(&text).unwrap();
    let one = dollars(1.0);
    let whole = Rates {
        input: one,
        cached: one,
        cache_written: one,
        cache_written_1h: one,
        output: one,
        reasoning: one,
    };
    assert_eq!(all, whole);
    let tier: Tier = toml_edit::de::from_str(&format!("tokens = 5\n{text}")).unwrap();
    assert_eq!((tier.tokens, tier.rates), (5, whole));
    assert_eq!(TIER_KEYS.len(), PRICE_KEYS.len());
}

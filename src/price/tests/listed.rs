//! The built-in prices.

use std::collections::HashSet;

use toml_edit::{Document, TableLike};

use super::*;

fn listed(url: &str, model: &str) -> Option<Rates> {
    let prices = PriceTable::default();
    (prices.of(&endpoint(url), model, NOW)).map(|price| price.rates)
}

#[test]
fn every_row_of_the_table_is_a_fact_with_sane_numbers() {
    assert!(pages::rows().len() > 60);
    for row in pages::rows() {
        let name = &row.models[0];
        let PriceOrigin::Page { date, source } = &row.price.origin else {
            panic!("{name}");
        };
        let day = pages::start_of(date).unwrap();
        assert!(
            day > pages::start_of("2026-01-01").unwrap() && day <= NOW,
            "{name}: {date}"
        );
        assert!(
            Url::parse(source).unwrap().scheme() == "https",
            "{name}: {source}"
        );
        assert!(row.hosts.iter().all(|host| host.contains('.')), "{name}");
        let tier = row.price.above.map(|tier| tier.rates);
        for rates in [
            Some(row.price.rates),
            tier.filter(|r| *r != Rates::default()),
        ] {
            let Some(rates) = rates else { continue };
            let (input, output) = (rates.input.unwrap(), rates.output.unwrap());
            // From 1 cent to 1,000 dollars per million.
            let sane = Usd::of_pico(10_000)..=Usd::of_pico(1_000_000_000);
            assert!(sane.contains(&input) && sane.contains(&output), "{name}");
            assert!(input <= output, "{name}");
            assert!(rates.cached.is_none_or(|cached| cached < input), "{name}");
            assert!(
                rates.cache_written.is_none_or(|written| written >= input),
                "{name}"
            );
            assert!(
                rates.cache_written_1h >= rates.cache_written || rates.cache_written_1h.is_none()
            );
        }
        if let Some(tier) = row.price.above {
            assert!(tier.tokens >= 100_000, "{name}");
            assert!(
                tier.rates
                    .input
                    .is_none_or(|dear| Some(dear) > row.price.rates.input)
            );
        }
    }
}

#[test]
fn the_table_has_known_keys_only_and_no_model_twice() {
    let known: HashSet<&str> = (PRICE_KEYS.iter())
        .chain(&["models", "date", "from", "until"])
        .copied()
        .collect();
    let document = Document::parse(pages::TEXT).unwrap();
    let pages = document["page"].as_array_of_tables().unwrap();
    for row in pages
        .iter()
        .flat_map(|page| page["prices"].as_array().unwrap())
    {
        let row = row.as_inline_table().unwrap();
        assert!(row.iter().all(|(key, _)| known.contains(key)), "{row}");
        let above = row.get("above").and_then(|above| above.as_inline_table());
        let mut keys = above.into_iter().flat_map(TableLike::iter);
        assert!(keys.all(|(key, _)| TIER_KEYS.contains(&key)), "{row}");
    }
    let mut seen = HashSet::new();
    for row in pages::rows() {
        for (host, model) in row
            .hosts
            .iter()
            .flat_map(|h| row.models.iter().map(move |m| (h, m)))
        {
            assert!(seen.insert((host, model, row.from())), "{host}: {model}");
        }
    }
}

#[test]
fn a_price_holds_at_its_providers_hosts_for_the_longest_name_that_fits() {
    const OPENAI: &str = "https://api.openai.com/v1";
    const GROQ: &str = "https://api.groq.com/openai/v1";
    for (url, model, input) in [
        (OPENAI, "gpt-5", Some(1.25)),
        (OPENAI, "gpt-5-2025-08-07", Some(1.25)),
        (OPENAI, "gpt-5-mini", Some(0.25)),
        (OPENAI, "gpt-5-mini-2025-08-07", Some(0.25)),
        (OPENAI, "gpt-5-of-next-year", None),
        (OPENAI, "gpt-4o-2024-05-13", None),
        ("https://api.openai.com.example/v1", "gpt-5", None),
        ("https://proxy.example/v1", "gpt-5", None),
        ("http://localhost:4000/v1", "gpt-5", None),
        (GROQ, "openai/gpt-oss-120b", Some(0.15)),
        (
            "https://api.anthropic.com",
            "claude-opus-4-5-20251101",
            Some(5.0),
        ),
        (
            "https://api.anthropic.com",
            "claude-opus-4-20250514",
            Some(15.0),
        ),
        (
            "https://generativelanguage.googleapis.com/v1beta/openai",
            "models/gemini-2.5-pro",
            Some(1.25),
        ),
        // Regions of Vertex AI have prices of their own.
        (
            "https://us-central1-aiplatform.googleapis.com/v1",
            "gemini-2.5-pro",
            None,
        ),
    ] {
        let found = listed(url, model).map(|rates| rates.input);
        assert_eq!(found, input.map(dollars), "{url} {model}");
    }
}

#[test]
fn prices_that_changed_hold_from_their_day_to_the_next() {
    let prices = PriceTable::default();
    let anthropic = endpoint("https://api.anthropic.com");
    let google = endpoint("https://generativelanguage.googleapis.com/v1beta");
    let openai = endpoint("https://api.openai.com/v1");
    let at = |endpoint, model, day: &str, before: i64| {
        let price = prices.of(endpoint, model, pages::start_of(day).unwrap() - before);
        price.map(|price| (price.rates.input, price.rates.cached))
    };
    for (endpoint, model, day, before, after) in [
        (
            &anthropic,
            "claude-sonnet-5-5",
            "2026-10-07",
            Some((2.0, 0.2)),
            Some((2.0, 0.1)),
        ),
        (
            &google,
            "gemini-3.8-flash",
            "2027-01-01",
            Some((0.75, 0.075)),
            Some((1.5, 0.15)),
        ),
        (&openai, "gpt-5.6-sol", "2026-11-22", Some((4.0, 0.4)), None),
    ] {
        let known = |pair: Option<(f64, f64)>| pair.map(|(i, c)| (dollars(i), dollars(c)));
        assert_eq!(at(endpoint, model, day, 1), known(before), "{model}");
        assert_eq!(at(endpoint, model, day, 0), known(after), "{model}");
    }
}

#[test]
fn the_model_that_answered_counts_before_the_one_that_was_asked() {
    let prices = PriceTable::default();
    let call = PricedCall {
        endpoint: "g",
        url: "https://generativelanguage.googleapis.com/v1beta/models/x",
        simulated: false,
        model: "gemini-flash-latest",
        served: Some("gemini-2.5-flash"),
        at_unix_ns: NOW,
    };
    let input = |call: &PricedCall<'_>| Some(prices.of_call(call)?.rates.input);
    assert_eq!(input(&call), Some(dollars(0.3)), "an alias");
    let fallback = PricedCall {
        model: "gemini-2.5-pro",
        ..call
    };
    assert_eq!(
        input(&fallback),
        Some(dollars(0.3)),
        "another model took over"
    );
    let unknown = PricedCall {
        served: Some("gemini-2.5-pro-something"),
        ..fallback
    };
    assert_eq!(
        input(&unknown),
        Some(dollars(1.25)),
        "a name that is not listed"
    );
    let simulated = PricedCall {
        simulated: true,
        ..call
    };
    assert_eq!(input(&simulated), None);
}

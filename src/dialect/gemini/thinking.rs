//! Reasoning effort in the protocol's two forms: a level for Gemini 3 and later, a budget of tokens before
//! (<https://ai.google.dev/gemini-api/docs/thinking>). The budgets for words are those of Google's OpenAI-compatible
//! endpoint.

use serde_json::{Value, json};

/// Words that let the model decide, as it does by default.
const AUTOMATIC: &[&str] = &["auto", "adaptive", "on", "true"];

/// The `thinkingConfig` of an effort. A number is a budget of tokens, for any model; a word without a known budget is
/// sent as a level.
pub(super) fn config(model: &str, effort: &str) -> Value {
    if AUTOMATIC.contains(&effort.trim()) {
        return json!({"includeThoughts": true});
    }
    match budget(model, effort) {
        // `includeThoughts` without thinking is an error.
        Some(0) => json!({"thinkingBudget": 0}),
        Some(tokens) => json!({"thinkingBudget": tokens, "includeThoughts": true}),
        None => json!({"thinkingLevel": level(effort), "includeThoughts": true}),
    }
}

fn budget(model: &str, effort: &str) -> Option<i64> {
    if let Ok(tokens) = effort.trim().parse() {
        return Some(tokens);
    }
    if generation(model).is_some_and(|number| number >= 3) {
        return None;
    }
    match effort {
        // 2.5 Pro can't turn thinking off: this is its minimum.
        "none" | "minimal" | "off" | "disabled" | "false" if model.contains("2.5-pro") => Some(128),
        "none" | "minimal" | "off" | "disabled" | "false" => Some(0),
        "low" => Some(1_024),
        "medium" => Some(8_192),
        "high" | "xhigh" | "max" => Some(24_576),
        _ => None,
    }
}

/// Models with levels always think: `low` is the lowest that all of them accept (`minimal` is an error on Gemini 3.1
/// Pro and 3.7 Flash), `high` the highest.
fn level(effort: &str) -> &str {
    match effort {
        "none" | "off" | "disabled" | "false" => "low",
        "xhigh" | "max" => "high",
        word => word,
    }
}

/// The generation in a model's name: 3 for `models/gemini-3.1-pro-preview`.
pub(super) fn generation(model: &str) -> Option<u32> {
    let (_, rest) = model.rsplit_once("gemini-")?;
    let end = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    rest[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_and_budgets() {
        let level = |word: &str| json!({"thinkingLevel": word, "includeThoughts": true});
        let budget = |tokens: i64| json!({"thinkingBudget": tokens, "includeThoughts": true});
        let off = json!({"thinkingBudget": 0});
        for (model, effort, expected) in [
            ("gemini-3-pro-preview", "low", level("low")),
            ("models/gemini-3.1-flash", "minimal", level("minimal")),
            ("gemini-3-flash", "none", level("low")),
            ("gemini-3.7-flash", "max", level("high")),
            ("gemini-12-pro", "high", level("high")),
            ("gemini-3-pro-preview", "2048", budget(2_048)),
            ("gemini-2.5-flash", "minimal", off.clone()),
            ("gemini-2.5-flash", "none", off.clone()),
            ("gemini-2.5-flash", "0", off),
            ("gemini-2.5-pro", "none", budget(128)),
            ("gemini-2.5-pro", "low", budget(1_024)),
            ("gemini-2.5-pro", "medium", budget(8_192)),
            ("gemini-flash-latest", "high", budget(24_576)),
            ("gemini-2.5-flash", "-1", budget(-1)),
            ("gemini-2.5-flash", "somewhat", level("somewhat")),
            (
                "gemini-3-pro-preview",
                "adaptive",
                json!({"includeThoughts": true}),
            ),
            ("gemini-2.5-flash", "true", json!({"includeThoughts": true})),
            ("gemini-2.5-flash", "off", json!({"thinkingBudget": 0})),
        ] {
            assert_eq!(config(model, effort), expected, "{model} {effort}");
        }
    }

    #[test]
    fn the_generation_is_read_from_the_name() {
        assert_eq!(
            generation("publishers/google/models/gemini-2.5-pro"),
            Some(2)
        );
        assert_eq!(generation("gemini-flash-latest"), None);
        assert_eq!(generation("gemini-99999999999"), None);
        assert_eq!(generation("gemma-3"), None);
    }
}

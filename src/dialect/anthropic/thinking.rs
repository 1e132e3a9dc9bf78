//! Reasoning effort in the protocol's two forms.
//!
//! Models up to Claude 4.5 take a budget of tokens
//! (<https://docs.anthropic.com/en/docs/build-with-claude/extended-thinking>); later ones take an effort and decide by
//! themselves (<https://platform.claude.com/docs/en/build-with-claude/effort>). The older ones are known by name, since
//! their list no longer grows.

use serde_json::{Value, json};

/// The fields that a requested effort becomes.
#[derive(Debug, Default, PartialEq)]
pub(super) struct ThinkingSettings {
    /// The `thinking` field.
    pub config: Option<Value>,
    /// `output_config.effort`.
    pub effort: Option<String>,
    budget: u32,
}

/// The smallest budget that the protocol accepts, in tokens.
const MIN_BUDGET: u32 = 1_024;

/// Budgets for effort words, in tokens. The protocol defines none: these are those of Google's compatible endpoint, and
/// ours for the words that it does not have.
const BUDGETS: &[(&str, u32)] = &[
    ("minimal", MIN_BUDGET),
    ("low", MIN_BUDGET),
    ("medium", 8_192),
    ("high", 24_576),
    ("xhigh", 32_000),
    ("max", 32_000),
];

/// Parts of the names of models that take a budget and no effort; `.`, `_` and `@` count as `-`.
const BUDGETED_MODELS: &[&str] = &[
    "claude-3",
    "sonnet-4-0",
    "sonnet-4-2025",
    "sonnet-4-5",
    "opus-4-0",
    "opus-4-1",
    "opus-4-2025",
    "opus-4-5",
    "haiku-4-5",
];

impl ThinkingSettings {
    /// The settings for an effort: a number is a budget of tokens (0: no thinking), `none` turns thinking off, `auto`
    /// lets the model decide, any other word is an effort.
    pub(super) fn of(model: &str, effort: &str) -> Self {
        let effort = effort.trim();
        let word = effort.to_ascii_lowercase();
        let budget = effort.parse::<u32>().ok();
        match (word.as_str(), budget) {
            ("", _) => Self::default(),
            ("none" | "off" | "disabled", _) | (_, Some(0)) => Self {
                config: Some(json!({"type": "disabled"})),
                ..Self::default()
            },
            (_, Some(budget)) => Self::within(budget),
            (word, None) if is_budgeted(model) => {
                let known = BUDGETS.iter().find(|(known, _)| *known == word);
                Self::within(known.map_or(8_192, |(_, budget)| *budget))
            }
            ("auto" | "adaptive", None) => Self::adaptive(None),
            ("minimal", None) => Self::adaptive(Some("low".into())),
            (_, None) => Self::adaptive(Some(effort.to_owned())),
        }
    }

    /// The limit of all output, in tokens. Thinking counts toward it, so the budget is added to our own default, and to
    /// a requested limit that does not exceed the budget.
    pub(super) fn max_tokens(&self, limit: u32, is_requested: bool) -> u32 {
        if is_requested && limit > self.budget {
            limit
        } else {
            limit.saturating_add(self.budget)
        }
    }

    fn within(budget: u32) -> Self {
        let budget = budget.max(MIN_BUDGET);
        Self {
            config: Some(json!({"type": "enabled", "budget_tokens": budget})),
            effort: None,
            budget,
        }
    }

    /// Models from Claude Opus 4.7 on return their thinking only on request
    /// (<https://platform.claude.com/docs/en/build-with-claude/extended-thinking#controlling-thinking-display>).
    fn adaptive(effort: Option<String>) -> Self {
        Self {
            config: Some(json!({"type": "adaptive", "display": "summarized"})),
            effort,
            budget: 0,
        }
    }
}

fn is_budgeted(model: &str) -> bool {
    let name = model.to_ascii_lowercase().replace(['.', '_', '@'], "-");
    let held = BUDGETED_MODELS.iter().any(|part| name.contains(part));
    held || name.ends_with("sonnet-4") || name.ends_with("opus-4")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_depends_on_the_model() {
        let budget = |n: u32| json!({"thinking": {"type": "enabled", "budget_tokens": n}});
        let shown = json!({"type": "adaptive", "display": "summarized"});
        let adaptive = |effort: &str| json!({"thinking": shown, "effort": effort});
        for (model, effort, expected) in [
            ("claude-3-7-sonnet-latest", "low", budget(1_024)),
            ("anthropic/claude-3.7-sonnet", "medium", budget(8_192)),
            ("claude-sonnet-4@20250514", "high", budget(24_576)),
            (
                "us.anthropic.claude-opus-4-20250514-v1:0",
                "max",
                budget(32_000),
            ),
            ("anthropic/claude-sonnet-4", "auto", budget(8_192)),
            ("claude-haiku-4-5", "minimal", budget(1_024)),
            ("claude-sonnet-4-6", "medium", adaptive("medium")),
            ("claude-opus-4-6", "minimal", adaptive("low")),
            ("claude-sonnet-5", "xhigh", adaptive("xhigh")),
            (
                "claude-sonnet-5",
                "auto",
                json!({"thinking": shown, "effort": null}),
            ),
            ("claude-sonnet-5", "5000", budget(5_000)),
            ("claude-sonnet-5", "1", budget(1_024)),
            (
                "claude-sonnet-5",
                "0",
                json!({"thinking": {"type": "disabled"}}),
            ),
            (
                "claude-sonnet-5",
                "none",
                json!({"thinking": {"type": "disabled"}}),
            ),
        ] {
            let thinking = ThinkingSettings::of(model, effort);
            assert_eq!(
                thinking.config.as_ref(),
                expected.get("thinking"),
                "{model} {effort}"
            );
            let word = expected.get("effort").and_then(Value::as_str);
            assert_eq!(thinking.effort.as_deref(), word, "{model} {effort}");
        }
        assert_eq!(ThinkingSettings::of("m", " "), ThinkingSettings::default());
    }

    #[test]
    fn the_limit_leaves_room_for_the_budget() {
        let thinking = ThinkingSettings::of("m", "5000");
        assert_eq!(thinking.max_tokens(8_192, false), 13_192);
        assert_eq!(thinking.max_tokens(8_192, true), 8_192);
        assert_eq!(thinking.max_tokens(5_000, true), 10_000);
        assert_eq!(ThinkingSettings::default().max_tokens(5, true), 5);
    }
}

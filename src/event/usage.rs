//! Token counts, as providers report them.

use serde::{Deserialize, Serialize};

/// Token counts as the provider reported them; `None` where it did not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Prompt tokens, cached ones included.
    pub input: Option<u64>,
    /// Output tokens as stated; most providers include reasoning, some don't: see [`Usage::generated`].
    pub output: Option<u64>,
    /// Tokens of reasoning.
    pub reasoning: Option<u64>,
    /// The part of the prompt that came from the provider's cache.
    pub cached: Option<u64>,
    /// The part of the prompt that was written to the provider's cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_written: Option<u64>,
    /// All tokens together, as stated.
    #[serde(default)]
    pub total: Option<u64>,
}

impl Usage {
    /// Takes over every field that `later` states.
    pub fn merge(&mut self, later: Self) {
        self.input = later.input.or(self.input);
        self.output = later.output.or(self.output);
        self.reasoning = later.reasoning.or(self.reasoning);
        self.cached = later.cached.or(self.cached);
        self.cache_written = later.cache_written.or(self.cache_written);
        self.total = later.total.or(self.total);
    }

    /// Tokens that the model generated, reasoning included: the basis of output speed.
    ///
    /// xAI counts reasoning beside the output (2 output, 340 reasoning, 12 input: 354 in total), OpenAI
    /// within it; the stated total tells which.
    #[must_use]
    pub fn generated(&self) -> Option<u64> {
        let output = self.output?;
        let reasoning = self.reasoning.unwrap_or(0);
        let both = output.saturating_add(reasoning);
        let apart = match (self.input, self.total) {
            (Some(input), Some(total)) => input.checked_add(both) == Some(total),
            _ => reasoning > output,
        };
        Some(if apart { both } else { output })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(input: u64, output: u64, reasoning: u64, total: Option<u64>) -> Usage {
        Usage {
            input: Some(input),
            output: Some(output),
            reasoning: Some(reasoning),
            cached: None,
            cache_written: None,
            total,
        }
    }

    #[test]
    fn generated_tokens_include_reasoning_however_it_is_counted() {
        assert_eq!(usage(12, 2, 340, Some(354)).generated(), Some(342));
        assert_eq!(usage(12, 500, 340, Some(852)).generated(), Some(840));
        assert_eq!(usage(15, 78, 64, Some(93)).generated(), Some(78));
        assert_eq!(usage(12, 2, 340, None).generated(), Some(342));
        assert_eq!(
            usage(u64::MAX, u64::MAX, 1, Some(1)).generated(),
            Some(u64::MAX)
        );
        assert_eq!(Usage::default().generated(), None);
    }
}

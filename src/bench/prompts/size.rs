//! How large the prompts of a set are.

use super::{PromptEntry, PromptSet, Tokenizer};
use crate::{chat::Part, measure::float};

/// In at most so many prompts tokens are counted, so that a large set is counted in a moment.
const COUNTED: u64 = 1_000;

/// And in about so many bytes of text.
const COUNTED_BYTES: u64 = 8 << 20;

/// How large all prompts of a set are together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct SetSize {
    /// Bytes of their texts.
    pub(super) bytes: u64,
    /// Most output tokens of those that say how many.
    pub(super) output_tokens: u64,
    /// How many do not say.
    pub(super) without_output: u64,
}

impl SetSize {
    pub(super) fn of(prompts: &[PromptEntry]) -> Self {
        let mut size = Self::default();
        for prompt in prompts {
            size.bytes += bytes(prompt);
            match prompt.max_tokens {
                Some(tokens) => size.output_tokens += u64::from(tokens),
                None => size.without_output += 1,
            }
        }
        size
    }
}

/// How many tokens the prompts of a set have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MeanTokens {
    /// Tokens of a prompt, on average: what a server adds around messages is not in it.
    pub mean: f64,
    /// In how many prompts they were counted.
    pub counted: u64,
}

impl PromptSet {
    /// Counts tokens, in prompts that are spread evenly over the set; `None` if they are too long for that.
    #[must_use]
    pub fn mean_tokens(&self, tokenizer: &Tokenizer) -> Option<MeanTokens> {
        let len = self.len() as u64;
        let mean_bytes = (self.size.bytes / len).max(1);
        let most = (COUNTED_BYTES / mean_bytes).min(COUNTED);
        let step = len.div_ceil(most.max(1));
        let step = usize::try_from(step).unwrap_or(usize::MAX);
        let counted: Vec<&PromptEntry> = self.prompts.iter().step_by(step).collect();
        let is_much = counted.iter().map(|prompt| bytes(prompt)).sum::<u64>() > 4 * COUNTED_BYTES;
        if is_much {
            return None;
        }
        let tokens = counted.iter().flat_map(|prompt| texts(prompt));
        let tokens: usize = tokens.map(|text| tokenizer.count(text)).sum();
        Some(MeanTokens {
            mean: float(tokens) / float(counted.len()),
            counted: counted.len() as u64,
        })
    }
}

fn bytes(prompt: &PromptEntry) -> u64 {
    texts(prompt).map(|text| text.len() as u64).sum()
}

/// The texts that a request of this prompt has.
fn texts(prompt: &PromptEntry) -> impl Iterator<Item = &str> {
    let parts = prompt.asked().iter().flat_map(|message| &message.parts);
    let texts = parts.filter_map(|part| match part {
        Part::Text { text } => Some(text.as_str()),
        _ => None,
    });
    prompt
        .conversation
        .system
        .as_deref()
        .into_iter()
        .chain(texts)
}

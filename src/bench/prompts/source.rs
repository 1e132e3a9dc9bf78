//! The requests of a bench from a set of prompts.

use std::sync::Arc;

use super::PromptSet;
use crate::{
    bench::{BenchQuestion, MostTokens, RequestSource, source::unique_line},
    chat::{ChatRequest, Params},
    event::words,
    price::most_input_tokens,
    seeded::uniform,
};

words! {
    /// In which order the prompts of a set are asked.
    PromptOrder {
        /// As they stand in the set, again and again.
        InOrder = "in_order",
        /// Each by chance, as the seed has it: the same numbers give the same prompts.
        Random = "random",
    }
}

/// Asks the prompts of a set.
#[derive(Clone, Debug)]
pub struct PromptSource {
    /// The model that is asked.
    pub model: String,
    /// What is asked.
    pub set: Arc<PromptSet>,
    /// In which order.
    pub order: PromptOrder,
    /// The seed of a random order.
    pub seed: u64,
    /// Most output tokens of a prompt that does not say how many.
    pub max_tokens: u32,
    /// Another number in each bench: a line that no other request has stands in front of each prompt then, so that no
    /// cache of answers or prompts shortens an answer. `None` sends prompts as they are.
    pub nonce: Option<u64>,
}

impl PromptSource {
    fn index(&self, number: u64) -> usize {
        let len = self.set.len();
        match self.order {
            PromptOrder::InOrder => usize::try_from(number % len as u64).unwrap_or_default(),
            PromptOrder::Random => share_of(len, uniform(self.seed, number)),
        }
    }
}

/// The index at a share of [0, 1) of so many things.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a number of [0, len)"
)]
pub(super) fn share_of(len: usize, share: f64) -> usize {
    ((len as f64 * share) as usize).min(len.saturating_sub(1))
}

impl RequestSource for PromptSource {
    fn question(&self, number: u64) -> BenchQuestion {
        let index = self.index(number);
        let prompt = &self.set.prompts[index];
        let mut request = ChatRequest {
            model: self.model.clone(),
            system: prompt.conversation.system.clone(),
            messages: prompt.asked().to_vec(),
            params: Params {
                max_tokens: Some(prompt.max_tokens.unwrap_or(self.max_tokens)),
                ..Params::default()
            },
            ..ChatRequest::default()
        };
        if let Some(nonce) = self.nonce {
            request.put_in_front(&unique_line(nonce, number));
        }
        BenchQuestion {
            request: Arc::new(request),
            prompt: u32::try_from(index).unwrap_or(u32::MAX),
        }
    }

    fn most_tokens(&self) -> MostTokens {
        let (size, count) = (&self.set.size, self.set.len() as u64);
        let output = size.output_tokens + size.without_output * u64::from(self.max_tokens);
        MostTokens {
            input: most_input_tokens(size.bytes.div_ceil(count)),
            output: output.div_ceil(count),
        }
    }
}

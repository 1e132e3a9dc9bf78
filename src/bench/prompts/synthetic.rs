//! Prompts of given lengths in tokens, made of random words.

use std::sync::Arc;

use rand::{RngExt as _, SeedableRng as _, rngs::Xoshiro256PlusPlus};
use serde::{Deserialize, Serialize};

use super::{Lengths, Tokenizer, TokenizerError, lengths::LEAST_INPUT, source::share_of};
use crate::{
    bench::{BenchQuestion, MostTokens, RequestSource, float},
    chat::ChatRequest,
    seeded::uniform,
};

/// Words in front of a prompt that no other request has: of some ten thousand words, four are more than 10^15 cases.
const UNIQUE: usize = LEAST_INPUT as usize;

/// What a set of synthetic prompts is like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SyntheticPlan {
    /// How many prompts there are.
    pub prompts: u32,
    /// Tokens of a prompt by the tokenizer; what a server adds around a message is not in it. At least 4.
    pub input: Lengths,
    /// Most output tokens. A model may stop earlier; servers like vLLM go on with `ignore_eos` among the extra
    /// parameters.
    pub output: Lengths,
    /// The seed of lengths and words.
    pub seed: u64,
}

/// Asks prompts of random words. The first four words of a request are its own, so that no cache of answers or prompts
/// shortens an answer; its length stays what it is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "SentWords")]
pub struct SyntheticSource {
    #[serde(skip)]
    model: String,
    words: Arc<[String]>,
    /// The prompts without their first words, and their most output tokens.
    prompts: Arc<[(String, u32)]>,
    /// Tokens of all prompts together.
    input_tokens: u64,
    /// Most output tokens of all prompts together.
    output_tokens: u64,
    #[serde(skip)]
    nonce: u64,
}

/// The same as a driver sends it to its agents.
#[derive(Deserialize)]
struct SentWords {
    words: Arc<[String]>,
    prompts: Arc<[(String, u32)]>,
    input_tokens: u64,
    output_tokens: u64,
}

impl TryFrom<SentWords> for SyntheticSource {
    type Error = &'static str;

    fn try_from(sent: SentWords) -> Result<Self, Self::Error> {
        if sent.words.is_empty() || sent.prompts.is_empty() {
            return Err("there are no words, or no prompts");
        }
        Ok(Self {
            model: String::new(),
            words: sent.words,
            prompts: sent.prompts,
            input_tokens: sent.input_tokens,
            output_tokens: sent.output_tokens,
            nonce: 0,
        })
    }
}

impl SyntheticSource {
    /// Makes the prompts, before it is said of which model they are asked.
    ///
    /// # Errors
    /// If the vocabulary has too few words for prompts that differ.
    pub fn new(plan: &SyntheticPlan, tokenizer: &Tokenizer) -> Result<Self, TokenizerError> {
        let words = tokenizer.words();
        if words.len() < 1_000 {
            return Err(TokenizerError::Unusable {
                name: tokenizer.name().to_owned(),
                why: format!(
                    "it has {} whole English words, too few for prompts that differ",
                    words.len()
                ),
            });
        }
        let mut random = Xoshiro256PlusPlus::seed_from_u64(plan.seed);
        let (mut input_tokens, mut output_tokens) = (0, 0);
        let prompts = (0..plan.prompts.max(1)).map(|_| {
            let length = plan.input.draw(&mut random);
            input_tokens += u64::from(length).max(UNIQUE as u64);
            let rest = (UNIQUE as u64..length.into())
                .map(|_| words[random.random_range(..words.len())].as_str());
            let rest: String = rest.collect();
            let most = plan.output.draw(&mut random).max(1);
            output_tokens += u64::from(most);
            (rest, most)
        });
        Ok(Self {
            model: String::new(),
            prompts: prompts.collect(),
            words: words.into(),
            input_tokens,
            output_tokens,
            nonce: 0,
        })
    }

    /// The same prompts for a bench of this model. `nonce` is another number in each bench.
    #[must_use]
    pub fn of_bench(&self, model: &str, nonce: u64) -> Self {
        Self {
            model: model.to_owned(),
            nonce,
            ..self.clone()
        }
    }

    /// How many prompts there are: at least one.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "it is never empty")]
    pub fn len(&self) -> u64 {
        self.prompts.len() as u64
    }

    /// Tokens of a prompt, on average.
    #[must_use]
    pub fn mean_tokens(&self) -> f64 {
        float(self.input_tokens) / float(self.len())
    }
}

impl RequestSource for SyntheticSource {
    fn question(&self, number: u64) -> BenchQuestion {
        let index = usize::try_from(number % self.len()).unwrap_or_default();
        let (rest, max_tokens) = &self.prompts[index];
        let first = number.wrapping_mul(UNIQUE as u64);
        let unique = (0..UNIQUE as u64).map(|n| {
            let share = uniform(self.nonce, first.wrapping_add(n));
            self.words[share_of(self.words.len(), share)].as_str()
        });
        let text: String = unique.chain([rest.as_str()]).collect();
        let mut request = ChatRequest::of_text(&self.model, text);
        request.params.max_tokens = Some(*max_tokens);
        BenchQuestion {
            request: Arc::new(request),
            prompt: u32::try_from(index).unwrap_or(u32::MAX),
        }
    }

    fn most_tokens(&self) -> MostTokens {
        let count = self.len();
        MostTokens {
            // What servers add around a message.
            input: self.input_tokens.div_ceil(count) + 16,
            output: self.output_tokens.div_ceil(count),
        }
    }
}

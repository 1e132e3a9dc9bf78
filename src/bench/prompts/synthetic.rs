//! Prompts of given lengths in tokens, made of random words.

use std::sync::Arc;

use rand::{RngExt as _, SeedableRng as _, rngs::Xoshiro256PlusPlus};

use super::{Tokenizer, TokenizerError, source::share_of};
use crate::{
    bench::{BenchQuestion, MostTokens, RequestSource},
    chat::ChatRequest,
    seeded::uniform,
};

/// Words in front of a prompt that no other request has: of some ten thousand words, four are more than 10^15 cases.
const UNIQUE: usize = 4;

/// A normal distribution of lengths in tokens, cut off at both ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lengths {
    /// The mean.
    pub mean: u32,
    /// The standard deviation; 0 makes all the same.
    pub deviation: u32,
    /// No length is below this.
    pub least: u32,
    /// No length is above this.
    pub most: u32,
}

impl Lengths {
    /// All the same.
    #[must_use]
    pub fn all(length: u32) -> Self {
        Self {
            mean: length,
            deviation: 0,
            least: length,
            most: length,
        }
    }

    /// A length by the Box-Muller transform.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to the range of the bounds"
    )]
    fn draw(&self, random: &mut Xoshiro256PlusPlus) -> u32 {
        let (radius, angle) = (random.random::<f64>(), random.random::<f64>());
        let normal = (-2.0 * (-radius).ln_1p()).sqrt() * (std::f64::consts::TAU * angle).cos();
        let length = f64::from(self.deviation).mul_add(normal, f64::from(self.mean));
        let most = self.most.max(self.least);
        length.round().clamp(self.least.into(), most.into()) as u32
    }
}

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
#[derive(Clone, Debug)]
pub struct SyntheticSource {
    model: String,
    words: Arc<[String]>,
    /// The prompts without their first words, and their most output tokens.
    prompts: Arc<[(String, u32)]>,
    input_tokens: u64,
    nonce: u64,
}

impl SyntheticSource {
    /// Makes the prompts. `nonce` is another number in each bench.
    ///
    /// # Errors
    /// If the vocabulary has too few words for prompts that differ.
    pub fn new(
        model: &str,
        plan: &SyntheticPlan,
        tokenizer: &Tokenizer,
        nonce: u64,
    ) -> Result<Self, TokenizerError> {
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
        let mut input_tokens = 0;
        let prompts = (0..plan.prompts.max(1)).map(|_| {
            let length = plan.input.draw(&mut random);
            input_tokens += u64::from(length).max(UNIQUE as u64);
            let rest = (UNIQUE as u64..length.into())
                .map(|_| words[random.random_range(..words.len())].as_str());
            (rest.collect(), plan.output.draw(&mut random).max(1))
        });
        Ok(Self {
            model: model.to_owned(),
            prompts: prompts.collect(),
            words: words.into(),
            input_tokens,
            nonce,
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
}

impl RequestSource for SyntheticSource {
    fn question(&self, number: u64) -> BenchQuestion {
        let index = usize::try_from(number % self.prompts.len() as u64).unwrap_or_default();
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
        let count = self.prompts.len() as u64;
        let output = self
            .prompts
            .iter()
            .map(|(_, max_tokens)| u64::from(*max_tokens));
        MostTokens {
            // What servers add around a message.
            input: self.input_tokens.div_ceil(count) + 16,
            output: output.sum::<u64>().div_ceil(count),
        }
    }
}

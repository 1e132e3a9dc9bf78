//! What a bench asks, as people choose it, and the prompts that come of it.
//!
//! In: a text, a file or lengths. Out: [`BenchPrompts`], which any bench can ask. Reading a file and making prompts may
//! take long: never do it on the UI thread.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use super::{
    PromptOrder, PromptSet, PromptsError, ShippedVocabulary, SyntheticPlan, SyntheticSource,
    Tokenizer, TokenizerError, Turns,
};
use crate::bench::BenchPrompts;

/// What is asked where nothing else is said.
pub const USUAL_PROMPT: &str = "Count from one to one hundred in words, one number a line.";

/// Most tokens of all synthetic prompts together: some 600 MB of text.
const MOST_IN_ALL: u64 = 100_000_000;

/// What a bench asks. Nothing is read or made yet.
#[derive(Clone, Debug, PartialEq)]
pub enum PromptChoice {
    /// This text each time.
    One(String),
    /// The prompts of a file.
    File {
        /// The file; see `docs/prompts.md` for its forms.
        path: PathBuf,
        /// Which turns of a recorded conversation are asked.
        turns: Turns,
        /// In which order.
        order: PromptOrder,
        /// What counts the tokens of recorded answers, so that as many are asked for. `None` does not ask so.
        answer_lengths: Option<TokenizerChoice>,
    },
    /// Random words of given lengths.
    Synthetic {
        /// How many prompts there are, and how long.
        plan: SyntheticPlan,
        /// What counts their tokens.
        tokenizer: TokenizerChoice,
    },
}

/// What counts tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenizerChoice {
    /// A vocabulary that comes with the program.
    Shipped(ShippedVocabulary),
    /// A vocabulary file in tiktoken's form.
    File(PathBuf),
}

impl Default for TokenizerChoice {
    fn default() -> Self {
        Self::Shipped(ShippedVocabulary::O200k)
    }
}

impl fmt::Display for TokenizerChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shipped(vocabulary) => f.pad(vocabulary.as_str()),
            Self::File(path) => {
                let name = path.file_name().unwrap_or(path.as_os_str());
                f.pad(&name.to_string_lossy())
            }
        }
    }
}

impl TokenizerChoice {
    /// The choice that this names: a vocabulary that comes with the program, else a file.
    #[must_use]
    pub fn named(name: &str) -> Self {
        ShippedVocabulary::parse(name).map_or_else(|| Self::File(name.into()), Self::Shipped)
    }

    /// Reads the vocabulary. Takes some tenths of a second.
    ///
    /// # Errors
    /// If a file can't be read or is no vocabulary.
    pub fn read(&self) -> Result<Tokenizer, TokenizerError> {
        match self {
            Self::Shipped(vocabulary) => Tokenizer::shipped(*vocabulary),
            Self::File(path) => Tokenizer::of_file(path),
        }
    }
}

/// Why what was chosen can't be asked.
#[derive(Debug, thiserror::Error)]
pub enum PromptChoiceError {
    /// The file of prompts can't be used.
    #[error(transparent)]
    Prompts(#[from] PromptsError),
    /// The tokenizer can't be used.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    /// Synthetic prompts would take too much memory.
    #[error(
        "{prompts} prompts of up to {tokens} tokens are more than {MOST_IN_ALL} tokens: make fewer or shorter ones"
    )]
    TooMany {
        /// How many prompts.
        prompts: u32,
        /// Most tokens of one.
        tokens: u32,
    },
}

impl PromptChoice {
    /// Checks what can be checked at once.
    ///
    /// # Errors
    /// If synthetic prompts would take too much memory.
    pub fn check(&self) -> Result<(), PromptChoiceError> {
        let Self::Synthetic { plan, .. } = self else {
            return Ok(());
        };
        let (prompts, tokens) = (plan.prompts, plan.input.most);
        if u64::from(tokens) * u64::from(prompts) > MOST_IN_ALL {
            return Err(PromptChoiceError::TooMany { prompts, tokens });
        }
        Ok(())
    }

    /// Reads the file, or makes the prompts. Takes seconds for large ones.
    ///
    /// # Errors
    /// If a file can't be used, or the prompts would take too much memory.
    pub fn prepare(&self) -> Result<BenchPrompts, PromptChoiceError> {
        self.check()?;
        Ok(match self {
            Self::One(text) => BenchPrompts::One(text.clone()),
            Self::File {
                path,
                turns,
                order,
                answer_lengths,
            } => {
                let set = of_file(path, *turns, answer_lengths.as_ref())?;
                BenchPrompts::Set(set.into(), *order)
            }
            Self::Synthetic { plan, tokenizer } => {
                let source = SyntheticSource::new(plan, &tokenizer.read()?)?;
                BenchPrompts::Synthetic(source)
            }
        })
    }
}

fn of_file(
    path: &Path,
    turns: Turns,
    answer_lengths: Option<&TokenizerChoice>,
) -> Result<PromptSet, PromptChoiceError> {
    let mut set = PromptSet::read(path, turns)?;
    if let Some(tokenizer) = answer_lengths {
        set.limit_to_answers(&tokenizer.read()?);
    }
    Ok(set)
}

#[cfg(test)]
mod tests {
    use super::{super::Lengths, *};

    fn synthetic(prompts: u32, input: u32) -> PromptChoice {
        PromptChoice::Synthetic {
            plan: SyntheticPlan {
                prompts,
                input: Lengths::all(input),
                output: Lengths::all(64),
                seed: 1,
            },
            tokenizer: TokenizerChoice::default(),
        }
    }

    #[test]
    fn too_much_text_is_refused_before_it_is_made() {
        assert!(synthetic(1_000_000, 100).check().is_ok());
        let why = synthetic(1_000_000, 101).prepare().unwrap_err();
        assert!(why.to_string().contains("make fewer"), "{why}");
    }

    #[test]
    fn a_tokenizer_is_named_or_a_file() {
        let cl100k = TokenizerChoice::Shipped(ShippedVocabulary::Cl100k);
        assert_eq!(TokenizerChoice::named("cl100k_base"), cl100k);
        let file = TokenizerChoice::named("qwen.tiktoken");
        assert_eq!(file, TokenizerChoice::File("qwen.tiktoken".into()));
        assert!(file.read().is_err());
    }
}

//! Counts tokens, and names single ones.
//!
//! In: a vocabulary that `tiktoken-rs` ships, or a file of one. Out: how many tokens a text has. Nothing is fetched.

use std::path::Path;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rustc_hash::FxHashMap;
use tiktoken_rs::{CoreBPE, Rank};

use crate::{
    event::words,
    input::{self, InputError},
};

words! {
    /// A vocabulary that comes with the program.
    ShippedVocabulary {
        /// That of GPT-4o and later.
        O200k = "o200k_base",
        /// That of GPT-4 and GPT-3.5.
        Cl100k = "cl100k_base",
    }
}

/// Most bytes of a vocabulary file: the largest in use have some 5 MB.
const MAX_FILE: u64 = 64 << 20;

/// How `cl100k_base` splits text before it merges bytes, and so do the vocabulary files of Llama 3 and Qwen, nearly
/// (`tiktoken_ext/openai_public.py` of tiktoken 0.14).
const SPLIT: &str = r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s";

/// Why a vocabulary can't be used.
#[derive(Debug, thiserror::Error)]
pub enum TokenizerError {
    /// The file can't be read.
    #[error(transparent)]
    Input(#[from] InputError),
    /// A line is not one of a vocabulary.
    #[error(
        "{name}, line {line}: not a token in Base64, a space and its number, as `.tiktoken` files have it"
    )]
    Line {
        /// The file's name.
        name: String,
        /// The line, from 1.
        line: usize,
    },
    /// The vocabulary is not complete, or has a token twice.
    #[error("{name} is no vocabulary: {why}")]
    Unusable {
        /// Its name.
        name: String,
        /// Why.
        why: String,
    },
}

/// A byte-pair tokenizer with its vocabulary.
#[derive(Clone)]
pub struct Tokenizer {
    name: String,
    bpe: CoreBPE,
    /// Ranks of its tokens are below this.
    len: Rank,
}

impl std::fmt::Debug for Tokenizer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokenizer")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Tokenizer {
    /// One whose vocabulary comes with the program. Takes some tenths of a second.
    ///
    /// # Errors
    /// If the vocabulary is broken, which a test rules out.
    pub fn shipped(vocabulary: ShippedVocabulary) -> Result<Self, TokenizerError> {
        let (bpe, len) = match vocabulary {
            ShippedVocabulary::O200k => (tiktoken_rs::o200k_base(), 199_998),
            ShippedVocabulary::Cl100k => (tiktoken_rs::cl100k_base(), 100_256),
        };
        let name = vocabulary.as_str().to_owned();
        match bpe {
            Ok(bpe) => Ok(Self { name, bpe, len }),
            Err(why) => Err(TokenizerError::Unusable {
                name,
                why: why.to_string(),
            }),
        }
    }

    /// One from a vocabulary file in tiktoken's form: a token in Base64, a space and its number on each line.
    ///
    /// # Errors
    /// If it can't be read or is no such file, with the line.
    pub fn of_file(path: &Path) -> Result<Self, TokenizerError> {
        let text = input::text(path, MAX_FILE)?;
        Self::of_text(&path.display().to_string(), &text)
    }

    fn of_text(name: &str, text: &str) -> Result<Self, TokenizerError> {
        let mut ranks = FxHashMap::default();
        let mut len = 0;
        for (index, line) in text.lines().enumerate() {
            let parsed = || {
                let (token, rank) = line.split_once(' ')?;
                let rank: Rank = rank.trim().parse().ok()?;
                Some((STANDARD.decode(token).ok()?, rank))
            };
            let (token, rank) = parsed().ok_or_else(|| TokenizerError::Line {
                name: name.to_owned(),
                line: index + 1,
            })?;
            len = len.max(rank.saturating_add(1));
            ranks.insert(token, rank);
        }
        let unusable = |why: String| TokenizerError::Unusable {
            name: name.to_owned(),
            why,
        };
        if (0..=u8::MAX).any(|byte| !ranks.contains_key(&[byte][..])) {
            return Err(unusable("not every byte is a token of it".to_owned()));
        }
        if ranks.len() != usize::try_from(len).unwrap_or_default() {
            return Err(unusable(
                "its numbers have gaps, or a token stands in it twice".to_owned(),
            ));
        }
        let bpe = CoreBPE::new(ranks, FxHashMap::default(), SPLIT);
        Ok(Self {
            name: name.to_owned(),
            bpe: bpe.map_err(|why| unusable(why.to_string()))?,
            len,
        })
    }

    /// Its name: of the vocabulary, or of the file.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many tokens a text has by itself: what a server adds around messages is not in it.
    #[must_use]
    pub fn count(&self, text: &str) -> usize {
        self.bpe.count_ordinary(text)
    }

    /// Words of ASCII letters with a space in front, each of which is one token. However they follow each other, so many
    /// words are so many tokens: text is split before each space, and what is a token as a whole is not split further.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        let word = |rank: Rank| {
            let text = self.bpe.decode(&[rank]).ok()?;
            let letters = text.strip_prefix(' ')?;
            let is_word =
                letters.len() >= 3 && letters.bytes().all(|byte| byte.is_ascii_lowercase());
            (is_word && self.count(&text) == 1).then_some(text)
        };
        (0..self.len).filter_map(word).collect()
    }
}

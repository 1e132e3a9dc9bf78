//! What a new bench asks, as it is typed.

use serde::{Deserialize, Serialize};

use crate::{
    bench::prompts::{
        Lengths, PromptChoice, PromptOrder, ShippedVocabulary, SyntheticPlan, TokenizerChoice,
        Turns, USUAL_PROMPT,
    },
    desktop::{
        typed::{self, needed},
        widgets::capitalized,
    },
};

/// The seed of synthetic prompts: that of the terminal, so that both make the same ones.
pub const SYNTHETIC_SEED: u64 = 1;

/// Most synthetic prompts.
const MOST_PROMPTS: u32 = 1_000_000;

/// Where the prompts come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BenchPromptsFrom {
    /// The text is asked each time.
    #[default]
    Text,
    /// A file.
    File,
    /// Random words of given lengths.
    Lengths,
}

/// What counts tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenizerFrom {
    /// That of GPT-4o and later.
    #[default]
    O200k,
    /// That of GPT-4 and GPT-3.5.
    Cl100k,
    /// A vocabulary file.
    File,
}

impl TokenizerFrom {
    /// All, each with its name.
    pub const ALL: &'static [(Self, &'static str)] = &[
        (Self::O200k, ShippedVocabulary::O200k.as_str()),
        (Self::Cl100k, ShippedVocabulary::Cl100k.as_str()),
        (Self::File, "A vocabulary file"),
    ];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        let found = Self::ALL.iter().find(|(from, _)| *from == self);
        found.map_or("", |(_, name)| name)
    }
}

/// What is asked, as it is typed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AskedDraft {
    pub from: BenchPromptsFrom,
    /// The prompt; empty for the usual one.
    pub text: String,
    pub file: String,
    pub turns: Turns,
    pub order: PromptOrder,
    /// Whether as many output tokens are asked for as the recorded answer has.
    pub answer_lengths: bool,
    /// The lengths of synthetic prompts.
    pub input: String,
    /// Their most output tokens; empty for those of all requests.
    pub output: String,
    pub prompts: String,
    pub tokenizer: TokenizerFrom,
    pub vocabulary: String,
}

impl Default for AskedDraft {
    fn default() -> Self {
        Self {
            from: BenchPromptsFrom::Text,
            text: String::new(),
            file: String::new(),
            turns: Turns::First,
            order: PromptOrder::InOrder,
            answer_lengths: false,
            input: "512".into(),
            output: String::new(),
            prompts: "1000".into(),
            tokenizer: TokenizerFrom::O200k,
            vocabulary: String::new(),
        }
    }
}

impl AskedDraft {
    /// What is to be asked; `max_tokens` is the most output tokens of a request.
    ///
    /// # Errors
    /// The first thing that is missing or can’t be read.
    pub fn choice(&self, max_tokens: u32) -> Result<PromptChoice, String> {
        let choice = match self.from {
            BenchPromptsFrom::Text => PromptChoice::One(self.text_or_usual().to_owned()),
            BenchPromptsFrom::File => PromptChoice::File {
                path: typed::path(&self.file, "Choose a file of prompts")?.into(),
                turns: self.turns,
                order: self.order,
                answer_lengths: if self.answer_lengths {
                    Some(self.tokenizer()?)
                } else {
                    None
                },
            },
            BenchPromptsFrom::Lengths => PromptChoice::Synthetic {
                plan: SyntheticPlan {
                    prompts: self.read_prompts()?,
                    input: self.read_input()?,
                    output: self.read_output()?.unwrap_or(Lengths::all(max_tokens)),
                    seed: SYNTHETIC_SEED,
                },
                tokenizer: self.tokenizer()?,
            },
        };
        choice.check().map_err(|why| why.to_string())?;
        Ok(choice)
    }

    /// What counts tokens. Those of a file of prompts are counted even if only people read the count.
    ///
    /// # Errors
    /// If no file is named.
    pub fn tokenizer(&self) -> Result<TokenizerChoice, String> {
        let is_used = self.from == BenchPromptsFrom::Lengths || self.answer_lengths;
        Ok(match self.tokenizer {
            _ if !is_used => TokenizerChoice::default(),
            TokenizerFrom::O200k => TokenizerChoice::Shipped(ShippedVocabulary::O200k),
            TokenizerFrom::Cl100k => TokenizerChoice::Shipped(ShippedVocabulary::Cl100k),
            TokenizerFrom::File => TokenizerChoice::File(
                typed::path(&self.vocabulary, "Choose a vocabulary file")?.into(),
            ),
        })
    }

    fn text_or_usual(&self) -> &str {
        match self.text.trim() {
            "" => USUAL_PROMPT,
            _ => &self.text,
        }
    }

    /// The lengths of synthetic prompts.
    pub fn read_input(&self) -> Result<Lengths, String> {
        Lengths::of_prompts(&self.input).map_err(|why| capitalized(&why))
    }

    /// The most output tokens of synthetic prompts; `None` for those of all requests.
    pub fn read_output(&self) -> Result<Option<Lengths>, String> {
        match self.output.trim() {
            "" => Ok(None),
            text => Lengths::of_answers(text)
                .map(Some)
                .map_err(|why| capitalized(&why)),
        }
    }

    /// The number of synthetic prompts.
    pub fn read_prompts(&self) -> Result<u32, String> {
        let why = "A number of prompts is from 1 to 1000000";
        needed(&self.prompts, why, |n| (1..=MOST_PROMPTS).contains(n))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_what_is_asked() {
        let text = AskedDraft::default();
        assert_eq!(text.choice(9), Ok(PromptChoice::One(USUAL_PROMPT.into())));
        let file = AskedDraft {
            from: BenchPromptsFrom::File,
            file: " a b.json ".into(),
            turns: Turns::Each,
            tokenizer: TokenizerFrom::Cl100k,
            ..AskedDraft::default()
        };
        let of_file = |answer_lengths| PromptChoice::File {
            path: "a b.json".into(),
            turns: Turns::Each,
            order: PromptOrder::InOrder,
            answer_lengths,
        };
        assert_eq!(file.choice(9), Ok(of_file(None)));
        assert_eq!(file.tokenizer(), Ok(TokenizerChoice::default()));
        let file = AskedDraft {
            answer_lengths: true,
            ..file
        };
        let cl100k = TokenizerChoice::Shipped(ShippedVocabulary::Cl100k);
        assert_eq!(file.choice(9), Ok(of_file(Some(cl100k))));
    }

    #[test]
    fn synthetic_prompts_have_lengths_of_their_own() {
        let draft = AskedDraft {
            from: BenchPromptsFrom::Lengths,
            input: "100, 10".into(),
            prompts: "20".into(),
            ..AskedDraft::default()
        };
        let Ok(PromptChoice::Synthetic { plan, .. }) = draft.choice(9) else {
            panic!()
        };
        assert_eq!(
            (plan.prompts, plan.input.mean, plan.input.least),
            (20, 100, 60)
        );
        assert_eq!(plan.output, Lengths::all(9));
        let draft = AskedDraft {
            output: "7".into(),
            ..draft
        };
        let Ok(PromptChoice::Synthetic { plan, .. }) = draft.choice(9) else {
            panic!()
        };
        assert_eq!(plan.output, Lengths::all(7));
    }

    #[test]
    fn what_is_missing_or_wrong_is_said() {
        type Change = fn(&mut AskedDraft);
        let bad: [(Change, &str); 7] = [
            (|it| it.from = BenchPromptsFrom::File, "file of prompts"),
            (|it| it.input = "3".into(), "from 4"),
            (|it| it.input = "many".into(), "Lengths are"),
            (|it| it.output = "0".into(), "from 1"),
            (|it| it.prompts = "0".into(), "number of prompts"),
            (|it| it.tokenizer = TokenizerFrom::File, "vocabulary file"),
            (|it| it.input = "1000000".into(), "make fewer"),
        ];
        for (change, told) in bad {
            let mut draft = AskedDraft {
                from: BenchPromptsFrom::Lengths,
                ..AskedDraft::default()
            };
            change(&mut draft);
            let why = draft.choice(64).unwrap_err();
            assert!(why.contains(told), "{why}");
        }
    }
}

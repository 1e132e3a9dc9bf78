//! The prompts of a new bench: read or made on a thread of their own once what is chosen changes.

use std::sync::Arc;

use egui::Context;

use crate::{
    bench::{
        AskedPrompts, BenchPrompts,
        prompts::{MeanTokens, PromptChoice, PromptChoiceError, TokenizerChoice},
    },
    desktop::{
        prepared::Prepared,
        widgets::{count, counted},
    },
};

/// Prompts that can be asked.
#[derive(Debug)]
pub struct ReadyPrompts {
    pub prompts: BenchPrompts,
    /// What a bench notes of them.
    pub asked: AskedPrompts,
    /// How many tokens one has, and by which tokenizer; `None` of a single prompt, and where it was not counted.
    tokens: Option<(MeanTokens, String)>,
}

/// Why there are none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PromptsProblem {
    pub why: String,
    /// Whether it is about the tokenizer, rather than about the prompts.
    pub is_of_tokenizer: bool,
}

type PromptsRead = Result<Arc<ReadyPrompts>, PromptsProblem>;

/// What is read: the prompts, and what counts their tokens.
type WantedPrompts = (PromptChoice, TokenizerChoice);

/// Has prompts read or made, one choice at a time.
#[derive(Debug, Default)]
pub struct PromptsReader(Prepared<WantedPrompts, PromptsRead>);

impl PromptsReader {
    /// Takes one prompt, of which nothing is to be read.
    pub fn take_one(&mut self, text: &str) {
        let choice = PromptChoice::One(text.to_owned());
        if self.found(&choice).is_none() {
            let prompts = BenchPrompts::One(text.to_owned());
            let ready = ReadyPrompts {
                asked: prompts.asked(),
                prompts,
                tokens: None,
            };
            let wanted = (choice, TokenizerChoice::default());
            self.0 = Prepared::at_hand(wanted, Ok(Arc::new(ready)));
        }
    }

    /// Begins to read what is chosen, unless that is known or something is still being read; gives whether it began.
    pub fn begin(&mut self, wanted: WantedPrompts, ctx: &Context) -> bool {
        self.0.begin(wanted, ctx, read)
    }

    /// Takes in what was read; gives what is wrong with it.
    pub fn take_in(&mut self) -> Option<PromptsProblem> {
        self.0.take_in()?.as_ref().err().cloned()
    }

    /// Says why nothing is found yet.
    #[must_use]
    pub fn waiting_text(&self) -> &'static str {
        if self.0.is_coming() {
            "The prompts are being read…"
        } else {
            "The prompts are read once you leave the field"
        }
    }

    /// Forgets what was read, so that it is read again: see [`Prepared::forget`].
    pub fn forget(&mut self) -> bool {
        self.0.forget()
    }

    /// What this choice gave; `None` until it is read.
    #[must_use]
    pub fn found(&self, choice: &PromptChoice) -> Option<&PromptsRead> {
        let is_of = self.0.key().is_some_and(|(of, _)| of == choice);
        self.0.value().filter(|_| is_of)
    }
}

fn read((choice, tokenizer): &WantedPrompts) -> PromptsRead {
    let problem = |why: PromptChoiceError| PromptsProblem {
        is_of_tokenizer: matches!(why, PromptChoiceError::Tokenizer(_)),
        why: why.to_string(),
    };
    let prompts = choice.prepare().map_err(problem)?;
    let counted_by = || tokenizer.read().map_err(|why| problem(why.into()));
    let tokens = match &prompts {
        BenchPrompts::One(_) => None,
        BenchPrompts::Set(set, _) => set.mean_tokens(&counted_by()?),
        BenchPrompts::Synthetic(source) => Some(MeanTokens {
            mean: source.mean_tokens(),
            counted: source.len(),
        }),
    };
    let tokens = tokens.map(|tokens| (tokens, tokenizer.to_string()));
    Ok(Arc::new(ReadyPrompts {
        asked: prompts.asked(),
        prompts,
        tokens,
    }))
}

impl ReadyPrompts {
    /// What there is, in words: `1 000 prompts, 512 tokens each on average (o200k_base)`.
    #[must_use]
    pub fn text(&self) -> String {
        let (prompts, left_out) = match &self.prompts {
            BenchPrompts::One(_) => (1, 0),
            BenchPrompts::Set(set, _) => (set.len() as u64, set.left_out() as u64),
            BenchPrompts::Synthetic(source) => (source.len(), 0),
        };
        let mut text = counted(prompts, "prompt");
        if let Some((tokens, tokenizer)) = &self.tokens {
            let mean = mean_text(tokens.mean);
            let sample = if tokens.counted < prompts {
                format!(", counted in {}", count(tokens.counted))
            } else {
                String::new()
            };
            let tokens = if mean == "1" { "token" } else { "tokens" };
            text = format!("{text}, {mean} {tokens} each on average ({tokenizer}{sample})");
        }
        if left_out > 0 {
            let entries = match left_out {
                1 => "1 entry is".to_owned(),
                n => format!("{} entries are", count(n)),
            };
            text = format!("{text}. {entries} left out, without a message of a user");
        }
        text
    }
}

/// An average: with a digit behind the point where it is small.
fn mean_text(mean: f64) -> String {
    if mean < 100.0 && mean.fract() > 0.05 {
        return format!("{mean:.1}");
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a number of tokens"
    )]
    count(mean.round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::prompts::{PromptOrder, Turns};

    fn of_file(text: &str) -> PromptsRead {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("prompts.json");
        std::fs::write(&path, text).unwrap();
        let choice = PromptChoice::File {
            path,
            turns: Turns::First,
            order: PromptOrder::InOrder,
            answer_lengths: None,
        };
        read(&(choice, TokenizerChoice::default()))
    }

    #[test]
    fn what_a_file_holds_is_said() {
        let text = r#"[{"prompt": "one two"}, {"prompt": "one two three"}, {"conversations": []}]"#;
        assert_eq!(
            of_file(text).unwrap().text(),
            "2 prompts, 2.5 tokens each on average (o200k_base). 1 entry is left out, without a message of a user"
        );
        let problem = of_file(r#"[{"question": 1}]"#).unwrap_err();
        assert!(
            !problem.is_of_tokenizer && problem.why.contains("line 1"),
            "{problem:?}"
        );
    }
}

//! What a bench asks: one prompt, those of a file, or random words by length.

use std::path::PathBuf;

use crate::{
    bench::{
        BenchPrompts,
        prompts::{
            Lengths, PromptChoice, PromptChoiceError, PromptOrder, SyntheticPlan, TokenizerChoice,
            Turns, USUAL_PROMPT,
        },
    },
    cli::{UsageError, note},
};

/// Arguments about what is asked.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "What to ask")]
pub(super) struct AskingArgs {
    /// What is asked; a number that was never sent before is put in front of it, so that no cache answers [default: to
    /// count to one hundred].
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["prompts", "input_tokens"])]
    prompt: Option<String>,

    /// Ask the prompts of a file: one a line (.txt), JSON lines (.jsonl), or JSON, as ShareGPT's (.json). A number that was
    /// never sent before is put in front of each.
    #[arg(long, value_name = "FILE", conflicts_with = "input_tokens")]
    prompts: Option<PathBuf>,

    /// Which of the user's turns of a recorded conversation are asked, with all before it.
    #[arg(long, value_name = "WHICH", default_value = Turns::First.as_str(), value_parser = crate::cli::one_of(Turns::ALL.iter().map(|turns| turns.as_str()), Turns::parse), requires = "prompts")]
    turns: Turns,

    /// In which order the prompts of a file are asked: as they stand in it, again and again, or each by chance, by --seed.
    #[arg(long, value_name = "ORDER", default_value = PromptOrder::InOrder.as_str(), value_parser = crate::cli::one_of(PromptOrder::ALL.iter().map(|order| order.as_str()), PromptOrder::parse), requires = "prompts")]
    prompt_order: PromptOrder,

    /// Ask for as many output tokens as the recorded answer has by --tokenizer, where the file has one and does not say
    /// how many.
    #[arg(long, requires = "prompts")]
    answer_lengths: bool,

    /// Ask prompts of random words with exactly so many tokens: 512; or normally distributed: 512,64 for mean and
    /// deviation, 512,64,256,1024 with the least and the most, too [without them: four deviations].
    #[arg(long, value_name = "LENGTHS", value_parser = Lengths::of_prompts)]
    input_tokens: Option<Lengths>,

    /// Most output tokens of these requests, in the same form [default: those of --max-tokens].
    #[arg(long, value_name = "LENGTHS", value_parser = Lengths::of_answers, requires = "input_tokens")]
    output_tokens: Option<Lengths>,

    /// So many prompts of random words are made, and asked again and again.
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000), requires = "input_tokens")]
    synthetic_prompts: u32,

    /// What counts tokens: `o200k_base`, `cl100k_base`, or a vocabulary file in tiktoken's form [default: `o200k_base`].
    #[arg(long, value_name = "NAME|FILE")]
    tokenizer: Option<String>,
}

impl AskingArgs {
    fn text(&self) -> &str {
        self.prompt.as_deref().unwrap_or(USUAL_PROMPT)
    }

    /// Reads the file, or makes the prompts.
    ///
    /// # Errors
    /// If a file can't be used, or the arguments don't go together.
    pub(super) fn asked(&self, max_tokens: u32, seed: u64) -> Result<BenchPrompts, UsageError> {
        if self.tokenizer.is_some() && self.input_tokens.is_none() && !self.answer_lengths {
            return Err(UsageError::new(
                "--tokenizer is for --input-tokens and --answer-lengths",
            ));
        }
        let prompts = self.choice(max_tokens, seed).prepare();
        let prompts = prompts.map_err(|why| match why {
            PromptChoiceError::TooMany { .. } => {
                UsageError::new(format!("{why} (--synthetic-prompts, --input-tokens)"))
            }
            why => UsageError::new(why),
        })?;
        if let (BenchPrompts::Set(set, _), Some(file)) = (&prompts, &self.prompts)
            && set.left_out() > 0
        {
            note(&format!(
                "{} entries of {} are left out, as they have no message of a user",
                set.left_out(),
                file.display()
            ));
        }
        Ok(prompts)
    }

    fn choice(&self, max_tokens: u32, seed: u64) -> PromptChoice {
        let tokenizer = self.tokenizer.as_deref();
        let tokenizer = tokenizer.map_or_else(TokenizerChoice::default, TokenizerChoice::named);
        if let Some(file) = &self.prompts {
            return PromptChoice::File {
                path: file.clone(),
                turns: self.turns,
                order: self.prompt_order,
                answer_lengths: self.answer_lengths.then_some(tokenizer),
            };
        }
        match self.input_tokens {
            None => PromptChoice::One(self.text().to_owned()),
            Some(input) => PromptChoice::Synthetic {
                plan: SyntheticPlan {
                    prompts: self.synthetic_prompts,
                    input,
                    output: self.output_tokens.unwrap_or(Lengths::all(max_tokens)),
                    seed,
                },
                tokenizer,
            },
        }
    }
}

//! What a bench asks: one prompt, those of a file, or random words by length.

use std::path::{Path, PathBuf};

use crate::{
    bench::{
        BenchPrompts,
        prompts::{
            Lengths, PromptOrder, PromptSet, ShippedVocabulary, SyntheticPlan, SyntheticSource,
            Tokenizer, Turns,
        },
    },
    cli::{UsageError, note},
};

/// What is asked, unless something else is said.
const USUAL_PROMPT: &str = "Count from one to one hundred in words, one number a line.";

/// Most tokens of a synthetic prompt.
const MOST_TOKENS: u32 = 10_000_000;

/// Most tokens of all synthetic prompts together: some 600 MB of text.
const MOST_IN_ALL: u64 = 100_000_000;

/// Fewest tokens of a synthetic prompt: its first words, which no other request has.
const LEAST_INPUT: u32 = 4;

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
    #[arg(long, value_name = "LENGTHS", value_parser = input_lengths)]
    input_tokens: Option<Lengths>,

    /// Most output tokens of these requests, in the same form [default: those of --max-tokens].
    #[arg(long, value_name = "LENGTHS", value_parser = output_lengths, requires = "input_tokens")]
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
        if let Some(file) = &self.prompts {
            return self.of_file(file);
        }
        let Some(input) = self.input_tokens else {
            return Ok(BenchPrompts::One(self.text().to_owned()));
        };
        let in_all = u64::from(input.most) * u64::from(self.synthetic_prompts);
        if in_all > MOST_IN_ALL {
            return Err(UsageError::new(format!(
                "{} prompts of up to {} tokens are more than {MOST_IN_ALL} tokens: give fewer as --synthetic-prompts",
                self.synthetic_prompts, input.most
            )));
        }
        let plan = SyntheticPlan {
            prompts: self.synthetic_prompts,
            input,
            output: self.output_tokens.unwrap_or(Lengths::all(max_tokens)),
            seed,
        };
        let source = SyntheticSource::new("", &plan, &self.tokenizer()?, 0);
        source.map(BenchPrompts::Synthetic).map_err(UsageError::new)
    }

    fn of_file(&self, file: &Path) -> Result<BenchPrompts, UsageError> {
        let mut set = PromptSet::read(file, self.turns).map_err(UsageError::new)?;
        if self.answer_lengths {
            set.limit_to_answers(&self.tokenizer()?);
        }
        if set.left_out() > 0 {
            note(&format!(
                "{} entries of {} are left out, as they have no message of a user",
                set.left_out(),
                file.display()
            ));
        }
        Ok(BenchPrompts::Set(set.into(), self.prompt_order))
    }

    fn tokenizer(&self) -> Result<Tokenizer, UsageError> {
        let name = self.tokenizer.as_deref();
        let name = name.unwrap_or(ShippedVocabulary::O200k.as_str());
        let tokenizer = match ShippedVocabulary::parse(name) {
            Some(vocabulary) => Tokenizer::shipped(vocabulary),
            None => Tokenizer::of_file(Path::new(name)),
        };
        tokenizer.map_err(UsageError::new)
    }
}

fn input_lengths(text: &str) -> Result<Lengths, String> {
    lengths(text, LEAST_INPUT)
}

fn output_lengths(text: &str) -> Result<Lengths, String> {
    lengths(text, 1)
}

/// Lengths of at least `floor` tokens: `512`, `512,64`, or `512,64,256,1024`.
fn lengths(text: &str, floor: u32) -> Result<Lengths, String> {
    let numbers = text.split(',').map(|number| number.trim().parse::<u32>());
    let numbers: Vec<u32> = numbers.collect::<Result<_, _>>().unwrap_or_default();
    let lengths =
        match numbers[..] {
            [mean] => Lengths::all(mean),
            [mean, deviation] => {
                let most_off = deviation.saturating_mul(4);
                Lengths {
                    mean,
                    deviation,
                    least: mean.saturating_sub(most_off).max(floor),
                    most: mean.saturating_add(most_off).min(MOST_TOKENS),
                }
            }
            [mean, deviation, least, most] => Lengths {
                mean,
                deviation,
                least,
                most,
            },
            _ => return Err(
                "lengths are a number of tokens, or MEAN,DEVIATION, or MEAN,DEVIATION,LEAST,MOST"
                    .to_owned(),
            ),
        };
    let Lengths {
        mean, least, most, ..
    } = lengths;
    if least < floor || most > MOST_TOKENS {
        return Err(format!("a length is from {floor} to {MOST_TOKENS} tokens"));
    }
    if mean < least || mean > most {
        return Err("the mean is between the least and the most".to_owned());
    }
    Ok(lengths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_exact_or_distributed_within_bounds() {
        let lengths = |mean, deviation, least, most| Lengths {
            mean,
            deviation,
            least,
            most,
        };
        for (text, expected) in [
            ("512", lengths(512, 0, 512, 512)),
            ("512,64", lengths(512, 64, 256, 768)),
            ("10, 64", lengths(10, 64, 4, 266)),
            ("512,64,300,600", lengths(512, 64, 300, 600)),
        ] {
            assert_eq!(input_lengths(text), Ok(expected), "{text}");
        }
        for text in [
            "",
            "3",
            "x",
            "-5",
            "512,",
            "512,64,300",
            "512,64,600,700",
            "512,64,2,700",
            "4000000000",
        ] {
            assert!(input_lengths(text).is_err(), "{text}");
        }
        assert!(output_lengths("1").is_ok() && output_lengths("0").is_err());
    }
}

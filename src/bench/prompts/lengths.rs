//! Lengths in tokens.

use rand::{RngExt as _, rngs::Xoshiro256PlusPlus};

/// Most tokens of a synthetic prompt.
const MOST_TOKENS: u32 = 10_000_000;

/// Fewest tokens of a synthetic prompt: its first words, which no other request has.
pub(super) const LEAST_INPUT: u32 = 4;

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

    /// Lengths of prompts as people write them: `512` (all the same), `512,64` (mean and deviation, cut off at four
    /// deviations), or `512,64,256,1024` (with the least and the most).
    ///
    /// # Errors
    /// What is wrong with the text, in words.
    pub fn of_prompts(text: &str) -> Result<Self, String> {
        Self::parse(text, LEAST_INPUT)
    }

    /// The most output tokens of requests, in the same form.
    ///
    /// # Errors
    /// What is wrong with the text, in words.
    pub fn of_answers(text: &str) -> Result<Self, String> {
        Self::parse(text, 1)
    }

    fn parse(text: &str, floor: u32) -> Result<Self, String> {
        let numbers = text.split(',').map(|number| number.trim().parse::<u32>());
        let numbers: Vec<u32> = numbers.collect::<Result<_, _>>().unwrap_or_default();
        let lengths = match numbers[..] {
            [mean] => Self::all(mean),
            [mean, deviation] => {
                let most_off = deviation.saturating_mul(4);
                Self {
                    mean,
                    deviation,
                    least: mean.saturating_sub(most_off).max(floor),
                    most: mean.saturating_add(most_off).min(MOST_TOKENS),
                }
            }
            [mean, deviation, least, most] => Self {
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
        let Self {
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

    /// A length by the Box-Muller transform.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to the range of the bounds"
    )]
    pub(super) fn draw(&self, random: &mut Xoshiro256PlusPlus) -> u32 {
        let (radius, angle) = (random.random::<f64>(), random.random::<f64>());
        let normal = (-2.0 * (-radius).ln_1p()).sqrt() * (std::f64::consts::TAU * angle).cos();
        let length = f64::from(self.deviation).mul_add(normal, f64::from(self.mean));
        let most = self.most.max(self.least);
        length.round().clamp(self.least.into(), most.into()) as u32
    }
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
            assert_eq!(Lengths::of_prompts(text), Ok(expected), "{text}");
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
            assert!(Lengths::of_prompts(text).is_err(), "{text}");
        }
        assert!(Lengths::of_answers("1").is_ok() && Lengths::of_answers("0").is_err());
    }
}

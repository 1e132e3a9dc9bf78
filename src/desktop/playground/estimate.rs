//! About how many tokens an answer is, while no provider's count says so.
//!
//! In: an answer that grows, and what earlier answers of its model turned out to be. Out: a number that is shown
//! with “≈”, and never stored, exported or compared.

use crate::event::Answer;

/// Characters of a token: the median of 86 recorded answers of ten providers was 3.8.
const CHARS_A_TOKEN: f64 = 4.0;
/// The same of Chinese, Japanese and Korean, as the tokenizers of today have it (0.6 to 0.8 tokens a character).
const WIDE_CHARS_A_TOKEN: f64 = 1.4;
/// Fewer tokens than this tell nothing of a model.
const ENOUGH_TOKENS: f64 = 40.0;

/// What a text is counted by.
pub const BASIS: &str = "Estimated from the characters that came: 4 a token, 1.4 a token in Chinese, Japanese and Korean";

/// A text counted as far as it has come: what comes later is counted alone.
#[derive(Clone, Debug, Default)]
struct Counted {
    bytes: usize,
    tokens: f64,
}

impl Counted {
    fn grow(&mut self, text: &str) {
        let new = text.get(self.bytes..).unwrap_or_else(|| {
            // Another text has taken its place.
            self.tokens = 0.0;
            text
        });
        self.tokens += tokens_of(new);
        self.bytes = text.len();
    }
}

/// The tokens of one answer.
#[derive(Clone, Debug, Default)]
pub struct Estimate {
    texts: [Counted; 3],
    calls: Vec<Counted>,
}

impl Estimate {
    /// Counts what came since; gives the whole, uncalibrated.
    pub fn of(&mut self, answer: &Answer) -> f64 {
        let texts = [&answer.reasoning, &answer.text, &answer.refusal];
        for (counted, text) in self.texts.iter_mut().zip(texts) {
            counted.grow(text);
        }
        let calls = &answer.tool_calls;
        self.calls.resize_with(calls.len(), Counted::default);
        for (counted, call) in self.calls.iter_mut().zip(calls) {
            counted.grow(&call.arguments);
        }
        let all = self.texts.iter().chain(&self.calls);
        all.map(|counted| counted.tokens).sum()
    }
}

/// About how many tokens a text is.
fn tokens_of(text: &str) -> f64 {
    let wide = text.chars().filter(|c| is_wide(*c)).count();
    let others = text.chars().count() - wide;
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    let (wide, others) = (wide as f64, others as f64);
    wide / WIDE_CHARS_A_TOKEN + others / CHARS_A_TOKEN
}

/// Characters of scripts in which one is about a token: Han, kana, Hangul and their marks.
fn is_wide(c: char) -> bool {
    matches!(c, '\u{1100}'..='\u{11ff}' | '\u{2e80}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}'
        | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ffef}' | '\u{20000}'..='\u{3ffff}')
}

/// What earlier answers of a model were, against their estimates.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Calibration {
    estimated: f64,
    counted: f64,
    answers: u32,
}

impl Calibration {
    /// Takes in an answer that its provider has counted.
    pub fn learn(&mut self, estimated: f64, counted: f64) {
        if counted >= ENOUGH_TOKENS && estimated > 0.0 {
            self.estimated += estimated;
            self.counted += counted;
            self.answers += 1;
        }
    }

    /// What an estimate is to be multiplied by.
    pub fn factor(&self) -> f64 {
        if self.answers == 0 {
            return 1.0;
        }
        // What is further off is no tokenizer's doing, but text that was counted and not sent.
        (self.counted / self.estimated).clamp(0.4, 2.5)
    }

    /// How an estimate was made, in words.
    pub fn told(&self) -> String {
        let answers = match self.answers {
            0 => return format!("{BASIS}. The provider's count takes its place"),
            1 => "an earlier answer".to_owned(),
            count => format!("{count} earlier answers"),
        };
        format!(
            "{BASIS}; times {:.2}, by {answers} of this model. The provider's count takes its place",
            self.factor()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_counted_by_its_own_measure() {
        for (text, tokens) in [
            ("", 0.0),
            ("Time to first token.", 5.0),
            ("首个词元为什么慢", 5.7),
            ("첫 번째 토큰", 4.1),
            ("最初のトークン ok", 5.8),
        ] {
            let estimate = tokens_of(text);
            assert!((estimate - tokens).abs() < 0.3, "{text}: {estimate}");
        }
    }

    #[test]
    fn an_answer_that_grows_is_counted_as_if_it_had_come_at_once() {
        let text = "Prefill und Größe, 预填充受计算能力限制 и так далее";
        let mut growing = Estimate::default();
        let mut answer = Answer::default();
        for c in text.chars() {
            answer.text.push(c);
            growing.of(&answer);
        }
        let whole = Estimate::default().of(&answer);
        assert!((growing.of(&answer) - whole).abs() < 1e-9);
        answer.text = "é".into();
        assert!((growing.of(&answer) - 0.25).abs() < 1e-9, "another text");
        answer.reasoning = "Hmm, so".into();
        assert!(growing.of(&answer) > 1.9, "reasoning is output, too");
    }

    #[test]
    fn what_a_model_counted_calibrates_what_it_says_next() {
        let mut calibration = Calibration::default();
        assert!((calibration.factor() - 1.0).abs() < f64::EPSILON);
        calibration.learn(10.0, 4.0);
        assert!(
            (calibration.factor() - 1.0).abs() < f64::EPSILON,
            "too short"
        );
        calibration.learn(100.0, 120.0);
        calibration.learn(100.0, 140.0);
        assert!((calibration.factor() - 1.3).abs() < 1e-9);
        let told = calibration.told();
        assert!(told.contains("times 1.30, by 2 earlier answers"));
        calibration.learn(1.0, 5_000.0);
        assert!(
            (calibration.factor() - 2.5).abs() < 1e-9,
            "held within reason"
        );
    }
}

//! Estimates how many tokens an answer has while there is no count from the provider.
//!
//! In: a growing answer, and the token counts of earlier answers of its model. Out: a number that is shown with “≈”,
//! and never stored, exported or compared.

use crate::event::Answer;

/// Characters per token: the median of 86 recorded answers of ten providers was 3.8.
const CHARS_PER_TOKEN: f64 = 4.0;
/// The same for Chinese, Japanese and Korean (today's tokenizers make 0.6 to 0.8 tokens of a character).
const WIDE_CHARS_PER_TOKEN: f64 = 1.4;
/// Answers with fewer tokens than this are not used for calibration.
const MIN_TOKENS: f64 = 40.0;

/// How the estimate is made, for hover texts.
pub const BASIS: &str = "Estimated from the characters so far: 4 per token, 1.4 per token in Chinese, Japanese and Korean";

/// A text that is counted incrementally: only what was added is counted.
#[derive(Clone, Debug, Default)]
struct Counted {
    bytes: usize,
    tokens: f64,
}

impl Counted {
    fn grow(&mut self, text: &str) {
        let new = text.get(self.bytes..).unwrap_or_else(|| {
            // It is another text now.
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
    /// Counts what was added; returns the uncalibrated total.
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

/// About how many tokens a text has.
fn tokens_of(text: &str) -> f64 {
    let wide = text.chars().filter(|c| is_wide(*c)).count();
    let others = text.chars().count() - wide;
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    let (wide, others) = (wide as f64, others as f64);
    wide / WIDE_CHARS_PER_TOKEN + others / CHARS_PER_TOKEN
}

/// Whether a character is of a script in which one is about a token: Han, kana, Hangul and their punctuation.
fn is_wide(c: char) -> bool {
    matches!(c, '\u{1100}'..='\u{11ff}' | '\u{2e80}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}'
        | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ffef}' | '\u{20000}'..='\u{3ffff}')
}

/// Token counts of earlier answers of a model, compared with their estimates.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Calibration {
    estimated: f64,
    counted: f64,
    answers: u32,
}

impl Calibration {
    /// Adds an answer that its provider has counted.
    pub fn learn(&mut self, estimated: f64, counted: f64) {
        if counted >= MIN_TOKENS && estimated > 0.0 {
            self.estimated += estimated;
            self.counted += counted;
            self.answers += 1;
        }
    }

    /// The factor for estimates.
    pub fn factor(&self) -> f64 {
        if self.answers == 0 {
            return 1.0;
        }
        // A larger deviation does not come from the tokenizer, but from text that was counted and not sent.
        (self.counted / self.estimated).clamp(0.4, 2.5)
    }

    /// Explains in words how an estimate was made.
    pub fn explanation(&self) -> String {
        let answers = match self.answers {
            0 => return format!("{BASIS}. The provider’s count will replace it"),
            1 => "an earlier answer".to_owned(),
            count => format!("{count} earlier answers"),
        };
        format!(
            "{BASIS}; times {:.2}, from {answers} of this model. The provider’s count will replace it",
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
        let explanation = calibration.explanation();
        assert!(explanation.contains("times 1.30, from 2 earlier answers"));
        calibration.learn(1.0, 5_000.0);
        assert!(
            (calibration.factor() - 2.5).abs() < 1e-9,
            "held within reason"
        );
    }
}

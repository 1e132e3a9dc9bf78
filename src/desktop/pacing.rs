//! When the history is asked again: if the question has changed or runs have ended, but not too often.

use egui::Ui;

/// How often the history is asked the same question again at most, in seconds.
const AGAIN_SECS: f64 = 1.0;
/// The same for another question, as while a plot is moved or zoomed, in seconds.
const CHANGED_SECS: f64 = 0.15;

/// What the history was asked last, and when.
#[derive(Debug)]
pub struct Pacing<Q> {
    asked: Option<LastQuestion<Q>>,
}

#[derive(Debug)]
struct LastQuestion<Q> {
    question: Q,
    /// How many runs had ended by then.
    finished: u64,
    /// When, by egui's clock.
    at: f64,
}

impl<Q> Default for Pacing<Q> {
    fn default() -> Self {
        Self { asked: None }
    }
}

impl<Q: PartialEq> Pacing<Q> {
    /// Whether to ask this now that so many runs have ended. If it is too soon, another frame is requested for then.
    #[must_use]
    pub fn is_due(&self, ui: &Ui, question: &Q, finished: u64) -> bool {
        let now = ui.input(|input| input.time);
        let wait = self.wait(question, finished, now);
        if let Some(wait) = wait.filter(|wait| *wait > 0.0) {
            #[expect(clippy::cast_possible_truncation, reason = "a second at most")]
            ui.ctx().request_repaint_after_secs(wait as f32);
            return false;
        }
        wait.is_some()
    }

    /// How long to wait before this is asked, in seconds; `None` if it was asked already.
    fn wait(&self, question: &Q, finished: u64, now: f64) -> Option<f64> {
        let Some(asked) = &self.asked else {
            return Some(0.0);
        };
        let pause = match (asked.question == *question, asked.finished == finished) {
            (true, true) => return None,
            (true, false) => AGAIN_SECS,
            (false, _) => CHANGED_SECS,
        };
        Some((asked.at + pause - now).max(0.0))
    }

    /// Notes what is asked now.
    pub fn note(&mut self, ui: &Ui, question: Q, finished: u64) {
        let at = ui.input(|input| input.time);
        self.asked = Some(LastQuestion {
            question,
            finished,
            at,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_question_waits_less_than_the_same_one() {
        let asked = Some(LastQuestion {
            question: "week",
            finished: 3,
            at: 10.0,
        });
        let pacing = Pacing { asked };
        assert_eq!(Pacing::default().wait(&"week", 3, 10.0), Some(0.0));
        assert_eq!(pacing.wait(&"week", 3, 99.0), None, "it was asked");
        assert_eq!(pacing.wait(&"week", 4, 10.25), Some(0.75));
        assert_eq!(pacing.wait(&"day", 4, 10.25), Some(0.0));
        assert_eq!(pacing.wait(&"week", 4, 11.5), Some(0.0));
        assert!(pacing.wait(&"day", 3, 10.05).is_some_and(|wait| wait > 0.0));
    }
}

//! A question to the history whose answer follows what is shown: it is asked again when that changes or runs end, but
//! not too often.

use egui::Ui;

use super::query::{AGAIN_SECS, MOVED_SECS};
use crate::engine::{Asked, Reply, ask};

/// The last answer to a question, and what was asked for.
#[derive(Debug)]
pub struct Polled<W, T> {
    /// What was asked for, and how many runs had ended then.
    asked: Option<(W, u64)>,
    /// When that was, by egui's clock.
    asked_at: f64,
    answer: Asked<Result<T, String>>,
    /// The last answer, and what it answers.
    found: Option<(W, T)>,
    /// Why there is no answer.
    pub problem: Option<String>,
}

impl<W, T> Default for Polled<W, T> {
    fn default() -> Self {
        Self {
            asked: None,
            asked_at: 0.0,
            answer: Asked::default(),
            found: None,
            problem: None,
        }
    }
}

impl<W: Clone + PartialEq, T> Polled<W, T> {
    /// Takes the answer, if it has come.
    pub fn take_in(&mut self) {
        match self.answer.take() {
            None => {}
            Some(Ok(found)) => {
                let asked = self.asked.as_ref().map(|(wanted, _)| wanted.clone());
                (self.found, self.problem) = (asked.map(|wanted| (wanted, found)), None);
            }
            Some(Err(problem)) => self.problem = Some(problem),
        }
    }

    /// Where the answer is to be sent, if it is time to ask: what is wanted, or how many runs have ended, is another
    /// than before, and the last question was answered and is not too recent.
    pub fn due(&mut self, ui: &Ui, wanted: W, finished: u64) -> Option<Reply<Result<T, String>>> {
        let wanted = (wanted, finished);
        if self.answer.is_waiting() || self.asked.as_ref() == Some(&wanted) {
            return None;
        }
        let pause = match &self.asked {
            None => 0.0,
            Some((asked, _)) if *asked == wanted.0 => AGAIN_SECS,
            Some(_) => MOVED_SECS,
        };
        let now = ui.input(|input| input.time);
        let left = self.asked_at + pause - now;
        if self.asked.is_some() && left > 0.0 {
            #[expect(clippy::cast_possible_truncation, reason = "a second at most")]
            ui.ctx().request_repaint_after_secs(left as f32);
            return None;
        }
        let (reply, answer) = ask();
        (self.asked, self.asked_at, self.answer) = (Some(wanted), now, answer);
        Some(reply)
    }

    /// The last answer, if what it answers still fits; `None` until there is one.
    pub fn found_if(&self, fits: impl Fn(&W) -> bool) -> Option<&T> {
        let found = self.found.as_ref().filter(|(wanted, _)| fits(wanted));
        found.map(|(_, found)| found)
    }
}

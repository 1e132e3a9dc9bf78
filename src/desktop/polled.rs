//! A question whose answer follows what is shown: it is asked again when that changes or runs end, but
//! not too often.

use egui::Ui;

use super::pacing::Pacing;
use crate::engine::{Asked, Reply, ask};

/// The last answer to a question, and what was asked for.
#[derive(Debug)]
pub struct Polled<W, T> {
    pacing: Pacing<W>,
    answer: Asked<Result<T, String>>,
    /// What is asked for.
    wanted: Option<W>,
    /// The last answer, and what it answers.
    found: Option<(W, T)>,
    /// Why there is no answer.
    pub problem: Option<String>,
}

impl<W, T> Default for Polled<W, T> {
    fn default() -> Self {
        Self {
            pacing: Pacing::default(),
            answer: Asked::default(),
            wanted: None,
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
                let wanted = self.wanted.clone();
                (self.found, self.problem) = (wanted.map(|wanted| (wanted, found)), None);
            }
            Some(Err(problem)) => self.problem = Some(problem),
        }
    }

    /// Where the answer is to be sent, if it is time to ask: what is wanted, or how many runs have ended, is another
    /// than before, and the last question was answered and is not too recent.
    pub fn due(&mut self, ui: &Ui, wanted: W, finished: u64) -> Option<Reply<Result<T, String>>> {
        if self.answer.is_waiting() || !self.pacing.is_due(ui, &wanted, finished) {
            return None;
        }
        self.pacing.note(ui, wanted.clone(), finished);
        self.wanted = Some(wanted);
        let (reply, answer) = ask();
        self.answer = answer;
        Some(reply)
    }

    /// The last answer, if what it answers still fits; `None` until there is one.
    pub fn found_if(&self, fits: impl Fn(&W) -> bool) -> Option<&T> {
        let found = self.found.as_ref().filter(|(wanted, _)| fits(wanted));
        found.map(|(_, found)| found)
    }
}

//! Connections that were lost during runs: reset, or half open. Seen at this machine's socket, so between it and the
//! nearest TCP endpoint, never behind that.

use crate::{run::Run, transport::ConnectionLoss};

/// How many failed runs lost their connection, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LostConnections {
    /// Reset (RST).
    pub reset: usize,
    /// Half open: the other side acknowledged nothing any more.
    pub half_open: usize,
}

impl LostConnections {
    /// Counts so many.
    pub fn add(&mut self, loss: ConnectionLoss, runs: usize) {
        match loss {
            ConnectionLoss::Reset => self.reset += runs,
            ConnectionLoss::HalfOpen => self.half_open += runs,
        }
    }

    /// How many of both.
    #[must_use]
    pub fn all(self) -> usize {
        self.reset + self.half_open
    }

    /// The counts in words; `None` without any.
    #[must_use]
    pub fn text(self) -> Option<String> {
        let counts = [(self.reset, "reset"), (self.half_open, "half open")];
        let counts = counts.into_iter().filter(|(runs, _)| *runs > 0);
        let words: Vec<String> = counts.map(|(runs, how)| format!("{runs} {how}")).collect();
        (!words.is_empty()).then(|| words.join(", "))
    }
}

/// How a run lost its connection, if it failed with that. What the user or a sleep of the machine ended does not count.
#[must_use]
pub fn of(run: &Run) -> Option<ConnectionLoss> {
    let fault = run.answer.fault.as_ref()?;
    let link = run.stamps.link.as_ref()?;
    link.lost.filter(|_| !fault.class.is_no_failure())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_told_in_words() {
        let mut lost = LostConnections::default();
        assert_eq!((lost.text(), lost.all()), (None, 0));
        lost.add(ConnectionLoss::HalfOpen, 1);
        assert_eq!(lost.text().unwrap(), "1 half open");
        lost.add(ConnectionLoss::Reset, 12);
        assert_eq!(
            (lost.text().unwrap(), lost.all()),
            ("12 reset, 1 half open".into(), 13)
        );
    }
}

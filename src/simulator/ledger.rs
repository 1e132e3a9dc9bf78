//! Records what the simulator planned and what it really did, piece by piece: the reference for a client's figures.
//!
//! All times are nanoseconds since the request was read: the read that completed it, and the write
//! that carried a piece. A client's TTFT minus `written_first_token_ns` is therefore all that
//! happened outside the simulator: connecting, the kernel, and the client's own error.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use serde::Serialize;

/// Runs remembered.
const MAX_RUNS: usize = 16_384;
/// Pieces remembered of one run; later ones are counted only.
const MAX_PIECES: usize = 8_192;
/// Pieces remembered in all (16 bytes each); the oldest runs lose theirs first.
const MAX_PIECES_IN_ALL: usize = 2_000_000;

/// The records of the last runs.
#[derive(Debug, Default)]
pub(super) struct Ledger(Mutex<Records>);

#[derive(Debug, Default)]
struct Records {
    /// Consecutive numbers, so that a run's place is its distance from the first.
    runs: VecDeque<LedgerRun>,
    next: u64,
    pieces: usize,
    /// Runs at the front whose pieces are gone.
    bare: usize,
}

/// One run.
#[derive(Clone, Debug, Serialize)]
pub(super) struct LedgerRun {
    /// Its number, as in the header `x-sim-run` and in the answer's id.
    pub run: u64,
    /// The model.
    pub model: &'static str,
    /// The seed of its schedule.
    pub seed: u64,
    /// Whether it was streamed.
    pub stream: bool,
    /// When the first token was due.
    pub planned_first_token_ns: Option<u64>,
    /// When the write began that carried it.
    pub written_first_token_ns: Option<u64>,
    /// Pieces sent, whether remembered or not.
    pub pieces_sent: u64,
    #[serde(skip)]
    read: Instant,
    #[serde(skip)]
    pieces: Vec<LedgerPiece>,
}

/// One piece of an answer.
#[derive(Clone, Copy, Debug, Serialize)]
struct LedgerPiece {
    /// When it was due.
    planned_ns: u64,
    /// When the write began that carried it; `null` while it waits.
    written_ns: Option<std::num::NonZeroU64>,
}

/// A piece that waits for its write.
#[derive(Clone, Copy, Debug)]
pub(super) struct PendingMark {
    run: u64,
    index: Option<usize>,
    first_token: bool,
}

impl Ledger {
    fn lock(&self) -> MutexGuard<'_, Records> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a run's record; gives its number.
    pub fn open(&self, model: &'static str, seed: u64, stream: bool, read: Instant) -> u64 {
        let mut records = self.lock();
        records.next += 1;
        let run = records.next;
        records.runs.push_back(LedgerRun {
            run,
            model,
            seed,
            stream,
            planned_first_token_ns: None,
            written_first_token_ns: None,
            pieces_sent: 0,
            read,
            pieces: Vec::new(),
        });
        if records.runs.len() > MAX_RUNS {
            let gone = records.runs.pop_front();
            records.pieces -= gone.map_or(0, |r| r.pieces.len());
            records.bare = records.bare.saturating_sub(1);
        }
        run
    }

    /// Notes a piece that is about to be written.
    pub fn announce(&self, run: u64, planned: Duration, token: bool) -> PendingMark {
        let mut records = self.lock();
        let mut mark = PendingMark {
            run,
            index: None,
            first_token: false,
        };
        let Some(record) = records.record(run) else {
            return mark;
        };
        record.pieces_sent += 1;
        let planned_ns = ns(planned);
        if token && record.planned_first_token_ns.is_none() {
            record.planned_first_token_ns = Some(planned_ns);
            mark.first_token = true;
        }
        if record.pieces.len() < MAX_PIECES {
            mark.index = Some(record.pieces.len());
            record.pieces.push(LedgerPiece {
                planned_ns,
                written_ns: None,
            });
            records.pieces += 1;
            records.shed();
        }
        mark
    }

    /// Notes that a write which began at `at` carried these pieces.
    pub fn written(&self, marks: &[PendingMark], at: Instant) {
        let mut records = self.lock();
        for mark in marks {
            let Some(record) = records.record(mark.run) else {
                continue;
            };
            let offset = ns(at.saturating_duration_since(record.read));
            if mark.first_token {
                record.written_first_token_ns = Some(offset);
            }
            if let Some(piece) = mark.index.and_then(|i| record.pieces.get_mut(i)) {
                piece.written_ns = std::num::NonZeroU64::new(offset);
            }
        }
    }

    /// The runs after this number, oldest first, without their pieces.
    pub fn after(&self, run: u64) -> Vec<LedgerRun> {
        let records = self.lock();
        let newer = records.runs.iter().filter(|r| r.run > run);
        newer
            .map(|r| LedgerRun {
                pieces: Vec::new(),
                ..r.clone()
            })
            .collect()
    }

    /// Whether a run was one of this model.
    pub fn is_of(&self, run: u64, model: &str) -> bool {
        let mut records = self.lock();
        let record = records.record(run);
        record.is_some_and(|record| record.model == model)
    }

    /// One run with its pieces, as JSON.
    pub fn one(&self, run: u64) -> Option<serde_json::Value> {
        let mut records = self.lock();
        let record = records.record(run)?;
        let mut value = serde_json::to_value(&*record).ok()?;
        value["pieces"] = serde_json::to_value(&record.pieces).ok()?;
        Some(value)
    }
}

impl Records {
    fn record(&mut self, run: u64) -> Option<&mut LedgerRun> {
        let first = self.runs.front()?.run;
        let index = usize::try_from(run.checked_sub(first)?).ok()?;
        self.runs.get_mut(index)
    }

    /// Takes the pieces of the oldest runs away until few enough are left.
    fn shed(&mut self) {
        while self.pieces > MAX_PIECES_IN_ALL {
            let Some(oldest) = self.runs.get_mut(self.bare) else {
                return;
            };
            self.pieces -= std::mem::take(&mut oldest.pieces).len();
            self.bare += 1;
        }
    }
}

fn ns(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulator::pace::now;

    #[test]
    fn memory_is_bounded_and_the_newest_runs_keep_their_pieces() {
        let ledger = Ledger::default();
        let read = now();
        for _ in 0..MAX_RUNS + 10 {
            ledger.open("m", 0, true, read);
        }
        let runs = MAX_PIECES_IN_ALL / MAX_PIECES + 3;
        for _ in 0..runs {
            let run = ledger.open("m", 0, true, read);
            for _ in 0..MAX_PIECES + 5 {
                let mark = ledger.announce(run, Duration::from_millis(1), true);
                ledger.written(&[mark], read + Duration::from_millis(2));
            }
        }
        let records = ledger.lock();
        assert_eq!(records.runs.len(), MAX_RUNS);
        assert!(records.pieces <= MAX_PIECES_IN_ALL);
        let counted: usize = records.runs.iter().map(|r| r.pieces.len()).sum();
        assert_eq!(records.pieces, counted);
        let last = records.runs.back().unwrap();
        assert_eq!(last.pieces.len(), MAX_PIECES);
        assert_eq!(last.pieces_sent, MAX_PIECES as u64 + 5);
        assert_eq!(last.planned_first_token_ns, Some(1_000_000));
        assert_eq!(last.written_first_token_ns, Some(2_000_000));
    }

    #[test]
    fn a_run_that_is_forgotten_or_unknown_does_no_harm() {
        let ledger = Ledger::default();
        let mark = ledger.announce(7, Duration::ZERO, true);
        ledger.written(&[mark], now());
        assert!(ledger.one(7).is_none());
        assert!(ledger.after(0).is_empty());
    }
}

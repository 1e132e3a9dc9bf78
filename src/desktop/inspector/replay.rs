//! A run from a file, replayed: update by update, at the times at which they came, faster, or frame by frame.
//!
//! In: an [`OpenedCapture`], whose updates the decoder of its protocol made of the file's bytes. Out: a [`Run`] as far as
//! it has come, folded as a live one is. Its times are those of the file: the player's clock is in none of them.

use std::sync::Arc;

use crate::{
    capture::Speed,
    engine::OpenedCapture,
    run::{OffsetNs, Run, RunUpdate},
};

/// Most updates that one frame of the window applies.
const MAX_UPDATES: usize = 4_096;

/// A file, and how far it is replayed.
#[derive(Debug)]
pub struct FileReplay {
    /// The file.
    pub file: Arc<OpenedCapture>,
    /// The run, as far as it has come.
    pub run: Run,
    /// How many updates were applied.
    applied: usize,
    /// How many reads of them there are.
    reads: usize,
    /// How many rows were gone through: fewer than have come where several frames came in one read.
    stepped: usize,
    speed: Speed,
    /// Since when it plays: egui's clock, and the run's time then.
    playing: Option<(f64, OffsetNs)>,
}

impl FileReplay {
    /// A file whose run is shown as it was when it was over.
    #[must_use]
    pub fn new(file: Arc<OpenedCapture>) -> Self {
        let reads = file.updates.iter().filter(|(_, update)| is_read(update));
        Self {
            run: file.run.clone(),
            applied: file.updates.len(),
            reads: reads.count(),
            stepped: file.decoded.rows(),
            speed: Speed::Times(1.0),
            playing: None,
            file,
        }
    }

    /// Whether all has come.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.applied == self.file.updates.len()
    }

    /// Whether it plays.
    #[must_use]
    pub fn is_playing(&self) -> bool {
        self.playing.is_some()
    }

    /// How many rows of the capture have come.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.file.decoded.rows_after(self.reads, self.is_over())
    }

    /// The time of the run's last update so far.
    #[must_use]
    pub fn at(&self) -> OffsetNs {
        let last = self.applied.checked_sub(1);
        last.map_or(0, |last| self.file.updates[last].0)
    }

    /// How fast it plays.
    #[must_use]
    pub fn speed(&self) -> Speed {
        self.speed
    }

    /// Plays at another speed from now on.
    pub fn set_speed(&mut self, speed: Speed, now: f64) {
        if let Some(began) = self.playing {
            self.playing = Some((now, self.time(began, now)));
        }
        self.speed = speed;
    }

    /// Plays on, or from the beginning if all has come.
    pub fn play(&mut self, now: f64) {
        if self.is_over() {
            self.restart();
        }
        self.playing = Some((now, self.at()));
    }

    /// Stands still.
    pub fn pause(&mut self) {
        self.playing = None;
    }

    /// Goes to the next frame, and to what its read brought; from the beginning if all was gone through. Gives its row.
    pub fn next_frame(&mut self) -> usize {
        self.pause();
        if self.is_over() && self.stepped >= self.rows() {
            self.restart();
        }
        let row = self.stepped;
        match self.file.decoded.frame(row).map(|frame| frame.read) {
            Some(read) => while self.reads <= read && self.apply() {},
            None => while self.apply() {},
        }
        self.stepped = row + 1;
        row.min(self.rows().saturating_sub(1))
    }

    /// Applies what is due now; says after how many seconds more is.
    pub fn advance(&mut self, now: f64) -> Option<f64> {
        let began = self.playing?;
        for _ in 0..MAX_UPDATES {
            let Some((at, _)) = self.file.updates.get(self.applied) else {
                self.playing = None;
                return None;
            };
            let due = began.0 + self.speed.due(*at, began.1).as_secs_f64();
            if due > now {
                return Some(due - now);
            }
            self.apply();
            self.stepped = self.rows();
        }
        Some(0.0)
    }

    /// The run's time now, between two updates, too.
    fn time(&self, (began, from): (f64, OffsetNs), now: f64) -> OffsetNs {
        let Speed::Times(times) = self.speed else {
            return self.at();
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the time of a run"
        )]
        let passed = ((now - began).max(0.0) * times * 1e9) as OffsetNs;
        from.saturating_add(passed).max(self.at())
    }

    fn restart(&mut self) {
        self.run = Run::new(self.file.run.head.clone());
        (self.applied, self.reads, self.stepped) = (0, 0, 0);
    }

    /// Applies the next update; says whether there was one.
    fn apply(&mut self) -> bool {
        let Some((_, update)) = self.file.updates.get(self.applied) else {
            return false;
        };
        // The engine folded the same ones when it opened the file.
        if let Err(illegal) = self.run.apply(update) {
            tracing::warn!(%illegal, "an update of a replay was left aside");
        }
        self.reads += usize::from(is_read(update));
        self.applied += 1;
        true
    }
}

fn is_read(update: &RunUpdate) -> bool {
    matches!(update, RunUpdate::Read { .. })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        capture::{CapturedRead, tests as samples},
        dialect::DialectId,
        run::Stamps,
    };

    const MS: u64 = 1_000_000;

    /// Four frames: one at 100 ms, two that came together at 200 ms, the end mark at 600 ms.
    fn replay() -> FileReplay {
        let text = |text: &str| {
            format!(
                "data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n"
            )
        };
        let pieces = [
            (100, text("a")),
            (200, text("b") + &text("c")),
            (600, "data: [DONE]\n\n".to_owned()),
        ];
        let mut body = String::new();
        let mut reads = Vec::new();
        for (at, piece) in &pieces {
            body.push_str(piece);
            reads.push(CapturedRead {
                at: at * MS,
                delay: None,
                is_at_most: false,
                end: body.len(),
            });
        }
        let dialect = DialectId::OpenaiChat;
        let mut capture = samples::of(dialect, 200, "text/event-stream", body.as_bytes(), 100);
        capture.response.as_mut().unwrap().reads = reads;
        capture.run.stamps = Stamps {
            headers: Some(90 * MS),
            closed: Some(610 * MS),
            ..Stamps::default()
        };
        FileReplay::new(Arc::new(OpenedCapture::of("a".into(), capture).unwrap()))
    }

    #[test]
    fn it_is_as_it_was_when_it_is_opened_and_when_it_is_over() {
        let mut replay = replay();
        let whole = replay.run.clone();
        assert!(replay.is_over() && replay.rows() == 5 && whole.answer.text == "abc");
        replay.play(10.0);
        let wait = replay.advance(10.0).unwrap();
        assert!((wait - 0.09).abs() < 1e-6, "the head comes first: {wait}");
        assert!(!replay.is_over() && replay.run.answer.text.is_empty());
        assert_eq!(replay.advance(20.0), None);
        assert!(replay.is_over() && !replay.is_playing());
        assert_eq!(replay.run, whole);
    }

    #[test]
    fn reads_come_at_their_times_divided_by_the_speed() {
        for (speed, seconds) in [(1.0, 0.2), (4.0, 0.05), (0.1, 2.0)] {
            let mut replay = replay();
            replay.set_speed(Speed::Times(speed), 0.0);
            replay.play(5.0);
            replay.advance(5.0 + seconds - 0.001);
            assert_eq!(replay.run.answer.text, "a", "{speed}");
            replay.advance(5.0 + seconds + 0.001);
            assert_eq!(replay.run.answer.text, "abc", "{speed}");
            assert_eq!((replay.rows(), replay.at()), (3, 200 * MS), "{speed}");
        }
    }

    #[test]
    fn another_speed_holds_from_then_on() {
        let mut replay = replay();
        replay.play(0.0);
        replay.advance(0.3);
        replay.set_speed(Speed::Times(10.0), 0.3);
        let wait = replay.advance(0.3).unwrap();
        assert!((wait - 0.03).abs() < 1e-6, "{wait}");
        replay.pause();
        assert_eq!(replay.advance(9.0), None);
        replay.set_speed(Speed::Max, 9.0);
        replay.play(9.0);
        assert_eq!(replay.advance(9.0), None);
        assert!(replay.is_over());
    }

    #[test]
    fn frames_that_came_together_are_gone_through_one_by_one() {
        let mut replay = replay();
        let steps: Vec<_> = (0..6)
            .map(|_| {
                let row = replay.next_frame();
                (row, replay.rows(), replay.run.answer.text.clone())
            })
            .collect();
        let step = |row, rows, text: &str| (row, rows, text.to_owned());
        assert_eq!(
            steps,
            [
                step(0, 1, "a"),
                step(1, 3, "abc"),
                step(2, 3, "abc"),
                step(3, 4, "abc"),
                // What only the end makes known: no reason to end was told.
                step(4, 5, "abc"),
                step(0, 1, "a"),
            ]
        );
    }
}

//! The end of a command that asks: once everything is stored, or once the user gives up waiting for that.

use std::{
    process::{ExitCode, exit},
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
};

use super::note;
use crate::{
    engine::{Command, Engine, HistoryNews, Update, signals},
    run::Run,
};

/// The exit code if all answers came, but something could not be stored.
const UNSTORED: u8 = 3;

/// Shells report a program that was ended by a signal as this plus the signal's number.
const SIGNALLED: u8 = 128;

/// SIGINT, which Ctrl+C sends.
const INTERRUPT: u8 = 2;

/// The stage of the program.
#[repr(u8)]
#[derive(Clone, Copy)]
enum Stage {
    /// Answers are coming.
    Asking,
    /// The history is writing.
    Storing,
    /// The same, for so long that it was reported.
    Waiting,
}

/// The signal that came, and the stage of the program.
#[derive(Debug, Default)]
pub(super) struct CommandEnding {
    stage: AtomicU8,
    /// The first signal that came; 0 if none did.
    signal: AtomicU8,
}

impl CommandEnding {
    /// The first signal sends the engine what `stop` gives. The next one ends the program at once, and so does the first
    /// while the program waits for the history.
    pub(super) fn on_signals(
        engine: &Engine,
        stop: impl Fn() -> Command + Send + 'static,
    ) -> Arc<Self> {
        let ending = Arc::new(Self::default());
        let (on_signal, commands) = (Arc::clone(&ending), engine.sender());
        signals::listen(move |signal| {
            let first = on_signal.signal.swap(signal, Ordering::Relaxed) == 0;
            match on_signal.stage.load(Ordering::Relaxed) {
                stage if stage == Stage::Waiting as u8 => {
                    note("given up: some of it is not in the history");
                    exit(UNSTORED.into());
                }
                _ if !first => exit((SIGNALLED + signal).into()),
                stage if stage == Stage::Asking as u8 => {
                    // An engine that has ended has nothing to stop.
                    let _ = commands.send(stop());
                }
                _ => {}
            }
        });
        ending
    }

    /// Ends the engine and waits until everything is stored. `false` if something could not be.
    pub(super) fn store(&self, engine: &Engine) -> bool {
        self.enter(Stage::Storing);
        engine.send(Command::Stop);
        let mut stored = true;
        while let Some(update) = engine.next() {
            let Update::History(news) = update else {
                continue;
            };
            match news {
                HistoryNews::Storing(why) => {
                    self.enter(Stage::Waiting);
                    note(&format!("waiting for the history (Ctrl+C gives up): {why}"));
                }
                HistoryNews::Unstored(unstored) => {
                    stored = false;
                    note(&unstored.to_string());
                }
                HistoryNews::Storage(_) | HistoryNews::Elsewhere(_) => {}
            }
        }
        stored
    }

    /// The exit code of a program that this signal ended, if one came.
    pub(super) fn signalled(&self) -> Option<ExitCode> {
        let signal = self.signal.load(Ordering::Relaxed);
        (signal > 0).then(|| ExitCode::from(SIGNALLED + signal))
    }

    fn enter(&self, stage: Stage) {
        self.stage.store(stage as u8, Ordering::Relaxed);
    }

    /// The exit code: cancelled runs take precedence over failed ones, and these over a failure to store.
    pub(super) fn code<'a>(
        &self,
        mut runs: impl Iterator<Item = &'a Run> + Clone,
        all_over: bool,
        stored: bool,
    ) -> ExitCode {
        let signal = self.signal.load(Ordering::Relaxed);
        if runs.clone().any(Run::is_cancelled) {
            let signal = if signal == 0 { INTERRUPT } else { signal };
            ExitCode::from(SIGNALLED + signal)
        } else if !all_over || runs.any(|run| run.answer.fault.is_some()) {
            ExitCode::FAILURE
        } else if stored {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(UNSTORED)
        }
    }
}

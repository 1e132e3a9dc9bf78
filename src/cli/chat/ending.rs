//! The end of `chat`: when everything is stored, or when the user does not want to wait for that.

use std::{
    process::{ExitCode, exit},
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
};

use crate::{
    cli::note,
    engine::{Command, Engine, HistoryNews, RunCommand, Update, signals},
    run::{Run, RunId},
};

/// The exit code where all answers came and something could not be stored.
const UNSTORED: u8 = 3;

/// A shell's code for a program that a signal ended is this and the signal's number.
const SIGNALLED: u8 = 128;

/// SIGINT, which is what Ctrl+C sends.
const INTERRUPT: u8 = 2;

/// Where the program stands.
#[repr(u8)]
#[derive(Clone, Copy)]
enum Stage {
    /// Answers come.
    Asking,
    /// The history writes.
    Storing,
    /// That takes so long that it was told.
    Waiting,
}

/// What was asked from outside, and where the program stands.
#[derive(Debug, Default)]
pub(super) struct ChatEnding {
    stage: AtomicU8,
    /// The first signal that came; 0 if none did.
    signal: AtomicU8,
}

impl ChatEnding {
    /// A signal stops the runs and keeps what they said. The next one ends the program at once, as does the
    /// first while it waits for the history.
    pub(super) fn on_signals(engine: &Engine, runs: Vec<RunId>) -> Arc<Self> {
        let ending = Arc::new(Self::default());
        let (heard, commands) = (Arc::clone(&ending), engine.sender());
        signals::listen(move |signal| {
            let first = heard.signal.swap(signal, Ordering::Relaxed) == 0;
            match heard.stage.load(Ordering::Relaxed) {
                stage if stage == Stage::Waiting as u8 => {
                    note("given up: what waited to be stored is not in the history");
                    exit(UNSTORED.into());
                }
                _ if !first => exit((SIGNALLED + signal).into()),
                stage if stage == Stage::Asking as u8 => {
                    // An engine that has ended has nothing left to stop.
                    let _ = commands.send(Command::Run(RunCommand::Cancel(runs.clone())));
                }
                _ => {}
            }
        });
        ending
    }

    /// Ends the engine, waits until all is stored, and says whether it is.
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

    fn enter(&self, stage: Stage) {
        self.stage.store(stage as u8, Ordering::Relaxed);
    }

    /// How it went: what was stopped comes before what failed, and that before what is not stored.
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

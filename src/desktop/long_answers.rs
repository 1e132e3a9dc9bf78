//! Long answers: a notification of the desktop says that they have come while another window is in use.
//!
//! In: the runs that end, and whether the window has the focus. Out: [`Command::Notify`], once for all answers that were
//! under way together.

use super::{state::State, widgets::ms_text};
use crate::{
    engine::{Asked, Command, ask},
    run::{Origin, Run, ms},
    visible::visible_line,
};

/// The answers of the playground that have ended while others were still under way.
#[derive(Debug, Default)]
pub struct LongAnswers {
    ended: Vec<EndedAnswer>,
    /// Whether the desktop shows the latest notification.
    shown: Asked<Result<(), String>>,
}

/// What is told of an answer.
#[derive(Debug)]
struct EndedAnswer {
    took_ms: f64,
    has_failed: bool,
    /// Its target, its time and how it ended.
    line: String,
}

impl LongAnswers {
    /// Takes a run that is over. Runs that the user stopped, and those of other views, are passed over.
    pub fn note(&mut self, run: &Run) {
        let is_stopped = (run.answer.fault.as_ref()).is_some_and(|f| f.class.is_no_failure());
        if run.head.origin == Origin::Playground && !is_stopped {
            self.ended.push(EndedAnswer::of(run));
        }
    }

    /// What to tell the desktop now, if anything: all answers have ended, one of them took at least as many seconds as the
    /// settings say, and the window does not have the focus.
    pub fn follow(&mut self, state: &State, has_focus: bool) -> Option<Command> {
        let least_s = state.settings.appearance.notify_after_s;
        if self.ended.is_empty() || is_answering(state) {
            return None;
        }
        let ended = std::mem::take(&mut self.ended);
        let is_long = |answer: &EndedAnswer| answer.took_ms >= f64::from(least_s) * 1e3;
        if least_s == 0 || has_focus || !ended.iter().any(is_long) {
            return None;
        }
        let lines: Vec<&str> = ended.iter().map(|answer| answer.line.as_str()).collect();
        let (reply, shown) = ask();
        self.shown = shown;
        Some(Command::Notify {
            title: title_of(&ended),
            text: lines.join("\n"),
            reply,
        })
    }

    /// Why the latest notification was not shown; told once.
    pub fn problem(&mut self) -> Option<String> {
        let why = self.shown.take()?.err()?;
        Some(format!("The desktop shows no notification: {why}"))
    }
}

/// Whether this process still waits for an answer of the playground.
fn is_answering(state: &State) -> bool {
    state.runs.values().any(|run| {
        let is_live = !run.state.is_over() && !state.is_live_elsewhere(run.head.id);
        is_live && run.head.origin == Origin::Playground
    })
}

impl EndedAnswer {
    fn of(run: &Run) -> Self {
        let took_ms = run.stamps.closed.map_or(0.0, ms);
        let took = ms_text(took_ms);
        let target = run.head.target.to_string();
        let mut line = match &run.answer.fault {
            None => format!("{}: {took}", visible_line(&target)),
            Some(fault) => {
                let target = visible_line(&target);
                format!("{target}: failed after {took} ({})", fault.class)
            }
        };
        if run.head.simulated {
            line.push_str(", simulated");
        }
        Self {
            took_ms,
            has_failed: run.answer.fault.is_some(),
            line,
        }
    }
}

fn title_of(ended: &[EndedAnswer]) -> String {
    match ended {
        [answer] if answer.has_failed => "Tokenscope: the answer failed".to_owned(),
        [_] => "Tokenscope: the answer has come".to_owned(),
        several => format!("Tokenscope: {} answers have ended", several.len()),
    }
}

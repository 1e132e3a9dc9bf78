//! A conversation of another program, put together from its messages in order.

use super::left_out::LeftOut;
use crate::{
    chat::Part,
    conversation::{
        archive::{ArchivedAnswer, ArchivedConversation, ArchivedPane, ArchivedRun, ArchivedTurn},
        title_of,
    },
    dialect::DialectId,
    endpoint::TargetId,
};

/// The program that exported a conversation.
#[derive(Debug)]
pub(super) struct Source {
    /// Its name.
    pub(super) name: &'static str,
    /// The endpoint that its answers are shown under.
    pub(super) endpoint: &'static str,
    /// The model where an answer names none.
    pub(super) model: &'static str,
    /// The protocol of its vendor.
    pub(super) dialect: DialectId,
}

/// An answer, or a piece of one.
#[derive(Debug, Default)]
pub(super) struct ThreadAnswer {
    pub(super) model: Option<String>,
    /// When it was given, in nanoseconds since 1970; 0 if that is not known.
    pub(super) at_unix_ns: i64,
    pub(super) reasoning: String,
    pub(super) text: String,
}

#[derive(Debug)]
struct ThreadTurn {
    user: Vec<Part>,
    answers: Vec<ThreadAnswer>,
    shown: usize,
}

/// The messages so far.
#[derive(Debug)]
pub(super) struct Thread {
    source: &'static Source,
    system: String,
    turns: Vec<ThreadTurn>,
}

impl Thread {
    pub(super) fn new(source: &'static Source) -> Self {
        Self {
            source,
            system: String::new(),
            turns: Vec::new(),
        }
    }

    /// Adds to the system prompt.
    pub(super) fn system(&mut self, text: &str) {
        join(&mut self.system, text);
    }

    /// Adds a question.
    pub(super) fn ask(&mut self, user: Vec<Part>) {
        if !user.is_empty() {
            self.turns.push(ThreadTurn {
                user,
                answers: Vec::new(),
                shown: 0,
            });
        }
    }

    /// Adds a piece to the answer to the last question: programs cut an answer where a tool was called.
    pub(super) fn answer(&mut self, piece: ThreadAnswer, left_out: &mut LeftOut) {
        match self.turns.last_mut() {
            Some(turn) => match turn.answers.last_mut() {
                Some(answer) => {
                    join(&mut answer.reasoning, &piece.reasoning);
                    join(&mut answer.text, &piece.text);
                    answer.model = piece.model.or(answer.model.take());
                }
                None => turn.answers.push(piece),
            },
            None => left_out.add(UNASKED, 1),
        }
    }

    /// Adds a further answer to the last question.
    pub(super) fn another_answer(
        &mut self,
        answer: ThreadAnswer,
        is_shown: bool,
        left_out: &mut LeftOut,
    ) {
        match self.turns.last_mut() {
            Some(turn) => {
                if is_shown {
                    turn.shown = turn.answers.len();
                }
                turn.answers.push(answer);
            }
            None => left_out.add(UNASKED, 1),
        }
    }

    /// The conversation; `None` if nothing was asked in it.
    pub(super) fn finish(self, title: &str, updated_unix_ns: i64) -> Option<ArchivedConversation> {
        let first = self.turns.first()?;
        let title = match title.trim() {
            "" => title_of(&first.user),
            title => title.to_owned(),
        };
        let source = self.source;
        let turns = self.turns.into_iter();
        let pane = ArchivedPane {
            system: self.system,
            turns: turns.map(|turn| archived(turn, source)).collect(),
            ..ArchivedPane::default()
        };
        Some(ArchivedConversation {
            title,
            updated_unix_ns,
            panes: vec![pane],
        })
    }
}

const UNASKED: &str = "answers without a question";

fn archived(turn: ThreadTurn, source: &Source) -> ArchivedTurn {
    let answers = turn.answers.into_iter();
    ArchivedTurn {
        user: turn.user,
        answers: answers.map(|answer| archived_run(answer, source)).collect(),
        shown: turn.shown,
        ..ArchivedTurn::default()
    }
}

fn archived_run(answer: ThreadAnswer, source: &Source) -> ArchivedRun {
    ArchivedRun {
        target: TargetId {
            endpoint: source.endpoint.to_owned(),
            model: (answer.model).unwrap_or_else(|| source.model.to_owned()),
        },
        dialect: source.dialect,
        route: String::new(),
        simulated: false,
        attempt: 1,
        started_unix_ns: answer.at_unix_ns,
        asked: None,
        answer: ArchivedAnswer::of_text(answer.reasoning, answer.text),
        measured: None,
    }
}

/// Adds a text to another, in a paragraph of its own.
pub(super) fn join(to: &mut String, text: &str) {
    if text.trim().is_empty() {
        return;
    }
    if !to.is_empty() {
        to.push_str("\n\n");
    }
    to.push_str(text);
}

/// Seconds since 1970 as nanoseconds, to the microsecond, which is as exact as they are; 0 for what is no such time.
#[expect(clippy::cast_possible_truncation, reason = "it saturates")]
pub(super) fn unix_ns(seconds: Option<f64>) -> i64 {
    let us = (seconds.unwrap_or_default() * 1e6).round();
    if us.is_finite() {
        (us as i64).saturating_mul(1_000)
    } else {
        0
    }
}

/// A time as RFC 3339 has it, in nanoseconds since 1970; 0 for what is no such time.
pub(super) fn time_ns(text: &str) -> i64 {
    let time = text.parse::<jiff::Timestamp>();
    let ns = time.map(jiff::Timestamp::as_nanosecond).unwrap_or_default();
    i64::try_from(ns).unwrap_or_default()
}

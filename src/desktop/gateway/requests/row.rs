//! A row of the table: a request under way, or one that is over.

use crate::{
    desktop::widgets::{Outcome, time_of_day},
    event::FaultClass,
    gateway::{FinishedRequest, LiveRequest},
    run::{RunId, RunState},
    visible::visible_line,
};

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub(super) enum RequestRow<'a> {
    Live(&'a LiveRequest),
    Over(&'a FinishedRequest),
}

impl<'a> RequestRow<'a> {
    pub(super) fn number(self) -> u64 {
        match self {
            Self::Live(live) => live.number,
            Self::Over(over) => over.number,
        }
    }

    pub(super) fn over(self) -> Option<&'a FinishedRequest> {
        match self {
            Self::Live(_) => None,
            Self::Over(over) => Some(over),
        }
    }

    pub(super) fn at_unix_ns(self) -> i64 {
        match self {
            Self::Live(live) => live.at_unix_ns,
            Self::Over(over) => over.at_unix_ns,
        }
    }

    pub(super) fn run(self) -> Option<RunId> {
        match self {
            Self::Live(live) => live.run,
            Self::Over(over) => over.run,
        }
    }

    pub(super) fn key(self) -> &'a str {
        match self {
            Self::Live(live) => &live.key,
            Self::Over(over) => &over.record.key,
        }
    }

    pub(super) fn attempts(self) -> u32 {
        match self {
            Self::Live(live) => live.attempts,
            Self::Over(over) => over.record.attempts,
        }
    }

    pub(super) fn outcome(self) -> Outcome {
        match self {
            Self::Live(live) if live.is_answering => Outcome::of(RunState::Streaming, None),
            Self::Live(_) => Outcome::of(RunState::Waiting, None),
            Self::Over(over) if over.record.outcome == "ok" => Outcome::of(RunState::Ok, None),
            Self::Over(over) => {
                Outcome::of(RunState::Fault, FaultClass::parse(&over.record.outcome))
            }
        }
    }

    /// The model that was asked for, and the target; the path of a request that asks for no model.
    pub(super) fn model_and_target(self) -> String {
        let (model, target) = match self {
            Self::Live(live) => {
                let target = live.target.as_ref().map(ToString::to_string);
                (live.model.as_str(), target.unwrap_or_default())
            }
            Self::Over(over) => (over.record.model.as_str(), over.record.target.clone()),
        };
        let path = || match self {
            Self::Live(_) => String::new(),
            Self::Over(over) => over.record.request.clone(),
        };
        match (model, target.as_str()) {
            ("", "") => path(),
            ("", target) => format!("{} → {target}", path()),
            (model, "") => model.to_owned(),
            (model, target) if model == target => model.to_owned(),
            (model, target) => format!("{model} → {target}"),
        }
    }

    pub(super) fn name(self) -> String {
        let what = visible_line(&self.model_and_target()).into_owned();
        let word = self.outcome().word.replace('_', " ");
        format!(
            "Request of {what} at {}, {word}",
            time_of_day(self.at_unix_ns())
        )
    }
}

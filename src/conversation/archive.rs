//! A conversation as it stands in a file of ours: whole, with its answers and their measurements, and without the keys
//! of any history.
//!
//! In: a [`Conversation`] and its runs. Out: an [`ArchivedConversation`], whose JSON is the format of
//! [`VERSION`]; and back, under new keys. Drafts, addresses and URLs are not in it, and what a user wrote under the
//! [name of a secret](crate::visible::is_secret_name) in a raw body or an extra parameter is masked.

mod answer;
mod restore;
mod secrets;

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::{answer::ArchivedAnswer, secrets::without_secrets};
use super::{Conversation, Pane, Turn};
use crate::{
    chat::{ChatRequest, Params, Part, Tool},
    dialect::DialectId,
    endpoint::TargetId,
    event::{Fault, FaultClass, Phase},
    run::{ConnectionKind, Reads, Run, RunId, Stamps},
};

/// The version of the format. A change that older programs would misread needs a new one.
pub const VERSION: u32 = 1;

/// A conversation in a file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ArchivedConversation {
    /// Its name; may be empty.
    pub title: String,
    /// When it last changed, in nanoseconds since 1970.
    pub updated_unix_ns: i64,
    /// At most [`MAX_PANES`](super::MAX_PANES).
    pub panes: Vec<ArchivedPane>,
}

/// A pane in a file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ArchivedPane {
    /// Its endpoint and model, if they are chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<TargetId>,
    /// The system prompt.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub system: String,
    /// Request settings.
    pub params: Params,
    /// Tools offered to the model.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<Tool>,
    /// Whether each request opens a new connection.
    pub cold: bool,
    /// The turns, oldest first.
    pub turns: Vec<ArchivedTurn>,
}

/// A question and its answers in a file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ArchivedTurn {
    /// What was asked.
    pub user: Vec<Part>,
    /// The JSON body that the user wrote for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw_body: Option<Value>,
    /// The answers, oldest first; a retry adds one.
    pub answers: Vec<ArchivedRun>,
    /// Index into `answers` of the one shown.
    pub shown: usize,
}

/// A run in a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ArchivedRun {
    /// Where it went.
    pub target: TargetId,
    /// In which protocol.
    pub dialect: DialectId,
    /// The endpoint's label for how it is reached; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub route: String,
    /// Whether the built-in simulator answered.
    #[serde(default)]
    pub simulated: bool,
    /// The number of the attempt, counted from 1.
    #[serde(default = "first")]
    pub attempt: u32,
    /// When it started, in nanoseconds since 1970.
    #[serde(default)]
    pub started_unix_ns: i64,
    /// How it was asked, where that differs from its pane.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<Box<ArchivedSettings>>,
    /// What it said.
    pub answer: ArchivedAnswer,
    /// What was measured of it; none of an answer that another program exported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured: Option<Box<ArchivedMeasurement>>,
}

fn first() -> u32 {
    1
}

/// What a run was asked with beside its question.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ArchivedSettings {
    /// The system prompt.
    pub system: String,
    /// Request settings.
    pub params: Params,
    /// Tools offered to the model.
    pub tools: Vec<Tool>,
}

/// What was measured of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ArchivedMeasurement {
    /// Cold or warm.
    pub connection: Option<ConnectionKind>,
    /// HTTP status.
    pub status: Option<u16>,
    /// HTTP version of the response.
    pub http_version: Option<String>,
    /// Raw stamps, without the connection's addresses.
    pub stamps: Stamps,
    /// The reads of the body.
    pub reads: Reads,
}

impl ArchivedConversation {
    /// A conversation with those of its answers that are in `runs`.
    #[must_use]
    pub fn of(conversation: &Conversation, runs: &HashMap<RunId, Run>) -> Self {
        let panes = conversation.panes.iter();
        Self {
            title: conversation.title.clone(),
            updated_unix_ns: conversation.updated_unix_ns,
            panes: panes.map(|pane| ArchivedPane::of(pane, runs)).collect(),
        }
    }
}

impl ArchivedPane {
    fn of(pane: &Pane, runs: &HashMap<RunId, Run>) -> Self {
        let mut archived = Self {
            target: pane.target.clone(),
            system: pane.system.clone(),
            params: without_secrets(pane.params.clone()),
            tools: pane.tools.clone(),
            cold: pane.cold,
            turns: Vec::new(),
        };
        let turns = pane.turns.iter();
        archived.turns = turns
            .map(|turn| ArchivedTurn::of(turn, &archived, runs))
            .collect();
        archived
    }

    /// Whether a run was asked with the pane's settings of now.
    fn asks_as(&self, asked: &ArchivedSettings) -> bool {
        (&asked.system, &asked.params, &asked.tools) == (&self.system, &self.params, &self.tools)
    }
}

impl ArchivedTurn {
    fn of(turn: &Turn, pane: &ArchivedPane, runs: &HashMap<RunId, Run>) -> Self {
        let known = turn.runs.iter().filter_map(|id| runs.get(id));
        let answers: Vec<ArchivedRun> = known.map(|run| ArchivedRun::of(run, pane)).collect();
        let shown = turn.run();
        let kept = turn.runs.iter().filter(|id| runs.contains_key(id));
        let shown = kept.into_iter().position(|id| Some(*id) == shown);
        Self {
            user: turn.user.clone(),
            raw_body: turn.raw_body.clone().map(secrets::masked),
            shown: shown.unwrap_or(answers.len().saturating_sub(1)),
            answers,
        }
    }
}

impl ArchivedRun {
    fn of(run: &Run, pane: &ArchivedPane) -> Self {
        let head = &run.head;
        let asked = ArchivedSettings::of(&head.request);
        // A raw body has everything in it.
        let differs = head.request.raw_body.is_none() && !pane.asks_as(&asked);
        let mut answer = ArchivedAnswer::of(&run.answer, head.dialect);
        if !run.state.is_over() {
            let why = "the answer was not complete when the conversation was exported";
            let fault = Fault::new(FaultClass::Interrupted, Phase::Stream, why);
            answer.fault.get_or_insert(fault);
        }
        Self {
            target: head.target.clone(),
            dialect: head.dialect,
            route: head.route.clone(),
            simulated: head.simulated,
            attempt: head.attempt,
            started_unix_ns: run.stamps.started_unix_ns,
            asked: differs.then(|| Box::new(asked)),
            answer,
            measured: ArchivedMeasurement::of(run).map(Box::new),
        }
    }
}

impl ArchivedSettings {
    fn of(request: &ChatRequest) -> Self {
        Self {
            system: request.system.clone().unwrap_or_default(),
            params: without_secrets(request.params.clone()),
            tools: request.tools.clone(),
        }
    }
}

impl ArchivedMeasurement {
    /// `None` if nothing was measured.
    fn of(run: &Run) -> Option<Self> {
        let found = Self {
            connection: run.connection,
            status: run.status,
            http_version: run.http_version.clone(),
            stamps: Stamps {
                started_unix_ns: 0,
                link: None,
                ..run.stamps.clone()
            },
            reads: run.reads.clone(),
        };
        (found != Self::default()).then_some(found)
    }
}

#[cfg(test)]
mod tests;

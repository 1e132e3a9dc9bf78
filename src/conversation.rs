//! A playground session: panes side by side, their turns, and the unsent draft.
//!
//! Answers are not kept here but in the history, under their [`RunId`]s, so that a fork or an edit
//! copies a few ids, not the texts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    chat::{Media, Params, Part, Tool},
    endpoint::TargetId,
    run::RunId,
};

/// A conversation's key: made by the client, ordered by time.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
pub struct ConversationId(pub i64);

/// A playground session.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Conversation {
    /// Its key.
    pub id: ConversationId,
    /// Its name; made from the first prompt until the user gives one.
    pub title: String,
    /// 1 to 8 panes.
    pub panes: Vec<Pane>,
    /// What is written in the composer and not yet sent.
    pub draft: Draft,
    /// When it last changed, in nanoseconds since 1970.
    pub updated_unix_ns: i64,
}

/// Unsent text and images.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Draft {
    /// The text.
    pub text: String,
    /// Attached images.
    pub images: Vec<Media>,
}

/// One column of a playground: a target, its settings and its turns.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Pane {
    /// Unique within the conversation, never reused.
    pub id: u32,
    /// Where it asks; `None` until chosen.
    pub target: Option<TargetId>,
    /// The system prompt.
    pub system: String,
    /// Request settings.
    pub params: Params,
    /// Tools offered to the model.
    pub tools: Vec<Tool>,
    /// The turns, oldest first.
    pub turns: Vec<Turn>,
}

/// A question and the runs that tried to answer it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Turn {
    /// What was asked.
    pub user: Vec<Part>,
    /// The JSON body that was written by hand for it, as [`ChatRequest::raw_body`](crate::chat::ChatRequest).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw_body: Option<Value>,
    /// The runs, oldest first; a retry adds one.
    pub runs: Vec<RunId>,
    /// Index into `runs` of the one shown and continued from.
    pub shown: usize,
    /// What is typed as the results of a run's calls, in their order; kept, as a draft is, until the turn goes.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub results: BTreeMap<RunId, Vec<String>>,
}

impl Turn {
    /// The run that is shown.
    #[must_use]
    pub fn run(&self) -> Option<RunId> {
        self.runs.get(self.shown).or(self.runs.last()).copied()
    }
}

/// One line of the list of conversations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConversationSummary {
    /// Its key.
    pub id: ConversationId,
    /// Its name.
    pub title: String,
    /// When it last changed, in nanoseconds since 1970.
    pub updated_unix_ns: i64,
    /// Number of panes.
    pub panes: usize,
}

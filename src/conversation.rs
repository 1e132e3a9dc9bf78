//! A playground session: its panes, their turns, and the unsent draft.
//!
//! Answers are in the history, under their [`RunId`]s, so that a fork or an edit copies a few ids instead of texts.
//! Several windows may change one conversation: see [`merge`].

pub mod archive;
pub mod find;
pub mod merge;

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    chat::{Media, Message, Params, Part, Tool},
    endpoint::TargetId,
    run::RunId,
};

/// A conversation's key: made by the client, ordered by time.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
pub struct ConversationId(pub i64);

/// How many panes a conversation may have.
pub const MAX_PANES: usize = 8;

/// A playground session.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Conversation {
    /// Its key.
    pub id: ConversationId,
    /// Its name; made from the first prompt until the user gives one.
    pub title: String,
    /// 1 to [`MAX_PANES`] panes.
    pub panes: Vec<Pane>,
    /// The unsent content of the composer.
    pub draft: Draft,
    /// When it last changed, in nanoseconds since 1970.
    pub updated_unix_ns: i64,
}

/// A window's changes to a conversation since it last saved or loaded it. The history merges them with changes of other
/// windows, turn by turn.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConversationChange {
    /// The conversation as this window last saved it or read it; empty if it is a new one.
    pub base: Arc<Conversation>,
    /// The conversation as it is now.
    pub mine: Arc<Conversation>,
}

impl ConversationChange {
    /// A conversation that is not stored yet.
    #[must_use]
    pub fn new(mine: Conversation) -> Self {
        Self {
            base: Arc::default(),
            mine: mine.into(),
        }
    }

    /// This change and the `next` as one; `None` if `next` does not start where this one ends.
    #[must_use]
    pub fn followed_by(&self, next: &Self) -> Option<Self> {
        Arc::ptr_eq(&self.mine, &next.base).then(|| Self {
            base: Arc::clone(&self.base),
            mine: Arc::clone(&next.mine),
        })
    }
}

/// Unsent text and images. Each window has its own.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Draft {
    /// The text.
    pub text: String,
    /// Attached images.
    pub images: Vec<Media>,
}

impl Draft {
    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.text.is_empty() && self.images.is_empty()
    }
}

/// One column of a playground: a target, its settings and its turns.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Pane {
    /// Random, so that two windows don't create the same id; never reused.
    pub id: u32,
    /// Its endpoint and model; `None` until chosen.
    pub target: Option<TargetId>,
    /// The system prompt.
    pub system: String,
    /// Request settings.
    pub params: Params,
    /// Tools offered to the model.
    pub tools: Vec<Tool>,
    /// Whether each request opens a new connection, so that its times include the handshakes.
    pub cold: bool,
    /// The turns, oldest first: in the order of their ids.
    pub turns: Vec<Turn>,
}

impl Pane {
    /// Adds a question at the end.
    pub fn ask(&mut self, user: Vec<Part>, raw_body: Option<Value>) {
        self.turns.push(Turn {
            id: TurnId::after(self.turns.last().map(|turn| turn.id)),
            user,
            raw_body,
            ..Turn::default()
        });
    }
}

/// A turn's key: unique within its pane, even across windows; ordered by time.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
pub struct TurnId(pub i64);

impl TurnId {
    /// A new key after that of the last turn, even if the clock was set back.
    #[must_use]
    pub fn after(last: Option<Self>) -> Self {
        let fresh = RunId::new().0;
        match last {
            // The random low bits of the fresh key avoid collisions with other windows.
            Some(Self(last)) if last >= fresh => Self(last + 1 + (fresh & 0xf_ffff)),
            _ => Self(fresh),
        }
    }
}

/// A question and the runs that tried to answer it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Turn {
    /// Its key.
    pub id: TurnId,
    /// What was asked.
    pub user: Vec<Part>,
    /// The JSON body that the user wrote for it, as in [`ChatRequest::raw_body`](crate::chat::ChatRequest).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw_body: Option<Value>,
    /// The runs, oldest first; a retry adds one.
    pub runs: Vec<RunId>,
    /// Index into `runs` of the one shown and continued from.
    pub shown: usize,
    /// The typed results of a run's tool calls, in order; stored like a draft until the next turn is sent.
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

/// A title from a prompt: its first line, cut at a word.
#[must_use]
pub fn title_of(parts: &[Part]) -> String {
    let text = Message::asked(parts.to_vec()).text();
    let line = text
        .lines()
        .map(str::trim)
        .find(|l| !l.is_empty())
        .unwrap_or("Images");
    match line.char_indices().nth(60) {
        None => line.to_owned(),
        Some((cut, _)) => {
            let head = &line[..cut];
            let word = head.rfind(' ').filter(|space| *space > 30).unwrap_or(cut);
            format!("{}…", &head[..word])
        }
    }
}

//! The response: the events into which every dialect's stream is decoded.
//!
//! In: frames of a provider's stream. Out: [`Event`]s, folded into an [`Answer`] by the run, the
//! views, the history and the terminal alike.

mod answer;
pub mod budget;
mod fault;
mod kind;
mod note;
mod usage;
mod words;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub(crate) use self::words::words;
pub use self::{
    answer::{Answer, AnswerPiece, AnswerPieceKind, BodyPart},
    fault::{Fault, FaultClass, Phase},
    kind::{EventKind, EventKinds},
    note::{About, Note},
    usage::Usage,
};
use crate::chat::Media;

/// One event of a stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// The answer's identity as the provider states it (response id, model served). The first id counts,
    /// and the last model: a provider may hand over to another one on the way.
    Meta {
        /// The provider's id of the response.
        id: Option<String>,
        /// The model that really answered.
        model: Option<String>,
    },
    /// The request's parameters as the provider echoes them.
    Echo {
        /// Their values, by the names that they have in the request's body.
        parameters: Map<String, Value>,
    },
    /// A piece of the visible answer. May be empty, which is not a token.
    Text {
        /// The piece.
        text: String,
    },
    /// A piece of the model's reasoning. May be empty, which is not a token.
    Reasoning {
        /// The piece.
        text: String,
    },
    /// A piece of a refusal, where the dialect marks it apart from text.
    Refusal {
        /// The piece.
        text: String,
    },
    /// A fragment of a function call.
    ToolCall(ToolCallDelta),
    /// A file that the model made, whole.
    Media(Media),
    /// Data that the provider requires back with its last part, byte for byte: a signature, or (in some dialects)
    /// fields without which it refuses the part. An empty [`Event::Text`] or [`Event::Reasoning`] before it makes it
    /// belong to a part of its own.
    Signature {
        /// The signature, or its next piece.
        value: String,
    },
    /// A source that the answer rests on.
    Citation(Citation),
    /// An item that is shown as raw JSON (a built-in tool's work, encrypted reasoning), and sent back as it came.
    Opaque {
        /// Its type, in the provider's own word.
        kind: String,
        /// Its JSON, word for word.
        raw: String,
    },
    /// How long something took by the server's own clock.
    Timing {
        /// What, in the server's own word.
        name: String,
        /// Nanoseconds.
        ns: u64,
    },
    /// Token counts; a later one replaces the fields it states.
    Usage(Usage),
    /// Why the answer ended.
    Finish(Finish),
    /// The stream's own end mark (`[DONE]`), distinct from the socket's end.
    Done,
    /// Comments and pings that kept the connection open, counted together.
    KeepAlive {
        /// How many.
        #[serde(default = "one", skip_serializing_if = "is_one")]
        count: u64,
    },
    /// Events beyond the budget of an answer: counted, and left out.
    LeftOut {
        /// Of what.
        what: Surplus,
        /// How many.
        count: u64,
    },
    /// A failure. Text before it stays valid; nothing follows.
    Fault(Fault),
    /// A remark on the answer that did not stop the stream (a repaired byte, a second end mark, …).
    Note(Note),
    /// Something this dialect's decoder does not know, kept word for word.
    Unknown {
        /// What kind of thing, as far as can be told (an event name, a field path).
        kind: String,
        /// Its raw text.
        raw: String,
    },
}

impl Event {
    /// One comment or ping.
    #[must_use]
    pub const fn keep_alive() -> Self {
        Self::KeepAlive { count: 1 }
    }

    /// Appends that one more event was left out: for decoders, where making the event would cost memory.
    pub(crate) fn left_out(what: Surplus, out: &mut Vec<Self>) {
        match out.last_mut() {
            Some(Self::LeftOut { what: last, count }) if *last == what => *count += 1,
            _ => out.push(Self::LeftOut { what, count: 1 }),
        }
    }

    /// The failure, if it is one.
    #[must_use]
    pub fn fault(&self) -> Option<&Fault> {
        match self {
            Self::Fault(fault) => Some(fault),
            _ => None,
        }
    }

    /// How many events of the stream it stands for.
    #[must_use]
    pub fn count(&self) -> u64 {
        match self {
            Self::KeepAlive { count } | Self::LeftOut { count, .. } => *count,
            _ => 1,
        }
    }

    /// Whether this is a token for TTFT: a non-empty piece of reasoning, text, refusal or tool call.
    #[must_use]
    pub fn is_token(&self) -> bool {
        match self {
            Self::Reasoning { text } => !text.is_empty(),
            _ => self.is_visible(),
        }
    }

    /// Whether this is a token that a user sees as the answer (anything but reasoning).
    #[must_use]
    pub fn is_visible(&self) -> bool {
        match self {
            Self::Text { text } | Self::Refusal { text } => !text.is_empty(),
            Self::ToolCall(delta) => {
                !delta.arguments.is_empty() || delta.name.as_ref().is_some_and(|n| !n.is_empty())
            }
            Self::Media(_) => true,
            _ => false,
        }
    }
}

fn one() -> u64 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's form")]
fn is_one(count: &u64) -> bool {
    *count == 1
}

/// A fragment of a function call; fragments of one call share their index. Each says only what is new.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCallDelta {
    /// Which call of this answer, counted from 0.
    pub index: usize,
    /// The call's id, in the fragment that states it.
    pub id: Option<String>,
    /// The function's name, or its next piece.
    pub name: Option<String>,
    /// The next piece of the arguments' JSON text.
    pub arguments: String,
}

/// A source that an answer rests on, as far as the provider names it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Citation {
    /// Where it is.
    pub url: Option<String>,
    /// Its title.
    pub title: Option<String>,
    /// What is cited of it, or of the answer.
    pub quote: Option<String>,
}

/// Why an answer ended: our word and the provider's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finish {
    /// Our class of it.
    pub reason: FinishReason,
    /// The provider's word, verbatim.
    pub raw: String,
}

/// The classes of finish.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// The model was done, or met a stop string.
    Stop,
    /// The token limit cut it.
    Length,
    /// It waits for tool results.
    ToolCalls,
    /// A content filter cut it.
    ContentFilter,
    /// Any other word; see [`Finish::raw`].
    Other,
}

impl FinishReason {
    /// Its word in JSON, tables and labels.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::ToolCalls => "tool_calls",
            Self::ContentFilter => "content_filter",
            Self::Other => "other",
        }
    }
}

words! {
    /// Kinds of events with a limit per answer; events beyond it are counted and left out.
    Surplus {
        /// Notes.
        Notes = "notes",
        /// Things that the decoder does not know.
        Unknown = "unknown parts",
        /// Sources.
        Citations = "citations",
        /// Function calls.
        ToolCalls = "tool calls",
        /// Items that only their dialect understands, and signatures.
        Items = "items",
        /// Files.
        Files = "files",
        /// Times by the server's own clock.
        Timings = "server times",
        /// Names that the answer gave itself, and parameters said back.
        Names = "changes of its id, model or parameters",
        /// Turns that text and reasoning took: what comes after counts to the last of its kind.
        Turns = "turns of text and reasoning",
    }
}

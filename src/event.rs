//! What comes back: the one vocabulary that every dialect's stream is decoded into.
//!
//! In: frames of a provider's stream. Out: [`Event`]s, folded into an [`Answer`] by the run, the
//! views, the history and the terminal alike.

mod answer;
pub mod budget;
mod note;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use self::{
    answer::{Answer, BodyPart, Piece, PieceKind},
    note::{About, Note},
};
use crate::chat::Media;

/// One thing that a stream said.
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
    /// What the provider says it took the request's parameters for.
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
    /// What the provider wants back with what it last said, byte for byte: its signature of it, or (in some
    /// dialects) the fields without which it won't have it back. An empty [`Event::Text`] or
    /// [`Event::Reasoning`] before it makes it sign a part of its own.
    Signature {
        /// The signature, or its next piece.
        value: String,
    },
    /// A source that the answer rests on.
    Citation(Citation),
    /// An item that this dialect knows and shows as it is (a built-in tool's work, hidden thoughts), and
    /// sends back as it came.
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
    /// Comments and pings that kept the connection open: one, or those of some reads counted together.
    KeepAlive {
        /// How many.
        #[serde(default = "one", skip_serializing_if = "is_one")]
        count: u64,
    },
    /// More of something than is kept of an answer: counted, and left out.
    LeftOut {
        /// Of what.
        what: Surplus,
        /// How many.
        count: u64,
    },
    /// A failure. Text before it stays valid; nothing follows.
    Fault(Fault),
    /// Something to know of the answer that did not stop the stream (a repaired byte, a second end mark, …).
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

    /// Appends that one more thing was left out than is kept: decoders say so of what costs memory to tell.
    pub(crate) fn left_out(what: Surplus, out: &mut Vec<Self>) {
        match out.last_mut() {
            Some(Self::LeftOut { what: last, count }) if *last == what => *count += 1,
            _ => out.push(Self::LeftOut { what, count: 1 }),
        }
    }

    /// How many things of the stream it stands for.
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
    /// The word used in JSON, tables and labels.
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

/// Token counts as the provider reported them; `None` where it did not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Prompt tokens, cached ones included.
    pub input: Option<u64>,
    /// Output tokens as stated; most providers include reasoning, some don't: see [`Usage::generated`].
    pub output: Option<u64>,
    /// Tokens of reasoning.
    pub reasoning: Option<u64>,
    /// The part of the prompt that came from the provider's cache.
    pub cached: Option<u64>,
    /// The part of the prompt that was written to the provider's cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_written: Option<u64>,
    /// All tokens together, as stated.
    #[serde(default)]
    pub total: Option<u64>,
}

impl Usage {
    /// Takes over every field that `later` states.
    pub fn merge(&mut self, later: Self) {
        self.input = later.input.or(self.input);
        self.output = later.output.or(self.output);
        self.reasoning = later.reasoning.or(self.reasoning);
        self.cached = later.cached.or(self.cached);
        self.cache_written = later.cache_written.or(self.cache_written);
        self.total = later.total.or(self.total);
    }

    /// Tokens that the model generated, reasoning included: what a speed is to be reckoned from.
    ///
    /// xAI counts reasoning beside the output (2 output, 340 reasoning, 12 input: 354 in total), OpenAI
    /// within it; the stated total tells which.
    #[must_use]
    pub fn generated(&self) -> Option<u64> {
        let output = self.output?;
        let reasoning = self.reasoning.unwrap_or(0);
        let both = output.saturating_add(reasoning);
        let apart = match (self.input, self.total) {
            (Some(input), Some(total)) => input.checked_add(both) == Some(total),
            _ => reasoning > output,
        };
        Some(if apart { both } else { output })
    }
}

/// A failure: our class and phase beside the provider's own words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{class} ({phase}): {message}")]
pub struct Fault {
    /// What kind of failure.
    pub class: FaultClass,
    /// How far the request had come.
    pub phase: Phase,
    /// The HTTP status, where there was a response.
    pub status: Option<u16>,
    /// The provider's own error code or type, verbatim.
    pub code: Option<String>,
    /// The provider's message verbatim, or ours; never holds a key.
    pub message: String,
    /// What the provider said beside its message (parameter, metadata, request id, …), as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<String>,
    /// How long the provider asked us to wait, in milliseconds.
    pub retry_after_ms: Option<u64>,
}

impl Fault {
    /// A fault with only a class, a phase and a message.
    pub fn new(class: FaultClass, phase: Phase, message: impl Into<String>) -> Self {
        Self {
            class,
            phase,
            status: None,
            code: None,
            message: message.into(),
            details: None,
            retry_after_ms: None,
        }
    }
}

/// Declares an enum whose variants have one fixed word each, for JSON, SQL, tables and labels.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        pub enum $name { $($(#[$doc])* #[serde(rename = $word)] $variant,)+ }

        impl $name {
            /// Every value, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The fixed word of this value.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// The value of a fixed word.
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|v| v.as_str() == word)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}
pub(crate) use words;

words! {
    /// What an answer is held to a number of; what is more is counted and left out.
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

words! {
    /// What kind of failure ended a run.
    FaultClass {
        /// The host's name could not be resolved.
        Dns = "dns",
        /// No TCP connection.
        Connect = "connect",
        /// The TLS handshake failed, or the certificate is not trusted.
        Tls = "tls",
        /// The proxy refused, or cannot be reached.
        Proxy = "proxy",
        /// 401 or 403: the key is missing, wrong, or not allowed.
        Auth = "auth",
        /// 429: too many requests, or out of quota.
        RateLimited = "rate_limited",
        /// 503, 529 or the provider's own word for it: too busy.
        Overloaded = "overloaded",
        /// 404: no such URL or model.
        NotFound = "not_found",
        /// Another 4xx: the request was not understood.
        BadRequest = "bad_request",
        /// One of our own time limits ran out.
        Timeout = "timeout",
        /// The connection was reset before the answer began.
        Reset = "reset",
        /// The answer broke off before its end.
        Interrupted = "interrupted",
        /// What came is not what the dialect says (HTML, bad JSON, an oversized event).
        Protocol = "protocol",
        /// The provider reported another error of its own.
        Provider = "provider",
        /// The user stopped it.
        Cancelled = "cancelled",
    }
}

words! {
    /// How far a request had come.
    Phase {
        /// Before any connection (encoding, credentials).
        Prepare = "prepare",
        /// Resolving the name.
        Dns = "dns",
        /// Opening the TCP connection, to the endpoint or its proxy.
        Connect = "connect",
        /// The TLS handshake.
        Tls = "tls",
        /// Sending the request, or waiting for the response head.
        Headers = "headers",
        /// After the head, before the first token.
        FirstToken = "first_token",
        /// After the first token.
        Stream = "stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(input: u64, output: u64, reasoning: u64, total: Option<u64>) -> Usage {
        Usage {
            input: Some(input),
            output: Some(output),
            reasoning: Some(reasoning),
            cached: None,
            cache_written: None,
            total,
        }
    }

    #[test]
    fn generated_tokens_include_reasoning_however_it_is_counted() {
        assert_eq!(usage(12, 2, 340, Some(354)).generated(), Some(342));
        assert_eq!(usage(12, 500, 340, Some(852)).generated(), Some(840));
        assert_eq!(usage(15, 78, 64, Some(93)).generated(), Some(78));
        assert_eq!(usage(12, 2, 340, None).generated(), Some(342));
        assert_eq!(
            usage(u64::MAX, u64::MAX, 1, Some(1)).generated(),
            Some(u64::MAX)
        );
        assert_eq!(Usage::default().generated(), None);
    }
}

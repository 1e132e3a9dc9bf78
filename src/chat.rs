//! The request: provider-neutral, encoded by every dialect.
//!
//! In: a prompt from a view or the terminal. Out: a [`ChatRequest`], which a [dialect](crate::dialect) encodes in its
//! own protocol.

mod call_ids;
mod contents;
mod fields;
mod files;
mod media;
mod merge_patch;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub(crate) use self::merge_patch::merge_patch;
pub use self::{
    call_ids::with_call_ids,
    contents::{Contents, Sha256, WeakContents},
    files::{BodyPiece, Files},
    media::{Media, is_address},
};

/// One request to one model, independent of any wire protocol.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ChatRequest {
    /// The model's name exactly as the endpoint knows it.
    pub model: String,
    /// The system instruction; `None` and `Some("")` both send nothing.
    pub system: Option<String>,
    /// The conversation so far, oldest first; the last message is the question.
    pub messages: Vec<Message>,
    /// Sampling and output settings; an unset one is not sent at all.
    pub params: Params,
    /// Functions the model may call.
    pub tools: Vec<Tool>,
    /// A JSON body that is sent instead of the encoded request. `{{file 1}}` in it stands for the base64 of the first
    /// file of `messages`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw_body: Option<Value>,
}

impl ChatRequest {
    /// How many answers it asks for: 1, unless the raw body or an extra parameter sets `n`.
    #[must_use]
    pub fn choices(&self) -> u64 {
        let raw = self.raw_body.as_ref().map(|body| body.get("n"));
        let stated = raw.unwrap_or_else(|| self.params.extra.get("n"));
        stated.and_then(Value::as_u64).unwrap_or(1)
    }

    /// The request with its system instruction as the question if it has no message: protocols that keep the two apart
    /// refuse it otherwise.
    #[must_use]
    pub fn with_question(&self) -> Cow<'_, Self> {
        let system = self.system.as_ref().filter(|text| !text.is_empty());
        match system.filter(|_| self.messages.is_empty()) {
            Some(system) => Cow::Owned(Self {
                system: None,
                messages: vec![Message::user(system)],
                ..self.clone()
            }),
            None => Cow::Borrowed(self),
        }
    }

    /// Puts a text at the very begin of what is asked: a cache of prompts goes by how they begin. It stands in the system
    /// instruction, else in the first message of the user.
    pub fn put_in_front(&mut self, text: &str) {
        if let Some(system) = self.system.as_mut().filter(|system| !system.is_empty()) {
            system.insert_str(0, text);
            return;
        }
        let mut messages = self.messages.iter_mut();
        let Some(first) = messages.find(|message| message.role == Role::User) else {
            return;
        };
        match first.parts.first_mut() {
            Some(Part::Text { text: own }) => own.insert_str(0, text),
            _ => first.parts.insert(0, Part::Text { text: text.into() }),
        }
    }

    /// A request with one user message of plain text.
    pub fn of_text(model: impl Into<String>, prompt: impl Into<String>) -> Self {
        Self {
            model: model.into(),
            messages: vec![Message::user(prompt)],
            ..Self::default()
        }
    }
}

/// Who said a message. The system instruction stands apart, in [`ChatRequest::system`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The person asking.
    User,
    /// The model.
    Assistant,
    /// The result of a tool call.
    Tool,
}

/// One turn of a conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Who said it.
    pub role: Role,
    /// Its contents, in order.
    pub parts: Vec<Part>,
}

impl Message {
    /// A user message of plain text.
    pub fn user(text: impl Into<String>) -> Self {
        Self {
            role: Role::User,
            parts: vec![Part::Text { text: text.into() }],
        }
    }

    /// An assistant message of plain text.
    pub fn assistant(text: impl Into<String>) -> Self {
        Self {
            role: Role::Assistant,
            parts: vec![Part::Text { text: text.into() }],
        }
    }

    /// What a turn asks: a prompt of the user's, or the results of calls.
    #[must_use]
    pub fn asked(parts: Vec<Part>) -> Self {
        let role = if holds_results(&parts) {
            Role::Tool
        } else {
            Role::User
        };
        Self { role, parts }
    }

    /// All text parts joined; images and tool calls are left out.
    #[must_use]
    pub fn text(&self) -> String {
        self.parts
            .iter()
            .filter_map(|part| match part {
                Part::Text { text } => Some(text.as_str()),
                _ => None,
            })
            .collect()
    }
}

/// A piece of a message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Part {
    /// Plain text.
    Text {
        /// The text.
        text: String,
    },
    /// An image, a document, sound or video.
    #[serde(alias = "image")]
    Media(Media),
    /// The model's reasoning in an earlier turn; sent back if the dialect needs it.
    Reasoning {
        /// The text, or the provider's summary of it.
        text: String,
    },
    /// The provider's signature of the part before it, or other data that must be sent back with it, as it came.
    Signature {
        /// The dialect that it came by: it is not sent in any other.
        dialect: String,
        /// The signature, byte for byte.
        value: String,
    },
    /// An item that only its dialect understands, sent back in that dialect as it came.
    Opaque {
        /// That dialect.
        dialect: String,
        /// The item's type, in the provider's own word.
        kind: String,
        /// Its JSON, word for word.
        raw: String,
    },
    /// A function call that the model made in an earlier turn.
    ToolCall(ToolCall),
    /// The result of such a call.
    ToolResult {
        /// The id of the call that this answers.
        id: String,
        /// The function's name (some dialects answer by name).
        name: String,
        /// The result, as text or as JSON text.
        content: String,
    },
}

/// Whether these are the results of calls.
#[must_use]
pub fn holds_results(parts: &[Part]) -> bool {
    let is_result = |part: &Part| matches!(part, Part::ToolResult { .. });
    parts.iter().any(is_result)
}

/// A whole function call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCall {
    /// The provider's id of the call.
    pub id: String,
    /// The function's name.
    pub name: String,
    /// Its arguments as the JSON text that the model wrote, valid or not.
    pub arguments: String,
}

/// A function the model may call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tool {
    /// The function's name.
    pub name: String,
    /// What it does, for the model.
    #[serde(default)]
    pub description: String,
    /// JSON schema of its arguments.
    pub parameters: Value,
}

/// Settings of one request. `None` and empty mean "not sent": the provider's default applies.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Params {
    /// Sampling temperature.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// Nucleus sampling mass, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// Most output tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
    /// Sampling seed; not all providers support it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<i64>,
    /// Strings that end the answer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stop: Vec<String>,
    /// Reasoning effort, in the provider's own word (`minimal`, `low`, `medium`, `high`, …).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning_effort: Option<String>,
    /// How long the provider should cache the prompt, if it has to be asked to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_prompt: Option<CacheLife>,
    /// The format of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_format: Option<ResponseFormat>,
    /// What the model must call; it decides if unset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub must_call: Option<MustCall>,
    /// Whether it may call several functions at once; the default is that it may.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parallel_calls: Option<bool>,
    /// JSON that is merged into the body last, so that it can override anything above.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// What a model must call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MustCall {
    /// Nothing.
    Nothing,
    /// Any function.
    Any,
    /// The function of this name.
    Function(String),
}

/// How long a provider caches a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CacheLife {
    /// Five minutes from its last use.
    #[serde(rename = "5m")]
    Minutes,
    /// An hour.
    #[serde(rename = "1h")]
    Hour,
}

impl CacheLife {
    /// Its word in JSON and on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Minutes => "5m",
            Self::Hour => "1h",
        }
    }
}

/// The requested format of the answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ResponseFormat {
    /// Any JSON object.
    JsonObject,
    /// JSON that follows a schema.
    JsonSchema {
        /// The schema's name.
        name: String,
        /// The JSON schema.
        schema: Value,
        /// Whether the provider must enforce it.
        #[serde(default)]
        strict: bool,
    },
}

//! What the simulator needs of a wire protocol: read a request, write events.
//!
//! The client's [dialects](crate::dialect) the other way round. A further one is its file, its `mod`
//! line in `simulator.rs` and its line in [`DIALECTS`].

use http::HeaderMap;
use serde_json::Value;

use super::{model::Model, openai_chat};
use crate::{
    chat::ChatRequest,
    event::{Answer, Event, Fault, FaultClass, Phase},
};

/// A wire protocol as a server sees it.
pub(super) struct Dialect {
    /// Path that lists models.
    pub models_path: &'static str,
    /// Path that chats.
    pub chat_path: &'static str,
    /// The key of a request, if it carries one.
    pub key: fn(&HeaderMap) -> Option<&str>,
    /// Reads the body of a chat request; the fault is what the client is told.
    pub parse: fn(&[u8]) -> Result<Asked, Fault>,
    /// The list of models, created at this second since 1970.
    pub models: fn(&[Model], u64) -> Value,
    /// The body of an HTTP error.
    pub error: fn(&Fault) -> Value,
    /// A writer for one answer.
    pub writer: fn(&Asked, AnswerId) -> Box<dyn Writer + Send>,
}

/// All dialects that the simulator speaks.
pub(super) static DIALECTS: &[&Dialect] = &[&openai_chat::DIALECT];

/// A chat request and how its answer is to be sent.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    /// What is asked.
    pub request: ChatRequest,
    /// Whether the answer is streamed.
    pub stream: bool,
    /// Whether a stream ends with its usage.
    pub usage: bool,
}

/// What tells one answer from the others.
#[derive(Clone, Copy, Debug)]
pub(super) struct AnswerId {
    /// The run's number in the simulator's records.
    pub run: u64,
    /// When it was asked, in seconds since 1970.
    pub created: u64,
}

/// Writes one answer.
pub(super) trait Writer {
    /// Appends an event as a stream shows it; appends nothing for one that this protocol can't say.
    fn event(&mut self, event: &Event, out: &mut Vec<u8>);

    /// The whole answer as one JSON document.
    fn whole(&self, answer: &Answer) -> Value;
}

/// A refusal as the client is told it: HTTP status, the provider's code, a message.
pub(super) fn refusal(status: u16, code: &str, message: impl Into<String>) -> Fault {
    let class = match status {
        401 | 403 => FaultClass::Auth,
        404 => FaultClass::NotFound,
        429 => FaultClass::RateLimited,
        503 | 529 => FaultClass::Overloaded,
        400..500 => FaultClass::BadRequest,
        _ => FaultClass::Provider,
    };
    Fault {
        status: Some(status),
        code: Some(code.to_owned()),
        ..Fault::new(class, Phase::Headers, message)
    }
}

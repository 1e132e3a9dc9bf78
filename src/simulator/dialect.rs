//! What the simulator needs of a wire protocol: read a request, write events.
//!
//! The client's [dialects](crate::dialect) the other way round. A further one is its file, its `mod`
//! line in `simulator.rs` and its line in [`DIALECTS`].

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, Response};
use serde_json::Value;

#[cfg(feature = "grpc")]
use super::vertex_grpc;
use super::{
    anthropic, gemini, model::Model, ollama, openai_chat, openai_responses, plan::Promise,
    reply::Body,
};
use crate::{
    chat::ChatRequest,
    dialect::DialectId,
    event::{Answer, Event, Fault, FaultClass, Phase},
};

/// A wire protocol as a server sees it.
pub(super) struct Dialect {
    /// Which protocol.
    pub id: DialectId,
    /// The path of the base URL that clients are given.
    pub base_path: &'static str,
    /// What a path asks of this protocol, if anything.
    pub route: fn(path: &str, &HeaderMap) -> Option<Route>,
    /// The key of a request, if it carries one.
    pub key: fn(&HeaderMap) -> Option<&str>,
    /// Whether its answers tell how long they took, so that the plan's dates must be foreseen.
    pub times: bool,
    /// Reads the body of a chat request; the fault is what the client is told.
    pub parse: fn(&[u8], &Way) -> Result<Asked, Fault>,
    /// The list of models, created at this second since 1970.
    pub models: fn(&[Model], u64) -> Value,
    /// A request that gets no answer.
    pub refuse: fn(&Fault) -> Response<Body>,
    /// A writer for one answer.
    pub writer: fn(&Asked, AnswerId) -> Box<dyn Writer + Send>,
}

/// What is asked of a protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// The list of models.
    Models,
    /// An answer.
    Chat(Way),
}

/// What of a chat request stands in its path and query.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Way {
    /// The model, where the path names it.
    pub model: String,
    /// Whether the answer is streamed, where the path says so.
    pub stream: bool,
    /// Whether it is streamed as server-sent events, where the query says so.
    pub events: bool,
}

/// All dialects that the simulator speaks. A path that two of them have is the first one's that takes it.
pub(super) static DIALECTS: &[&Dialect] = &[
    &anthropic::DIALECT,
    &openai_chat::DIALECT,
    &openai_responses::DIALECT,
    &gemini::DIALECT,
    &ollama::DIALECT,
    #[cfg(feature = "grpc")]
    &vertex_grpc::DIALECT,
];

/// A chat request and how its answer is to be sent.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    /// What is asked.
    pub request: ChatRequest,
    /// Whether the answer is streamed.
    pub stream: bool,
    /// Whether a stream is one JSON array.
    pub array: bool,
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
    /// What its plan foresees, where the protocol tells of it.
    pub promise: Promise,
}

/// Writes one answer.
pub(super) trait Writer {
    /// The content type of a streamed answer.
    fn content_type(&self) -> &'static str {
        "text/event-stream"
    }

    /// Appends an event as a stream shows it; appends nothing for one that this protocol can't say.
    fn event(&mut self, event: &Event, out: &mut Vec<u8>);

    /// The whole answer as one JSON document.
    fn whole(&self, answer: &Answer) -> Value;

    /// What stands behind the body of a stream, where the protocol ends it so.
    fn trailers(&mut self) -> Option<HeaderMap> {
        None
    }
}

/// An event of a stream, with its name.
pub(super) fn named_event(name: &str, data: &Value, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("event: {name}\ndata: {data}\n\n").as_bytes());
}

/// A comment that keeps a stream of events open.
pub(super) const COMMENT: &[u8] = b": SIMULATED PROCESSING\n\n";

/// What a simulated model signs its thoughts and calls with: the same for the same run.
pub(super) fn signature(run: u64, part: usize) -> String {
    STANDARD.encode(format!("simulated signature {run}.{part}"))
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

//! Wire protocols, sans-IO: [`ChatRequest`] → request bytes, response bytes → [`Event`]s.
//!
//! A dialect is one file and its line in [`DIALECTS`]. It opens no socket, reads no clock and needs
//! no runtime. However the same bytes are split, its decoder gives the same events, except that
//! neighbouring text pieces are what the provider's own frames made them.

pub mod anthropic;
pub mod gemini;
pub mod ollama;
pub mod openai_chat;
pub mod openai_responses;
pub mod vertex_grpc;

use bytes::Bytes;
use http::HeaderMap;
use serde_json::Value;
use url::Url;

use crate::{
    chat::{ChatRequest, Files},
    event::{Event, words},
};

words! {
    /// The names of the wire protocols, as used in settings, flags and exports.
    DialectId {
        /// `POST …/chat/completions` with server-sent events.
        OpenaiChat = "openai-chat",
        /// `POST …/v1/messages` with server-sent events.
        Anthropic = "anthropic",
        /// `POST …/responses` with typed server-sent events.
        OpenaiResponses = "openai-responses",
        /// `POST …/models/{model}:streamGenerateContent` of the Gemini API and of Vertex AI.
        Gemini = "gemini",
        /// `POST …/api/chat` with a JSON object a line.
        Ollama = "ollama",
        /// gRPC to Gemini on Vertex AI: `PredictionService/StreamGenerateContent`.
        VertexGrpc = "vertex-grpc",
    }
}

/// A wire protocol: how a request is written and how a response is read.
#[derive(Debug)]
pub struct Dialect {
    /// Its name in settings and on the command line.
    pub id: DialectId,
    /// Its name for people.
    pub label: &'static str,
    /// The header that carries the bare key; where there is none it goes as a bearer token.
    pub key_header: Option<&'static str>,
    /// The path of its servers' base URLs, where a URL is written without any.
    pub base_path: &'static str,
    /// The URL that a chat request goes to, given the endpoint's base URL and the model.
    pub chat_url: fn(base: &Url, model: &str) -> Url,
    /// The URL that lists models.
    pub models_url: fn(base: &Url) -> Url,
    /// Headers that every request of this dialect carries, unless the endpoint gives them itself.
    pub headers: &'static [(&'static str, &'static str)],
    /// The JSON body of a streamed chat request.
    pub encode: fn(&ChatRequest) -> Value,
    /// Takes out of that JSON what a server at this base URL has no field for; `None` where all take the same.
    pub fit: Option<fn(&mut Value, base: &Url)>,
    /// How that JSON goes over the wire.
    pub wire: Wire,
    /// A fresh decoder for one response with this head.
    pub decoder: fn(&ResponseHead) -> Box<dyn Decoder>,
    /// Reads a list of models; the error says what was wrong with the body.
    pub models: fn(&[u8]) -> Result<Vec<ModelInfo>, String>,
}

/// How the JSON of a request goes over the wire.
#[derive(Clone, Copy, Debug)]
pub enum Wire {
    /// As it is, over any version of HTTP.
    Json,
    /// As a protobuf message, over HTTP/2 only.
    Grpc(Grpc),
}

/// What gRPC makes of a request.
#[derive(Clone, Copy, Debug)]
pub struct Grpc {
    /// The message of a request's JSON, given the files that its marks stand for, the endpoint's base URL and
    /// the model. The error names what the message has no place for, and says what to do.
    pub message: fn(Value, &Files, base: &Url, model: &str) -> Result<GrpcMessage, String>,
    /// The dialect that asks the same of the same base URL as JSON, where HTTP/2 is refused.
    pub fallback: DialectId,
}

/// A message ready for the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrpcMessage {
    /// The message with its length in front.
    pub framed: Bytes,
    /// The `x-goog-request-params` header, by which Google's servers route.
    pub routing: String,
    /// What the message could not carry as it was: one sentence each, without a period.
    pub notes: Vec<String>,
}

impl Dialect {
    /// The dialect that asks the same as JSON: this one, unless it is gRPC.
    #[must_use]
    pub fn as_json(&self) -> &Self {
        match self.wire {
            Wire::Json => self,
            Wire::Grpc(grpc) => grpc.fallback.dialect(),
        }
    }
}

/// All dialects. A new one is its file, its `mod` line, its word in [`DialectId`] and its line here.
pub static DIALECTS: &[&Dialect] = &[
    &openai_chat::DIALECT,
    &openai_responses::DIALECT,
    &anthropic::DIALECT,
    &gemini::DIALECT,
    &ollama::DIALECT,
    &vertex_grpc::DIALECT,
];

impl DialectId {
    /// The dialect of this name.
    #[must_use]
    pub fn dialect(self) -> &'static Dialect {
        match self {
            Self::OpenaiChat => &openai_chat::DIALECT,
            Self::OpenaiResponses => &openai_responses::DIALECT,
            Self::Anthropic => &anthropic::DIALECT,
            Self::Ollama => &ollama::DIALECT,
            Self::Gemini => &gemini::DIALECT,
            Self::VertexGrpc => &vertex_grpc::DIALECT,
        }
    }
}

/// What a decoder may know of the response before its first body byte.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResponseHead {
    /// HTTP status code.
    pub status: u16,
    /// The `content-type` header, empty where there was none; `None` where that is not known.
    pub content_type: Option<String>,
    /// The wait asked for by `retry-after`/`retry-after-ms`, in milliseconds (already capped).
    pub retry_after_ms: Option<u64>,
    /// How many answers were asked for; `None` where that is not known (a body on disk).
    pub choices: Option<u64>,
}

impl ResponseHead {
    /// A 200 event stream: what a captured SSE body is taken to be.
    #[must_use]
    pub fn event_stream() -> Self {
        Self {
            status: 200,
            content_type: Some("text/event-stream".into()),
            ..Self::default()
        }
    }
}

/// Turns the bytes of one response body into events. Never panics, whatever the bytes.
pub trait Decoder: Send {
    /// Takes the next bytes, in pieces of any size, and appends what they completed.
    fn push(&mut self, bytes: &[u8], out: &mut Vec<Event>);

    /// Takes the headers that came behind the body, where they say how the answer ended.
    fn trailers(&mut self, _trailers: &HeaderMap, _out: &mut Vec<Event>) {}

    /// Whether the answer may end here: it has all that one needs, but the protocol has no end mark, or none came yet.
    fn may_end(&self) -> bool {
        false
    }

    /// Says that the body is over. A body that broke off before its dialect's end gives a fault.
    fn end(&mut self, out: &mut Vec<Event>);
}

/// One model of an endpoint's list.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ModelInfo {
    /// The name to send.
    pub id: String,
    /// A name for people, or who owns it, where the endpoint says so.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub label: String,
}

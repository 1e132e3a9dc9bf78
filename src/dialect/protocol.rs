//! The parts of a wire protocol: each dialect has one row of this type.

use bytes::Bytes;
use serde_json::Value;
use url::Url;

use super::serve::Serve;
use crate::{
    body::{Decoder, ModelInfo, ResponseHead},
    chat::{ChatRequest, Files},
    event::words,
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
        /// `POST …/api/chat` with one JSON object per line.
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
    /// The header that carries the key; `None` if it is sent as a bearer token.
    pub key_header: Option<&'static str>,
    /// The default path of its servers' base URLs.
    pub base_path: &'static str,
    /// Path prefixes under which gateways serve it; the default path follows them.
    pub places: &'static [&'static str],
    /// Whether Google Cloud serves it: a base URL may then hold a project, and the key may be an access token.
    pub on_google_cloud: bool,
    /// The usual words for reasoning effort; others can be sent.
    pub efforts: &'static [&'static str],
    /// Whether a provider caches a prompt only if it is asked to
    /// ([`Params::cache_prompt`](crate::chat::Params::cache_prompt)).
    pub asks_to_cache: bool,
    /// The URL that a chat request goes to, given the endpoint's base URL and the model.
    pub chat_url: fn(base: &Url, model: &str) -> Url,
    /// The URL of another operation of the same server: a path below its base URL with its query (`embeddings`), or,
    /// where paths name models, the method and its query (`countTokens`).
    pub operation_url: fn(base: &Url, model: &str, operation: &str) -> Url,
    /// The URL that lists models.
    pub models_url: fn(base: &Url) -> Url,
    /// Headers of every request in this dialect; the endpoint's own take precedence.
    pub headers: &'static [(&'static str, &'static str)],
    /// The JSON body of a streamed chat request.
    pub encode: fn(&ChatRequest) -> Value,
    /// Removes from that JSON the fields that the server at this base URL does not know; `None` if all servers know the
    /// same fields.
    pub fit: Option<fn(&mut Value, base: &Url)>,
    /// How that JSON is sent.
    pub wire: WireFormat,
    /// A fresh decoder for one response with this head.
    pub decoder: fn(&ResponseHead) -> Box<dyn Decoder>,
    /// Parses a list of models; the error says what is wrong with the body.
    pub models: fn(&[u8]) -> Result<Vec<ModelInfo>, String>,
    /// The server's half; `None` if this build has none.
    pub serve: Option<&'static Serve>,
}

/// How the JSON of a request is sent.
#[derive(Clone, Copy, Debug)]
pub enum WireFormat {
    /// As JSON, over any version of HTTP.
    Json,
    /// As a protobuf message, over HTTP/2 only.
    Grpc(Grpc),
}

/// How a request becomes a gRPC message.
#[derive(Clone, Copy, Debug)]
pub struct Grpc {
    /// Makes the message from a request's JSON, given the files for its marks, the endpoint's base URL and the model.
    /// The error names the field that the message can't hold, and says what to do.
    pub message: fn(Value, &Files, base: &Url, model: &str) -> Result<GrpcMessage, String>,
    /// The fallback if HTTP/2 is refused: the dialect that sends the same request as JSON to the same base URL.
    pub fallback: DialectId,
}

/// A message ready for the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrpcMessage {
    /// The message with its length prefix.
    pub framed: Bytes,
    /// The `x-goog-request-params` header, by which Google's servers route.
    pub routing: String,
    /// What was changed or left out: one sentence each, without a period.
    pub notes: Vec<String>,
}

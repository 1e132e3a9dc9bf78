//! What a wire protocol is made of: the row that each dialect fills in.

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
    /// What gateways call the place at which they speak it, below which that path is still to be written.
    pub places: &'static [&'static str],
    /// Whether Google Cloud speaks it: a base URL may hold a project, and its key be an access token.
    pub on_google_cloud: bool,
    /// The words for how long to think that its models know; others can be sent.
    pub efforts: &'static [&'static str],
    /// Whether a provider keeps a prompt only if it is asked to
    /// ([`Params::cache_prompt`](crate::chat::Params::cache_prompt)).
    pub asks_to_cache: bool,
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
    /// How a server speaks it; `None` if this build serves none.
    pub serve: Option<&'static Serve>,
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

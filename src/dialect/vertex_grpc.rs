//! `vertex-grpc`: Gemini on Vertex AI by native gRPC,
//! `google.cloud.aiplatform.v1.PredictionService/StreamGenerateContent`.
//!
//! In: a [`ChatRequest`](crate::chat::ChatRequest), as the JSON of [`gemini`], which becomes one
//! framed message; then frames, trailers. Out: the [`Event`](crate::event::Event)s that REST gives for the
//! same answer. <https://cloud.google.com/vertex-ai/docs/reference/rpc/google.cloud.aiplatform.v1> is the
//! service, <https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md> how it goes over HTTP/2.
//!
//! What differs from REST: a function call has no id here, so calls and results are matched by their order;
//! arguments are a `Struct`, whose numbers are doubles and whose keys have no order (they come sorted); a
//! field newer than our copy of the service is not seen. `StreamGenerateContent` in `v1beta1`, and the Gemini
//! API's own service, are others.
//!
//! Without the feature `grpc` the name stays, and a run says what to do instead.

#[cfg(feature = "grpc")]
mod decode;
#[cfg(feature = "grpc")]
mod frames;
#[cfg(feature = "grpc")]
mod object;
#[cfg(feature = "grpc")]
mod request;
#[cfg(feature = "grpc")]
mod response;
#[cfg(feature = "grpc")]
mod serve;
#[cfg(feature = "grpc")]
mod status;
#[cfg(feature = "grpc")]
mod structs;
#[cfg(feature = "grpc")]
mod tools;
#[cfg(feature = "grpc")]
mod unfolded;
mod url;

use super::gemini;
use crate::dialect::{Dialect, DialectId, Grpc, WireFormat};

/// The dialect's row. Models are listed by REST: gRPC has no such method.
pub static DIALECT: Dialect = Dialect {
    id: DialectId::VertexGrpc,
    label: "Vertex AI by gRPC",
    key_header: None,
    base_path: "/v1",
    places: &[],
    on_google_cloud: true,
    efforts: &["none", "minimal", "low", "medium", "high"],
    asks_to_cache: false,
    chat_url: |base, _model| url::method(base),
    models_url: gemini::url::models,
    headers: &[],
    encode: gemini::encode::body,
    fit: Some(gemini::encode::fit),
    wire: WireFormat::Grpc(Grpc {
        message,
        fallback: DialectId::Gemini,
    }),
    decoder,
    models: gemini::models::parse,
    serve: SERVE,
};

/// A build without gRPC serves none.
#[cfg(not(feature = "grpc"))]
const SERVE: Option<&crate::dialect::serve::Serve> = None;
#[cfg(feature = "grpc")]
const SERVE: Option<&crate::dialect::serve::Serve> = Some(&serve::SERVE);

#[cfg(feature = "grpc")]
use self::{decode::decoder, request::message};

#[cfg(not(feature = "grpc"))]
use self::missing::{decoder, message};

/// What a build without gRPC says.
#[cfg(not(feature = "grpc"))]
mod missing {
    use serde_json::Value;
    use url::Url;

    use crate::{
        body::{BodyDecoder, Decoder, ResponseHead},
        chat::Files,
        dialect::{GrpcMessage, gemini::decode::GeminiReader},
    };

    pub(super) fn message(_: Value, _: &Files, _: &Url, _: &str) -> Result<GrpcMessage, String> {
        let why = "this build of Tokenscope has no gRPC: set the endpoint's dialect to gemini, which asks the \
                   same models by REST";
        Err(why.into())
    }

    /// Reads what a server says that is no gRPC.
    pub(super) fn decoder(head: &ResponseHead) -> Box<dyn Decoder> {
        Box::new(BodyDecoder::new(head, GeminiReader::default()))
    }
}

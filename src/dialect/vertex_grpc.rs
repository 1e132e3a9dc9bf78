//! `vertex-grpc`: Gemini on Vertex AI by gRPC, `google.cloud.aiplatform.v1.PredictionService/StreamGenerateContent`.
//!
//! In: a [`ChatRequest`](crate::chat::ChatRequest), as the JSON of [`gemini`], which becomes one framed message; then
//! frames and trailers. Out: the same [`Event`](crate::event::Event)s as by REST. The service is
//! <https://cloud.google.com/vertex-ai/docs/reference/rpc/google.cloud.aiplatform.v1>, its form over HTTP/2
//! <https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>.
//!
//! Differences from REST: function calls have no id, so calls and results are matched by their order; arguments are a
//! `Struct`, whose numbers are doubles and whose keys have no order (they come sorted); fields newer than our copy of
//! the service are not seen. `StreamGenerateContent` in `v1beta1`, and the Gemini API's own gRPC service, are different
//! services.
//!
//! Without the feature `grpc`, the dialect keeps its row, and a run fails with a message that says what to do.

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
    operation_url: gemini::url::operation,
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

/// A build without gRPC can't serve it.
#[cfg(not(feature = "grpc"))]
const SERVE: Option<&crate::dialect::serve::Serve> = None;
#[cfg(feature = "grpc")]
const SERVE: Option<&crate::dialect::serve::Serve> = Some(&serve::SERVE);

#[cfg(feature = "grpc")]
use self::{decode::decoder, request::message};

#[cfg(not(feature = "grpc"))]
use self::missing::{decoder, message};

/// The functions of a build without gRPC.
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
        let why = "this build of Tokenscope has no gRPC: set the endpoint's dialect to gemini, which reaches the \
                   same models by REST";
        Err(why.into())
    }

    /// Reads a response that is not gRPC.
    pub(super) fn decoder(head: &ResponseHead) -> Box<dyn Decoder> {
        Box::new(BodyDecoder::new(head, GeminiReader::default()))
    }
}

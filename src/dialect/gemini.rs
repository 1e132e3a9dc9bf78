//! `gemini`: Google's own protocol, in the Gemini API and in Vertex AI.
//!
//! In: a [`ChatRequest`](crate::chat::ChatRequest), then the bytes of the answer: server-sent events, the elements of
//! one JSON array, or a single object. Out: the JSON body of a streamed request, then [`Event`](crate::event::Event)s.
//! The wire format is <https://ai.google.dev/api/generate-content> and
//! <https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference>; signatures follow
//! <https://ai.google.dev/gemini-api/docs/thought-signatures>.

pub(super) mod call;
pub(super) mod decode;
pub(super) mod encode;
pub(super) mod finish;
pub(super) mod models;
mod notes;
mod open_part;
pub(super) mod part;
mod partial;
pub(super) mod serve;
pub(super) mod sources;
mod thinking;
pub(super) mod turns;
pub(super) mod url;
pub(super) mod usage;

use crate::{
    body::BodyDecoder,
    dialect::{Dialect, DialectId, WireFormat},
};

/// The dialect's row.
pub static DIALECT: Dialect = Dialect {
    id: DialectId::Gemini,
    label: "Gemini",
    key_header: Some("x-goog-api-key"),
    base_path: "/v1beta",
    places: &[
        "/gemini",
        "/google",
        "/google-ai-studio",
        "/google-gemini",
        "/googleai",
    ],
    on_google_cloud: true,
    efforts: &["none", "minimal", "low", "medium", "high"],
    asks_to_cache: false,
    chat_url: url::chat,
    operation_url: url::operation,
    models_url: url::models,
    headers: &[],
    encode: encode::body,
    fit: Some(encode::fit),
    wire: WireFormat::Json,
    decoder: |head| Box::new(BodyDecoder::new(head, decode::GeminiReader::default())),
    models: models::parse,
    serve: Some(&serve::SERVE),
};

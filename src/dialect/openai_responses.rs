//! `openai-responses`: `OpenAI`'s Responses API, which streams typed events about items.
//!
//! In: a [`ChatRequest`](crate::chat::ChatRequest), then the bytes of the answer. Out: the JSON body of a
//! streamed request that stores nothing at the provider, then [`Event`](crate::event::Event)s. The wire format
//! is <https://platform.openai.com/docs/api-reference/responses-streaming>.

mod calls;
mod citation;
mod client_call;
mod counts;
mod decode;
mod encode;
mod items;
mod open_call;
mod places;
mod serve;
mod turns;
mod whole;

use crate::{
    body::BodyDecoder,
    dialect::{Dialect, DialectId, WireFormat, openai_chat},
};

/// The dialect's row.
pub static DIALECT: Dialect = Dialect {
    id: DialectId::OpenaiResponses,
    label: "OpenAI Responses",
    key_header: None,
    base_path: "/v1",
    places: &[],
    on_google_cloud: false,
    efforts: &["none", "minimal", "low", "medium", "high"],
    asks_to_cache: false,
    chat_url: |base, _model| openai_chat::append_path(base, PATH, PATH),
    operation_url: |base, _model, operation| {
        let root = openai_chat::append_path(base, PATH, &[]);
        openai_chat::append_operation(root, operation)
    },
    models_url: |base| openai_chat::append_path(base, PATH, &["models"]),
    headers: &[],
    encode: encode::body,
    fit: None,
    wire: WireFormat::Json,
    decoder: |head| Box::new(BodyDecoder::new(head, decode::ResponseReader::default())),
    models: openai_chat::models::parse,
    serve: Some(&serve::SERVE),
};

const PATH: &[&str] = &["responses"];

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;

    #[test]
    fn paths_are_appended_and_the_query_is_kept() {
        for (base, chat, models) in [
            (
                "https://api.openai.com/v1",
                "https://api.openai.com/v1/responses",
                "https://api.openai.com/v1/models",
            ),
            (
                "https://api.openai.com//v1/responses/",
                "https://api.openai.com/v1/responses",
                "https://api.openai.com/v1/models",
            ),
            (
                "https://r.openai.azure.com/openai/v1?api-version=preview#x",
                "https://r.openai.azure.com/openai/v1/responses?api-version=preview",
                "https://r.openai.azure.com/openai/v1/models?api-version=preview",
            ),
        ] {
            let base = Url::parse(base).unwrap();
            assert_eq!((DIALECT.chat_url)(&base, "m").as_str(), chat);
            assert_eq!((DIALECT.models_url)(&base).as_str(), models);
        }
    }
}

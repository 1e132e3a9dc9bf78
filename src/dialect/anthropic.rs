//! `anthropic`: Anthropic's Messages API, as Anthropic and its gateways implement it.
//!
//! In: a [`ChatRequest`](crate::chat::ChatRequest), then the bytes of the answer. Out: the JSON body of a
//! streamed request, then [`Event`](crate::event::Event)s. The wire format is
//! <https://docs.anthropic.com/en/api/messages> and
//! <https://docs.anthropic.com/en/docs/build-with-claude/streaming>.

mod block;
mod counts;
mod decode;
mod encode;
mod item;
mod serve;
mod thinking;
mod turns;

use url::Url;

use crate::{
    body::BodyDecoder,
    dialect::{Dialect, DialectId, WireFormat, openai_chat},
};

/// The dialect's row.
pub static DIALECT: Dialect = Dialect {
    id: DialectId::Anthropic,
    label: "Anthropic Messages",
    key_header: Some("x-api-key"),
    base_path: "/v1",
    places: &[],
    on_google_cloud: false,
    efforts: &["none", "low", "medium", "high", "max"],
    asks_to_cache: true,
    chat_url: |base, _model| append_path(base, "messages"),
    operation_url: |base, _model, operation| {
        openai_chat::append_operation(append_path(base, ""), operation)
    },
    models_url: |base| {
        let mut url = append_path(base, "models");
        // The largest page; the default is 20 models.
        url.query_pairs_mut().append_pair("limit", "1000");
        url
    },
    headers: &[("anthropic-version", "2023-06-01")],
    encode: encode::body,
    fit: None,
    wire: WireFormat::Json,
    decoder: |head| Box::new(BodyDecoder::new(head, decode::MessageReader::default())),
    // `{"data": [{"id", "display_name"}]}`: that reader knows this form and those of gateways.
    models: |body| (openai_chat::DIALECT.models)(body),
    serve: Some(&serve::SERVE),
};

/// Appends `v1/<leaf>` to `base`, which may end in `v1` already or be the whole chat URL. Keeps the query and removes
/// empty path segments.
fn append_path(base: &Url, leaf: &str) -> Url {
    let mut segments: Vec<&str> = base.path().split('/').filter(|s| !s.is_empty()).collect();
    if segments.ends_with(&["v1", "messages"]) {
        segments.pop();
    }
    if segments.last() != Some(&"v1") {
        segments.push("v1");
    }
    segments.push(leaf);
    let mut url = base.clone();
    url.set_path(&segments.join("/"));
    url.set_fragment(None);
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_appended_and_the_query_is_kept() {
        for (base, chat, models) in [
            (
                "https://api.anthropic.com",
                "https://api.anthropic.com/v1/messages",
                "https://api.anthropic.com/v1/models?limit=1000",
            ),
            (
                "https://api.anthropic.com//v1///",
                "https://api.anthropic.com/v1/messages",
                "https://api.anthropic.com/v1/models?limit=1000",
            ),
            (
                "https://api.anthropic.com/v1/messages?beta=true#x",
                "https://api.anthropic.com/v1/messages?beta=true",
                "https://api.anthropic.com/v1/models?beta=true&limit=1000",
            ),
            (
                "https://gateway.example/team%201/anthropic/",
                "https://gateway.example/team%201/anthropic/v1/messages",
                "https://gateway.example/team%201/anthropic/v1/models?limit=1000",
            ),
            (
                "http://localhost:8080/messages",
                "http://localhost:8080/messages/v1/messages",
                "http://localhost:8080/messages/v1/models?limit=1000",
            ),
        ] {
            let base = Url::parse(base).unwrap();
            assert_eq!((DIALECT.chat_url)(&base, "m").as_str(), chat);
            assert_eq!((DIALECT.models_url)(&base).as_str(), models);
        }
    }

    #[test]
    fn models_are_read_with_their_names() {
        let list = br#"{"data":[{"type":"model","id":"claude-x","display_name":"Claude X","created_at":"2025"}],"has_more":false}"#;
        let models = (DIALECT.models)(list).unwrap();
        assert_eq!(
            (models[0].id.as_str(), models[0].label.as_str()),
            ("claude-x", "Claude X")
        );
        let error = br#"{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}"#;
        assert_eq!((DIALECT.models)(error).unwrap_err(), "invalid x-api-key");
    }
}

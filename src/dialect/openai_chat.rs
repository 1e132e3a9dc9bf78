//! `openai-chat`: chat completions as OpenAI defines them, and as many other servers vary them.
//!
//! In: a [`ChatRequest`](crate::chat::ChatRequest), then the bytes of the answer. Out: the JSON body of a streamed
//! request, then [`Event`](crate::event::Event)s. The wire format is
//! <https://platform.openai.com/docs/api-reference/chat>; where servers differ from it, the code names them.

mod choice;
mod chunk;
mod decode;
pub(super) mod delta;
pub(super) mod encode;
pub(super) mod fields;
pub(super) mod files;
pub(super) mod models;
pub(super) mod serve;
mod sources;
mod thoughts;
mod tool_calls;
pub(super) mod turns;

use url::Url;

use crate::{
    body::BodyDecoder,
    dialect::{Dialect, DialectId, WireFormat},
};

/// The dialect's row.
pub static DIALECT: Dialect = Dialect {
    id: DialectId::OpenaiChat,
    label: "OpenAI chat completions",
    key_header: None,
    base_path: "/v1",
    places: &[],
    on_google_cloud: false,
    efforts: &["none", "minimal", "low", "medium", "high"],
    asks_to_cache: false,
    chat_url: |base, _model| append_path(base, CHAT, CHAT),
    operation_url: |base, _model, operation| {
        append_operation(append_path(base, CHAT, &[]), operation)
    },
    models_url: |base| append_path(base, CHAT, &["models"]),
    headers: &[],
    encode: encode::body,
    fit: Some(encode::fit),
    wire: WireFormat::Json,
    decoder: |head| Box::new(BodyDecoder::new(head, decode::OpenaiChatReader::new(head))),
    models: models::parse,
    serve: Some(&serve::SERVE),
};

const CHAT: &[&str] = &["chat", "completions"];

/// Appends `path` to `base`, from which a trailing `chat` (the whole chat URL) is removed. Keeps the query (Azure's
/// `?api-version=`) and removes empty path segments.
pub(super) fn append_path(base: &Url, chat: &[&str], path: &[&str]) -> Url {
    let mut segments: Vec<&str> = base.path().split('/').filter(|s| !s.is_empty()).collect();
    if segments.ends_with(chat) {
        segments.truncate(segments.len() - chat.len());
    }
    segments.extend(path);
    let mut url = base.clone();
    url.set_path(&segments.join("/"));
    url.set_fragment(None);
    url
}

/// Appends an operation, which may have a query: its pairs follow those of the base URL.
pub(super) fn append_operation(mut base: Url, operation: &str) -> Url {
    let (path, query) = operation.split_once('?').unwrap_or((operation, ""));
    let whole = format!("{}/{path}", base.path().trim_end_matches('/'));
    base.set_path(&whole);
    if !query.is_empty() {
        let pairs: Vec<&str> = base.query().into_iter().chain([query]).collect();
        let pairs = pairs.join("&");
        base.set_query(Some(&pairs));
    }
    base
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_appended_and_the_query_is_kept() {
        for (base, chat, models) in [
            (
                "https://api.openai.com/v1",
                "https://api.openai.com/v1/chat/completions",
                "https://api.openai.com/v1/models",
            ),
            (
                "http://localhost:11434//v1///",
                "http://localhost:11434/v1/chat/completions",
                "http://localhost:11434/v1/models",
            ),
            (
                "https://h",
                "https://h/chat/completions",
                "https://h/models",
            ),
            (
                "https://r.openai.azure.com/openai/deployments/gpt%204/?api-version=2024-10-21#x",
                "https://r.openai.azure.com/openai/deployments/gpt%204/chat/completions?api-version=2024-10-21",
                "https://r.openai.azure.com/openai/deployments/gpt%204/models?api-version=2024-10-21",
            ),
            (
                "https://h/v1/chat/completions",
                "https://h/v1/chat/completions",
                "https://h/v1/models",
            ),
        ] {
            let base = Url::parse(base).unwrap();
            assert_eq!((DIALECT.chat_url)(&base, "m").as_str(), chat);
            assert_eq!((DIALECT.models_url)(&base).as_str(), models);
        }
    }
}

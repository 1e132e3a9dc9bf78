//! `ollama`: Ollama's own chat protocol, of its server and of ollama.com.
//!
//! In: a [`ChatRequest`](crate::chat::ChatRequest), then the bytes of the answer, one JSON object per line. Out: the
//! JSON body of a streamed request, then [`Event`](crate::event::Event)s, among them the server's own times for each
//! step. The wire format is <https://github.com/ollama/ollama/blob/main/docs/api.md>and, newer,
//! <https://docs.ollama.com/api>.

mod decode;
mod encode;
mod metrics;
mod models;
mod serve;

use url::Url;

use crate::{
    body::BodyDecoder,
    dialect::{Dialect, DialectId, WireFormat, openai_chat},
};

/// The dialect's row.
pub static DIALECT: Dialect = Dialect {
    id: DialectId::Ollama,
    label: "Ollama",
    key_header: None,
    base_path: "/v1",
    places: &[],
    on_google_cloud: false,
    efforts: &["none", "true", "low", "medium", "high"],
    asks_to_cache: false,
    chat_url: |base, _model| append_path(base, "chat"),
    operation_url: |base, _model, operation| {
        openai_chat::append_operation(append_path(base, ""), operation)
    },
    models_url: |base| append_path(base, "tags"),
    headers: &[],
    encode: encode::body,
    fit: None,
    wire: WireFormat::Json,
    decoder: |head| Box::new(BodyDecoder::new(head, decode::OllamaReader::default())),
    models: models::parse,
    serve: Some(&serve::SERVE),
};

/// Path suffixes that are removed from a base URL: the API's root, its chat, and those of the OpenAI dialect on the
/// same server. Longer ones come first.
const SUFFIXES: &[&[&str]] = &[
    &["v1", "chat", "completions"],
    &["api", "chat"],
    &["api"],
    &["v1"],
];

/// Appends `api/<leaf>` to the server's URL. Keeps the query and removes empty path segments.
fn append_path(base: &Url, leaf: &str) -> Url {
    let mut segments: Vec<&str> = base.path().split('/').filter(|s| !s.is_empty()).collect();
    if let Some(suffix) = SUFFIXES.iter().find(|suffix| segments.ends_with(suffix)) {
        segments.truncate(segments.len() - suffix.len());
    }
    segments.extend(["api", leaf]);
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
        for (base, server) in [
            ("http://127.0.0.1:11434", "http://127.0.0.1:11434"),
            ("http://127.0.0.1:11434/", "http://127.0.0.1:11434"),
            ("http://127.0.0.1:11434/api/", "http://127.0.0.1:11434"),
            ("http://h//api//chat//#x", "http://h"),
            ("http://h/v1", "http://h"),
            ("http://h/v1/chat/completions", "http://h"),
            ("https://ollama.com/api", "https://ollama.com"),
            ("https://h/team%201/ollama/v1/", "https://h/team%201/ollama"),
            ("https://h/apis", "https://h/apis"),
            ("https://h/api/tags", "https://h/api/tags"),
        ] {
            for query in ["", "?key=a%20b"] {
                let url = match base.split_once('#') {
                    Some((url, fragment)) => format!("{url}{query}#{fragment}"),
                    None => format!("{base}{query}"),
                };
                let url = Url::parse(&url).unwrap();
                let chat = format!("{server}/api/chat{query}");
                let models = format!("{server}/api/tags{query}");
                assert_eq!((DIALECT.chat_url)(&url, "m").as_str(), chat);
                assert_eq!((DIALECT.models_url)(&url).as_str(), models);
            }
        }
    }
}

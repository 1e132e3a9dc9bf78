//! `ollama`: Ollama's own chat, as its server and ollama.com speak it.
//!
//! In: a [`ChatRequest`](crate::chat::ChatRequest), then the bytes of the answer, one JSON object a line.
//! Out: the JSON body of a streamed request, then [`Event`](crate::event::Event)s, among them how long
//! the server itself took for each step. The wire format is
//! <https://github.com/ollama/ollama/blob/main/docs/api.md>, and more lately <https://docs.ollama.com/api>.

mod decode;
mod encode;
mod metrics;
mod models;
mod serve;

use url::Url;

use crate::{
    body::BodyDecoder,
    dialect::{Dialect, DialectId, WireFormat},
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
    chat_url: |base, _model| below(base, "chat"),
    models_url: |base| below(base, "tags"),
    headers: &[],
    encode: encode::body,
    fit: None,
    wire: WireFormat::Json,
    decoder: |head| Box::new(BodyDecoder::new(head, decode::OllamaReader::default())),
    models: models::parse,
    serve: Some(&serve::SERVE),
};

/// Ends of a base URL that is more than the server's: the API's root, its chat, and those of the OpenAI
/// dialect on the same server. The longer ones come first.
const ENDS: &[&[&str]] = &[
    &["v1", "chat", "completions"],
    &["api", "chat"],
    &["api"],
    &["v1"],
];

/// The server's address with `api/<leaf>` below it. The base's query stays, empty path segments go.
fn below(base: &Url, leaf: &str) -> Url {
    let mut segments: Vec<&str> = base.path().split('/').filter(|s| !s.is_empty()).collect();
    if let Some(end) = ENDS.iter().find(|end| segments.ends_with(end)) {
        segments.truncate(segments.len() - end.len());
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
    fn urls_stand_below_the_server_and_keep_its_query() {
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

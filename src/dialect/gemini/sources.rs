//! Citations, in the three places where the protocol has them, and the search queries. Google's HTML rendering of those
//! queries is left out.

use serde_json::Value;

use crate::{
    body::json::{self, Raw},
    event::Citation,
};

/// `groundingMetadata`: web pages, places, passages of the user's files, images.
pub(super) fn grounding(raw: Raw<'_>) -> Vec<Citation> {
    let value = value(raw);
    let chunks = list(&value, "/groundingChunks");
    // Each chunk is an object with one field, named after the kind of source.
    let sources = chunks.filter_map(|chunk| chunk.as_object()?.values().find(|v| v.is_object()));
    sources
        .filter_map(|source| {
            of(
                text(source, &["uri", "sourceUri", "imageUri"]),
                text(source, &["title", "documentName"]),
                text(source, &["text"]).or_else(|| text(source.get("ragChunk")?, &["text"])),
            )
        })
        .collect()
}

/// Search queries: on the web, for images, in the user's files.
pub(super) fn queries(raw: Raw<'_>) -> Vec<String> {
    let value = value(raw);
    let lists = [
        "/webSearchQueries",
        "/imageSearchQueries",
        "/retrievalQueries",
    ];
    let queries = lists.iter().flat_map(|path| list(&value, path));
    queries
        .filter_map(|query| Some(query.as_str()?.to_owned()))
        .collect()
}

/// `citationMetadata`: sources that the answer repeats word for word.
pub(super) fn citations(raw: Raw<'_>) -> Vec<Citation> {
    let value = value(raw);
    // `citationSources` is the name in the Gemini API's v1.
    list(&value, "/citations")
        .chain(list(&value, "/citationSources"))
        .filter_map(|source| of(text(source, &["uri"]), text(source, &["title"]), None))
        .collect()
}

/// `urlContextMetadata`: the pages that were read, and URL and status of those that were not.
pub(super) fn urls(raw: Raw<'_>) -> (Vec<Citation>, Vec<(String, String)>) {
    let value = value(raw);
    let (mut read, mut failed) = (Vec::new(), Vec::new());
    for page in list(&value, "/urlMetadata") {
        let Some(url) = text(page, &["retrievedUrl"]) else {
            continue;
        };
        match text(page, &["urlRetrievalStatus"]) {
            Some(status) if !status.ends_with("_SUCCESS") => failed.push((url, status)),
            _ => read.extend(of(Some(url), None, None)),
        }
    }
    (read, failed)
}

/// A citation, unless it is empty.
pub(in crate::dialect) fn of(
    url: Option<String>,
    title: Option<String>,
    quote: Option<String>,
) -> Option<Citation> {
    let citation = Citation { url, title, quote };
    (citation != Citation::default()).then_some(citation)
}

fn value(raw: Raw<'_>) -> Value {
    json::value(raw.get()).unwrap_or_default()
}

fn list<'a>(value: &'a Value, path: &str) -> impl Iterator<Item = &'a Value> {
    value
        .pointer(path)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn text(value: &Value, names: &[&str]) -> Option<String> {
    let mut texts = names.iter().filter_map(|name| value.get(name)?.as_str());
    texts.find(|text| !text.is_empty()).map(str::to_owned)
}

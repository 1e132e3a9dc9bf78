//! Citations, in the forms of many servers.

use std::collections::HashSet;

use serde_json::Value;

use crate::{
    body::json::{self, Raw},
    event::Citation,
};

/// Most citations that are remembered: the list is repeated in every chunk.
const MAX_KNOWN: usize = 4_096;

/// The citations that were emitted.
#[derive(Debug, Default)]
pub(super) struct Sources(HashSet<String>);

impl Sources {
    /// Whether a citation was not emitted yet.
    pub(super) fn is_new(&mut self, source: &Citation) -> bool {
        let key = source.url.as_ref().or(source.title.as_ref());
        let key = key.cloned().unwrap_or_default();
        self.0.len() < MAX_KNOWN && self.0.insert(key)
    }
}

/// Reads one citation: `OpenAI`'s and OpenRouter's `{type: "url_citation", url_citation: {url, title, content}}`,
/// Perplexity's `{url, title, snippet}`, Azure's `{url, title, content, filepath}`, Zhipu's `{link, title, content}`,
/// or (Perplexity, xAI) a bare URL.
pub(super) fn source(raw: Raw<'_>) -> Option<Citation> {
    let value = json::value(raw.get()).ok()?;
    if let Value::String(url) = value {
        return (!url.is_empty()).then(|| Citation {
            url: Some(url),
            ..Citation::default()
        });
    }
    let kind = value.get("type").and_then(Value::as_str);
    let nested = kind.and_then(|kind| value.get(kind));
    let fields = nested.filter(|v| v.is_object()).unwrap_or(&value);
    let text = |names: &[&str]| {
        let texts = names.iter().filter_map(|name| fields.get(name)?.as_str());
        let mut texts = texts.filter(|text| !text.is_empty());
        texts.next().map(str::to_owned)
    };
    let source = Citation {
        url: text(&["url", "link", "uri"]),
        title: text(&["title", "filename", "filepath", "name"]),
        quote: text(&["quote", "content", "snippet", "text"]),
    };
    (source.url.is_some() || source.title.is_some()).then_some(source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn citations_of_every_form_are_read() {
        for (json, url, title, quote) in [
            (
                r#"{"type":"url_citation","url_citation":{"url":"u","title":"t","content":"q","start_index":0}}"#,
                "u",
                "t",
                "q",
            ),
            (
                r#"{"type":"url_citation","url":"u","title":"t"}"#,
                "u",
                "t",
                "",
            ),
            (r#""u""#, "u", "", ""),
            (
                r#"{"url":"u","title":"","snippet":"q","date":null}"#,
                "u",
                "",
                "q",
            ),
            (r#"{"link":"u","title":"t","content":"q"}"#, "u", "t", "q"),
            (r#"{"filepath":"t","url":null,"content":"q"}"#, "", "t", "q"),
        ] {
            let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
            let expected = Citation {
                url: some(url),
                title: some(title),
                quote: some(quote),
            };
            assert_eq!(source(Raw::of(json)), Some(expected), "{json}");
        }
        for none in ["7", r#""""#, "{}", r#"{"content":"q"}"#] {
            assert_eq!(source(Raw::of(none)), None, "{none}");
        }
    }
}

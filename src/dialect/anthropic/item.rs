//! Content blocks that are shown and sent back as they came: the work of built-in tools, hidden thoughts.

use std::collections::BTreeMap;

use crate::{
    body::json::{self, Fields, Raw, Scanned},
    event::{Citation, Event},
};

/// The documented types besides the tools' (`…_tool_use`, `…_tool_result`), which a reader may meet in
/// new kinds at any time.
const KINDS: &[&str] = &[
    "redacted_thinking",
    "container_upload",
    "mcp_tool_listing",
    "compaction",
    "connector_text",
    "fallback",
];

/// A block as it began, and what its deltas add to it.
#[derive(Debug, Default)]
pub(super) struct OpaqueBlock {
    kind: String,
    /// The `content_block` of its start, word for word.
    start: String,
    /// The JSON text of its input, put together from `input_json_delta`s.
    input: String,
    /// Other text that deltas add, by field.
    added: BTreeMap<String, String>,
}

impl OpaqueBlock {
    pub(super) fn new(kind: String, start: Raw<'_>) -> Self {
        Self {
            kind,
            start: start.get().to_owned(),
            ..Self::default()
        }
    }

    /// Takes a delta of any type: pieces of input, else the text of each of its fields.
    pub(super) fn add(&mut self, delta: &Fields<'_>) {
        for (key, raw) in delta.iter() {
            let Some(text) = json::string(raw) else {
                continue;
            };
            match &*key {
                "type" => {}
                "partial_json" => self.input.push_str(&text),
                key => self
                    .added
                    .entry(key.to_owned())
                    .or_default()
                    .push_str(&text),
            }
        }
    }

    /// The block's event, once it is whole.
    pub(super) fn event(mut self) -> Event {
        let raw = self.rebuilt();
        let kind = self.kind;
        if is_known(&kind) {
            Event::Opaque { kind, raw }
        } else {
            let kind = format!("content_block.{kind}");
            Event::Unknown { kind, raw }
        }
    }

    /// The whole block's JSON: fields that nothing changed stay word for word.
    fn rebuilt(&mut self) -> String {
        if self.input.is_empty() && self.added.is_empty() {
            return std::mem::take(&mut self.start);
        }
        let start = Scanned::of(&self.start);
        let mut fields: Vec<(String, String)> = (start.fields().iter().flat_map(Fields::iter))
            .map(|(key, raw)| (key.into_owned(), raw.get().to_owned()))
            .collect();
        for (key, text) in std::mem::take(&mut self.added) {
            let begun = fields.iter().find(|(known, _)| *known == key);
            let begun = begun.and_then(|(_, raw)| serde_json::from_str(raw).ok());
            let begun: String = begun.unwrap_or_default();
            set(&mut fields, key, quoted(&(begun + &text)));
        }
        if !self.input.is_empty() {
            let is_json = json::is_json(&self.input);
            let input = std::mem::take(&mut self.input);
            let input = if is_json { input } else { quoted(&input) };
            set(&mut fields, "input".into(), input);
        }
        object(fields.iter().map(|(key, raw)| (key.as_str(), raw.as_str())))
    }
}

/// Whether a type of block is a documented one.
pub(super) fn is_known(kind: &str) -> bool {
    kind.ends_with("_tool_use") || kind.ends_with("_tool_result") || KINDS.contains(&kind)
}

/// An object of fields whose values are JSON already.
pub(super) fn object<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let fields = fields.into_iter();
    let fields = fields.map(|(key, raw)| format!("{}:{raw}", quoted(key)));
    format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
}

/// Which model goes on where a `fallback` block stands.
pub(super) fn goes_on(fallback: &Fields<'_>) -> Event {
    let to = fallback.stated("to").and_then(|raw| Fields::of(raw).ok());
    let model = to.and_then(|to| to.stated("model").and_then(json::string));
    Event::Meta { id: None, model }
}

fn set(fields: &mut Vec<(String, String)>, key: String, raw: String) {
    match fields.iter_mut().find(|(known, _)| *known == key) {
        Some((_, old)) => *old = raw,
        None => fields.push((key, raw)),
    }
}

/// A text as JSON.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A citation: of a search result, a page, or a document that the request held.
pub(super) fn citation(raw: Raw<'_>) -> Option<Event> {
    let fields = Fields::of(raw).ok()?;
    let text = |name| fields.stated(name).and_then(json::string);
    let source = || text("source").filter(|source| source.contains("://"));
    Some(Event::Citation(Citation {
        url: text("url").or_else(source),
        title: text("title").or_else(|| text("document_title")),
        quote: text("cited_text"),
    }))
}

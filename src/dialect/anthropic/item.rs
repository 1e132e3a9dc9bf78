//! Content blocks that are shown and sent back unchanged: calls and results of built-in tools, redacted thinking.

use std::collections::BTreeMap;

use crate::{
    body::json::{self, Fields, Raw, Scanned},
    event::{Citation, Event},
};

/// The documented types besides those of tools (`…_tool_use`, `…_tool_result`), of which new ones may appear at any
/// time.
const KINDS: &[&str] = &[
    "redacted_thinking",
    "container_upload",
    "mcp_tool_listing",
    "compaction",
    "connector_text",
    "fallback",
];

/// A block's start, and what its deltas add.
#[derive(Debug, Default)]
pub(super) struct OpaqueBlock {
    kind: String,
    /// The `content_block` of its start event, word for word.
    start: String,
    /// The JSON text of its input, joined from `input_json_delta`s.
    input: String,
    /// Other text that deltas add, by field name.
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

    /// Adds a delta of any type: a piece of the input, or the text of each of its fields.
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

    /// The block's event; called when the block is complete.
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

    /// The complete block's JSON; unchanged fields stay word for word.
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

/// The JSON object of these fields, whose values are JSON texts.
pub(super) fn object<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let fields = fields.into_iter();
    let fields = fields.map(|(key, raw)| format!("{}:{raw}", quoted(key)));
    format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
}

/// The model that continues the answer after a `fallback` block.
pub(super) fn fallback_model(fallback: &Fields<'_>) -> Event {
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

/// A text as a JSON string.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A citation of a search result, a page, or a document in the request.
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

//! Annotations of a text: its sources.

use std::collections::HashSet;

use serde_json::Value;

use crate::{
    body::json::{self, Raw},
    event::{Citation, Event},
};

/// The annotations that were reported; a finished item repeats them.
#[derive(Debug, Default)]
pub(super) struct ReportedAnnotations(HashSet<String>);

impl ReportedAnnotations {
    /// Emits an annotation that was not reported yet.
    pub(super) fn emit(&mut self, raw: Raw<'_>, out: &mut Vec<Event>) {
        let Ok(annotation) = json::value(raw.get()) else {
            return;
        };
        // The same fields may come in another order in the events and in the item.
        let of = |name: &str| annotation.get(name).unwrap_or(&Value::Null).to_string();
        let names = [
            "type",
            "url",
            "file_id",
            "start_index",
            "end_index",
            "index",
        ];
        if self.0.insert(names.map(of).join(" ")) {
            out.push(event(&annotation, raw));
        }
    }
}

/// `url_citation` has a URL and a title, files have a name and an id.
fn event(annotation: &Value, raw: Raw<'_>) -> Event {
    let text = |name: &str| {
        let text = annotation.get(name)?.as_str()?;
        (!text.is_empty()).then(|| text.to_owned())
    };
    let citation = Citation {
        url: text("url"),
        title: text("title")
            .or_else(|| text("filename"))
            .or_else(|| text("file_id")),
        quote: text("quote"),
    };
    if citation == Citation::default() {
        let kind = format!("annotation {}", text("type").unwrap_or_default());
        let raw = raw.get().to_owned();
        return Event::Unknown { kind, raw };
    }
    Event::Citation(citation)
}

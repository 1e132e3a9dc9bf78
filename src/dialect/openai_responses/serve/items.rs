//! The items of an answer, and what stands in them.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

use crate::{
    chat::Media,
    dialect::openai_responses::client_call::{ClientCall, FUNCTION},
    event::Citation,
};

/// The item that is open.
pub(super) struct OpenItem {
    pub(super) item: ItemKind,
    /// Paragraphs of thoughts that are whole, each a part of its own.
    pub(super) parts: Vec<String>,
    /// What it, or its last part, has said.
    pub(super) said: String,
    pub(super) annotations: Vec<Value>,
    /// Fields that it goes back with.
    pub(super) kept: Map<String, Value>,
}

#[derive(Clone, PartialEq)]
pub(super) enum ItemKind {
    Text,
    Refusal,
    Reasoning,
    Call {
        index: usize,
        id: String,
        name: String,
        of: &'static str,
    },
}

impl OpenItem {
    pub(super) fn whole(item: ItemKind, said: &str) -> Self {
        Self {
            item,
            parts: Vec::new(),
            said: said.to_owned(),
            annotations: Vec::new(),
            kept: Map::new(),
        }
    }
}

impl OpenItem {
    pub(super) fn json(&self, id: &str, status: &str) -> Value {
        let said = &self.said;
        let part = |kind: &str, field: &str| {
            let part = json!({ "type": kind, field: said, "annotations": self.annotations });
            if said.is_empty() {
                json!([])
            } else {
                json!([part])
            }
        };
        let mut item = match &self.item {
            ItemKind::Text => {
                json!({ "id": id, "type": "message", "role": "assistant", "status": status,
                "content": part("output_text", "text") })
            }
            ItemKind::Refusal => {
                json!({ "id": id, "type": "message", "role": "assistant", "status": status,
                    "content": part("refusal", "refusal") })
            }
            ItemKind::Reasoning => {
                let last = Some(said).filter(|said| !said.is_empty());
                let parts = self.parts.iter().chain(last);
                let summary = parts.map(|text| json!({ "type": "summary_text", "text": text }));
                json!({ "id": id, "type": "reasoning", "summary": summary.collect::<Vec<_>>() })
            }
            ItemKind::Call {
                id: call, name, of, ..
            } => {
                let mut item = json!({ "id": id, "type": "function_call", "call_id": call,
                    "name": name, "arguments": said, "status": status });
                if let Some(of) = ClientCall::of_kind(of) {
                    of.rewrite(&mut item);
                }
                item
            }
        };
        for (name, value) in &self.kept {
            item[name] = value.clone();
        }
        item
    }

    /// The part of an item that its text stands in, and the name of the events about it.
    pub(super) fn part(&self) -> Option<(&'static str, Value)> {
        let said = &self.said;
        let annotations = &self.annotations;
        match self.item {
            ItemKind::Text => Some((
                "content_part",
                json!({ "type": "output_text", "text": said, "annotations": annotations }),
            )),
            ItemKind::Refusal => Some((
                "content_part",
                json!({ "type": "refusal", "refusal": said }),
            )),
            ItemKind::Reasoning => Some((
                "reasoning_summary_part",
                json!({ "type": "summary_text", "text": said }),
            )),
            ItemKind::Call { .. } => None,
        }
    }
}

/// Whether what an item says goes out in pieces: what a client is asked for by other items than function calls is
/// told whole.
pub(super) fn streams(item: &ItemKind) -> bool {
    !matches!(item, ItemKind::Call { of, .. } if *of != FUNCTION.kind)
}

/// The event that an item's text comes by, and the field of the whole one.
pub(super) fn event_of(item: &ItemKind) -> (&'static str, &'static str) {
    match item {
        ItemKind::Text => ("output_text", "text"),
        ItemKind::Refusal => ("refusal", "refusal"),
        ItemKind::Reasoning => ("reasoning_summary_text", "text"),
        ItemKind::Call { .. } => ("function_call_arguments", "arguments"),
    }
}

pub(super) fn index_name(item: &ItemKind) -> &'static str {
    match item {
        ItemKind::Reasoning => "summary_index",
        ItemKind::Text | ItemKind::Refusal | ItemKind::Call { .. } => "content_index",
    }
}

/// The fields of a signature of this protocol's.
pub(super) fn kept(signature: &str) -> Map<String, Value> {
    serde_json::from_str(signature).unwrap_or_default()
}

/// The type of a call that goes back with these fields.
pub(super) fn kind_of(kept: &Map<String, Value>) -> &'static str {
    let kind = kept.get("type").and_then(Value::as_str);
    let of = kind.and_then(ClientCall::of_kind).unwrap_or(&FUNCTION);
    of.kind
}

pub(super) fn annotation(citation: &Citation, at: usize) -> Value {
    let mut annotation = match &citation.url {
        Some(url) => {
            json!({ "type": "url_citation", "url": url, "start_index": at, "end_index": at })
        }
        None => json!({ "type": "file_citation", "file_id": citation.title, "index": at }),
    };
    let title = if citation.url.is_some() {
        "title"
    } else {
        "filename"
    };
    for (name, text) in [(title, &citation.title), ("quote", &citation.quote)] {
        if let Some(text) = text {
            annotation[name] = text.as_str().into();
        }
    }
    annotation
}

/// A picture that the model made.
pub(super) fn picture(media: &Media, id: &str) -> Option<Value> {
    let format = media.mime.strip_prefix("image/")?;
    let format = format.split('+').next().unwrap_or(format);
    media.uri.is_none().then(|| {
        json!({ "id": id, "type": "image_generation_call", "status": "completed",
            "output_format": format, "result": STANDARD.encode(&media.data) })
    })
}

/// A message that is a sound.
pub(super) fn sound(media: &Media, id: &str) -> Option<Value> {
    let is_here = media.mime.starts_with("audio/") && media.uri.is_none();
    is_here.then(|| {
        let data = STANDARD.encode(&media.data);
        let part = json!({ "type": "output_audio", "data": data, "transcript": "" });
        json!({ "id": id, "type": "message", "role": "assistant", "status": "completed",
            "content": [part] })
    })
}

/// The sources of a whole answer stand with its last text.
pub(super) fn cite_last(output: &mut [Value], citations: &[Citation]) {
    let texts = output.iter_mut().rev();
    let mut parts = texts.filter_map(|item| item.pointer_mut("/content/0/annotations"));
    if let Some(annotations) = parts.next() {
        let all = citations.iter().enumerate();
        *annotations = all.map(|(at, citation)| annotation(citation, at)).collect();
    }
}

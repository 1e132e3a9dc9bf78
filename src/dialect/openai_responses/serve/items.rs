//! The JSON of an answer's items and of their parts.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

use crate::{
    chat::Media,
    dialect::{
        openai_responses::client_call::{ClientCall, FUNCTION},
        serve::AnswerSegment,
    },
    event::{AnswerPieceKind, Citation},
};

/// The item that is being written.
pub(super) struct OpenItem {
    pub(super) item: ItemKind,
    /// Complete paragraphs of reasoning; each is a part.
    pub(super) parts: Vec<String>,
    /// The text of the item, or of its last part.
    pub(super) text: String,
    pub(super) annotations: Vec<Value>,
    /// Fields that must be sent back with it.
    pub(super) signature_fields: Map<String, Value>,
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
        kind: &'static str,
    },
}

impl OpenItem {
    pub(super) fn whole(item: ItemKind, text: &str) -> Self {
        Self {
            item,
            parts: Vec::new(),
            text: text.to_owned(),
            annotations: Vec::new(),
            signature_fields: Map::new(),
        }
    }
}

impl OpenItem {
    pub(super) fn json(&self, id: &str, status: &str) -> Value {
        let text = &self.text;
        let part = |kind: &str, field: &str| {
            let part = json!({ "type": kind, field: text, "annotations": self.annotations });
            if text.is_empty() {
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
                let last = Some(text).filter(|text| !text.is_empty());
                let parts = self.parts.iter().chain(last);
                let summary = parts.map(|text| json!({ "type": "summary_text", "text": text }));
                json!({ "id": id, "type": "reasoning", "summary": summary.collect::<Vec<_>>() })
            }
            ItemKind::Call {
                id: call,
                name,
                kind,
                ..
            } => {
                let mut item = json!({ "id": id, "type": "function_call", "call_id": call,
                    "name": name, "arguments": text, "status": status });
                if let Some(kind) = ClientCall::of_kind(kind) {
                    kind.rewrite(&mut item);
                }
                item
            }
        };
        for (name, value) in &self.signature_fields {
            item[name] = value.clone();
        }
        item
    }

    /// The name of the events about an item's part, and the part with the text.
    pub(super) fn part(&self) -> Option<(&'static str, Value)> {
        let text = &self.text;
        let annotations = &self.annotations;
        match self.item {
            ItemKind::Text => Some((
                "content_part",
                json!({ "type": "output_text", "text": text, "annotations": annotations }),
            )),
            ItemKind::Refusal => Some((
                "content_part",
                json!({ "type": "refusal", "refusal": text }),
            )),
            ItemKind::Reasoning => Some((
                "reasoning_summary_part",
                json!({ "type": "summary_text", "text": text }),
            )),
            ItemKind::Call { .. } => None,
        }
    }
}

/// Whether an item's text is streamed in deltas: arguments of calls other than function calls are sent whole.
pub(super) fn streams(item: &ItemKind) -> bool {
    !matches!(item, ItemKind::Call { kind, .. } if *kind != FUNCTION.kind)
}

/// The name of an item's text events, and the field that has the whole text.
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

/// The fields in a signature of this protocol.
pub(super) fn signature_fields(signature: &str) -> Map<String, Value> {
    serde_json::from_str(signature).unwrap_or_default()
}

/// The type of a call with these signature fields.
pub(super) fn kind_of(signature_fields: &Map<String, Value>) -> &'static str {
    let kind = signature_fields.get("type").and_then(Value::as_str);
    let kind = kind.and_then(ClientCall::of_kind).unwrap_or(&FUNCTION);
    kind.kind
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

/// The item of an image that the model made.
pub(super) fn image_item(media: &Media, id: &str) -> Option<Value> {
    let format = media.mime.strip_prefix("image/")?;
    let format = format.split('+').next().unwrap_or(format);
    media.uri.is_none().then(|| {
        json!({ "id": id, "type": "image_generation_call", "status": "completed",
            "output_format": format, "result": STANDARD.encode(&media.data) })
    })
}

/// The item of a message with audio.
pub(super) fn audio_item(media: &Media, id: &str) -> Option<Value> {
    let is_here = media.mime.starts_with("audio/") && media.uri.is_none();
    is_here.then(|| {
        let data = STANDARD.encode(&media.data);
        let part = json!({ "type": "output_audio", "data": data, "transcript": "" });
        json!({ "id": id, "type": "message", "role": "assistant", "status": "completed",
            "content": [part] })
    })
}

/// Adds the citations of a whole answer to its last text.
pub(super) fn cite_last(output: &mut [Value], citations: &[Citation]) {
    let texts = output.iter_mut().rev();
    let mut parts = texts.filter_map(|item| item.pointer_mut("/content/0/annotations"));
    if let Some(annotations) = parts.next() {
        let all = citations.iter().enumerate();
        *annotations = all.map(|(at, citation)| annotation(citation, at)).collect();
    }
}

/// Whether a piece is a reasoning item of this protocol.
pub(super) fn is_reasoning_item(piece: &AnswerSegment<'_>) -> bool {
    matches!(piece.kind, AnswerPieceKind::Opaque { name, .. } if name == "reasoning")
}

//! Masks secrets in responses: a key that a server repeats must not get into a log, the history or onto the screen.
//! Everything that a server sends passes through here, before any of it is truncated.
//!
//! In: the call that was sent, and its response. Out: the response with every secret of that call masked, in any
//! encoding and field. Only secrets are masked: keys, passwords, cookies, and values with a [secret
//! name](crate::visible::is_secret_name).

mod bytes;
mod forms;
mod secrets;
mod tails;

use std::sync::Arc;

use serde_json::{Map, Value};

use self::forms::Forms;
pub use self::{secrets::Secrets, tails::Masked};
use crate::{
    body::ModelInfo,
    chat::Media,
    event::{Event, Fault},
};

/// Replaces a secret.
pub(crate) const COVER: &str = "•••";

/// The last character of a truncated text.
const CUT: char = '…';

/// The text with every occurrence of a secret masked.
pub(crate) fn cover(text: &str, secret: &str) -> String {
    let mut text = text.to_owned();
    Mask::of_secrets([secret]).text(&mut text);
    text
}

/// The secrets of one call. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Mask {
    forms: Arc<Forms>,
}

impl Mask {
    /// These secrets and no others.
    pub(crate) fn of_secrets<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            forms: Arc::new(Forms::of(secrets)),
        }
    }

    /// Makes what finds the secrets, so that the first text does not wait for it.
    pub(crate) fn build(&self) {
        self.forms.build();
    }

    /// The fault with every secret covered, the provider's own words otherwise kept.
    #[must_use]
    pub fn fault(&self, mut fault: Fault) -> Fault {
        self.cover_fault(&mut fault);
        fault
    }

    /// A list of models with every secret covered.
    #[must_use]
    pub fn models(&self, mut models: Vec<ModelInfo>) -> Vec<ModelInfo> {
        for model in &mut models {
            self.text(&mut model.id);
            self.text(&mut model.label);
        }
        models
    }

    /// A masker for the events of one stream.
    #[must_use]
    pub fn stream(&self) -> Masked {
        Masked::of(self.clone())
    }

    /// Covers the secrets in every field of an event.
    pub(crate) fn event(&self, event: &mut Event) {
        if self.forms.is_empty() {
            return;
        }
        match event {
            Event::Meta { id, model } => self.texts([id, model]),
            Event::Echo { parameters } => self.fields(parameters),
            Event::Text { text } | Event::Reasoning { text } | Event::Refusal { text } => {
                self.whole(text);
            }
            Event::ToolCall(delta) => {
                self.texts([&mut delta.id]);
                delta.name.iter_mut().for_each(|name| self.whole(name));
                self.whole(&mut delta.arguments);
            }
            Event::Media(media) => self.media(media),
            Event::Signature { value } => self.whole(value),
            Event::Citation(citation) => {
                self.texts([&mut citation.url, &mut citation.title, &mut citation.quote]);
            }
            Event::Opaque { kind, raw } | Event::Unknown { kind, raw } => {
                self.text(kind);
                self.json(raw);
            }
            Event::Timing { name, .. } => self.text(name),
            Event::Finish(finish) => self.text(&mut finish.raw),
            Event::Fault(fault) => self.cover_fault(fault),
            Event::Note(note) => self.text(&mut note.text),
            // These hold only numbers.
            Event::Usage(_) | Event::Done | Event::KeepAlive { .. } | Event::LeftOut { .. } => {}
        }
    }

    fn cover_fault(&self, fault: &mut Fault) {
        self.json(&mut fault.message);
        self.texts([&mut fault.code]);
        if let Some(details) = &mut fault.details {
            self.json(details);
        }
    }

    fn media(&self, media: &mut Media) {
        self.text(&mut media.name);
        self.text(&mut media.mime);
        self.texts([&mut media.uri]);
        if let Some(covered) = self.bytes(&media.data) {
            media.data = covered.into();
        }
    }

    fn texts<'a>(&self, texts: impl IntoIterator<Item = &'a mut Option<String>>) {
        for text in texts.into_iter().flatten() {
            self.text(text);
        }
    }

    fn fields(&self, fields: &mut Map<String, Value>) {
        *fields = std::mem::take(fields)
            .into_iter()
            .map(|(mut name, mut value)| {
                self.text(&mut name);
                self.value(&mut value);
                (name, value)
            })
            .collect();
    }

    fn value(&self, value: &mut Value) {
        match value {
            Value::String(text) => self.text(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.value(item)),
            Value::Object(fields) => self.fields(fields),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// Masks secrets in what may be JSON: strings are unescaped first, since there are too many ways to escape them.
    fn json(&self, raw: &mut String) {
        self.text(raw);
        if !raw.contains("\\u") {
            return;
        }
        let Ok(value) = serde_json::from_str::<Value>(raw) else {
            return;
        };
        let mut covered = value.clone();
        self.value(&mut covered);
        if covered != value {
            *raw = covered.to_string();
        }
    }

    /// Masks secrets in a text that is complete or truncated: a truncated secret at its end is masked, too.
    pub(crate) fn text(&self, text: &mut String) {
        self.whole(text);
        let cuts = text
            .match_indices(CUT)
            .map(|(at, _)| at)
            .chain([text.len()]);
        let begun: Vec<_> = cuts
            .filter_map(|at| match self.forms.begun(&text[..at]) {
                (length, true) => Some(at - length..at),
                _ => None,
            })
            .collect();
        for range in begun.into_iter().rev() {
            text.replace_range(range, COVER);
        }
    }

    /// Masks the complete secrets in a text.
    fn whole(&self, text: &mut String) {
        let found: Vec<_> = self.forms.found(text.as_bytes()).collect();
        for (start, end) in found.into_iter().rev() {
            if text.is_char_boundary(start) && text.is_char_boundary(end) {
                text.replace_range(start..end, COVER);
            }
        }
    }
}

#[cfg(test)]
mod tests;

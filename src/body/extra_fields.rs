//! Additional fields of an answer, kept as notes.

use std::collections::HashSet;

use super::excerpt::capped;
use crate::event::{About, Event, Note};

/// Most fields noted of an answer, and most characters of each, so that no stream can fill memory.
const MAX_FIELDS: usize = 64;
const MAX_CHARS: usize = 1_000;

/// The fields that were noted already: streams repeat them in their events.
#[derive(Debug, Default)]
pub struct ExtraFields(HashSet<String>);

impl ExtraFields {
    /// Notes a field with its JSON, unless the same was noted before.
    pub fn note(&mut self, name: &str, json: &str, out: &mut Vec<Event>) {
        let text = capped(format!("also said: {name} {json}"), MAX_CHARS);
        if self.0.len() < MAX_FIELDS && self.0.insert(text.clone()) {
            Note::emit(About::Aside, text, out);
        }
    }
}

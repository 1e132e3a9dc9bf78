//! Additional fields of an answer, kept as notes.

use std::collections::HashSet;

use super::excerpt::capped;
use crate::event::{About, Event, Note};

/// How the notes begin; the field's name and its JSON follow.
const BEGIN: &str = "also said: ";

/// Most fields noted of an answer, and most characters of each, so that no stream can fill memory.
const MAX_FIELDS: usize = 64;
const MAX_CHARS: usize = 1_000;

/// The fields that were noted already: streams repeat them in their events.
#[derive(Debug, Default)]
pub struct ExtraFields(HashSet<String>);

impl ExtraFields {
    /// Notes a field with its JSON, unless the same was noted before.
    pub fn note(&mut self, name: &str, json: &str, out: &mut Vec<Event>) {
        let text = capped(format!("{BEGIN}{name} {json}"), MAX_CHARS);
        if self.0.len() < MAX_FIELDS && self.0.insert(text.clone()) {
            Note::emit(About::Aside, text, out);
        }
    }
}

/// The name of the field that a note holds; `None` for any other note, and for what is no single field.
#[must_use]
pub fn noted_field(note: &Note) -> Option<&str> {
    let (name, json) = note.text.strip_prefix(BEGIN)?.split_once(' ')?;
    let begins_json = |c| matches!(c, '{' | '[' | '"' | '-' | '0'..='9' | 't' | 'f' | 'n');
    json.starts_with(begins_json).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_field_of_a_note_is_named() {
        let mut events = Vec::new();
        let mut fields = ExtraFields::default();
        fields.note("container", "{\"id\":1}", &mut events);
        fields.note("odd", "null", &mut events);
        fields.note("counted apart", "{}", &mut events);
        Note::emit(About::Aside, "it was late", &mut events);
        let named = events.iter().map(|event| match event {
            Event::Note(note) => noted_field(note),
            _ => None,
        });
        let named: Vec<_> = named.collect();
        assert_eq!(named, [Some("container"), Some("odd"), None, None]);
    }
}

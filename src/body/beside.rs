//! Fields beside an answer's content, kept as notes.

use std::collections::HashSet;

use super::excerpt::capped;
use crate::event::{About, Event, Note};

/// Most fields told of an answer, and most characters of each: a strange stream can't fill memory.
const MAX_TOLD: usize = 64;
const MAX_CHARS: usize = 1_000;

/// The fields that were told: streams repeat them in their events.
#[derive(Debug, Default)]
pub struct Beside(HashSet<String>);

impl Beside {
    /// Notes a field with its JSON, unless the same was told before.
    pub fn tell(&mut self, name: &str, json: &str, out: &mut Vec<Event>) {
        let text = capped(format!("also said: {name} {json}"), MAX_CHARS);
        if self.0.len() < MAX_TOLD && self.0.insert(text.clone()) {
            Note::tell(About::Aside, text, out);
        }
    }
}

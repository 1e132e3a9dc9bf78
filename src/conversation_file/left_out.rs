//! What of a file is not imported: each kind with how often it was there.

use std::collections::BTreeMap;

/// What was left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeftOut(BTreeMap<&'static str, usize>);

impl LeftOut {
    /// Counts things of one kind, named in the plural.
    pub fn add(&mut self, kind: &'static str, count: usize) {
        if count > 0 {
            *self.0.entry(kind).or_default() += count;
        }
    }

    /// Whether nothing was.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// In words: `attachments (3), messages on other branches (12)`.
    #[must_use]
    pub fn in_words(&self) -> String {
        let kinds = self.0.iter();
        let words = kinds.map(|(kind, count)| format!("{kind} ({count})"));
        words.collect::<Vec<String>>().join(", ")
    }
}

//! The texts that a bench keeps of its answers, where that is asked for: bounded for each answer and in all.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

/// Most bytes that are kept of one answer's text.
pub const MOST_OF_ONE: usize = 16 << 10;

/// Most bytes of text that are kept of a bench, on each machine, before compression.
pub const MOST_IN_ALL: u64 = 64 << 20;

/// What is kept of an answer's text. Reasoning, calls and refusals are no part of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptText {
    /// The text, or its beginning.
    pub text: String,
    /// Whether more came than [`MOST_OF_ONE`].
    pub is_cut: bool,
}

impl KeptText {
    /// Adds a piece, as far as there is room.
    pub fn push(&mut self, piece: &str) {
        if self.is_cut {
            return;
        }
        let room = MOST_OF_ONE.saturating_sub(self.text.len());
        let (fits, rest) = piece.split_at(piece.floor_char_boundary(room));
        self.text.push_str(fits);
        self.is_cut = !rest.is_empty();
    }
}

/// The room that is left for texts of a bench.
#[derive(Debug)]
pub struct TextRoom(AtomicU64);

impl Default for TextRoom {
    fn default() -> Self {
        Self(AtomicU64::new(MOST_IN_ALL))
    }
}

impl TextRoom {
    /// Whether a text may be kept; takes its room then.
    pub fn take(&self, text: &KeptText) -> bool {
        let bytes = text.text.len() as u64;
        let without = |room: u64| room.checked_sub(bytes);
        let order = Ordering::Relaxed;
        self.0.fetch_update(order, order, without).is_ok()
    }
}

/// Most bytes of text that are kept of so many requests, before compression; of a bench whose number of requests is not
/// known (`None`), [`MOST_IN_ALL`].
#[must_use]
pub fn most_bytes(requests: Option<u64>) -> u64 {
    let all = requests.map(|requests| requests.saturating_mul(MOST_OF_ONE as u64));
    all.unwrap_or(MOST_IN_ALL).min(MOST_IN_ALL)
}

/// How many texts are kept of the requests that count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TextCounts {
    /// Kept, whole or cut.
    pub kept: u64,
    /// Of these, those of which only the beginning is kept.
    pub cut: u64,
    /// Left out, since [`MOST_IN_ALL`] was reached.
    pub left_out: u64,
}

impl TextCounts {
    /// Counts a request.
    pub fn add(&mut self, text: Option<&KeptText>) {
        match text {
            Some(text) => {
                self.kept += 1;
                self.cut += u64::from(text.is_cut);
            }
            None => self.left_out += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_two_characters() {
        let mut text = KeptText::default();
        text.push(&"x".repeat(MOST_OF_ONE - 1));
        assert!(!text.is_cut);
        text.push("é and more");
        text.push("y");
        assert_eq!((text.text.len(), text.is_cut), (MOST_OF_ONE - 1, true));
        let mut exact = KeptText::default();
        exact.push(&"x".repeat(MOST_OF_ONE));
        exact.push("");
        assert!(!exact.is_cut, "nothing is missing");
    }

    #[test]
    fn beyond_the_room_texts_are_left_out_and_counted() {
        let room = TextRoom::default();
        let mut text = KeptText::default();
        text.push(&"x".repeat(MOST_OF_ONE));
        let most = MOST_IN_ALL / MOST_OF_ONE as u64;
        let mut counts = TextCounts::default();
        for _ in 0..most + 3 {
            counts.add(room.take(&text).then_some(&text));
        }
        let expected = TextCounts {
            kept: most,
            cut: 0,
            left_out: 3,
        };
        assert_eq!(counts, expected);
        assert!(room.take(&KeptText::default()), "an empty one takes none");
    }

    #[test]
    fn the_most_that_is_kept_is_known_beforehand() {
        assert_eq!(most_bytes(Some(10)), 160 << 10);
        assert_eq!(most_bytes(Some(1_000_000)), MOST_IN_ALL);
        assert_eq!(most_bytes(None), MOST_IN_ALL);
    }
}

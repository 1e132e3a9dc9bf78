//! Limits for each kind of event in an answer: events beyond them are counted, and left out.
//!
//! In: the events of one stream, in order. Out: the same events, truncated to a size that can be kept, or the limit
//! that they exceed. The text of an answer has no limit here: the transport limits the body.

use super::{Event, Surplus};

/// Function calls kept of an answer.
pub const MAX_CALLS: usize = 10_000;
/// Items of the provider's own kept of an answer, and files.
const MAX_ITEMS: u64 = 10_000;
const MAX_FILES: u64 = 1_000;
/// Notes, unknown parts and sources passed on; an answer keeps fewer of them.
const MAX_PASSED: u64 = 1_000;
/// Changes of the id, the model or the parameters; times by the server's own clock.
const MAX_NAMES: u64 = 256;
const MAX_TIMINGS: u64 = 64;

/// Bytes of all items and signatures together.
const MAX_ITEM_BYTES: usize = 16 << 20;
/// Bytes of all notes, unknown parts and sources together.
const MAX_BESIDE_BYTES: usize = 8 << 20;

/// Most bytes of one unknown part or quote, of an id, and of a word such as a kind or a reason.
pub(super) const MAX_RAW_BYTES: usize = 64 << 10;
const MAX_ID_BYTES: usize = 4 << 10;
const MAX_WORD_BYTES: usize = 1 << 10;

/// The counts of one answer so far.
#[derive(Debug, Default)]
pub struct Budget {
    counts: [u64; Surplus::ALL.len()],
    item_bytes: usize,
    beside_bytes: usize,
    /// How many calls beyond the limit have begun.
    calls_over: usize,
}

impl Budget {
    /// Counts an event, and truncates it to what can be kept.
    ///
    /// # Errors
    /// The limit that is exceeded, and how many events to count as left out. The event must not be kept.
    pub fn admit(&mut self, event: &mut Event) -> Result<(), (Surplus, u64)> {
        match event {
            Event::Note(note) => {
                cut(&mut note.text, MAX_ID_BYTES);
                self.beside(Surplus::Notes, MAX_PASSED, note.text.len())
            }
            Event::Unknown { kind, raw } => {
                cut(kind, MAX_WORD_BYTES);
                cut(raw, MAX_RAW_BYTES);
                self.beside(Surplus::Unknown, MAX_PASSED, kind.len() + raw.len())
            }
            Event::Citation(citation) => {
                let mut bytes = 0;
                for text in [&mut citation.url, &mut citation.title, &mut citation.quote] {
                    cut_if_any(text, MAX_RAW_BYTES);
                    bytes += text.as_ref().map_or(0, String::len);
                }
                self.beside(Surplus::Citations, MAX_PASSED, bytes)
            }
            Event::Timing { name, .. } => {
                cut(name, MAX_WORD_BYTES);
                self.count_one(Surplus::Timings, MAX_TIMINGS)
            }
            Event::Meta { id, model } => {
                cut_if_any(id, MAX_ID_BYTES);
                cut_if_any(model, MAX_ID_BYTES);
                self.count_one(Surplus::Names, MAX_NAMES)
            }
            Event::Echo { .. } => self.count_one(Surplus::Names, MAX_NAMES),
            Event::Signature { value } => self.item(value.len(), u64::MAX),
            Event::Opaque { kind, raw } => self.item(kind.len() + raw.len(), MAX_ITEMS),
            Event::Media(_) => self.count_one(Surplus::Files, MAX_FILES),
            Event::ToolCall(delta) => {
                cut_if_any(&mut delta.id, MAX_RAW_BYTES);
                self.call(delta.index)
            }
            Event::Finish(finish) => {
                cut(&mut finish.raw, MAX_WORD_BYTES);
                Ok(())
            }
            Event::Fault(fault) => {
                cut(&mut fault.message, MAX_RAW_BYTES);
                cut_if_any(&mut fault.code, MAX_WORD_BYTES);
                cut_if_any(&mut fault.details, MAX_RAW_BYTES);
                Ok(())
            }
            Event::Text { .. }
            | Event::Reasoning { .. }
            | Event::Refusal { .. }
            | Event::Usage(_)
            | Event::Done
            | Event::KeepAlive { .. }
            | Event::LeftOut { .. } => Ok(()),
        }
    }

    fn count_one(&mut self, what: Surplus, most: u64) -> Result<(), (Surplus, u64)> {
        let counts = &mut self.counts[what as usize];
        if *counts >= most {
            return Err((what, 1));
        }
        *counts += 1;
        Ok(())
    }

    fn beside(&mut self, what: Surplus, most: u64, bytes: usize) -> Result<(), (Surplus, u64)> {
        if self.beside_bytes + bytes > MAX_BESIDE_BYTES {
            return Err((what, 1));
        }
        self.count_one(what, most)?;
        self.beside_bytes += bytes;
        Ok(())
    }

    fn item(&mut self, bytes: usize, most: u64) -> Result<(), (Surplus, u64)> {
        if self.item_bytes + bytes > MAX_ITEM_BYTES {
            // A signature with a missing piece is useless, so no further piece is kept either.
            self.item_bytes = MAX_ITEM_BYTES;
            return Err((Surplus::Items, 1));
        }
        self.count_one(Surplus::Items, most)?;
        self.item_bytes += bytes;
        Ok(())
    }

    /// Each call that is left out counts once, however many fragments it has.
    fn call(&mut self, index: usize) -> Result<(), (Surplus, u64)> {
        let Some(over) = index.checked_sub(MAX_CALLS) else {
            return Ok(());
        };
        let more = (over + 1).saturating_sub(self.calls_over);
        self.calls_over += more;
        Err((Surplus::ToolCalls, more as u64))
    }
}

/// Truncates a text, and frees the memory of the rest.
fn cut(text: &mut String, most: usize) {
    if text.len() > most {
        *text = text[..text.floor_char_boundary(most)].to_owned();
    }
}

fn cut_if_any(text: &mut Option<String>, most: usize) {
    if let Some(text) = text {
        cut(text, most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{About, Citation, Note, ToolCallDelta};

    fn unknown(bytes: usize) -> Event {
        Event::Unknown {
            kind: "é".repeat(bytes),
            raw: "é".repeat(bytes),
        }
    }

    #[test]
    fn what_is_too_many_is_counted_and_what_is_too_long_is_cut() {
        let call = |index| {
            Event::ToolCall(ToolCallDelta {
                index,
                ..ToolCallDelta::default()
            })
        };
        for (mut event, what, kept) in [
            (
                Event::Note(Note::new(About::Form, "n")),
                Surplus::Notes,
                1_000,
            ),
            (unknown(1), Surplus::Unknown, 1_000),
            (unknown(1 << 20), Surplus::Unknown, 126),
            (
                Event::Citation(Citation::default()),
                Surplus::Citations,
                1_000,
            ),
            (call(MAX_CALLS), Surplus::ToolCalls, 0),
        ] {
            let mut budget = Budget::default();
            let admitted = (0..2_000).map(|_| budget.admit(&mut event));
            let kept_now = admitted.flatten().count();
            assert_eq!(kept_now, kept, "{what}");
        }
        let mut long = unknown(1 << 20);
        assert_eq!(Budget::default().admit(&mut long), Ok(()));
        let Event::Unknown { kind, raw } = &long else {
            panic!("{long:?}");
        };
        assert_eq!((kind.len(), raw.len()), (MAX_WORD_BYTES, MAX_RAW_BYTES));
        assert!(raw.capacity() < 2 * MAX_RAW_BYTES, "the rest is given back");
    }

    #[test]
    fn a_call_that_is_left_out_counts_once() {
        let mut budget = Budget::default();
        let mut counted = 0;
        for index in (0..3 * MAX_CALLS).chain(0..3 * MAX_CALLS) {
            let mut event = Event::ToolCall(ToolCallDelta {
                index,
                ..ToolCallDelta::default()
            });
            counted += budget.admit(&mut event).err().map_or(0, |(_, more)| more);
        }
        assert_eq!(counted, 2 * MAX_CALLS as u64);
    }
}

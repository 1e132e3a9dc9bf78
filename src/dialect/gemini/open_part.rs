//! Which part of the answer the next piece of text may continue.

use crate::event::Event;

/// The part that the next piece of text may continue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::dialect) enum OpenPart {
    #[default]
    None,
    Text,
    Reasoning,
}

impl OpenPart {
    /// A piece of such a part.
    pub(in crate::dialect) fn piece(self, text: String) -> Event {
        match self {
            Self::Reasoning => Event::Reasoning { text },
            _ => Event::Text { text },
        }
    }
}

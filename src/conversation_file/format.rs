//! The formats that conversations are written in.

use std::path::Path;

use super::{html::HtmlWriter, json::JsonWriter, markdown::MarkdownWriter};
use crate::{event::words, history::ConversationWriter, price::PriceTable};

words! {
    /// A format of a file of conversations. Its word is the ending of the file's name.
    ConversationFormat {
        /// Text with headings, for people and other programs.
        Markdown = "md",
        /// Tokenscope's own, which can be imported again.
        Json = "json",
        /// A page that needs nothing else, with figures and how they were made.
        Html = "html",
    }
}

/// How much of a conversation is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// All of it.
    Whole,
    /// The last question of each pane with its answers.
    LastTurn,
}

impl ConversationFormat {
    /// The format of a file, by the ending of its name.
    #[must_use]
    pub fn of_name(file: &Path) -> Option<Self> {
        let ending = file.extension()?.to_str()?.to_ascii_lowercase();
        Self::parse(&ending)
    }

    /// What writes a file; costs are those by these prices.
    #[must_use]
    pub fn writer(self, extent: Extent, prices: PriceTable) -> Box<dyn ConversationWriter> {
        let writer: Box<dyn ConversationWriter> = match self {
            Self::Markdown => Box::new(MarkdownWriter::default()),
            Self::Json => Box::new(JsonWriter::default()),
            Self::Html => Box::new(HtmlWriter::new(prices)),
        };
        match extent {
            Extent::Whole => writer,
            Extent::LastTurn => Box::new(super::last_turn::LastTurnWriter(writer)),
        }
    }
}

//! Conversations in files: written as Markdown, HTML or JSON, and read from that JSON and from what ChatGPT, Claude and
//! Cherry Studio export.
//!
//! In: a file, or conversations of the history. Out: [`ArchivedConversation`]s and what was left out of them; or a file.
//! A reader is one file here and its line in `read`. A file is read once from its begin to its end, within
//! limits of memory, and is refused as a whole, with the place of what is wrong.

mod chatgpt;
mod cherry_studio;
mod claude;
mod format;
mod html;
mod json;
mod last_turn;
mod left_out;
mod limits;
mod markdown;
mod read;
mod thread;

use crate::conversation::archive::ArchivedConversation;

pub use self::{
    format::{ConversationFormat, Extent},
    left_out::LeftOut,
    markdown::pane_markdown,
    read::{ConversationFileError, read_file},
};

/// What a file has.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReadConversations {
    /// Which program wrote it.
    pub source: &'static str,
    /// Its conversations, in its order; those without a message are left out.
    pub conversations: Vec<ArchivedConversation>,
    /// What of it is not in them.
    pub left_out: LeftOut,
}

//! Our own format: one JSON object with its `format`, its `version`, and `conversations`, each an
//! [`ArchivedConversation`].

use std::{
    collections::HashMap,
    io::{self, Write},
};

use crate::{
    conversation::{
        Conversation,
        archive::{ArchivedConversation, VERSION},
    },
    history::ConversationWriter,
    run::{Run, RunId},
};

/// What `format` says.
pub(super) const FORMAT: &str = "tokenscope-conversations";

/// The program that wrote a file.
pub(super) const SOURCE: &str = "Tokenscope";

/// Writes the format, a conversation a line.
#[derive(Debug, Default)]
pub(super) struct JsonWriter {
    has_any: bool,
}

impl ConversationWriter for JsonWriter {
    fn begin(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let program = concat!("Tokenscope ", env!("CARGO_PKG_VERSION"));
        write!(
            out,
            "{{\"format\":\"{FORMAT}\",\"version\":{VERSION},\"program\":\"{program}\",\"conversations\":["
        )
    }

    fn put(
        &mut self,
        conversation: &Conversation,
        runs: &HashMap<RunId, Run>,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let comma = if self.has_any { ",\n" } else { "\n" };
        out.write_all(comma.as_bytes())?;
        self.has_any = true;
        let archived = ArchivedConversation::of(conversation, runs);
        Ok(serde_json::to_writer(out, &archived)?)
    }

    fn end(&mut self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(b"\n]}\n")
    }
}

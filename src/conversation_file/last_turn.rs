//! Writes only the last question of each pane with its answers.

use std::{
    collections::HashMap,
    io::{self, Write},
};

use crate::{
    conversation::Conversation,
    history::ConversationWriter,
    run::{Run, RunId},
};

/// Gives another writer conversations with one turn a pane.
pub(super) struct LastTurnWriter(pub(super) Box<dyn ConversationWriter>);

impl ConversationWriter for LastTurnWriter {
    fn begin(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.0.begin(out)
    }

    fn put(
        &mut self,
        conversation: &Conversation,
        runs: &HashMap<RunId, Run>,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let mut short = conversation.clone();
        for pane in &mut short.panes {
            let before = pane.turns.len().saturating_sub(1);
            pane.turns.drain(..before);
        }
        self.0.put(&short, runs, out)
    }

    fn end(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.0.end(out)
    }
}

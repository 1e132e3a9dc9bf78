//! One HTML page that needs nothing else: see [`report`](crate::report).

use std::{
    collections::HashMap,
    io::{self, Write},
};

use crate::{
    conversation::Conversation,
    history::ConversationWriter,
    price::PriceTable,
    report::ConversationPage,
    run::{Run, RunId},
};

/// Writes a page, with a section for each conversation.
#[derive(Debug)]
pub(super) struct HtmlWriter(ConversationPage);

impl HtmlWriter {
    pub(super) fn new(prices: PriceTable) -> Self {
        Self(ConversationPage::new(prices))
    }
}

impl ConversationWriter for HtmlWriter {
    fn begin(&mut self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(self.0.begin().as_bytes())
    }

    fn put(
        &mut self,
        conversation: &Conversation,
        runs: &HashMap<RunId, Run>,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        out.write_all(self.0.section(conversation, runs).as_bytes())
    }

    fn end(&mut self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(self.0.end().as_bytes())
    }
}

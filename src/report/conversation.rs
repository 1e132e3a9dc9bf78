//! Conversations as a page: each turn with its answers side by side and their figures, and how these were made.
//!
//! In: conversations with their runs, one after another. Out: the pieces of the page, so that it may be longer than
//! memory.

mod method;
mod turn;

use std::collections::HashMap;

use super::{
    heading::{MADE_BY, facts, simulated_note},
    html::{END, Html, begin_page},
    number::{count_text, minute_text},
};
use crate::{
    conversation::{Conversation, Pane, archive::without_secrets},
    price::PriceTable,
    run::{Run, RunId},
};

/// A page of conversations that is being written.
#[derive(Debug)]
pub struct ConversationPage {
    prices: PriceTable,
}

impl ConversationPage {
    /// A page whose costs are those by these prices.
    #[must_use]
    pub fn new(prices: PriceTable) -> Self {
        Self { prices }
    }

    /// What stands before the first conversation.
    #[must_use]
    pub fn begin(&self) -> String {
        begin_page("Tokenscope conversation").into_string()
    }

    /// A conversation with the answers that it shows, of those that are in `runs`.
    #[must_use]
    pub fn section(&self, conversation: &Conversation, runs: &HashMap<RunId, Run>) -> String {
        let mut html = Html::default();
        html.raw("<article class=\"conversation\">\n");
        header(&mut html, conversation, runs);
        let turns = conversation.panes.iter().map(|pane| pane.turns.len()).max();
        for at in 0..turns.unwrap_or_default() {
            turn::section(&mut html, conversation, at, (runs, &self.prices));
        }
        html.raw("</article>\n");
        html.into_string()
    }

    /// What stands after the last conversation.
    #[must_use]
    pub fn end(&self) -> String {
        let mut html = Html::default();
        method::section(&mut html);
        html.raw(END);
        html.into_string()
    }
}

fn header(html: &mut Html, conversation: &Conversation, runs: &HashMap<RunId, Run>) {
    let title = match conversation.title.trim() {
        "" => "Untitled",
        title => title,
    };
    html.raw("<header>\n");
    html.words("h1", "", title);
    let panes = conversation.panes.iter().zip(1..);
    let panes = panes.map(|(pane, number)| ("Pane", format!("{number}: {}", asked_with(pane))));
    let changed = format!("{} UTC", minute_text(conversation.updated_unix_ns));
    let mut named = vec![("Last changed", changed)];
    named.extend(panes);
    named.push(("Made by", MADE_BY.to_owned()));
    facts(html, named);
    let shown: Vec<&Run> = shown_runs(conversation, runs).collect();
    let simulated = shown.iter().filter(|run| run.head.simulated).count();
    simulated_note(html, simulated, shown.len(), "answers");
    html.raw("</header>\n");
}

/// The answers that a conversation shows.
fn shown_runs<'a>(
    conversation: &'a Conversation,
    runs: &'a HashMap<RunId, Run>,
) -> impl Iterator<Item = &'a Run> {
    let turns = conversation.panes.iter().flat_map(|pane| &pane.turns);
    turns.filter_map(|turn| runs.get(&turn.run()?))
}

/// What a pane asks, and with which settings.
fn asked_with(pane: &Pane) -> String {
    let mut words = vec![match &pane.target {
        Some(target) => target.to_string(),
        None => "no model chosen".to_owned(),
    }];
    let params = serde_json::to_string(&without_secrets(pane.params.clone()));
    words.extend(params.ok().filter(|params| params != "{}"));
    if !pane.tools.is_empty() {
        words.push(format!("{} tools", count_text(pane.tools.len())));
    }
    if pane.cold {
        words.push("a new connection for each request".to_owned());
    }
    let system = pane.system.trim();
    if !system.is_empty() {
        words.push(format!("system prompt: {system}"));
    }
    words.join("; ")
}

//! What an answer says beside its content: why it was blocked, its sources, oddities, unknown fields. Each is
//! told once.

use super::decode::GeminiReader;
use crate::{
    body::{
        excerpt::capped,
        json::{self, Fields, Raw},
        text::JoinedText,
    },
    event::{About, Citation, Event, FinishReason, Note},
};

impl GeminiReader {
    /// The prompt was refused, for this reason or with this message, if there is either.
    pub(in crate::dialect) fn blocked(
        &mut self,
        reason: Option<String>,
        message: Option<String>,
        out: &mut Vec<Event>,
    ) {
        // The enum's zero may be left out.
        let unnamed = message
            .is_some()
            .then(|| "BLOCK_REASON_UNSPECIFIED".to_owned());
        if let Some(reason) = reason.or(unnamed) {
            self.note_text("why it was blocked", message, out);
            self.finish_with(FinishReason::ContentFilter, &reason, out);
        }
    }

    /// A rating that blocked the answer.
    pub(in crate::dialect) fn rated(
        &mut self,
        category: &str,
        probability: &str,
        out: &mut Vec<Event>,
    ) {
        self.note(
            About::Aside,
            &format!("blocked for {category}: {probability}"),
            out,
        );
    }

    /// A page that was not read.
    pub(in crate::dialect) fn unread(&mut self, url: &str, status: &str, out: &mut Vec<Event>) {
        self.note(About::Aside, &format!("{url} was not read: {status}"), out);
    }

    /// What was searched for.
    pub(in crate::dialect) fn searched(&mut self, queries: Vec<String>, out: &mut Vec<Event>) {
        for query in queries.into_iter().filter(|query| !query.is_empty()) {
            self.note_text("searched for", Some(query), out);
        }
    }

    pub(in crate::dialect) fn cite(&mut self, citations: Vec<Citation>, out: &mut Vec<Event>) {
        for citation in citations {
            let Citation { url, title, quote } = citation.clone();
            if self.cited.insert([url, title, quote]) {
                out.push(Event::Citation(citation));
            }
        }
    }

    /// Notes what a text of the provider's says.
    pub(in crate::dialect) fn note_text(
        &mut self,
        what: &str,
        text: Option<String>,
        out: &mut Vec<Event>,
    ) {
        if let Some(text) = text {
            let text = capped(text.trim().trim_end_matches('.').to_owned(), 1_000);
            self.note(About::Aside, &format!("{what}: {text}"), out);
        }
    }

    pub(super) fn note_message(
        &mut self,
        what: &str,
        raw: Raw<'_>,
        name: &str,
        out: &mut Vec<Event>,
    ) {
        let message = Fields::of(raw)
            .ok()
            .and_then(|fields| fields.get(name).and_then(json::string));
        self.note_text(what, message, out);
    }

    /// Notes how a piece of text fitted to the one before it.
    pub(super) fn note_repairs(&mut self, piece: &JoinedText, out: &mut Vec<Event>) {
        for text in piece.repairs() {
            self.note(About::Form, text, out);
        }
    }

    /// Notes something once.
    pub(in crate::dialect) fn note(&mut self, about: About, text: &str, out: &mut Vec<Event>) {
        const MAX_NOTES: usize = 64;
        if self.noted.len() < MAX_NOTES && self.noted.insert(text.to_owned()) {
            Note::emit(about, text, out);
        }
    }

    /// Keeps a field that this reader does not know, if some text stands in it.
    pub(super) fn unknown(
        &mut self,
        kind: &str,
        raw: Raw<'_>,
        out: &mut Vec<Event>,
    ) -> serde_json::Result<()> {
        const MAX_KINDS: usize = 64;
        let same = |last: &String| last == raw.get();
        if !json::holds_text(raw)? || self.unknown.get(kind).is_some_and(same) {
            return Ok(());
        }
        let (kind, raw) = (kind.to_owned(), raw.get().to_owned());
        if self.unknown.len() < MAX_KINDS || self.unknown.contains_key(&kind) {
            self.unknown.insert(kind.clone(), raw.clone());
        }
        out.push(Event::Unknown { kind, raw });
        Ok(())
    }
}

//! What an answer has besides its content: why it was blocked, citations, notes, unknown fields. Each is emitted once.

use super::{decode::GeminiReader, finish::class_of, sources};
use crate::{
    body::{
        excerpt::capped,
        json::{self, Fields, Raw},
        text::JoinedText,
    },
    event::{About, Citation, Event, FinishReason, Note},
};

impl GeminiReader {
    /// Ends the answer if the prompt was blocked: if there is a reason or a message.
    pub(in crate::dialect) fn finish_blocked(
        &mut self,
        reason: Option<String>,
        message: Option<String>,
        out: &mut Vec<Event>,
    ) {
        // The enum's default may be left out.
        let unnamed = message
            .is_some()
            .then(|| "BLOCK_REASON_UNSPECIFIED".to_owned());
        if let Some(reason) = reason.or(unnamed) {
            self.refuse(message, out);
            self.finish_with(FinishReason::ContentFilter, &reason, out);
        }
    }

    /// Tells Google's message on why the answer ended: in place of what a filter stopped, or in a note.
    pub(in crate::dialect) fn explain(
        &mut self,
        reason: Option<&str>,
        message: Option<String>,
        out: &mut Vec<Event>,
    ) {
        if reason.is_some_and(|word| class_of(word, 0) == FinishReason::ContentFilter) {
            self.refuse(message, out);
        } else {
            self.note_text("why it ended", message, out);
        }
    }

    /// Emits Google's words on what it does not answer: other protocols have a place for a refusal. Each chunk may repeat
    /// them.
    fn refuse(&mut self, message: Option<String>, out: &mut Vec<Event>) {
        let text = message.filter(|text| !text.is_empty());
        if let Some(text) = text.filter(|text| self.noted.insert(format!("refusal: {text}"))) {
            out.push(Event::Refusal { text });
        }
    }

    /// Notes a safety rating that blocked the answer.
    pub(in crate::dialect) fn note_rating(
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

    /// Notes a URL that the model could not read.
    pub(in crate::dialect) fn note_unread_url(
        &mut self,
        url: &str,
        status: &str,
        out: &mut Vec<Event>,
    ) {
        self.note(About::Aside, &format!("{url} was not read: {status}"), out);
    }

    /// Notes search queries.
    pub(in crate::dialect) fn note_queries(&mut self, queries: Vec<String>, out: &mut Vec<Event>) {
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

    /// Notes a text of the provider.
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

    /// Notes repairs of a piece of text (surrogate halves).
    pub(super) fn note_repairs(&mut self, piece: &JoinedText, out: &mut Vec<Event>) {
        for text in piece.repairs() {
            self.note(About::Form, text, out);
        }
    }

    /// Emits a note, unless the same was emitted before.
    pub(in crate::dialect) fn note(&mut self, about: About, text: &str, out: &mut Vec<Event>) {
        const MAX_NOTES: usize = 64;
        if self.noted.len() < MAX_NOTES && self.noted.insert(text.to_owned()) {
            Note::emit(about, text, out);
        }
    }

    /// Emits an unknown field as raw JSON, if it holds text.
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

    /// Notes the safety ratings that blocked the answer.
    pub(super) fn read_ratings(&mut self, raw: Raw<'_>, out: &mut Vec<Event>) {
        let ratings = json::elements(raw).into_iter().flatten();
        for rating in ratings.filter_map(|rating| Fields::of(rating).ok()) {
            if rating
                .get("blocked")
                .is_some_and(|blocked| blocked.get() == "true")
            {
                let text = |name| rating.get(name).and_then(json::string);
                let category = text("category").unwrap_or_default();
                let probability = text("probability").unwrap_or_default();
                self.note_rating(&category, &probability, out);
            }
        }
    }

    /// Cites the pages that the model read, and notes those that it could not.
    pub(super) fn read_urls(&mut self, raw: Raw<'_>, out: &mut Vec<Event>) {
        let (read, failed) = sources::urls(raw);
        self.cite(read, out);
        for (url, status) in failed {
            self.note_unread_url(&url, &status, out);
        }
    }
}

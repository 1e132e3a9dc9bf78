//! Token counts, and notes on impossible ones.

use crate::{
    body::json::Raw,
    dialect::openai_chat::fields::usage_of,
    event::{About, Event, Note, Usage},
};

/// Emits the counts of a response, and notes impossible ones.
pub(super) fn emit(raw: Raw<'_>, out: &mut Vec<Event>) {
    let (usage, note) = usage_of(raw);
    let more = |part: Option<u64>, whole: Option<u64>| whole.is_some() && part > whole;
    let checks = [
        (
            more(usage.cached, usage.input),
            "more cached tokens than input tokens",
        ),
        (
            more(usage.reasoning, usage.output),
            "more reasoning tokens than output tokens",
        ),
    ];
    let notes = checks.iter().filter_map(|(is, text)| is.then_some(*text));
    for text in note.into_iter().chain(notes) {
        Note::emit(About::Usage, text, out);
    }
    out.extend((usage != Usage::default()).then_some(Event::Usage(usage)));
}

//! Token counts, and what is odd about them.

use crate::{
    body::json::Raw,
    dialect::openai_chat::fields::usage_of,
    event::{About, Event, Note, Usage},
};

/// Tells the counts of a response, and notes what can't be true of them.
pub(super) fn emit(raw: Raw<'_>, out: &mut Vec<Event>) {
    let (usage, odd) = usage_of(raw);
    let more = |part: Option<u64>, whole: Option<u64>| whole.is_some() && part > whole;
    let odds = [
        (
            more(usage.cached, usage.input),
            "more cached tokens than input tokens were counted",
        ),
        (
            more(usage.reasoning, usage.output),
            "more reasoning tokens than output tokens were counted",
        ),
    ];
    let odds = odds.iter().filter_map(|(is, text)| is.then_some(*text));
    for text in odd.into_iter().chain(odds) {
        Note::emit(About::Usage, text, out);
    }
    out.extend((usage != Usage::default()).then_some(Event::Usage(usage)));
}

//! Token counts, and what is odd about them.

use serde_json::value::RawValue;

use crate::{
    body::json,
    dialect::openai_chat::fields::usage_of,
    event::{About, Event, Note, Usage},
};

/// Tells the counts of a response, and notes what can't be true of them.
pub(super) fn tell(raw: &RawValue, out: &mut Vec<Event>) {
    let usage = usage_of(raw);
    let stated = json::value(raw.get()).unwrap_or_default();
    let is_odd = |path: &&str| {
        let count = stated.pointer(path);
        count.is_some_and(|count| !count.is_null() && !count.is_u64())
    };
    let counts = ["/input_tokens", "/output_tokens", "/total_tokens"];
    let more = |part: Option<u64>, whole: Option<u64>| whole.is_some() && part > whole;
    let odds = [
        (
            counts.iter().any(is_odd),
            "a token count is no whole number",
        ),
        (
            more(usage.cached, usage.input),
            "more cached tokens than input tokens were counted",
        ),
        (
            more(usage.reasoning, usage.output),
            "more reasoning tokens than output tokens were counted",
        ),
    ];
    for (_, text) in odds.iter().filter(|(is, _)| *is) {
        Note::tell(About::Usage, *text, out);
    }
    out.extend((usage != Usage::default()).then_some(Event::Usage(usage)));
}

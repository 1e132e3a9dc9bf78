//! What a line says about the work itself: how long each step took, how many tokens there were, and why
//! the answer ended.

use crate::{
    body::{count::count, json::Fields},
    event::{About, Event, FinishReason, Note, Usage},
};

/// Nanoseconds by the server's clock. The sum of the others is a little less than the total.
const TIMINGS: &[&str] = &[
    "total_duration",
    "load_duration",
    "prompt_eval_duration",
    "eval_duration",
];

const COUNTS: &[&str] = &["prompt_eval_count", "eval_count"];

/// Whether a field of a line is a timing or a count.
pub(super) fn reads(name: &str) -> bool {
    TIMINGS.contains(&name) || COUNTS.contains(&name)
}

/// Tells the timings and the counts of a line; a number of neither kind is noted.
pub(super) fn read(line: &Fields<'_>, out: &mut Vec<Event>) {
    for name in TIMINGS {
        if let Some(ns) = number(line, name, out) {
            let name = (*name).to_owned();
            out.push(Event::Timing { name, ns });
        }
    }
    let usage = Usage {
        // Left out by older servers when the whole prompt was in their cache.
        input: number(line, COUNTS[0], out),
        output: number(line, COUNTS[1], out),
        ..Usage::default()
    };
    if usage != Usage::default() {
        out.push(Event::Usage(usage));
    }
}

fn number(line: &Fields<'_>, name: &str, out: &mut Vec<Event>) -> Option<u64> {
    let number = count(line.stated(name)?);
    if number.is_none() {
        let about = if name.ends_with("_count") {
            About::Usage
        } else {
            About::Form
        };
        Note::emit(about, format!("{name} is no whole number"), out);
    }
    number
}

/// Our class of a `done_reason`. The server says `stop` where the model waits for tool results, too.
pub(super) fn finish_class(word: &str, called: bool) -> FinishReason {
    match word {
        "stop" if called => FinishReason::ToolCalls,
        "stop" => FinishReason::Stop,
        "length" => FinishReason::Length,
        // `load` and `unload`: a request without a message only moved the model into memory, or out of it.
        _ => FinishReason::Other,
    }
}

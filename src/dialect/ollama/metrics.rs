//! The metrics of a line: the time of each step, token counts, and the finish class.

use crate::{
    body::{count::count, json::Fields},
    event::{About, Event, FinishReason, Note, Usage},
};

/// Times in nanoseconds by the server's clock. The others sum to a little less than the total.
const TIMINGS: &[&str] = &[
    "total_duration",
    "load_duration",
    "prompt_eval_duration",
    "eval_duration",
];

const COUNTS: &[&str] = &["prompt_eval_count", "eval_count"];

/// Whether a field of a line is a timing or a count.
pub(super) fn is_metric(name: &str) -> bool {
    TIMINGS.contains(&name) || COUNTS.contains(&name)
}

/// Emits the times and counts of a line; invalid numbers are noted.
pub(super) fn read(line: &Fields<'_>, out: &mut Vec<Event>) {
    for name in TIMINGS {
        if let Some(ns) = number(line, name, out) {
            let name = (*name).to_owned();
            out.push(Event::Timing { name, ns });
        }
    }
    let usage = Usage {
        // Older servers leave it out if the whole prompt was cached.
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
        Note::emit(about, format!("{name} is not a whole number"), out);
    }
    number
}

/// Our class of a `done_reason`. The server also sends `stop` when the model waits for tool results.
pub(super) fn finish_class(word: &str, has_calls: bool) -> FinishReason {
    match word {
        "stop" if has_calls => FinishReason::ToolCalls,
        "stop" => FinishReason::Stop,
        "length" => FinishReason::Length,
        // `load` and `unload`: a request without messages only loads the model, or unloads it.
        _ => FinishReason::Other,
    }
}

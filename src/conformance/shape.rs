//! Whether what came has the shape that the protocol gives it.

use serde_json::value::RawValue;

use super::{Finding, counts::ON_COUNTS, heeded::wanted_choices, is_whole};
use crate::{
    body::{SAID_BESIDE, TYPE_NOTE},
    event::FinishReason,
    hints::NOT_SENT,
    run::Run,
};

/// Words of the decoders' notes on end marks.
const ON_END_MARKS: &[&str] = &[
    "[DONE]",
    "message_stop",
    "end mark",
    "ended twice",
    "the end of the first",
];
/// Words of the decoders' notes on types.
const ON_TYPES: &[&str] = &[TYPE_NOTE, "a plain JSON answer came"];
/// Words of the decoders' notes on reasons to end.
const ON_FINISH: &[&str] = &["stop_reason", "finish reason"];
/// Words of the decoders' notes on answers beside the one that is shown.
pub(super) const ON_OTHERS: &[&str] =
    &["more than one choice came", "more than one candidate came"];
/// What begins notes that tell of the answer, the way to it or our own doing, and of nothing odd. The
/// provider's own words may follow.
const NOT_ODD: &[&str] = &[
    NOT_SENT,
    SAID_BESIDE,
    "blocked for ",
    "why it ended: ",
    "why it was blocked: ",
    "searched for: ",
    "what the audio says: ",
    "the model's status: ",
    "the answer came compressed",
    "the connection stayed open",
    "after the answer's end, ",
    "asked by ",
    "HTTP/2, which gRPC needs, was refused",
];

/// What stands between the address of a source and why the provider did not read it.
const NOT_READ: &str = " was not read: ";

/// The run's notes that hold one of these words.
pub(super) fn notes_on(run: &Run, words: &[&str]) -> Vec<String> {
    let hit = odd_notes(run).filter(|(note, _)| words.iter().any(|word| note.contains(word)));
    hit.map(counted).collect()
}

fn odd_notes(run: &Run) -> impl Iterator<Item = &(String, u64)> {
    let is_odd = |note: &str| {
        !NOT_ODD.iter().any(|begin| note.starts_with(begin)) && !note.contains(NOT_READ)
    };
    run.answer
        .notes
        .iter()
        .filter(move |(note, _)| is_odd(note))
}

/// A note, with how often it came.
fn counted((note, times): &(String, u64)) -> String {
    match times {
        0 | 1 => note.clone(),
        times => format!("{note} ({times} times)"),
    }
}

/// Whether a note is told by one of these findings.
#[must_use]
pub fn is_told(note: &str, findings: &[Finding]) -> bool {
    let told = |finding: &Finding| finding.text.starts_with(note) || note.ends_with(&finding.text);
    findings.iter().any(told)
}

pub(super) fn finish(run: &Run) -> Vec<String> {
    let noted = notes_on(run, ON_FINISH);
    if !noted.is_empty() || !is_whole(run) {
        return noted;
    }
    let calls = !run.answer.tool_calls.is_empty();
    let odd = match &run.answer.finish {
        None => Some("the answer did not say why it ended".to_owned()),
        Some(f) if f.reason == FinishReason::ToolCalls && !calls => {
            Some(format!("it ended with “{}”, yet nothing was called", f.raw))
        }
        Some(f) if f.reason == FinishReason::Stop && calls => Some(format!(
            "it ended with “{}”, yet it waits for results",
            f.raw
        )),
        Some(_) => None,
    };
    odd.into_iter().collect()
}

pub(super) fn end_mark(run: &Run) -> Vec<String> {
    notes_on(run, ON_END_MARKS)
}

pub(super) fn content_type(run: &Run) -> Vec<String> {
    notes_on(run, ON_TYPES)
}

/// Every other note, and calls whose arguments can't be read.
pub(super) fn malformed(run: &Run) -> Vec<String> {
    let several = wanted_choices(&run.head.request.params) > Some(1);
    let wanted = if several { ON_OTHERS } else { &[] };
    let told = [ON_COUNTS, ON_END_MARKS, ON_TYPES, ON_FINISH, wanted];
    let is_told = |note: &str| told.iter().any(|on| on.iter().any(|w| note.contains(w)));
    let notes = odd_notes(run).filter(|(note, _)| !is_told(note));
    let calls = run.answer.tool_calls.iter().filter(|_| is_whole(run));
    let broken = calls.filter(|call| {
        let arguments = call.arguments.trim();
        !arguments.is_empty() && serde_json::from_str::<&RawValue>(arguments).is_err()
    });
    let broken = broken.map(|call| format!("the arguments of “{}” are not JSON", call.name));
    notes.map(counted).chain(broken).collect()
}

pub(super) fn unknown(run: &Run) -> Vec<String> {
    let mut kinds: Vec<String> = Vec::new();
    for (kind, _) in &run.answer.unknown {
        if !kinds.contains(kind) {
            kinds.push(kind.clone());
        }
    }
    kinds
}

//! Whether the response has the form that the protocol specifies.

use serde_json::value::RawValue;

use super::{Finding, heeded::wanted_choices, is_whole, notes_on};
use crate::{
    event::{About, FinishReason},
    run::Run,
};

/// Whether a note is told by one of these findings.
#[must_use]
pub fn is_told(note: &str, findings: &[&Finding]) -> bool {
    let told = |finding: &&Finding| finding.text.starts_with(note) || note.ends_with(&finding.text);
    findings.iter().any(told)
}

pub(super) fn finish(run: &Run) -> Vec<String> {
    let noted = notes_on(run, About::Finish);
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
    notes_on(run, About::EndMark)
}

pub(super) fn content_type(run: &Run) -> Vec<String> {
    notes_on(run, About::ContentType)
}

/// What came in another form than asked or documented, and calls whose arguments can't be read.
pub(super) fn malformed(run: &Run) -> Vec<String> {
    let several = wanted_choices(&run.head.request.params) > Some(1);
    let mut notes = notes_on(run, About::Form);
    if !several {
        notes.extend(notes_on(run, About::Others));
    }
    let calls = run.answer.tool_calls.iter().filter(|_| is_whole(run));
    let broken = calls.filter(|call| {
        let arguments = call.arguments.trim();
        !arguments.is_empty() && serde_json::from_str::<&RawValue>(arguments).is_err()
    });
    let broken = broken.map(|call| format!("the arguments of “{}” are not JSON", call.name));
    notes.into_iter().chain(broken).collect()
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

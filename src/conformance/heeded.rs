//! Whether parameters were respected, as far as the answer shows.

use serde_json::Value;

use super::{echoed, is_whole, names::is_same, notes_on, tools};
use crate::{
    chat::{Params, ResponseFormat},
    event::{About, AnswerPieceKind, FinishReason},
    hints::NOT_SENT,
    run::Run,
    schema,
};

pub(super) fn not_sent(run: &Run) -> Vec<String> {
    let notes = run.answer.notes.iter();
    let left_out = notes.filter(|(note, _)| note.about == About::NotSent);
    let left_out = left_out.map(|(note, _)| note.text.strip_prefix(NOT_SENT).unwrap_or(&note.text));
    left_out.map(str::to_owned).collect()
}

pub(super) fn other_model(run: &Run) -> Vec<String> {
    let asked = run.head.request.model.as_str();
    let other = run.answer.model.as_deref().filter(|m| !is_same(asked, m));
    other
        .map(|model| format!("{model} answered"))
        .into_iter()
        .collect()
}

pub(super) fn ignored(run: &Run) -> Vec<String> {
    let params = &run.head.request.params;
    let found = [
        over_limit(run, params),
        under_limit(run, params),
        over_stop(run, params),
        not_json(run, params),
        other_effort(run, params),
        one_choice(run, params),
        tools::not_offered(run),
        tools::not_as_chosen(run),
    ];
    let found = found.into_iter().flatten();
    found.chain(echoed::changed(run)).collect()
}

/// Reasoning is left out: some limits do not hold for it.
fn over_limit(run: &Run, params: &Params) -> Option<String> {
    let limit = u64::from(params.max_tokens?);
    let usage = run.answer.usage?;
    let visible = usage
        .generated()?
        .saturating_sub(usage.reasoning.unwrap_or(0));
    (visible > limit).then(|| format!("max_tokens {limit}: {visible} tokens came"))
}

/// An answer that was cut for its length long before the limit had another limit. One that filled the context
/// says so in other words.
fn under_limit(run: &Run, params: &Params) -> Option<String> {
    let limit = u64::from(params.max_tokens?);
    let finish = run.answer.finish.as_ref()?;
    let by_limit = finish.reason == FinishReason::Length && !finish.raw.contains("context");
    let came = run.answer.usage?.generated()?;
    (by_limit && came < limit / 2).then(|| format!("max_tokens {limit}: it was cut after {came}"))
}

fn over_stop(run: &Run, params: &Params) -> Option<String> {
    let stop = params
        .stop
        .iter()
        .find(|stop| !stop.is_empty() && run.answer.text.contains(stop.as_str()))?;
    Some(format!("stop: the answer holds “{}”", stop.escape_debug()))
}

fn not_json(run: &Run, params: &Params) -> Option<String> {
    let Some(ResponseFormat::JsonObject) = params.response_format else {
        return None;
    };
    let is_json = serde_json::from_str::<Value>(&run.answer.text).is_ok();
    (has_stopped(run) && !is_json).then(|| "response_format: the answer is not JSON".to_owned())
}

pub(super) fn off_schema(run: &Run) -> Vec<String> {
    let format = run.head.request.params.response_format.as_ref();
    let Some(ResponseFormat::JsonSchema { schema, .. }) = format else {
        return Vec::new();
    };
    if !has_stopped(run) || !run.answer.tool_calls.is_empty() {
        return Vec::new();
    }
    let validation_errors = schema::validation_errors(schema, &run.answer.text).into_iter();
    validation_errors
        .take(1)
        .map(|misfit| misfit.to_string())
        .collect()
}

/// Whether the model ended its text of its own accord.
fn has_stopped(run: &Run) -> bool {
    let finish = run.answer.finish.as_ref();
    let stopped = finish.is_some_and(|finish| finish.reason == FinishReason::Stop);
    is_whole(run) && stopped && !run.answer.text.is_empty()
}

/// Few words may be worth no thought where little effort was asked for; none at all is a promise.
fn other_effort(run: &Run, params: &Params) -> Option<String> {
    let effort = params.reasoning_effort.as_deref()?;
    match (effort, has_thought(run)) {
        ("none" | "off" | "0", true) => Some(format!("reasoning_effort {effort}: it reasoned")),
        ("" | "none" | "off" | "0" | "minimal" | "low" | "auto", _) | (_, true) => None,
        _ => is_whole(run)
            .then(|| format!("reasoning_effort {effort}: no reasoning was shown or counted")),
    }
}

/// Thoughts may be shown, counted, or come without words: signed or encrypted.
fn has_thought(run: &Run) -> bool {
    let answer = &run.answer;
    let counted = answer.usage.and_then(|usage| usage.reasoning) > Some(0);
    let wordless = answer.pieces.iter().any(|piece| match &piece.kind {
        AnswerPieceKind::Reasoning { .. } => true,
        AnswerPieceKind::Opaque { name, .. } => {
            name.contains("reasoning") || name.contains("thinking")
        }
        _ => false,
    });
    counted || wordless || !answer.reasoning.is_empty()
}

/// Several answers can be asked for beside the settings; that more than one came is noted.
fn one_choice(run: &Run, params: &Params) -> Option<String> {
    let wanted = wanted_choices(params)?;
    let came = !notes_on(run, About::Others).is_empty();
    (wanted > 1 && is_whole(run) && !came).then(|| format!("n {wanted}: a single answer came"))
}

/// How many answers were asked for, where that was said.
pub(super) fn wanted_choices(params: &Params) -> Option<u64> {
    let gemini = params
        .extra
        .get("generationConfig")
        .map(|g| &g["candidateCount"]);
    params.extra.get("n").or(gemini)?.as_u64()
}

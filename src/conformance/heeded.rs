//! Whether what was asked was heeded, as far as the answer shows.

use serde_json::Value;

use super::{is_whole, shape::notes_on};
use crate::{
    chat::{Params, ResponseFormat},
    event::FinishReason,
    hints::NOT_SENT,
    run::Run,
    schema,
};

pub(super) fn not_sent(run: &Run) -> Vec<String> {
    let notes = notes_on(run, &[NOT_SENT]).into_iter();
    let rest = |note: String| note.trim_start_matches(NOT_SENT).to_owned();
    notes.map(rest).collect()
}

pub(super) fn other_model(run: &Run) -> Vec<String> {
    let asked = run.head.request.model.as_str();
    let other = run.answer.model.as_deref().filter(|m| !is_same(asked, m));
    other
        .map(|model| format!("{model} answered"))
        .into_iter()
        .collect()
}

/// A provider may say a model's name without its vendor, or with the date of its version.
fn is_same(asked: &str, served: &str) -> bool {
    let bare = |name: &str| {
        let name = name.rsplit('/').next().unwrap_or(name).to_ascii_lowercase();
        name.trim_end_matches("-latest").to_owned()
    };
    let (asked, served) = (bare(asked), bare(served));
    asked.contains(&served) || served.contains(&asked)
}

pub(super) fn ignored(run: &Run) -> Vec<String> {
    let params = &run.head.request.params;
    let found = [
        over_limit(run, params),
        over_stop(run, params),
        not_json(run, params),
        no_reasoning(run, params),
        not_offered(run),
    ];
    found.into_iter().flatten().collect()
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
    let misfits = schema::misfits(schema, &run.answer.text).into_iter();
    misfits.take(1).map(|misfit| misfit.to_string()).collect()
}

/// Whether the model ended its text of its own accord.
fn has_stopped(run: &Run) -> bool {
    let finish = run.answer.finish.as_ref();
    let stopped = finish.is_some_and(|finish| finish.reason == FinishReason::Stop);
    is_whole(run) && stopped && !run.answer.text.is_empty()
}

fn no_reasoning(run: &Run, params: &Params) -> Option<String> {
    let effort = params.reasoning_effort.as_deref()?;
    let wants = !matches!(effort, "" | "none" | "off" | "minimal" | "auto" | "0");
    let counted = run.answer.usage.and_then(|usage| usage.reasoning) > Some(0);
    let thought = counted || !run.answer.reasoning.is_empty();
    (is_whole(run) && wants && !thought)
        .then(|| format!("reasoning_effort {effort}: no reasoning was shown or counted"))
}

fn not_offered(run: &Run) -> Option<String> {
    let request = &run.head.request;
    if request.tools.is_empty() || request.params.extra.contains_key("tools") {
        return None;
    }
    let offered = |name: &str| request.tools.iter().any(|tool| tool.name == name);
    let mut calls = run.answer.tool_calls.iter();
    let call = calls.find(|call| !offered(&call.name))?;
    Some(format!("tools: “{}” was called but not offered", call.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_its_vendor_or_date_is_the_same_models() {
        for (asked, served, same) in [
            ("gpt-4o-mini", "gpt-4o-mini-2024-07-18", true),
            ("openai/gpt-4o-mini", "gpt-4o-mini", true),
            (
                "claude-3-5-sonnet-latest",
                "claude-3-5-sonnet-20241022",
                true,
            ),
            ("models/gemini-3-flash", "gemini-3-flash", true),
            ("Llama3", "llama3:8b", true),
            ("gpt-4o", "gpt-3.5-turbo", false),
            ("gemini-3-pro", "gemini-3-flash", false),
        ] {
            assert_eq!(is_same(asked, served), same, "{asked} {served}");
        }
    }
}

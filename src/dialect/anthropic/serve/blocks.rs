//! The JSON of a message's blocks, its end and its counts.

use serde_json::{Map, Value, json};

use crate::{
    dialect::{anthropic::item, serve::finish_word},
    event::{Citation, Finish, FinishReason, Usage},
};

/// The protocol's words for why a message ended; the first of each class is the default.
const STOP_REASONS: &[(FinishReason, &str)] = &[
    (FinishReason::Stop, "end_turn"),
    (FinishReason::Stop, "stop_sequence"),
    (FinishReason::Length, "max_tokens"),
    (FinishReason::Length, "model_context_window_exceeded"),
    (FinishReason::ToolCalls, "tool_use"),
    (FinishReason::ContentFilter, "refusal"),
];

/// The `stop_reason` and the type of `stop_details` of a refusal.
pub(super) const REFUSAL: &str = "refusal";

/// Adds the named fields of a signature's JSON to the block.
pub(super) fn add_fields(block: &mut Value, signature: &str, names: &[&str]) {
    let fields = serde_json::from_str::<Map<String, Value>>(signature).ok();
    for (name, value) in fields.into_iter().flatten() {
        if names.contains(&name.as_str()) {
            block[name] = value;
        }
    }
}

/// The JSON of an item on one line, if it belongs to this protocol.
pub(super) fn known_item(kind: &str, raw: &str) -> Option<String> {
    let block: Value = serde_json::from_str(raw).ok()?;
    let is_ours = item::is_known(kind) && block["type"] == kind;
    is_ours.then(|| {
        if raw.contains(['\n', '\r']) {
            block.to_string()
        } else {
            raw.to_owned()
        }
    })
}

pub(super) fn ending(finish: &Finish, refused: bool, explanation: Option<String>) -> Value {
    let reason = if refused {
        REFUSAL
    } else {
        finish_word(STOP_REASONS, finish)
    };
    let mut ending = json!({ "stop_reason": reason, "stop_sequence": null });
    if let Some(explanation) = explanation {
        ending["stop_details"] = json!({ "type": REFUSAL, "explanation": explanation });
    }
    ending
}

/// The protocol's `input_tokens` exclude tokens read from and written to the cache.
pub(super) fn usage_json(usage: &Usage) -> Value {
    let (read, written) = (usage.cached.unwrap_or(0), usage.cache_written.unwrap_or(0));
    let cache = read.saturating_add(written);
    let input = usage.input.map(|input| input.saturating_sub(cache));
    let mut counts = json!({ "output_tokens": usage.generated().unwrap_or(0) });
    for (name, count) in [
        ("input_tokens", input),
        ("cache_creation_input_tokens", usage.cache_written),
        ("cache_read_input_tokens", usage.cached),
    ] {
        if let Some(count) = count {
            counts[name] = count.into();
        }
    }
    if let Some(thought) = usage.reasoning {
        counts["output_tokens_details"] = json!({ "thinking_tokens": thought });
    }
    counts
}

/// Adds sources that came by another protocol to the last text; this one's own stand in its blocks already.
pub(super) fn cite_last(content: &mut [Value], citations: &[Citation]) {
    let is_cited = content.iter().any(|block| block["citations"].is_array());
    let last = content.iter_mut().rfind(|block| block["type"] == "text");
    if let Some(last) = last.filter(|_| !is_cited && !citations.is_empty()) {
        last["citations"] = citations.iter().map(citation).collect();
    }
}

/// A citation that came by another protocol.
pub(super) fn citation(citation: &Citation) -> Value {
    json!({
        "type": "web_search_result_location", "url": citation.url, "title": citation.title,
        "cited_text": citation.quote, "encrypted_index": "",
    })
}

/// Whether a signature is fields of this protocol's.
pub(super) fn is_json(signature: Option<&str>) -> bool {
    signature.is_some_and(|value| value.starts_with('{'))
}

//! Fields of a request that the target's protocol has no place for: refused if they would change the answer.

use serde_json::{Map, Value};

/// Fields that do not change the answer: whom a request is counted for, how it is stored and cached.
const ASIDE: &[&str] = &[
    "client_metadata",
    "include",
    "keep_alive",
    "metadata",
    "prompt_cache_key",
    "prompt_cache_retention",
    "safety_identifier",
    "service_tier",
    "store",
    "stream_options",
    "user",
];

/// What was found among the fields that can't be translated.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Untranslated {
    /// Places of fields that would change the answer, as JSON pointers.
    pub refused: Vec<String>,
    /// Places of fields that would not.
    pub dropped: Vec<String>,
}

/// Sorts the places in a body that its reader found no field for.
pub(super) fn sort(body: &Value, places: &[String]) -> Untranslated {
    let mut sorted = Untranslated::default();
    for place in places {
        let value = body.pointer(place).unwrap_or(&Value::Null);
        if is_default(place, value) {
            continue;
        }
        let first = place.trim_start_matches('/').split('/').next();
        let list = if ASIDE.contains(&first.unwrap_or_default()) {
            &mut sorted.dropped
        } else {
            &mut sorted.refused
        };
        list.push(place.clone());
    }
    sorted
}

/// Whether a field says what would hold without it.
fn is_default(place: &str, value: &Value) -> bool {
    let is_empty = match value {
        Value::Null => true,
        Value::Object(fields) => fields.values().all(Value::is_null) || *fields == Map::new(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    };
    is_empty
        || match place {
            "/frequency_penalty" | "/presence_penalty" => value.as_f64() == Some(0.0),
            "/logprobs" | "/background" => value == &Value::Bool(false),
            "/parallel_tool_calls" => value == &Value::Bool(true),
            "/truncation" => value == "disabled",
            "/n" | "/candidateCount" => value.as_u64() == Some(1),
            _ => false,
        }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_changes_the_answer_is_refused() {
        let body = json!({
            "user": "u", "metadata": {"a": "b"}, "logit_bias": {"50256": -100}, "logprobs": false,
            "parallel_tool_calls": false, "frequency_penalty": 0, "presence_penalty": 0.5, "audio": null,
            "messages": [{"role": "user", "content": "x", "weight": 1}],
        });
        let places = [
            "/user",
            "/metadata",
            "/logit_bias",
            "/logprobs",
            "/parallel_tool_calls",
            "/frequency_penalty",
            "/presence_penalty",
            "/audio",
            "/messages/0/weight",
        ];
        let sorted = sort(&body, &places.map(str::to_owned));
        assert_eq!(sorted.dropped, ["/user", "/metadata"]);
        let refused = [
            "/logit_bias",
            "/parallel_tool_calls",
            "/presence_penalty",
            "/messages/0/weight",
        ];
        assert_eq!(sorted.refused, refused);
    }
}

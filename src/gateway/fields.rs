//! Fields of a request that the target's protocol has no place for: refused if they would change the answer.

use serde_json::{Map, Value, json};

/// Fields that do not change the answer: whom a request is counted for, how it is stored, cached and checked.
const ASIDE: &[&str] = &[
    "client_metadata",
    "context_management",
    "include",
    "keep_alive",
    "labels",
    "metadata",
    "prompt_cache_key",
    "prompt_cache_retention",
    "safetySettings",
    "safety_identifier",
    "service_tier",
    "store",
    "stream_options",
    "user",
];

/// The same, wherever they stand: marks for a cache, names and labels, how sharp a picture is looked at, whether a schema is
/// enforced, whether a call's arguments come as they are made.
const ASIDE_ANYWHERE: &[&str] = &[
    "cache_control",
    "context",
    "description",
    "detail",
    "eager_input_streaming",
    "is_error",
    "name",
    "num_ctx",
    "strict",
    "summary",
    "title",
    "verbosity",
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
        // A field that the client wrote in another form is none that says nothing.
        if body
            .pointer(place)
            .is_some_and(|value| is_default(place, value))
        {
            continue;
        }
        let first = place.trim_start_matches('/').split('/').next();
        let name = place.rsplit('/').next();
        let is_aside = body.pointer(place).is_some_and(is_record)
            || ASIDE.contains(&first.unwrap_or_default())
            || ASIDE_ANYWHERE.contains(&name.unwrap_or_default());
        let list = if is_aside {
            &mut sorted.dropped
        } else {
            &mut sorted.refused
        };
        list.push(place.clone());
    }
    sorted
}

/// Whether something is a record of what a tool of the provider's own did in an earlier answer.
fn is_record(value: &Value) -> bool {
    let kind = value["type"].as_str().unwrap_or_default();
    let of_tool = ["_call", "_call_output", "_tool_use", "_tool_result"];
    of_tool.iter().any(|end| kind.ends_with(end))
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
            "/logprobs" | "/background" | "/generationConfig/responseLogprobs" => {
                value == &Value::Bool(false)
            }
            "/top_logprobs" => value.as_u64() == Some(0),
            "/modalities" => *value == json!(["text"]),
            "/truncation" => value == "disabled",
            "/n" | "/generationConfig/candidateCount" => value.as_u64() == Some(1),
            _ => {
                let is_off = ["/is_error", "/strict"]
                    .iter()
                    .any(|end| place.ends_with(end));
                is_off && value == &Value::Bool(false)
            }
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changes_the_answer_is_refused() {
        let body = json!({
            "user": "u", "metadata": {"a": "b"}, "logit_bias": {"50256": -100}, "logprobs": false,
            "frequency_penalty": 0, "presence_penalty": 0.5, "audio": null,
            "messages": [{"role": "user", "name": "Ann", "content": "x", "weight": 1}],
            "tools": [{"name": "f", "eager_input_streaming": true}],
        });
        let places = [
            "/user",
            "/metadata",
            "/logit_bias",
            "/logprobs",
            "/frequency_penalty",
            "/presence_penalty",
            "/audio",
            "/messages/0/weight",
            "/messages/0/name",
            "/tools/0/eager_input_streaming",
            "/generationConfig/topK",
        ];
        let sorted = sort(&body, &places.map(str::to_owned));
        let dropped = [
            "/user",
            "/metadata",
            "/messages/0/name",
            "/tools/0/eager_input_streaming",
        ];
        assert_eq!(sorted.dropped, dropped);
        let refused = [
            "/logit_bias",
            "/presence_penalty",
            "/messages/0/weight",
            "/generationConfig/topK",
        ];
        assert_eq!(sorted.refused, refused);
    }
}

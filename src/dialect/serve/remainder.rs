//! What of a request body is not in the [`ChatRequest`](crate::chat::ChatRequest) that was read of it.
//!
//! In: the body that the dialect encodes from the request, and the body that came. Out: a JSON merge patch (RFC 7386)
//! from one to the other, for [`Params::extra`](crate::chat::Params::extra), so that encoding the request again gives
//! the body that came. A null counts as a missing field, as servers treat it.

use serde_json::{Map, Value};

/// The difference from `written` to `body`. A list with any difference is in it as a whole.
pub(in crate::dialect) fn remainder(written: &Value, body: Value) -> Map<String, Value> {
    match patch(written, body) {
        Some(Value::Object(patch)) => patch,
        _ => Map::new(),
    }
}

fn patch(written: &Value, body: Value) -> Option<Value> {
    match (written, body) {
        (Value::Object(written), Value::Object(body)) => {
            let removed = |name: &String| body.get(name).is_none_or(Value::is_null);
            let removed =
                (written.iter()).filter(|(name, value)| !value.is_null() && removed(name));
            let removed: Vec<String> = removed.map(|(name, _)| name.clone()).collect();
            let mut fields: Map<String, Value> = removed
                .into_iter()
                .map(|name| (name, Value::Null))
                .collect();
            for (name, value) in body.into_iter().filter(|(_, value)| !value.is_null()) {
                let known = written.get(&name).unwrap_or(&Value::Null);
                let more = patch(known, value);
                fields.extend(more.map(|more| (name, more)));
            }
            (!fields.is_empty()).then(|| fields.into())
        }
        (written, body) if is_same(written, &body) => None,
        (_, body) => Some(body),
    }
}

/// Whether two values mean the same: 1 equals 1.0, and a null field equals a missing one.
fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            let other_has = |(name, value): (&String, &Value)| {
                is_same(value, other.get(name).unwrap_or(&Value::Null))
            };
            let is_new =
                |(name, value): (&String, &Value)| !value.is_null() && !one.contains_key(name);
            one.iter().all(other_has) && !other.iter().any(is_new)
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(a, b)| is_same(a, b))
        }
        (Value::Number(one), Value::Number(other)) => {
            one == other || one.as_f64() == other.as_f64()
        }
        (one, other) => one == other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::chat::merge_patch;

    #[test]
    fn the_patch_turns_one_body_into_the_other() {
        let written = json!({"a": 1.0, "b": {"c": 2, "d": 3}, "list": [{"x": 1}, 2], "gone": true});
        for (body, patch) in [
            (written.clone(), json!({})),
            (
                json!({"a": 1, "b": {"c": 2, "d": 3, "e": null}, "list": [{"x": 1, "y": null}, 2], "gone": true}),
                json!({}),
            ),
            (
                json!({"a": 1, "b": {"c": 5, "e": 6}, "list": [{"x": 1}, 2], "new": {"f": 7}}),
                json!({"gone": null, "b": {"d": null, "c": 5, "e": 6}, "new": {"f": 7}}),
            ),
            (
                json!({"list": [{"x": 1, "y": "?"}, 2, 3]}),
                json!({"a": null, "b": null, "gone": null, "list": [{"x": 1, "y": "?"}, 2, 3]}),
            ),
        ] {
            let rest = remainder(&written, body.clone());
            assert_eq!(Value::from(rest.clone()), patch);
            let mut again = written.as_object().unwrap().clone();
            merge_patch(&mut again, &rest);
            assert!(is_same(&again.into(), &body), "{body}");
        }
    }
}

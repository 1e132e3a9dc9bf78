//! Streamed arguments: pieces with a value and its JSON path (RFC 9535).

use serde_json::{Map, Value};

/// Most steps of a path; deeper ones are ignored.
const MAX_DEPTH: usize = 64;

/// The arguments so far.
#[derive(Debug, Default)]
pub(super) struct PartialArgs(Map<String, Value>);

/// One step of a path.
#[derive(Debug, PartialEq, Eq)]
enum PathStep {
    Key(String),
    Index(usize),
}

impl PartialArgs {
    /// Adds whole arguments.
    pub(super) fn put_all(&mut self, args: Value) {
        if let Value::Object(args) = args {
            self.0.extend(args);
        }
    }

    /// Puts each piece at its path. A string is appended to a string that is there already.
    pub(super) fn put_pieces(&mut self, pieces: Value) {
        let Value::Array(pieces) = pieces else { return };
        for mut piece in pieces {
            let names = ["stringValue", "numberValue", "boolValue"];
            let value = names.iter().find_map(|name| {
                let value = piece.get_mut(*name)?;
                Some(value.take())
            });
            let steps = piece.get("jsonPath").and_then(Value::as_str).map(steps);
            if let Some(Some(steps)) = steps {
                self.put(steps, value.unwrap_or_default());
            }
        }
    }

    /// The arguments as JSON text.
    pub(super) fn into_text(self) -> String {
        Value::Object(self.0).to_string()
    }

    fn put(&mut self, steps: Vec<PathStep>, value: Value) {
        let mut steps = steps.into_iter();
        let Some(PathStep::Key(key)) = steps.next() else {
            return;
        };
        let mut place = self.0.entry(key).or_insert(Value::Null);
        for step in steps {
            place = child(place, step);
        }
        match (place, value) {
            (Value::String(text), Value::String(more)) => text.push_str(&more),
            (place, value) => *place = value,
        }
    }
}

/// The place one step below. Any other value is replaced by the object or array that the step needs.
fn child(place: &mut Value, step: PathStep) -> &mut Value {
    match step {
        PathStep::Key(key) => {
            if !place.is_object() {
                *place = Map::new().into();
            }
            &mut place[key]
        }
        PathStep::Index(index) => {
            if !place.is_array() {
                *place = Vec::<Value>::new().into();
            }
            let length = place.as_array().map_or(0, Vec::len);
            // A hostile index must not allocate, so an index past the end appends one element: elements come in order.
            if let Value::Array(items) = place
                && index >= length
            {
                items.push(Value::Null);
            }
            &mut place[index.min(length)]
        }
    }
}

/// The steps of a path such as `$.a.b[0]['c d']`; `None` if it is invalid or too deep.
fn steps(path: &str) -> Option<Vec<PathStep>> {
    let mut steps = Vec::new();
    let mut rest = path.strip_prefix('$')?;
    while !rest.is_empty() {
        if steps.len() >= MAX_DEPTH {
            return None;
        }
        let (step, more) = if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(['.', '[']).unwrap_or(after.len());
            (PathStep::Key(after[..end].to_owned()), &after[end..])
        } else if let Some(after) = rest.strip_prefix("['") {
            let (key, more) = after.split_once("']")?;
            (PathStep::Key(key.to_owned()), more)
        } else if let Some(after) = rest.strip_prefix("[\"") {
            let (key, more) = after.split_once("\"]")?;
            (PathStep::Key(key.to_owned()), more)
        } else {
            let (index, more) = rest.strip_prefix('[')?.split_once(']')?;
            (PathStep::Index(index.parse().ok()?), more)
        };
        steps.push(step);
        rest = more;
    }
    Some(steps)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn pieces_are_put_at_their_paths() {
        let mut args = PartialArgs::default();
        args.put_pieces(json!([
            {"jsonPath": "$.city", "stringValue": "San ", "willContinue": true},
            {"jsonPath": "$.city", "stringValue": "José"},
            {"jsonPath": "$.place['the \"id\"']", "numberValue": 7},
            {"jsonPath": "$.list[0].a", "boolValue": true},
            {"jsonPath": "$.list[1].a", "nullValue": "NULL_VALUE"},
            {"jsonPath": "$.list[999999999999]", "stringValue": "last"},
            {"jsonPath": "$[\"b\"]", "numberValue": 1.5},
        ]));
        args.put_all(json!({"more": [1]}));
        assert_eq!(
            args.into_text(),
            r#"{"city":"San José","place":{"the \"id\"":7},"list":[{"a":true},{"a":null},"last"],"b":1.5,"more":[1]}"#
        );
    }

    #[test]
    fn invalid_paths_change_nothing() {
        let mut args = PartialArgs::default();
        let deep = format!("${}", ".a".repeat(100_000));
        for path in [
            "", "a", "$", "$[0]", "$['a", "$[x]", "$.a[", "$a", "$.a[-1]", &deep,
        ] {
            args.put_pieces(json!([{"jsonPath": path, "stringValue": "x"}]));
        }
        args.put_pieces(json!([{"stringValue": "x"}, 3]));
        args.put_pieces(json!({}));
        assert_eq!(args.into_text(), "{}");
    }
}

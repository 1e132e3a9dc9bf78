//! JSON merge patches.

use serde_json::{Map, Value};

/// Applies a JSON merge patch (RFC 7386) in place.
pub(crate) fn merge_patch(target: &mut Map<String, Value>, patch: &Map<String, Value>) {
    for (key, change) in patch {
        match change {
            Value::Null => {
                // `shift_remove` keeps the order of the other fields.
                target.shift_remove(key);
            }
            Value::Object(change) => {
                let field = target.entry(key.as_str()).or_insert(Value::Null);
                if !field.is_object() {
                    *field = Value::Object(Map::new());
                }
                if let Value::Object(field) = field {
                    merge_patch(field, change);
                }
            }
            _ => {
                target.insert(key.clone(), change.clone());
            }
        }
    }
}

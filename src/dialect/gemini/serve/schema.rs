//! Google's older schemas, a form of `OpenAPI`'s, as the JSON schemas that other protocols take.
//!
//! Source: <https://ai.google.dev/api/caching#Schema>.

use serde_json::{Map, Value, json};

/// Counts, which Google's JSON writes as strings.
const COUNTS: &[&str] = &[
    "minItems",
    "maxItems",
    "minLength",
    "maxLength",
    "minProperties",
    "maxProperties",
];

/// The JSON schema of such a schema. A JSON schema stays as it is.
pub(super) fn json_schema(schema: &Value) -> Value {
    let Value::Object(fields) = schema else {
        return schema.clone();
    };
    let mut written = Map::new();
    for (name, value) in fields {
        let value = match (name.as_str(), value) {
            // The order of properties is no part of a JSON schema.
            ("nullable" | "propertyOrdering", _) => continue,
            ("type", Value::String(kind)) => kind.to_ascii_lowercase().into(),
            ("properties", Value::Object(all)) => {
                let all = all.iter();
                let all = all.map(|(name, schema)| (name.clone(), json_schema(schema)));
                Value::Object(all.collect())
            }
            ("anyOf", Value::Array(all)) => all.iter().map(json_schema).collect(),
            ("items" | "additionalProperties", schema) => json_schema(schema),
            (name, Value::String(count)) if COUNTS.contains(&name) => count
                .parse::<u64>()
                .map_or(count.clone().into(), Value::from),
            (_, value) => value.clone(),
        };
        written.insert(name.clone(), value);
    }
    if fields.get("nullable") == Some(&Value::Bool(true))
        && let Some(kind) = written.get_mut("type")
    {
        *kind = json!([kind.take(), "null"]);
    }
    written.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn googles_schemas_become_json_schemas() {
        let google = json!({
            "type": "OBJECT", "propertyOrdering": ["a"], "required": ["a"],
            "properties": {
                "a": { "type": "STRING", "nullable": true, "minLength": "2", "enum": ["NONE"] },
                "type": { "type": "ARRAY", "items": { "anyOf": [{ "type": "INTEGER" }] } },
            },
        });
        let expected = json!({
            "type": "object", "required": ["a"],
            "properties": {
                "a": { "type": ["string", "null"], "minLength": 2, "enum": ["NONE"] },
                "type": { "type": "array", "items": { "anyOf": [{ "type": "integer" }] } },
            },
        });
        assert_eq!(json_schema(&google), expected);
        assert_eq!(json_schema(&expected), expected);
    }
}

//! The editor of a JSON schema: what one can start from, how it is laid out, what is said of it.

use serde_json::Value;

use crate::{desktop::widgets::capitalized, schema::SchemaProblem};

/// As many problems of a schema are told at once.
const MOST_TOLD: usize = 3;

/// A schema to start from.
#[derive(Debug)]
pub struct Template {
    /// Its name on a button.
    pub label: &'static str,
    /// What it is, for a hover text.
    pub meaning: &'static str,
    /// The schema, as JSON.
    pub schema: &'static str,
}

/// The schemas to start from; strict mode takes each.
pub const TEMPLATES: [Template; 3] = [
    Template {
        label: "Object",
        meaning: "Start from an object with fields",
        schema: r#"{
  "type": "object",
  "properties": {
    "name": {
      "type": "string"
    },
    "age": {
      "type": "integer"
    }
  },
  "required": ["name", "age"],
  "additionalProperties": false
}"#,
    },
    Template {
        label: "List",
        meaning: "Start from a list of objects",
        schema: r#"{
  "type": "object",
  "properties": {
    "items": {
      "type": "array",
      "items": {
        "type": "object",
        "properties": {
          "name": {
            "type": "string"
          }
        },
        "required": ["name"],
        "additionalProperties": false
      }
    }
  },
  "required": ["items"],
  "additionalProperties": false
}"#,
    },
    Template {
        label: "Words",
        meaning: "Start from one of several words",
        schema: r#"{
  "type": "object",
  "properties": {
    "answer": {
      "type": "string",
      "enum": ["yes", "no", "unsure"]
    }
  },
  "required": ["answer"],
  "additionalProperties": false
}"#,
    },
];

/// The schema, laid out over lines with its keys in their order; nothing if it does not read.
pub fn laid_out(schema: &str) -> Option<String> {
    json(schema).ok().flatten().map(|value| pretty(&value))
}

/// Whether a template may take the schema's place: nothing that was typed is lost.
pub fn takes_template(schema: &str) -> bool {
    schema.trim().is_empty() || TEMPLATES.iter().any(|template| template.schema == schema)
}

/// JSON text, or where it stops being JSON.
pub(super) fn json(text: &str) -> Result<Option<Value>, String> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    serde_json::from_str(text).map(Some).map_err(|error| {
        let message = error.to_string();
        let what = message.split(" at line").next().unwrap_or_default();
        format!("Line {}, column {}: {what}", error.line(), error.column())
    })
}

/// JSON over several lines.
pub(super) fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// The first few problems, one a line.
pub(super) fn told(problems: &[SchemaProblem]) -> String {
    let lines: Vec<String> = problems.iter().take(MOST_TOLD).map(sentence).collect();
    lines.join("\n")
}

/// A problem as a sentence of its own.
pub(super) fn sentence(problem: &SchemaProblem) -> String {
    capitalized(&problem.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::SchemaCheck;

    #[test]
    fn templates_are_right_even_for_strict_mode() {
        for template in &TEMPLATES {
            let read = json(template.schema).unwrap().unwrap();
            assert_eq!(
                SchemaCheck::of(&read),
                SchemaCheck::default(),
                "{}",
                template.label
            );
            assert!(takes_template(template.schema));
        }
        assert!(takes_template(" "));
        assert!(!takes_template("{}"));
    }

    #[test]
    fn a_schema_is_laid_out_with_its_keys_in_order() {
        let out = laid_out(r#"{"b":1,"a":[]}"#);
        assert_eq!(out.as_deref(), Some("{\n  \"b\": 1,\n  \"a\": []\n}"));
        assert_eq!(laid_out("{"), None);
        assert_eq!(laid_out(""), None);
    }
}

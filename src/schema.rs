//! JSON schemas: errors in a schema, what strict mode refuses, and validation errors of an answer.
//!
//! In: a schema as JSON, and an answer's text. Out: [`SchemaProblem`]s, each with a JSON pointer and a sentence.
//! Nothing is fetched, and no file is read.

mod cost;
mod walk;
mod words;

use std::fmt;

use jsonschema::{Draft, PatternOptions, ReferencingError, Validator, error::ValidationErrorKind};
use serde_json::Value;

use self::walk::{ObjectSchema, subschemas};

/// At most this many validation errors are shown of an answer.
const MAX_VALIDATION_ERRORS: usize = 5;
/// Most backtracking steps of a pattern with look-around on one string; patterns without it run in linear time.
const BACKTRACKS: usize = 10_000;
/// Keywords that strict mode refuses.
const NOT_STRICT: &[&str] = &[
    "allOf",
    "oneOf",
    "not",
    "if",
    "then",
    "else",
    "dependentRequired",
    "dependentSchemas",
    "patternProperties",
];

/// An error in a schema or an answer, and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaProblem {
    /// Where, as a JSON pointer; empty at the root.
    pub pointer: String,
    /// What, in one sentence without a period.
    pub what: String,
}

impl SchemaProblem {
    fn new(pointer: impl Into<String>, what: impl Into<String>) -> Self {
        Self {
            pointer: pointer.into(),
            what: what.into(),
        }
    }
}

impl fmt::Display for SchemaProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.pointer.is_empty() {
            f.write_str(&self.what)
        } else {
            write!(f, "at {}: {}", self.pointer, self.what)
        }
    }
}

/// What is to be said of a schema before an answer is asked for by it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SchemaCheck {
    /// Its errors.
    pub problems: Vec<SchemaProblem>,
    /// What strict mode refuses of it; empty if there are errors.
    pub strict_notes: Vec<SchemaProblem>,
}

impl SchemaCheck {
    /// Checks a schema.
    #[must_use]
    pub fn of(schema: &Value) -> Self {
        let problems = problems(schema);
        let strict_notes = if problems.is_empty() {
            strict_notes(schema)
        } else {
            Vec::new()
        };
        Self {
            problems,
            strict_notes,
        }
    }
}

/// The errors in a schema, by the draft that it names, else by 2020-12.
#[must_use]
pub fn problems(schema: &Value) -> Vec<SchemaProblem> {
    if let Some(problem) = draft_problem(schema) {
        return vec![problem];
    }
    let mut problems = meta_schema_errors(schema);
    let subschemas = subschemas(schema);
    let one_base = !subschemas.iter().any(ObjectSchema::has_own_base);
    for (index, subschema) in subschemas.iter().enumerate() {
        if one_base {
            problems.extend(reference_problem(schema, subschema));
        }
        problems.extend(required_problems(&subschemas, index));
    }
    if problems.is_empty() {
        problems.extend(build_problem(schema));
    }
    let mut unique: Vec<SchemaProblem> = Vec::with_capacity(problems.len());
    for problem in problems {
        if !unique.contains(&problem) {
            unique.push(problem);
        }
    }
    unique
}

/// What the strict mode of `OpenAI` refuses. Only hints, since other providers accept it.
#[must_use]
pub fn strict_notes(schema: &Value) -> Vec<SchemaProblem> {
    let root = root_note(schema).map(|what| SchemaProblem::new("", what));
    let subschemas = subschemas(schema);
    root.into_iter()
        .chain(subschemas.iter().flat_map(subschema_notes))
        .collect()
}

/// The first validation errors of an answer's text. Empty if the schema itself is invalid, or if validation would
/// cost too much.
#[must_use]
pub fn validation_errors(schema: &Value, answer: &str) -> Vec<SchemaProblem> {
    if answer.trim().is_empty() {
        return vec![SchemaProblem::new("", "the answer is empty")];
    }
    let value: Value = match serde_json::from_str(answer) {
        Ok(value) => value,
        Err(error) => return vec![SchemaProblem::new("", words::not_json(&error))],
    };
    if !cost::is_affordable(schema, &value, answer.len()) {
        return Vec::new();
    }
    let Some(validator) = validator(schema) else {
        return Vec::new();
    };
    let errors = validator.iter_errors(&value);
    errors
        .filter_map(|error| words::validation_error(&error))
        .take(MAX_VALIDATION_ERRORS)
        .collect()
}

/// `None` if the schema is invalid.
fn validator(schema: &Value) -> Option<Validator> {
    if draft_problem(schema).is_some() {
        return None;
    }
    let options = || jsonschema::options().with_draft(draft(schema)).offline();
    let linear = options().with_pattern_options(PatternOptions::regex());
    let limited = PatternOptions::fancy_regex().backtrack_limit(BACKTRACKS);
    let limited = options().with_pattern_options(limited);
    linear.build(schema).or_else(|_| limited.build(schema)).ok()
}

fn draft(schema: &Value) -> Draft {
    Draft::Draft202012.detect(schema)
}

fn draft_problem(schema: &Value) -> Option<SchemaProblem> {
    if !schema.is_object() && !schema.is_boolean() {
        return Some(SchemaProblem::new("", "a JSON schema is an object: { … }"));
    }
    let known = "https://json-schema.org/draft/2020-12/schema";
    let what = match schema.get("$schema")? {
        Value::String(_) if draft(schema) != Draft::Unknown => return None,
        Value::String(name) => format!("{} is no known draft", words::quoted(name)),
        _ => "the draft is named by a string".to_owned(),
    };
    let what = format!("{what}: use “{known}”, or leave it out");
    Some(SchemaProblem::new("/$schema", what))
}

/// The errors of the schema by its meta-schema.
fn meta_schema_errors(schema: &Value) -> Vec<SchemaProblem> {
    let meta = match draft(schema) {
        Draft::Draft4 => jsonschema::draft4::meta::validator(),
        Draft::Draft6 => jsonschema::draft6::meta::validator(),
        Draft::Draft7 => jsonschema::draft7::meta::validator(),
        Draft::Draft201909 => jsonschema::draft201909::meta::validator(),
        _ => jsonschema::draft202012::meta::validator(),
    };
    let errors = meta.iter_errors(schema);
    errors
        .filter_map(|error| words::meta_schema_error(schema, &error))
        .collect()
}

/// A reference without a target. Cases that need more than a look-up are left to [`build_problem`].
fn reference_problem(root: &Value, subschema: &ObjectSchema<'_>) -> Option<SchemaProblem> {
    let reference = subschema.map.get("$ref")?.as_str()?;
    if reference.contains('%') {
        return None;
    }
    let quoted = words::quoted(reference);
    let what = if reference.starts_with('#') {
        if walk::target(root, reference).is_some() {
            return None;
        }
        format!("{quoted} leads nowhere: {}", known_definitions(root))
    } else if root.get("$id").is_some() || draft_of_url(reference) {
        return None;
    } else {
        format!(
            "{quoted} is not fetched: put that schema under “$defs” and refer to it as “#/$defs/…”"
        )
    };
    Some(SchemaProblem::new(
        format!("{}/$ref", subschema.pointer),
        what,
    ))
}

fn draft_of_url(reference: &str) -> bool {
    Draft::from_schema_uri(reference) != Draft::Unknown
}

fn known_definitions(root: &Value) -> String {
    let of = |key: &str| {
        let names = root.get(key).and_then(Value::as_object);
        let names = names.into_iter().flat_map(serde_json::Map::keys);
        let names = names.map(|name| format!("“#/{key}/{}”", walk::escaped(name)));
        names.collect::<Vec<_>>()
    };
    let mut names = of("$defs");
    names.extend(of("definitions"));
    if names.is_empty() {
        return "put the schema that is meant under “$defs”, as “#/$defs/name”".to_owned();
    }
    names.truncate(8);
    format!("use {}", words::either(&names))
}

/// Required names that are not among the properties, if all properties are defined in one place.
fn required_problems(subschemas: &[ObjectSchema<'_>], index: usize) -> Vec<SchemaProblem> {
    let Some(subschema) = subschemas.get(index) else {
        return Vec::new();
    };
    let Some(known) = walk::known_names(subschemas, index) else {
        return Vec::new();
    };
    let names = subschema.map.get("required").and_then(Value::as_array);
    let names = names.into_iter().flatten().enumerate();
    let names = names.filter_map(|(at, name)| Some((at, name.as_str()?)));
    names
        .filter(|(_, name)| !known.contains(name))
        .map(|(at, name)| {
            let what = format!(
                "{} is not among the properties: add it to “properties”, or take it out",
                words::quoted(name)
            );
            SchemaProblem::new(format!("{}/required/{at}", subschema.pointer), what)
        })
        .collect()
}

/// What only shows when the schema is made ready for use.
fn build_problem(schema: &Value) -> Option<SchemaProblem> {
    let options = jsonschema::options().with_draft(draft(schema)).offline();
    let error = options.build(schema).err()?;
    let pointer = error.instance_path().as_str();
    let what = match error.kind() {
        ValidationErrorKind::Referencing(ReferencingError::Unretrievable { uri, .. }) => format!(
            "“{uri}” is not fetched: put that schema under “$defs” and refer to it as “#/$defs/…”"
        ),
        ValidationErrorKind::Referencing(error) => {
            format!(
                "a “$ref” leads nowhere: {}",
                words::clipped(&error.to_string())
            )
        }
        _ => words::unusable(&error),
    };
    Some(SchemaProblem::new(pointer, what))
}

fn root_note(schema: &Value) -> Option<&'static str> {
    if schema.get("anyOf").is_some() {
        return Some("strict mode takes no “anyOf” at the root: put it under a property");
    }
    (schema.get("type").and_then(Value::as_str) != Some("object")).then_some(
        "strict mode wants “type”: “object” at the root: put other shapes under a property",
    )
}

fn subschema_notes(subschema: &ObjectSchema<'_>) -> Vec<SchemaProblem> {
    let mut notes = Vec::new();
    for keyword in NOT_STRICT
        .iter()
        .filter(|k| subschema.map.contains_key(**k))
    {
        let what = match *keyword {
            "oneOf" => "strict mode takes no “oneOf”: use “anyOf”".to_owned(),
            keyword => format!("strict mode takes no “{keyword}”"),
        };
        notes.push(SchemaProblem::new(subschema.pointer.as_str(), what));
    }
    if !subschema.is_object() {
        return notes;
    }
    if subschema.map.get("additionalProperties") != Some(&Value::Bool(false)) {
        let what = "strict mode wants “additionalProperties”: false";
        notes.push(SchemaProblem::new(subschema.pointer.as_str(), what));
    }
    let required = subschema.map.get("required").and_then(Value::as_array);
    let is_required = |name: &str| required.is_some_and(|all| all.iter().any(|r| r == name));
    let optional = subschema.names().filter(|name| !is_required(name));
    let optional: Vec<_> = optional.map(words::quoted).collect();
    if !optional.is_empty() {
        let what = format!(
            "strict mode wants {} in “required”; one that may be absent is given the type null, too",
            optional.join(", ")
        );
        notes.push(SchemaProblem::new(subschema.pointer.as_str(), what));
    }
    notes
}

#[cfg(test)]
mod tests;

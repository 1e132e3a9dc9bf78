//! JSON schemas: what is wrong with one, what strict mode refuses of it, and how an answer does not fit it.
//!
//! In: a schema as JSON, and an answer's text. Out: [`Problem`]s, each a place and a sentence. Nothing is
//! fetched or read from files.

mod effort;
mod walk;
mod words;

use std::fmt;

use jsonschema::{Draft, PatternOptions, ReferencingError, Validator, error::ValidationErrorKind};
use serde_json::Value;

use self::walk::{Spot, spots};

/// As many misfits are told of an answer.
const MOST_MISFITS: usize = 5;
/// What a pattern with look-around may cost on one string; patterns without cost linear time.
const BACKTRACKS: usize = 10_000;
/// Keywords that strict mode does not take at all.
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

/// Something that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where, as a JSON pointer; empty at the root.
    pub pointer: String,
    /// What, in one sentence without a period.
    pub what: String,
}

impl Problem {
    fn new(pointer: impl Into<String>, what: impl Into<String>) -> Self {
        Self {
            pointer: pointer.into(),
            what: what.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.pointer.is_empty() {
            f.write_str(&self.what)
        } else {
            write!(f, "at {}: {}", self.pointer, self.what)
        }
    }
}

/// What makes a schema invalid: by the draft that it names, else by 2020-12.
#[must_use]
pub fn problems(schema: &Value) -> Vec<Problem> {
    if let Some(problem) = draft_problem(schema) {
        return vec![problem];
    }
    let mut problems = malformed(schema);
    let spots = spots(schema);
    let one_base = !spots.iter().any(Spot::has_own_base);
    for (index, spot) in spots.iter().enumerate() {
        if one_base {
            problems.extend(reference_problem(schema, spot));
        }
        problems.extend(required_problems(&spots, index));
    }
    if problems.is_empty() {
        problems.extend(build_problem(schema));
    }
    let mut told: Vec<Problem> = Vec::with_capacity(problems.len());
    for problem in problems {
        if !told.contains(&problem) {
            told.push(problem);
        }
    }
    told
}

/// What the strict mode of `OpenAI` refuses: hints, since other providers take it.
#[must_use]
pub fn strict_notes(schema: &Value) -> Vec<Problem> {
    let root = root_note(schema).map(|what| Problem::new("", what));
    let spots = spots(schema);
    root.into_iter()
        .chain(spots.iter().flat_map(spot_notes))
        .collect()
}

/// How an answer's text does not fit its schema: the first few places. Nothing is said where the schema
/// itself is wrong, or where looking would cost more than in proportion to both.
#[must_use]
pub fn misfits(schema: &Value, answer: &str) -> Vec<Problem> {
    if answer.trim().is_empty() {
        return vec![Problem::new("", "the answer is empty")];
    }
    let value: Value = match serde_json::from_str(answer) {
        Ok(value) => value,
        Err(error) => return vec![Problem::new("", words::not_json(&error))],
    };
    if !effort::is_modest(schema, &value, answer.len()) {
        return Vec::new();
    }
    let Some(validator) = validator(schema) else {
        return Vec::new();
    };
    let errors = validator.iter_errors(&value);
    errors
        .filter_map(|error| words::misfit(&error))
        .take(MOST_MISFITS)
        .collect()
}

/// Nothing if the schema is wrong.
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

fn draft_problem(schema: &Value) -> Option<Problem> {
    if !schema.is_object() && !schema.is_boolean() {
        return Some(Problem::new("", "a JSON schema is an object: { … }"));
    }
    let known = "https://json-schema.org/draft/2020-12/schema";
    let what = match schema.get("$schema")? {
        Value::String(_) if draft(schema) != Draft::Unknown => return None,
        Value::String(name) => format!("{} is no known draft", words::quoted(name)),
        _ => "the draft is named by a string".to_owned(),
    };
    let what = format!("{what}: use “{known}”, or leave it out");
    Some(Problem::new("/$schema", what))
}

/// What the meta-schema has against the schema.
fn malformed(schema: &Value) -> Vec<Problem> {
    let meta = match draft(schema) {
        Draft::Draft4 => jsonschema::draft4::meta::validator(),
        Draft::Draft6 => jsonschema::draft6::meta::validator(),
        Draft::Draft7 => jsonschema::draft7::meta::validator(),
        Draft::Draft201909 => jsonschema::draft201909::meta::validator(),
        _ => jsonschema::draft202012::meta::validator(),
    };
    let errors = meta.iter_errors(schema);
    errors
        .filter_map(|error| words::malformed(schema, &error))
        .collect()
}

/// A reference that leads nowhere. What takes more than a look is left to [`build_problem`].
fn reference_problem(root: &Value, spot: &Spot<'_>) -> Option<Problem> {
    let reference = spot.map.get("$ref")?.as_str()?;
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
    Some(Problem::new(format!("{}/$ref", spot.pointer), what))
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

/// Required names that are not among the properties, where all properties are told in one place.
fn required_problems(spots: &[Spot<'_>], index: usize) -> Vec<Problem> {
    let Some(spot) = spots.get(index) else {
        return Vec::new();
    };
    let Some(known) = walk::known_names(spots, index) else {
        return Vec::new();
    };
    let names = spot.map.get("required").and_then(Value::as_array);
    let names = names.into_iter().flatten().enumerate();
    let names = names.filter_map(|(at, name)| Some((at, name.as_str()?)));
    names
        .filter(|(_, name)| !known.contains(name))
        .map(|(at, name)| {
            let what = format!(
                "{} is not among the properties: add it to “properties”, or take it out",
                words::quoted(name)
            );
            Problem::new(format!("{}/required/{at}", spot.pointer), what)
        })
        .collect()
}

/// What only shows when the schema is made ready for use.
fn build_problem(schema: &Value) -> Option<Problem> {
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
    Some(Problem::new(pointer, what))
}

fn root_note(schema: &Value) -> Option<&'static str> {
    if schema.get("anyOf").is_some() {
        return Some("strict mode takes no “anyOf” at the root: put it under a property");
    }
    (schema.get("type").and_then(Value::as_str) != Some("object")).then_some(
        "strict mode wants “type”: “object” at the root: put other shapes under a property",
    )
}

fn spot_notes(spot: &Spot<'_>) -> Vec<Problem> {
    let mut notes = Vec::new();
    for keyword in NOT_STRICT.iter().filter(|k| spot.map.contains_key(**k)) {
        let what = match *keyword {
            "oneOf" => "strict mode takes no “oneOf”: use “anyOf”".to_owned(),
            keyword => format!("strict mode takes no “{keyword}”"),
        };
        notes.push(Problem::new(spot.pointer.as_str(), what));
    }
    if !spot.is_object() {
        return notes;
    }
    if spot.map.get("additionalProperties") != Some(&Value::Bool(false)) {
        let what = "strict mode wants “additionalProperties”: false";
        notes.push(Problem::new(spot.pointer.as_str(), what));
    }
    let required = spot.map.get("required").and_then(Value::as_array);
    let is_required = |name: &str| required.is_some_and(|all| all.iter().any(|r| r == name));
    let optional = spot.names().filter(|name| !is_required(name));
    let optional: Vec<_> = optional.map(words::quoted).collect();
    if !optional.is_empty() {
        let what = format!(
            "strict mode wants {} in “required”; one that may be absent is given the type null, too",
            optional.join(", ")
        );
        notes.push(Problem::new(spot.pointer.as_str(), what));
    }
    notes
}

#[cfg(test)]
mod tests;

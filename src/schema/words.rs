//! The sentences for errors in schemas and answers.

use jsonschema::{
    JsonType, ValidationError,
    error::{TypeKind, ValidationErrorKind as ErrorKind},
};
use serde_json::Value;

use super::{
    SchemaProblem,
    walk::{Holds, holds},
};

/// Most characters shown of a text.
const MAX_SHOWN_CHARS: usize = 60;
/// The types, in the order in which they are offered.
const TYPES: [&str; 7] = [
    "string", "number", "integer", "boolean", "array", "object", "null",
];

/// A text in quotes, cut where it is long.
pub(super) fn quoted(text: &str) -> String {
    format!("“{}”", clipped(text))
}

/// A text, cut where it is long.
pub(super) fn clipped(text: &str) -> String {
    let escaped: String = text.escape_debug().take(MAX_SHOWN_CHARS + 1).collect();
    if escaped.chars().count() <= MAX_SHOWN_CHARS {
        return escaped.replace("\\\"", "\"").replace("\\'", "'");
    }
    let cut: String = escaped.chars().take(MAX_SHOWN_CHARS).collect();
    format!("{cut}…")
}

/// “a”, “b” or “c”.
pub(super) fn either(names: &[impl AsRef<str>]) -> String {
    match names {
        [] => String::new(),
        [one] => one.as_ref().to_owned(),
        [some @ .., last] => {
            let some: Vec<&str> = some.iter().map(AsRef::as_ref).collect();
            format!("{} or {}", some.join(", "), last.as_ref())
        }
    }
}

/// Where a text stops being JSON.
pub(super) fn not_json(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let what = message.split(" at line").next().unwrap_or_default();
    format!(
        "the answer is not JSON: line {}, column {}: {what}",
        error.line(),
        error.column()
    )
}

/// A validation error of an answer; `None` if the validator could not decide.
pub(super) fn validation_error(error: &ValidationError<'_>) -> Option<SchemaProblem> {
    let inner = match error.kind() {
        ErrorKind::BacktrackLimitExceeded { .. } | ErrorKind::RegexEngineFailure { .. } => {
            return None;
        }
        ErrorKind::AnyOf { context } | ErrorKind::OneOfNotValid { context } => {
            let nearest = nearest(context, error.instance_path().as_str());
            nearest.and_then(validation_error)
        }
        ErrorKind::PropertyNames { error: inner } => {
            let what = format!("{}, as a name", sentence(inner));
            Some(SchemaProblem::new(error.instance_path().as_str(), what))
        }
        _ => None,
    };
    Some(
        inner
            .unwrap_or_else(|| SchemaProblem::new(error.instance_path().as_str(), sentence(error))),
    )
}

/// An error of a schema by its meta-schema.
pub(super) fn meta_schema_error(
    schema: &Value,
    error: &ValidationError<'_>,
) -> Option<SchemaProblem> {
    let pointer = error.instance_path().as_str();
    let place = place(schema, pointer);
    if let SchemaPosition::Keyword("type", at) = place {
        return Some(type_problem(schema, at));
    }
    let advice = match place {
        SchemaPosition::Keyword(keyword, at) if pointer == at && !is_of_right_type(error) => {
            wanted(keyword)
        }
        SchemaPosition::Schema if !is_of_right_type(error) => {
            Some("a schema is needed here: { … }, true or false")
        }
        _ => None,
    };
    if let Some(what) = advice {
        return Some(SchemaProblem::new(pointer, what));
    }
    match error.kind() {
        ErrorKind::AnyOf { context } | ErrorKind::OneOfNotValid { context } => {
            let nearest = nearest(context, pointer);
            nearest.map_or_else(
                || validation_error(error),
                |error| meta_schema_error(schema, error),
            )
        }
        _ => validation_error(error),
    }
}

/// Why a schema can't be used at all.
pub(super) fn unusable(error: &ValidationError<'_>) -> String {
    match error.kind() {
        ErrorKind::Format { format } if format == "regex" => format!(
            "{} is no regular expression: mend it, or take it out",
            shown(error.instance())
        ),
        _ => sentence(error),
    }
}

/// What a JSON pointer into a schema points to.
enum SchemaPosition<'a> {
    Schema,
    /// In a keyword that starts at this pointer.
    Keyword(&'a str, &'a str),
    Nowhere,
}

fn place<'a>(schema: &Value, pointer: &'a str) -> SchemaPosition<'a> {
    let mut ends = pointer.match_indices('/').map(|(at, _)| at).skip(1);
    let mut segments = pointer.split('/').skip(1);
    let mut end = || ends.next().unwrap_or(pointer.len());
    while let Some(keyword) = segments.next() {
        let at = pointer.get(..end()).unwrap_or(pointer);
        let is_list = schema.pointer(at).is_some_and(Value::is_array);
        let in_parts = match holds(keyword) {
            Holds::Schema => false,
            Holds::SchemaOrList => is_list,
            Holds::List | Holds::Names => true,
            Holds::Other => return SchemaPosition::Keyword(keyword, at),
        };
        if in_parts && segments.next().is_none() {
            return SchemaPosition::Keyword(keyword, at);
        }
        if in_parts {
            end();
        }
    }
    if schema.pointer(pointer).is_some() {
        SchemaPosition::Schema
    } else {
        SchemaPosition::Nowhere
    }
}

/// Whether the value has an allowed type and, if it is a number, an allowed size.
fn is_of_right_type(error: &ValidationError<'_>) -> bool {
    match error.kind() {
        ErrorKind::Type { .. } | ErrorKind::Minimum { .. } | ErrorKind::ExclusiveMinimum { .. } => {
            false
        }
        ErrorKind::AnyOf { context } | ErrorKind::OneOfNotValid { context } => {
            let mut first = context.iter().filter_map(|branch| branch.first());
            let here = error.instance_path();
            first.any(|inner| inner.instance_path() != here || is_of_right_type(inner))
        }
        _ => true,
    }
}

/// What a keyword of a schema requires.
fn wanted(keyword: &str) -> Option<&'static str> {
    let what = match keyword {
        "$defs" | "definitions" | "dependentSchemas" | "patternProperties" | "properties" => {
            "make it an object with a schema for each name: { \"name\": { … } }"
        }
        "allOf" | "anyOf" | "oneOf" | "prefixItems" => "make it a list of schemas: [ { … } ]",
        "items" => "make it one schema, for every item; a list of them goes under “prefixItems”",
        "required" => "make it a list of property names, in the object around: [\"name\"]",
        "enum" => "make it a list of values: [\"a\", \"b\"]",
        "$anchor" | "$comment" | "$id" | "$ref" | "description" | "format" | "pattern"
        | "title" => "make it a string",
        "deprecated" | "readOnly" | "uniqueItems" | "writeOnly" => "make it true or false",
        "exclusiveMaximum" | "exclusiveMinimum" | "maximum" | "minimum" => "make it a number",
        "multipleOf" => "make it a number of more than 0",
        "maxContains" | "maxItems" | "maxLength" | "maxProperties" | "minContains" | "minItems"
        | "minLength" | "minProperties" => "make it a whole number of 0 or more",
        _ => return None,
    };
    Some(what)
}

fn type_problem(schema: &Value, pointer: &str) -> SchemaProblem {
    let is_type = |name: &Value| name.as_str().is_some_and(|name| TYPES.contains(&name));
    let use_one = format!("use {}", either(&TYPES));
    match schema.pointer(pointer) {
        Some(Value::Array(names)) => {
            let Some(at) = names.iter().position(|name| !is_type(name)) else {
                let what = "name at least one type, and each only once";
                return SchemaProblem::new(pointer, what);
            };
            let name = shown(names.get(at).unwrap_or(&Value::Null));
            let what = format!("{name} is no type: {use_one}");
            SchemaProblem::new(format!("{pointer}/{at}"), what)
        }
        Some(name) => SchemaProblem::new(pointer, format!("{} is no type: {use_one}", shown(name))),
        None => SchemaProblem::new(pointer, use_one),
    }
}

/// Of branches that all fail, the error in the one that was most likely meant; `None` if that is unclear.
fn nearest<'a>(
    branches: &'a [Vec<ValidationError<'static>>],
    pointer: &str,
) -> Option<&'a ValidationError<'static>> {
    let is_of_type = |branch: &&Vec<ValidationError<'_>>| {
        let mut here = branch
            .iter()
            .filter(|e| e.instance_path().as_str() == pointer);
        !here.any(|e| matches!(e.kind(), ErrorKind::Type { .. } | ErrorKind::FalseSchema))
    };
    // A constant that distinguishes the branches.
    let is_of_word = |branch: &&Vec<ValidationError<'_>>| {
        !(branch.iter()).any(|e| {
            matches!(
                e.kind(),
                ErrorKind::Constant { .. } | ErrorKind::Enum { .. }
            )
        })
    };
    let likely: Vec<_> = branches.iter().filter(is_of_type).collect();
    let branch = match likely.as_slice() {
        [one] => *one,
        several => {
            let several = several.iter().copied().filter(is_of_word);
            several.min_by_key(|branch| branch.len())?
        }
    };
    branch.first()
}

/// What is wrong, without the place.
fn sentence(error: &ValidationError<'_>) -> String {
    let value = error.instance();
    let it = shown(value);
    match error.kind() {
        ErrorKind::Type { kind } => format!("{}, {} is needed", is_a(value), needed(kind)),
        ErrorKind::Required { property } => format!("{} is missing", shown(property)),
        ErrorKind::AdditionalProperties { unexpected }
        | ErrorKind::UnevaluatedProperties { unexpected } => {
            are(unexpected, "not among the properties")
        }
        ErrorKind::AdditionalItems { limit } => format!("more than {limit} items stand here"),
        ErrorKind::UnevaluatedItems { .. } => {
            "there are items that are not in the schema".to_owned()
        }
        ErrorKind::Enum { options } => match options.as_array() {
            Some(options) => format!("{it} is not {}", one_of(options)),
            None => format!("{it} is none of the values"),
        },
        ErrorKind::Constant { expected_value } => {
            format!("{it} stands here, {} is needed", shown(expected_value))
        }
        ErrorKind::AnyOf { .. } => format!("{it} fits none of the shapes under “anyOf”"),
        ErrorKind::OneOfNotValid { .. } => format!("{it} fits none of the shapes under “oneOf”"),
        ErrorKind::OneOfMultipleValid { .. } => {
            format!("{it} fits more than one of the shapes under “oneOf”")
        }
        ErrorKind::Not { .. } => format!("{it} fits what “not” rules out"),
        ErrorKind::FalseSchema => "nothing may stand here".to_owned(),
        ErrorKind::Contains => "no item is of the kind that “contains” asks for".to_owned(),
        ErrorKind::UniqueItems => "an item stands here twice".to_owned(),
        ErrorKind::Minimum { limit } => format!("{it} is less than {limit}"),
        ErrorKind::Maximum { limit } => format!("{it} is more than {limit}"),
        ErrorKind::ExclusiveMinimum { limit } => format!("{it} is not more than {limit}"),
        ErrorKind::ExclusiveMaximum { limit } => format!("{it} is not less than {limit}"),
        ErrorKind::MultipleOf { multiple_of } => format!("{it} is no multiple of {multiple_of}"),
        ErrorKind::MinLength { limit } => {
            format!("{it} is shorter than {}", many(*limit, "character"))
        }
        ErrorKind::MaxLength { limit } => {
            format!("{it} is longer than {}", many(*limit, "character"))
        }
        ErrorKind::MinItems { limit } => {
            format!("at least {} must stand here", many(*limit, "item"))
        }
        ErrorKind::MaxItems { limit } => format!("at most {} may stand here", many(*limit, "item")),
        ErrorKind::MinProperties { limit } => {
            format!("at least {limit} properties must stand here")
        }
        ErrorKind::MaxProperties { limit } => format!("at most {limit} properties may stand here"),
        ErrorKind::Pattern { pattern } => format!("{it} does not match {}", quoted(pattern)),
        ErrorKind::Format { format } => format!("{it} is not of the format {}", quoted(format)),
        _ => clipped(&error.masked().to_string()),
    }
}

/// A value by its type, with what can be shown of it.
fn is_a(value: &Value) -> String {
    match value {
        Value::String(_) => format!("{} is a string", shown(value)),
        Value::Number(_) => format!("{value} is a number"),
        Value::Bool(_) => format!("{value} is a boolean"),
        _ => format!("{} stands here", shown(value)),
    }
}

/// A value, short.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Array(_) => "an array".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        other => other.to_string(),
    }
}

fn needed(kind: &TypeKind) -> String {
    match kind {
        TypeKind::Single(one) => with_article(*one).to_owned(),
        TypeKind::Multiple(set) => {
            let names: Vec<&str> = set.iter().map(with_article).collect();
            either(&names)
        }
    }
}

fn with_article(name: JsonType) -> &'static str {
    match name {
        JsonType::Array => "an array",
        JsonType::Boolean => "a boolean",
        JsonType::Integer => "an integer",
        JsonType::Null => "null",
        JsonType::Number => "a number",
        JsonType::Object => "an object",
        JsonType::String => "a string",
    }
}

fn one_of(options: &[Value]) -> String {
    let shown: Vec<String> = options.iter().take(8).map(shown).collect();
    if options.len() > shown.len() {
        format!("one of {}, …", shown.join(", "))
    } else {
        either(&shown)
    }
}

fn are(names: &[String], what: &str) -> String {
    let shown: Vec<String> = names.iter().take(3).map(|name| quoted(name)).collect();
    let verb = if names.len() == 1 { "is" } else { "are" };
    let rest = if names.len() > 3 { ", …" } else { "" };
    format!("{}{rest} {verb} {what}", shown.join(", "))
}

fn many(number: u64, thing: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {thing}{plural}")
}

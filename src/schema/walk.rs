//! The subschemas of a schema, and which keywords hold them.

use serde_json::{Map, Value};

/// What a keyword holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    /// A schema.
    Schema,
    /// A list of schemas.
    List,
    /// An object of schemas by name.
    Names,
    /// A schema, or a list of them, by the draft.
    SchemaOrList,
    /// Something else.
    Other,
}

pub(super) fn holds(keyword: &str) -> Holds {
    match keyword {
        "additionalItems"
        | "additionalProperties"
        | "contains"
        | "contentSchema"
        | "else"
        | "if"
        | "not"
        | "propertyNames"
        | "then"
        | "unevaluatedItems"
        | "unevaluatedProperties" => Holds::Schema,
        "allOf" | "anyOf" | "oneOf" | "prefixItems" => Holds::List,
        "$defs" | "definitions" | "dependencies" | "dependentSchemas" | "patternProperties"
        | "properties" => Holds::Names,
        "items" => Holds::SchemaOrList,
        _ => Holds::Other,
    }
}

/// A subschema that is a JSON object (not `true` or `false`).
#[derive(Debug)]
pub(super) struct ObjectSchema<'a> {
    /// Its JSON pointer.
    pub(super) pointer: String,
    /// The schema.
    pub(super) map: &'a Map<String, Value>,
    /// The keyword that holds it; `None` at the root.
    keyword: Option<&'a str>,
    /// The index of the subschema that contains it.
    parent: usize,
}

impl<'a> ObjectSchema<'a> {
    /// Whether it describes an object.
    pub(super) fn is_object(&self) -> bool {
        let named = match self.map.get("type") {
            Some(Value::String(name)) => name == "object",
            Some(Value::Array(names)) => names.iter().any(|name| name == "object"),
            _ => false,
        };
        named || self.map.contains_key("properties")
    }

    /// The names of its properties.
    pub(super) fn names(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let properties = self.map.get("properties").and_then(Value::as_object);
        properties
            .into_iter()
            .flat_map(Map::keys)
            .map(String::as_str)
    }

    /// Whether it has an `$id`, so that references in it are not relative to the root.
    pub(super) fn has_own_base(&self) -> bool {
        let id = self.map.get("$id").or_else(|| self.map.get("id"));
        self.keyword.is_some() && id.is_some_and(Value::is_string)
    }

    /// Whether further properties may be defined elsewhere.
    fn is_open(&self) -> bool {
        let elsewhere = [
            "$dynamicRef",
            "$ref",
            "allOf",
            "anyOf",
            "if",
            "oneOf",
            "patternProperties",
        ];
        let keys = elsewhere.iter().any(|key| self.map.contains_key(*key));
        let others = self.map.get("additionalProperties");
        keys || others.is_some_and(Value::is_object)
    }
}

/// All subschemas of a schema, itself first.
pub(super) fn subschemas(schema: &Value) -> Vec<ObjectSchema<'_>> {
    let mut subschemas = Vec::new();
    collect(schema, "", None, 0, &mut subschemas);
    subschemas
}

fn collect<'a>(
    schema: &'a Value,
    pointer: &str,
    keyword: Option<&'a str>,
    parent: usize,
    subschemas: &mut Vec<ObjectSchema<'a>>,
) {
    let Value::Object(map) = schema else {
        return;
    };
    let own = subschemas.len();
    subschemas.push(ObjectSchema {
        pointer: pointer.to_owned(),
        map,
        keyword,
        parent,
    });
    for (keyword, value) in map {
        let at = format!("{pointer}/{}", escaped(keyword));
        let mut part = |value, at: &str| collect(value, at, Some(keyword), own, subschemas);
        match (holds(keyword), value) {
            (Holds::Names, Value::Object(parts)) => {
                for (name, value) in parts {
                    part(value, &format!("{at}/{}", escaped(name)));
                }
            }
            (Holds::List | Holds::SchemaOrList, Value::Array(parts)) => {
                for (index, value) in parts.iter().enumerate() {
                    part(value, &format!("{at}/{index}"));
                }
            }
            (Holds::Schema | Holds::SchemaOrList, value) => part(value, &at),
            _ => {}
        }
    }
}

/// The names of all properties that this object may have; `None` if they are not all defined here.
pub(super) fn known_names<'a>(
    subschemas: &[ObjectSchema<'a>],
    index: usize,
) -> Option<Vec<&'a str>> {
    let subschema = subschemas.get(index)?;
    if subschema.is_open() || !subschema.map.contains_key("properties") {
        return None;
    }
    let mut names: Vec<&str> = subschema.names().collect();
    let mut child = subschema;
    // A branch may require properties that the object around it defines.
    while let Some("anyOf" | "oneOf") = child.keyword {
        child = subschemas.get(child.parent)?;
        names.extend(child.names());
    }
    let alone = !matches!(
        child.keyword,
        Some("allOf" | "dependentSchemas" | "else" | "if" | "not" | "then")
    );
    alone.then_some(names)
}

/// The target of a reference within the schema.
pub(super) fn target<'a>(root: &'a Value, reference: &str) -> Option<&'a Value> {
    let fragment = reference.strip_prefix('#')?;
    if fragment.is_empty() || fragment.starts_with('/') {
        return root.pointer(fragment);
    }
    let subschemas = subschemas(root);
    let named = |subschema: &&ObjectSchema<'_>| {
        let anchor = |key| subschema.map.get(key).and_then(Value::as_str);
        anchor("$anchor") == Some(fragment)
            || anchor("$dynamicAnchor") == Some(fragment)
            || anchor("$id") == Some(reference)
    };
    let subschema = subschemas.iter().find(named)?;
    root.pointer(&subschema.pointer)
}

/// A name as part of a JSON pointer.
pub(super) fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

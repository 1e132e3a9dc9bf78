//! A schema's own parts: which keywords hold schemas, and where each schema stands.

use serde_json::{Map, Value};

/// What stands under a keyword.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    /// A schema.
    Schema,
    /// A list of schemas.
    List,
    /// A schema a name.
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

/// A schema that is an object, somewhere in another.
#[derive(Debug)]
pub(super) struct Spot<'a> {
    /// Where it stands.
    pub(super) pointer: String,
    /// The schema.
    pub(super) map: &'a Map<String, Value>,
    /// The keyword under which it stands; none at the root.
    keyword: Option<&'a str>,
    /// Which of the spots it is a part of.
    parent: usize,
}

impl<'a> Spot<'a> {
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

    /// Whether references in it start from another place than the root.
    pub(super) fn has_own_base(&self) -> bool {
        let id = self.map.get("$id").or_else(|| self.map.get("id"));
        self.keyword.is_some() && id.is_some_and(Value::is_string)
    }

    /// Whether properties may be told elsewhere, too.
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

/// Every schema in this one, itself first.
pub(super) fn spots(schema: &Value) -> Vec<Spot<'_>> {
    let mut spots = Vec::new();
    collect(schema, "", None, 0, &mut spots);
    spots
}

fn collect<'a>(
    schema: &'a Value,
    pointer: &str,
    keyword: Option<&'a str>,
    parent: usize,
    spots: &mut Vec<Spot<'a>>,
) {
    let Value::Object(map) = schema else {
        return;
    };
    let own = spots.len();
    spots.push(Spot {
        pointer: pointer.to_owned(),
        map,
        keyword,
        parent,
    });
    for (keyword, value) in map {
        let at = format!("{pointer}/{}", escaped(keyword));
        let mut part = |value, at: &str| collect(value, at, Some(keyword), own, spots);
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

/// The properties that may stand in this object; none if they can't be told from here alone.
pub(super) fn known_names<'a>(spots: &[Spot<'a>], index: usize) -> Option<Vec<&'a str>> {
    let spot = spots.get(index)?;
    if spot.is_open() || !spot.map.contains_key("properties") {
        return None;
    }
    let mut names: Vec<&str> = spot.names().collect();
    let mut child = spot;
    // A branch may require what the object around it names.
    while let Some("anyOf" | "oneOf") = child.keyword {
        child = spots.get(child.parent)?;
        names.extend(child.names());
    }
    let alone = !matches!(
        child.keyword,
        Some("allOf" | "dependentSchemas" | "else" | "if" | "not" | "then")
    );
    alone.then_some(names)
}

/// What a reference within the schema means.
pub(super) fn target<'a>(root: &'a Value, reference: &str) -> Option<&'a Value> {
    let fragment = reference.strip_prefix('#')?;
    if fragment.is_empty() || fragment.starts_with('/') {
        return root.pointer(fragment);
    }
    let spots = spots(root);
    let named = |spot: &&Spot<'_>| {
        let anchor = |key| spot.map.get(key).and_then(Value::as_str);
        anchor("$anchor") == Some(fragment)
            || anchor("$dynamicAnchor") == Some(fragment)
            || anchor("$id") == Some(reference)
    };
    let spot = spots.iter().find(named)?;
    root.pointer(&spot.pointer)
}

/// A name as part of a JSON pointer.
pub(super) fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

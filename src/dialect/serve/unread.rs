//! What of a request's body its reader has no field for.
//!
//! In: the body that came, and the fields that the dialect's reader reads. Out: the places of the others, as JSON
//! pointers. Names alone count, not how something is written, so that no form of a request is taken for something more.

use std::{collections::BTreeMap, sync::LazyLock};

use serde_json::Value;

/// The fields that a reader reads, as JSON pointers; `*` stands for each item of a list. What stands below a field
/// belongs to it.
pub(in crate::dialect) struct ReadFields {
    pub fields: &'static [&'static str],
    /// Fields that a request has in any case, each with the JSON that says nothing.
    pub usual: &'static [(&'static str, &'static str)],
    /// Objects whose field `type` says what they are, and the types that are read; an object without a type is read.
    pub types: &'static [(&'static str, &'static [&'static str])],
}

/// The read fields as a tree.
#[derive(Debug, Default)]
pub(in crate::dialect) struct ReadTree {
    fields: BTreeMap<&'static str, ReadTree>,
    is_read: bool,
    usual: Option<&'static str>,
    types: Option<&'static [&'static str]>,
}

/// The tree of a dialect's reader, made once.
pub(in crate::dialect) type ReadTable = LazyLock<ReadTree>;

impl ReadFields {
    pub(in crate::dialect) fn tree(&self) -> ReadTree {
        let mut root = ReadTree::default();
        for field in self.fields {
            root.at(field).is_read = true;
        }
        for (place, usual) in self.usual {
            root.at(place).usual = Some(usual);
        }
        for (place, types) in self.types {
            root.at(place).types = Some(types);
        }
        root
    }
}

impl ReadTree {
    fn at(&mut self, place: &'static str) -> &mut Self {
        let names = place.split('/').skip(1);
        names.fold(self, |node, name| node.fields.entry(name).or_default())
    }

    /// The places in a body that are not read. A null is no field.
    pub(in crate::dialect) fn unread(&self, body: &Value) -> Vec<String> {
        let mut places = Vec::new();
        self.walk(body, &mut String::new(), &mut places);
        places
    }

    fn walk(&self, value: &Value, at: &mut String, places: &mut Vec<String>) {
        let length = at.len();
        let kind = value.get("type").and_then(Value::as_str);
        let is_known = |types: &[&str]| kind.is_none_or(|kind| types.contains(&kind));
        if !self.types.is_none_or(is_known) {
            return places.push(at.clone());
        }
        if self.is_read {
            return;
        }
        if let Some(usual) = self.usual {
            if serde_json::from_str(usual).ok().as_ref() != Some(value) {
                places.push(at.clone());
            }
            return;
        }
        match value {
            Value::Object(fields) => {
                for (name, value) in fields.iter().filter(|(_, value)| !value.is_null()) {
                    at.push('/');
                    at.push_str(&name.replace('~', "~0").replace('/', "~1"));
                    match self.fields.get(name.as_str()) {
                        Some(field) => field.walk(value, at, places),
                        None => places.push(at.clone()),
                    }
                    at.truncate(length);
                }
            }
            Value::Array(items) => {
                let Some(item) = self.fields.get("*") else {
                    return places.push(at.clone());
                };
                for (index, value) in items.iter().enumerate() {
                    at.push('/');
                    at.push_str(&index.to_string());
                    item.walk(value, at, places);
                    at.truncate(length);
                }
            }
            // The short form of what is else an object or a list.
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_of_other_names_and_objects_of_other_types_are_told() {
        let read = ReadFields {
            fields: &[
                "/model",
                "/list/*/text",
                "/list/*/type",
                "/list/*/free",
                "/short/a",
            ],
            usual: &[("/list/*/store", "false")],
            types: &[("/list/*", &["text"])],
        };
        let body = json!({
            "model": "m", "none": null, "more/x": 1, "short": "form",
            "list": [
                { "type": "text", "text": "a", "free": { "any": 1 }, "store": false },
                { "text": "a", "mark": true, "store": true },
                { "type": "of_tomorrow", "text": "a" },
            ],
        });
        let expected = ["/more~1x", "/list/1/mark", "/list/1/store", "/list/2"];
        assert_eq!(read.tree().unread(&body), expected);
        let other = json!({ "list": { "text": "a" }, "short": [1] });
        assert_eq!(read.tree().unread(&other), ["/list/text", "/short"]);
    }
}

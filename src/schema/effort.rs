//! How much it costs to hold an answer against a schema, reckoned before it is done.
//!
//! Branches that lead back to the schema's own start can make each level of an answer cost a multiple of
//! the one below. Here each pair of schema and value is reckoned only once, however often the validator
//! would come by.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::walk;

/// Steps that are always granted.
const GRANTED: u64 = 100_000;
/// Steps for each byte of the schema and the answer.
const PER_BYTE: u64 = 20;
/// As deep as schemas may refer to one another before a value is looked into.
const DEEPEST: usize = 400;

/// Whether holding the answer against the schema costs no more than in proportion to both.
pub(super) fn is_modest(schema: &Value, answer: &Value, length: usize) -> bool {
    let bytes = u64::try_from(schema.to_string().len() + length).unwrap_or(u64::MAX);
    let limit = GRANTED.saturating_add(bytes.saturating_mul(PER_BYTE));
    let mut reckoning = Reckoning {
        root: schema,
        limit,
        targets: HashMap::new(),
        pairs: HashMap::new(),
    };
    reckoning.of(schema, answer, 0).whole() <= limit
}

/// Steps to tell whether a value fits, and to tell all that does not.
#[derive(Clone, Copy, Debug)]
struct Steps {
    fits: u64,
    tells: u64,
}

impl Steps {
    const TOO_MANY: Self = Self {
        fits: u64::MAX,
        tells: u64::MAX,
    };

    fn whole(self) -> u64 {
        self.fits.saturating_add(self.tells)
    }

    fn add(&mut self, other: Self) {
        self.fits = self.fits.saturating_add(other.fits);
        self.tells = self.tells.saturating_add(other.tells);
    }

    /// First it is asked whether the value fits, then what does not.
    fn asked_twice(mut self) -> Self {
        self.tells = self.tells.saturating_add(self.fits);
        self
    }

    fn doubled(mut self) -> Self {
        self.add(self);
        self
    }
}

struct Reckoning<'a> {
    root: &'a Value,
    limit: u64,
    /// What references mean.
    targets: HashMap<&'a str, Option<&'a Value>>,
    /// By the places of schema and value in memory; none while a pair is being reckoned.
    pairs: HashMap<(*const Value, *const Value), Option<Steps>>,
}

impl<'a> Reckoning<'a> {
    fn of(&mut self, schema: &'a Value, value: &Value, depth: usize) -> Steps {
        let key = (std::ptr::from_ref(schema), std::ptr::from_ref(value));
        if let Some(known) = self.pairs.get(&key) {
            // Met again before it is reckoned: it refers to itself without going deeper.
            return known.unwrap_or(Steps::TOO_MANY);
        }
        let pairs = u64::try_from(self.pairs.len()).unwrap_or(u64::MAX);
        if depth > DEEPEST || pairs > self.limit {
            return Steps::TOO_MANY;
        }
        self.pairs.insert(key, None);
        let steps = match schema {
            Value::Object(map) => self.of_map(map, value, depth + 1),
            _ => own(value),
        };
        self.pairs.insert(key, Some(steps));
        steps
    }

    fn of_map(&mut self, map: &'a Map<String, Value>, value: &Value, depth: usize) -> Steps {
        let mut steps = own(value);
        for (keyword, part) in map {
            let more = self.of_keyword(keyword, part, value, depth);
            steps.add(more);
        }
        // These look at what the other keywords have taken, by asking them again.
        let again = map.keys().any(|k| k.starts_with("unevaluated"));
        if again { steps.doubled() } else { steps }
    }

    fn of_keyword(&mut self, keyword: &str, part: &'a Value, value: &Value, depth: usize) -> Steps {
        match (keyword, part, value) {
            ("$ref" | "$dynamicRef" | "$recursiveRef", Value::String(reference), _) => {
                let root = self.root;
                let target = self.targets.entry(reference.as_str());
                let target = *target.or_insert_with(|| walk::target(root, reference));
                target.map_or(Steps::TOO_MANY, |schema| self.of(schema, value, depth))
            }
            ("allOf", Value::Array(parts), _) => self.of_all(parts, value, depth),
            ("anyOf" | "oneOf", Value::Array(parts), _) => {
                self.of_all(parts, value, depth).asked_twice()
            }
            ("not" | "if" | "then" | "else", part, _) => self.of(part, value, depth).asked_twice(),
            ("dependentSchemas" | "dependencies", Value::Object(parts), _) => {
                self.of_all(parts.values(), value, depth)
            }
            ("properties", Value::Object(parts), Value::Object(members)) => {
                let mut steps = length(members.len());
                for (name, part) in parts {
                    if let Some(member) = members.get(name) {
                        steps.add(self.of(part, member, depth));
                    }
                }
                steps
            }
            ("patternProperties", Value::Object(parts), Value::Object(members)) => {
                let mut steps = length(parts.len().saturating_mul(members.len()));
                for part in parts.values() {
                    steps.add(self.of_each(part, members.values(), depth));
                }
                steps
            }
            (
                "additionalProperties" | "propertyNames" | "unevaluatedProperties",
                part,
                Value::Object(members),
            ) => self.of_each(part, members.values(), depth),
            ("items" | "prefixItems", Value::Array(parts), Value::Array(items)) => {
                let mut steps = length(items.len());
                for (part, item) in parts.iter().zip(items) {
                    steps.add(self.of(part, item, depth));
                }
                steps
            }
            (
                "items" | "additionalItems" | "unevaluatedItems" | "contains",
                part,
                Value::Array(items),
            ) => self.of_each(part, items, depth),
            ("enum" | "required", Value::Array(parts), _) => length(parts.len()),
            _ => own(value),
        }
    }

    fn of_all(
        &mut self,
        parts: impl IntoIterator<Item = &'a Value>,
        value: &Value,
        depth: usize,
    ) -> Steps {
        let mut steps = length(1);
        for part in parts {
            steps.add(self.of(part, value, depth));
        }
        steps
    }

    fn of_each<'v>(
        &mut self,
        part: &'a Value,
        values: impl IntoIterator<Item = &'v Value>,
        depth: usize,
    ) -> Steps {
        let mut steps = length(1);
        for value in values {
            steps.add(self.of(part, value, depth));
        }
        steps
    }
}

/// A keyword on a value, without what is in it.
fn own(value: &Value) -> Steps {
    match value {
        Value::String(text) => length(1 + text.len() / 64),
        Value::Array(items) => length(1 + items.len() / 8),
        _ => length(1),
    }
}

fn length(steps: usize) -> Steps {
    let steps = u64::try_from(steps).unwrap_or(u64::MAX);
    Steps {
        fits: steps,
        tells: steps,
    }
}

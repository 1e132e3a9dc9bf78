//! Estimates the cost of validating an answer against a schema, before it is done.
//!
//! Recursive references under `anyOf` and the like can make validation exponential in the depth of the answer. The
//! estimate itself visits each pair of subschema and value only once, however often the validator would.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::walk;

/// Steps that are always allowed.
const FREE_STEPS: u64 = 100_000;
/// Further steps allowed for each byte of the schema and the answer.
const PER_BYTE: u64 = 20;
/// Longest chain of references that is followed.
const MAX_REFERENCE_DEPTH: usize = 400;

/// Whether validating the answer costs at most an amount proportional to the size of schema and answer.
pub(super) fn is_affordable(schema: &Value, answer: &Value, length: usize) -> bool {
    let bytes = u64::try_from(schema.to_string().len() + length).unwrap_or(u64::MAX);
    let limit = FREE_STEPS.saturating_add(bytes.saturating_mul(PER_BYTE));
    let mut estimate = CostEstimate {
        root: schema,
        limit,
        targets: HashMap::new(),
        pairs: HashMap::new(),
    };
    estimate.of(schema, answer, 0).total() <= limit
}

/// Cost estimate in steps: to decide whether a value is valid, and to list its validation errors.
#[derive(Clone, Copy, Debug)]
struct StepCount {
    fits: u64,
    lists: u64,
}

impl StepCount {
    const TOO_MANY: Self = Self {
        fits: u64::MAX,
        lists: u64::MAX,
    };

    fn total(self) -> u64 {
        self.fits.saturating_add(self.lists)
    }

    fn add(&mut self, other: Self) {
        self.fits = self.fits.saturating_add(other.fits);
        self.lists = self.lists.saturating_add(other.lists);
    }

    /// For keywords that the validator checks first for validity, then again for the errors.
    fn checked_twice(mut self) -> Self {
        self.lists = self.lists.saturating_add(self.fits);
        self
    }

    fn doubled(mut self) -> Self {
        self.add(self);
        self
    }
}

struct CostEstimate<'a> {
    root: &'a Value,
    limit: u64,
    /// The subschemas that references point to.
    targets: HashMap<&'a str, Option<&'a Value>>,
    /// Cost by the addresses of schema and value; `None` while a pair is being estimated.
    pairs: HashMap<(*const Value, *const Value), Option<StepCount>>,
}

impl<'a> CostEstimate<'a> {
    fn of(&mut self, schema: &'a Value, value: &Value, depth: usize) -> StepCount {
        let key = (std::ptr::from_ref(schema), std::ptr::from_ref(value));
        if let Some(known) = self.pairs.get(&key) {
            // Met again while it is being estimated: the schema refers to itself without going deeper into the value.
            return known.unwrap_or(StepCount::TOO_MANY);
        }
        let pairs = u64::try_from(self.pairs.len()).unwrap_or(u64::MAX);
        if depth > MAX_REFERENCE_DEPTH || pairs > self.limit {
            return StepCount::TOO_MANY;
        }
        self.pairs.insert(key, None);
        let steps = match schema {
            Value::Object(map) => self.of_map(map, value, depth + 1),
            _ => own(value),
        };
        self.pairs.insert(key, Some(steps));
        steps
    }

    fn of_map(&mut self, map: &'a Map<String, Value>, value: &Value, depth: usize) -> StepCount {
        let mut steps = own(value);
        for (keyword, part) in map {
            let more = self.of_keyword(keyword, part, value, depth);
            steps.add(more);
        }
        // `unevaluated…` evaluates the other keywords again.
        let again = map.keys().any(|k| k.starts_with("unevaluated"));
        if again { steps.doubled() } else { steps }
    }

    fn of_keyword(
        &mut self,
        keyword: &str,
        part: &'a Value,
        value: &Value,
        depth: usize,
    ) -> StepCount {
        match (keyword, part, value) {
            ("$ref" | "$dynamicRef" | "$recursiveRef", Value::String(reference), _) => {
                let root = self.root;
                let target = self.targets.entry(reference.as_str());
                let target = *target.or_insert_with(|| walk::target(root, reference));
                target.map_or(StepCount::TOO_MANY, |schema| self.of(schema, value, depth))
            }
            ("allOf", Value::Array(parts), _) => self.of_all(parts, value, depth),
            ("anyOf" | "oneOf", Value::Array(parts), _) => {
                self.of_all(parts, value, depth).checked_twice()
            }
            ("not" | "if" | "then" | "else", part, _) => {
                self.of(part, value, depth).checked_twice()
            }
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
    ) -> StepCount {
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
    ) -> StepCount {
        let mut steps = length(1);
        for value in values {
            steps.add(self.of(part, value, depth));
        }
        steps
    }
}

/// A keyword on a value, without what is in it.
fn own(value: &Value) -> StepCount {
    match value {
        Value::String(text) => length(1 + text.len() / 64),
        Value::Array(items) => length(1 + items.len() / 8),
        _ => length(1),
    }
}

fn length(steps: usize) -> StepCount {
    let steps = u64::try_from(steps).unwrap_or(u64::MAX);
    StepCount {
        fits: steps,
        lists: steps,
    }
}

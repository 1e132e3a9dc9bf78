//! A whole JSON value in memory, of a bounded number of parts: `[1,1,…` takes up sixteen times its bytes.

use std::{cell::Cell, fmt};

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Most parts of one value: elements, fields and what they hold.
const MAX_PARTS: usize = 200_000;

/// The value that a JSON text is.
///
/// # Errors
/// If it is no JSON, nested too deep, or of too many parts.
pub(crate) fn value(text: &str) -> serde_json::Result<Value> {
    let left = Cell::new(MAX_PARTS);
    let mut from = serde_json::Deserializer::from_str(text);
    let value = Part { left: &left }.deserialize(&mut from)?;
    from.end()?;
    Ok(value)
}

/// Reads one part, given how many more there may be.
#[derive(Clone, Copy)]
struct Part<'a> {
    left: &'a Cell<usize>,
}

/// What an object with fields takes up more than a number does, in parts.
const OBJECT_PARTS: usize = 3;

impl Part<'_> {
    fn take<E: Error>(self, parts: usize) -> Result<(), E> {
        let left = self.left.get().checked_sub(parts);
        let too_many = || E::custom(format!("it has more than {MAX_PARTS} parts"));
        self.left.set(left.ok_or_else(too_many)?);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Part<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        self.take(1)?;
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Part<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = seq.next_element_seed(self)? {
            elements.push(element);
        }
        Ok(Value::Array(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            if fields.is_empty() {
                self.take(OBJECT_PARTS)?;
            }
            let value = map.next_value_seed(self)?;
            fields.insert(name, value);
        }
        Ok(Value::Object(fields))
    }
}

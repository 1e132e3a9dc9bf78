//! Parses a whole JSON value with a bounded number of parts: in memory `[1,1,…` takes sixteen times its bytes.

use std::{cell::Cell, fmt};

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Most parts of one value: elements, fields and what they hold.
const MAX_PARTS: usize = 200_000;

/// Parses a JSON text.
///
/// # Errors
/// If it is no JSON, nested too deep, or of too many parts.
pub(crate) fn value(text: &str) -> serde_json::Result<Value> {
    let left = Cell::new(MAX_PARTS);
    let mut from = serde_json::Deserializer::from_str(text);
    let value = BoundedValue { left: &left }.deserialize(&mut from)?;
    from.end()?;
    Ok(value)
}

/// Deserialises one value, given how many more parts there may be.
#[derive(Clone, Copy)]
struct BoundedValue<'a> {
    left: &'a Cell<usize>,
}

/// How many parts an object with fields counts in addition.
const OBJECT_PARTS: usize = 3;

impl BoundedValue<'_> {
    fn take<E: Error>(self, parts: usize) -> Result<(), E> {
        let left = self.left.get().checked_sub(parts);
        let too_many = || E::custom(format!("it has more than {MAX_PARTS} parts"));
        self.left.set(left.ok_or_else(too_many)?);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for BoundedValue<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        self.take(1)?;
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for BoundedValue<'_> {
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

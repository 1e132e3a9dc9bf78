//! Whether a value holds any text, and is not nested too deep: it is looked through without being kept.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use super::{Raw, is_void};

/// Whether a value holds a non-empty string anywhere: numbers and booleans are no content.
///
/// # Errors
/// If the value is nested deeper than `serde_json` reads.
pub(crate) fn holds_text(raw: Raw<'_>) -> serde_json::Result<bool> {
    match raw.get().as_bytes().first() {
        Some(b'"') => Ok(!is_void(raw)),
        Some(b'[' | b'{') => serde_json::from_str(raw.get()).map(|HoldsText(holds)| holds),
        _ => Ok(false),
    }
}

/// Checks that a value is not nested deeper than `serde_json` reads.
///
/// # Errors
/// If it is.
pub(crate) fn not_too_deep(raw: Raw<'_>) -> serde_json::Result<()> {
    const DEPTH: usize = 100;
    let opened = raw.get().bytes().filter(|byte| matches!(byte, b'[' | b'{'));
    if opened.count() < DEPTH {
        return Ok(());
    }
    holds_text(raw).map(drop)
}

/// Visits a value without storing it.
struct HoldsText(bool);

impl<'de> Deserialize<'de> for HoldsText {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(HoldsTextVisitor)
    }
}

struct HoldsTextVisitor;

impl<'de> Visitor<'de> for HoldsTextVisitor {
    type Value = HoldsText;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_str<E>(self, text: &str) -> Result<HoldsText, E> {
        Ok(HoldsText(!text.is_empty()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<HoldsText, A::Error> {
        let mut holds = false;
        while let Some(HoldsText(one)) = seq.next_element()? {
            holds |= one;
        }
        Ok(HoldsText(holds))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<HoldsText, A::Error> {
        let mut holds = false;
        while let Some((_, HoldsText(one))) = map.next_entry::<IgnoredAny, _>()? {
            holds |= one;
        }
        Ok(HoldsText(holds))
    }

    fn visit_bool<E>(self, _: bool) -> Result<HoldsText, E> {
        Ok(HoldsText(false))
    }

    fn visit_u64<E>(self, _: u64) -> Result<HoldsText, E> {
        Ok(HoldsText(false))
    }

    fn visit_i64<E>(self, _: i64) -> Result<HoldsText, E> {
        Ok(HoldsText(false))
    }

    fn visit_f64<E>(self, _: f64) -> Result<HoldsText, E> {
        Ok(HoldsText(false))
    }

    fn visit_unit<E>(self) -> Result<HoldsText, E> {
        Ok(HoldsText(false))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_found_wherever_it_stands() {
        for (json, holds) in [
            (r#""""#, false),
            (r#""x""#, true),
            (r#"[1, -2, 1e9, true, null, {}, [""]]"#, false),
            (r#"[0, {"a": [{"b": "x"}]}]"#, true),
            (r#"{"a": "x", "b": 0}"#, true),
            (r#"{"x": 0}"#, false),
        ] {
            assert_eq!(holds_text(Raw::of(json)).unwrap(), holds, "{json}");
        }
        let deep = format!("{}{}", "[".repeat(1_000), "]".repeat(1_000));
        assert!(holds_text(Raw::of(&deep)).is_err());
    }
}

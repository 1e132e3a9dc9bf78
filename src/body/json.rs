//! JSON read one level at a time: an object's fields stay raw text, borrowed from the body, until a
//! reader asks for one. So one odd field never spoils a chunk, and unknown ones cost one scan.
//!
//! Two bytes of JSON can take up a hundred in memory, so whatever is made of them here has a limit.

mod string;
mod value;

use std::{borrow::Cow, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

pub(crate) use self::value::value;

/// Most fields of one object.
const MAX_FIELDS: usize = 10_000;
/// Most elements of one array.
const MAX_ELEMENTS: usize = 1 << 17;

/// The fields of one object, in order, their values unread.
#[derive(Debug)]
pub(crate) struct Fields<'a>(pub Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Fields<'a> {
    /// The fields of a value.
    ///
    /// # Errors
    /// If it is no object.
    pub(crate) fn of(raw: &'a RawValue) -> serde_json::Result<Self> {
        serde_json::from_str(raw.get())
    }

    /// The value of a field; the first, where it is there twice.
    pub(crate) fn get(&self, name: &str) -> Option<&'a RawValue> {
        let mut named = self.0.iter().filter(|(key, _)| key == name);
        named.next().map(|(_, raw)| *raw)
    }

    /// The same, unless it is null.
    pub(crate) fn stated(&self, name: &str) -> Option<&'a RawValue> {
        self.get(name).filter(|raw| raw.get() != "null")
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
                let mut fields = Vec::new();
                while let Some((Key(key), value)) = map.next_entry::<Key<'de>, &'de RawValue>()? {
                    if fields.len() == MAX_FIELDS {
                        let why = format!("an object has more than {MAX_FIELDS} fields");
                        return Err(A::Error::custom(why));
                    }
                    fields.push((key, value));
                }
                Ok(Fields(fields))
            }
        }
        from.deserialize_map(Object)
    }
}

#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

/// Whether a text is JSON.
pub(crate) fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// The bytes of a string's text; `None` if it is something else. A lone surrogate (`"\ud83d"`), which UTF-8 can't say,
/// is there in WTF-8.
pub(crate) fn bytes(raw: &RawValue) -> Option<Cow<'_, [u8]>> {
    let inside = raw.get().strip_prefix('"')?.strip_suffix('"')?;
    Some(string::unescaped(inside))
}

/// A string that is not empty; a lone surrogate in it becomes U+FFFD.
pub(crate) fn string(raw: &RawValue) -> Option<String> {
    bytes(raw)
        .filter(|b| !b.is_empty())
        .map(|bytes| match bytes {
            Cow::Borrowed(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Cow::Owned(bytes) => String::from_utf8(bytes)
                .unwrap_or_else(|broken| String::from_utf8_lossy(broken.as_bytes()).into_owned()),
        })
}

/// A word that says something: a string that is neither empty nor the text `null`, which some servers write for none.
pub(crate) fn word(raw: &RawValue) -> Option<String> {
    string(raw).filter(|word| !word.trim().eq_ignore_ascii_case("null"))
}

/// An array's elements; `None` if it is something else, or has too many.
pub(crate) fn elements(raw: &RawValue) -> Option<Vec<&RawValue>> {
    list(raw.get()).ok()
}

/// The elements of an array.
///
/// # Errors
/// If the text is no such array, or has too many elements.
pub(crate) fn list<'a, T: Deserialize<'a>>(text: &'a str) -> serde_json::Result<Vec<T>> {
    serde_json::from_str(text).map(|Elements(elements)| elements)
}

struct Elements<T>(Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Elements<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_seq(Array(PhantomData))
    }
}

struct Array<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Array<T> {
    type Value = Elements<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Elements<T>, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = seq.next_element()? {
            if elements.len() == MAX_ELEMENTS {
                let why = format!("an array has more than {MAX_ELEMENTS} elements");
                return Err(A::Error::custom(why));
            }
            elements.push(element);
        }
        Ok(Elements(elements))
    }
}

/// Whether a value says that there is nothing: null, false, or empty.
pub(crate) fn is_void(raw: &RawValue) -> bool {
    matches!(raw.get(), "null" | "false" | r#""""# | "[]" | "{}")
}

/// Whether some non-empty text stands anywhere in a value: numbers and switches carry no content.
///
/// # Errors
/// If the value is nested deeper than `serde_json` reads.
pub(crate) fn holds_text(raw: &RawValue) -> serde_json::Result<bool> {
    match raw.get().as_bytes().first() {
        Some(b'"') => Ok(!is_void(raw)),
        Some(b'[' | b'{') => serde_json::from_str(raw.get()).map(|HoldsText(holds)| holds),
        _ => Ok(false),
    }
}

/// Looks through a value without keeping it.
struct HoldsText(bool);

impl<'de> Deserialize<'de> for HoldsText {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Look)
    }
}

struct Look;

impl<'de> Visitor<'de> for Look {
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

    fn raw(text: &str) -> &RawValue {
        serde_json::from_str(text).unwrap()
    }

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
            assert_eq!(holds_text(raw(json)).unwrap(), holds, "{json}");
        }
        let deep = format!("{}{}", "[".repeat(1_000), "]".repeat(1_000));
        assert!(holds_text(raw(&deep)).is_err());
    }

    #[test]
    fn what_json_unfolds_to_has_a_limit() {
        let many = |element: &str, count: usize| vec![element; count].join(",");
        let array = format!("[{}]", many("1", MAX_ELEMENTS));
        assert_eq!(elements(raw(&array)).unwrap().len(), MAX_ELEMENTS);
        let array = format!("[{}]", many("1", MAX_ELEMENTS + 1));
        assert!(elements(raw(&array)).is_none());
        let object = format!("{{{}}}", many(r#""":1"#, MAX_FIELDS + 1));
        let why = Fields::of(raw(&object)).unwrap_err().to_string();
        assert!(
            why.starts_with("an object has more than 10000 fields"),
            "{why}"
        );
        for (json, reads) in [
            (format!("[{}]", many("1", 100_000)), true),
            (format!("[{}]", many("1", 250_000)), false),
            (format!("[{}]", many(r#"{"a":[]}"#, 100_000)), false),
            (format!("{:?}", "x".repeat(4 << 20)), true),
        ] {
            assert_eq!(value(&json).is_ok(), reads, "{} bytes", json.len());
        }
        let value = value(r#"{"a": [1, -1, 0.5, "x", true, null], "b": {}}"#).unwrap();
        let whole = serde_json::json!({"a": [1, -1, 0.5, "x", true, null], "b": {}});
        assert_eq!(value, whole);
    }
}

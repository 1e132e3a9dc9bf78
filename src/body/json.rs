//! JSON read one level at a time: an object's fields stay raw text, borrowed from the body, until a
//! reader asks for one. So one odd field never spoils a chunk, and unknown ones cost one scan.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::{Value, value::RawValue};

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
                let mut fields = Vec::with_capacity(8);
                while let Some((Key(key), value)) = map.next_entry::<Key<'de>, &'de RawValue>()? {
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

/// A JSON string as the bytes of its text. A lone surrogate (`"\ud83d"`), which UTF-8 can't say, is
/// there in WTF-8, as `serde_json` promises for byte strings.
struct Wtf8<'a>(pub Cow<'a, [u8]>);

impl<'de: 'a, 'a> Deserialize<'de> for Wtf8<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl<'de> Visitor<'de> for Bytes {
            type Value = Wtf8<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON string")
            }

            fn visit_borrowed_bytes<E>(self, bytes: &'de [u8]) -> Result<Wtf8<'de>, E> {
                Ok(Wtf8(Cow::Borrowed(bytes)))
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Wtf8<'de>, E> {
                Ok(Wtf8(Cow::Owned(bytes.to_owned())))
            }
        }
        from.deserialize_bytes(Bytes)
    }
}

/// A string's bytes; `None` if it is something else.
pub(crate) fn bytes(raw: &RawValue) -> Option<Cow<'_, [u8]>> {
    // Without this check an array of small numbers would count as bytes.
    if !raw.get().starts_with('"') {
        return None;
    }
    let Wtf8(bytes) = serde_json::from_str(raw.get()).ok()?;
    Some(bytes)
}

/// A string that is not empty; a lone surrogate in it becomes U+FFFD.
pub(crate) fn string(raw: &RawValue) -> Option<String> {
    bytes(raw)
        .filter(|b| !b.is_empty())
        .map(|b| String::from_utf8_lossy(&b).into_owned())
}

/// An array's elements; `None` if it is something else.
pub(crate) fn elements(raw: &RawValue) -> Option<Vec<&RawValue>> {
    serde_json::from_str(raw.get()).ok()
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
    fn holds(value: &Value) -> bool {
        match value {
            Value::String(text) => !text.is_empty(),
            Value::Array(items) => items.iter().any(holds),
            Value::Object(fields) => fields.values().any(holds),
            _ => false,
        }
    }
    match raw.get().as_bytes().first() {
        Some(b'"') => Ok(!is_void(raw)),
        Some(b'[' | b'{') => Ok(holds(&serde_json::from_str(raw.get())?)),
        _ => Ok(false),
    }
}

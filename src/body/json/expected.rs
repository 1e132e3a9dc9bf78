//! Why a text is not the object or the array that it should be, in the words of `serde_json`.

use std::fmt;

use serde::{
    Deserializer as _,
    de::{Error as _, IgnoredAny, MapAccess, SeqAccess, Unexpected, Visitor},
};

/// What a value should be.
#[derive(Clone, Copy)]
pub(super) enum Expected {
    Object,
    Array,
}

impl Expected {
    /// Why a text is none of these.
    pub(super) fn why_not(self, text: &str) -> serde_json::Error {
        let mut from = serde_json::Deserializer::from_str(text);
        let read = match self {
            Self::Object => from.deserialize_map(self),
            Self::Array => from.deserialize_seq(self),
        };
        let read = read.and_then(|()| from.end());
        read.err()
            .unwrap_or_else(|| serde_json::Error::custom("it is no JSON"))
    }
}

impl<'de> Visitor<'de> for Expected {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Object => "a JSON object",
            Self::Array => "a JSON array",
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        match self {
            Self::Object => while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {},
            Self::Array => return Err(A::Error::invalid_type(Unexpected::Map, &self)),
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        match self {
            Self::Array => while seq.next_element::<IgnoredAny>()?.is_some() {},
            Self::Object => return Err(A::Error::invalid_type(Unexpected::Seq, &self)),
        }
        Ok(())
    }
}

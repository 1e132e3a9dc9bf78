//! Lazy JSON: a text is scanned once, and a field is parsed only when a reader asks for it. So one invalid field
//! never spoils a chunk, and unknown fields cost nothing more.
//!
//! Two bytes of JSON can take a hundred in memory, so the number of fields and elements is limited.

mod expected;
mod holds;
mod scan;
mod string;
mod value;

use std::borrow::Cow;

use serde::de::{Error as _, IgnoredAny};

use self::{expected::Expected, scan::Node};
pub(crate) use self::{
    holds::{holds_text, not_too_deep},
    value::value,
};

/// Most fields of one object.
const MAX_FIELDS: usize = 10_000;
/// Most elements of one array.
const MAX_ELEMENTS: usize = 1 << 17;

/// A text, scanned for JSON.
#[derive(Debug)]
pub(crate) struct Scanned<'a> {
    text: &'a str,
    /// None where it is no JSON.
    nodes: Vec<Node>,
}

impl<'a> Scanned<'a> {
    /// Scans a text.
    pub(crate) fn of(text: &'a str) -> Self {
        let nodes = scan::nodes(text).unwrap_or_default();
        Self { text, nodes }
    }

    /// The text.
    pub(crate) fn text(&self) -> &'a str {
        self.text
    }

    /// The fields of the object that the text is.
    ///
    /// # Errors
    /// If it is something else.
    pub(crate) fn fields(&self) -> serde_json::Result<Fields<'_>> {
        Fields::of(self.value_of(Expected::Object)?)
    }

    /// The elements of the array that the text is.
    ///
    /// # Errors
    /// If it is something else.
    pub(crate) fn list(&self) -> serde_json::Result<impl Iterator<Item = Raw<'_>>> {
        list(self.value_of(Expected::Array)?)
    }

    fn value_of(&self, expected: Expected) -> serde_json::Result<Raw<'_>> {
        let (node, inside) =
            (self.nodes.split_first()).ok_or_else(|| expected.why_not(self.text))?;
        let text = &self.text[node.range()];
        Ok(Raw { text, inside })
    }
}

/// A value in a JSON text, as it was written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Raw<'a> {
    text: &'a str,
    /// The nodes inside it; empty if it has to be scanned when it is opened.
    inside: &'a [Node],
}

impl<'a> Raw<'a> {
    /// A text that is known to be JSON, without blanks around it.
    #[cfg(test)]
    pub(crate) fn of(text: &'a str) -> Self {
        Self { text, inside: &[] }
    }

    /// Its text.
    pub(crate) fn get(self) -> &'a str {
        self.text
    }

    /// The values inside of it; `most` of them.
    fn open(self, most: usize) -> Option<Children<'a>> {
        let nodes = match self.inside {
            [] => scan::members(self.text, most)?.into(),
            nodes => nodes.into(),
        };
        let text = self.text;
        Some(Children { text, nodes })
    }
}

/// The children of an object or an array.
#[derive(Debug)]
struct Children<'a> {
    text: &'a str,
    nodes: Cow<'a, [Node]>,
}

impl<'a> Children<'a> {
    /// The name at a node.
    fn name(&self, at: usize) -> Option<Cow<'a, str>> {
        let node = self.nodes.get(at)?;
        let name = &self.text[node.range()];
        Some(if node.is_escaped() {
            unescaped(name)
        } else {
            name.into()
        })
    }

    /// Whether the name at a node is this one.
    fn is_named(&self, at: usize, name: &str) -> Option<bool> {
        let node = self.nodes.get(at)?;
        Some(if node.is_escaped() {
            self.name(at)? == name
        } else {
            // Most differ in their length already.
            node.range().len() == name.len() && &self.text[node.range()] == name
        })
    }

    /// The node behind the value at a node.
    fn behind(&self, at: usize) -> Option<usize> {
        self.nodes.get(at).map(|node| at + 1 + node.inside())
    }

    /// The value at a node, and the node behind it.
    fn value(&self, at: usize) -> Option<(Raw<'a>, usize)> {
        let behind = self.behind(at)?;
        let text = &self.text[self.nodes[at].range()];
        let inside = match &self.nodes {
            Cow::Borrowed(nodes) => &nodes[at + 1..behind],
            Cow::Owned(_) => &[],
        };
        Some((Raw { text, inside }, behind))
    }
}

/// The fields of one object, in order.
#[derive(Debug)]
pub(crate) struct Fields<'a>(Children<'a>);

impl<'a> Fields<'a> {
    /// The fields of a value.
    ///
    /// # Errors
    /// If it is no object, or has too many.
    pub(crate) fn of(raw: Raw<'a>) -> serde_json::Result<Self> {
        if !raw.text.starts_with('{') {
            return Err(Expected::Object.why_not(raw.text));
        }
        let too_many = || {
            let why = format!("an object has more than {MAX_FIELDS} fields");
            serde_json::Error::custom(why)
        };
        raw.open(2 * MAX_FIELDS).map(Self).ok_or_else(too_many)
    }

    /// Each field's name and value.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Cow<'a, str>, Raw<'a>)> {
        let mut at = 0;
        std::iter::from_fn(move || {
            let name = self.0.name(at)?;
            let (value, behind) = self.0.value(at + 1)?;
            at = behind;
            Some((name, value))
        })
    }

    /// The value of a field; the first, where it is there twice.
    pub(crate) fn get(&self, name: &str) -> Option<Raw<'a>> {
        let mut at = 0;
        while !self.0.is_named(at, name)? {
            at = self.0.behind(at + 1)?;
        }
        self.0.value(at + 1).map(|(raw, _)| raw)
    }

    /// The value of a field, unless it is null.
    pub(crate) fn stated(&self, name: &str) -> Option<Raw<'a>> {
        self.get(name).filter(|raw| raw.get() != "null")
    }
}

/// The text of a string, given the characters between its quotes; a lone surrogate becomes U+FFFD.
fn unescaped(inside: &str) -> Cow<'_, str> {
    match string::unescaped(inside) {
        Cow::Borrowed(_) => inside.into(),
        Cow::Owned(name) => lossy(name).into(),
    }
}

/// Whether a text is JSON.
pub(crate) fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// The text of a string in WTF-8, since UTF-8 can't hold a lone surrogate (`"\ud83d"`); `None` if the value is not a
/// string.
pub(crate) fn bytes(raw: Raw<'_>) -> Option<Cow<'_, [u8]>> {
    let inside = raw.get().strip_prefix('"')?.strip_suffix('"')?;
    Some(string::unescaped(inside))
}

/// A string that is not empty; a lone surrogate in it becomes U+FFFD.
pub(crate) fn string(raw: Raw<'_>) -> Option<String> {
    text(raw).map(Cow::into_owned)
}

/// The same, borrowed where nothing in it is escaped.
pub(crate) fn text(raw: Raw<'_>) -> Option<Cow<'_, str>> {
    let inside = raw.get().strip_prefix('"')?.strip_suffix('"')?;
    (!inside.is_empty()).then(|| unescaped(inside))
}

fn lossy(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|broken| String::from_utf8_lossy(broken.as_bytes()).into_owned())
}

/// A string that is neither empty nor the text `null`, which some servers write for a missing value.
pub(crate) fn word(raw: Raw<'_>) -> Option<String> {
    string(raw).filter(|word| !word.trim().eq_ignore_ascii_case("null"))
}

/// An array's elements; `None` if it is something else, or has too many.
pub(crate) fn elements(raw: Raw<'_>) -> Option<impl Iterator<Item = Raw<'_>>> {
    list(raw).ok()
}

/// The elements of an array.
///
/// # Errors
/// If the value is no array, or has too many elements.
pub(crate) fn list(raw: Raw<'_>) -> serde_json::Result<impl Iterator<Item = Raw<'_>>> {
    if !raw.text.starts_with('[') {
        return Err(Expected::Array.why_not(raw.text));
    }
    let too_many = || {
        let why = format!("an array has more than {MAX_ELEMENTS} elements");
        serde_json::Error::custom(why)
    };
    let inside = raw.open(MAX_ELEMENTS + 1).ok_or_else(too_many)?;
    let mut at = 0;
    Ok(std::iter::from_fn(move || {
        let (value, behind) = inside.value(at)?;
        at = behind;
        Some(value)
    }))
}

/// Whether a value is null, false or empty.
pub(crate) fn is_void(raw: Raw<'_>) -> bool {
    matches!(raw.get(), "null" | "false" | r#""""# | "[]" | "{}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> Raw<'_> {
        Raw::of(text)
    }

    #[test]
    fn what_json_unfolds_to_has_a_limit() {
        let many = |element: &str, count: usize| vec![element; count].join(",");
        let array = format!("[{}]", many("1", MAX_ELEMENTS));
        assert_eq!(elements(raw(&array)).unwrap().count(), MAX_ELEMENTS);
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

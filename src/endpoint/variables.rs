//! Environment variables, and `${NAME}` references to them in settings.
//!
//! In: the environment of the process (or of a test). Out: values that are set and not empty.

use std::{collections::BTreeMap, fmt, sync::Arc};

/// A lookup of environment variables. Cheap to clone.
#[derive(Clone)]
pub struct Environment(Arc<Lookup>);

type Lookup = dyn Fn(&str) -> Option<String> + Send + Sync;

impl Environment {
    /// The environment of this process.
    #[must_use]
    pub fn of_process() -> Self {
        Self(Arc::new(|name| std::env::var(name).ok()))
    }

    /// An environment of these variables only.
    pub fn of<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let map: BTreeMap<String, String> = pairs
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Self(Arc::new(move |name| map.get(name).cloned()))
    }

    /// A variable's value without white space around it; `None` if it is unset, empty or not Unicode.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<String> {
        let value = (self.0)(name)?;
        let trimmed = value.trim();
        (!trimmed.is_empty()).then(|| trimmed.to_owned())
    }

    /// The first of these variables that is set, with its value.
    #[must_use]
    pub fn first<'a>(&self, names: &'a [String]) -> Option<(&'a str, String)> {
        (names.iter()).find_map(|name| Some((name.as_str(), self.get(name)?)))
    }
}

impl Default for Environment {
    fn default() -> Self {
        Self::of_process()
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Environment(…)")
    }
}

/// A reference that can't be resolved. Contains names only, never values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadReference {
    /// No such variable.
    #[error("${{{0}}} is not set")]
    Unset(String),
    /// A `${` without its `}`.
    #[error("a ${{ has no closing }}")]
    Unclosed,
}

/// The text with each `${NAME}` replaced by that variable's value.
///
/// # Errors
/// If a variable is not set, or a reference has no closing brace.
pub fn expand(text: &str, environment: &Environment) -> Result<String, BadReference> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let (name, tail) = after.split_once('}').ok_or(BadReference::Unclosed)?;
        let value = (environment.get(name)).ok_or_else(|| BadReference::Unset(name.to_owned()))?;
        out.push_str(before);
        out.push_str(&value);
        rest = tail;
    }
    out.push_str(rest);
    Ok(out)
}

/// The text without one pair of quotes around it.
#[must_use]
pub fn unquoted(text: &str) -> &str {
    let pairs = [('"', '"'), ('\'', '\''), ('`', '`'), ('“', '”'), ('‘', '’')];
    let inner = pairs
        .iter()
        .find_map(|(open, close)| text.strip_prefix(*open)?.strip_suffix(*close));
    inner.map_or(text, str::trim)
}

/// The names of the variables that a text refers to.
pub fn names(text: &str) -> impl Iterator<Item = &str> {
    let references = text.split("${").skip(1);
    references.filter_map(|rest| Some(rest.split_once('}')?.0))
}

/// Whether the text refers to a variable.
#[must_use]
pub fn has_reference(text: &str) -> bool {
    text.contains("${")
}

/// The variable's name, if the text is one reference and nothing else.
#[must_use]
pub fn sole_reference(text: &str) -> Option<&str> {
    let name = text.strip_prefix("${")?.strip_suffix('}')?;
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (!name.is_empty() && name.chars().all(plain)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_replaced_once_and_not_recursively() {
        let env = Environment::of([("A", "1"), ("B", "${A}"), ("BLANK", "  ")]);
        for (text, value) in [
            ("", Ok("")),
            ("plain $A {A} $", Ok("plain $A {A} $")),
            ("${A}", Ok("1")),
            ("x${A}y${A}z", Ok("x1y1z")),
            ("${B}", Ok("${A}")),
            ("${C}", Err("${C} is not set")),
            ("${BLANK}", Err("${BLANK} is not set")),
            ("a${A", Err("a ${ has no closing }")),
        ] {
            let got = expand(text, &env).map_err(|e| e.to_string());
            assert_eq!(got.as_deref().map_err(String::as_str), value, "{text}");
        }
    }

    #[test]
    fn a_sole_reference_is_distinguished_from_text() {
        assert_eq!(sole_reference("${A_1}"), Some("A_1"));
        for text in ["", "${}", "A", "x${A}", "${A}x", "${A}${B}", "${a b}"] {
            assert_eq!(sole_reference(text), None, "{text}");
        }
    }
}

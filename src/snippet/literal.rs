//! JSON as a literal of another language.

use std::fmt::Write as _;

use serde_json::Value;

/// Fields that hold bytes, which Google's SDK takes as such and not as base64.
const BYTES: &[&str] = &["data", "thoughtSignature"];

/// How a literal is written.
#[derive(Clone, Copy)]
pub(super) struct Style {
    /// `true`, `false` and `null`.
    pub words: [&'static str; 3],
    /// Whether base64 becomes bytes where Google's SDK wants them.
    pub bytes: bool,
}

/// Python's own words.
pub(super) const PYTHON: Style = Style {
    words: ["True", "False", "None"],
    bytes: false,
};

/// A value over several lines, all but the first indented by `depth` steps of four blanks.
pub(super) fn literal(value: &Value, style: Style, depth: usize) -> String {
    let mut out = String::new();
    write(&mut out, value, style, depth, "");
    out
}

fn write(out: &mut String, value: &Value, style: Style, depth: usize, field: &str) {
    let [yes, no, none] = style.words;
    match value {
        Value::Null => out.push_str(none),
        Value::Bool(true) => out.push_str(yes),
        Value::Bool(false) => out.push_str(no),
        Value::String(text) if style.bytes && BYTES.contains(&field) => {
            let _ = write!(out, "base64.b64decode({})", string(text));
        }
        Value::Number(_) | Value::String(_) => out.push_str(&scalar(value)),
        Value::Array(items) if items.is_empty() => out.push_str("[]"),
        Value::Object(map) if map.is_empty() => out.push_str("{}"),
        Value::Array(items) => {
            let items = items.iter().map(|item| (None, item));
            block(out, ['[', ']'], items, style, depth);
        }
        Value::Object(map) => {
            let items = map.iter().map(|(name, item)| (Some(name.as_str()), item));
            block(out, ['{', '}'], items, style, depth);
        }
    }
}

fn block<'a>(
    out: &mut String,
    [open, close]: [char; 2],
    items: impl Iterator<Item = (Option<&'a str>, &'a Value)>,
    style: Style,
    depth: usize,
) {
    out.push(open);
    for (name, item) in items {
        let _ = write!(out, "\n{}", "    ".repeat(depth + 1));
        if let Some(name) = name {
            let _ = write!(out, "{}: ", string(name));
        }
        write(out, item, style, depth + 1, name.unwrap_or_default());
        out.push(',');
    }
    let _ = write!(out, "\n{}{close}", "    ".repeat(depth));
}

/// JSON's strings are Python's, too.
pub(super) fn string(text: &str) -> String {
    scalar(&Value::from(text))
}

fn scalar(value: &Value) -> String {
    value.to_string()
}

//! JSON as a literal of another language.

use std::fmt::Write as _;

use serde_json::Value;

/// Fields that Google's SDK expects as bytes, not as base64.
const BYTES: &[&str] = &["data", "thoughtSignature"];

/// The syntax of literals.
#[derive(Clone, Copy)]
pub(super) struct Style {
    /// `true`, `false` and `null`.
    pub words: [&'static str; 3],
    /// Whether base64 becomes bytes where Google's SDK expects them.
    pub bytes: bool,
}

/// Python's syntax.
pub(super) const PYTHON: Style = Style {
    words: ["True", "False", "None"],
    bytes: false,
};

/// Most characters of a list or map on one line; a longer one has a line for each item.
const WIDTH: usize = 72;

/// A value, perhaps on several lines, all but the first indented by `depth` steps of four spaces.
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
        Value::Array(items) => {
            let items = items.iter().map(|item| (None, item));
            let lines = has_lines(out, value, depth);
            block(out, ['[', ']'], items, style, lines);
        }
        Value::Object(map) => {
            let items = map.iter().map(|(name, item)| (Some(name.as_str()), item));
            let lines = has_lines(out, value, depth);
            block(out, ['{', '}'], items, style, lines);
        }
    }
}

/// The depth, if a list or map does not fit into the rest of its line.
fn has_lines(out: &str, value: &Value, depth: usize) -> Option<usize> {
    let line = out
        .rfind('\n')
        .map_or(4 * depth + out.len(), |at| out.len() - at);
    (left_of(value, WIDTH.saturating_sub(line)))
        .is_none()
        .then_some(depth)
}

/// The room left on a line after a value; `None` if it does not fit.
fn left_of(value: &Value, room: usize) -> Option<usize> {
    const AROUND: usize = 2;
    const BETWEEN: usize = 2;
    match value {
        Value::String(text) => room.checked_sub(text.len() + AROUND),
        Value::Array(items) => (items.iter()).try_fold(room.checked_sub(AROUND)?, |room, item| {
            left_of(item, room)?.checked_sub(BETWEEN)
        }),
        Value::Object(map) => {
            (map.iter()).try_fold(room.checked_sub(AROUND)?, |room, (name, item)| {
                left_of(item, room.checked_sub(name.len() + AROUND + BETWEEN)?)?
                    .checked_sub(BETWEEN)
            })
        }
        _ => room.checked_sub(scalar(value).len()),
    }
}

fn block<'a>(
    out: &mut String,
    [open, close]: [char; 2],
    items: impl Iterator<Item = (Option<&'a str>, &'a Value)>,
    style: Style,
    lines: Option<usize>,
) {
    let indent = |depth: usize| format!("\n{}", "    ".repeat(depth));
    out.push(open);
    for (index, (name, item)) in items.enumerate() {
        match lines {
            Some(depth) => out.push_str(&indent(depth + 1)),
            None if index > 0 => out.push_str(", "),
            None => {}
        }
        if let Some(name) = name {
            let _ = write!(out, "{}: ", string(name));
        }
        let depth = lines.map_or(0, |depth| depth + 1);
        write(out, item, style, depth, name.unwrap_or_default());
        if lines.is_some() {
            out.push(',');
        }
    }
    if let Some(depth) = lines {
        out.push_str(&indent(depth));
    }
    out.push(close);
}

/// JSON's strings are also valid in Python.
pub(super) fn string(text: &str) -> String {
    scalar(&Value::from(text))
}

fn scalar(value: &Value) -> String {
    value.to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn long_values_have_a_line_for_each_item() {
        let short = json!([{"role": "user", "content": "Hi", "n": [1, true, null]}]);
        assert_eq!(
            literal(&short, PYTHON, 1),
            r#"[{"role": "user", "content": "Hi", "n": [1, True, None]}]"#
        );
        let long = json!({"a": "x".repeat(80), "b": {"c": 1}, "d": {}});
        let lines = [
            "{".to_owned(),
            format!("        \"a\": \"{}\",", "x".repeat(80)),
            "        \"b\": {\"c\": 1},".to_owned(),
            "        \"d\": {},".to_owned(),
            "    }".to_owned(),
        ];
        assert_eq!(literal(&long, PYTHON, 1), lines.join("\n"));
    }
}

//! A cURL command for the shell.

use std::fmt::Write as _;

use super::{Header, SnippetRequest};

pub(super) fn write(asked: &SnippetRequest) -> String {
    let mut out = format!("curl --no-buffer {}", shell_word(&asked.shown));
    for header in &asked.headers {
        let _ = write!(out, " \\\n  -H {}", header_text(header));
    }
    // No line of the JSON can be the here-document's end mark.
    let body = serde_json::to_string_pretty(&asked.body).unwrap_or_default();
    let _ = write!(out, " \\\n  --data-binary @- <<'JSON'\n{body}\nJSON\n");
    asked.remarks("#", &out) + &out
}

/// A word of the shell, in double quotes if it has a variable.
fn header_text(header: &Header) -> String {
    match &header.variable {
        None => shell_word(&format!("{}: {}", header.name, header.text)),
        Some(variable) => format!("\"{}: {}${variable}\"", header.name, header.text),
    }
}

/// A text as one word of a shell, whatever is in it.
pub(crate) fn shell_word(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

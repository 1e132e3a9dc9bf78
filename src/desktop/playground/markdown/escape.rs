//! Makes characters that hide or reorder text visible: a model's answer may not trick its reader.

use std::{borrow::Cow, fmt::Write as _};

/// The text with control and bidirectional-override characters as visible escapes; line breaks and
/// tabs stay, and the carriage return of a CRLF is dropped.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' if chars.peek() == Some(&'\n') => {}
            c if is_hidden(c) => {
                // Writing to a string can't fail.
                let _ = write!(out, "\\u{{{:02X}}}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

fn is_hidden(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t')
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_are_seen() {
        assert_eq!(
            visible("a\u{1b}[31m\u{202e}b\0"),
            r"a\u{1B}[31m\u{202E}b\u{00}"
        );
        assert_eq!(visible("a\r\nb\tc"), "a\nb\tc");
        assert!(matches!(visible("漢字 plain\n"), Cow::Borrowed(_)));
    }
}

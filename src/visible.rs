//! Text that can't act: what a model says, with every control character made visible.
//!
//! The terminal, the JSON lines and the window all show a model's text through this.

use std::borrow::Cow;

/// The text with C0 and C1 controls (but newline and tab; CRLF becomes LF), bidirectional controls and
/// tags written as `\u{…}`, so that an answer can't move the cursor, set the clipboard or hide what it says
/// (CVE-2021-42574).
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' if chars.peek() == Some(&'\n') => {}
            c if is_harmful(c) => safe.extend(c.escape_unicode()),
            c => safe.push(c),
        }
    }
    Cow::Owned(safe)
}

/// Whether a character could act on what shows it (move a cursor, reorder or hide text) instead of being
/// shown by it.
#[must_use]
pub fn is_harmful(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t')
        || matches!(
            c,
            '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
        || matches!(c, '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_is_passed_on_as_it_is() {
        for text in ["", "a\tb\n", "你好 — ünïcödé 👩‍👩‍👧"] {
            assert!(matches!(visible(text), Cow::Borrowed(t) if t == text));
        }
    }

    #[test]
    fn escapes_and_bidi_controls_are_shown() {
        let text = "\x1b]52;c;ZXZpbA==\x07\u{9b}2J\u{202e}txt\rx\r\n";
        let safe = visible(text);
        assert_eq!(
            safe,
            "\\u{1b}]52;c;ZXZpbA==\\u{7}\\u{9b}2J\\u{202e}txt\\u{d}x\n"
        );
    }
}

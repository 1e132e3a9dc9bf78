//! Texts cut short, for messages.

/// The start of a text for an error message: one line, no control characters, 200 characters at most.
#[must_use]
pub fn excerpt(text: &str) -> String {
    const MAX_CHARS: usize = 200;
    let mut out = String::new();
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()) {
        if out.chars().count() > MAX_CHARS {
            break;
        }
        if !word.is_empty() {
            out.extend((!out.is_empty()).then_some(' '));
            out.extend(word.chars().take(MAX_CHARS + 1));
        }
    }
    capped(out, MAX_CHARS)
}

/// A text of at most `max` characters, with `…` for what was cut.
#[must_use]
pub fn capped(mut text: String, max: usize) -> String {
    if let Some((at, _)) = text.char_indices().nth(max) {
        text.truncate(at);
        text.push('…');
    }
    text
}

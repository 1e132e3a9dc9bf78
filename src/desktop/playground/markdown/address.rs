//! Finds bare addresses in text: where one begins and ends.

/// The schemes that may be opened; see [`is_openable`](crate::desktop::outside::is_openable).
const SCHEMES: &[&str] = &["https://", "http://", "mailto:"];

/// The length of the address that `text` begins with, and the address; `before` is the character before it.
///
/// Trailing punctuation and a bracket that was opened before the address belong to the sentence; so does Chinese text
/// after it, unless it follows a `/`, `=` or the like.
pub fn found(text: &str, before: Option<char>) -> Option<(usize, String)> {
    if before.is_some_and(|c| c.is_ascii_alphanumeric()) {
        return None;
    }
    let name = SCHEMES.iter().find(|scheme| has_prefix(text, scheme))?;
    let scheme = name.len();
    let end = scheme + extent(&text[scheme..], before);
    let end = text[..end].trim_end_matches(is_trailing).len();
    let raw = &text[..end];
    let whole = end > scheme
        && text[scheme..end].starts_with(|c: char| c.is_alphanumeric() || c == '[')
        && (*name != "mailto:" || raw.contains('@'));
    whole.then(|| (end, unescaped(raw)))
}

fn has_prefix(text: &str, prefix: &str) -> bool {
    (text.get(..prefix.len())).is_some_and(|head| head.eq_ignore_ascii_case(prefix))
}

/// The length of the longest prefix that may belong to an address.
fn extent(text: &str, before: Option<char>) -> usize {
    let mut open = Vec::new();
    let mut last = '/';
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map(|(_, c)| *c);
        let ends = match c {
            c if c.is_whitespace() || c.is_control() => true,
            '<' | '>' | '"' | '`' | '|' | '{' | '}' => true,
            // Emphasis that was opened before the address is closed after it.
            '*' | '_' | '~' if before == Some(c) || (c != '_' && next == Some(c)) => true,
            '(' | '[' => {
                open.push(if c == '(' { ')' } else { ']' });
                false
            }
            ')' | ']' => open.pop() != Some(c),
            // Chinese text that follows without a space belongs to the sentence.
            c if !c.is_ascii() => !c.is_alphanumeric() || last.is_ascii_alphanumeric(),
            _ => false,
        };
        if ends {
            return at;
        }
        last = c;
    }
    text.len()
}

fn is_trailing(c: char) -> bool {
    matches!(
        c,
        '.' | ',' | ';' | ':' | '!' | '?' | '\'' | '*' | '_' | '~' | '\\'
    )
}

/// Removes Markdown's escapes from an address.
fn unescaped(raw: &str) -> String {
    let mut url = String::with_capacity(raw.len());
    let mut chars = raw.chars().peekable();
    while let Some(c) = chars.next() {
        let escape = c == '\\' && chars.peek().is_some_and(char::is_ascii_punctuation);
        url.extend(if escape { chars.next() } else { Some(c) });
    }
    url.replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_ends_where_its_sentence_goes_on() {
        for (text, expected) in [
            (
                "https://a.example/x?y=1&z=2#f, and",
                "https://a.example/x?y=1&z=2#f",
            ),
            ("https://a.example.", "https://a.example"),
            ("https://a.example)", "https://a.example"),
            (
                "https://en.example/wiki/A_(b))",
                "https://en.example/wiki/A_(b)",
            ),
            ("http://[::1]:8080/v1]", "http://[::1]:8080/v1"),
            ("https://a.example**", "https://a.example"),
            ("https://a.example。后面", "https://a.example"),
            ("https://a.example/路径，后面", "https://a.example/路径"),
            ("https://a.example/v1的说明", "https://a.example/v1"),
            ("https://例子.example/", "https://例子.example/"),
            ("https://a.example/a\\_b", "https://a.example/a_b"),
            ("HTTP://A.example'", "HTTP://A.example"),
            ("mailto:ada@a.example;", "mailto:ada@a.example"),
            ("https://a.example|", "https://a.example"),
        ] {
            let (_, url) = found(text, None).unwrap_or_default();
            assert_eq!(url, expected, "{text}");
        }
        for text in [
            "https://",
            "http://.",
            "mailto:nobody",
            "httpsx://a",
            "ftp://a.example",
        ] {
            assert_eq!(found(text, None), None, "{text}");
        }
        assert_eq!(found("https://a.example", Some('x')), None);
        assert_eq!(
            found("https://a.example*后", Some('*')).map(|f| f.0),
            Some(17)
        );
    }
}

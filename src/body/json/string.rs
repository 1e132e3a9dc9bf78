//! Unescapes a JSON string. It may be most of a large event, so its text is written once, and not at all if it has no
//! escapes: `serde_json` would hold an escaped string twice.

use std::borrow::Cow;

use memchr::memchr;

/// The text of a string as WTF-8, in which a lone surrogate has three bytes, given the characters between its quotes.
/// The string must be valid JSON.
pub(super) fn unescaped(inside: &str) -> Cow<'_, [u8]> {
    let bytes = inside.as_bytes();
    let Some(first) = memchr(b'\\', bytes) else {
        return Cow::Borrowed(bytes);
    };
    // No escape is shorter than its character.
    let mut text = Vec::with_capacity(bytes.len());
    let (plain, mut rest) = bytes.split_at(first);
    text.extend_from_slice(plain);
    while let [b'\\', escape, after @ ..] = rest {
        rest = match escape {
            b'u' => unit(after, &mut text),
            other => {
                text.push(escaped_byte(*other));
                after
            }
        };
        let next = memchr(b'\\', rest);
        let (plain, after) = rest.split_at(next.unwrap_or(rest.len()));
        text.extend_from_slice(plain);
        rest = after;
    }
    Cow::Owned(text)
}

/// The character of an escape of one letter; a quote, a backslash and a slash stand for themselves.
fn escaped_byte(letter: u8) -> u8 {
    match letter {
        b'b' => 8,
        b'f' => 12,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        other => other,
    }
}

/// Writes the character of `\uXXXX`, or of a surrogate pair; returns the rest.
fn unit<'a>(rest: &'a [u8], text: &mut Vec<u8>) -> &'a [u8] {
    let (high, after) = hex(rest);
    let pair = match after {
        [b'\\', b'u', low @ ..] if (0xD800..0xDC00).contains(&high) => Some(hex(low)),
        _ => None,
    };
    if let Some((low @ 0xDC00..0xE000, behind)) = pair {
        put(0x1_0000 + ((high - 0xD800) << 10 | (low - 0xDC00)), text);
        return behind;
    }
    put(high, text);
    after
}

/// The number that four hexadecimal digits are, and what follows.
fn hex(rest: &[u8]) -> (u32, &[u8]) {
    let (digits, after) = rest.split_at(rest.len().min(4));
    let number = str::from_utf8(digits).ok();
    let number = number.and_then(|digits| u32::from_str_radix(digits, 16).ok());
    (number.unwrap_or(0xFFFD), after)
}

/// Writes a code point; a surrogate in the three bytes that UTF-8 would have for it, the first of them always the same.
fn put(point: u32, text: &mut Vec<u8>) {
    if let Some(character) = char::from_u32(point) {
        text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    } else {
        let low = |shift: u32| 0x80 | (point >> shift & 0x3F) as u8;
        text.extend_from_slice(&[0xED, low(6), low(0)]);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What `serde_json` makes of a string.
    fn by_serde(json: &str) -> Vec<u8> {
        let mut from = serde_json::Deserializer::from_str(json);
        serde_bytes(&mut from)
    }

    fn serde_bytes(from: &mut serde_json::Deserializer<serde_json::de::StrRead<'_>>) -> Vec<u8> {
        struct Bytes;
        impl serde::de::Visitor<'_> for Bytes {
            type Value = Vec<u8>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a string")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
                Ok(bytes.to_vec())
            }
        }
        serde::Deserializer::deserialize_bytes(from, Bytes).unwrap()
    }

    #[test]
    fn nothing_is_written_where_nothing_is_escaped() {
        assert!(
            matches!(unescaped("plain é"), Cow::Borrowed(text) if text == "plain é".as_bytes())
        );
        assert!(matches!(unescaped("\\n"), Cow::Owned(text) if text == b"\n"));
    }

    proptest! {
        #[test]
        fn it_is_what_serde_reads(
            parts in prop::collection::vec(
                r#"[a-zé中]{0,3}|\\["\\/bfnrt]|\\u(d8|D9|dc|DF|00|fF|2e)[0-9a-fA-F]{2}"#,
                0..20,
            ),
        ) {
            let inside = parts.concat();
            prop_assert_eq!(unescaped(&inside).into_owned(), by_serde(&format!("\"{inside}\"")));
        }
    }
}

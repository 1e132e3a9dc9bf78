//! Lines as text: without a copy where they are UTF-8, and repaired where they are not.

use std::borrow::Cow;

/// The bytes as text, without a copy if they are UTF-8.
pub(super) fn utf8_lossy(bytes: Cow<'_, [u8]>) -> Cow<'_, str> {
    utf8(bytes).unwrap_or_else(|broken| String::from_utf8_lossy(&broken).into_owned().into())
}

/// The bytes as text, without a copy.
///
/// # Errors
/// The bytes, if they are not UTF-8.
pub(super) fn utf8(bytes: Cow<'_, [u8]>) -> Result<Cow<'_, str>, Cow<'_, [u8]>> {
    match bytes {
        Cow::Borrowed(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text.into()),
            Err(_) => Err(bytes.into()),
        },
        Cow::Owned(bytes) => match String::from_utf8(bytes) {
            Ok(text) => Ok(text.into()),
            Err(broken) => Err(broken.into_bytes().into()),
        },
    }
}

/// A line with U+FFFD for invalid UTF-8, which takes more bytes; `None` if that exceeds the limit.
pub(super) fn replace_invalid(line: &[u8], room: usize) -> Option<String> {
    let mut text = String::with_capacity(line.len());
    for chunk in line.utf8_chunks() {
        text.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            text.push(char::REPLACEMENT_CHARACTER);
        }
        if text.len() > room {
            return None;
        }
    }
    Some(text)
}

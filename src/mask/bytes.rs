//! Secrets in bytes: a body as it was sent, or a file.

use super::Mask;

/// So many bytes at the end of a body that broke off are looked at for the beginning of a secret.
const END: usize = 4 << 10;

impl Mask {
    /// Whether there is nothing to cover.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.forms.is_empty()
    }

    /// The bytes with each secret overwritten, so that none of them moves; `None` if there is none in them. The
    /// beginning of a secret at their end is overwritten, too.
    #[must_use]
    pub fn bytes(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let mut found: Vec<_> = self.forms.found(bytes).collect();
        let end = String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(END)..]);
        if let (length, true) = self.forms.begun(&end) {
            found.push((bytes.len() - length, bytes.len()));
        }
        if found.is_empty() {
            return None;
        }
        let mut covered = bytes.to_vec();
        for (start, end) in found {
            covered[start..end].fill(b'*');
        }
        Some(covered)
    }

    /// Whether these bytes spell a secret by escapes of JSON (`\u0073`, `\/`) that [`bytes`](Self::bytes) does not
    /// know.
    #[must_use]
    pub fn is_spelled_in(&self, bytes: &[u8]) -> bool {
        !self.forms.is_empty()
            && memchr::memmem::find(bytes, b"\\u00").is_some()
            && self.forms.found(&unescaped(bytes)).next().is_some()
    }
}

/// The bytes without JSON's escapes of the characters that are one byte in UTF-8.
fn unescaped(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((first, behind)) = rest.split_first() {
        let (byte, taken) = match behind {
            [b'u', b'0', b'0', high, low, ..] if *first == b'\\' => {
                let digit = |byte: u8| {
                    char::from(byte)
                        .to_digit(16)
                        .and_then(|d| u8::try_from(d).ok())
                };
                match digit(*high).zip(digit(*low)) {
                    Some((high @ ..8, low)) => (high << 4 | low, 6),
                    _ => (*first, 1),
                }
            }
            [escaped @ (b'/' | b'"' | b'\\'), ..] if *first == b'\\' => (*escaped, 2),
            _ => (*first, 1),
        };
        plain.push(byte);
        rest = &rest[taken..];
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "sk-hunter2/abc";

    #[test]
    fn secrets_are_overwritten_where_they_stand() {
        let mask = Mask::of_secrets([KEY]);
        for (sent, kept) in [
            (&b"a sk-hunter2/abc b"[..], Some(&b"a ************** b"[..])),
            (
                b"\xff\x00sk-hunter2\\/abc",
                Some(b"\xff\x00***************"),
            ),
            (
                b"it broke off: sk-hunter2",
                Some(b"it broke off: **********"),
            ),
            (b"nothing of it", None),
            (b"", None),
        ] {
            assert_eq!(mask.bytes(sent).as_deref(), kept, "{sent:?}");
        }
        assert_eq!(Mask::default().bytes(KEY.as_bytes()), None);
    }

    #[test]
    fn escapes_spell_a_secret() {
        let mask = Mask::of_secrets([KEY]);
        assert!(mask.is_spelled_in(br#"{"k":"\u0073k-hunter2\/a\u0062c"}"#));
        assert!(!mask.is_spelled_in(br#"{"k":"\u0073k-hunter3\/a\u00zzc"}"#));
        assert_eq!(
            unescaped(br"\u0041\u007a\u00e9"),
            br"Az\u00e9",
            "no half of a character"
        );
    }
}

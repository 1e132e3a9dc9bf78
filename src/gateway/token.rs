//! The token that the gateway's clients give as their API key.

use std::fmt::{self, Write as _};

use ring::digest;
use secrecy::{ExposeSecret as _, SecretString};

/// What a generated token begins with, so that it is known at sight.
const PREFIX: &str = "ts-";
/// Random bytes of a generated token.
const RANDOM: usize = 24;

/// A token, kept as its hash.
#[derive(Clone)]
pub struct LocalToken([u8; digest::SHA256_OUTPUT_LEN]);

impl LocalToken {
    /// The token that is this text.
    #[must_use]
    pub fn of(text: &SecretString) -> Self {
        Self(Self::hash(text.expose_secret()))
    }

    /// The token with this SHA-256, in hexadecimal digits; `None` if it is none.
    #[must_use]
    pub fn of_sha256(hex: &str) -> Option<Self> {
        let mut hash = [0; digest::SHA256_OUTPUT_LEN];
        if hex.len() != hash.len() * 2 {
            return None;
        }
        for (at, byte) in hash.iter_mut().enumerate() {
            *byte = u8::from_str_radix(hex.get(at * 2..at * 2 + 2)?, 16).ok()?;
        }
        Some(Self(hash))
    }

    /// The SHA-256 of a text, in hexadecimal digits.
    #[must_use]
    pub fn sha256_text(text: &str) -> String {
        hex(&Self::hash(text))
    }

    /// A new token and its text, which is to be shown once.
    #[must_use]
    pub fn generate() -> (Self, SecretString) {
        let random: [u8; RANDOM] = rand::random();
        let text = SecretString::from(PREFIX.to_owned() + &hex(&random));
        (Self::of(&text), text)
    }

    /// Whether this text is the token.
    #[must_use]
    pub fn is(&self, text: &str) -> bool {
        self.is_hash(&Self::hash(text))
    }

    /// The hash of a text.
    pub(super) fn hash(text: &str) -> [u8; digest::SHA256_OUTPUT_LEN] {
        let mut hash = [0; digest::SHA256_OUTPUT_LEN];
        hash.copy_from_slice(digest::digest(&digest::SHA256, text.as_bytes()).as_ref());
        hash
    }

    /// Whether the text with this hash is the token. Hashes are compared: how long that takes tells nothing of the
    /// token.
    pub(super) fn is_hash(&self, hash: &[u8]) -> bool {
        self.0 == hash
    }
}

impl fmt::Debug for LocalToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LocalToken")
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        // Writing to a string can't fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_itself_alone_and_never_shown() {
        let (token, text) = LocalToken::generate();
        let text = text.expose_secret();
        let is = |token: &LocalToken, text: &str| token.is_hash(&LocalToken::hash(text));
        assert!(is(&token, text));
        assert!(!is(&token, ""));
        assert!(!is(&token, &text[..text.len() - 1]));
        let kept = LocalToken::of_sha256(&LocalToken::sha256_text(text)).unwrap();
        assert!(is(&kept, text));
        assert!(LocalToken::of_sha256("00").is_none());
        assert!(!format!("{token:?}").contains(text));
        let (_, other) = LocalToken::generate();
        assert!(!is(&token, other.expose_secret()), "each is new");
    }
}

//! The token that the gateway's clients give as their API key.

use std::fmt;

use ring::digest;
use secrecy::{ExposeSecret as _, SecretString};

/// What a generated token begins with, so that it is known at sight.
const PREFIX: &str = "ts-";
/// Random bytes of a generated token.
const RANDOM: usize = 24;

/// A token, kept as its hash.
#[derive(Clone)]
pub struct LocalToken(digest::Digest);

impl LocalToken {
    /// The token that is this text.
    #[must_use]
    pub fn of(text: &SecretString) -> Self {
        Self(hash(text.expose_secret()))
    }

    /// A new token and its text, which is to be shown once.
    #[must_use]
    pub fn generate() -> (Self, SecretString) {
        let random: [u8; RANDOM] = rand::random();
        let hex = random.iter().map(|byte| format!("{byte:02x}"));
        let text = SecretString::from(PREFIX.to_owned() + &hex.collect::<String>());
        (Self::of(&text), text)
    }

    /// Whether this is the token. Hashes are compared: how long that takes tells nothing of the token.
    #[must_use]
    pub fn is(&self, given: &str) -> bool {
        self.0.as_ref() == hash(given).as_ref()
    }
}

impl fmt::Debug for LocalToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LocalToken")
    }
}

fn hash(text: &str) -> digest::Digest {
    digest::digest(&digest::SHA256, text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_itself_alone_and_never_shown() {
        let (token, text) = LocalToken::generate();
        let text = text.expose_secret();
        assert!(token.is(text));
        assert!(!token.is(""));
        assert!(!token.is(&text[..text.len() - 1]));
        assert!(!format!("{token:?}").contains(text));
        let (_, other) = LocalToken::generate();
        assert!(!token.is(other.expose_secret()), "each is new");
    }
}

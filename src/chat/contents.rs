//! The bytes of a file, shared by all its clones, and their hash.

use std::{
    fmt,
    ops::Deref,
    sync::{Arc, OnceLock, Weak},
};

use base64::{Engine as _, display::Base64Display, engine::general_purpose::STANDARD};
use ring::digest;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// A SHA-256 (FIPS 180-4).
pub type Sha256 = [u8; 32];

/// The bytes of a file; base64 in JSON. Clones share them.
#[derive(Clone, Default)]
pub struct Contents(Arc<SharedBytes>);

#[derive(Default)]
struct SharedBytes {
    bytes: Vec<u8>,
    hash: OnceLock<Sha256>,
    is_utf8: OnceLock<bool>,
}

/// A weak reference to contents.
#[derive(Clone)]
pub struct WeakContents(Weak<SharedBytes>);

impl Contents {
    /// The hash of the bytes; computed once for all clones.
    #[must_use]
    pub fn sha256(&self) -> Sha256 {
        *self.0.hash.get_or_init(|| {
            let mut hash = Sha256::default();
            hash.copy_from_slice(digest::digest(&digest::SHA256, &self.0.bytes).as_ref());
            hash
        })
    }

    /// The hash, if it was computed already: computing it takes time.
    #[must_use]
    pub fn known_sha256(&self) -> Option<Sha256> {
        self.0.hash.get().copied()
    }

    /// Whether the bytes are UTF-8; looked at once for all clones.
    #[must_use]
    pub fn is_utf8(&self) -> bool {
        let is_utf8 = || std::str::from_utf8(&self.0.bytes).is_ok();
        *self.0.is_utf8.get_or_init(is_utf8)
    }

    /// A weak reference to the bytes.
    #[must_use]
    pub fn downgrade(&self) -> WeakContents {
        WeakContents(Arc::downgrade(&self.0))
    }
}

impl WeakContents {
    /// The contents, if they still exist.
    #[must_use]
    pub fn upgrade(&self) -> Option<Contents> {
        self.0.upgrade().map(Contents)
    }
}

impl Deref for Contents {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0.bytes
    }
}

impl AsRef<[u8]> for Contents {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl From<Vec<u8>> for Contents {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Arc::new(SharedBytes {
            bytes,
            hash: OnceLock::new(),
            is_utf8: OnceLock::new(),
        }))
    }
}

impl From<&[u8]> for Contents {
    fn from(bytes: &[u8]) -> Self {
        bytes.to_vec().into()
    }
}

impl PartialEq for Contents {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || **self == **other
    }
}

impl fmt::Debug for Contents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.len())
    }
}

impl fmt::Debug for WeakContents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("weak contents")
    }
}

impl Serialize for Contents {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&Base64Display::new(self, &STANDARD))
    }
}

impl<'de> Deserialize<'de> for Contents {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        STANDARD
            .decode(text)
            .map(Self::from)
            .map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_the_standard() {
        let hex = |bytes: &[u8]| -> String {
            let hash = Contents::from(bytes).sha256();
            hash.map(|byte| format!("{byte:02x}")).concat()
        };
        // The examples of FIPS 180-4.
        assert!(hex(b"abc").starts_with("ba7816bf8f01cfea414140de5dae2223"));
        assert!(hex(b"").starts_with("e3b0c44298fc1c149afbf4c8996fb924"));
    }

    #[test]
    fn a_way_back_holds_nothing() {
        let contents = Contents::from(b"abc".as_slice());
        let weak = contents.downgrade();
        let again = weak.upgrade().unwrap();
        assert_eq!(again.as_ptr(), contents.as_ptr());
        drop((contents, again));
        assert!(weak.upgrade().is_none());
    }
}

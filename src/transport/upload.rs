//! A request body in segments that share the bytes of files: base64 is encoded while they are sent.

use std::collections::VecDeque;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;

/// A request's body.
#[derive(Clone, Debug, Default)]
pub struct Upload {
    rest: VecDeque<UploadSegment>,
    len: u64,
}

#[derive(Clone, Debug)]
enum UploadSegment {
    Plain(Bytes),
    Base64(Bytes),
}

impl Upload {
    /// Adds bytes that are sent as they are.
    pub fn push(&mut self, bytes: impl Into<Bytes>) {
        let bytes = bytes.into();
        if !bytes.is_empty() {
            self.len += bytes.len() as u64;
            self.rest.push_back(UploadSegment::Plain(bytes));
        }
    }

    /// Adds bytes that are sent as base64.
    pub fn push_base64(&mut self, bytes: impl Into<Bytes>) {
        let bytes = bytes.into();
        if !bytes.is_empty() {
            self.len += bytes.len().div_ceil(3) as u64 * 4;
            self.rest.push_back(UploadSegment::Base64(bytes));
        }
    }

    /// How many bytes are still to be sent.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether nothing is left to send.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Takes the next bytes, at most `most` (but at least 4).
    pub fn take(&mut self, most: usize) -> Option<Bytes> {
        let segment = self.rest.front_mut()?;
        let (piece, is_over) = match segment {
            UploadSegment::Plain(bytes) => {
                (bytes.split_to(bytes.len().min(most)), bytes.is_empty())
            }
            UploadSegment::Base64(bytes) => {
                // Only the last piece may have an odd length: padding ends base64.
                let whole = (most / 4).max(1) * 3;
                let piece = bytes.split_to(bytes.len().min(whole));
                (STANDARD.encode(piece).into(), bytes.is_empty())
            }
        };
        if is_over {
            self.rest.pop_front();
        }
        self.len -= piece.len() as u64;
        Some(piece)
    }

    /// All of it at once.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        let mut copy = self.clone();
        let mut all = Vec::new();
        while let Some(piece) = copy.take(64 << 10) {
            all.extend_from_slice(&piece);
        }
        all.into()
    }
}

impl<T: Into<Bytes>> From<T> for Upload {
    fn from(bytes: T) -> Self {
        let mut upload = Self::default();
        upload.push(bytes);
        upload
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_it_is_taken_it_is_the_same_and_as_long_as_it_says() {
        for size in 0..20_u8 {
            let file: Vec<u8> = (0..size).collect();
            let mut whole = Upload::from(Bytes::from_static(b"{\"data\":\""));
            whole.push_base64(file.clone());
            whole.push(&b"\"}"[..]);
            let expected = format!("{{\"data\":\"{}\"}}", STANDARD.encode(&file));
            for most in 1..40 {
                let mut rest = whole.clone();
                let mut taken = Vec::new();
                while let Some(piece) = rest.take(most) {
                    assert!((1..=most.max(4)).contains(&piece.len()));
                    taken.extend_from_slice(&piece);
                    assert_eq!(rest.len() + taken.len() as u64, whole.len());
                }
                assert!(rest.is_empty());
                assert_eq!(String::from_utf8(taken).unwrap(), expected);
            }
            assert_eq!(whole.to_bytes(), expected);
        }
    }
}

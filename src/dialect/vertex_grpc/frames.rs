//! The frames of a gRPC body: one byte that is 1 if the message is compressed, four bytes of its length (big-endian),
//! the message.
//!
//! In: bytes in pieces of any size. Out: complete messages.

use std::io::Read as _;

use bytes::{Buf as _, Bytes, BytesMut};
use flate2::read::MultiGzDecoder;

/// Largest message that is read. gRPC's usual limit of 4 MiB is too small for images that a model made.
pub(super) const MAX_MESSAGE: usize = 64 << 20;

/// The size of a frame's header, in bytes.
const HEADER: usize = 5;

/// Splits a body into messages.
#[derive(Debug, Default)]
pub(super) struct Frames {
    buffer: BytesMut,
}

impl Frames {
    /// Adds the next bytes.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next message, if it is complete.
    ///
    /// # Errors
    /// If it is too large, or can't be decompressed.
    pub(super) fn next(&mut self) -> Result<Option<Bytes>, String> {
        let Some((&[flag, a, b, c, d], _)) = self.buffer.split_first_chunk::<HEADER>() else {
            return Ok(None);
        };
        if flag > 1 {
            return Err(format!("a gRPC frame starts with 0 or 1, not with {flag}"));
        }
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        if length > MAX_MESSAGE {
            return Err(too_large());
        }
        if self.buffer.len() < HEADER + length {
            return Ok(None);
        }
        self.buffer.advance(HEADER);
        let message = self.buffer.split_to(length).freeze();
        if flag == 0 {
            return Ok(Some(message));
        }
        gunzip(&message).map(Some)
    }

    /// Whether the body so far ends inside a frame.
    pub(super) fn is_cut(&self) -> bool {
        !self.buffer.is_empty()
    }
}

/// A message with its header.
pub(super) fn framed(message: &impl prost::Message) -> Result<Bytes, String> {
    let length = message.encoded_len();
    let prefix =
        u32::try_from(length).map_err(|_| "the request is larger than 4 GiB".to_owned())?;
    let mut framed = BytesMut::with_capacity(HEADER + length);
    framed.extend_from_slice(&[0]);
    framed.extend_from_slice(&prefix.to_be_bytes());
    message
        .encode(&mut framed)
        .map_err(|error| format!("the request can't be written as protobuf: {error}"))?;
    Ok(framed.freeze())
}

/// Some servers compress messages without being asked to.
fn gunzip(message: &[u8]) -> Result<Bytes, String> {
    let mut plain = Vec::new();
    let limit = MAX_MESSAGE as u64 + 1;
    let read = MultiGzDecoder::new(message)
        .take(limit)
        .read_to_end(&mut plain);
    match read {
        Ok(size) if size > MAX_MESSAGE => Err(too_large()),
        Ok(_) => Ok(plain.into()),
        Err(_) => Err("a message can't be decompressed: it is not gzip".into()),
    }
}

fn too_large() -> String {
    format!("one message is larger than {} MiB", MAX_MESSAGE >> 20)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn frame(flag: u8, message: &[u8]) -> Vec<u8> {
        let length = u32::try_from(message.len()).unwrap().to_be_bytes();
        [&[flag], length.as_slice(), message].concat()
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn messages_are_complete_under_every_split() {
        let body = [frame(0, b"one"), frame(0, b""), frame(1, &gzip(b"two"))].concat();
        for size in 1..=body.len() {
            let (mut frames, mut messages) = (Frames::default(), Vec::new());
            for piece in body.chunks(size) {
                frames.push(piece);
                while let Some(message) = frames.next().unwrap() {
                    messages.push(message);
                }
            }
            assert_eq!(messages, ["one", "", "two"], "{size}");
            assert!(!frames.is_cut());
        }
    }

    #[test]
    fn invalid_frames_are_errors() {
        let bomb = gzip(&vec![0; MAX_MESSAGE + 1]);
        for (body, message) in [
            (frame(2, b"x"), "starts with 0 or 1, not with 2"),
            (vec![0, 255, 255, 255, 255], "larger than 64 MiB"),
            (frame(1, b"not gzip"), "it is not gzip"),
            (frame(1, &bomb), "larger than 64 MiB"),
        ] {
            let mut frames = Frames::default();
            frames.push(&body);
            let error = frames.next().unwrap_err();
            assert!(error.contains(message), "{error}");
        }
    }
}

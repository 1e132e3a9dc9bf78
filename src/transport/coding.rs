//! How a response's body is compressed: by its header and by its first bytes, which need not agree.
//!
//! In: the headers, and the first bytes. Out: what unpacks the body, and a note where there is something to say.

use std::io::{self, Write as _};

use flate2::write::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use http::{HeaderMap, header};

use crate::event::{About, Note};

/// Bytes that tell text from compressed data, where no magic number does.
const TELLING: usize = 8;

/// Names of compressions that are not unpacked here.
const FOREIGN: &[&str] = &[
    "br",
    "zstd",
    "compress",
    "x-compress",
    "dcb",
    "dcz",
    "lzma",
    "xz",
    "bzip2",
    "x-bzip2",
    "snappy",
    "lz4",
];

/// The compression that the headers state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    /// None. What is no compression's name (`none`, `utf-8`, `chunked`, nothing at all) is none.
    Plain,
    Gzip,
    Deflate,
    /// One that was not asked for, or several.
    Foreign(String),
}

/// What a body is, once enough of it is there.
pub(super) enum Opened {
    /// As it is.
    Plain,
    /// Compressed.
    Packed(Box<dyn Unpack>),
    /// Compressed in a way that can't be read.
    Unreadable,
}

impl Coding {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let values = headers.get_all(header::CONTENT_ENCODING).into_iter();
        let words: Vec<String> = values
            .flat_map(|value| {
                let value = String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase();
                let words: Vec<String> = value
                    .split(',')
                    .map(|word| word.trim().to_owned())
                    .collect();
                words
            })
            .filter(|word| {
                matches!(&**word, "gzip" | "x-gzip" | "deflate") || FOREIGN.contains(&&**word)
            })
            .collect();
        match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            [] => Self::Plain,
            ["gzip" | "x-gzip"] => Self::Gzip,
            ["deflate"] => Self::Deflate,
            _ => Self::Foreign(words.join(", ")),
        }
    }

    /// Whether this many first bytes tell what the body is.
    pub(super) fn is_clear(&self, length: usize) -> bool {
        match self {
            Self::Plain | Self::Gzip => length > 0,
            Self::Deflate | Self::Foreign(_) => length >= TELLING,
        }
    }

    /// What a body that begins so is.
    pub(super) fn open(&self, begun: &[u8]) -> (Opened, Option<Note>) {
        // No text begins with gzip's first byte.
        let is_gzip = begun.first() == Some(&0x1f);
        let gzip = || Opened::Packed(Box::new(MultiGzDecoder::new(Vec::new())));
        match self {
            Self::Plain if is_gzip => (
                gzip(),
                Some(odd(
                    "the answer came compressed by gzip, and no header said so",
                )),
            ),
            Self::Plain => (Opened::Plain, None),
            Self::Gzip | Self::Deflate if is_gzip => (gzip(), Some(compressed("gzip"))),
            _ if is_text(begun) => (Opened::Plain, self.mislabelled()),
            Self::Gzip | Self::Deflate if is_zlib(begun) => (
                Opened::Packed(Box::new(ZlibDecoder::new(Vec::new()))),
                Some(compressed("deflate")),
            ),
            Self::Deflate => (
                Opened::Packed(Box::new(DeflateDecoder::new(Vec::new()))),
                Some(compressed("deflate")),
            ),
            Self::Gzip | Self::Foreign(_) => (Opened::Unreadable, None),
        }
    }

    fn mislabelled(&self) -> Option<Note> {
        let name = match self {
            Self::Plain => return None,
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Foreign(name) => name,
        };
        Some(odd(&format!(
            "the answer's header said that it is compressed ({name}), and it was not"
        )))
    }
}

fn odd(text: &str) -> Note {
    Note::new(About::Form, text)
}

/// Compression makes tokens wait for each other, so the record says that it was there.
fn compressed(name: &str) -> Note {
    let text =
        format!("the answer came compressed ({name}): tokens compressed together arrive together");
    Note::new(About::Aside, text)
}

/// Whether bytes begin as the text of an answer does: UTF-8, with no control character but blanks.
fn is_text(begun: &[u8]) -> bool {
    let begun = &begun[..begun.len().min(64)];
    let text = match std::str::from_utf8(begun) {
        Ok(text) => text,
        // A character that is cut.
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&begun[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    !text.is_empty()
        && text
            .chars()
            .all(|c| !c.is_control() || c.is_ascii_whitespace())
}

/// Whether these are the first bytes of zlib's form (RFC 1950 §2.2); some servers send deflate without it.
fn is_zlib(begun: &[u8]) -> bool {
    let [first, second, ..] = begun else {
        return false;
    };
    first & 0x0f == 8 && (u16::from(*first) << 8 | u16::from(*second)).is_multiple_of(31)
}

/// Unpacks a compressed body piece by piece.
pub(super) trait Unpack: Send {
    /// Takes a piece, and gives what it completes.
    fn feed(&mut self, piece: &[u8]) -> io::Result<Vec<u8>>;

    /// The end: fails where the body is cut.
    fn finish(&mut self) -> io::Result<()>;
}

macro_rules! unpacks {
    ($($decoder:ident),+) => {$(
        impl Unpack for $decoder<Vec<u8>> {
            fn feed(&mut self, piece: &[u8]) -> io::Result<Vec<u8>> {
                self.write_all(piece)?;
                self.flush()?;
                Ok(std::mem::take(self.get_mut()))
            }

            fn finish(&mut self) -> io::Result<()> {
                self.try_finish()
            }
        }
    )+};
}

unpacks!(MultiGzDecoder, ZlibDecoder, DeflateDecoder);

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[&str]) -> Coding {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append("content-encoding", value.parse().unwrap());
        }
        Coding::of(&headers)
    }

    #[test]
    fn only_the_name_of_a_compression_is_one() {
        let foreign = |name: &str| Coding::Foreign(name.to_owned());
        for (values, coding) in [
            (&[][..], Coding::Plain),
            (&[""], Coding::Plain),
            (&["identity"], Coding::Plain),
            (&["none"], Coding::Plain),
            (&["utf-8"], Coding::Plain),
            (&["chunked"], Coding::Plain),
            (&["aws-chunked"], Coding::Plain),
            (&["GZIP"], Coding::Gzip),
            (&["x-gzip"], Coding::Gzip),
            (&["gzip, identity"], Coding::Gzip),
            (&["identity", "gzip"], Coding::Gzip),
            (&["utf-8, gzip,"], Coding::Gzip),
            (&["deflate"], Coding::Deflate),
            (&["br"], foreign("br")),
            (&["Zstd"], foreign("zstd")),
            (&["gzip, br"], foreign("gzip, br")),
            (&["gzip", "gzip"], foreign("gzip, gzip")),
        ] {
            assert_eq!(of(values), coding, "{values:?}");
        }
    }

    #[test]
    fn text_is_told_from_compressed_data() {
        for text in [
            "{\"a\":1}",
            "data: x\n\n",
            ": ping\n",
            "\u{FEFF}{}",
            "<html>",
            "é…",
        ] {
            assert!(is_text(text.as_bytes()), "{text}");
        }
        assert!(is_text(&"ab…".as_bytes()[..4]), "a cut character");
        for data in [
            &b""[..],
            b"\x1f\x8b\x08",
            b"\x0b\x02\x80hello\x03",
            b"\x28\xb5\x2f\xfd",
            b"\xff\xfe{",
        ] {
            assert!(!is_text(data), "{data:?}");
        }
    }
}

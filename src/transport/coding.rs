//! Detects how a response body is compressed, by its header and its first bytes, which may disagree.
//!
//! In: the headers, and the first bytes. Out: the decompressor, and a note if something is unusual.

mod unpack;

use http::{HeaderMap, header};

use self::unpack::{Brotli, Zstd, deflate, gzip, zlib};
pub(super) use self::unpack::{Unpack, UnpackStep};
use crate::event::{About, Note};

/// Bytes needed to distinguish text from compressed data without a magic number.
const DETECTION_BYTES: usize = 8;

/// Compressions that are not supported.
const UNSUPPORTED: &[&str] = &[
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

/// A supported compression. None is asked for; some gateways compress anyway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

/// The compression that the headers state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    /// None. A value that is not the name of a compression (`none`, `utf-8`, `chunked`, empty) counts as none.
    Plain,
    /// A supported one.
    Compressed(Format),
    /// An unsupported one, or several.
    Unsupported(String),
}

/// The detected form of a body.
pub(super) enum DetectedBody {
    /// Not compressed.
    Plain,
    /// Compressed.
    Compressed(Box<dyn Unpack>),
    /// Compressed in an unsupported or unknown way.
    Unreadable,
}

impl Format {
    const ALL: [Self; 4] = [Self::Gzip, Self::Deflate, Self::Brotli, Self::Zstd];

    /// Its name in the header.
    fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
        }
    }

    fn of_name(name: &str) -> Option<Self> {
        let name = if name == "x-gzip" { "gzip" } else { name };
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    /// The format that the first bytes show, whatever the header says; `None` if they don't show one.
    fn of_bytes(self, first_bytes: &[u8]) -> Option<Self> {
        match first_bytes {
            // Brotli has no magic number, and may begin with gzip's first byte.
            [0x1f, 0x8b, 0x08, ..] => Some(Self::Gzip),
            [0x1f, ..] if self != Self::Brotli => Some(Self::Gzip),
            // For a stated gzip only one byte is waited for, too few for this check.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..]
                if self != Self::Gzip =>
            {
                Some(Self::Zstd)
            }
            _ => None,
        }
    }

    /// Its decompressor.
    fn unpack(self) -> Box<dyn Unpack> {
        match self {
            Self::Gzip => gzip(),
            Self::Deflate => deflate(),
            Self::Brotli => Box::new(Brotli::default()),
            Self::Zstd => Box::new(Zstd::default()),
        }
    }

    fn compressed_body(self) -> (DetectedBody, Option<Note>) {
        (
            DetectedBody::Compressed(self.unpack()),
            Some(compressed(self.name())),
        )
    }
}

/// A whole body that was compressed so (the value of `content-encoding`), decompressed.
///
/// # Errors
/// One sentence: the compression is not supported, the body is damaged, or it has more than `most` bytes.
pub fn unpacked(coding: &str, body: &[u8], most: usize) -> Result<Vec<u8>, String> {
    let format = Format::of_name(&coding.trim().to_ascii_lowercase());
    let format = format.ok_or_else(|| {
        format!("The body is compressed by {coding}; gzip, deflate, br and zstd can be read")
    })?;
    let mut unpack = match format {
        Format::Deflate if is_zlib(body) => zlib(),
        format => format.unpack(),
    };
    let (mut rest, mut whole) = (body, Vec::new());
    let damaged = |why: &dyn std::fmt::Display| format!("The body is not valid {coding}: {why}");
    loop {
        let step = unpack.step(rest).map_err(|why| damaged(&why))?;
        rest = &rest[step.taken..];
        let is_stuck = step.taken == 0 && step.output.is_empty();
        whole.extend_from_slice(&step.output);
        if whole.len() > most {
            return Err(format!(
                "The body has more than {} MiB, unpacked",
                most >> 20
            ));
        }
        if is_stuck && !rest.is_empty() {
            return Err(damaged(&"something follows its end"));
        }
        if rest.is_empty() && !step.is_full {
            break;
        }
    }
    unpack.finish().map_err(|why| damaged(&why))?;
    Ok(whole)
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
            .filter(|word| Format::of_name(word).is_some() || UNSUPPORTED.contains(&&**word))
            .collect();
        match &words[..] {
            [] => Self::Plain,
            [word] => Format::of_name(word)
                .map_or_else(|| Self::Unsupported(word.clone()), Self::Compressed),
            _ => Self::Unsupported(words.join(", ")),
        }
    }

    /// The name of the compression, as the header has it.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Plain => "gzip",
            Self::Compressed(format) => format.name(),
            Self::Unsupported(name) => name,
        }
    }

    /// Whether this many bytes are enough to detect the form.
    pub(super) fn can_detect(&self, length: usize) -> bool {
        match self {
            Self::Plain | Self::Compressed(Format::Gzip) => length > 0,
            Self::Compressed(_) | Self::Unsupported(_) => length >= DETECTION_BYTES,
        }
    }

    /// Detects the form of a body by its first bytes.
    pub(super) fn detect(&self, first_bytes: &[u8]) -> (DetectedBody, Option<Note>) {
        let Self::Compressed(stated) = self else {
            // No text begins with gzip's first byte.
            return match self {
                Self::Plain if first_bytes.first() == Some(&0x1f) => {
                    let note = "the answer came compressed by gzip, and no header said so";
                    (DetectedBody::Compressed(gzip()), Some(odd(note)))
                }
                Self::Unsupported(_) if !is_text(first_bytes) => (DetectedBody::Unreadable, None),
                _ => (DetectedBody::Plain, self.mislabelled()),
            };
        };
        if let Some(format) = stated.of_bytes(first_bytes) {
            return format.compressed_body();
        }
        match stated {
            _ if is_text(first_bytes) => (DetectedBody::Plain, self.mislabelled()),
            Format::Gzip | Format::Deflate if is_zlib(first_bytes) => (
                DetectedBody::Compressed(zlib()),
                Some(compressed("deflate")),
            ),
            Format::Deflate | Format::Brotli => stated.compressed_body(),
            Format::Gzip | Format::Zstd => (DetectedBody::Unreadable, None),
        }
    }

    fn mislabelled(&self) -> Option<Note> {
        let name = match self {
            Self::Plain => return None,
            stated => stated.name(),
        };
        Some(odd(&format!(
            "the answer's header said that it is compressed ({name}), and it was not"
        )))
    }
}

fn odd(text: &str) -> Note {
    Note::new(About::Form, text)
}

/// Compression makes tokens arrive in bunches, so it is noted on the run.
fn compressed(name: &str) -> Note {
    let text =
        format!("the answer came compressed ({name}): tokens compressed together arrive together");
    Note::new(About::Aside, text)
}

/// Whether bytes begin like text: UTF-8 without control characters other than white space.
fn is_text(first_bytes: &[u8]) -> bool {
    let first_bytes = &first_bytes[..first_bytes.len().min(64)];
    let text = match std::str::from_utf8(first_bytes) {
        Ok(text) => text,
        // A character is cut at the end.
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&first_bytes[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    !text.is_empty()
        && text
            .chars()
            .all(|c| !c.is_control() || c.is_ascii_whitespace())
}

/// Whether these are the first bytes of zlib's form (RFC 1950 §2.2); some servers send deflate without it.
fn is_zlib(first_bytes: &[u8]) -> bool {
    let [first, second, ..] = first_bytes else {
        return false;
    };
    first & 0x0f == 8 && (u16::from(*first) << 8 | u16::from(*second)).is_multiple_of(31)
}

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
        let foreign = |name: &str| Coding::Unsupported(name.to_owned());
        for (values, coding) in [
            (&[][..], Coding::Plain),
            (&[""], Coding::Plain),
            (&["identity"], Coding::Plain),
            (&["none"], Coding::Plain),
            (&["utf-8"], Coding::Plain),
            (&["chunked"], Coding::Plain),
            (&["aws-chunked"], Coding::Plain),
            (&["GZIP"], Coding::Compressed(Format::Gzip)),
            (&["x-gzip"], Coding::Compressed(Format::Gzip)),
            (&["gzip, identity"], Coding::Compressed(Format::Gzip)),
            (&["identity", "gzip"], Coding::Compressed(Format::Gzip)),
            (&["utf-8, gzip,"], Coding::Compressed(Format::Gzip)),
            (&["deflate"], Coding::Compressed(Format::Deflate)),
            (&["br"], Coding::Compressed(Format::Brotli)),
            (&["Zstd"], Coding::Compressed(Format::Zstd)),
            (&["compress"], foreign("compress")),
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

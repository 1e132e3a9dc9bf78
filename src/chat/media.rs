//! Files in a conversation: their types, and how they are saved.

use std::{borrow::Cow, path::Path};

use serde::{Deserialize, Serialize};

use super::Contents;
use crate::input::text_of;

/// A file with its media type: as bytes, or as an address from which the provider fetches it. Cloning shares the
/// bytes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Media {
    /// Media type found from the content, such as `image/png`.
    pub mime: String,
    /// The encoded file, base64 in JSON; empty if `uri` names it.
    pub data: Contents,
    /// The address from which the provider fetches the file (`gs://…`, `https://…`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// The file's name, for display; sent only where a dialect wants one.
    #[serde(default)]
    pub name: String,
}

/// Types whose name in `infer` differs from the one that providers know.
const OTHER_NAMES: &[(&str, &str)] = &[
    ("audio/x-wav", "audio/wav"),
    ("audio/x-flac", "audio/flac"),
    ("audio/m4a", "audio/mp4"),
    ("audio/x-aiff", "audio/aiff"),
];

impl Media {
    /// A file of these bytes; its type is detected from its content, not its name: an image, a PDF, sound, video or
    /// text. Text is converted to UTF-8 without a byte order mark.
    ///
    /// # Errors
    /// A sentence for the user, if no model takes files of this type.
    pub fn of_bytes(data: Vec<u8>, name: String) -> Result<Self, String> {
        let (mime, data) = if let Some(mime) = known_type(&data) {
            (mime, data)
        } else if let Some(text) = plain_text(&data) {
            ("text/plain", text)
        } else {
            return Err(format!(
                "{name} is no image, PDF, sound, video or plain text: convert it first"
            ));
        };
        Ok(Self {
            mime: mime.to_owned(),
            data: data.into(),
            uri: None,
            name,
        })
    }

    /// The type of these bytes, if they are an image, a PDF, sound or video.
    #[must_use]
    pub fn type_of(data: &[u8]) -> Option<&'static str> {
        known_type(data)
    }

    /// A file that the provider fetches itself; its type is that of its name's extension.
    ///
    /// # Errors
    /// A sentence for the user, if this is not an address, or its type is unknown.
    pub fn at(address: &str) -> Result<Self, String> {
        let address = address.trim();
        let (scheme, rest) = address.split_once("://").unwrap_or_default();
        if !is_address(address) || rest.is_empty() {
            return Err(format!(
                "{address} is no address of a file: write one as in https://host/cat.png or gs://bucket/talk.mp4"
            ));
        }
        let path = rest.split(['?', '#']).next().unwrap_or_default();
        let name = path.rsplit('/').next().unwrap_or_default();
        let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
        let ending = ending.to_ascii_lowercase();
        let known = ENDINGS
            .iter()
            .find(|(_, known)| *known == ending)
            .or(OTHER_ENDINGS.iter().find(|(_, known)| *known == ending));
        let Some((mime, _)) = known else {
            return Err(format!(
                "{scheme}://…/{name}: its type can't be told, as its name has no ending like .png, .pdf, .mp3 or .mp4"
            ));
        };
        Ok(Self {
            mime: (*mime).to_owned(),
            uri: Some(address.to_owned()),
            name: name.to_owned(),
            ..Self::default()
        })
    }

    /// Whether it is an image.
    #[must_use]
    pub fn is_image(&self) -> bool {
        self.mime.starts_with("image/")
    }
}

/// The type by the first bytes, if models take it.
fn known_type(data: &[u8]) -> Option<&'static str> {
    let mime = infer::get(data)?.mime_type();
    let renamed = OTHER_NAMES.iter().find(|(name, _)| *name == mime);
    let mime = renamed.map_or(mime, |(_, mime)| mime);
    let class = mime.split('/').next().unwrap_or_default();
    let taken = matches!(class, "image" | "audio" | "video") || mime == "application/pdf";
    taken.then_some(mime)
}

/// The bytes as UTF-8, if they are text without control characters (HTML and source code are text, too).
fn plain_text(data: &[u8]) -> Option<Vec<u8>> {
    let text = text_of(data).ok()?;
    let odd = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{C}');
    let is_text = !text.is_empty() && !text.contains(odd);
    is_text.then(|| text.into_owned().into_bytes())
}

/// Endings of file names by media type.
const ENDINGS: &[(&str, &str)] = &[
    ("image/png", "png"),
    ("image/jpeg", "jpg"),
    ("image/gif", "gif"),
    ("image/webp", "webp"),
    ("audio/wav", "wav"),
    ("audio/x-wav", "wav"),
    ("audio/l16", "wav"),
    ("audio/pcm", "wav"),
    ("audio/mpeg", "mp3"),
    ("audio/mp3", "mp3"),
    ("audio/ogg", "ogg"),
    ("audio/flac", "flac"),
    ("video/mp4", "mp4"),
    ("video/webm", "webm"),
    ("application/pdf", "pdf"),
    ("application/json", "json"),
    ("text/plain", "txt"),
];

/// Further endings of names, with their types.
const OTHER_ENDINGS: &[(&str, &str)] = &[
    ("image/jpeg", "jpeg"),
    ("image/heic", "heic"),
    ("audio/mp4", "m4a"),
    ("audio/aac", "aac"),
    ("video/quicktime", "mov"),
    ("video/mpeg", "mpeg"),
    ("text/plain", "md"),
    ("text/csv", "csv"),
    ("text/html", "html"),
];

/// Whether a text names a file that a provider fetches, rather than one on this machine.
#[must_use]
pub fn is_address(text: &str) -> bool {
    ["https://", "http://", "gs://"]
        .iter()
        .any(|scheme| text.starts_with(scheme))
}

impl Media {
    /// The type without its parameters, in lower case.
    #[must_use]
    pub fn essence(&self) -> String {
        let essence = self.mime.split(';').next().unwrap_or_default();
        essence.trim().to_ascii_lowercase()
    }

    /// A name for the saved file: its own, or one with its number in the answer.
    #[must_use]
    pub fn file_name(&self, number: usize) -> String {
        // A name from the wire may hold a path; only its last part counts.
        let own = Path::new(&self.name).file_name();
        let own = own.and_then(|name| name.to_str());
        if let Some(own) = own.filter(|name| !name.starts_with('.')) {
            return own.to_owned();
        }
        let essence = self.essence();
        let ending = ENDINGS.iter().find(|(mime, _)| *mime == essence);
        format!("answer-{number}.{}", ending.map_or("bin", |(_, e)| e))
    }

    /// The bytes to save: raw samples (`audio/L16;rate=24000`) get a WAV header, since players need one.
    #[must_use]
    pub fn to_file(&self) -> Cow<'_, [u8]> {
        match self.essence().as_str() {
            "audio/l16" | "audio/pcm" => {
                let mut wav = wav_head(self.data.len(), self.sample_rate());
                wav.extend_from_slice(&self.data);
                Cow::Owned(wav)
            }
            _ => Cow::Borrowed(&self.data),
        }
    }

    /// Samples a second, as the type states them; 24,000 is what Gemini sends.
    fn sample_rate(&self) -> u32 {
        let mut parameters = self.mime.split(';').skip(1);
        let rate = parameters.find_map(|p| p.trim().strip_prefix("rate=")?.trim().parse().ok());
        rate.unwrap_or(24_000)
    }
}

/// The head of a WAV file with one channel of 16-bit little-endian samples.
fn wav_head(bytes: usize, rate: u32) -> Vec<u8> {
    let bytes = u32::try_from(bytes).unwrap_or(u32::MAX - 36);
    let mut head = Vec::with_capacity(44);
    head.extend_from_slice(b"RIFF");
    head.extend_from_slice(&(36 + bytes).to_le_bytes());
    head.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    head.extend_from_slice(&rate.to_le_bytes());
    head.extend_from_slice(&(rate.saturating_mul(2)).to_le_bytes());
    head.extend_from_slice(b"\x02\0\x10\0data");
    head.extend_from_slice(&bytes.to_le_bytes());
    head
}

#[cfg(test)]
mod tests {
    use super::*;

    fn media(mime: &str, name: &str) -> Media {
        Media {
            mime: mime.into(),
            data: b"\x01\x02\x03\x04".as_slice().into(),
            uri: None,
            name: name.into(),
        }
    }

    #[test]
    fn a_file_by_address_has_the_type_that_its_name_says() {
        for (address, mime, name) in [
            ("gs://bucket/a/talk.mp4", "video/mp4", "talk.mp4"),
            (" https://h/cat.JPG?w=3#x ", "image/jpeg", "cat.JPG"),
            ("https://h/a.b/report.pdf", "application/pdf", "report.pdf"),
            ("http://127.0.0.1:1/x.jpeg", "image/jpeg", "x.jpeg"),
        ] {
            let media = Media::at(address).unwrap();
            assert_eq!((media.mime.as_str(), media.name.as_str()), (mime, name));
            assert_eq!(media.uri.as_deref(), Some(address.trim()));
        }
        for (address, said) in [
            ("cat.png", "is no address"),
            ("ftp://h/cat.png", "is no address"),
            ("gs://", "is no address"),
            ("https://h/cat", "can't be told"),
            ("https://h/?f=cat.png", "can't be told"),
        ] {
            let why = Media::at(address).unwrap_err();
            assert!(why.contains(said), "{why}");
        }
    }

    #[test]
    fn a_file_keeps_its_name_but_no_path() {
        for (mime, name, expected) in [
            ("image/png", "", "answer-2.png"),
            ("audio/L16;rate=24000", "", "answer-2.wav"),
            ("x/y", "", "answer-2.bin"),
            ("image/png", "cat.png", "cat.png"),
            ("image/png", "../../etc/passwd", "passwd"),
            ("image/png", "/", "answer-2.png"),
            ("image/png", ".bashrc", "answer-2.png"),
        ] {
            assert_eq!(media(mime, name).file_name(2), expected);
        }
    }

    #[test]
    fn files_are_told_by_their_content() {
        for (bytes, mime) in [
            (b"\x89PNG\r\n\x1a\n....".as_slice(), Some("image/png")),
            (b"\xff\xd8\xff\xe0", Some("image/jpeg")),
            (b"GIF89a", Some("image/gif")),
            (b"RIFF\x10\0\0\0WEBPVP8 ", Some("image/webp")),
            (b"%PDF-1.7\n", Some("application/pdf")),
            (b"RIFF\x10\0\0\0WAVEfmt ", Some("audio/wav")),
            (b"ID3\x04\0", Some("audio/mpeg")),
            (b"OggS\0\0", Some("audio/ogg")),
            (b"fLaC\0\0", Some("audio/flac")),
            (b"\0\0\0\x18ftypisom\0\0\0\0", Some("video/mp4")),
            ("plain words, 中文".as_bytes(), Some("text/plain")),
            (b"<!DOCTYPE html><html>", Some("text/plain")),
            (b"<?xml version=\"1.0\"?>", Some("text/plain")),
            (b"#!/bin/sh\necho", Some("text/plain")),
            (b"\xff\xfea\0\xe9\0", Some("text/plain")),
            (b"\xfe\xff\0a", Some("text/plain")),
            (b"PK\x03\x04\x14\0", None),
            (b"\x7fELF\x02\x01", None),
            (b"\0\x01\x02", None),
            (b"", None),
        ] {
            let media = Media::of_bytes(bytes.to_vec(), "x.png".into());
            let found = media.as_ref().map(|media| media.mime.as_str());
            assert_eq!(found.ok(), mime, "{bytes:?}");
        }
        for text in [b"\xff\xfea\0\xe9\0".as_slice(), b"\xef\xbb\xbfa\xc3\xa9"] {
            let media = Media::of_bytes(text.to_vec(), "notes.txt".into()).unwrap();
            assert_eq!(&*media.data, "aé".as_bytes());
        }
        let refused = Media::of_bytes(b"PK\x03\x04".to_vec(), "a.zip".into());
        assert!(refused.unwrap_err().starts_with("a.zip is no image"));
    }

    #[test]
    fn bare_samples_become_a_wav_file() {
        let wav = media("audio/L16;codec=pcm;rate=16000", "")
            .to_file()
            .into_owned();
        assert_eq!(wav.len(), 48);
        assert_eq!(&wav[..4], b"RIFF");
        assert_eq!(wav[4..8], 40u32.to_le_bytes());
        assert_eq!(wav[24..28], 16_000u32.to_le_bytes());
        assert_eq!(wav[40..44], 4u32.to_le_bytes());
        assert_eq!(&wav[44..], b"\x01\x02\x03\x04");
        assert_eq!(&*media("image/png", "").to_file(), b"\x01\x02\x03\x04");
    }
}

//! The files of a request, kept out of its JSON: a large file is neither copied into a JSON tree nor base64-encoded
//! before it is sent.
//!
//! In: a request. Out: the same request with a short *mark* in place of each file's bytes. In the JSON that a dialect
//! then encodes, the base64 of each mark shows where the base64 of its file belongs.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde_json::Value;

use super::{ChatRequest, Contents, Media, Part};

/// Length of the random part of a mark, which no text holds by chance. A multiple of 3, so that its base64 has no
/// padding and the base64 of the file's number follows it.
const NONCE: usize = 15;
const NONCE_BASE64: usize = NONCE / 3 * 4;
const MARK_BASE64: usize = NONCE_BASE64 + 4;

/// The files of one request, in the order of its messages.
#[derive(Clone, Debug)]
pub struct Files {
    nonce: [u8; NONCE],
    nonce_base64: String,
    bytes: Vec<Contents>,
}

/// A segment of a request body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BodyPiece {
    /// Sent as it is.
    Text(Bytes),
    /// To be sent as base64.
    Base64(Bytes),
}

impl Files {
    /// The files of a request, without text files, which are sent as text.
    #[must_use]
    pub fn of(request: &ChatRequest) -> Self {
        let nonce = rand::random();
        let parts = request.messages.iter().flat_map(|message| &message.parts);
        let files = parts.filter_map(|part| match part {
            Part::Media(media) if is_marked(media) => Some(media.data.clone()),
            _ => None,
        });
        Self {
            nonce,
            nonce_base64: STANDARD.encode(nonce),
            bytes: files.collect(),
        }
    }

    /// The request with a mark in place of each file's bytes.
    #[must_use]
    pub fn marked(&self, mut request: ChatRequest) -> ChatRequest {
        let parts = request.messages.iter_mut().flat_map(|m| &mut m.parts);
        let files = parts.filter_map(|part| match part {
            Part::Media(media) if is_marked(media) => Some(media),
            _ => None,
        });
        for (number, media) in files.enumerate() {
            media.data = self.mark(number).into();
        }
        request
    }

    fn mark(&self, number: usize) -> Vec<u8> {
        let number = u32::try_from(number).unwrap_or(u32::MAX).to_be_bytes();
        [self.nonce.as_slice(), &number[1..]].concat()
    }

    /// The file that a mark stands for.
    #[must_use]
    pub fn file_of_mark(&self, bytes: &[u8]) -> Option<Bytes> {
        let number: [u8; 3] = bytes.strip_prefix(&self.nonce)?.try_into().ok()?;
        let number = u32::from_be_bytes([0, number[0], number[1], number[2]]);
        let file = self.bytes.get(usize::try_from(number).ok()?)?;
        Some(Bytes::from_owner(file.clone()))
    }

    /// The JSON of a marked request, split where the files belong.
    #[must_use]
    pub fn split(&self, json: String) -> Vec<BodyPiece> {
        let (mut pieces, mut from) = (Vec::new(), 0);
        let found = self.marks_in(&json);
        let text = Bytes::from(json);
        for (at, file) in found {
            pieces.push(BodyPiece::Text(text.slice(from..at)));
            pieces.push(BodyPiece::Base64(file));
            from = at + MARK_BASE64;
        }
        pieces.push(BodyPiece::Text(text.slice(from..)));
        pieces.retain(|piece| !matches!(piece, BodyPiece::Text(text) if text.is_empty()));
        pieces
    }

    fn marks_in(&self, text: &str) -> Vec<(usize, Bytes)> {
        if self.bytes.is_empty() {
            return Vec::new();
        }
        let found = text.match_indices(&self.nonce_base64);
        let file = |(at, _): (usize, &str)| {
            let mark = STANDARD.decode(text.get(at..at + MARK_BASE64)?).ok()?;
            Some((at, self.file_of_mark(&mark)?))
        };
        found.filter_map(file).collect()
    }

    /// The JSON of a marked request for people: `{{file 1}}` stands for the base64 of the first file.
    #[must_use]
    pub fn for_people(&self, json: Value) -> Value {
        self.replaced(json, |own, number| {
            (STANDARD.encode(own.mark(number)), placeholder(number))
        })
    }

    /// The inverse: the JSON of a marked request from one that people edited.
    #[must_use]
    pub fn from_people(&self, json: Value) -> Value {
        self.replaced(json, |own, number| {
            (placeholder(number), STANDARD.encode(own.mark(number)))
        })
    }

    /// The JSON of a marked request with the files in it.
    #[must_use]
    pub fn inlined(&self, json: Value) -> Value {
        self.replaced(json, |own, number| {
            let mark = STANDARD.encode(own.mark(number));
            (mark, STANDARD.encode(&own.bytes[number]))
        })
    }

    fn replaced(&self, json: Value, pair: fn(&Self, usize) -> (String, String)) -> Value {
        let pairs: Vec<_> = (0..self.bytes.len())
            .map(|number| pair(self, number))
            .collect();
        replace(json, &pairs)
    }
}

fn is_marked(media: &Media) -> bool {
    !media.data.is_empty() && !media.mime.starts_with("text/")
}

/// The placeholder of a file in a body for people.
fn placeholder(number: usize) -> String {
    format!("{{{{file {}}}}}", number + 1)
}

fn replace(json: Value, pairs: &[(String, String)]) -> Value {
    match json {
        Value::String(text) => {
            let changed = pairs.iter().fold(text, |text, (from, to)| {
                if text.contains(from.as_str()) {
                    text.replace(from.as_str(), to)
                } else {
                    text
                }
            });
            changed.into()
        }
        Value::Array(items) => items.into_iter().map(|item| replace(item, pairs)).collect(),
        Value::Object(fields) => {
            let fields = fields.into_iter();
            Value::Object(
                fields
                    .map(|(key, item)| (key, replace(item, pairs)))
                    .collect(),
            )
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        chat::Message,
        dialect::{DIALECTS, WireFormat},
    };

    fn media(mime: &str, data: &[u8]) -> Part {
        Part::Media(Media {
            mime: mime.into(),
            data: data.into(),
            name: "a file".into(),
            ..Media::default()
        })
    }

    fn request() -> ChatRequest {
        let mut request = ChatRequest::of_text("m", "What is {{file 1}}?");
        request.messages[0].parts.extend([
            media("image/png", &[0x89; 1000]),
            media("text/plain", b"some text"),
            media("application/pdf", b"%PDF-1.7"),
        ]);
        request.messages.push(Message::assistant("That."));
        request.messages.push(Message::user("And this?"));
        request.messages[2]
            .parts
            .push(media("image/jpeg", &[0xff; 77]));
        request
    }

    fn joined(pieces: Vec<BodyPiece>) -> String {
        let text = |piece| match piece {
            BodyPiece::Text(text) => String::from_utf8(text.to_vec()).unwrap(),
            BodyPiece::Base64(file) => STANDARD.encode(file),
        };
        pieces.into_iter().map(text).collect()
    }

    #[test]
    fn a_body_in_pieces_is_the_body() {
        for dialect in DIALECTS {
            let request = request();
            let files = Files::of(&request);
            let marked = (dialect.encode)(&files.marked(request.clone()));
            let pieces = files.split(marked.to_string());
            assert_eq!(
                joined(pieces.clone()),
                (dialect.encode)(&request).to_string(),
                "{}",
                dialect.label
            );
            let apart = pieces.iter().filter(|p| matches!(p, BodyPiece::Base64(_)));
            assert!(apart.count() >= 2, "{}", dialect.label);
        }
    }

    #[test]
    fn people_read_a_body_and_send_it_as_it_was() {
        for dialect in DIALECTS
            .iter()
            .filter(|d| matches!(d.wire, WireFormat::Json))
        {
            let mut request = request();
            request.messages[0].parts[0] = Part::Text { text: "?".into() };
            let files = Files::of(&request);
            let marked = (dialect.encode)(&files.marked(request.clone()));
            let read = files.for_people(marked);
            let text = read.to_string();
            assert!(
                text.contains("{{file 1}}") && text.len() < 2000,
                "{}: {text}",
                dialect.label
            );
            // Every request has new marks.
            let files = Files::of(&request);
            let sent = joined(files.split(files.from_people(read).to_string()));
            assert_eq!(
                sent,
                (dialect.encode)(&request).to_string(),
                "{}",
                dialect.label
            );
        }
    }

    #[test]
    fn a_number_without_a_file_stays_text() {
        let files = Files::of(&request());
        let odd = serde_json::json!({"a": "{{file 9}} {{file}}"});
        assert_eq!(files.from_people(odd.clone()), odd);
        assert_eq!(files.file_of_mark(&files.mark(9)), None);
        assert_eq!(files.file_of_mark(b"short"), None);
    }
}

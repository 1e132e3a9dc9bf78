//! Reads one part of the answer's content: a piece of text or thinking, a function call, a file, or an item of a
//! built-in tool.
//!
//! A signed part must be sent back unchanged, so it is not joined with unsigned parts: an empty piece before it starts
//! a new part.

use std::borrow::Cow;

use base64::{
    Engine as _,
    alphabet::{STANDARD, URL_SAFE},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use super::{decode::GeminiReader, open_part::OpenPart};
use crate::{
    body::json::{self, Fields, Raw},
    chat::Media,
    event::{About, Event},
};

/// Fields of a part that only describe its content.
const PART_METADATA: &[&str] = &[
    "audioMetadata",
    "audioTranscription",
    "documentMetadata",
    "mediaProcessing",
    "mediaResolution",
    "partMetadata",
    "speechMetadata",
    "spreadsheetMetadata",
    "thought",
    "thoughtSignature",
    "videoMetadata",
];

/// Whether a field defines what a part is. Some gateways write all fields, with null in all but one, or an empty `text`
/// in addition.
fn is_kind(name: &str, value: Raw<'_>) -> bool {
    !PART_METADATA.contains(&name)
        && value.get() != "null"
        && (name != "text" || value.get() != r#""""#)
}

impl GeminiReader {
    /// Reads a part.
    ///
    /// # Errors
    /// If it is not an object, or nested deeper than `serde_json` reads.
    pub(super) fn read_part(
        &mut self,
        raw: Raw<'_>,
        out: &mut Vec<Event>,
    ) -> serde_json::Result<()> {
        let part = Fields::of(raw)?;
        let is_thought = part
            .get("thought")
            .is_some_and(|thought| thought.get() == "true");
        let signature = part.get("thoughtSignature").and_then(json::string);
        let transcript = part
            .get("audioTranscription")
            .filter(|raw| !json::is_void(*raw));
        let mut kinds = part.iter().filter(|(key, value)| is_kind(key, *value));
        let Some((kind, value)) = kinds.next() else {
            // Empty, or only a signature.
            match transcript {
                Some(_) => self.opaque("audioTranscription", raw.get(), out),
                None => self.read_text(Cow::default(), is_thought, signature, out),
            }
            return Ok(());
        };
        match &*kind {
            "text" => {
                let text = json::bytes(value).unwrap_or_default();
                self.read_text(text, is_thought, signature, out);
            }
            "functionCall" => self.read_call(raw, &Fields::of(value)?, signature, out)?,
            // A draft image in the thinking is not part of the answer, but must be sent back with it.
            "inlineData" | "fileData" if is_thought => self.opaque(&kind, raw.get(), out),
            "inlineData" | "fileData" => self.read_media(raw, &Fields::of(value)?, signature, out),
            "executableCode"
            | "codeExecutionResult"
            | "toolCall"
            | "toolResponse"
            | "functionResponse" => self.opaque(&kind, raw.get(), out),
            _ => {
                self.open = OpenPart::None;
                let kind = format!("parts.{kind}");
                let raw = raw.get().to_owned();
                out.push(Event::Unknown { kind, raw });
            }
        }
        if let Some(transcript) = transcript {
            self.note_message("transcript of the audio", transcript, "text", out);
        }
        for (key, value) in kinds {
            self.unknown(&format!("parts.{key}"), value, out)?;
        }
        Ok(())
    }

    pub(in crate::dialect) fn read_text(
        &mut self,
        wtf8: Cow<'_, [u8]>,
        is_thought: bool,
        signature: Option<String>,
        out: &mut Vec<Event>,
    ) {
        let (kind, joiner) = if is_thought {
            (OpenPart::Reasoning, &mut self.reasoning)
        } else {
            (OpenPart::Text, &mut self.text)
        };
        let piece = joiner.push(wtf8);
        self.note_repairs(&piece, out);
        let text = piece.text;
        let Some(value) = signature else {
            if !text.is_empty() {
                self.open = kind;
                out.push(kind.piece(text));
            }
            return;
        };
        if self.open == kind || text.is_empty() {
            out.push(kind.piece(String::new()));
        }
        if !text.is_empty() {
            out.push(kind.piece(text));
        }
        self.sign(Some(value), out);
    }

    fn read_call(
        &mut self,
        part: Raw<'_>,
        call: &Fields<'_>,
        signature: Option<String>,
        out: &mut Vec<Event>,
    ) -> serde_json::Result<()> {
        if !self.calls.read(call, out)? {
            let (kind, raw) = ("parts.functionCall".to_owned(), part.get().to_owned());
            out.push(Event::Unknown { kind, raw });
            return Ok(());
        }
        self.sign(signature, out);
        Ok(())
    }

    fn read_media(
        &mut self,
        part: Raw<'_>,
        file: &Fields<'_>,
        signature: Option<String>,
        out: &mut Vec<Event>,
    ) {
        let text = |name| file.get(name).and_then(json::string);
        let uri = text("fileUri");
        let data = text("data").map_or(Some(Vec::new()), |data| base64_bytes(&data));
        let Some(data) = data.filter(|data| uri.is_some() || !data.is_empty()) else {
            self.note(About::Form, "a file's bytes can't be read", out);
            let (kind, raw) = ("parts.inlineData".to_owned(), part.get().to_owned());
            return out.push(Event::Unknown { kind, raw });
        };
        out.push(Event::Media(Media {
            mime: text("mimeType").unwrap_or_default(),
            data: data.into(),
            uri,
            name: text("displayName").unwrap_or_default(),
        }));
        self.sign(signature, out);
    }

    /// Emits an item that is sent back word for word: the whole part, including its signature.
    pub(in crate::dialect) fn opaque(&mut self, kind: &str, part: &str, out: &mut Vec<Event>) {
        self.open = OpenPart::None;
        let (kind, raw) = (kind.to_owned(), part.to_owned());
        out.push(Event::Opaque { kind, raw });
    }

    /// Ends a part, with its signature if it has one.
    pub(in crate::dialect) fn sign(&mut self, signature: Option<String>, out: &mut Vec<Event>) {
        self.open = OpenPart::None;
        out.extend(signature.map(|value| Event::Signature { value }));
    }
}

/// Decodes base64 in the standard or the URL-safe alphabet, padded or not.
pub(in crate::dialect) fn base64_bytes(text: &str) -> Option<Vec<u8>> {
    let lenient = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let alphabet = if text.contains(['-', '_']) {
        &URL_SAFE
    } else {
        &STANDARD
    };
    GeneralPurpose::new(alphabet, lenient).decode(text).ok()
}

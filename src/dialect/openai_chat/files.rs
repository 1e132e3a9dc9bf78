//! Files that the model made: images at a URL or in one, and sound in pieces.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::{
    body::json::{self, Fields, Raw},
    chat::Media,
    event::Event,
};

/// Most bytes of sound that are kept: over twenty minutes of it.
const MAX_SOUND_BYTES: usize = 64 << 20;

/// What bare samples are: `OpenAI` streams sound as 16-bit samples, 24,000 a second, only
/// (<https://platform.openai.com/docs/guides/audio>).
const SAMPLES: &str = "audio/pcm;rate=24000";

/// Sound that comes in pieces, each of them base64 of its own.
#[derive(Debug, Default)]
pub(in crate::dialect) struct Sound(Vec<u8>);

impl Sound {
    /// Takes the next piece; gives whether it was one.
    pub(in crate::dialect) fn push(&mut self, base64: &str) -> bool {
        let Ok(piece) = STANDARD.decode(base64) else {
            return false;
        };
        let room = MAX_SOUND_BYTES.saturating_sub(self.0.len());
        self.0.extend_from_slice(&piece[..piece.len().min(room)]);
        true
    }

    /// The sound as a file, if there was any: bare samples, unless its head says otherwise.
    pub(in crate::dialect) fn end(&mut self) -> Option<Media> {
        let data = std::mem::take(&mut self.0);
        if data.is_empty() {
            return None;
        }
        let told = Media::of_bytes(data.clone(), String::new()).ok();
        let told = told.filter(|media| media.mime.starts_with("audio/"));
        Some(told.unwrap_or_else(|| Media {
            mime: SAMPLES.into(),
            data: data.into(),
            ..Media::default()
        }))
    }
}

/// The image of `{type: "image_url", image_url: {url}}`: OpenRouter and gateways like it send what a model drew so.
pub(super) fn image(part: &Fields<'_>) -> Option<Event> {
    let at = part.get("image_url")?;
    let url = match Fields::of(at) {
        Ok(fields) => json::string(fields.get("url")?),
        Err(_) => json::string(at),
    };
    image_at(&url?).map(Event::Media)
}

fn image_at(url: &str) -> Option<Media> {
    let Some(inline) = url.strip_prefix("data:") else {
        let unnamed = || Media {
            mime: "image/png".into(),
            uri: Some(url.to_owned()),
            ..Media::default()
        };
        return Some(Media::at(url).unwrap_or_else(|_| unnamed()));
    };
    let (mime, data) = inline.split_once(";base64,")?;
    Some(Media {
        mime: mime.to_owned(),
        data: STANDARD.decode(data).ok()?.into(),
        ..Media::default()
    })
}

/// The elements of an array; the value itself where it is none.
pub(super) fn each(raw: Raw<'_>) -> Vec<Raw<'_>> {
    json::elements(raw).map_or_else(|| vec![raw], Iterator::collect)
}

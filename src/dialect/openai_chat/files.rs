//! Files that the model made: images by URL or data URL, and streamed audio.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::{
    body::json::{self, Fields, Raw},
    chat::Media,
    event::Event,
};

/// Most bytes of audio that are kept: over twenty minutes.
const MAX_AUDIO_BYTES: usize = 64 << 20;

/// The type of audio without a header: `OpenAI` streams only 16-bit samples, 24,000 a second
/// (<https://platform.openai.com/docs/guides/audio>).
const PCM: &str = "audio/pcm;rate=24000";

/// Streamed audio: each piece is separately encoded base64.
#[derive(Debug, Default)]
pub(in crate::dialect) struct StreamedAudio(Vec<u8>);

impl StreamedAudio {
    /// Adds the next piece. `false` if it is not base64.
    pub(in crate::dialect) fn push(&mut self, base64: &str) -> bool {
        let Ok(piece) = STANDARD.decode(base64) else {
            return false;
        };
        let room = MAX_AUDIO_BYTES.saturating_sub(self.0.len());
        self.0.extend_from_slice(&piece[..piece.len().min(room)]);
        true
    }

    /// The audio as a file, if there was any: PCM, unless its header shows another format.
    pub(in crate::dialect) fn end(&mut self) -> Option<Media> {
        let data = std::mem::take(&mut self.0);
        if data.is_empty() {
            return None;
        }
        let detected = Media::of_bytes(data.clone(), String::new()).ok();
        let detected = detected.filter(|media| media.mime.starts_with("audio/"));
        Some(detected.unwrap_or_else(|| Media {
            mime: PCM.into(),
            data: data.into(),
            ..Media::default()
        }))
    }
}

/// The image of `{type: "image_url", image_url: {url}}`, the form of OpenRouter and similar gateways.
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

/// The elements of an array; any other value by itself.
pub(super) fn each(raw: Raw<'_>) -> Vec<Raw<'_>> {
    json::elements(raw).map_or_else(|| vec![raw], Iterator::collect)
}

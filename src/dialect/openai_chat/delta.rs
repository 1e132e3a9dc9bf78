//! Reads a delta, or a whole message: its text, reasoning, refusal and function calls.

use std::borrow::Cow;

use super::{
    chunk::{ChunkReader, NotAChunk, emit_piece},
    fields::{DELTA_METADATA, KNOWN_ITEMS, REASONING},
    files::{each, image},
    tool_calls::Fragment,
};
use crate::{
    body::{
        error::ProviderError,
        json::{self, Fields, Raw},
    },
    event::{About, Event},
};

impl ChunkReader {
    /// Reads a delta or a whole message; returns whether it had an empty text.
    pub(super) fn read_delta(
        &mut self,
        delta: Raw<'_>,
        place: &str,
        out: &mut Vec<Event>,
    ) -> Result<bool, NotAChunk> {
        let delta = Fields::of(delta)?;
        self.read_reasoning(&delta, out);
        let mut is_active = false;
        for (key, raw) in delta.iter() {
            match &*key {
                "content" => is_active |= self.read_content(raw, out)?,
                "error" if !json::is_void(raw) => {
                    self.failed = Some(ProviderError::of_data(raw.get()));
                }
                "refusal" => self.emit_refusal(json::bytes(raw).unwrap_or_default(), out),
                "tool_calls" => self.read_tool_calls(raw, out)?,
                "function_call" if raw.get().starts_with('{') => {
                    self.read_tool_call(raw, Some(0), out)?;
                }
                "reasoning_details" => self.details.push(raw),
                "annotations" | "citations" => self.read_sources(&key, raw, out)?,
                "context" if raw.get().starts_with('{') => self.read_context(raw, out)?,
                "images" => {
                    for part in each(raw) {
                        self.read_part(part, out)?;
                    }
                }
                "audio" if raw.get().starts_with('{') => self.read_audio(raw, out)?,
                "extra_content" => sign(raw, out),
                key if REASONING.contains(&key) && raw.get().starts_with('"') => {}
                key if DELTA_METADATA.contains(&key) => {}
                key if KNOWN_ITEMS.contains(&key) => self.read_item(key, raw, out)?,
                key => self.read_unknown(&format!("{place}.{key}"), raw, out)?,
            }
        }
        Ok(is_active)
    }

    fn read_reasoning(&mut self, delta: &Fields<'_>, out: &mut Vec<Event>) {
        let texts = (REASONING.iter()).filter_map(|name| {
            let text = json::bytes(delta.get(name)?)?;
            (!text.is_empty()).then_some((*name, text))
        });
        let texts: Vec<_> = texts.collect();
        let mut texts = texts.into_iter();
        let Some((name, text)) = texts.next() else {
            return self.read_detailed_reasoning(delta, out);
        };
        if texts.any(|(_, other)| other != text) {
            self.note_once(
                About::Form,
                "reasoning came in two fields that differ; one is shown",
                out,
            );
        }
        self.thought_in = (name == REASONING_FIELD_SENT_BACK).then_some(REASONING_FIELD_SENT_BACK);
        self.emit_reasoning(text, out);
    }

    /// OpenRouter's details repeat `reasoning`, so they are read only if that is missing.
    fn read_detailed_reasoning(&mut self, delta: &Fields<'_>, out: &mut Vec<Event>) {
        let details = delta.get("reasoning_details").and_then(json::elements);
        for detail in details.into_iter().flatten() {
            let detail = Fields::of(detail).ok();
            if let Some(text) = detail.and_then(|detail| json::bytes(detail_text(&detail)?)) {
                self.emit_reasoning(text, out);
            }
        }
    }

    /// Emits a piece of text. Returns whether it was empty, or only half of a surrogate pair.
    fn emit_text(&mut self, text: Cow<'_, [u8]>, out: &mut Vec<Event>) -> bool {
        let piece = self.text.push(text);
        let empty = piece.text.is_empty();
        if !empty {
            self.sign_thoughts(out);
        }
        emit_piece(piece, out, |text| Event::Text { text });
        empty
    }

    fn emit_reasoning(&mut self, text: Cow<'_, [u8]>, out: &mut Vec<Event>) {
        let piece = self.reasoning.push(text);
        emit_piece(piece, out, |text| Event::Reasoning { text });
    }

    fn emit_refusal(&mut self, text: Cow<'_, [u8]>, out: &mut Vec<Event>) {
        let piece = self.refusal.push(text);
        emit_piece(piece, out, |text| Event::Refusal { text });
    }

    /// When other content follows reasoning: emits the name of the field in which it is sent back, as its signature.
    fn sign_thoughts(&mut self, out: &mut Vec<Event>) {
        let value = self.thought_in.take().map(str::to_owned);
        out.extend(value.map(|value| Event::Signature { value }));
    }

    /// Reads Azure's "on your data" context: the sources, and the search queries.
    fn read_context(&mut self, raw: Raw<'_>, out: &mut Vec<Event>) -> Result<(), NotAChunk> {
        for (name, raw) in Fields::of(raw)?.iter() {
            let name = format!("context.{name}");
            match name.as_str() {
                "context.citations" => self.read_sources(&name, raw, out)?,
                _ => self.read_item(&name, raw, out)?,
            }
        }
        Ok(())
    }

    /// Reads a delta of audio and its transcript.
    fn read_audio(&mut self, raw: Raw<'_>, out: &mut Vec<Event>) -> Result<(), NotAChunk> {
        let audio = Fields::of(raw)?;
        if let Some(text) = audio.get("transcript").and_then(json::bytes) {
            self.emit_text(text, out);
        }
        let data = audio.get("data").and_then(json::string);
        if data.is_some_and(|data| !self.audio.push(&data)) {
            self.note_once(
                About::Form,
                "a piece of audio is not base64 and was left out",
                out,
            );
        }
        Ok(())
    }

    /// Reads `content`: a text, or (Mistral, some whole messages) an array of parts. Returns whether it was an empty
    /// text, or only half of a surrogate pair.
    pub(super) fn read_content(
        &mut self,
        raw: Raw<'_>,
        out: &mut Vec<Event>,
    ) -> Result<bool, NotAChunk> {
        if let Some(text) = json::bytes(raw) {
            return Ok(self.emit_text(text, out));
        }
        match raw.get().as_bytes().first() {
            Some(b'[') => {
                for part in json::list(raw)? {
                    self.read_part(part, out)?;
                }
            }
            Some(b'{') => self.read_part(raw, out)?,
            _ => {}
        }
        Ok(false)
    }

    /// Reads one part of a content array. Parts hold no parts, so there is no recursion.
    fn read_part(&mut self, raw: Raw<'_>, out: &mut Vec<Event>) -> Result<(), NotAChunk> {
        if let Some(text) = json::bytes(raw) {
            self.emit_text(text, out);
            return Ok(());
        }
        let Ok(part) = Fields::of(raw) else {
            return self.read_unknown("content", raw, out);
        };
        let kind = part.get("type").and_then(json::string);
        let kind = kind.unwrap_or_default();
        let text = part.get("text").and_then(json::bytes);
        match (kind.as_str(), text) {
            ("text" | "output_text" | "", Some(text)) => {
                self.emit_text(text, out);
            }
            ("thinking" | "reasoning", Some(text)) => self.emit_reasoning(text, out),
            ("thinking" | "reasoning", None) => {
                for text in part.get("thinking").map(texts).into_iter().flatten() {
                    self.emit_reasoning(text, out);
                }
            }
            ("refusal", _) => {
                let text = part.get("refusal").and_then(json::bytes);
                self.emit_refusal(text.unwrap_or_default(), out);
            }
            ("image_url", _) if let Some(image) = image(&part) => out.push(image),
            // Mistral: a tool's references to its sources.
            ("reference", _) => out.push(Event::Opaque {
                kind,
                raw: raw.get().to_owned(),
            }),
            _ => out.push(Event::Unknown {
                kind: format!("content.{kind}"),
                raw: raw.get().to_owned(),
            }),
        }
        Ok(())
    }

    fn read_tool_calls(&mut self, raw: Raw<'_>, out: &mut Vec<Event>) -> Result<(), NotAChunk> {
        match raw.get().as_bytes().first() {
            Some(b'[') => {
                for call in json::list(raw)? {
                    self.read_tool_call(call, None, out)?;
                }
            }
            Some(b'{') => self.read_tool_call(raw, None, out)?,
            _ => {}
        }
        Ok(())
    }

    /// Reads a fragment of a call: `{index, id, function: {name, arguments}}`, or the bare function of the old
    /// `function_call`.
    fn read_tool_call(
        &mut self,
        raw: Raw<'_>,
        index: Option<u64>,
        out: &mut Vec<Event>,
    ) -> Result<(), NotAChunk> {
        let call = Fields::of(raw)?;
        let mut fragment = Fragment {
            index,
            ..Fragment::default()
        };
        let (mut unknown, mut extra) = (Vec::new(), None);
        for (key, raw) in call.iter() {
            match &*key {
                "index" => fragment.index = raw.get().parse().ok(),
                "id" => fragment.id = json::string(raw),
                "type" => {}
                "extra_content" => extra = Some(raw),
                "function" | "custom" if raw.get().starts_with('{') => {
                    let function = Fields::of(raw)?;
                    for (key, raw) in function.iter() {
                        fill_function(&mut fragment, &key, raw);
                    }
                }
                key if fill_function(&mut fragment, key, raw) => {}
                key => unknown.push((format!("tool_calls.{key}"), raw)),
            }
        }
        let (delta, piece) = self.calls.push(fragment);
        let empty = delta.id.is_none() && delta.name.is_none() && delta.arguments.is_empty();
        self.sign_thoughts(out);
        if !empty {
            out.push(Event::ToolCall(delta));
        }
        piece.note_repairs(out);
        if let Some(extra) = extra {
            sign(extra, out);
        }
        for (kind, raw) in unknown {
            self.read_unknown(&kind, raw, out)?;
        }
        Ok(())
    }
}

/// The field in which reasoning is sent back: `DeepSeek` and Moonshot refuse a call's result without it
/// (<https://api-docs.deepseek.com/guides/thinking_mode>).
pub(in crate::dialect) const REASONING_FIELD_SENT_BACK: &str = "reasoning_content";

/// Google's `extra_content` holds the signature of a call or text; without it, Gemini 3 refuses a call's result.
fn sign(extra: Raw<'_>, out: &mut Vec<Event>) {
    if extra.get().contains("thought_signature") {
        let value = extra.get().to_owned();
        out.push(Event::Signature { value });
    }
}

/// Reads a field of a function; returns whether it is one.
fn fill_function<'a>(fragment: &mut Fragment<'a>, key: &str, raw: Raw<'a>) -> bool {
    match key {
        "name" => fragment.name = json::string(raw),
        "arguments" | "input" | "parameters" => {
            fragment.arguments = match json::bytes(raw) {
                Some(text) => text,
                None if raw.get() == "null" => [].as_slice().into(),
                // Some servers send the arguments as an object instead of its text.
                None => raw.get().as_bytes().into(),
            };
        }
        _ => return false,
    }
    true
}

/// The plain text of one of OpenRouter's reasoning details.
fn detail_text<'a>(detail: &Fields<'a>) -> Option<Raw<'a>> {
    detail.get("text").or_else(|| detail.get("summary"))
}

/// The texts of a thinking part: a string, or an array of `{text}`.
fn texts(raw: Raw<'_>) -> Vec<Cow<'_, [u8]>> {
    if let Some(text) = json::bytes(raw) {
        return vec![text];
    }
    let parts = json::elements(raw).into_iter().flatten();
    parts
        .filter_map(|part| json::bytes(Fields::of(part).ok()?.get("text")?))
        .collect()
}

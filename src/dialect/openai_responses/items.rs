//! The items of a response: messages, reasoning, calls, and items of built-in tools.
//!
//! An item is announced, streamed in deltas and then sent whole. Content that came in deltas is not emitted again; the
//! rest is taken from the whole item, since some servers omit the deltas.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashSet},
};

use super::{
    citation::ReportedAnnotations,
    client_call::ClientCall,
    open_call::OpenFunctionCall,
    places::{ItemRef, StreamedItems},
    whole::{TextChannel, close_other, emit_signature_fields, empty_piece, id_of, opaque, unknown},
};
use crate::{
    body::{
        json::{self, Fields, Raw},
        text::SurrogateJoiner,
    },
    dialect::openai_chat::files::StreamedAudio,
    event::{About, Event, Note},
};

/// The position of a text: its item, its channel, and the index of the part in the item.
type TextPosition = (u64, TextChannel, u64);

/// The items of an answer, by their index.
#[derive(Debug, Default)]
pub(super) struct Items {
    pub(super) open: BTreeMap<u64, OutputItem>,
    /// Items that were emitted whole.
    pub(super) closed: HashSet<u64>,
    /// Texts that came in deltas.
    streamed: HashSet<TextPosition>,
    /// Items that emitted text, and the channel.
    channels: HashSet<(u64, TextChannel)>,
    pub(super) places: StreamedItems,
    /// The position of the last text, with the joiner that may hold a surrogate half.
    last_text: Option<(TextPosition, SurrogateJoiner)>,
    reported: ReportedAnnotations,
    audio: StreamedAudio,
    has_audio: bool,
    pub(super) calls: usize,
}

#[derive(Debug)]
pub(super) enum OutputItem {
    Message,
    Reasoning,
    Call(OpenFunctionCall),
    /// An item of a built-in tool, or of an unknown type.
    Other,
}

impl Items {
    /// Whether this item is open and is emitted only when it is complete.
    pub(super) fn is_other(&self, stated: &ItemRef<'_>) -> bool {
        let index = self.places.find(stated);
        index.is_some_and(|index| matches!(self.open.get(&index), Some(OutputItem::Other)))
    }

    /// Starts an item.
    pub(super) fn add(
        &mut self,
        index: Option<u64>,
        raw: Raw<'_>,
        out: &mut Vec<Event>,
    ) -> serde_json::Result<()> {
        let id = id_of(raw)?;
        let index = self.places.begin(ItemRef { index, id });
        self.open_item(index, raw, out)
    }

    /// Ends a streamed item.
    pub(super) fn end(
        &mut self,
        index: Option<u64>,
        raw: Raw<'_>,
        out: &mut Vec<Event>,
    ) -> serde_json::Result<()> {
        let (id, open) = (id_of(raw)?, &self.open);
        let is_open = |index| open.contains_key(&index);
        let index = self.places.end(ItemRef { index, id }, is_open);
        self.close(index, raw, out)
    }

    /// Emits an item of the final response, unless the stream did.
    pub(super) fn repeat(
        &mut self,
        position: u64,
        raw: Raw<'_>,
        out: &mut Vec<Event>,
    ) -> serde_json::Result<()> {
        let id = id_of(raw)?;
        let index = self.places.in_output(position, id.as_deref());
        self.close(index, raw, out)
    }

    /// Ends the items that a completed response left open.
    pub(super) fn end_open(&mut self, out: &mut Vec<Event>) {
        let open: Vec<u64> = self.open.keys().copied().collect();
        for index in open {
            self.end_call(index, out);
            if let Some(OutputItem::Other) = self.open.remove(&index) {
                let text = "the item of a built-in tool never came whole";
                Note::emit(About::Form, text, out);
            }
        }
    }

    fn open_item(
        &mut self,
        index: u64,
        raw: Raw<'_>,
        out: &mut Vec<Event>,
    ) -> serde_json::Result<()> {
        let fields = Fields::of(raw)?;
        let kind = fields.stated("type").and_then(json::string);
        let item = match kind.as_deref().unwrap_or_default() {
            "message" => OutputItem::Message,
            "reasoning" => OutputItem::Reasoning,
            _ => {
                if let Some(kind) = ClientCall::of(&fields) {
                    OutputItem::Call(self.begin_call(kind, &fields, out))
                } else {
                    out.push(empty_piece());
                    OutputItem::Other
                }
            }
        };
        self.open.insert(index, item);
        Ok(())
    }

    /// A delta of a text.
    pub(super) fn push_text(
        &mut self,
        stated: ItemRef<'_>,
        channel: TextChannel,
        part: u64,
        piece: Cow<'_, [u8]>,
        out: &mut Vec<Event>,
    ) {
        let item = self.places.continued(stated);
        self.emit_text((item, channel, part), piece, out);
    }

    /// A whole text: emitted only if none of it came in deltas.
    pub(super) fn whole_text(
        &mut self,
        stated: ItemRef<'_>,
        channel: TextChannel,
        part: u64,
        text: Cow<'_, [u8]>,
        out: &mut Vec<Event>,
    ) {
        let item = self.places.continued(stated);
        self.emit_joined((item, channel, part), text, out);
    }

    fn emit_text(&mut self, place: TextPosition, piece: Cow<'_, [u8]>, out: &mut Vec<Event>) {
        let (item, channel, part) = place;
        let mut follows = false;
        if self
            .last_text
            .as_ref()
            .is_none_or(|(last, _)| *last != place)
        {
            let first = self.streamed.insert(place);
            self.channels.insert((item, channel));
            // Each part of a summary is a paragraph.
            follows = channel == TextChannel::Summary && part > 0 && first;
            self.flush_surrogate(out);
            self.last_text = Some((place, SurrogateJoiner::default()));
        }
        let Some((_, joiner)) = &mut self.last_text else {
            return;
        };
        let piece = joiner.push(piece);
        piece.note_repairs(out);
        let mut text = piece.text;
        if follows {
            text.insert_str(0, "\n\n");
        }
        out.push(channel.event(text));
        self.open.entry(item).or_insert(match channel {
            TextChannel::Text | TextChannel::Refusal | TextChannel::Transcript => {
                OutputItem::Message
            }
            TextChannel::Reasoning | TextChannel::Summary => OutputItem::Reasoning,
        });
    }

    /// Emits the surrogate half that is still waiting, as a replacement character.
    pub(super) fn flush_surrogate(&mut self, out: &mut Vec<Event>) {
        let Some(((_, channel, _), mut joiner)) = self.last_text.take() else {
            return;
        };
        let rest = joiner.end();
        if !rest.text.is_empty() {
            rest.note_repairs(out);
            out.push(channel.event(rest.text));
        }
    }

    /// Whether the last emitted text is this item's.
    fn wrote_last(&self, index: u64) -> bool {
        let last_text = self.last_text.as_ref();
        last_text
            .is_some_and(|((item, channel, _), _)| *item == index && *channel == TextChannel::Text)
    }

    fn emit_joined(&mut self, place: TextPosition, text: Cow<'_, [u8]>, out: &mut Vec<Event>) {
        if !self.streamed.contains(&place) && !text.is_empty() {
            self.emit_text(place, text, out);
        }
    }

    /// An annotation of a text.
    pub(super) fn annotate(&mut self, raw: Raw<'_>, out: &mut Vec<Event>) {
        self.reported.emit(raw, out);
    }

    /// Ends an item, and emits the content that only the complete item has.
    pub(super) fn close(
        &mut self,
        index: u64,
        raw: Raw<'_>,
        out: &mut Vec<Event>,
    ) -> serde_json::Result<()> {
        if !self.closed.insert(index) {
            return Ok(());
        }
        let wrote_last = self.wrote_last(index);
        self.flush_surrogate(out);
        if !self.open.contains_key(&index) {
            self.open_item(index, raw, out)?;
        }
        let fields = Fields::of(raw)?;
        match self.open.get(&index) {
            Some(OutputItem::Message) => {
                self.close_message(index, &fields, out)?;
                if wrote_last || self.wrote_last(index) {
                    self.flush_surrogate(out);
                    emit_signature_fields(&["phase"], &fields, out);
                }
            }
            Some(OutputItem::Reasoning) => self.close_reasoning(index, &fields, raw, out)?,
            Some(OutputItem::Call(_)) => self.close_call(index, &fields, out),
            _ => close_other(&fields, raw, out),
        }
        self.open.remove(&index);
        Ok(())
    }

    /// A delta of audio.
    pub(super) fn push_audio(&mut self, base64: &str, out: &mut Vec<Event>) {
        if !self.has_audio && !self.audio.push(base64) {
            let text = "a piece of audio is not base64 and was left out";
            Note::emit(About::Form, text, out);
        }
    }

    /// Emits the audio once it is complete.
    pub(super) fn end_audio(&mut self, out: &mut Vec<Event>) {
        let audio = self.audio.end().map(Event::Media);
        self.has_audio |= audio.is_some();
        out.extend(audio);
    }

    fn close_message(
        &mut self,
        index: u64,
        message: &Fields<'_>,
        out: &mut Vec<Event>,
    ) -> serde_json::Result<()> {
        let content = message.stated("content").and_then(json::elements);
        for (part, raw) in (0..).zip(content.into_iter().flatten()) {
            let fields = Fields::of(raw)?;
            let kind = fields.stated("type").and_then(json::string);
            let channel = match kind.as_deref() {
                Some("output_text" | "text") => TextChannel::Text,
                Some("refusal") => TextChannel::Refusal,
                Some("reasoning_text") => TextChannel::Reasoning,
                Some("output_audio") => TextChannel::Transcript,
                kind => {
                    out.push(unknown(&format!("part {}", kind.unwrap_or_default()), raw));
                    continue;
                }
            };
            // Audio events do not name their part.
            let has_audio =
                channel == TextChannel::Transcript && self.channels.contains(&(index, channel));
            if !has_audio {
                self.whole((index, channel, part), &fields, out);
            }
            if let Some(data) = fields.stated("data").and_then(json::string) {
                self.push_audio(&data, out);
                self.end_audio(out);
            }
            let annotations = fields.stated("annotations").and_then(json::elements);
            for raw in annotations.into_iter().flatten() {
                self.annotate(raw, out);
            }
        }
        Ok(())
    }

    fn whole(&mut self, place: TextPosition, part: &Fields<'_>, out: &mut Vec<Event>) {
        if let Some(text) = part.stated(place.1.field()).and_then(json::bytes) {
            self.emit_joined(place, text, out);
        }
    }

    /// A reasoning item with encrypted reasoning is sent back unchanged. If a server sends both the reasoning and a
    /// summary, the reasoning itself is used.
    fn close_reasoning(
        &mut self,
        index: u64,
        item: &Fields<'_>,
        raw: Raw<'_>,
        out: &mut Vec<Event>,
    ) -> serde_json::Result<()> {
        let (text, summary) = (TextChannel::Reasoning, TextChannel::Summary);
        for (name, channel, other) in [("content", text, summary), ("summary", summary, text)] {
            let reported = self.channels.contains(&(index, other));
            let parts = item.stated(name).and_then(json::elements);
            for (part, raw) in (0..).zip(parts.filter(|_| !reported).into_iter().flatten()) {
                self.whole((index, channel, part), &Fields::of(raw)?, out);
            }
        }
        let encrypted = item.stated("encrypted_content").and_then(json::string);
        if encrypted.is_some() {
            out.push(opaque("reasoning".into(), raw));
        }
        Ok(())
    }
}

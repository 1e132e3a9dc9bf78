//! The items of a response: messages, reasoning, calls, and the work of built-in tools.
//!
//! An item is announced, streamed in pieces and then told whole. What came in pieces is not told again; what
//! did not is told from the whole item, since some servers leave the pieces out.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashSet},
};

use super::{
    calls::Call,
    citation::Told,
    client_call::ClientCall,
    places::{Places, Stated},
    whole::{Channel, at_work, close_other, id_of, keep, opaque, unknown},
};
use crate::{
    body::{
        json::{self, Fields, Raw},
        text::Joiner,
    },
    dialect::openai_chat::files::Sound,
    event::{About, Event, Note},
};

/// A text's place: its item, its channel, and which part of the item it is.
type Place = (u64, Channel, u64);

/// The items of an answer, by their index.
#[derive(Debug, Default)]
pub(super) struct Items {
    pub(super) open: BTreeMap<u64, Item>,
    /// Items that were told whole.
    pub(super) closed: HashSet<u64>,
    /// Texts that came in pieces.
    spoken: HashSet<Place>,
    /// Items that said something, and where.
    voices: HashSet<(u64, Channel)>,
    pub(super) places: Places,
    /// The text that spoke last, and half a character of it.
    speaking: Option<(Place, Joiner)>,
    told: Told,
    sound: Sound,
    heard: bool,
    pub(super) calls: usize,
}

#[derive(Debug)]
pub(super) enum Item {
    Message,
    Reasoning,
    Call(Call),
    /// A built-in tool's work, or one of tomorrow.
    Other,
}

impl Items {
    /// Whether an item is open whose pieces are told when it is whole.
    pub(super) fn is_other(&self, stated: &Stated<'_>) -> bool {
        let index = self.places.find(stated);
        index.is_some_and(|index| matches!(self.open.get(&index), Some(Item::Other)))
    }

    /// Begins an item.
    pub(super) fn add(
        &mut self,
        index: Option<u64>,
        raw: Raw<'_>,
        out: &mut Vec<Event>,
    ) -> serde_json::Result<()> {
        let id = id_of(raw)?;
        let index = self.places.begin(Stated { index, id });
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
        let index = self.places.end(Stated { index, id }, is_open);
        self.close(index, raw, out)
    }

    /// Tells an item of the finished response, unless the stream told it.
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

    /// Ends what a completed response left open.
    pub(super) fn end_open(&mut self, out: &mut Vec<Event>) {
        let open: Vec<u64> = self.open.keys().copied().collect();
        for index in open {
            self.end_call(index, out);
            if let Some(Item::Other) = self.open.remove(&index) {
                let text = "the work of a built-in tool was never told whole";
                Note::tell(About::Form, text, out);
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
            "message" => Item::Message,
            "reasoning" => Item::Reasoning,
            _ => {
                if let Some(of) = ClientCall::of(&fields) {
                    Item::Call(self.begin_call(of, &fields, out))
                } else {
                    out.push(at_work());
                    Item::Other
                }
            }
        };
        self.open.insert(index, item);
        Ok(())
    }

    /// The next piece of a text.
    pub(super) fn say(
        &mut self,
        stated: Stated<'_>,
        channel: Channel,
        part: u64,
        piece: Cow<'_, [u8]>,
        out: &mut Vec<Event>,
    ) {
        let item = self.places.go_on(stated);
        self.speak((item, channel, part), piece, out);
    }

    /// A whole text: told only if none of it came in pieces.
    pub(super) fn said(
        &mut self,
        stated: Stated<'_>,
        channel: Channel,
        part: u64,
        text: Cow<'_, [u8]>,
        out: &mut Vec<Event>,
    ) {
        let item = self.places.go_on(stated);
        self.spoke((item, channel, part), text, out);
    }

    fn speak(&mut self, place: Place, piece: Cow<'_, [u8]>, out: &mut Vec<Event>) {
        let (item, channel, part) = place;
        let mut follows = false;
        if self
            .speaking
            .as_ref()
            .is_none_or(|(last, _)| *last != place)
        {
            let first = self.spoken.insert(place);
            self.voices.insert((item, channel));
            // Summaries are paragraphs of their own.
            follows = channel == Channel::Summary && part > 0 && first;
            self.hush(out);
            self.speaking = Some((place, Joiner::default()));
        }
        let Some((_, joiner)) = &mut self.speaking else {
            return;
        };
        let piece = joiner.push(piece);
        piece.note_seams(out);
        let mut text = piece.text;
        if follows {
            text.insert_str(0, "\n\n");
        }
        out.push(channel.event(text));
        self.open.entry(item).or_insert(match channel {
            Channel::Text | Channel::Refusal | Channel::Transcript => Item::Message,
            Channel::Reasoning | Channel::Summary => Item::Reasoning,
        });
    }

    /// Gives up half a character that waits for the rest.
    pub(super) fn hush(&mut self, out: &mut Vec<Event>) {
        let Some(((_, channel, _), mut joiner)) = self.speaking.take() else {
            return;
        };
        let rest = joiner.end();
        if !rest.text.is_empty() {
            rest.note_seams(out);
            out.push(channel.event(rest.text));
        }
    }

    /// Whether an item's text is what was told last.
    fn speaks(&self, index: u64) -> bool {
        let speaking = self.speaking.as_ref();
        speaking.is_some_and(|((item, channel, _), _)| *item == index && *channel == Channel::Text)
    }

    fn spoke(&mut self, place: Place, text: Cow<'_, [u8]>, out: &mut Vec<Event>) {
        if !self.spoken.contains(&place) && !text.is_empty() {
            self.speak(place, text, out);
        }
    }

    /// An annotation of a text.
    pub(super) fn annotate(&mut self, raw: Raw<'_>, out: &mut Vec<Event>) {
        self.told.tell(raw, out);
    }

    /// Ends an item, and tells what only a whole one can say.
    pub(super) fn close(
        &mut self,
        index: u64,
        raw: Raw<'_>,
        out: &mut Vec<Event>,
    ) -> serde_json::Result<()> {
        if !self.closed.insert(index) {
            return Ok(());
        }
        let spoke_last = self.speaks(index);
        self.hush(out);
        if !self.open.contains_key(&index) {
            self.open_item(index, raw, out)?;
        }
        let fields = Fields::of(raw)?;
        match self.open.get(&index) {
            Some(Item::Message) => {
                self.close_message(index, &fields, out)?;
                if spoke_last || self.speaks(index) {
                    self.hush(out);
                    keep(&["phase"], &fields, out);
                }
            }
            Some(Item::Reasoning) => self.close_reasoning(index, &fields, raw, out)?,
            Some(Item::Call(_)) => self.close_call(index, &fields, out),
            _ => close_other(&fields, raw, out),
        }
        self.open.remove(&index);
        Ok(())
    }

    /// The next piece of sound.
    pub(super) fn hear(&mut self, base64: &str, out: &mut Vec<Event>) {
        if !self.heard && !self.sound.push(base64) {
            let text = "a piece of sound is no base64 and was left out";
            Note::tell(About::Form, text, out);
        }
    }

    /// Sound is told when it is whole, and once.
    pub(super) fn end_sound(&mut self, out: &mut Vec<Event>) {
        let sound = self.sound.end().map(Event::Media);
        self.heard |= sound.is_some();
        out.extend(sound);
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
                Some("output_text" | "text") => Channel::Text,
                Some("refusal") => Channel::Refusal,
                Some("reasoning_text") => Channel::Reasoning,
                Some("output_audio") => Channel::Transcript,
                kind => {
                    out.push(unknown(&format!("part {}", kind.unwrap_or_default()), raw));
                    continue;
                }
            };
            // The events of sound do not say which part they are about.
            let heard = channel == Channel::Transcript && self.voices.contains(&(index, channel));
            if !heard {
                self.whole((index, channel, part), &fields, out);
            }
            if let Some(data) = fields.stated("data").and_then(json::string) {
                self.hear(&data, out);
                self.end_sound(out);
            }
            let annotations = fields.stated("annotations").and_then(json::elements);
            for raw in annotations.into_iter().flatten() {
                self.annotate(raw, out);
            }
        }
        Ok(())
    }

    fn whole(&mut self, place: Place, part: &Fields<'_>, out: &mut Vec<Event>) {
        if let Some(text) = part.stated(place.1.field()).and_then(json::bytes) {
            self.spoke(place, text, out);
        }
    }

    /// A reasoning item goes back as it came if its thoughts are in it, encrypted. Some servers say the
    /// whole text and a summary of it: the text is what was thought.
    fn close_reasoning(
        &mut self,
        index: u64,
        item: &Fields<'_>,
        raw: Raw<'_>,
        out: &mut Vec<Event>,
    ) -> serde_json::Result<()> {
        let (text, summary) = (Channel::Reasoning, Channel::Summary);
        for (name, channel, other) in [("content", text, summary), ("summary", summary, text)] {
            let told = self.voices.contains(&(index, other));
            let parts = item.stated(name).and_then(json::elements);
            for (part, raw) in (0..).zip(parts.filter(|_| !told).into_iter().flatten()) {
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

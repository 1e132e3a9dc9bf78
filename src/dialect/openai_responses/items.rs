//! The items of a response: messages, reasoning, calls, and the work of built-in tools.
//!
//! An item is announced, streamed in pieces and then told whole. What came in pieces is not told again; what
//! did not is told from the whole item, since some servers leave the pieces out.

use std::collections::{BTreeMap, HashSet};

use serde_json::value::RawValue;

use super::{
    citation::Told,
    places::{Places, Stated},
    whole::{Channel, arguments_of, at_work, close_other, id_of, note_seams, opaque, unknown},
};
use crate::{
    dialect::openai_chat::{
        fields::field,
        json::{self, Fields},
        text::Joiner,
    },
    event::{Event, ToolCallDelta},
};

/// A text's place: its item, its channel, and which part of the item it is.
type Place = (u64, Channel, u64);

/// The items of an answer, by their index.
#[derive(Debug, Default)]
pub(super) struct Items {
    open: BTreeMap<u64, Item>,
    /// Items that were told whole.
    closed: HashSet<u64>,
    /// Texts that came in pieces.
    spoken: HashSet<Place>,
    /// Items that said something, and where.
    voices: HashSet<(u64, Channel)>,
    places: Places,
    /// The text that spoke last, and half a character of it.
    speaking: Option<(Place, Joiner)>,
    told: Told,
    calls: usize,
}

#[derive(Debug)]
enum Item {
    Message,
    Reasoning,
    Call(Call),
    /// A built-in tool's work, or one of tomorrow.
    Other,
}

#[derive(Debug, Default)]
struct Call {
    number: usize,
    joiner: Joiner,
    /// Whether its arguments came in pieces.
    argued: bool,
}

impl Items {
    /// How many functions were called.
    pub(super) fn calls(&self) -> usize {
        self.calls
    }

    /// Whether an item is open whose pieces are told when it is whole.
    pub(super) fn is_other(&self, stated: &Stated) -> bool {
        let index = self.places.find(stated);
        index.is_some_and(|index| matches!(self.open.get(&index), Some(Item::Other)))
    }

    /// Begins an item.
    pub(super) fn add(
        &mut self,
        index: Option<u64>,
        raw: &RawValue,
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
        raw: &RawValue,
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
        raw: &RawValue,
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
                let text = "the work of a built-in tool was never told whole".into();
                out.push(Event::Note { text });
            }
        }
    }

    fn open_item(
        &mut self,
        index: u64,
        raw: &RawValue,
        out: &mut Vec<Event>,
    ) -> serde_json::Result<()> {
        let fields = Fields::of(raw)?;
        let kind = field(&fields, "type").and_then(json::string);
        let item = match kind.as_deref().unwrap_or_default() {
            "message" => Item::Message,
            "reasoning" => Item::Reasoning,
            "function_call" => Item::Call(self.call(&fields, out)),
            _ => {
                out.push(at_work());
                Item::Other
            }
        };
        self.open.insert(index, item);
        Ok(())
    }

    /// A call is named at once.
    fn call(&mut self, fields: &Fields<'_>, out: &mut Vec<Event>) -> Call {
        let text = |name| field(fields, name).and_then(json::string);
        let arguments = arguments_of(fields);
        let arguments = String::from_utf8(arguments).unwrap_or_default();
        let call = Call {
            number: self.calls,
            argued: !arguments.is_empty(),
            ..Call::default()
        };
        self.calls += 1;
        out.push(Event::ToolCall(ToolCallDelta {
            index: call.number,
            id: text("call_id").or_else(|| text("id")),
            name: text("name"),
            arguments,
        }));
        call
    }

    /// The next piece of a text.
    pub(super) fn say(
        &mut self,
        stated: Stated,
        channel: Channel,
        part: u64,
        piece: &[u8],
        out: &mut Vec<Event>,
    ) {
        let item = self.places.go_on(stated);
        self.speak((item, channel, part), piece, out);
    }

    /// A whole text: told only if none of it came in pieces.
    pub(super) fn said(
        &mut self,
        stated: Stated,
        channel: Channel,
        part: u64,
        text: &[u8],
        out: &mut Vec<Event>,
    ) {
        let item = self.places.go_on(stated);
        self.spoke((item, channel, part), text, out);
    }

    fn speak(&mut self, place: Place, piece: &[u8], out: &mut Vec<Event>) {
        let (item, channel, part) = place;
        let first = self.spoken.insert(place);
        self.voices.insert((item, channel));
        // Summaries are paragraphs of their own.
        let follows = channel == Channel::Summary && part > 0 && first;
        if self
            .speaking
            .as_ref()
            .is_none_or(|(last, _)| *last != place)
        {
            self.hush(out);
            self.speaking = Some((place, Joiner::default()));
        }
        let Some((_, joiner)) = &mut self.speaking else {
            return;
        };
        let piece = joiner.push(piece);
        note_seams(&piece, out);
        let break_before = if follows { "\n\n" } else { "" };
        out.push(channel.event(format!("{break_before}{}", piece.text)));
        self.open.entry(item).or_insert(match channel {
            Channel::Text | Channel::Refusal => Item::Message,
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
            note_seams(&rest, out);
            out.push(channel.event(rest.text));
        }
    }

    fn spoke(&mut self, place: Place, text: &[u8], out: &mut Vec<Event>) {
        if !self.spoken.contains(&place) && !text.is_empty() {
            self.speak(place, text, out);
        }
    }

    /// The next piece of a call's arguments.
    pub(super) fn argue(&mut self, stated: Stated, piece: &[u8], out: &mut Vec<Event>) -> bool {
        let index = self.places.go_on(stated);
        self.add_arguments(index, piece, out)
    }

    /// A call's whole arguments: told only if none came in pieces.
    pub(super) fn argued(&mut self, stated: Stated, whole: &[u8], out: &mut Vec<Event>) -> bool {
        let index = self.places.go_on(stated);
        self.set_arguments(index, whole, out)
    }

    fn add_arguments(&mut self, index: u64, piece: &[u8], out: &mut Vec<Event>) -> bool {
        let Some(Item::Call(call)) = self.open.get_mut(&index) else {
            return false;
        };
        call.argued = true;
        let piece = call.joiner.push(piece);
        note_seams(&piece, out);
        let (index, arguments) = (call.number, piece.text);
        out.push(Event::ToolCall(ToolCallDelta {
            index,
            arguments,
            ..ToolCallDelta::default()
        }));
        true
    }

    fn set_arguments(&mut self, index: u64, whole: &[u8], out: &mut Vec<Event>) -> bool {
        match self.open.get(&index) {
            Some(Item::Call(call)) if !call.argued && !whole.is_empty() => {
                self.add_arguments(index, whole, out)
            }
            Some(Item::Call(_)) => true,
            _ => false,
        }
    }

    /// An annotation of a text.
    pub(super) fn annotate(&mut self, raw: &RawValue, out: &mut Vec<Event>) {
        self.told.tell(raw, out);
    }

    /// Ends an item, and tells what only a whole one can say.
    pub(super) fn close(
        &mut self,
        index: u64,
        raw: &RawValue,
        out: &mut Vec<Event>,
    ) -> serde_json::Result<()> {
        if !self.closed.insert(index) {
            return Ok(());
        }
        self.hush(out);
        if !self.open.contains_key(&index) {
            self.open_item(index, raw, out)?;
        }
        let fields = Fields::of(raw)?;
        match self.open.get(&index) {
            Some(Item::Message) => self.close_message(index, &fields, out)?,
            Some(Item::Reasoning) => self.close_reasoning(index, &fields, raw, out)?,
            Some(Item::Call(_)) => {
                self.set_arguments(index, &arguments_of(&fields), out);
                self.end_call(index, out);
            }
            _ => close_other(&fields, raw, out),
        }
        self.open.remove(&index);
        Ok(())
    }

    fn end_call(&mut self, index: u64, out: &mut Vec<Event>) {
        if let Some(Item::Call(call)) = self.open.get_mut(&index) {
            let rest = call.joiner.end();
            note_seams(&rest, out);
            // Nothing at all is no JSON: a call without arguments has an empty object.
            let empty = if call.argued { "" } else { "{}" };
            let arguments = format!("{}{empty}", rest.text);
            if !arguments.is_empty() {
                out.push(Event::ToolCall(ToolCallDelta {
                    index: call.number,
                    arguments,
                    ..ToolCallDelta::default()
                }));
            }
        }
    }

    fn close_message(
        &mut self,
        index: u64,
        message: &Fields<'_>,
        out: &mut Vec<Event>,
    ) -> serde_json::Result<()> {
        let content = field(message, "content").and_then(json::elements);
        for (part, raw) in (0..).zip(content.unwrap_or_default()) {
            let fields = Fields::of(raw)?;
            let kind = field(&fields, "type").and_then(json::string);
            let channel = match kind.as_deref() {
                Some("output_text" | "text") => Channel::Text,
                Some("refusal") => Channel::Refusal,
                kind => {
                    out.push(unknown(&format!("part {}", kind.unwrap_or_default()), raw));
                    continue;
                }
            };
            self.whole((index, channel, part), &fields, out);
            let annotations = field(&fields, "annotations").and_then(json::elements);
            for raw in annotations.unwrap_or_default() {
                self.annotate(raw, out);
            }
        }
        Ok(())
    }

    fn whole(&mut self, place: Place, part: &Fields<'_>, out: &mut Vec<Event>) {
        if let Some(text) = field(part, place.1.field()).and_then(json::bytes) {
            self.spoke(place, &text, out);
        }
    }

    /// A reasoning item goes back as it came if its thoughts are in it, encrypted. Some servers say the
    /// whole text and a summary of it: the text is what was thought.
    fn close_reasoning(
        &mut self,
        index: u64,
        item: &Fields<'_>,
        raw: &RawValue,
        out: &mut Vec<Event>,
    ) -> serde_json::Result<()> {
        let (text, summary) = (Channel::Reasoning, Channel::Summary);
        for (name, channel, other) in [("content", text, summary), ("summary", summary, text)] {
            let told = self.voices.contains(&(index, other));
            let parts = field(item, name).and_then(json::elements);
            for (part, raw) in (0..).zip(parts.filter(|_| !told).unwrap_or_default()) {
                self.whole((index, channel, part), &Fields::of(raw)?, out);
            }
        }
        let encrypted = field(item, "encrypted_content").and_then(json::string);
        if encrypted.is_some() {
            out.push(opaque("reasoning".into(), raw));
        }
        Ok(())
    }
}

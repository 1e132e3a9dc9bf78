//! Secrets that are split over several events: text that may be the beginning of a secret is held back until the next
//! piece decides. So text is delayed only if it ends with the first letters of a secret, and only by one piece.
//! Stamps are taken before.

use std::collections::BTreeMap;

use crate::event::{Event, ToolCallDelta};
use crate::mask::{COVER, Mask};

/// From how many letters of a secret on the end of a text is covered where something else comes between: the text may
/// go on with the rest of it.
const COVERED_FROM: usize = 4;

/// A text of an answer that comes in several events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum MaskedChannel {
    Text,
    Reasoning,
    Refusal,
    Signature,
    CallName(usize),
    Arguments(usize),
}

/// The end of a text that may be the beginning of a secret.
#[derive(Debug, Default)]
struct Tail {
    /// The part of it that was emitted or masked already.
    told: String,
    /// The part of it that is held back.
    held: String,
}

/// The events of one stream, with every secret covered.
#[derive(Debug)]
pub struct Masked {
    mask: Mask,
    /// The ends of the answer's texts.
    tails: BTreeMap<MaskedChannel, Tail>,
}

impl Masked {
    pub(super) fn of(mask: Mask) -> Self {
        Self {
            mask,
            tails: BTreeMap::new(),
        }
    }

    /// Covers the secrets of an event, and appends it and what was held back before it.
    pub fn take(&mut self, mut event: Event, out: &mut Vec<Event>) {
        if self.mask.forms.is_empty() {
            return out.push(event);
        }
        let text = match &mut event {
            Event::Text { text } => Some((MaskedChannel::Text, text)),
            Event::Reasoning { text } => Some((MaskedChannel::Reasoning, text)),
            Event::Refusal { text } => Some((MaskedChannel::Refusal, text)),
            Event::Signature { value } => Some((MaskedChannel::Signature, value)),
            _ => None,
        };
        if let Some((channel, text)) = text {
            let was_empty = text.is_empty();
            self.piece(channel, text, out);
            if text.is_empty() && !was_empty {
                return;
            }
            return out.push(event);
        }
        match &mut event {
            Event::ToolCall(delta) => self.call(delta, out),
            Event::Finish(_) | Event::Done | Event::Fault(_) => self.end(out),
            other if is_beside(other) => {}
            _ => self.release(None, out),
        }
        self.mask.event(&mut event);
        out.push(event);
    }

    /// Appends all that is held back: nothing more comes.
    pub fn end(&mut self, out: &mut Vec<Event>) {
        for (channel, tail) in &mut self.tails {
            let text = tail.flush(&self.mask, usize::MAX);
            out.extend(text.map(|text| channel.event(text)));
        }
    }

    fn call(&mut self, delta: &mut ToolCallDelta, out: &mut Vec<Event>) {
        let name = MaskedChannel::CallName(delta.index);
        if let Some(piece) = &mut delta.name {
            self.piece(name, piece, out);
        }
        if delta.arguments.is_empty() {
            return;
        }
        // The name is whole.
        let tail = self.tails.get_mut(&name);
        if let Some(rest) = tail.and_then(|tail| tail.flush(&self.mask, usize::MAX)) {
            delta.name.get_or_insert_default().push_str(&rest);
        }
        self.piece(
            MaskedChannel::Arguments(delta.index),
            &mut delta.arguments,
            out,
        );
    }

    fn piece(&mut self, channel: MaskedChannel, piece: &mut String, out: &mut Vec<Event>) {
        if piece.is_empty() {
            return;
        }
        self.release(Some(channel), out);
        let tail = self.tails.entry(channel).or_default();
        *piece = tail.push(&self.mask, piece);
        if tail.told.is_empty() && tail.held.is_empty() {
            self.tails.remove(&channel);
        }
    }

    /// Appends what is held back of all texts but this one, since another thing comes.
    fn release(&mut self, but: Option<MaskedChannel>, out: &mut Vec<Event>) {
        for (channel, tail) in &mut self.tails {
            if channel.is_in_order() && Some(*channel) != but {
                let text = tail.flush(&self.mask, COVERED_FROM);
                out.extend(text.map(|text| channel.event(text)));
            }
        }
    }
}

impl Tail {
    /// The part of the next piece that may be emitted.
    fn push(&mut self, mask: &Mask, piece: &str) -> String {
        let text = [self.told.as_str(), &self.held, piece].concat();
        let mut out = String::new();
        let mut at = self.told.len();
        let mut behind = 0;
        for (start, end) in mask.forms.found(text.as_bytes()) {
            out.push_str(text.get(at..start).unwrap_or_default());
            out.push_str(COVER);
            at = at.max(end);
            behind = end;
        }
        let (length, _) = mask.forms.begun(&text[behind..]);
        let begin = text.len() - length;
        let told = at.max(begin);
        out.push_str(&text[at..told]);
        text[begin..told].clone_into(&mut self.told);
        text[told..].clone_into(&mut self.held);
        out
    }

    /// What is held back, if anything is: covered where it tells a secret, or is so many letters of one.
    fn flush(&mut self, mask: &Mask, from: usize) -> Option<String> {
        if self.held.is_empty() {
            return None;
        }
        let held = std::mem::take(&mut self.held);
        self.told.push_str(&held);
        let (length, tells) = mask.forms.begun(&self.told);
        let covers = tells || length >= from;
        Some(if covers { COVER.to_owned() } else { held })
    }
}

impl MaskedChannel {
    /// Whether it matters what comes before it and behind it: the pieces of a call find their place by its number.
    fn is_in_order(self) -> bool {
        !matches!(self, Self::CallName(_) | Self::Arguments(_))
    }

    fn event(self, text: String) -> Event {
        let call = |index, name, arguments| {
            Event::ToolCall(ToolCallDelta {
                index,
                id: None,
                name,
                arguments,
            })
        };
        match self {
            Self::Text => Event::Text { text },
            Self::Reasoning => Event::Reasoning { text },
            Self::Refusal => Event::Refusal { text },
            Self::Signature => Event::Signature { value: text },
            Self::CallName(index) => call(index, Some(text), String::new()),
            Self::Arguments(index) => call(index, None, text),
        }
    }
}

/// Whether an event is not part of the answer, so that a text may continue after it.
fn is_beside(event: &Event) -> bool {
    matches!(
        event,
        Event::Meta { .. }
            | Event::Echo { .. }
            | Event::Timing { .. }
            | Event::Usage(_)
            | Event::KeepAlive { .. }
            | Event::LeftOut { .. }
            | Event::Note(_)
    )
}

//! Secrets that come in pieces, over several events: what may be the beginning of one is held back until the next
//! piece tells. So a token is late only where an answer spells out the first letters of the key.

use std::collections::BTreeMap;

use crate::event::{Event, ToolCallDelta};
use crate::mask::{COVER, Mask};

/// From how many letters of a secret on a text is held back. As many of it may be seen.
const HELD_FROM: usize = 4;

/// A text of an answer that comes in pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Channel {
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
    /// Of it, what was told or covered already.
    told: String,
    /// Of it, what is held back.
    held: String,
}

/// The ends of an answer's texts.
#[derive(Debug, Default)]
pub(super) struct Tails(BTreeMap<Channel, Tail>);

impl Tails {
    /// Covers the secrets of an event, and appends it and what was held back before it.
    pub(super) fn take(&mut self, mask: &Mask, mut event: Event, out: &mut Vec<Event>) {
        let text = match &mut event {
            Event::Text { text } => Some((Channel::Text, text)),
            Event::Reasoning { text } => Some((Channel::Reasoning, text)),
            Event::Refusal { text } => Some((Channel::Refusal, text)),
            Event::Signature { value } => Some((Channel::Signature, value)),
            _ => None,
        };
        if let Some((channel, text)) = text {
            let was_empty = text.is_empty();
            self.piece(mask, channel, text, out);
            if text.is_empty() && !was_empty {
                return;
            }
            return out.push(event);
        }
        match &mut event {
            Event::ToolCall(delta) => {
                if let Some(name) = &mut delta.name {
                    self.piece(mask, Channel::CallName(delta.index), name, out);
                }
                self.piece(
                    mask,
                    Channel::Arguments(delta.index),
                    &mut delta.arguments,
                    out,
                );
                mask.event(&mut event);
            }
            other => {
                if !is_beside(other) {
                    self.release(mask, None, out);
                }
                mask.event(other);
            }
        }
        out.push(event);
    }

    /// Appends all that is held back: nothing more comes.
    pub(super) fn end(&mut self, mask: &Mask, out: &mut Vec<Event>) {
        self.release(mask, None, out);
    }

    fn piece(&mut self, mask: &Mask, channel: Channel, piece: &mut String, out: &mut Vec<Event>) {
        if piece.is_empty() {
            return;
        }
        self.release(mask, Some(channel), out);
        let tail = self.0.entry(channel).or_default();
        *piece = tail.push(mask, piece);
        if tail.told.is_empty() && tail.held.is_empty() {
            self.0.remove(&channel);
        }
    }

    /// Appends what is held back of all texts but one, since another thing comes. What tells a secret is covered.
    fn release(&mut self, mask: &Mask, but: Option<Channel>, out: &mut Vec<Event>) {
        for (channel, tail) in &mut self.0 {
            if Some(*channel) == but || tail.held.is_empty() {
                continue;
            }
            let held = std::mem::take(&mut tail.held);
            tail.told.push_str(&held);
            let tells = mask.forms.begun(&tail.told).1;
            out.push(channel.event(if tells { COVER.to_owned() } else { held }));
        }
    }
}

impl Tail {
    /// What may be told of a next piece.
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
        let told = if length < HELD_FROM {
            text.len()
        } else {
            at.max(begin)
        };
        out.push_str(&text[at..told]);
        text[begin..told].clone_into(&mut self.told);
        text[told..].clone_into(&mut self.held);
        out
    }
}

impl Channel {
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

/// Whether an event says nothing of the answer itself, so that a text may go on behind it.
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

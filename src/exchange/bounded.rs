//! A decoder with a budget: limits the memory that events may take, however few bytes they came in.
//!
//! In: the bytes of a response. Out: its events with secrets masked. Keep-alives, and events beyond the budget, are
//! only counted. If nothing else comes for too long, the decoder reports a fault.

use http::HeaderMap;

use crate::{
    body::Decoder,
    event::{Event, Fault, FaultClass, Phase, Surplus, budget::Budget},
    mask::Masked,
};

/// Bytes that are decoded at a time: an event can be as short as two bytes, and takes some hundred in memory.
const SLICE: usize = 16 << 10;

/// Most events, and most bytes, that may come in a row without a piece of the answer. One event may have 64 MiB.
const MAX_NOISE_EVENTS: u64 = 100_000;
const MAX_NOISE_BYTES: usize = 128 << 20;

/// Tokens that came with some bytes, counted before masking: their events may be held back and come later.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NewTokens {
    /// How many tokens.
    pub tokens: u32,
    /// Whether any of them is visible.
    pub visible: bool,
}

impl NewTokens {
    /// Counts an event, as decoded.
    pub fn count(&mut self, event: &Event) {
        self.tokens = self.tokens.saturating_add(event.is_token().into());
        self.visible |= event.is_visible();
    }
}

/// Decodes one response.
pub(crate) struct BoundedDecoder {
    decoder: Box<dyn Decoder>,
    masked: Masked,
    budget: Budget,
    /// The events of one slice: as decoded, and then masked.
    decoded: Vec<Event>,
    covered: Vec<Event>,
    /// Tokens since the last [`take_new_tokens`](Self::take_new_tokens).
    new_tokens: NewTokens,
    /// Events and bytes since the last piece of the answer.
    noise_events: u64,
    noise_bytes: usize,
}

impl BoundedDecoder {
    /// Decodes with this decoder, and masks with this mask.
    pub(crate) fn new(decoder: Box<dyn Decoder>, masked: Masked) -> Self {
        Self {
            decoder,
            masked,
            budget: Budget::default(),
            decoded: Vec::new(),
            covered: Vec::new(),
            new_tokens: NewTokens::default(),
            noise_events: 0,
            noise_bytes: 0,
        }
    }

    /// Decodes the next bytes, and appends the events that they completed.
    pub(crate) fn push(&mut self, bytes: &[u8], out: &mut Vec<Event>) {
        let mut merged = MergedEvents::of(out);
        for slice in bytes.chunks(SLICE) {
            if self.fault().is_some() {
                return;
            }
            self.decoder.push(slice, &mut self.decoded);
            self.sort(slice.len(), &mut merged, out);
        }
    }

    /// Decodes the trailers.
    pub(crate) fn trailers(&mut self, trailers: &HeaderMap, out: &mut Vec<Event>) {
        self.decoder.trailers(trailers, &mut self.decoded);
        self.sort(0, &mut MergedEvents::of(out), out);
    }

    /// Whether the answer is complete here, by its dialect.
    pub(super) fn may_end(&self) -> bool {
        self.decoder.may_end()
    }

    /// Ends decoding: the body is over.
    pub(crate) fn end(&mut self, out: &mut Vec<Event>) {
        self.decoder.end(&mut self.decoded);
        self.cover();
        self.masked.end(&mut self.covered);
        self.sort(0, &mut MergedEvents::of(out), out);
    }

    /// The tokens since the last call.
    pub(super) fn take_new_tokens(&mut self) -> NewTokens {
        std::mem::take(&mut self.new_tokens)
    }

    /// The fault, once too much came that is not part of the answer.
    pub(super) fn fault(&self) -> Option<Fault> {
        let much = if self.noise_events > MAX_NOISE_EVENTS {
            format!("more than {MAX_NOISE_EVENTS} keep-alives and the like")
        } else if self.noise_bytes > MAX_NOISE_BYTES {
            format!("more than {} MiB", MAX_NOISE_BYTES >> 20)
        } else {
            return None;
        };
        let message =
            format!("{much} came in a row without a piece of the answer: reading was stopped");
        Some(Fault::new(FaultClass::Protocol, Phase::Stream, message))
    }

    /// Counts the tokens of the decoded events, and masks their secrets.
    fn cover(&mut self) {
        for event in self.decoded.drain(..) {
            self.new_tokens.count(&event);
            self.masked.take(event, &mut self.covered);
        }
    }

    fn sort(&mut self, bytes: usize, merged: &mut MergedEvents, out: &mut Vec<Event>) {
        self.cover();
        self.noise_bytes += bytes;
        for mut event in self.covered.drain(..) {
            let counts = event.count();
            match self.budget.admit(&mut event) {
                Ok(()) if is_content(&event) => (self.noise_events, self.noise_bytes) = (0, 0),
                Ok(()) => self.noise_events += counts,
                Err((what, count)) => {
                    self.noise_events += counts;
                    event = Event::LeftOut { what, count };
                }
            }
            merged.put(event, out);
        }
    }
}

/// Appends events to those of earlier reads; keep-alives and left-out events are added up.
pub(crate) fn join(events: &mut Vec<Event>, more: Vec<Event>) {
    if events.is_empty() {
        *events = more;
        return;
    }
    let mut merged = MergedEvents::of(events);
    for event in more {
        merged.put(event, events);
    }
}

/// Whether an event is a piece of the answer.
fn is_content(event: &Event) -> bool {
    event.is_token() || matches!(event, Event::Opaque { .. } | Event::Finish(_))
}

/// Appends events to a list, and merges keep-alives and left-out events: it knows where in the list these are.
struct MergedEvents {
    keep_alives: Option<usize>,
    left_out: [Option<usize>; Surplus::ALL.len()],
}

impl MergedEvents {
    fn of(events: &[Event]) -> Self {
        let mut merged = Self {
            keep_alives: None,
            left_out: [None; Surplus::ALL.len()],
        };
        for (at, event) in events.iter().enumerate() {
            if let Some(place) = merged.place(event) {
                *place = Some(at);
            }
        }
        merged
    }

    fn place(&mut self, event: &Event) -> Option<&mut Option<usize>> {
        match event {
            Event::KeepAlive { .. } => Some(&mut self.keep_alives),
            Event::LeftOut { what, .. } => Some(&mut self.left_out[*what as usize]),
            _ => None,
        }
    }

    /// Appends an event, or adds its count to that of its kind.
    fn put(&mut self, event: Event, out: &mut Vec<Event>) {
        // A second empty piece in a row adds nothing.
        let empty =
            matches!(&event, Event::Text { text } | Event::Reasoning { text } if text.is_empty());
        if empty && out.last() == Some(&event) {
            return;
        }
        let next = out.len();
        let Some(place) = self.place(&event) else {
            return out.push(event);
        };
        let known = place.and_then(|at| out.get_mut(at));
        if let Some(Event::KeepAlive { count } | Event::LeftOut { count, .. }) = known {
            *count += event.count();
        } else {
            *place = Some(next);
            out.push(event);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{body::ResponseHead, dialect::DialectId, mask::Mask};

    fn bounded(dialect: DialectId) -> BoundedDecoder {
        let decoder = (dialect.dialect().decoder)(&ResponseHead::event_stream());
        BoundedDecoder::new(decoder, Mask::default().stream())
    }

    #[test]
    fn the_keep_alives_of_a_read_are_one_event() {
        let mut bounded = bounded(DialectId::OpenaiChat);
        let mut events = Vec::new();
        let text = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n";
        let flood = format!("{}{text}", ":\n".repeat(50_000));
        bounded.push(flood.as_bytes(), &mut events);
        bounded.push(flood.as_bytes(), &mut events);
        let text = |text: &str| Event::Text { text: text.into() };
        let kept = [Event::KeepAlive { count: 100_000 }, text("a"), text("a")];
        let decoded: Vec<Event> = events
            .into_iter()
            .filter(|e| !matches!(e, Event::Note(_)))
            .collect();
        assert_eq!(decoded, kept);
        assert_eq!(bounded.fault(), None);
    }

    #[test]
    fn noise_ends_by_its_number_and_by_its_bytes() {
        let mut pings = bounded(DialectId::Anthropic);
        let mut events = Vec::new();
        let ping = "event: ping\ndata: {\"type\":\"ping\"}\n\n".repeat(1_000);
        let mut sent = 0;
        while pings.fault().is_none() {
            pings.push(ping.as_bytes(), &mut events);
            sent += 1;
        }
        assert_eq!(sent, MAX_NOISE_EVENTS / 1_000 + 1);
        assert_eq!(events.len(), 1, "they are counted");
        let mut bytes = bounded(DialectId::OpenaiChat);
        bytes.noise_bytes = MAX_NOISE_BYTES - 10;
        bytes.push(b"data: {\"choices\":[]}\n\n", &mut events);
        let fault = bytes.fault().unwrap();
        assert!(
            fault.message.starts_with("more than 128 MiB came"),
            "{fault}"
        );
    }
}

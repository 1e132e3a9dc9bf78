//! Decodes a response on the side, while its bytes are passed on as they are.
//!
//! In: the steps of an exchange without a decoder. Out: the same steps with their events. What is wrong with the
//! answer is told in events and stops nothing.

use super::{
    ExchangeChunk, ExchangeEnd, ExchangeStep, PreparedExchange, bounded::BoundedDecoder,
    ending::EndReason, routes::NewDecoder, sending::decoder_head,
};
use crate::{
    event::{Event, FaultClass},
    mask::Mask,
};

/// Finds the events in the steps of an exchange whose body is passed on undecoded.
pub struct ResponseObserver {
    new_decoder: NewDecoder,
    mask: Mask,
    status: u16,
    /// `None` before the head.
    decoder: Option<BoundedDecoder>,
    /// Whether the body has begun.
    began: bool,
    /// Whether the dialect's end mark came.
    is_done: bool,
}

impl std::fmt::Debug for ResponseObserver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResponseObserver").finish_non_exhaustive()
    }
}

impl PreparedExchange {
    /// An observer of its response. The exchange itself must have no decoder.
    #[must_use]
    pub fn observer(&self, new_decoder: NewDecoder) -> ResponseObserver {
        ResponseObserver {
            new_decoder,
            mask: self.mask(),
            status: 0,
            decoder: None,
            began: false,
            is_done: false,
        }
    }
}

impl ResponseObserver {
    /// The step with its events.
    #[must_use]
    pub fn decoded(&mut self, step: ExchangeStep) -> ExchangeStep {
        match step {
            ExchangeStep::Connected(connecting) => ExchangeStep::Connected(connecting),
            ExchangeStep::Head(head) => {
                let decoder = (self.new_decoder)(&decoder_head(head.status, &head.headers, None));
                self.decoder = Some(BoundedDecoder::new(decoder, self.mask.stream()));
                self.status = head.status;
                ExchangeStep::Head(head)
            }
            ExchangeStep::ExchangeChunk(chunk) => ExchangeStep::ExchangeChunk(self.chunk(chunk)),
            ExchangeStep::ExchangeEnd(end) => ExchangeStep::ExchangeEnd(self.end(*end).into()),
        }
    }

    /// A body with every secret of the call covered: a server that refuses a key may repeat it.
    #[must_use]
    pub fn covered(&self, body: Vec<u8>) -> Vec<u8> {
        let Ok(before) = str::from_utf8(&body) else {
            return body;
        };
        let mut after = before.to_owned();
        self.mask.text(&mut after);
        after.into_bytes()
    }

    fn chunk(&mut self, mut chunk: ExchangeChunk) -> ExchangeChunk {
        self.began = true;
        if let Some(decoder) = &mut self.decoder {
            decoder.push(&chunk.bytes, &mut chunk.events);
            chunk.new_tokens = decoder.take_new_tokens();
            self.is_done |= chunk.events.contains(&Event::Done);
        }
        chunk
    }

    fn end(&mut self, end: ExchangeEnd) -> ExchangeEnd {
        let Some(mut decoder) = self.decoder.take() else {
            return end;
        };
        // Who leaves after the end mark has had the whole answer.
        let fault = end
            .fault()
            .filter(|fault| !(self.is_done && fault.class == FaultClass::Cancelled));
        let fault = fault.cloned();
        let mut events = end.events;
        events.retain(|event| !matches!(event, Event::Fault(_)));
        events.extend(EndReason::of_undecoded(fault).events(self.began, Some(&mut decoder)));
        for event in &mut events {
            self.mask.event(event);
            if let Event::Fault(fault) = event {
                fault.status = fault.status.or(Some(self.status));
            }
        }
        ExchangeEnd {
            events,
            new_tokens: decoder.take_new_tokens(),
            connecting: end.connecting,
        }
    }
}

//! Decodes a capture by the decoder of its protocol, as a live run is decoded.

use super::Capture;
use crate::{
    event::{Event, Fault},
    exchange::{BoundedDecoder, decoder_head},
    mask::Mask,
};

/// Decodes the body of a capture; however it is fed, the events are the same.
pub struct CaptureDecoder<'a> {
    capture: &'a Capture,
    /// `None` without a response.
    decoder: Option<BoundedDecoder>,
    has_fault: bool,
}

impl std::fmt::Debug for CaptureDecoder<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CaptureDecoder").finish_non_exhaustive()
    }
}

impl<'a> CaptureDecoder<'a> {
    /// A decoder that has seen the head of the response.
    #[must_use]
    pub fn new(capture: &'a Capture) -> Self {
        let dialect = capture.run.dialect.dialect();
        let decoder = capture.response.as_ref().map(|response| {
            let headers = response.headers.to_map();
            let choices = Some(capture.run.choices);
            let head = decoder_head(response.status, &headers, choices);
            BoundedDecoder::new((dialect.decoder)(&head), Mask::default().stream())
        });
        Self {
            capture,
            decoder,
            has_fault: false,
        }
    }

    /// The events that the next bytes complete.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<Event> {
        let mut events = Vec::new();
        if let Some(decoder) = &mut self.decoder {
            decoder.push(bytes, &mut events);
        }
        self.has_fault |= events.iter().any(|event| event.fault().is_some());
        events
    }

    /// The events that only the end makes known: those of the trailers, and the fault of the run, which a body that
    /// broke off does not tell by itself.
    pub fn end(&mut self) -> Vec<Event> {
        let mut events = self.end_of_body();
        let own = events.iter().find_map(Event::fault);
        match self.fault_at_end(own) {
            Some(fault) => {
                events.retain(|event| event.fault().is_none());
                events.push(Event::Fault(fault));
            }
            None if self.is_cut() => events.retain(|event| event.fault().is_none()),
            None => {}
        }
        events
    }

    /// The fault that the body of a capture tells by itself, whatever became of its run.
    pub(super) fn told_by_body(capture: &Capture) -> Option<Fault> {
        let response = capture.response.as_ref()?;
        let mut decoder = CaptureDecoder::new(capture);
        let first = |events: Vec<Event>| events.iter().find_map(Event::fault).cloned();
        let of_read = |(_, bytes)| first(decoder.push(bytes));
        let early = response.pieces().find_map(of_read);
        early.or_else(|| first(decoder.end_of_body()))
    }

    /// The events that the trailers and the end of the body make known.
    fn end_of_body(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        let response = self.capture.response.as_ref();
        if let (Some(mut decoder), Some(response)) = (self.decoder.take(), response) {
            // A server that has nothing but trailers to say sends them as its head.
            let trailers = if response.body.total == 0 && response.trailers.is_empty() {
                &response.headers
            } else {
                &response.trailers
            };
            decoder.trailers(&trailers.to_map(), &mut events);
            decoder.end(&mut events);
        }
        events
    }

    /// The fault of the run, unless the decoder told one that says the same.
    fn fault_at_end(&self, own: Option<&Fault>) -> Option<Fault> {
        let of_run = self.capture.fault.as_ref().filter(|_| !self.has_fault)?;
        (own != Some(of_run)).then(|| of_run.clone())
    }

    /// Whether a part of the body is not here.
    fn is_cut(&self) -> bool {
        let response = self.capture.response.as_ref();
        response.is_some_and(|response| response.body.missing().is_some())
    }
}

//! A capture as the updates of its run, for a replay.

use std::sync::Arc;

use super::{Capture, CaptureDecoder, CapturedRun};
use crate::{
    chat::ChatRequest,
    event::Event,
    exchange::NewTokens,
    run::{ConnectionKind, OffsetNs, Read, RunHead, RunUpdate, Stamps},
};

/// The updates of a captured run, each with the time when it is due. Its body is decoded again by the decoder of its
/// protocol; its stamps are those of the capture.
#[derive(Debug)]
pub struct RunReplay<'a> {
    capture: &'a Capture,
    decoder: CaptureDecoder<'a>,
    next: ReplayStep,
}

#[derive(Clone, Copy, Debug)]
enum ReplayStep {
    Start,
    Head,
    Read(usize),
    Over,
}

impl<'a> RunReplay<'a> {
    /// A replay from the beginning.
    #[must_use]
    pub fn new(capture: &'a Capture) -> Self {
        Self {
            capture,
            decoder: CaptureDecoder::new(capture),
            next: ReplayStep::Start,
        }
    }

    fn head(&self) -> Option<(OffsetNs, RunUpdate)> {
        let response = self.capture.response.as_ref()?;
        let run = &self.capture.run;
        let stamps = Stamps {
            first_byte: None,
            first_event: None,
            first_token: None,
            first_token_delay: None,
            first_visible: None,
            last_token: None,
            closed: None,
            ..run.stamps.clone()
        };
        let at = stamps.headers.unwrap_or(0);
        let head = RunUpdate::Head {
            stamps: Box::new(stamps),
            connection: run.connection.unwrap_or(ConnectionKind::Cold),
            status: response.status,
            http_version: response.http_version.clone(),
        };
        Some((at, head))
    }

    fn read(&mut self, index: usize) -> Option<(OffsetNs, RunUpdate)> {
        let response = self.capture.response.as_ref()?;
        let (read, bytes) = response.read(index)?;
        let bytes = &response.body.bytes[bytes];
        let events = self.decoder.push(bytes);
        let mut new_tokens = NewTokens::default();
        for event in &events {
            new_tokens.count(event);
        }
        let count = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
        let measured = Read {
            at: read.at,
            delay: read.delay,
            is_at_most: read.is_at_most,
            bytes: count(bytes.len() as u64),
            events: count(events.iter().map(Event::count).sum()),
            tokens: new_tokens.tokens,
        };
        let read = RunUpdate::Read {
            read: measured,
            events,
        };
        Some((measured.at, read))
    }

    fn closed(&mut self) -> (OffsetNs, RunUpdate) {
        let stamps = Box::new(self.capture.run.stamps.clone());
        let at = stamps.closed.unwrap_or(0);
        let events = self.decoder.end();
        (at, RunUpdate::Closed { at, events, stamps })
    }
}

impl Iterator for RunReplay<'_> {
    type Item = (OffsetNs, RunUpdate);

    fn next(&mut self) -> Option<Self::Item> {
        if let ReplayStep::Start = self.next {
            self.next = ReplayStep::Head;
            let started_unix_ns = self.capture.run.stamps.started_unix_ns;
            return Some((0, RunUpdate::Started { started_unix_ns }));
        }
        if let ReplayStep::Head = self.next {
            self.next = ReplayStep::Read(0);
            if let Some(head) = self.head() {
                return Some(head);
            }
        }
        if let ReplayStep::Read(index) = self.next {
            self.next = ReplayStep::Read(index + 1);
            if let Some(read) = self.read(index) {
                return Some(read);
            }
            self.next = ReplayStep::Over;
            return Some(self.closed());
        }
        None
    }
}

impl CapturedRun {
    /// The head of the run. What was asked is not in it: that stands in the body of the request.
    #[must_use]
    pub fn head(&self, url: &str) -> RunHead {
        RunHead {
            id: self.id,
            target: self.target.clone(),
            dialect: self.dialect,
            route: self.route.clone(),
            url: url.to_owned(),
            simulated: self.simulated,
            origin: self.origin,
            attempt: self.attempt,
            request: Arc::new(ChatRequest {
                model: self.target.model.clone(),
                ..ChatRequest::default()
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tests as samples, *};
    use crate::run::Run;

    #[test]
    fn every_capture_folds_to_a_run_that_is_over() {
        for (name, capture) in samples::all() {
            let mut run = Run::new(capture.run.head(""));
            let mut last = 0;
            for (at, update) in RunReplay::new(&capture) {
                assert!(at >= last, "{name}");
                last = at;
                run.apply(&update)
                    .unwrap_or_else(|why| panic!("{name}: {why}"));
            }
            assert!(run.state.is_over(), "{name}: {}", run.state);
            assert_eq!(run.stamps, capture.run.stamps, "{name}");
            if capture.fault.is_some() {
                assert_eq!(run.answer.fault, capture.fault, "{name}");
            }
            let response = capture.response.as_ref();
            assert_eq!(
                run.reads.len(),
                response.map_or(0, |r| r.reads.len()),
                "{name}"
            );
        }
        let capture = samples::streamed();
        let mut run = Run::new(capture.run.head(""));
        RunReplay::new(&capture).for_each(|(_, update)| run.apply(&update).unwrap());
        assert_eq!(run.answer.text, "Hé中👩\u{202e}x");
        assert!(run.answer.done && run.answer.fault.is_none());
    }
}

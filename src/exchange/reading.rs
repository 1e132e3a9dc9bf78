//! The second half of an exchange: reads the body, with its time limits.

use std::pin::Pin;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use http::HeaderMap;

use super::{
    ExchangeChunk, ExchangeEnd, NewTokens, Stamp,
    bounded::BoundedDecoder,
    ending::EndReason,
    limits::{LimitKind, LimitTimer, LimitWatch},
};
use crate::{
    event::{Event, Fault, FaultClass, Note},
    transport,
};

type ChunkStream = Pin<Box<dyn Stream<Item = Result<transport::BodyChunk, Fault>> + Send>>;

impl ExchangeChunk {
    fn of_trailers(stamp: Stamp, trailers: Option<HeaderMap>) -> Self {
        Self {
            stamp,
            bytes: Bytes::new(),
            events: Vec::new(),
            new_tokens: NewTokens::default(),
            trailers: trailers.map(Box::new),
        }
    }
}

/// A response whose body is still coming.
pub(super) struct Reading {
    body: ChunkStream,
    /// `None` where the body is passed on undecoded.
    decoder: Option<BoundedDecoder>,
    watch: LimitWatch,
    timer: LimitTimer,
    /// Notes to report with the next read.
    notes: Vec<Event>,
    status: u16,
    /// Whether the body has begun.
    began: bool,
    /// Why reading ends, once that is decided.
    end_reason: Option<EndReason>,
}

impl Reading {
    pub(super) fn new(
        body: ChunkStream,
        decoder: Option<BoundedDecoder>,
        watch: LimitWatch,
        notes: Vec<Note>,
        status: u16,
    ) -> Self {
        Self {
            body,
            decoder,
            watch,
            timer: LimitTimer::default(),
            notes: notes.into_iter().map(Event::Note).collect(),
            status,
            began: false,
            end_reason: None,
        }
    }

    /// The next read, or why there is none.
    pub(super) async fn next(&mut self) -> Result<ExchangeChunk, EndReason> {
        if let Some(reason) = self.end_reason.take() {
            return Err(reason);
        }
        let (at, limit) = self.watch.next();
        let chunk = tokio::select! {
            biased;
            chunk = self.body.next() => chunk,
            () = self.timer.wait_until(at) => return Err(self.timeout_reason(limit)),
        };
        match chunk {
            None => Err(EndReason::Closed),
            Some(Err(fault)) => {
                let phase = self.watch.phase();
                Err(EndReason::Broke(Fault { phase, ..fault }))
            }
            Some(Ok(chunk)) => Ok(self.take(chunk)),
        }
    }

    /// Decodes a read. Trailers without events say nothing of the answer: no limit is moved by them.
    fn take(&mut self, chunk: transport::BodyChunk) -> ExchangeChunk {
        let mut events = std::mem::take(&mut self.notes);
        events.extend(chunk.note.map(Event::Note));
        let mut new_tokens = NewTokens::default();
        match &mut self.decoder {
            Some(decoder) => {
                decoder.push(&chunk.bytes, &mut events);
                if let Some(trailers) = &chunk.trailers {
                    decoder.trailers(trailers, &mut events);
                    if events.is_empty() {
                        return ExchangeChunk::of_trailers(chunk.stamp, chunk.trailers);
                    }
                }
                new_tokens = decoder.take_new_tokens();
                self.watch.record_read(chunk.stamp.at, new_tokens, &events);
                self.watch.record_may_end(chunk.stamp.at, decoder.may_end());
                if let Some(fault) = decoder.fault() {
                    self.end_reason = Some(self.noise_reason(fault));
                } else if events.iter().any(is_unreadable) {
                    // Nothing of what follows could be read.
                    self.end_reason = Some(EndReason::Closed);
                }
            }
            None => self.watch.record_bytes(chunk.stamp.at),
        }
        // While data is always ready, `select!` never polls the timer, so the total limit is checked here too.
        if self
            .watch
            .total
            .is_some_and(|total| chunk.stamp.at >= total)
        {
            self.end_reason.get_or_insert(self.watch.total_timeout());
        }
        self.began = true;
        ExchangeChunk {
            stamp: chunk.stamp,
            bytes: chunk.bytes,
            events,
            new_tokens,
            trailers: chunk.trailers.map(Box::new),
        }
    }

    fn timeout_reason(&self, limit: LimitKind) -> EndReason {
        match limit {
            _ if self.watch.is_whole() => EndReason::Lingered,
            LimitKind::ErrorBody => EndReason::Stalled,
            LimitKind::Total => self.watch.total_timeout(),
            LimitKind::FirstToken => self.watch.first_token_timeout(),
            LimitKind::Idle => self.watch.idle_timeout(),
        }
    }

    /// The reason when too many keep-alives came: a complete answer stays complete.
    fn noise_reason(&self, fault: Fault) -> EndReason {
        let phase = self.watch.phase();
        match self.watch.ended_at {
            Some(_) => EndReason::Lingered,
            None => EndReason::Fault(Fault { phase, ..fault }),
        }
    }

    /// The reason when it is stopped: a complete answer stays complete.
    pub(super) fn stopped(&self, class: FaultClass, why: &str) -> EndReason {
        match self.watch.ended_at {
            Some(_) => EndReason::Closed,
            None => EndReason::stopped(class, self.watch.phase(), why),
        }
    }

    /// The end of the exchange, given the reason.
    pub(super) fn end(mut self, reason: EndReason) -> ExchangeEnd {
        let mut events = self.notes;
        events.extend(reason.events(self.began, self.decoder.as_mut()));
        for event in &mut events {
            if let Event::Fault(fault) = event {
                fault.status = fault.status.or(Some(self.status));
            }
        }
        ExchangeEnd {
            events,
            new_tokens: self
                .decoder
                .map(|mut d| d.take_new_tokens())
                .unwrap_or_default(),
            connecting: None,
        }
    }
}

/// Whether an event says that the body does not follow its dialect.
fn is_unreadable(event: &Event) -> bool {
    event
        .fault()
        .is_some_and(|fault| fault.class == FaultClass::Protocol)
}

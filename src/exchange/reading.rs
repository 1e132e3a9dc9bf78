//! The second half of an exchange: the body, read by read, within its limits.

use std::pin::Pin;

use futures_util::{Stream, StreamExt as _};

use super::{
    Came, Chunk, End,
    bounded::Bounded,
    ending::Reason,
    limits::{Alarm, Limit, Watch},
};
use crate::{
    event::{Event, Fault, Note},
    transport,
};

type Body = Pin<Box<dyn Stream<Item = Result<transport::Chunk, Fault>> + Send>>;

/// A response whose body is still coming.
pub(super) struct Reading {
    body: Body,
    /// `None` where the body is passed on undecoded.
    decoder: Option<Bounded>,
    watch: Watch,
    alarm: Alarm,
    /// What is to be told with the next read.
    notes: Vec<Event>,
    status: u16,
    /// Whether a byte of the body came.
    began: bool,
    /// Why no more is read.
    ends: Option<Reason>,
}

impl Reading {
    pub(super) fn new(
        body: Body,
        decoder: Option<Bounded>,
        watch: Watch,
        notes: Vec<Note>,
        status: u16,
    ) -> Self {
        Self {
            body,
            decoder,
            watch,
            alarm: Alarm::default(),
            notes: notes.into_iter().map(Event::Note).collect(),
            status,
            began: false,
            ends: None,
        }
    }

    /// The next read; or why there is none.
    pub(super) async fn next(&mut self) -> Result<Chunk, Reason> {
        loop {
            if let Some(reason) = self.ends.take() {
                return Err(reason);
            }
            let (at, limit) = self.watch.next();
            let chunk = tokio::select! {
                biased;
                chunk = self.body.next() => chunk,
                () = self.alarm.wait_until(at) => return Err(self.out_of(limit)),
            };
            match chunk {
                None => return Err(Reason::Closed),
                Some(Err(fault)) => {
                    let phase = self.watch.phase();
                    return Err(Reason::Broke(Fault { phase, ..fault }));
                }
                Some(Ok(chunk)) => {
                    if let Some(chunk) = self.take(chunk) {
                        return Ok(chunk);
                    }
                }
            }
        }
    }

    /// Decodes a read; `None` for trailers that say nothing.
    fn take(&mut self, chunk: transport::Chunk) -> Option<Chunk> {
        let mut events = std::mem::take(&mut self.notes);
        events.extend(chunk.note.map(Event::Note));
        let mut came = Came::default();
        match &mut self.decoder {
            Some(decoder) => {
                decoder.push(&chunk.bytes, &mut events);
                if let Some(trailers) = &chunk.trailers {
                    decoder.trailers(trailers, &mut events);
                    if events.is_empty() {
                        return None;
                    }
                }
                came = decoder.came();
                self.watch.saw(chunk.stamp.at, came, &events);
                self.watch.may_end(chunk.stamp.at, decoder.may_end());
                if let Some(fault) = decoder.fault() {
                    self.ends = Some(self.out_of_noise(fault));
                }
            }
            None => self.watch.saw_bytes(chunk.stamp.at),
        }
        // Data that never stops coming would never let the timer be looked at.
        if self
            .watch
            .total
            .is_some_and(|total| chunk.stamp.at >= total)
        {
            self.ends.get_or_insert(self.watch.out_of_total());
        }
        self.began = true;
        Some(Chunk {
            stamp: chunk.stamp,
            bytes: chunk.bytes,
            events,
            came,
        })
    }

    fn out_of(&self, limit: Limit) -> Reason {
        match limit {
            _ if self.watch.is_whole() => Reason::Lingered,
            Limit::ErrorBody => Reason::Stalled,
            Limit::Total => self.watch.out_of_total(),
            Limit::FirstToken => self.watch.out_of_first_token(),
            Limit::Idle => self.watch.out_of_idle(),
        }
    }

    /// How it ends when nothing but noise came: an answer that is whole stays so.
    fn out_of_noise(&self, fault: Fault) -> Reason {
        let phase = self.watch.phase();
        match self.watch.over {
            Some(_) => Reason::Lingered,
            None => Reason::Fault(Fault { phase, ..fault }),
        }
    }

    /// How it ends when it is stopped: the same holds.
    pub(super) fn stopped(&self) -> Reason {
        match self.watch.over {
            Some(_) => Reason::Closed,
            None => Reason::stopped(self.watch.phase()),
        }
    }

    /// What is left to say, given why it ended.
    pub(super) fn end(mut self, reason: Reason) -> End {
        let mut events = self.notes;
        events.extend(reason.events(self.began, self.decoder.as_mut()));
        for event in &mut events {
            if let Event::Fault(fault) = event {
                fault.status = fault.status.or(Some(self.status));
            }
        }
        End {
            events,
            came: self.decoder.map(|mut d| d.came()).unwrap_or_default(),
            connecting: None,
        }
    }
}

//! The record of a live run: stamps each step of its exchange, folds and reports it.

use std::{
    fmt,
    time::{Duration, Instant},
};

use super::{
    ConnectionKind, OffsetNs, Run, RunHead, RunUpdate, Stamps, WirePart, recorder::Recorder,
    wire::PendingWire,
};
use crate::{
    credential::explained,
    event::{Event, Fault},
    exchange::{self, ExchangeChunk, ExchangeEnd, ExchangeStep, Head, NewTokens, Stamp},
    transport::{ConnectionLoss, TcpInfo, TcpLink},
};

/// The record of a live run: each step of its exchange is stamped, folded and reported here, in the same order.
pub struct RunRecord<'a> {
    recorder: Recorder,
    run: Run,
    unreported: UnreportedReads,
    wire: PendingWire,
    /// Reads the connection's `TCP_INFO`, once there is a connection.
    tcp: Option<TcpLink>,
    /// `TCP_INFO` when the first token was read.
    tcp_at_first: Option<TcpInfo>,
    /// Why no key was sent, if looking it up failed.
    no_key_reason: Option<String>,
    emit: Box<dyn FnMut(RunUpdate) + Send + 'a>,
}

impl fmt::Debug for RunRecord<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunRecord")
            .field("id", &self.run.head.id)
            .finish_non_exhaustive()
    }
}

impl<'a> RunRecord<'a> {
    /// Starts the clock of a run. Each of its updates is passed to `emit`. `no_key_reason` says why there is no key, if
    /// looking it up failed.
    pub fn begin(
        head: RunHead,
        no_key_reason: Option<String>,
        emit: impl FnMut(RunUpdate) + Send + 'a,
    ) -> Self {
        Self::begin_at(Recorder::start(), head, no_key_reason, emit)
    }

    /// As [`begin`](Self::begin), with a clock that was started before.
    pub fn begin_at(
        recorder: Recorder,
        head: RunHead,
        no_key_reason: Option<String>,
        emit: impl FnMut(RunUpdate) + Send + 'a,
    ) -> Self {
        let mut record = Self {
            recorder,
            run: Run::new(head),
            unreported: UnreportedReads::default(),
            wire: PendingWire::default(),
            tcp: None,
            tcp_at_first: None,
            no_key_reason,
            emit: Box::new(emit),
        };
        let started_unix_ns = record.recorder.started_unix_ns();
        record.report(RunUpdate::Started { started_unix_ns });
        record
    }

    /// Offset 0 of its stamps.
    #[must_use]
    pub fn started(&self) -> Instant {
        self.recorder.started()
    }

    /// The run so far.
    #[must_use]
    pub fn run(&self) -> &Run {
        &self.run
    }

    /// The run; it is over if the end of its exchange was recorded.
    #[must_use]
    pub fn into_run(self) -> Run {
        self.run
    }

    /// Records a step.
    pub fn step(&mut self, step: ExchangeStep) {
        match step {
            // The head carries the phases, too.
            ExchangeStep::Connected(connecting) => self.wire.request(connecting.request.as_ref()),
            ExchangeStep::Head(head) => self.head(*head),
            ExchangeStep::ExchangeChunk(chunk) => self.read(chunk),
            ExchangeStep::ExchangeEnd(end) => self.close(*end),
        }
    }

    fn report(&mut self, update: RunUpdate) {
        if let Err(error) = self.run.apply(&update) {
            // The order of reports makes this impossible; dropping an update is better than a wrong record.
            tracing::error!(%error, "an update was dropped");
            return;
        }
        (self.emit)(update);
    }

    fn report_wire(&mut self, part: Option<WirePart>) {
        if let Some(part) = part {
            self.report(RunUpdate::Wire(part.into()));
        }
    }

    fn head(&mut self, head: Head) {
        let mut stamps = self.run.stamps.clone();
        self.recorder.head(&mut stamps, &head);
        self.tcp = Some(head.tcp.clone());
        let connection = if head.phases.cold {
            ConnectionKind::Cold
        } else {
            ConnectionKind::Warm
        };
        self.report(RunUpdate::Head {
            stamps: Box::new(stamps),
            connection,
            status: head.status,
            http_version: head.version.clone(),
        });
        self.wire.head(head);
        let part = self.wire.take();
        self.report_wire(part);
    }

    /// Reports a read with its events; a read without new content may be merged into a later one.
    fn read(&mut self, mut chunk: ExchangeChunk) {
        self.explain(&mut chunk.events);
        let (arrived, delay) = self.recorder.arrival(chunk.stamp);
        let is_read = !(chunk.trailers.is_some() && chunk.events.is_empty());
        self.wire.chunk(&mut chunk, arrived, delay);
        let at = chunk.stamp.at;
        if is_read {
            self.measure(chunk);
        }
        let part = self.wire.due(at);
        self.report_wire(part);
    }

    fn measure(&mut self, chunk: ExchangeChunk) {
        let unreported = &mut self.unreported;
        unreported.bytes += chunk.bytes.len();
        exchange::join(&mut unreported.events, chunk.events);
        if chunk.new_tokens == NewTokens::default()
            && unreported.may_wait(chunk.stamp, &self.run.stamps)
        {
            unreported.last = Some(chunk.stamp);
        } else {
            self.report_read(chunk.stamp, chunk.new_tokens);
        }
    }

    fn report_read(&mut self, stamp: Stamp, new_tokens: NewTokens) {
        let unreported = UnreportedReads {
            reported_at: Some(stamp),
            ..UnreportedReads::default()
        };
        let UnreportedReads { bytes, events, .. } =
            std::mem::replace(&mut self.unreported, unreported);
        let read = self.recorder.read(stamp, bytes, new_tokens, &events);
        let is_first = read.tokens > 0 && self.run.stamps.first_token.is_none();
        self.report(RunUpdate::Read { read, events });
        if is_first {
            self.tcp_at_first = self.tcp.as_ref().and_then(TcpLink::info);
        }
    }

    /// What the wire log has not yet, with a request that was not answered.
    fn report_rest_of_wire(&mut self, end: &mut ExchangeEnd) {
        if let Some(connecting) = &mut end.connecting {
            self.wire.request(connecting.request.as_ref());
            if let Some(refused) = connecting.refused.take() {
                self.wire.head(*refused);
            }
        }
        let part = self.wire.take();
        self.report_wire(part);
    }

    /// Adds to a fault why no key was sent.
    fn explain(&mut self, events: &mut [Event]) {
        for event in events {
            if let Event::Fault(fault) = event {
                let no_key_reason = self.no_key_reason.take();
                *fault = explained(fault.clone(), no_key_reason.as_deref());
            }
        }
    }

    fn close(&mut self, mut end: ExchangeEnd) {
        // Reads that were not reported yet.
        if let Some(stamp) = self.unreported.last {
            self.report_read(stamp, NewTokens::default());
        }
        self.explain(&mut end.events);
        let mut stamps = self.run.stamps.clone();
        if let Some(connecting) = &end.connecting {
            let sent = connecting.request_sent;
            (self.recorder).connect(&mut stamps, &connecting.phases, sent);
            self.recorder.failed_on(&mut stamps, &connecting.connection);
            self.tcp.clone_from(&connecting.connection.tcp);
        }
        self.report_rest_of_wire(&mut end);
        let at = self.recorder.close(&mut stamps, end.new_tokens);
        if let Some(tcp) = &self.tcp {
            self.recorder.acknowledged(&mut stamps, tcp, OffsetNs::MAX);
        }
        if let Some(link) = &mut stamps.link {
            link.first_token = self.tcp_at_first;
            link.end = self.tcp.as_ref().and_then(TcpLink::info);
            link.lost = (self.tcp.as_ref()).and_then(|tcp| loss(tcp, end.fault()));
        }
        self.report(RunUpdate::Closed {
            at,
            events: end.events,
            stamps: Box::new(stamps),
        });
    }
}

/// How the connection of a run was lost. One whose request was given up without an acknowledgement is half open, as far
/// as is known.
fn loss(tcp: &TcpLink, fault: Option<&Fault>) -> Option<ConnectionLoss> {
    let half_open = || {
        let is_given_up = fault.is_some() && tcp.is_unacknowledged();
        is_given_up.then_some(ConnectionLoss::HalfOpen)
    };
    tcp.lost().or_else(half_open)
}

/// Reads that were not reported yet, because they held only keep-alives or no complete event.
#[derive(Default)]
struct UnreportedReads {
    bytes: usize,
    events: Vec<Event>,
    /// When the last of them came.
    last: Option<Stamp>,
    /// When the last reported read came.
    reported_at: Option<Stamp>,
}

impl UnreportedReads {
    /// How long after a report such reads may be held back.
    const SPAN: Duration = Duration::from_millis(100);

    /// Whether a read can be merged into a later one: it sets no stamp, and the last report was just now.
    fn may_wait(&self, stamp: Stamp, stamps: &Stamps) -> bool {
        let counts =
            |event: &Event| matches!(event, Event::KeepAlive { .. } | Event::LeftOut { .. });
        let makes_stamp = stamps.first_byte.is_none()
            || (stamps.first_event.is_none() && !self.events.is_empty());
        let since = |reported_at: Stamp| stamp.at.saturating_duration_since(reported_at.at);
        let just_reported = self
            .reported_at
            .is_some_and(|reported_at| since(reported_at) < Self::SPAN);
        just_reported && !makes_stamp && self.events.iter().all(counts)
    }
}

//! Executes one run: pulls its exchange, stamps, folds and reports.

use std::{pin::pin, time::Duration};

use tokio_util::sync::CancellationToken;

use super::{Backlog, ConnectionKind, Run, RunSpec, RunUpdate, Stamps, recorder::Recorder};
use crate::{
    clock::wait_until,
    credential::explained,
    dialect::Dialect,
    event::Event,
    exchange::{
        self, EndpointRequest, Exchange, ExchangeChunk, ExchangeEnd, ExchangeStep, Head, NewTokens,
        PreparedExchange, Stamp,
    },
    transport::{TcpInfo, TcpLink, Transport},
};

/// Executes one run: sends the request, stamps and decodes the response, passes each update to `emit`, and returns
/// the run, which is the fold of the updates. `cancel` closes the socket at once.
pub async fn execute(
    transport: &Transport,
    spec: RunSpec,
    cancel: CancellationToken,
    emit: &mut (dyn FnMut(RunUpdate) + Send),
) -> Run {
    let dialect = spec.endpoint.dialect.dialect();
    execute_in(dialect, transport, spec, cancel, emit).await
}

/// As [`execute`], in any dialect.
pub async fn execute_in(
    dialect: &Dialect,
    transport: &Transport,
    spec: RunSpec,
    cancel: CancellationToken,
    emit: &mut (dyn FnMut(RunUpdate) + Send),
) -> Run {
    let nothing_waits = Backlog::default();
    execute_paced(dialect, transport, spec, cancel, emit, &nothing_waits).await
}

/// As [`execute_in`], but pauses reading while `backlog` is full of updates that `emit` has queued.
pub async fn execute_paced(
    dialect: &Dialect,
    transport: &Transport,
    spec: RunSpec,
    cancel: CancellationToken,
    emit: &mut (dyn FnMut(RunUpdate) + Send),
    backlog: &Backlog,
) -> Run {
    let question = EndpointRequest {
        dialect,
        endpoint: &spec.endpoint,
        request: &spec.head.request,
        key: spec.key.as_ref(),
        proxy_password: spec.proxy_password.as_ref(),
        cold: spec.cold,
    };
    let prepared = PreparedExchange::chat(transport, question).await;
    let mut record = LiveRecord {
        recorder: Recorder::start(),
        run: Run::new(spec.head),
        unreported: UnreportedReads::default(),
        tcp: None,
        tcp_at_first: None,
        no_key_reason: spec.no_key_reason,
        emit,
    };
    record.started();
    let end = match prepared {
        Ok(prepared) => {
            let exchange = prepared.begin(record.recorder.started());
            pull(exchange, &cancel, backlog, &mut record).await
        }
        Err(fault) => ExchangeEnd {
            events: vec![Event::Fault(fault)],
            ..ExchangeEnd::default()
        },
    };
    record.close(end);
    record.run
}

/// Pulls an exchange to its end. It is closed when this returns and drops it.
async fn pull(
    mut exchange: Exchange,
    cancel: &CancellationToken,
    backlog: &Backlog,
    record: &mut LiveRecord<'_>,
) -> ExchangeEnd {
    let mut cancelled = pin!(cancel.cancelled());
    loop {
        let step = tokio::select! {
            biased;
            () = &mut cancelled => return exchange.stop(),
            step = next(&mut exchange, backlog) => step,
        };
        match step {
            // The head carries the phases, too.
            ExchangeStep::Connected(_) => {}
            ExchangeStep::Head(head) => record.head(&head),
            ExchangeStep::ExchangeChunk(chunk) => record.read(chunk),
            ExchangeStep::ExchangeEnd(end) => return end,
        }
    }
}

/// The next step, once the backlog has room, but no later than the total limit.
async fn next(exchange: &mut Exchange, backlog: &Backlog) -> ExchangeStep {
    if backlog.is_full() {
        let total = exchange.total();
        tokio::select! {
            biased;
            () = backlog.room() => {}
            () = wait_until(total) => {}
        }
    }
    exchange.next().await
}

/// The record of a live run: every update is folded here and reported, in the same order.
struct LiveRecord<'a> {
    recorder: Recorder,
    run: Run,
    unreported: UnreportedReads,
    /// Reads the connection's `TCP_INFO`, once there is a connection.
    tcp: Option<TcpLink>,
    /// `TCP_INFO` when the first token was read.
    tcp_at_first: Option<TcpInfo>,
    /// Why no key was sent, if looking it up failed.
    no_key_reason: Option<String>,
    emit: &'a mut (dyn FnMut(RunUpdate) + Send),
}

impl LiveRecord<'_> {
    fn report(&mut self, update: RunUpdate) {
        if let Err(error) = self.run.apply(&update) {
            // The order of reports makes this impossible; dropping an update is better than a wrong record.
            tracing::error!(%error, "an update was dropped");
            return;
        }
        (self.emit)(update);
    }

    fn started(&mut self) {
        let started_unix_ns = self.recorder.started_unix_ns();
        self.report(RunUpdate::Started { started_unix_ns });
    }

    fn head(&mut self, head: &Head) {
        let mut stamps = self.run.stamps.clone();
        self.recorder.head(&mut stamps, head);
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
    }

    /// Reports a read with its events; a read without new content may be merged into a later one.
    fn read(&mut self, mut chunk: ExchangeChunk) {
        self.explain(&mut chunk.events);
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
        }
        let at = self.recorder.close(&mut stamps, end.new_tokens);
        if let Some(link) = &mut stamps.link {
            link.first_token = self.tcp_at_first;
            link.end = self.tcp.as_ref().and_then(TcpLink::info);
        }
        self.report(RunUpdate::Closed {
            at,
            events: end.events,
            stamps: Box::new(stamps),
        });
    }
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

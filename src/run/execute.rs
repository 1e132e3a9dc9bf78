//! Doing one run: pull its exchange, stamp, fold, report.

use std::{pin::pin, time::Duration};

use tokio_util::sync::CancellationToken;

use super::{Ask, Backlog, Connection, Run, RunUpdate, Stamps, recorder::Recorder};
use crate::{
    clock::wait_until,
    credential::explained,
    dialect::Dialect,
    event::Event,
    exchange::{self, Came, Chunk, End, Exchange, Head, Prepared, Question, Stamp, Step},
    transport::{TcpInfo, TcpLink, Transport},
};

/// Does one run: sends it, stamps and decodes what comes, reports each step to `emit`, and gives
/// back the whole record. `cancel` closes the socket at once. The record is the fold of the updates.
pub async fn execute(
    transport: &Transport,
    ask: Ask,
    cancel: CancellationToken,
    emit: &mut (dyn FnMut(RunUpdate) + Send),
) -> Run {
    let dialect = ask.endpoint.dialect.dialect();
    execute_in(dialect, transport, ask, cancel, emit).await
}

/// As [`execute`], in any dialect.
pub async fn execute_in(
    dialect: &Dialect,
    transport: &Transport,
    ask: Ask,
    cancel: CancellationToken,
    emit: &mut (dyn FnMut(RunUpdate) + Send),
) -> Run {
    let nothing_waits = Backlog::default();
    execute_paced(dialect, transport, ask, cancel, emit, &nothing_waits).await
}

/// As [`execute_in`], reading on only while `backlog` has room: what `emit` was given may wait there.
pub async fn execute_paced(
    dialect: &Dialect,
    transport: &Transport,
    ask: Ask,
    cancel: CancellationToken,
    emit: &mut (dyn FnMut(RunUpdate) + Send),
    backlog: &Backlog,
) -> Run {
    let question = Question {
        dialect,
        endpoint: &ask.endpoint,
        request: &ask.head.request,
        key: ask.key.as_ref(),
        proxy_password: ask.proxy_password.as_ref(),
        cold: ask.cold,
    };
    let prepared = Prepared::chat(transport, question).await;
    let mut record = Record {
        recorder: Recorder::start(),
        run: Run::new(ask.head),
        quiet: Quiet::default(),
        tcp: None,
        tcp_at_first: None,
        lack: ask.lack,
        emit,
    };
    record.started();
    let end = match prepared {
        Ok(prepared) => {
            let exchange = prepared.begin(record.recorder.started());
            pull(exchange, &cancel, backlog, &mut record).await
        }
        Err(fault) => End {
            events: vec![Event::Fault(fault)],
            ..End::default()
        },
    };
    record.close(end);
    record.run
}

/// Pulls an exchange to its end. Dropping it when this returns closes it.
async fn pull(
    mut exchange: Exchange,
    cancel: &CancellationToken,
    backlog: &Backlog,
    record: &mut Record<'_>,
) -> End {
    let mut cancelled = pin!(cancel.cancelled());
    loop {
        let step = tokio::select! {
            biased;
            () = &mut cancelled => return exchange.stop(),
            step = next(&mut exchange, backlog) => step,
        };
        match step {
            // The head brings the phases again.
            Step::Connected(_) => {}
            Step::Head(head) => record.head(&head),
            Step::Chunk(chunk) => record.read(chunk),
            Step::End(end) => return end,
        }
    }
}

/// The next step, once there is room for it; an exchange that has to be over does not wait for any.
async fn next(exchange: &mut Exchange, backlog: &Backlog) -> Step {
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

/// The run's record while it goes: everything is folded here and reported, in the same order.
struct Record<'a> {
    recorder: Recorder,
    run: Run,
    quiet: Quiet,
    /// Shows how the connection does, once there is one.
    tcp: Option<TcpLink>,
    /// How it did when the first token was read.
    tcp_at_first: Option<TcpInfo>,
    /// Why no key was sent, if something failed.
    lack: Option<String>,
    emit: &'a mut (dyn FnMut(RunUpdate) + Send),
}

impl Record<'_> {
    fn report(&mut self, update: RunUpdate) {
        if let Err(error) = self.run.apply(&update) {
            // The order of reports below makes this impossible; a wrong record would be worse.
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
            Connection::Cold
        } else {
            Connection::Warm
        };
        self.report(RunUpdate::Head {
            stamps: Box::new(stamps),
            connection,
            status: head.status,
            http_version: head.version.clone(),
        });
    }

    /// Reports a read with its events; one that says nothing new is told with a later one.
    fn read(&mut self, mut chunk: Chunk) {
        self.explain(&mut chunk.events);
        let quiet = &mut self.quiet;
        quiet.bytes += chunk.bytes.len();
        exchange::join(&mut quiet.events, chunk.events);
        if chunk.came == Came::default() && quiet.may_wait(chunk.stamp, &self.run.stamps) {
            quiet.last = Some(chunk.stamp);
        } else {
            self.report_read(chunk.stamp, chunk.came);
        }
    }

    fn report_read(&mut self, stamp: Stamp, came: Came) {
        let quiet = Quiet {
            told: Some(stamp),
            ..Quiet::default()
        };
        let Quiet { bytes, events, .. } = std::mem::replace(&mut self.quiet, quiet);
        let read = self.recorder.read(stamp, bytes, came, &events);
        let is_first = read.tokens > 0 && self.run.stamps.first_token.is_none();
        self.report(RunUpdate::Read { read, events });
        if is_first {
            self.tcp_at_first = self.tcp.as_ref().and_then(TcpLink::info);
        }
    }

    /// Says why no key was sent, in a fault that may come of it.
    fn explain(&mut self, events: &mut [Event]) {
        for event in events {
            if let Event::Fault(fault) = event {
                let lack = self.lack.take();
                *fault = explained(fault.clone(), lack.as_deref());
            }
        }
    }

    fn close(&mut self, mut end: End) {
        // What still waits to be told.
        if let Some(stamp) = self.quiet.last {
            self.report_read(stamp, Came::default());
        }
        self.explain(&mut end.events);
        let mut stamps = self.run.stamps.clone();
        if let Some(connecting) = &end.connecting {
            let sent = connecting.request_sent;
            (self.recorder).connect(&mut stamps, &connecting.phases, sent);
        }
        let at = self.recorder.close(&mut stamps, end.came);
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

/// Reads that were not reported yet: they held nothing but keep-alives, or no whole event at all.
#[derive(Default)]
struct Quiet {
    bytes: usize,
    events: Vec<Event>,
    /// When the last of them came.
    last: Option<Stamp>,
    /// When the read came that was reported last.
    told: Option<Stamp>,
}

impl Quiet {
    /// How long after a report such reads wait for the next.
    const SPAN: Duration = Duration::from_millis(100);

    /// Whether a read can be told with a later one: it makes no stamp, and the last was told just now.
    fn may_wait(&self, stamp: Stamp, stamps: &Stamps) -> bool {
        let counts =
            |event: &Event| matches!(event, Event::KeepAlive { .. } | Event::LeftOut { .. });
        let makes_stamp = stamps.first_byte.is_none()
            || (stamps.first_event.is_none() && !self.events.is_empty());
        let since = |told: Stamp| stamp.at.saturating_duration_since(told.at);
        let just_told = self.told.is_some_and(|told| since(told) < Self::SPAN);
        just_told && !makes_stamp && self.events.iter().all(counts)
    }
}

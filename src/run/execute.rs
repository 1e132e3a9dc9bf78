//! Doing one run: send, stamp, decode, report.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::StreamExt as _;
use http::header;
use tokio_util::sync::CancellationToken;

use super::{
    Ask, Backlog, Connection, Run, RunUpdate,
    bounded::Bounded,
    watch::{Limit, Watch},
    ways::{Way, Ways},
};
use crate::{
    body::ResponseHead,
    clock::{deadline, wait_until},
    credential::explained,
    dialect::Dialect,
    event::{About, Event, Fault, FaultClass, Note, Phase},
    exchange::retry_after::wait_ms,
    mask::Mask,
    run::{
        Stamps,
        recorder::{Came, Recorder},
    },
    transport::{Chunk, HttpResponse, Timeouts, Trace, Transport, limit_text},
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
    let limits = ask.endpoint.connect.timeouts;
    let prepared = Ways::prepare(dialect, transport, &ask).await;
    let mut record = Record {
        recorder: Recorder::start(),
        run: Run::new(ask.head),
        notes: Vec::new(),
        quiet: Quiet::default(),
        mask: Mask::default(),
        lack: ask.lack,
        emit,
    };
    record.started();
    let going = Going {
        limits,
        cancel,
        backlog,
    };
    let (end, decoder) = match prepared {
        Ok(ways) => going.on(ways, &mut record).await,
        Err(fault) => (End::Fault(fault), None),
    };
    record.close(end, decoder);
    record.run
}

/// How a run ended, before the decoder's last word.
enum End {
    /// The body was over.
    Closed,
    /// The dialect's own end had come, yet the connection stayed open.
    Lingered,
    /// The body of an error did not come to its end.
    Stalled,
    /// The body broke off.
    Broke(Fault),
    /// It failed or was stopped, for this reason and no other.
    Fault(Fault),
}

/// The run's record while it goes: everything is folded here and reported, in the same order.
struct Record<'a> {
    recorder: Recorder,
    run: Run,
    /// What is to be noted with the answer.
    notes: Vec<Note>,
    quiet: Quiet,
    /// Covers the secrets of the call in all that is reported.
    mask: Mask,
    /// Why no key was sent, if something failed.
    lack: Option<String>,
    emit: &'a mut (dyn FnMut(RunUpdate) + Send),
}

impl Record<'_> {
    fn report(&mut self, mut update: RunUpdate) {
        for event in update.events_mut() {
            if let Event::Fault(fault) = event {
                *fault = explained(fault.clone(), self.lack.take().as_deref());
            }
            self.mask.event(event);
        }
        if let Err(error) = self.run.apply(&update) {
            // The order of reports below makes this impossible; a wrong record would be worse.
            tracing::error!(%error, "an update was dropped");
            return;
        }
        (self.emit)(update);
    }

    fn started(&mut self) {
        let started_unix_ns = self.recorder.stamps().started_unix_ns;
        self.report(RunUpdate::Started { started_unix_ns });
    }

    fn head(&mut self, response: &HttpResponse) {
        self.recorder.head(response);
        let connection = if response.phases.cold {
            Connection::Cold
        } else {
            Connection::Warm
        };
        self.report(RunUpdate::Head {
            stamps: Box::new(self.recorder.stamps().clone()),
            connection,
            status: response.status,
            http_version: response.version.clone(),
        });
    }

    /// Reports a read with its events; one that says nothing new is told with a later one.
    fn read(&mut self, chunk: &Chunk, came: Came, events: &mut Vec<Event>) {
        self.quiet.bytes += chunk.bytes.len();
        let stamps = self.recorder.stamps();
        if came == Came::default() && self.quiet.may_wait(chunk.at, events, stamps) {
            self.quiet.last = Some(chunk.at);
        } else {
            self.report_read(chunk.at, came, std::mem::take(events));
        }
    }

    fn report_read(&mut self, at: Instant, came: Came, events: Vec<Event>) {
        let told = Some(at);
        let waited = std::mem::replace(
            &mut self.quiet,
            Quiet {
                told,
                ..Quiet::default()
            },
        );
        let read = self.recorder.read(at, waited.bytes, came, &events);
        self.report(RunUpdate::Read { read, events });
    }

    /// Reports what still waits to be told.
    fn end_quiet(&mut self, events: Vec<Event>) {
        if let Some(at) = self.quiet.last {
            self.report_read(at, Came::default(), events);
        }
    }

    fn close(&mut self, end: End, mut decoder: Option<Bounded>) {
        let began = self.recorder.stamps().first_byte.is_some();
        let mut events = last_events(end, began, decoder.as_mut());
        for event in &mut events {
            if let Event::Fault(fault) = event {
                fault.status = fault.status.or(self.run.status);
            }
        }
        let came = decoder
            .map(|mut decoder| decoder.came())
            .unwrap_or_default();
        let at = self.recorder.close(came);
        self.report(RunUpdate::Closed {
            at,
            events,
            stamps: Box::new(self.recorder.stamps().clone()),
        });
    }
}

/// Reads that were not reported yet: they held nothing but keep-alives, or no whole event at all.
#[derive(Default)]
struct Quiet {
    bytes: usize,
    /// When the last of them came.
    last: Option<Instant>,
    /// When a read was reported last.
    told: Option<Instant>,
}

impl Quiet {
    /// How long after a report such reads wait for the next.
    const SPAN: Duration = Duration::from_millis(100);

    /// Whether a read can be told with a later one: it makes no stamp, and the last was told just now.
    fn may_wait(&self, at: Instant, events: &[Event], stamps: &Stamps) -> bool {
        let counts =
            |event: &Event| matches!(event, Event::KeepAlive { .. } | Event::LeftOut { .. });
        let makes_stamp =
            stamps.first_byte.is_none() || (stamps.first_event.is_none() && !events.is_empty());
        let just_told =
            (self.told).is_some_and(|told| at.saturating_duration_since(told) < Self::SPAN);
        just_told && !makes_stamp && events.iter().all(counts)
    }
}

/// The events that only the end makes known.
fn last_events(end: End, began: bool, decoder: Option<&mut Bounded>) -> Vec<Event> {
    let mut events = Vec::new();
    if let Some(decoder) = decoder {
        decoder.end(&mut events);
    }
    match end {
        End::Closed => {}
        End::Lingered => {
            let text = "the connection stayed open after the answer's end";
            Note::tell(About::Aside, text, &mut events);
        }
        End::Stalled => {
            let text = "the rest of the error's body did not come";
            Note::tell(About::Aside, text, &mut events);
        }
        End::Broke(fault) => explain_break(fault, began, &mut events),
        End::Fault(fault) => {
            // What was half read is kept; that the end was missing is no news here.
            events.retain(|event| !matches!(event, Event::Fault(_)));
            events.push(Event::Fault(fault));
        }
    }
    events
}

/// A body that broke off: the dialect alone knows whether the answer was whole. If it was, the break is
/// a note; if it was cut, the transport's words say more about it than the dialect's; a provider's own
/// fault stands.
fn explain_break(broke: Fault, began: bool, events: &mut Vec<Event>) {
    let said = events.iter_mut().find_map(|event| match event {
        Event::Fault(fault) => Some(fault),
        _ => None,
    });
    match said {
        // That the dialect saw no end, or nothing that it could read, is what the break did.
        Some(fault)
            if fault.class == FaultClass::Interrupted
                || fault.class == FaultClass::Protocol
                    && (!began || broke.class == FaultClass::Protocol) =>
        {
            *fault = broke;
        }
        // An error of which the status alone could be read.
        Some(fault) if !began => fault.message = broke.message,
        None if broke.class != FaultClass::Interrupted => events.push(Event::Fault(broke)),
        // The provider's own words stand.
        Some(_) => Note::tell(About::Aside, format!("then {}", broke.message), events),
        None => {
            let text = format!("after the answer's end, {}", broke.message);
            Note::tell(About::Aside, text, events);
        }
    }
}

/// What a run goes by.
struct Going<'a> {
    limits: Timeouts,
    cancel: CancellationToken,
    backlog: &'a Backlog,
}

impl Going<'_> {
    async fn on(&self, ways: Ways<'_>, record: &mut Record<'_>) -> (End, Option<Bounded>) {
        let Ways { first, fallback } = ways;
        let trace = Trace::new();
        let way = match self.along(first, &trace, record).await {
            (End::Fault(_), None) if let Some(way) = fallback.filter(|_| trace.without_http2()) => {
                way
            }
            ended => return ended,
        };
        let dialect = way.dialect.id;
        let text = format!(
            "HTTP/2, which gRPC needs, was refused, so this went by REST (dialect {dialect}); the time that \
             was lost is in its figures"
        );
        record.notes.push(Note::new(About::Aside, text));
        self.along(way, &Trace::new(), record).await
    }

    async fn along(
        &self,
        way: Way<'_>,
        trace: &Arc<Trace>,
        record: &mut Record<'_>,
    ) -> (End, Option<Bounded>) {
        let Way {
            dialect,
            call,
            notes,
        } = way;
        record.mask = call.mask();
        let sent = tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(cancelled(trace.phase())),
            sent = call.send(trace) => sent,
            () = wait_until(deadline(record.recorder.started(), self.limits.total_ms)) => {
                Err(self.out_of_total(trace.phase()))
            }
        };
        let response = match sent {
            Ok(response) => response,
            Err(fault) => {
                record
                    .recorder
                    .connect(&trace.phases(), trace.request_sent());
                return (End::Fault(fault), None);
            }
        };
        record.notes.extend(notes);
        record.head(&response);
        let choices = record.run.head.request.choices();
        let decoder = (dialect.decoder)(&response_head(&response, choices));
        let mut decoder = Bounded::new(decoder, record.mask.stream());
        let end = self.read(response, &mut decoder, record).await;
        (end, Some(decoder))
    }

    /// Reads to the end. Dropping the response when this returns closes the exchange.
    async fn read(
        &self,
        response: HttpResponse,
        decoder: &mut Bounded,
        record: &mut Record<'_>,
    ) -> End {
        let notes = std::mem::take(&mut record.notes)
            .into_iter()
            .map(Event::Note);
        let mut events: Vec<Event> = notes.collect();
        let end = self.read_on(response, decoder, record, &mut events).await;
        record.end_quiet(events);
        end
    }

    async fn read_on(
        &self,
        mut response: HttpResponse,
        decoder: &mut Bounded,
        record: &mut Record<'_>,
        events: &mut Vec<Event>,
    ) -> End {
        let mut watch = Watch::new(self.limits, record.recorder.started(), &response);
        loop {
            if let Some(end) = self.wait_for_room(&watch).await {
                return end;
            }
            let (at, limit) = watch.next();
            let chunk = tokio::select! {
                biased;
                () = self.cancel.cancelled() => return stopped(&watch),
                chunk = response.body.next() => chunk,
                () = wait_until(at) => return self.out_of(limit, &watch),
            };
            let chunk = match chunk {
                None => return End::Closed,
                Some(Err(fault)) => {
                    let phase = watch.phase();
                    return End::Broke(Fault { phase, ..fault });
                }
                Some(Ok(chunk)) => chunk,
            };
            events.extend(chunk.note.clone().map(Event::Note));
            decoder.push(&chunk.bytes, events);
            if let Some(trailers) = &chunk.trailers {
                decoder.trailers(trailers, events);
                if events.is_empty() {
                    continue;
                }
            }
            let came = decoder.came();
            watch.saw(chunk.at, came, events);
            watch.may_end(chunk.at, decoder.may_end());
            record.read(&chunk, came, events);
            if let Some(fault) = decoder.fault() {
                return out_of_noise(fault, &watch);
            }
            // Data that never stops coming would never let the timer be looked at.
            if watch.total.is_some_and(|total| chunk.at >= total) {
                return self.out_of(Limit::Total, &watch);
            }
        }
    }

    /// Waits while too much waits for whoever listens; gives how the run ends if it does so meanwhile.
    async fn wait_for_room(&self, watch: &Watch) -> Option<End> {
        tokio::select! {
            biased;
            () = self.backlog.room() => None,
            () = self.cancel.cancelled() => Some(stopped(watch)),
            () = wait_until(watch.total) => Some(self.out_of(Limit::Total, watch)),
        }
    }

    fn out_of(&self, limit: Limit, watch: &Watch) -> End {
        let Timeouts {
            first_token_ms,
            idle_ms,
            ..
        } = self.limits;
        End::Fault(match limit {
            _ if watch.is_whole() => return End::Lingered,
            Limit::ErrorBody => return End::Stalled,
            Limit::Total => self.out_of_total(watch.phase()),
            Limit::FirstToken => {
                let within = limit_text(first_token_ms);
                let message =
                    format!("no token came within {within} of sending (first-token limit)");
                Fault::new(FaultClass::Timeout, Phase::FirstToken, message)
            }
            Limit::Idle => {
                let within = limit_text(idle_ms);
                let message = format!("nothing but keep-alives came for {within} (idle limit)");
                Fault::new(FaultClass::Timeout, Phase::Stream, message)
            }
        })
    }

    fn out_of_total(&self, phase: Phase) -> Fault {
        let within = limit_text(self.limits.total_ms);
        let message = format!("the run was not done within {within} (total limit)");
        Fault::new(FaultClass::Timeout, phase, message)
    }
}

/// How a run ends in which nothing but noise came: an answer that is whole stays so.
fn out_of_noise(fault: Fault, watch: &Watch) -> End {
    let phase = watch.phase();
    match watch.over {
        Some(_) => End::Lingered,
        None => End::Fault(Fault { phase, ..fault }),
    }
}

/// How a run ends that the user stops: the same holds.
fn stopped(watch: &Watch) -> End {
    match watch.over {
        Some(_) => End::Closed,
        None => End::Fault(cancelled(watch.phase())),
    }
}

fn cancelled(phase: Phase) -> Fault {
    Fault::new(FaultClass::Cancelled, phase, "stopped by the user")
}

fn response_head(response: &HttpResponse, choices: u64) -> ResponseHead {
    let content_type = response.headers.get(header::CONTENT_TYPE);
    let content_type = content_type.map(|value| String::from_utf8_lossy(value.as_bytes()).into());
    ResponseHead {
        status: response.status,
        // A response that names none is told from a body on disk.
        content_type: Some(content_type.unwrap_or_default()),
        retry_after_ms: wait_ms(response.status, &response.headers),
        choices: Some(choices),
    }
}

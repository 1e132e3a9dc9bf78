//! One request of a bench: pulls its exchange, and keeps its stamps.

use std::{pin::pin, time::Instant};

use tokio_util::sync::CancellationToken;

use crate::{
    bench::{BenchRequest, RequestOutcome},
    clock::now,
    event::{Event, Fault, FaultClass, Usage},
    exchange::{
        ExchangeChunk, ExchangeEnd, ExchangeStep, Head, NewTokens, PreparedExchange, Stamp,
    },
    run::ConnectionKind,
};

/// What came of a request.
pub(super) struct Ended {
    pub request: BenchRequest,
    /// Its fault, with the provider's words.
    pub fault: Option<Fault>,
}

/// Nanoseconds since the start of the bench.
pub(super) fn offset(start: Instant, at: Instant) -> u64 {
    u64::try_from(at.saturating_duration_since(start).as_nanos()).unwrap_or(u64::MAX)
}

/// Sends a request now and reads its answer; `cancel` ends it at once. `request` says which one it is and when it was
/// due; `start` is the start of the bench.
pub(super) async fn send(
    prepared: Result<PreparedExchange, Fault>,
    request: BenchRequest,
    start: Instant,
    cancel: &CancellationToken,
) -> Ended {
    let began = now();
    let mut stamping = Stamping {
        start,
        request: BenchRequest {
            started: offset(start, began),
            ..request
        },
        last_read: 0,
        usage: Usage::default(),
        fault: None,
    };
    let end = match prepared {
        Ok(prepared) => {
            let mut exchange = prepared.begin(began);
            let mut cancelled = pin!(cancel.cancelled());
            loop {
                let step = tokio::select! {
                    biased;
                    () = &mut cancelled => {
                        break exchange.stop(FaultClass::Cancelled, "the bench was stopped");
                    }
                    step = exchange.next() => step,
                };
                match step {
                    ExchangeStep::Connected(_) => {}
                    ExchangeStep::Head(head) => stamping.head(&head),
                    ExchangeStep::ExchangeChunk(chunk) => stamping.chunk(&chunk),
                    ExchangeStep::ExchangeEnd(end) => break *end,
                }
            }
        }
        Err(fault) => ExchangeEnd {
            events: vec![Event::Fault(fault)],
            ..ExchangeEnd::default()
        },
    };
    stamping.end(&end)
}

struct Stamping {
    start: Instant,
    request: BenchRequest,
    last_read: u64,
    usage: Usage,
    fault: Option<Fault>,
}

impl Stamping {
    /// When bytes arrived, and how much later than the kernel this program read them. Never before an earlier read: the
    /// kernel's stamps are mapped to this clock one by one, with some error.
    fn arrival(&self, stamp: Stamp) -> (u64, Option<u32>) {
        let had = offset(self.start, stamp.at);
        let Some(kernel_at) = stamp.kernel_at else {
            return (had.max(self.last_read), None);
        };
        let at = offset(self.start, kernel_at).max(self.last_read);
        let at = at.max(self.request.started);
        let delay = stamp.delay().map(|delay| delay.as_nanos());
        (at, delay.map(|ns| u32::try_from(ns).unwrap_or(u32::MAX)))
    }

    fn head(&mut self, head: &Head) {
        let (at, _) = self.arrival(head.stamp);
        let request = &mut self.request;
        request.headers = Some(at);
        request.request_sent = Some(offset(self.start, head.request_sent));
        request.status = Some(head.status);
        request.connection = Some(if head.phases.cold {
            ConnectionKind::Cold
        } else {
            ConnectionKind::Warm
        });
    }

    fn chunk(&mut self, chunk: &ExchangeChunk) {
        let (at, delay) = self.arrival(chunk.stamp);
        self.last_read = at;
        self.events(&chunk.events, Some(at));
        let NewTokens { tokens, visible } = chunk.new_tokens;
        let request = &mut self.request;
        if tokens > 0 {
            if request.first_token.is_none() {
                (request.first_token, request.our_delay) = (Some(at), delay);
            }
            request.first_event.get_or_insert(at);
            request.last_token = Some(at);
            request.pieces = request.pieces.saturating_add(tokens);
            request.arrived(at, tokens);
        }
        if visible {
            request.first_visible.get_or_insert(at);
        }
    }

    /// Takes note of what is no token. What only the end makes known has no time.
    fn events(&mut self, events: &[Event], at: Option<u64>) {
        for event in events {
            match event {
                Event::Usage(usage) => self.usage.merge(*usage),
                Event::Fault(fault) => {
                    self.fault.get_or_insert_with(|| fault.clone());
                }
                Event::Text { text: piece } => {
                    if let Some(text) = &mut self.request.text {
                        text.push(piece);
                    }
                }
                Event::Finish(_) => self.request.finished = self.request.finished.or(at),
                // A remark of ours is nothing that came.
                Event::Note(_) => continue,
                _ => {}
            }
            self.request.first_event = self.request.first_event.or(at);
        }
    }

    fn end(mut self, end: &ExchangeEnd) -> Ended {
        let ended = offset(self.start, now());
        self.events(&end.events, None);
        let request = &mut self.request;
        request.ended = ended;
        if end.new_tokens.tokens > 0 {
            // A whole answer in one body: nothing was streamed, so that it has no first token.
            request.pieces = request.pieces.saturating_add(end.new_tokens.tokens);
            request.last_token = Some(self.last_read);
        }
        if let Some(connecting) = &end.connecting {
            request.request_sent = connecting.request_sent.map(|at| offset(self.start, at));
            if connecting.request_sent.is_some() {
                request.connection = Some(if connecting.phases.cold {
                    ConnectionKind::Cold
                } else {
                    ConnectionKind::Warm
                });
            }
        }
        let count = |tokens: Option<u64>| tokens.map(|n| u32::try_from(n).unwrap_or(u32::MAX));
        request.input_tokens = count(self.usage.input);
        request.output_tokens = count(self.usage.generated());
        if let Some(fault) = &self.fault {
            request.outcome = RequestOutcome::Fault(fault.class);
            request.status = request.status.or(fault.status);
        }
        Ended {
            request: self.request,
            fault: self.fault,
        }
    }
}

//! One request and its response, pulled step by step.
//!
//! In: a call, or a question that becomes one. Out: [`Step`]s, each only when it is asked for: what is not pulled is
//! not read from the socket. Dropping an exchange closes it at once. Limits, routes, masks and what an end means are
//! decided here, so that a run, a list of models and whatever else asks a server see the same.

mod bounded;
pub mod call;
mod ending;
mod limits;
pub mod list;
mod reading;
pub mod retry_after;
mod routes;
mod sending;
mod whole;

use std::{fmt, net::IpAddr, time::Instant};

use bytes::Bytes;

pub(crate) use self::bounded::join;
pub use self::{
    bounded::Came,
    routes::{Prepared, Question},
    whole::{ConnectStep, Whole, probe, whole},
};
use self::{
    ending::Reason,
    reading::Reading,
    routes::Route,
    sending::{Sending, Sent},
};
pub use crate::transport::{Head, Stamp};
use crate::{
    event::{Event, Fault},
    mask::Mask,
    transport::{ConnectPhases, Timeouts},
};

/// What an exchange did next.
#[derive(Debug)]
pub enum Step {
    /// It has a connection.
    Connected(Connecting),
    /// The head of the response came.
    Head(Head),
    /// A piece of the body came.
    Chunk(Chunk),
    /// It is over; nothing follows.
    End(End),
}

/// How an exchange got its connection, or how far it came.
#[derive(Clone, Debug, Default)]
pub struct Connecting {
    /// The phases of its own connection; blank on a warm one.
    pub phases: ConnectPhases,
    /// The addresses that its name resolution gave.
    pub addresses: Vec<IpAddr>,
    /// Whom it is connected to, for people.
    pub way: String,
    /// When the last byte of the request was handed over, if it was.
    pub request_sent: Option<Instant>,
}

/// A piece of the body.
#[derive(Clone, Debug)]
pub struct Chunk {
    /// When it came.
    pub stamp: Stamp,
    /// The bytes, after any content decoding; none with trailers.
    pub bytes: Bytes,
    /// What they completed, every secret covered; nothing where the body is passed on undecoded. What may be the
    /// beginning of a secret is told with a later chunk.
    pub events: Vec<Event>,
    /// What came of the answer with it, whether it could be told at once or not.
    pub came: Came,
}

/// The end of an exchange.
#[derive(Debug, Default)]
pub struct End {
    /// What the end alone made known: the last events, the fault among them if it failed.
    pub events: Vec<Event>,
    /// What came of the answer with them.
    pub came: Came,
    /// How far connecting came, where no head was received.
    pub connecting: Option<Connecting>,
}

impl End {
    /// Why it failed, if it did.
    #[must_use]
    pub fn fault(&self) -> Option<&Fault> {
        self.events.iter().find_map(|event| match event {
            Event::Fault(fault) => Some(fault),
            _ => None,
        })
    }
}

/// A request on its way, or its response.
pub struct Exchange {
    started: Instant,
    limits: Timeouts,
    mask: Mask,
    state: State,
    /// What is tried where HTTP/2, which the first route needs, is refused.
    fallback: Option<Route>,
}

enum State {
    Sending(Box<Sending>),
    Reading(Box<Reading>),
    Over,
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange").finish_non_exhaustive()
    }
}

impl Exchange {
    fn begin(first: Route, fallback: Option<Route>, started: Instant) -> Self {
        Self {
            started,
            limits: first.limits,
            mask: first.call.mask(),
            state: State::Sending(Box::new(Sending::new(first, started))),
            fallback,
        }
    }

    /// When it has to be over; `None` if it has no limit.
    #[must_use]
    pub fn total(&self) -> Option<Instant> {
        crate::clock::deadline(self.started, self.limits.total_ms)
    }

    /// Does the next step. May be dropped while it waits: nothing is lost.
    pub async fn next(&mut self) -> Step {
        loop {
            match &mut self.state {
                State::Sending(sending) => match sending.next(&self.mask).await {
                    Ok(Sent::Connected(connecting)) => return Step::Connected(connecting),
                    Ok(Sent::Head(response)) => {
                        let (head, reading) = sending.reading(*response, &self.mask);
                        self.state = State::Reading(Box::new(reading));
                        return Step::Head(head);
                    }
                    Err(fault) => match self.fallback.take_if(|_| sending.without_http2()) {
                        Some(route) => {
                            self.mask = route.call.mask();
                            self.state =
                                State::Sending(Box::new(Sending::new(route, self.started)));
                        }
                        None => return Step::End(self.end(Reason::Fault(fault))),
                    },
                },
                State::Reading(reading) => match reading.next().await {
                    Ok(chunk) => return Step::Chunk(chunk),
                    Err(reason) => return Step::End(self.end(reason)),
                },
                State::Over => return Step::End(End::default()),
            }
        }
    }

    /// Ends it now, as the user wishes, with what was half read. An answer that is whole stays so.
    pub fn stop(&mut self) -> End {
        let reason = match &self.state {
            State::Sending(sending) => Reason::stopped(sending.phase()),
            State::Reading(reading) => reading.stopped(),
            State::Over => return End::default(),
        };
        self.end(reason)
    }

    fn end(&mut self, reason: Reason) -> End {
        let mut end = match std::mem::replace(&mut self.state, State::Over) {
            State::Sending(sending) => End {
                events: reason.events(false, None),
                connecting: Some(sending.connecting()),
                ..End::default()
            },
            State::Reading(reading) => reading.end(reason),
            State::Over => End::default(),
        };
        end.events
            .iter_mut()
            .for_each(|event| self.mask.event(event));
        end
    }
}

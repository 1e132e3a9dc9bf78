//! One request and its response, pulled step by step.
//!
//! In: a call, or a chat request that becomes one. Out: [`ExchangeStep`]s, each produced only when it is pulled:
//! bytes that are not pulled are not read from the socket. Dropping an exchange closes it at once. Limits, routes,
//! masks and the meaning of an end are decided here, so that a run, a list of models and every other request behave
//! the same.

mod bounded;
pub mod call;
pub mod effort;
mod ending;
mod limits;
pub mod list;
mod observer;
mod reading;
pub mod retry_after;
mod routes;
mod sending;
mod sent;
mod whole;

use std::{fmt, net::IpAddr, sync::Arc, time::Instant};

use bytes::Bytes;
use http::HeaderMap;

pub use self::{
    bounded::NewTokens,
    observer::ResponseObserver,
    routes::{EndpointRequest, PreparedExchange},
    sent::SentRequest,
    whole::{ConnectStep, WholeResponse, probe, whole},
};
pub(crate) use self::{
    bounded::{BoundedDecoder, join},
    sending::decoder_head,
};
use self::{
    ending::EndReason,
    reading::Reading,
    routes::ExchangeRoute,
    sending::{Sending, Sent},
};
pub use crate::transport::{Head, Stamp};
use crate::{
    event::{Event, Fault, FaultClass},
    mask::Mask,
    transport::{CallConnection, ConnectPhases, ServerCertificate, Timeouts},
};

/// The next step of an exchange. Almost all of them are chunks: what the others hold is boxed, so that a chunk is not
/// moved and queued in room for a head.
#[derive(Debug)]
pub enum ExchangeStep {
    /// It has a connection.
    Connected(Box<Connecting>),
    /// The head of the response came.
    Head(Box<Head>),
    /// Bytes of the body came.
    ExchangeChunk(ExchangeChunk),
    /// It is over; nothing follows.
    ExchangeEnd(Box<ExchangeEnd>),
}

/// How an exchange got its connection, or how far connecting came.
#[derive(Clone, Debug, Default)]
pub struct Connecting {
    /// The phases of its own connection; blank on a warm one.
    pub phases: ConnectPhases,
    /// The addresses that its name resolution gave.
    pub addresses: Vec<IpAddr>,
    /// The connection, and how it was opened.
    pub connection: CallConnection,
    /// A sentence that says to whom it is connected.
    pub peer: String,
    /// The certificate that the host showed on its own connection.
    pub certificate: Option<ServerCertificate>,
    /// When the last byte of the request was handed over, if it was.
    pub request_sent: Option<Instant>,
    /// The request.
    pub request: Option<Arc<SentRequest>>,
    /// A head that is not the endpoint's answer, and so ended the exchange: a redirect, or a proxy's refusal.
    pub refused: Option<Box<Head>>,
}

/// One read of the body.
#[derive(Clone, Debug)]
pub struct ExchangeChunk {
    /// When it came.
    pub stamp: Stamp,
    /// The bytes, after any content decoding; none with trailers.
    pub bytes: Bytes,
    /// The events that these bytes completed, with secrets masked; none if the body is passed on undecoded. Text that
    /// may be the beginning of a secret comes with a later chunk.
    pub events: Vec<Event>,
    /// The tokens in these bytes, even if their events come with a later chunk.
    pub new_tokens: NewTokens,
    /// The trailers, if it is these.
    pub trailers: Option<Box<HeaderMap>>,
}

/// The end of an exchange.
#[derive(Debug, Default)]
pub struct ExchangeEnd {
    /// The events that only the end makes known, with the fault if it failed.
    pub events: Vec<Event>,
    /// The tokens among them.
    pub new_tokens: NewTokens,
    /// How far connecting came, if no head was received.
    pub connecting: Option<Box<Connecting>>,
}

impl ExchangeEnd {
    /// The fault, if it failed.
    #[must_use]
    pub fn fault(&self) -> Option<&Fault> {
        self.events.iter().find_map(Event::fault)
    }
}

/// A request on its way, or its response.
pub struct Exchange {
    started: Instant,
    limits: Timeouts,
    mask: Mask,
    state: ExchangeState,
    /// The route to try if HTTP/2, which the first route needs, is refused.
    fallback: Option<ExchangeRoute>,
}

enum ExchangeState {
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
    fn begin(first: ExchangeRoute, fallback: Option<ExchangeRoute>, started: Instant) -> Self {
        Self {
            started,
            limits: first.limits,
            mask: first.sent.mask().clone(),
            state: ExchangeState::Sending(Box::new(Sending::new(first, started))),
            fallback,
        }
    }

    /// When its total limit runs out; `None` without a limit.
    #[must_use]
    pub fn total(&self) -> Option<Instant> {
        crate::clock::deadline(self.started, self.limits.total_ms)
    }

    /// Waits for the next step. Cancel-safe: dropping the future loses nothing.
    pub async fn next(&mut self) -> ExchangeStep {
        loop {
            match &mut self.state {
                ExchangeState::Sending(sending) => match sending.next(&self.mask).await {
                    Ok(Sent::Connected(connecting)) => {
                        return ExchangeStep::Connected(connecting);
                    }
                    Ok(Sent::Head(response)) => {
                        let (head, reading) = sending.reading(*response, &self.mask);
                        self.state = ExchangeState::Reading(Box::new(reading));
                        return ExchangeStep::Head(head.into());
                    }
                    Err(fault) => match self.fallback.take_if(|_| sending.without_http2()) {
                        Some(route) => {
                            self.mask = route.sent.mask().clone();
                            self.state =
                                ExchangeState::Sending(Box::new(Sending::new(route, self.started)));
                        }
                        None => {
                            return ExchangeStep::ExchangeEnd(
                                self.end(EndReason::Fault(fault)).into(),
                            );
                        }
                    },
                },
                ExchangeState::Reading(reading) => match reading.next().await {
                    Ok(chunk) => return ExchangeStep::ExchangeChunk(chunk),
                    Err(reason) => return ExchangeStep::ExchangeEnd(self.end(reason).into()),
                },
                ExchangeState::Over => return ExchangeStep::ExchangeEnd(Box::default()),
            }
        }
    }

    /// Stops it, with the events of a partial read; its fault has this class and message. A complete answer stays
    /// complete.
    pub fn stop(&mut self, class: FaultClass, why: &str) -> ExchangeEnd {
        let reason = match &self.state {
            ExchangeState::Sending(sending) => EndReason::stopped(class, sending.phase(), why),
            ExchangeState::Reading(reading) => reading.stopped(class, why),
            ExchangeState::Over => return ExchangeEnd::default(),
        };
        self.end(reason)
    }

    fn end(&mut self, reason: EndReason) -> ExchangeEnd {
        let mut end = match std::mem::replace(&mut self.state, ExchangeState::Over) {
            ExchangeState::Sending(sending) => ExchangeEnd {
                events: reason.events(false, None),
                connecting: Some(Box::new(sending.ended())),
                ..ExchangeEnd::default()
            },
            ExchangeState::Reading(reading) => reading.end(reason),
            ExchangeState::Over => ExchangeEnd::default(),
        };
        end.events
            .iter_mut()
            .for_each(|event| self.mask.event(event));
        end
    }
}

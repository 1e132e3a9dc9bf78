//! The routes of a request: its call, and the fallback for where HTTP/2 is refused.

use std::{sync::Arc, time::Instant};

use secrecy::SecretString;

use super::{
    Exchange,
    call::{ChatCall, chat_call},
    sent::SentRequest,
};
use crate::{
    body::{Decoder, ResponseHead},
    chat::ChatRequest,
    dialect::{Dialect, WireFormat},
    endpoint::Endpoint,
    event::{About, Fault, Note},
    mask::Mask,
    transport::{HttpCall, PreparedCall, Timeouts, Transport},
};

/// Makes the decoder of a response.
pub type NewDecoder = fn(&ResponseHead) -> Box<dyn Decoder>;

/// A chat request to an endpoint.
#[derive(Clone, Copy)]
pub struct EndpointRequest<'a> {
    /// The dialect to use.
    pub dialect: &'a Dialect,
    /// The endpoint.
    pub endpoint: &'a Endpoint,
    /// The request.
    pub request: &'a ChatRequest,
    /// The endpoint's key.
    pub key: Option<&'a SecretString>,
    /// The proxy's password.
    pub proxy_password: Option<&'a SecretString>,
    /// Whether it must open a new connection.
    pub cold: bool,
}

/// One way to send a request: a call, and how its response is decoded.
pub(super) struct ExchangeRoute {
    pub(super) call: PreparedCall,
    /// The request, for the wire log.
    pub(super) sent: Arc<SentRequest>,
    pub(super) limits: Timeouts,
    /// `None` where the body is passed on undecoded.
    pub(super) decoder: Option<NewDecoder>,
    /// How many answers (`n`) are asked for, if known.
    pub(super) choices: Option<u64>,
    /// Notes on the request from before it is sent.
    pub(super) notes: Vec<Note>,
}

/// An exchange that is ready to begin: body, headers and connection pool are set up, so its clock may start.
pub struct PreparedExchange {
    first: ExchangeRoute,
    fallback: Option<ExchangeRoute>,
}

impl PreparedExchange {
    /// Prepares a chat request; if the dialect needs HTTP/2, also the fallback by REST.
    ///
    /// # Errors
    /// A fault in phase `prepare`: the dialect can't carry the request, or a header or the proxy can't be used.
    pub async fn chat(transport: &Transport, question: EndpointRequest<'_>) -> Result<Self, Fault> {
        let first = route(transport, question).await?;
        let fallback = match question.dialect.wire {
            WireFormat::Json => None,
            WireFormat::Grpc(_) => {
                let dialect = question.dialect.as_json();
                let mut rest = route(
                    transport,
                    EndpointRequest {
                        dialect,
                        ..question
                    },
                )
                .await?;
                let text = format!(
                    "HTTP/2, which gRPC needs, was refused, so this went by REST (dialect {}); the time that \
                     was lost is in its figures",
                    dialect.id
                );
                rest.notes.insert(0, Note::new(About::Aside, text));
                Some(rest)
            }
        };
        Ok(Self { first, fallback })
    }

    /// Prepares a call that is already encoded. With a decoder the response is decoded as well as passed on.
    ///
    /// # Errors
    /// A fault in phase `prepare`, if the proxy or the certificate file can't be used.
    pub async fn call(
        transport: &Transport,
        call: HttpCall,
        decoder: Option<NewDecoder>,
    ) -> Result<Self, Fault> {
        let limits = call.connect.timeouts;
        let call = transport.prepare(call).await?;
        let first = ExchangeRoute {
            limits,
            sent: SentRequest::of(&call, None),
            call,
            decoder,
            choices: None,
            notes: Vec::new(),
        };
        Ok(Self {
            first,
            fallback: None,
        })
    }

    /// The mask for the secrets that it is sent with.
    pub(super) fn mask(&self) -> Mask {
        self.first.sent.mask().clone()
    }

    /// Starts its clock.
    #[must_use]
    pub fn begin(self, started: Instant) -> Exchange {
        Exchange::begin(self.first, self.fallback, started)
    }
}

async fn route(
    transport: &Transport,
    question: EndpointRequest<'_>,
) -> Result<ExchangeRoute, Fault> {
    let ChatCall { mut http, notes } = chat_call(
        question.dialect,
        question.endpoint,
        question.request,
        question.key,
        question.proxy_password.cloned(),
    )?;
    http.cold = question.cold;
    let limits = http.connect.timeouts;
    let call = transport.prepare(http).await?;
    Ok(ExchangeRoute {
        limits,
        sent: SentRequest::of(&call, Some(question.dialect.id)),
        call,
        decoder: Some(question.dialect.decoder),
        choices: Some(question.request.choices()),
        notes,
    })
}

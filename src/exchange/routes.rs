//! The routes of a question: its call, and the one that is made instead where HTTP/2 is refused.

use std::time::Instant;

use secrecy::SecretString;

use super::{
    Exchange,
    call::{ChatCall, chat_call},
};
use crate::{
    body::{Decoder, ResponseHead},
    chat::ChatRequest,
    dialect::{Dialect, Wire},
    endpoint::Endpoint,
    event::{About, Fault, Note},
    transport::{HttpCall, PreparedCall, Timeouts, Transport},
};

/// Makes the decoder of a response.
pub type NewDecoder = fn(&ResponseHead) -> Box<dyn Decoder>;

/// A chat request to an endpoint.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    /// In which protocol.
    pub dialect: &'a Dialect,
    /// Where to.
    pub endpoint: &'a Endpoint,
    /// What is asked.
    pub request: &'a ChatRequest,
    /// The endpoint's key.
    pub key: Option<&'a SecretString>,
    /// The proxy's password.
    pub proxy_password: Option<&'a SecretString>,
    /// Whether it is to open a connection of its own.
    pub cold: bool,
}

/// One way to put a question: a call, and how its answer is read.
pub(super) struct Route {
    pub(super) call: PreparedCall,
    pub(super) limits: Timeouts,
    /// `None` where the body is passed on undecoded.
    pub(super) decoder: Option<NewDecoder>,
    /// How many answers are asked for, where that is known.
    pub(super) choices: Option<u64>,
    /// What is known of the request before it is sent.
    pub(super) notes: Vec<Note>,
}

/// An exchange that is ready: bodies, headers and clients are there, and its clock may start.
pub struct Prepared {
    first: Route,
    fallback: Option<Route>,
}

impl Prepared {
    /// Prepares a chat request; where the dialect needs HTTP/2, the same by REST as well.
    ///
    /// # Errors
    /// A fault in `prepare`: what the dialect can't carry, a header or proxy that can't be used.
    pub async fn chat(transport: &Transport, question: Question<'_>) -> Result<Self, Fault> {
        let first = route(transport, question).await?;
        let fallback = match question.dialect.wire {
            Wire::Json => None,
            Wire::Grpc(_) => {
                let dialect = question.dialect.as_json();
                let mut rest = route(
                    transport,
                    Question {
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

    /// Prepares a call that is written already. With a decoder its answer is read as well as passed on.
    ///
    /// # Errors
    /// A fault in `prepare`, if the proxy or the certificate file can't be used.
    pub async fn call(
        transport: &Transport,
        call: HttpCall,
        decoder: Option<NewDecoder>,
    ) -> Result<Self, Fault> {
        let first = Route {
            limits: call.connect.timeouts,
            call: transport.prepare(call).await?,
            decoder,
            choices: None,
            notes: Vec::new(),
        };
        Ok(Self {
            first,
            fallback: None,
        })
    }

    /// Starts its clock.
    #[must_use]
    pub fn begin(self, started: Instant) -> Exchange {
        Exchange::begin(self.first, self.fallback, started)
    }
}

async fn route(transport: &Transport, question: Question<'_>) -> Result<Route, Fault> {
    let ChatCall { mut http, notes } = chat_call(
        question.dialect,
        question.endpoint,
        question.request,
        question.key,
        question.proxy_password.cloned(),
    )?;
    http.cold = question.cold;
    Ok(Route {
        limits: http.connect.timeouts,
        call: transport.prepare(http).await?,
        decoder: Some(question.dialect.decoder),
        choices: Some(question.request.choices()),
        notes,
    })
}

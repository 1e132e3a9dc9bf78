//! The ways to put a question: its call, and the one that is made instead where HTTP/2 is refused.

use super::Ask;
use crate::{
    dialect::{Dialect, Wire},
    event::{Fault, Note},
    exchange::call::{ChatCall, chat_call},
    transport::{PreparedCall, Transport},
};

/// A way to put the question: a dialect, and its call.
pub(super) struct Way<'a> {
    pub(super) dialect: &'a Dialect,
    pub(super) call: PreparedCall,
    /// What is known of the request before it is sent.
    pub(super) notes: Vec<Note>,
}

/// The way to go, and the one to go instead where HTTP/2, which the first needs, is refused.
pub(super) struct Ways<'a> {
    pub(super) first: Way<'a>,
    pub(super) fallback: Option<Way<'a>>,
}

impl<'a> Ways<'a> {
    /// Everything before the clock starts: the bodies, the headers, and clients that are ready.
    ///
    /// # Errors
    /// A fault in `prepare`.
    pub(super) async fn prepare(
        dialect: &'a Dialect,
        transport: &Transport,
        ask: &Ask,
    ) -> Result<Self, Fault> {
        let first = way(dialect, transport, ask).await?;
        let fallback = match dialect.wire {
            Wire::Json => None,
            Wire::Grpc(_) => Some(way(dialect.as_json(), transport, ask).await?),
        };
        Ok(Self { first, fallback })
    }
}

async fn way<'a>(dialect: &'a Dialect, transport: &Transport, ask: &Ask) -> Result<Way<'a>, Fault> {
    let ChatCall { mut http, notes } = chat_call(
        dialect,
        &ask.endpoint,
        &ask.head.request,
        ask.key.as_ref(),
        ask.proxy_password.clone(),
    )?;
    http.cold = ask.cold;
    Ok(Way {
        dialect,
        call: transport.prepare(http).await?,
        notes,
    })
}

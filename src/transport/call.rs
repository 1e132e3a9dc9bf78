//! One call: sent, and answered by a head and a body.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use http::{HeaderMap, Version};
use secrecy::SecretString;
use tokio::time::timeout;
use url::Url;

use super::{
    Head, HttpCall, HttpResponse, TcpLink, Trace,
    body::{BodyLimits, IncomingBody},
    coding::Coding,
    connector::BoxError,
    fault::{self, SendError},
    limit_text,
    peer::Peer,
    pool::Pool,
    proxy::{Proxy, Via},
    send::{RequestHead, SentResponse, send},
    version_text,
};
use crate::{
    clock::now,
    event::{Fault, FaultClass, Phase},
    mask::Mask,
};

/// A call whose connection pool is set up: sending it starts its clock.
pub struct PreparedCall {
    pool: Arc<Pool>,
    peer: Peer,
    /// The password of a proxy that the environment names.
    environment_password: Option<SecretString>,
    call: HttpCall,
    head: Result<RequestHead, BoxError>,
}

impl fmt::Debug for PreparedCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.call.fmt(f)
    }
}

impl PreparedCall {
    pub(super) fn new(pool: Arc<Pool>, via: &Via, call: HttpCall) -> Self {
        Self {
            peer: Peer::new(&call.url, via.proxy().map(Proxy::name)),
            environment_password: via.environment_password(),
            head: RequestHead::of(&pool, &call),
            pool,
            call,
        }
    }

    /// The mask for the secrets that it will be sent with.
    pub(crate) fn mask(&self) -> Mask {
        self.call.mask(self.environment_password.as_ref())
    }

    /// Whom it talks to.
    pub(crate) fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Opens connections until `count` calls at once find one, within the limit for connecting.
    pub(super) async fn warm(&self, count: usize) -> Result<(), Fault> {
        let limit_ms = self.call.connect.timeouts.connect_ms;
        let warming = self.pool.warm(count);
        let warmed = match limit_ms {
            0 => warming.await,
            ms => timeout(Duration::from_millis(ms), warming)
                .await
                .map_err(|_| self.not_warm_within(ms))?,
        };
        warmed.map_err(|(error, trace)| {
            fault::send_fault(&SendError::Connect(error), &self.peer, &trace)
        })
    }

    fn not_warm_within(&self, limit_ms: u64) -> Fault {
        let (host, within) = (self.peer.answering(), limit_text(limit_ms));
        let message = format!("{host} was not connected to within {within} (connect limit)");
        Fault::new(FaultClass::Timeout, Phase::Connect, message)
    }

    /// What it sends.
    pub(crate) fn call(&self) -> &HttpCall {
        &self.call
    }

    /// All headers that it sends but those that the connection itself writes (`host`, `content-length`).
    pub(crate) fn headers(&self) -> &HeaderMap {
        let head = self.head.as_ref();
        head.map_or(&self.call.headers, |head| &head.headers)
    }

    /// Where it goes.
    pub(crate) fn url(&self) -> &Url {
        &self.call.url
    }

    /// Sends the call and waits for its head, without a limit; `trace` shows meanwhile how far it has come.
    ///
    /// # Errors
    /// A fault of class `dns`, `connect`, `tls`, `proxy`, `reset` or `protocol`, with the phase it happened in. Its
    /// text holds no credential.
    pub async fn send(self, trace: &Arc<Trace>) -> Result<HttpResponse, Fault> {
        let Self {
            pool,
            peer,
            call,
            head,
            ..
        } = self;
        let as_is = call.as_is;
        let sent = send(&pool, head, call.body, call.cold, trace).await;
        let sent = sent.map_err(|error| fault::send_fault(&error, &peer, trace))?;
        Ok(response(sent, as_is, now(), trace, &peer))
    }
}

/// The response whose head arrived at `at`.
fn response(
    sent: SentResponse,
    as_is: bool,
    at: Instant,
    trace: &Trace,
    peer: &Peer,
) -> HttpResponse {
    let SentResponse {
        response,
        phases,
        connection,
        tries,
        socket,
        request,
    } = sent;
    let (parts, body) = response.into_parts();
    let connected = phases.tls.or(phases.tcp).map(|span| span.end);
    let request_sent = (trace.request_sent()).or(connected);
    let limits = if as_is {
        BodyLimits::NONE
    } else {
        BodyLimits::default()
    };
    let body = IncomingBody::new(
        body,
        Coding::of(&parts.headers),
        limits,
        peer.host.as_str().into(),
    );
    let is_shared = parts.version == Version::HTTP_2;
    let stamp = socket.stamp(at, &mut 0, is_shared, &[]);
    let body = if as_is { body.undetected() } else { body };
    let body = body
        .with_head(&parts.headers)
        .over(socket.clone(), is_shared);
    let head = Head {
        status: parts.status.as_u16(),
        version: version_text(parts.version),
        headers: parts.headers,
        phases,
        connection,
        tcp: TcpLink::new(socket, Some(request)),
        tries,
        request_sent: request_sent.unwrap_or(trace.began()).min(at),
        stamp,
    };
    HttpResponse {
        head,
        body: Box::pin(body),
    }
}

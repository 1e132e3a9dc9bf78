//! The only client socket: sends a request, stamps every read where its bytes come off the socket.
//!
//! In: an [`HttpCall`]. Out: an [`HttpResponse`] whose head, connection phases and reads carry
//! instants. Nothing here knows a dialect.
//!
//! Nothing is ever sent twice: no retry, no redirect. The one exception is hyper's own: a request that
//! finds its pooled connection closed before a byte of it was written goes out on a new one.

mod body;
mod client;
mod fault;

mod phases;
mod proxy;
pub mod sse;
mod tls;

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _};
use http::{HeaderMap, HeaderValue, header};
use url::Url;

use self::{
    body::{Caps, Coding, Incoming, Outgoing},
    client::{Client, Clients},
    fault::Peer,
    proxy::Via,
};
pub use self::{client::shown_url, phases::Trace};
use crate::{
    endpoint::{ConnectOptions, Timeouts},
    event::{Fault, FaultClass, Phase},
};

/// A request ready for the wire.
#[derive(Clone)]
pub struct HttpCall {
    /// `GET` or `POST`.
    pub method: http::Method,
    /// The final URL.
    pub url: Url,
    /// All headers; secret ones are marked sensitive.
    pub headers: HeaderMap,
    /// The body; empty for `GET`.
    pub body: Bytes,
    /// How to connect.
    pub connect: ConnectOptions,
    /// The proxy's password, where it needs one.
    pub proxy_password: Option<secrecy::SecretString>,
}

impl fmt::Debug for HttpCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpCall")
            .field("method", &self.method)
            .field("url", &shown_url(&self.url))
            .field("headers", &self.headers)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Begin and end of one phase.
#[derive(Clone, Copy, Debug)]
pub struct PhaseSpan {
    /// When it began.
    pub begin: Instant,
    /// When it ended.
    pub end: Instant,
}

/// The phases of this call's own connection; all blank on a warm one.
#[derive(Clone, Copy, Debug, Default)]
pub struct ConnectPhases {
    /// Whether this call's connection was opened for it, or while it waited for one.
    pub cold: bool,
    /// Name resolution.
    pub dns: Option<PhaseSpan>,
    /// TCP handshake. Through a proxy: the handshake with it and its own exchange (CONNECT, SOCKS).
    pub tcp: Option<PhaseSpan>,
    /// TLS handshake.
    pub tls: Option<PhaseSpan>,
}

/// Bytes of a response body and when they came off the socket.
#[derive(Clone, Debug)]
pub struct Chunk {
    /// When.
    pub at: Instant,
    /// What, after any content decoding.
    pub bytes: Bytes,
}

/// A response whose body is still coming. Dropping it closes the exchange at once.
pub struct HttpResponse {
    /// HTTP status.
    pub status: u16,
    /// `HTTP/1.1`, `HTTP/2.0`, …
    pub version: String,
    /// Response headers.
    pub headers: HeaderMap,
    /// This call's connection phases.
    pub phases: ConnectPhases,
    /// When the last byte of the body was taken by the connection for writing: at most one socket
    /// buffer was still on its way. Without a body, when the connection was there.
    pub request_sent: Instant,
    /// When the head was there.
    pub headers_at: Instant,
    /// The body.
    pub body: Pin<Box<dyn Stream<Item = Result<Chunk, Fault>> + Send>>,
}

impl fmt::Debug for HttpResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpResponse")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// Keeps connections between calls. Cheap to clone; clones share the pool.
///
/// Over HTTP/2 a host gets one connection; past its limit of streams (often 100) calls wait their turn.
#[derive(Clone, Default)]
pub struct Transport {
    clients: Arc<Clients>,
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport").finish_non_exhaustive()
    }
}

/// Largest body that [`Transport::get`] takes.
const MAX_WHOLE_BODY: usize = 8 << 20;

/// A response read whole: status, headers, body.
pub type Whole = (u16, HeaderMap, Bytes);

impl Transport {
    /// Sends one call and waits for its head: no longer than the connect limit for connecting, then no
    /// longer than the first-token limit.
    ///
    /// # Errors
    /// A fault of class `dns`, `connect`, `tls`, `proxy`, `timeout`, `reset` or `protocol`, with the
    /// phase it happened in. Its text holds no query string and no credential. A redirect is a
    /// `protocol` fault that names where to: it is never followed.
    pub async fn send(&self, call: HttpCall) -> Result<HttpResponse, Fault> {
        self.prepare(call).await?.send(&Trace::new()).await
    }

    /// Does what a call needs before its clock may start: finds or makes its client.
    ///
    /// # Errors
    /// A fault in `prepare`, if the proxy or the certificate file can't be used.
    pub async fn prepare(&self, call: HttpCall) -> Result<PreparedCall, Fault> {
        let proxy = call.connect.proxy.as_deref();
        let via = Via::new(&call.url, proxy, call.proxy_password.as_ref())?;
        let client = self.clients.get(&via, &call.connect).await?;
        let peer = Peer::new(&call.url, via.address());
        Ok(PreparedCall { client, peer, call })
    }

    /// Sends one call and reads the whole answer, of at most 8 MiB.
    ///
    /// # Errors
    /// As [`Self::send`], or a `protocol` fault if the answer is larger.
    pub async fn get(&self, call: HttpCall) -> Result<Whole, Fault> {
        self.prepare(call).await?.whole(&Trace::new()).await
    }

    /// Does one call on connections of its own and reports how far it came: a step for each phase of
    /// connecting that took place, the failed one last.
    ///
    /// # Errors
    /// As [`Self::get`]; a fault of connecting was reported as a step, too.
    pub async fn probe(
        call: HttpCall,
        report: &mut (dyn FnMut(ConnectStep) + Send),
    ) -> Result<Whole, Fault> {
        let prepared = Self::default().prepare(call).await?;
        let first_hop = match &prepared.peer.proxy {
            Some(proxy) => format!("connected through the proxy {proxy}"),
            None => format!("connected to {}", prepared.peer.host),
        };
        let trace = Trace::new();
        let result = prepared.whole(&trace).await;
        let addresses: Vec<_> = trace.addresses().iter().map(ToString::to_string).collect();
        let phases = trace.phases();
        for (phase, span, found) in [
            (Phase::Dns, phases.dns, addresses.join(", ")),
            (Phase::Connect, phases.tcp, first_hop),
            (Phase::Tls, phases.tls, "the certificate is trusted".into()),
        ] {
            if let Some(span) = span {
                report(ConnectStep {
                    phase,
                    result: Ok(found),
                    took: Some(span.end.duration_since(span.begin)),
                });
            }
        }
        let connecting = [Phase::Prepare, Phase::Dns, Phase::Connect, Phase::Tls];
        if let Some(fault) = result
            .as_ref()
            .err()
            .filter(|f| connecting.contains(&f.phase))
        {
            report(ConnectStep {
                phase: fault.phase,
                result: Err(fault.clone()),
                took: None,
            });
        }
        result
    }
}

/// How one phase of connecting went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectStep {
    /// `dns`, `connect` or `tls`.
    pub phase: Phase,
    /// What was found, or what is wrong.
    pub result: Result<String, Fault>,
    /// How long it took, where it was done.
    pub took: Option<Duration>,
}

/// A call whose client is there: sending it starts its clock.
pub struct PreparedCall {
    client: Client,
    peer: Peer,
    call: HttpCall,
}

impl fmt::Debug for PreparedCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.call.fmt(f)
    }
}

impl PreparedCall {
    /// Sends the call and waits for its head; `trace` tells meanwhile how far it is.
    ///
    /// # Errors
    /// As [`Transport::send`].
    pub async fn send(self, trace: &Arc<Trace>) -> Result<HttpResponse, Fault> {
        let Self { client, peer, call } = self;
        let timeouts = call.connect.timeouts;
        let request = request(&client, call, trace);
        let response = tokio::select! {
            biased;
            response = trace.scope(request) => {
                response.map_err(|error| fault::of_send(&error.without_url(), &peer, trace))?
            }
            fault = out_of_time(trace, timeouts, &peer) => return Err(fault),
        };
        let headers_at = now();
        refuse(&response, &peer)?;
        let headers = response.headers().clone();
        let coding = Coding::of(&headers).map_err(|coding| {
            let message = format!(
                "{} compressed its answer as “{coding}”, which was not asked for",
                peer.host
            );
            Fault::new(FaultClass::Protocol, Phase::Headers, message)
        })?;
        let phases = client.opened.phases(trace, response.extensions());
        let connected = phases.tls.or(phases.tcp).map(|span| span.end);
        let sent = (trace.request_sent()).or(connected);
        Ok(HttpResponse {
            status: response.status().as_u16(),
            version: format!("{:?}", response.version()),
            headers,
            phases,
            request_sent: sent.unwrap_or(trace.began()).min(headers_at),
            headers_at,
            body: Box::pin(Incoming::new(
                response.bytes_stream(),
                coding,
                Caps::default(),
                peer.host.into(),
            )),
        })
    }

    async fn whole(self, trace: &Arc<Trace>) -> Result<Whole, Fault> {
        let total_ms = self.call.connect.timeouts.total_ms;
        let host = self.peer.host.clone();
        let reading = async {
            let mut response = self.send(trace).await?;
            let mut body = BytesMut::new();
            while let Some(chunk) = response.body.next().await {
                body.extend_from_slice(&chunk?.bytes);
                if body.len() > MAX_WHOLE_BODY {
                    let message = format!("{host} sent more than 8 MiB");
                    return Err(Fault::new(FaultClass::Protocol, Phase::Stream, message));
                }
            }
            Ok((response.status, response.headers, body.freeze()))
        };
        tokio::select! {
            result = reading => result,
            () = wait_until(deadline(trace.began(), total_ms)) => {
                let message = format!("{host} was not done within {} (total limit)", limit_text(total_ms));
                Err(Fault::new(FaultClass::Timeout, trace.phase(), message))
            }
        }
    }
}

async fn request(
    client: &Client,
    call: HttpCall,
    trace: &Arc<Trace>,
) -> reqwest::Result<reqwest::Response> {
    let mut headers = call.headers;
    headers
        .entry(header::ACCEPT_ENCODING)
        .or_insert(HeaderValue::from_static("gzip"));
    let mut request = client.http.request(call.method, call.url).headers(headers);
    if !call.body.is_empty() {
        let body = Outgoing::new(call.body, trace.clone());
        request = request.body(reqwest::Body::wrap(body));
    }
    request.send().await
}

/// Heads that are no answer of the endpoint: redirects, which are not followed so that no key goes to
/// another host, and a proxy's own refusal.
fn refuse(response: &reqwest::Response, peer: &Peer) -> Result<(), Fault> {
    let status = response.status();
    if let (407, false, Some(proxy)) = (status.as_u16(), peer.tls, &peer.proxy) {
        return Err(fault::of_proxy_password(proxy));
    }
    if !status.is_redirection() {
        return Ok(());
    }
    let location = response.headers().get(header::LOCATION);
    let target = location
        .and_then(|location| location.to_str().ok())
        .and_then(|location| response.url().join(location).ok());
    let target = target.map_or_else(
        || "nowhere".to_owned(),
        |url| format!("to {}://{}", url.scheme(), host_port(&url)),
    );
    let message = format!(
        "{} redirects {target} ({}); redirects are not followed, so that no key goes elsewhere:          if that is the right place, set it as the base URL",
        peer.host,
        status.as_u16()
    );
    Err(Fault {
        status: Some(status.as_u16()),
        ..Fault::new(FaultClass::Protocol, Phase::Headers, message)
    })
}

/// Waits until connecting, or waiting for the head, has lasted longer than it may.
async fn out_of_time(trace: &Trace, limits: Timeouts, peer: &Peer) -> Fault {
    loop {
        let (sent, own) = (trace.request_sent(), trace.connecting_span());
        let is_connecting = sent.is_none() && own.is_some_and(|(_, end)| end.is_none());
        let (begin, limit_ms) = if is_connecting {
            (own.map(|(begin, _)| begin), limits.connect_ms)
        } else {
            (sent.or(own.and_then(|(_, end)| end)), limits.first_token_ms)
        };
        let begin = begin.unwrap_or(trace.began());
        tokio::select! {
            () = trace.changed() => {}
            () = wait_until(deadline(begin, limit_ms)) => {
                let (what, limit) = if is_connecting {
                    ("was not connected to", "connect")
                } else {
                    ("did not begin to answer", "first-token")
                };
                let (host, within) = (&peer.host, limit_text(limit_ms));
                let message = format!("{host} {what} within {within} ({limit} limit)");
                return Fault::new(FaultClass::Timeout, trace.phase(), message);
            }
        }
    }
}

/// When a limit runs out; a limit of 0 never does.
pub(crate) fn deadline(begin: Instant, limit_ms: u64) -> Option<Instant> {
    (limit_ms > 0)
        .then(|| begin.checked_add(Duration::from_millis(limit_ms)))
        .flatten()
}

/// Waits for a deadline; without one, for ever.
pub(crate) async fn wait_until(deadline: Option<Instant>) {
    match deadline {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}

/// A limit as a person would write it.
pub(crate) fn limit_text(limit_ms: u64) -> String {
    if limit_ms.is_multiple_of(1000) {
        format!("{} s", limit_ms / 1000)
    } else {
        format!("{limit_ms} ms")
    }
}

/// `host:port` of a URL, without anything that could be secret.
fn host_port(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port_or_known_default() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place where the transport stamps"
)]
fn now() -> Instant {
    Instant::now()
}

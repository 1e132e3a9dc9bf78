//! The only client socket: sends a request, and stamps every read as its bytes come off the socket.
//!
//! In: an [`HttpCall`]. Out: an [`HttpResponse`] whose head, connection phases and reads carry
//! instants. Nothing here knows a dialect.
//!
//! Nothing is ever sent twice: no retry, no redirect. The one exception: if a pooled connection turns out to be
//! closed before a byte of the request was written, the request goes out on a new one.

mod acknowledged;
mod body;
mod call;
mod certificate;
mod client;
mod coding;
mod connection;
mod connector;
mod fault;
mod joint_waker;
mod kernel;
mod open_files;
mod opened;
mod options;
mod outgoing;
mod peer;
mod phases;
mod pool;
mod proxy;
mod race;
mod send;
mod socket;
mod this_machine;
mod tls;
mod upload;
mod wakeup;

use std::{
    fmt,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::Stream;
use http::HeaderMap;
use url::Url;

use self::{acknowledged::RequestEnd, client::PoolRegistry, proxy::Via, socket::Socket};
pub use self::{
    call::PreparedCall,
    certificate::ServerCertificate,
    coding::unpacked,
    kernel::TcpInfo,
    open_files::allow_many_sockets,
    opened::{AddressTry, TlsSession, TlsVersion, TryOutcome},
    options::{ConnectOptions, HttpVersion, Timeouts},
    peer::Peer,
    phases::Trace,
    socket::ConnectionLoss,
    this_machine::is_this_machine,
    upload::Upload,
};
use crate::{
    event::{Fault, Note},
    mask::{Mask, Secrets},
    visible::shown_url,
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
    pub body: Upload,
    /// How to connect.
    pub connect: ConnectOptions,
    /// The proxy's password, where it needs one.
    pub proxy_password: Option<secrecy::SecretString>,
    /// Whether it must open a new connection, even if an idle one could be reused.
    pub cold: bool,
    /// Whether the response's body is passed on as it came: compressed if it is, and without a limit of its size.
    pub as_is: bool,
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

impl HttpCall {
    /// The mask for the secrets of this call: its sensitive headers, secret fields of its query, its proxy's
    /// password, and `other`.
    #[must_use]
    pub fn mask(&self, other: Option<&secrecy::SecretString>) -> Mask {
        let mut secrets = Secrets::default();
        secrets.of_headers(&self.headers);
        secrets.of_url(&self.url);
        let proxy = self.connect.proxy.as_deref().map(Url::parse);
        if let Some(Ok(proxy)) = proxy {
            secrets.of_url(&proxy);
        }
        let others = self.proxy_password.iter().chain(other);
        others.for_each(|secret| secrets.of_secret(secret));
        secrets.mask()
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

/// The connection that a call went over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionUse {
    /// Its number, which no other connection of this process has.
    pub id: u64,
    /// When it was ready for its first request.
    pub opened: Instant,
    /// How many calls it was given, this one included.
    pub uses: u64,
    /// The address of its other end: the proxy's, where there is one.
    pub address: Option<SocketAddr>,
    /// What TLS with the host agreed on, if it is used.
    pub tls: Option<TlsSession>,
    /// `TCP_INFO` before the call.
    pub tcp: Option<TcpInfo>,
}

/// What is known of the connection of a call.
#[derive(Clone, Debug, Default)]
pub struct CallConnection {
    /// The connection that the call was sent over; `None` if there was none.
    pub used: Option<ConnectionUse>,
    /// Reads its statistics, also of one that was not ready for the call.
    pub tcp: Option<TcpLink>,
    /// The addresses that were tried to open it; none if the call did not open it.
    pub tries: Vec<AddressTry>,
}

/// Reads what the system says of a call's connection.
#[derive(Clone, Debug)]
pub struct TcpLink {
    socket: Socket,
    request: Option<Arc<RequestEnd>>,
}

impl TcpLink {
    fn new(socket: Socket, request: Option<Arc<RequestEnd>>) -> Self {
        Self { socket, request }
    }

    /// `TCP_INFO` now; `None` on systems other than Linux.
    #[must_use]
    pub fn info(&self) -> Option<TcpInfo> {
        self.socket.tcp_info()
    }

    /// The address of the connection's other end.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.socket.address()
    }

    /// When the other side's TCP acknowledged the last byte of the request, if it has; Linux only.
    #[must_use]
    pub fn acknowledged(&self) -> Option<Instant> {
        self.socket.acknowledged(self.request.as_deref()?)
    }

    /// How the connection was lost, if it was.
    #[must_use]
    pub fn lost(&self) -> Option<ConnectionLoss> {
        self.socket.lost()
    }

    pub(super) fn was_reset(&self) -> bool {
        self.socket.was_reset()
    }

    /// Whether the other side has acknowledged nothing since bytes were sent, though they were sent again; Linux only.
    #[must_use]
    pub fn is_unacknowledged(&self) -> bool {
        self.socket.is_unacknowledged()
    }
}

/// When bytes arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// When this program read them.
    pub at: Instant,
    /// When the kernel received the last of them (Linux only); where that was before earlier bytes, which had been lost,
    /// when they could be read.
    pub kernel_at: Option<Instant>,
    /// Whether some may have arrived before `kernel_at`: they came in several segments, and the stamp is that of the
    /// last.
    pub is_at_most: bool,
    /// How long the first of these may have waited until they were read, at most, by how busy this machine was, in
    /// nanoseconds; `None` if it is not known. The kernel says it in full where `is_at_most` is false, and then there is
    /// none.
    pub waited: Option<u32>,
}

impl Stamp {
    /// A stamp without the kernel's time.
    #[must_use]
    pub fn own(at: Instant) -> Self {
        Self {
            at,
            kernel_at: None,
            is_at_most: false,
            waited: None,
        }
    }

    /// How much later than they arrived this program read the first of these bytes: exactly, or at most where they came
    /// in several segments. `None` without the kernel's time.
    #[must_use]
    pub fn delay(&self) -> Option<Duration> {
        let after_last = self.at.saturating_duration_since(self.kernel_at?);
        let waited = self.waited.map(|ns| Duration::from_nanos(ns.into()));
        Some(after_last.max(waited.unwrap_or_default()))
    }
}

/// Bytes of a response body, or its trailers.
#[derive(Clone, Debug)]
pub struct BodyChunk {
    /// When they came off the socket.
    pub stamp: Stamp,
    /// The bytes, after content decoding.
    pub bytes: Bytes,
    /// The trailers; no bytes come with or after them.
    pub trailers: Option<HeaderMap>,
    /// A note on how the body is compressed.
    pub note: Option<Note>,
}

/// The head of a response.
#[derive(Clone, Debug)]
pub struct Head {
    /// HTTP status.
    pub status: u16,
    /// `HTTP/1.1`, `HTTP/2.0`, …
    pub version: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// The phases of the call's own connection; blank on a warm one.
    pub phases: ConnectPhases,
    /// The connection of the call.
    pub connection: ConnectionUse,
    /// Reads what the system says of that connection.
    pub tcp: TcpLink,
    /// The addresses that were tried to open it; none if the call did not open it.
    pub tries: Vec<AddressTry>,
    /// When the connection took the last byte of the body for writing: at most one socket buffer was not sent yet.
    /// Without a body, when the connection was ready.
    pub request_sent: Instant,
    /// When the head arrived.
    pub stamp: Stamp,
}

/// A response whose body is still coming. Dropping it closes the exchange at once.
pub struct HttpResponse {
    /// Its head.
    pub head: Head,
    /// The body.
    pub body: Pin<Box<dyn Stream<Item = Result<BodyChunk, Fault>> + Send>>,
}

impl fmt::Debug for HttpResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpResponse")
            .field("status", &self.head.status)
            .finish_non_exhaustive()
    }
}

/// Keeps connections between calls. Cheap to clone; clones share the pool.
///
/// Over HTTP/2 calls share a connection up to its server's limit of streams (often 100), and open the next past it.
#[derive(Clone, Default)]
pub struct Transport {
    pools: Arc<PoolRegistry>,
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport").finish_non_exhaustive()
    }
}

impl Transport {
    /// Does what a call needs before its clock may start: finds its way of connecting, or sets it up.
    ///
    /// # Errors
    /// A fault in `prepare`, if the proxy or the certificate file can't be used.
    pub async fn prepare(&self, call: HttpCall) -> Result<PreparedCall, Fault> {
        let proxy = call.connect.proxy.as_deref();
        let via = Via::new(&call.url, proxy, call.proxy_password.as_ref())?;
        let pool = self.pools.pool(&call.url, &via, &call.connect).await?;
        Ok(PreparedCall::new(pool, &via, call))
    }

    /// Opens connections for `call` until so many calls at once would find one, and sends nothing.
    ///
    /// # Errors
    /// A fault of connecting, or that the call's limit for connecting ran out.
    pub async fn ensure_warm(&self, call: HttpCall, count: usize) -> Result<(), Fault> {
        self.prepare(call).await?.warm(count).await
    }
}

/// An HTTP version as heads of responses and captures have it: `HTTP/1.1`, `HTTP/2.0`.
pub(crate) fn version_text(version: http::Version) -> String {
    format!("{version:?}")
}

/// A limit for messages: `10 s`, or `1500 ms`.
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

//! What the HTTP servers of this program have in common: connections within limits, TLS, who may ask, responses.
//!
//! In: connections of a listener. Out: their requests to a [`Respond`], and its responses.
//!
//! axum's own server has no time limit for a request head, so connections are served with hyper.

mod linger;
mod names;
mod reply;
mod request;
mod self_report;
mod thread;
mod tls;
mod waiting;

use std::{
    fmt, io,
    net::{IpAddr, SocketAddr},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use http::{HeaderValue, Request, Response, Version, header};
use http_body::Body as _;
use hyper::{body::Incoming, server::conn, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpSocket, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use self::{
    linger::{Lingering, watched},
    waiting::{GRACE, IdleConnections, WaitingPlace},
};
pub use self::{
    names::{AllowedNames, check_names},
    reply::{ReplyBody, Stop, finish, full, json_response, refused},
    request::{MAX_BODY, nothing_here, only, whole_body},
    self_report::{healthy, metrics_response},
    thread::RunningServer,
    tls::Tls,
};

/// Connections at once; further ones wait.
const MAX_CONNECTIONS: usize = 16_384;
/// Longest wait for a request head; hyper counts a kept connection's idle time in.
const HEAD_TIMEOUT: Duration = Duration::from_mins(1);
/// Longest wait for a connection's first bytes, or its TLS handshake.
const FIRST_TIMEOUT: Duration = Duration::from_secs(10);
/// Largest request head.
const MAX_HEAD: usize = 64 << 10;
/// Pause after a failed accept (no file descriptor left).
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Connections that may wait to be accepted: a thousand clients that start at once must not have
/// to repeat their SYN.
const BACKLOG: u32 = 4_096;

/// What answers the requests of a server.
pub trait Respond: Send + Sync + 'static {
    /// Its connections: TCP streams, or what watches one.
    type Connection: AsyncRead + AsyncWrite + Unpin + Send + 'static;
    /// What a request may know of its connection.
    type Handle: Clone + Send + Sync + 'static;
    /// The name in the header `server` of its responses.
    const NAME: &'static str;

    /// Takes over a connection.
    fn connection(&self, stream: TcpStream) -> (Self::Connection, Self::Handle);

    /// Answers one request; an error closes the connection.
    fn respond(
        &self,
        connection: Self::Handle,
        request: Request<Incoming>,
    ) -> impl Future<Output = io::Result<Response<ReplyBody>>> + Send;

    /// Waits for what requests that are over have left to do.
    fn rest(&self) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }
}

/// Logs a request in one line without its contents, and tells whoever asked for it.
pub fn log(listener: Option<fn(&str)>, line: &impl fmt::Display) {
    tracing::debug!("{line}");
    if let Some(listener) = listener {
        listener(&line.to_string());
    }
}

/// Listens on this address; port 0 picks a free one. Several listeners may share an address: the system gives each of
/// them its part of the connections.
fn listen(address: SocketAddr, is_shared: bool) -> io::Result<TcpListener> {
    let socket = match address.ip() {
        IpAddr::V4(_) => TcpSocket::new_v4(),
        IpAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    #[cfg(all(unix, not(target_os = "solaris"), not(target_os = "illumos")))]
    if is_shared {
        socket.set_reuseport(true)?;
    }
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// A server: what answers, with or without TLS.
struct HttpServer<R> {
    respond: R,
    tls: Option<Arc<Tls>>,
    waiting: IdleConnections,
    /// Once it is cancelled, no more connections are taken, and those that are open end after their request.
    drain: CancellationToken,
}

impl<R: Respond> HttpServer<R> {
    /// A server that answers so.
    fn new(respond: R, tls: Option<Arc<Tls>>, drain: CancellationToken) -> Self {
        Self {
            respond,
            tls,
            waiting: IdleConnections::default(),
            drain,
        }
    }

    /// Serves until it is dropped, or all requests are over once it drains.
    async fn serve(self, listener: TcpListener) {
        let server = Arc::new(self);
        let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let drain = server.drain.clone();
        loop {
            let slot = slot(&slots, &server.waiting).await;
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = drain.cancelled() => break,
            };
            match accepted {
                Ok((stream, _)) => {
                    let server = Arc::clone(&server);
                    let place = Arc::new(server.waiting.enter());
                    let drained = idle_drained(drain.clone(), Arc::clone(&place));
                    tokio::spawn(async move {
                        let ended = tokio::select! {
                            ended = server.connection(stream, Arc::clone(&place)) => ended,
                            () = place.gives_way() => Err(ConnectionError::GaveWay),
                            () = drained => Err(ConnectionError::GaveWay),
                        };
                        if let Err(error) = ended {
                            tracing::debug!(%error, "a connection ended");
                        }
                        drop(slot);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "can't accept a connection");
                    server.waiting.make_room();
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        // New connections are refused from here on.
        drop(listener);
        let all = u32::try_from(MAX_CONNECTIONS).unwrap_or(u32::MAX);
        // The semaphore is never closed.
        let _ = slots.acquire_many(all).await;
        server.respond.rest().await;
    }

    async fn connection(
        self: Arc<Self>,
        stream: TcpStream,
        place: Arc<WaitingPlace>,
    ) -> Result<(), ConnectionError> {
        stream.set_nodelay(true)?;
        let Some(tls) = self.tls.clone() else {
            let http2 = timeout(FIRST_TIMEOUT, speaks_http2(&stream)).await??;
            let (connection, handle) = self.respond.connection(stream);
            return self.speak(connection, handle, http2, place).await;
        };
        let (connection, handle) = self.respond.connection(stream);
        let stream = timeout(FIRST_TIMEOUT, tls.acceptor.accept(connection)).await??;
        let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        self.speak(stream, handle, http2, place).await
    }

    /// Speaks HTTP until the connection ends.
    async fn speak<S>(
        self: Arc<Self>,
        stream: S,
        handle: R::Handle,
        http2: bool,
        place: Arc<WaitingPlace>,
    ) -> Result<(), ConnectionError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let drain = self.drain.clone();
        let waits = Arc::new(AtomicBool::new(false));
        let io = TokioIo::new(Lingering::new(stream, Arc::clone(&waits)));
        let service = service_fn(move |request: Request<Incoming>| {
            place.asked();
            let (server, handle, waits) = (Arc::clone(&self), handle.clone(), Arc::clone(&waits));
            let may_linger = request.version() < Version::HTTP_2 && !request.body().is_end_stream();
            async move {
                // Boxed, since hyper keeps room for this future as long as the connection is open.
                let respond = Box::pin(server.respond.respond(handle, request));
                let (response, is_read) = watched(respond).await;
                let mut response = response?;
                let name = HeaderValue::from_static(R::NAME);
                response.headers_mut().insert(header::SERVER, name);
                if may_linger && !is_read {
                    waits.store(true, Ordering::Relaxed);
                    let close = HeaderValue::from_static("close");
                    response.headers_mut().insert(header::CONNECTION, close);
                }
                io::Result::Ok(response)
            }
        });
        if http2 {
            let mut http2 = conn::http2::Builder::new(TokioExecutor::new());
            http2.timer(TokioTimer::new());
            let mut connection = pin!(http2.serve_connection(io, service));
            tokio::select! {
                ended = connection.as_mut() => return Ok(ended?),
                () = drain.cancelled() => connection.as_mut().graceful_shutdown(),
            }
            connection.await?;
        } else {
            let mut http1 = conn::http1::Builder::new();
            http1.timer(TokioTimer::new());
            http1.header_read_timeout(HEAD_TIMEOUT);
            http1.max_header_size(MAX_HEAD);
            let mut connection = pin!(http1.serve_connection(io, service));
            tokio::select! {
                ended = connection.as_mut() => return Ok(ended?),
                () = drain.cancelled() => connection.as_mut().graceful_shutdown(),
            }
            connection.await?;
        }
        Ok(())
    }
}

/// Waits until the server drains, while a connection has asked nothing.
async fn idle_drained(drain: CancellationToken, place: Arc<WaitingPlace>) {
    drain.cancelled().await;
    if place.has_asked() {
        std::future::pending::<()>().await;
    }
}

/// A place among the connections, once there is one.
async fn slot(slots: &Arc<Semaphore>, waiting: &IdleConnections) -> Option<OwnedSemaphorePermit> {
    loop {
        let slot = Arc::clone(slots).acquire_owned();
        match timeout(GRACE, slot).await {
            // The semaphore is never closed.
            Ok(slot) => return slot.ok(),
            Err(_) => waiting.make_room(),
        }
    }
}

/// Why a connection ended early.
#[derive(Debug, thiserror::Error)]
enum ConnectionError {
    #[error("it asked nothing, and others wait")]
    GaveWay,
    #[error("no request came in time")]
    Idle(#[from] tokio::time::error::Elapsed),
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Http(#[from] hyper::Error),
}

/// Whether the client begins with HTTP/2's preface, known from its first two bytes. hyper-util's
/// automatic server does the same, but waits for them without a time limit.
async fn speaks_http2(stream: &TcpStream) -> io::Result<bool> {
    let mut first = [0; 2];
    loop {
        match stream.peek(&mut first).await? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            1 if first[0] == b'P' => tokio::time::sleep(Duration::from_millis(1)).await,
            _ => return Ok(&first == b"PR"),
        }
    }
}

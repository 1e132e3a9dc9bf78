//! HTTP/1.1 and HTTP/2 connections, each with an identity that its responses carry.

use std::{
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::{
    ConnectionUse,
    connector::Io,
    joint_waker::JointWaker,
    outgoing::OutgoingBody,
    phases::{Marks, lock},
    socket::{Socket, Unread},
};
use crate::clock::now;

/// Most headers of a response, and bytes of them all. hyper reads 100 by default, and servers behind several proxies
/// send more.
const MAX_HEADERS: usize = 1_000;
const MAX_HEADER_BYTES: u32 = 256 << 10;

/// A ping distinguishes a dead connection from a silent answer. gRPC servers close a connection that pings more often
/// than every five minutes.
const PING: Duration = Duration::from_mins(5);
const PONG_WITHIN: Duration = Duration::from_secs(20);

/// How many streams an HTTP/2 connection takes until its server has said so.
pub(super) const USUAL_STREAMS: usize = 100;

/// Which connection it is, how it was made, and how often it was used.
#[derive(Debug)]
pub(super) struct Identity {
    id: u64,
    opened: Instant,
    uses: AtomicU64,
    pub(super) marks: Arc<Marks>,
    pub(super) socket: Socket,
}

impl Identity {
    pub(super) fn new(marks: Arc<Marks>, socket: Socket) -> Arc<Self> {
        static COUNT: AtomicU64 = AtomicU64::new(1);
        Arc::new(Self {
            id: COUNT.fetch_add(1, Relaxed),
            opened: now(),
            uses: AtomicU64::new(0),
            marks,
            socket,
        })
    }

    /// Counts a use, and returns its record.
    pub(super) fn used(&self) -> ConnectionUse {
        self.socket.count_from_here();
        ConnectionUse {
            id: self.id,
            opened: self.opened,
            uses: self.uses.fetch_add(1, Relaxed) + 1,
            address: self.socket.address(),
            tls: self.marks.session(),
            tcp: self.socket.tcp_info(),
        }
    }
}

/// An HTTP/1.1 connection. It has no task of its own: its holder polls it, so that each piece of an answer is taken
/// in the same poll that read it from the socket.
pub(super) struct Http1 {
    pub(super) identity: Arc<Identity>,
    pub(super) sender: http1::SendRequest<OutgoingBody>,
    /// Gone once the connection is closed.
    driver: Option<Box<Http1Driver>>,
    waker: JointWaker,
}

impl Http1 {
    pub(super) async fn over(io: Io, identity: Arc<Identity>) -> hyper::Result<Self> {
        let mut builder = http1::Builder::new();
        let (sender, driver) = builder.max_headers(MAX_HEADERS).handshake(io).await?;
        Ok(Self {
            identity,
            sender,
            driver: Some(Box::new(driver)),
            waker: JointWaker::default(),
        })
    }

    /// Polls the connection and `part`, which waits for what comes over it.
    pub(super) fn poll_with<T>(
        &mut self,
        cx: &mut Context<'_>,
        mut part: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let Self { driver, waker, .. } = self;
        waker.poll(cx, |cx| {
            drive(driver, cx);
            part(cx)
        })
    }

    /// Whether it waits for a request.
    pub(super) fn is_idle(&mut self) -> bool {
        let mut cx = Context::from_waker(Waker::noop());
        drive(&mut self.driver, &mut cx);
        self.driver.is_some() && matches!(self.sender.poll_ready(&mut cx), Poll::Ready(Ok(())))
    }

    /// Whether it can take a request after having been idle. Bytes that came meanwhile may belong to TLS; any other
    /// bytes, or the end of the connection, make it stale.
    pub(super) fn is_fresh(&mut self) -> bool {
        let socket = self.identity.socket.clone();
        match socket.unread() {
            Unread::Nothing => self.is_idle(),
            Unread::Bytes => self.is_idle() && socket.unread() == Unread::Nothing,
            Unread::End => false,
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.identity.socket.unread() == Unread::End
    }
}

/// Polls a connection: reads and writes what is possible now. Errors show up in the request and in the body.
fn drive(driver: &mut Option<Box<Http1Driver>>, cx: &mut Context<'_>) {
    if let Some(open) = driver
        && Pin::new(open).poll(cx).is_ready()
    {
        *driver = None;
    }
}

type Http1Driver = http1::Connection<Io, OutgoingBody>;
type Http2Driver = http2::Connection<Io, OutgoingBody, TokioExecutor>;

/// An HTTP/2 connection, shared by its streams.
pub(super) struct Http2 {
    pub(super) identity: Arc<Identity>,
    pub(super) sender: http2::SendRequest<OutgoingBody>,
    /// Gone once the connection has ended: requests would wait in it for ever, and its socket stay open.
    driver: Arc<Mutex<Option<Http2Driver>>>,
    usage: Mutex<StreamUsage>,
}

/// How an HTTP/2 connection is used.
struct StreamUsage {
    streams: usize,
    /// Whether it is among those that are known to have room.
    is_listed: bool,
    /// Whether it may be dead: a request got no byte over it. It takes no further ones.
    is_doubtful: bool,
    /// When a stream ended last.
    released: Instant,
}

impl Http2 {
    /// A connection with one stream, which its opener has.
    pub(super) async fn over(io: Io, identity: Arc<Identity>) -> hyper::Result<Arc<Self>> {
        let (sender, driver) = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .initial_max_send_streams(USUAL_STREAMS)
            .max_header_list_size(MAX_HEADER_BYTES)
            .keep_alive_interval(PING)
            .keep_alive_timeout(PONG_WITHIN)
            .handshake(io)
            .await?;
        let driver = Arc::new(Mutex::new(Some(driver)));
        let spoken = driver.clone();
        tokio::spawn(std::future::poll_fn(move |cx| {
            let mut driver = lock(&spoken);
            let Some(open) = &mut *driver else {
                return Poll::Ready(());
            };
            Pin::new(open).poll(cx).map(|ended| {
                *driver = None;
                if let Err(error) = ended {
                    tracing::debug!(%error, "an HTTP/2 connection ended");
                }
            })
        }));
        let usage = StreamUsage {
            streams: 1,
            is_listed: false,
            is_doubtful: false,
            released: now(),
        };
        Ok(Arc::new(Self {
            identity,
            sender,
            driver,
            usage: Mutex::new(usage),
        }))
    }

    /// Takes a stream if there is room; returns whether it was taken, and whether there is room for more.
    pub(super) fn take_stream(&self) -> (bool, bool) {
        let limit = self.limit();
        let mut usage = lock(&self.usage);
        let is_taken = usage.streams < limit && !usage.is_doubtful;
        usage.streams += usize::from(is_taken);
        usage.is_listed = usage.streams < limit && !usage.is_doubtful;
        (is_taken, usage.is_listed)
    }

    /// Gives a stream back.
    pub(super) fn end_stream(&self) {
        let mut usage = lock(&self.usage);
        usage.streams -= 1;
        usage.released = now();
    }

    /// Marks it as listed; returns whether it has room and was not listed before.
    pub(super) fn is_to_be_listed(&self) -> bool {
        let limit = self.limit();
        let mut usage = lock(&self.usage);
        let has_room = usage.streams < limit && !usage.is_doubtful;
        let is_news = !usage.is_listed && has_room && !self.sender.is_closed();
        usage.is_listed |= is_news;
        is_news
    }

    /// A request was given up, and not one byte came over it since it was sent: the network may have dropped it
    /// without a word.
    pub(super) fn doubt(&self) {
        lock(&self.usage).is_doubtful = true;
    }

    /// Whether nothing has gone over it for so long.
    pub(super) fn is_unused(&self, span: Duration) -> bool {
        let usage = lock(&self.usage);
        usage.streams == 0
            && (usage.is_doubtful || now().saturating_duration_since(usage.released) >= span)
    }

    /// How many streams its server allows at once; none once the connection has ended.
    pub(super) fn limit(&self) -> usize {
        let driver = lock(&self.driver);
        driver
            .as_ref()
            .map_or(0, Http2Driver::current_max_send_streams)
    }
}

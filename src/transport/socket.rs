//! The TCP connection, below TLS and HTTP. Each of its reads is stamped before anything else is done with it.

use std::{
    io,
    mem::MaybeUninit,
    net::{Shutdown, SocketAddr},
    pin::Pin,
    sync::{Arc, Mutex, OnceLock},
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use socket2::{SockRef, TcpKeepalive};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use super::{
    Stamp,
    acknowledged::{RequestEnd, RequestEnds},
    kernel::{self, Receiver, SocketRead, TcpInfo},
    phases::lock,
    wakeup::{ReadWaker, Wakeup},
};
use crate::event::words;

/// TCP keep-alive: idle time before the first probe, which is also the time between probes, and how many unanswered
/// probes end the connection.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
const KEEP_ALIVES: u32 = 3;

/// How long written bytes may stay unacknowledged before the connection is closed.
#[cfg(target_os = "linux")]
const UNACKNOWLEDGED: Duration = Duration::from_secs(30);

/// A handle on a TCP connection, for stamps and statistics while HTTP goes over its [`SocketStream`].
#[derive(Clone, Debug)]
pub(super) struct Socket(Arc<SocketInner>);

#[derive(Debug)]
struct SocketInner {
    tcp: TcpStream,
    /// The address of the other end.
    address: Option<SocketAddr>,
    reads: Mutex<SocketReads>,
    ends: RequestEnds,
    /// The kind of the first error that says that the connection was lost.
    lost: OnceLock<io::ErrorKind>,
}

words! {
    /// How a connection was lost.
    ConnectionLoss {
        /// The other side, or something on the way, reset it (RST).
        Reset = "reset",
        /// The other side acknowledges nothing any more, and has not closed it.
        HalfOpen = "half_open",
    }
}

impl ConnectionLoss {
    /// What an error of the socket says. A reset after the other side's end is a broken pipe.
    fn of(error: io::ErrorKind) -> Option<Self> {
        match error {
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe => Some(Self::Reset),
            io::ErrorKind::TimedOut => Some(Self::HalfOpen),
            _ => None,
        }
    }
}

#[derive(Debug, Default)]
struct SocketReads {
    last: Option<SocketRead>,
    /// The last read at which the kernel was asked for the segments, and whether a read since the time before held
    /// several.
    counted: (u64, bool),
    /// How many segments with data there were then.
    segments: u32,
}

impl SocketReads {
    /// Whether one of the reads since the last count held several segments, by how many the socket has received.
    fn held_several(&mut self, tcp: &TcpStream, number: u64) -> bool {
        let (counted, several) = self.counted;
        if number == counted {
            return several;
        }
        let segments = kernel::segments_in(tcp).unwrap_or(self.segments);
        let came = segments.wrapping_sub(std::mem::replace(&mut self.segments, segments));
        self.counted = (number, u64::from(came) > number - counted);
        self.counted.1
    }
}

/// Bytes that surely fit into one TCP segment: the smallest usual maximum of a segment.
const SURELY_ONE_SEGMENT: usize = 536;
/// Most bytes of a read around a piece of a body: a few TLS records and the frame of an HTTP chunk.
const FRAMING: usize = 64;

/// Whether a read may hold several events or come from several segments, by a piece of a body that came with it (empty
/// for a head or trailers). Most reads of a stream hold one short line; asking the kernel about these, too, would cost
/// 2 % of a run's CPU time.
fn may_hold_several(read: &SocketRead, piece: &[u8]) -> bool {
    piece.is_empty()
        || piece.len() > SURELY_ONE_SEGMENT
        || read.bytes > piece.len() + FRAMING
        || memchr::memchr(b'\n', piece.trim_ascii_end()).is_some()
}

/// The kernel's clock and ours agree better than this.
const CLOCKS_AGREE: Duration = Duration::from_micros(100);

/// Takes in when the socket was found readable. After a loss, the kernel's stamp is that of the last segment in the order
/// of the bytes, which came before the lost one was sent again and could not be read until then: that is known by nothing
/// having been readable yet. `has_out_of_order` says whether this connection had such segments at all.
fn found_readable(read: &mut SocketRead, wakeup: Wakeup, has_out_of_order: impl FnOnce() -> bool) {
    read.waited = wakeup.waited();
    let earliest = wakeup
        .before
        .and_then(|before| wakeup.at.checked_sub(before));
    let is_before = (read.kernel_at.zip(earliest))
        .is_some_and(|(kernel_at, earliest)| kernel_at + CLOCKS_AGREE < earliest);
    if is_before && has_out_of_order() {
        read.kernel_at = Some(wakeup.at);
        read.out_of_order = true;
    }
}

/// The stream that is read and written.
pub(super) struct SocketStream {
    socket: Socket,
    receiver: Receiver,
    waker: ReadWaker,
    /// How many bytes were written.
    written: u64,
    /// Ends when a write that would have blocked may be tried again, where tokio can't tell.
    blocked: Option<Pin<Box<dyn Future<Output = io::Result<()>> + Send>>>,
}

/// What is waiting to be read from a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unread {
    Nothing,
    Bytes,
    /// It is closed or broken.
    End,
}

impl Socket {
    /// Takes a new connection, and sets its options: no delay of small writes, and dead peers are detected.
    pub(super) fn new(tcp: TcpStream) -> (Self, SocketStream) {
        let options = SockRef::from(&tcp);
        let keep_alive = TcpKeepalive::new()
            .with_time(KEEP_ALIVE)
            .with_interval(KEEP_ALIVE);
        #[cfg(not(any(target_os = "openbsd", target_os = "haiku")))]
        let keep_alive = keep_alive.with_retries(KEEP_ALIVES);
        let set = [
            tcp.set_nodelay(true),
            options.set_tcp_keepalive(&keep_alive),
            #[cfg(target_os = "linux")]
            options.set_tcp_user_timeout(Some(UNACKNOWLEDGED)),
        ];
        for error in set.into_iter().filter_map(Result::err) {
            tracing::debug!(%error, "a socket option was not taken");
        }
        let receiver = Receiver::new(&tcp);
        let socket = Self(Arc::new(SocketInner {
            address: tcp.peer_addr().ok(),
            tcp,
            reads: Mutex::default(),
            ends: RequestEnds::default(),
            lost: OnceLock::new(),
        }));
        let stream = SocketStream {
            socket: socket.clone(),
            receiver,
            waker: ReadWaker::default(),
            written: 0,
            blocked: None,
        };
        (socket, stream)
    }

    /// Counts reads and segments from here on: what came before is of no later answer.
    pub(super) fn count_from_here(&self) {
        let mut reads = lock(&self.0.reads);
        let number = reads.last.map_or(0, |read| read.number);
        reads.held_several(&self.0.tcp, number);
    }

    /// How many reads there were.
    pub(super) fn reads(&self) -> u64 {
        (lock(&self.0.reads).last).map_or(0, |read| read.number)
    }

    /// The stamp of bytes that this program read at `at`, and that came with the last socket read. On a shared
    /// connection that read surely belongs to these bytes only if it is the first since the `seen` ones; else the
    /// stamp is an upper bound. It is one, too, where a read held several segments: it is that of the last. `piece` is
    /// what these bytes are of a body; empty for a head or trailers.
    pub(super) fn stamp(
        &self,
        at: Instant,
        seen: &mut u64,
        is_shared: bool,
        piece: &[u8],
    ) -> Stamp {
        let mut reads = lock(&self.0.reads);
        let Some(read) = reads.last else {
            return Stamp::own(at);
        };
        let new_reads = read.number - std::mem::replace(seen, read.number);
        let is_at_most = is_shared && new_reads != 1
            || read.out_of_order
            || may_hold_several(&read, piece) && reads.held_several(&self.0.tcp, read.number);
        Stamp {
            at,
            kernel_at: read.kernel_at,
            is_at_most,
            waited: read.waited.filter(|_| is_at_most),
        }
    }

    /// The address of the other end.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        self.0.address
    }

    /// What is written from here on may hold the last byte of this request.
    pub(super) fn ends_request(&self, end: &Arc<RequestEnd>) {
        self.0.ends.begin(&self.0.tcp, end);
    }

    /// When the last byte of a request was acknowledged, if it was.
    pub(super) fn acknowledged(&self, end: &RequestEnd) -> Option<Instant> {
        self.0.ends.read_if_waiting(&self.0.tcp);
        end.acknowledged()
    }

    /// How the connection was lost, if it was.
    pub(super) fn lost(&self) -> Option<ConnectionLoss> {
        self.0.lost.get().copied().and_then(ConnectionLoss::of)
    }

    /// Whether the other side reset it before it had ended it. Only one read or write is told so: to those after it, the
    /// connection looks closed.
    pub(super) fn was_reset(&self) -> bool {
        self.0.lost.get() == Some(&io::ErrorKind::ConnectionReset)
    }

    /// Whether bytes of this side are unacknowledged although they were sent again.
    pub(super) fn is_unacknowledged(&self) -> bool {
        kernel::is_unacknowledged(&self.0.tcp)
    }

    /// Keeps what an error says of the connection.
    fn note_loss(&self, error: &io::Error) {
        if ConnectionLoss::of(error.kind()).is_some() {
            let _ = self.0.lost.set(error.kind());
        }
    }

    /// `TCP_INFO`, on Linux.
    pub(super) fn tcp_info(&self) -> Option<TcpInfo> {
        kernel::tcp_info(&self.0.tcp)
    }

    /// Peeks whether there is something to be read.
    pub(super) fn unread(&self) -> Unread {
        let mut byte = [MaybeUninit::uninit()];
        match SockRef::from(&self.0.tcp).peek(&mut byte) {
            Ok(0) => Unread::End,
            Ok(_) => Unread::Bytes,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Unread::Nothing,
            Err(_) => Unread::End,
        }
    }
}

impl SocketStream {
    /// Writes what the socket takes.
    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let SocketInner { tcp, ends, .. } = &*self.socket.0;
        loop {
            let has_stamped = ends.has_stamped();
            let sent = if has_stamped {
                if let Some(blocked) = &mut self.blocked {
                    ready!(blocked.as_mut().poll(cx))?;
                    self.blocked = None;
                }
                SockRef::from(tcp).send_vectored(slices)
            } else {
                ready!(tcp.poll_write_ready(cx))?;
                tcp.try_write_vectored(slices)
            };
            match sent {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if has_stamped {
                        // Stamps that are there would end the wait at once.
                        ends.read(tcp);
                        self.blocked = Some(kernel::writable(tcp)?);
                    }
                }
                sent => return Poll::Ready(sent),
            }
        }
    }
}

impl AsyncRead for SocketStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Self {
            socket,
            receiver,
            waker,
            ..
        } = &mut *self;
        let tcp = &socket.0.tcp;
        loop {
            ready!(waker.poll(cx, |cx| tcp.poll_read_ready(cx)))?;
            match receiver.receive(tcp, buffer) {
                Ok(mut read) => {
                    if let Some(wakeup) = waker.wakeup() {
                        found_readable(&mut read, wakeup, || kernel::out_of_order(tcp) > 0);
                    }
                    if read.emptied {
                        waker.emptied();
                    }
                    lock(&socket.0.reads).last = Some(read);
                    socket.0.ends.read_if_waiting(tcp);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => {
                    socket.note_loss(&error);
                    return Poll::Ready(Err(error));
                }
            }
        }
    }
}

impl AsyncWrite for SocketStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[io::IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(self.poll_send(cx, slices));
        match &written {
            Ok(bytes) => self.written += *bytes as u64,
            Err(error) => self.socket.note_loss(error),
        }
        Poll::Ready(written)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let inner = &self.socket.0;
        inner.ends.flushed(&inner.tcp, self.written);
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(SockRef::from(&self.socket.0.tcp).shutdown(Shutdown::Write))
    }
}

#[cfg(test)]
mod tests;

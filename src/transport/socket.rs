//! The TCP connection, below TLS and HTTP. Each of its reads is stamped before anything else is done with it.

use std::{
    io,
    mem::MaybeUninit,
    net::Shutdown,
    pin::Pin,
    sync::{Arc, Mutex},
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
    kernel::{self, Receiver, SocketRead, TcpInfo},
    phases::lock,
};

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
    reads: Mutex<SocketReads>,
}

#[derive(Debug, Default)]
struct SocketReads {
    last: Option<SocketRead>,
    /// How many reads there were, and segments with data, when the kernel was last asked for the segments.
    reads_before: u64,
    segments_before: u32,
}

impl SocketReads {
    /// Whether one of the reads since the last call held several segments, by how many the socket has received.
    fn held_several(&mut self, number: u64, segments: u32) -> bool {
        let reads = number - std::mem::replace(&mut self.reads_before, number);
        let before = std::mem::replace(&mut self.segments_before, segments);
        u64::from(segments.wrapping_sub(before)) > reads
    }
}

/// The stream that is read and written.
#[derive(Debug)]
pub(super) struct SocketStream {
    socket: Socket,
    receiver: Receiver,
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
            tcp,
            reads: Mutex::default(),
        }));
        let stream = SocketStream {
            socket: socket.clone(),
            receiver,
        };
        (socket, stream)
    }

    /// Counts reads and segments from here on: what came before is of no later answer.
    pub(super) fn count_from_here(&self) {
        let mut reads = lock(&self.0.reads);
        if let Some(segments) = kernel::segments_in(&self.0.tcp) {
            let number = reads.last.map_or(0, |read| read.number);
            reads.held_several(number, segments);
        }
    }

    /// How many reads there were.
    pub(super) fn reads(&self) -> u64 {
        (lock(&self.0.reads).last).map_or(0, |read| read.number)
    }

    /// The stamp of bytes that this program read at `at`, and that came with the last socket read. On a shared
    /// connection that read surely belongs to these bytes only if it is the first since the `seen` ones; else the
    /// stamp is an upper bound. It is one, too, for the first of `several` pieces that came in more than one segment.
    pub(super) fn stamp(
        &self,
        at: Instant,
        seen: &mut u64,
        is_shared: bool,
        several: bool,
    ) -> Stamp {
        let mut reads = lock(&self.0.reads);
        let Some(read) = reads.last else {
            return Stamp::own(at);
        };
        let new_reads = read.number - std::mem::replace(seen, read.number);
        let mut is_at_most = is_shared && new_reads != 1;
        if several
            && !is_at_most
            && let Some(segments) = kernel::segments_in(&self.0.tcp)
        {
            is_at_most = reads.held_several(read.number, segments);
        }
        Stamp {
            at,
            kernel_at: read.kernel_at,
            is_at_most,
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

impl AsyncRead for SocketStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Self { socket, receiver } = &mut *self;
        let tcp = &socket.0.tcp;
        loop {
            ready!(tcp.poll_read_ready(cx))?;
            match receiver.receive(tcp, buffer) {
                Ok(read) => {
                    lock(&socket.0.reads).last = Some(read);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
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
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let tcp = &self.socket.0.tcp;
        loop {
            ready!(tcp.poll_write_ready(cx))?;
            match tcp.try_write_vectored(slices) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => return Poll::Ready(written),
            }
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(SockRef::from(&self.socket.0.tcp).shutdown(Shutdown::Write))
    }
}

//! The server's end of one connection: stamps its reads and writes where they happen, and breaks it
//! off the way a plan says.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
    time::Instant,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use super::{
    ledger::{Ledger, PendingMark},
    pace,
};

/// A handle on a connection for its request handlers. Clones share the connection.
#[derive(Clone, Debug)]
pub(super) struct ConnectionHandle {
    ledger: Arc<Ledger>,
    state: Arc<Mutex<ConnectionState>>,
}

#[derive(Debug)]
struct ConnectionState {
    last_read: Instant,
    /// Pieces handed over and not yet written.
    awaiting: Vec<PendingMark>,
    ending: ConnectionEnd,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum ConnectionEnd {
    /// As HTTP says.
    Clean,
    /// With a reset.
    Reset,
    /// Half of the next write goes out, then the connection closes.
    Cut,
    /// The half has gone out.
    Over,
}

impl ConnectionHandle {
    /// When bytes last came in.
    pub fn last_read(&self) -> Instant {
        self.lock().last_read
    }

    /// Hands over a piece whose write is to be stamped.
    pub fn await_write(&self, mark: PendingMark) {
        self.lock().awaiting.push(mark);
    }

    /// Whether pieces are handed over that no write has carried yet.
    pub fn is_behind(&self) -> bool {
        !self.lock().awaiting.is_empty()
    }

    /// Makes the connection end with a reset when it is dropped.
    pub fn reset(&self) {
        self.lock().ending = ConnectionEnd::Reset;
    }

    /// Cuts the next write in half, and the connection with it.
    pub fn cut(&self) {
        self.lock().ending = ConnectionEnd::Cut;
    }

    fn lock(&self) -> MutexGuard<'_, ConnectionState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wrote(&self, at: Instant) {
        let marks = std::mem::take(&mut self.lock().awaiting);
        if !marks.is_empty() {
            self.ledger.written(&marks, at);
        }
    }
}

/// A TCP connection that is watched by its [`ConnectionHandle`].
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    wire: ConnectionHandle,
}

impl Connection {
    pub fn new(stream: TcpStream, ledger: Arc<Ledger>) -> Self {
        let state = ConnectionState {
            last_read: pace::now(),
            awaiting: Vec::new(),
            ending: ConnectionEnd::Clean,
        };
        let state = Arc::new(Mutex::new(state));
        let wire = ConnectionHandle { ledger, state };
        Self { stream, wire }
    }

    pub fn wire(&self) -> ConnectionHandle {
        self.wire.clone()
    }

    /// Writes half of the bytes; every later write fails, which makes hyper drop the connection.
    fn poll_cut(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let half = bytes.len().div_ceil(2);
        let wrote = ready!(Pin::new(&mut self.stream).poll_write(cx, &bytes[..half]));
        self.wire.lock().ending = ConnectionEnd::Over;
        Poll::Ready(wrote)
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        if buf.filled().len() > before {
            self.wire.lock().last_read = pace::now();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let ending = self.wire.lock().ending;
        match ending {
            ConnectionEnd::Clean | ConnectionEnd::Reset => {}
            ConnectionEnd::Cut => {
                let bytes: Vec<u8> = slices.iter().flat_map(|s| s.iter().copied()).collect();
                return self.poll_cut(cx, &bytes);
            }
            ConnectionEnd::Over => return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        }
        let at = pace::now();
        let wrote = ready!(Pin::new(&mut self.stream).poll_write_vectored(cx, slices))?;
        self.wire.wrote(at);
        Poll::Ready(Ok(wrote))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // A reset must not be preceded by an orderly end.
        let ending = self.wire.lock().ending;
        if ending == ConnectionEnd::Reset {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let ending = self.wire.lock().ending;
        if ending == ConnectionEnd::Reset {
            // If the socket is gone already there is nothing left to reset.
            let _ = self.stream.set_zero_linger();
        }
    }
}

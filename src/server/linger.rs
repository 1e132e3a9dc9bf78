//! Ends connections so that a refused client gets its answer.
//!
//! A request may be refused before its body was read. The connection can't be used any further then: the client is told so
//! (`connection: close`), or its next request would meet a closed socket. And a socket that is closed with unread bytes is
//! reset, which may take the answer away from the client; so what still comes is read and thrown away for a moment.

use std::{
    cell::Cell,
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

/// How long a client may go on sending after it was refused.
const LINGER: Duration = Duration::from_secs(2);

tokio::task_local! {
    /// Whether the body of the request that is being answered was read to its end.
    static IS_READ: Cell<bool>;
}

/// Answers a request; says whether [`body_is_read`] was told of it.
pub(super) async fn watched<F: Future>(answer: F) -> (F::Output, bool) {
    let both = async {
        let output = answer.await;
        (output, IS_READ.with(Cell::get))
    };
    IS_READ.scope(Cell::new(false), both).await
}

/// Notes that the body of the request that is being answered was read to its end.
pub(super) fn body_is_read() {
    // Elsewhere nobody asks.
    let _ = IS_READ.try_with(|is_read| is_read.set(true));
}

/// A stream that can wait for its other side before it closes.
#[derive(Debug)]
pub(super) struct Lingering<S> {
    stream: S,
    waits: Arc<AtomicBool>,
    /// The end of the wait, once it began.
    until: Option<Pin<Box<Sleep>>>,
}

impl<S> Lingering<S> {
    /// The stream, which waits if it was told to until then.
    pub(super) fn new(stream: S, waits: Arc<AtomicBool>) -> Self {
        Self {
            stream,
            waits,
            until: None,
        }
    }
}

impl<S: AsyncRead + Unpin> Lingering<S> {
    /// Reads and throws away, until the other side has ended or the time is over.
    fn poll_rest(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let until = self.until.get_or_insert_with(|| Box::pin(sleep(LINGER)));
        let mut scrap = [0; 4 << 10];
        loop {
            if until.as_mut().poll(cx).is_ready() {
                return Poll::Ready(());
            }
            let mut read = ReadBuf::new(&mut scrap);
            let came = ready!(Pin::new(&mut self.stream).poll_read(cx, &mut read));
            if came.is_err() || read.filled().is_empty() {
                return Poll::Ready(());
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Lingering<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Lingering<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.until.is_none() {
            ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
        }
        if self.waits.load(Ordering::Relaxed) {
            ready!(self.poll_rest(cx));
        }
        Poll::Ready(Ok(()))
    }
}

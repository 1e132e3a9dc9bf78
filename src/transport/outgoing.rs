//! The body of a request, which tells when its last byte was taken, and when HTTP has written it.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::{Buf, Bytes};
use http_body::{Body, Frame, SizeHint};

use super::{Upload, acknowledged::RequestEnd, phases::Trace, socket::Socket};

/// Size of the parts in which a request body is handed to hyper, so that "handed over" is close to "sent": at most a
/// socket buffer is not sent yet.
const MAX_FRAME: usize = 64 << 10;

/// A request body that stamps when its last byte was taken for writing. It can't be cloned, so no layer below can
/// send it twice.
pub(super) struct OutgoingBody {
    rest: Upload,
    trace: Arc<Trace>,
    /// The socket that it goes over, and where the request's end is recorded.
    over: Option<(Socket, Arc<RequestEnd>)>,
}

impl OutgoingBody {
    pub(super) fn new(body: Upload, trace: Arc<Trace>) -> Self {
        Self {
            rest: body,
            trace,
            over: None,
        }
    }

    /// Sets the socket that it goes over; returns where the request's end is recorded.
    pub(super) fn goes_over(&mut self, socket: &Socket) -> Arc<RequestEnd> {
        let end = Arc::<RequestEnd>::default();
        self.over = Some((socket.clone(), end.clone()));
        end
    }
}

/// Bytes of a request's body on their way through HTTP. The last ones tell when HTTP has written them.
pub(super) struct OutgoingPiece {
    bytes: Bytes,
    /// Where the request's end is recorded, if these are its last bytes.
    end: Option<Arc<RequestEnd>>,
}

impl Buf for OutgoingPiece {
    fn remaining(&self) -> usize {
        self.bytes.len()
    }

    fn chunk(&self) -> &[u8] {
        &self.bytes
    }

    fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
        if self.bytes.is_empty()
            && let Some(end) = self.end.take()
        {
            end.written();
        }
    }
}

impl Body for OutgoingBody {
    type Data = OutgoingPiece;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<OutgoingPiece>, Infallible>>> {
        let Some(bytes) = self.rest.take(MAX_FRAME) else {
            return Poll::Ready(None);
        };
        let is_last = self.rest.is_empty();
        self.trace.mark_taken(is_last);
        let end = (self.over.take_if(|_| is_last)).map(|(socket, end)| {
            socket.ends_request(&end);
            end
        });
        Poll::Ready(Some(Ok(Frame::data(OutgoingPiece { bytes, end }))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len())
    }
}

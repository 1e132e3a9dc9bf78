//! The body of a response: each of its reads is stamped, then decompressed.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::{Buf as _, Bytes};
use futures_util::Stream;
use http::HeaderMap;
use http_body::{Body, Frame};

use super::{
    BodyChunk, Stamp,
    coding::{Coding, DetectedBody, Unpack, UnpackStep},
    fault,
    socket::Socket,
};
use crate::{
    clock::now,
    event::{Fault, FaultClass, Note, Phase},
};

/// Size limits of a response body.
#[derive(Clone, Copy, Debug)]
pub(super) struct BodyLimits {
    /// Most bytes in all, after decompression.
    pub(super) total: u64,
    /// Beyond this size, compressed bodies may not exceed `ratio`.
    pub(super) ratio_from: u64,
    /// Most decompressed bytes per compressed byte.
    pub(super) ratio: u64,
}

impl BodyLimits {
    /// None.
    pub(super) const NONE: Self = Self {
        total: u64::MAX,
        ratio_from: u64::MAX,
        ratio: u64::MAX,
    };
}

impl Default for BodyLimits {
    fn default() -> Self {
        Self {
            total: 256 << 20,
            ratio_from: 8 << 20,
            ratio: 1000,
        }
    }
}

/// The trailers, as a chunk.
fn trailers_chunk(stamp: Stamp, trailers: HeaderMap) -> BodyChunk {
    BodyChunk {
        stamp,
        bytes: Bytes::new(),
        trailers: Some(trailers),
        note: None,
    }
}

/// The socket of a body: the kernel's stamps, and whether it was reset.
struct BodySource {
    socket: Socket,
    /// Whether other responses share the connection, so that a read may have been for them.
    is_shared: bool,
    /// The number of the last read that was seen.
    seen: u64,
}

/// A response body: every read is stamped first, then decompressed.
pub(super) struct IncomingBody<B> {
    body: Pin<Box<B>>,
    coding: Coding,
    /// Whether the compression was detected.
    detected: bool,
    unpack: Option<Box<dyn Unpack>>,
    /// The note for the next chunk.
    note: Option<Note>,
    /// Bytes that were read and are not decompressed yet, with their stamp. Empty if only the decompressor still
    /// holds some.
    compressed: Option<(Stamp, Bytes)>,
    limits: BodyLimits,
    /// The headers, if there is no body: gRPC puts its trailers there then.
    head: Option<HeaderMap>,
    source: Option<BodySource>,
    /// The host, for messages.
    host: Arc<str>,
    bytes_in: u64,
    bytes_out: u64,
    /// Whether the inner body has ended.
    ended: bool,
    /// Whether this stream has ended.
    over: bool,
}

impl<B> IncomingBody<B> {
    pub(super) fn new(body: B, coding: Coding, limits: BodyLimits, host: Arc<str>) -> Self {
        Self {
            body: Box::pin(body),
            coding,
            detected: false,
            unpack: None,
            note: None,
            compressed: None,
            limits,
            head: None,
            source: None,
            host,
            bytes_in: 0,
            bytes_out: 0,
            ended: false,
            over: false,
        }
    }

    /// Keeps the headers of a response without a body: they hold its trailers.
    pub(super) fn with_head(mut self, headers: &HeaderMap) -> Self
    where
        B: Body,
    {
        self.head = self.body.is_end_stream().then(|| headers.clone());
        self
    }

    /// Sets the socket that it comes over, for the kernel's stamps.
    pub(super) fn over(mut self, socket: Socket, is_shared: bool) -> Self {
        let seen = socket.reads();
        self.source = Some(BodySource {
            socket,
            is_shared,
            seen,
        });
        self
    }

    /// The body as it comes: nothing is detected or decompressed.
    pub(super) fn undetected(mut self) -> Self {
        self.detected = true;
        self
    }

    /// The stamp of the piece of the body that was read now; it is empty for trailers.
    fn stamp(&mut self, piece: &[u8]) -> Stamp {
        let at = now();
        match &mut self.source {
            Some(source) => (source.socket).stamp(at, &mut source.seen, source.is_shared, piece),
            None => Stamp::own(at),
        }
    }

    /// Detects the compression, once enough bytes are there.
    fn detect(&mut self) -> Result<(), Fault> {
        let Some((_, first_bytes)) = &self.compressed else {
            return Ok(());
        };
        if self.detected || !(self.ended || self.coding.can_detect(first_bytes.len())) {
            return Ok(());
        }
        self.detected = true;
        let (detected, note) = self.coding.detect(first_bytes);
        self.note = note;
        match (detected, &self.coding) {
            (DetectedBody::Compressed(unpack), _) => self.unpack = Some(unpack),
            (DetectedBody::Unreadable, Coding::Unsupported(name)) => {
                let text = format!(
                    "compressed its answer ({name}), which was not asked for and can't be read here"
                );
                return Err(self.broken(FaultClass::Protocol, &text));
            }
            (DetectedBody::Unreadable, _) => {
                let text = format!(
                    "sent what is neither text nor the compressed data ({}) that its header states",
                    self.coding.name()
                );
                return Err(self.broken(FaultClass::Protocol, &text));
            }
            (DetectedBody::Plain, _) => {}
        }
        Ok(())
    }

    /// Decompresses some bytes; also returns whether more output is to come without further input.
    fn decompressed(&mut self, bytes: &mut Bytes) -> Result<(Bytes, bool), Fault> {
        let Some(unpack) = &mut self.unpack else {
            return Ok((std::mem::take(bytes), false));
        };
        match unpack.step(bytes) {
            Ok(UnpackStep {
                taken: 0, output, ..
            }) if output.is_empty() && !bytes.is_empty() => {
                Err(self.is_broken("nothing more can be taken of it"))
            }
            Ok(step) => {
                self.bytes_in += step.taken as u64;
                bytes.advance(step.taken);
                Ok((step.output.into(), step.is_full || !bytes.is_empty()))
            }
            Err(error) => Err(self.is_broken(&error.to_string())),
        }
    }

    /// The next piece of the bytes that were read: all of them, or as many as are decompressed at a time.
    fn next_piece(&mut self) -> Option<Result<BodyChunk, Fault>> {
        if let Err(fault) = self.detect() {
            return Some(Err(fault));
        }
        let (stamp, mut bytes) = self.compressed.take_if(|_| self.detected)?;
        let decompressed = self
            .decompressed(&mut bytes)
            .and_then(|(decompressed, more)| {
                self.compressed = more.then_some((stamp, bytes));
                self.count_output(decompressed.len())?;
                Ok(decompressed)
            });
        Some(decompressed.map(|bytes| BodyChunk {
            stamp,
            bytes,
            trailers: None,
            note: self.note.take(),
        }))
    }

    fn count_output(&mut self, by: usize) -> Result<(), Fault> {
        self.bytes_out += by as u64;
        let BodyLimits {
            total,
            ratio_from,
            ratio,
        } = self.limits;
        if self.bytes_out > total {
            let text = format!("sent more than {} MiB, which no answer has", total >> 20);
            return Err(self.broken(FaultClass::Protocol, &text));
        }
        if self.unpack.is_some()
            && self.bytes_out > ratio_from
            && self.bytes_out / ratio > self.bytes_in
        {
            let text = format!(
                "sent compressed data that grows more than {ratio} times (a “bomb”); reading was stopped"
            );
            return Err(self.broken(FaultClass::Protocol, &text));
        }
        Ok(())
    }

    /// The fault of a compressed body that was cut.
    fn finished(&mut self) -> Option<Fault> {
        let unpack = self.unpack.as_mut().filter(|_| self.bytes_in > 0)?;
        unpack.finish().err()?;
        let text = format!(
            "ended its compressed answer ({}) too early",
            self.coding.name()
        );
        Some(self.broken(FaultClass::Interrupted, &text))
    }

    fn is_broken(&self, why: &str) -> Fault {
        let name = self.coding.name();
        let text = format!("sent compressed data that is broken ({name}: {why})");
        self.broken(FaultClass::Protocol, &text)
    }

    fn broken(&self, class: FaultClass, what: &str) -> Fault {
        Fault::new(class, Phase::Stream, format!("{} {what}", self.host))
    }

    /// Takes a frame; `None` if it is neither data nor trailers.
    fn take(&mut self, frame: hyper::Result<Frame<Bytes>>) -> Result<Option<BodyChunk>, Fault> {
        let piece = frame.as_ref().ok().and_then(Frame::data_ref);
        let stamp = self.stamp(piece.map_or(&[], |piece| piece));
        let frame = frame.map_err(|error| {
            let was_reset = (self.source.as_ref()).is_some_and(|source| source.socket.was_reset());
            fault::body_fault(&error, &self.host, was_reset)
        })?;
        match frame.into_data() {
            Ok(bytes) => {
                // The bytes so far were too few to detect the compression.
                let first_bytes = self.compressed.take().map(|(_, first_bytes)| first_bytes);
                let bytes = first_bytes.map_or(bytes.clone(), |first_bytes| {
                    [first_bytes, bytes].concat().into()
                });
                self.compressed = Some((stamp, bytes)).filter(|(_, bytes)| !bytes.is_empty());
                self.next_piece().transpose()
            }
            Err(frame) => {
                let trailers = frame.into_trailers().ok();
                Ok(trailers.map(|trailers| trailers_chunk(stamp, trailers)))
            }
        }
    }
}

impl<B> Stream for IncomingBody<B>
where
    B: Body<Data = Bytes, Error = hyper::Error>,
{
    type Item = Result<BodyChunk, Fault>;

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<BodyChunk, Fault>>> {
        if let Some(head) = self.head.take() {
            let chunk = trailers_chunk(self.stamp(&[]), head);
            return Poll::Ready(Some(Ok(chunk)));
        }
        while !self.over {
            let item = if let Some(piece) = self.next_piece() {
                Some(piece)
            } else if self.ended {
                self.over = true;
                self.finished().map(Err)
            } else if let Some(frame) = ready!(self.body.as_mut().poll_frame(cx)) {
                self.take(frame).transpose()
            } else {
                self.ended = true;
                None
            };
            self.over |= matches!(item, Some(Err(_)));
            if item.is_some() {
                return Poll::Ready(item);
            }
        }
        Poll::Ready(None)
    }
}

#[cfg(test)]
mod tests;

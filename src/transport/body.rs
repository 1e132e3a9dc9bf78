//! Bodies: the request's, which tells when it was sent, and the response's, whose reads are stamped.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Instant,
};

use bytes::Bytes;
use futures_util::Stream;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};

use super::{
    Chunk, Upload,
    coding::{Coding, Opened, Unpack},
    fault,
    phases::Trace,
};
use crate::{
    clock::now,
    event::{Fault, FaultClass, Note, Phase},
};

/// The body is handed over in pieces of this size, so that "handed over" stays close to "sent" for
/// large ones: at most a socket buffer is still on its way.
const PIECE: usize = 64 << 10;

/// Compressed bytes that are unpacked at once: deflate gives at most 1,032 bytes for one, so that a piece
/// can't outgrow memory before it is checked.
const PACKED_PIECE: usize = 1 << 10;

/// A request body that marks when its last byte was taken for writing. It can't be cloned, so no
/// layer below can send it twice.
pub(super) struct Outgoing {
    rest: Upload,
    trace: Arc<Trace>,
}

impl Outgoing {
    pub(super) fn new(body: Upload, trace: Arc<Trace>) -> Self {
        Self { rest: body, trace }
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Some(piece) = self.rest.take(PIECE) else {
            return Poll::Ready(None);
        };
        self.trace.mark_taken(self.rest.is_empty());
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len())
    }
}

/// How large a body may grow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Caps {
    /// Most bytes in all, after decompression.
    pub(super) total: u64,
    /// From this size on, compressed bodies are held to `ratio`.
    pub(super) ratio_from: u64,
    /// Most bytes out for one byte in.
    pub(super) ratio: u64,
}

impl Default for Caps {
    fn default() -> Self {
        Self {
            total: 256 << 20,
            ratio_from: 8 << 20,
            ratio: 1000,
        }
    }
}

/// A response body: every read stamped before anything else is done with it, then decompressed.
pub(super) struct Incoming<B> {
    body: Pin<Box<B>>,
    coding: Coding,
    /// Whether it is known what the body is.
    opened: bool,
    unpack: Option<Box<dyn Unpack>>,
    /// What is to be told with the next chunk.
    note: Option<Note>,
    /// What was read and is not unpacked yet, and when it came.
    packed: Option<(Instant, Bytes)>,
    caps: Caps,
    /// The head, if there is no body: gRPC puts its trailers there then.
    head: Option<HeaderMap>,
    /// Who answers, for messages.
    host: Arc<str>,
    bytes_in: u64,
    bytes_out: u64,
    /// Whether all was read.
    ended: bool,
    /// Whether nothing more is given.
    over: bool,
}

impl<B> Incoming<B> {
    pub(super) fn new(body: B, coding: Coding, caps: Caps, host: Arc<str>) -> Self {
        Self {
            body: Box::pin(body),
            coding,
            opened: false,
            unpack: None,
            note: None,
            packed: None,
            caps,
            head: None,
            host,
            bytes_in: 0,
            bytes_out: 0,
            ended: false,
            over: false,
        }
    }

    /// A response that is over with its head has its trailers there.
    pub(super) fn with_head(mut self, headers: &HeaderMap) -> Self
    where
        B: Body,
    {
        self.head = self.body.is_end_stream().then(|| headers.clone());
        self
    }

    /// Finds out what the body is, once enough of it is there.
    fn open(&mut self) -> Result<(), Fault> {
        let Some((_, begun)) = &self.packed else {
            return Ok(());
        };
        if self.opened || !(self.ended || self.coding.is_clear(begun.len())) {
            return Ok(());
        }
        self.opened = true;
        let (opened, note) = self.coding.open(begun);
        self.note = note;
        match (opened, &self.coding) {
            (Opened::Packed(unpack), _) => self.unpack = Some(unpack),
            (Opened::Unreadable, Coding::Foreign(name)) => {
                let text = format!(
                    "compressed its answer ({name}), which was not asked for and can't be read here"
                );
                return Err(self.broken(FaultClass::Protocol, &text));
            }
            (Opened::Unreadable, _) => {
                let text =
                    "sent what is neither text nor the compressed data that its header states";
                return Err(self.broken(FaultClass::Protocol, text));
            }
            (Opened::Plain, _) => {}
        }
        Ok(())
    }

    fn decoded(&mut self, bytes: Bytes) -> Result<Bytes, Fault> {
        let decoded = match &mut self.unpack {
            None => bytes,
            Some(unpack) => {
                self.bytes_in += bytes.len() as u64;
                match unpack.feed(&bytes) {
                    Ok(unpacked) => unpacked.into(),
                    Err(error) => {
                        let text = format!("sent compressed data that is broken ({error})");
                        return Err(self.broken(FaultClass::Protocol, &text));
                    }
                }
            }
        };
        self.grow(decoded.len())?;
        Ok(decoded)
    }

    /// The next piece of what was read: all of it, or as much as is unpacked at once.
    fn next_piece(&mut self) -> Option<Result<Chunk, Fault>> {
        if let Err(fault) = self.open() {
            return Some(Err(fault));
        }
        let (at, mut bytes) = self.packed.take_if(|_| self.opened)?;
        let piece = match self.unpack {
            Some(_) if bytes.len() > PACKED_PIECE => bytes.split_to(PACKED_PIECE),
            _ => std::mem::take(&mut bytes),
        };
        self.packed = (!bytes.is_empty()).then_some((at, bytes));
        let decoded = self.decoded(piece);
        Some(decoded.map(|bytes| Chunk {
            at,
            bytes,
            trailers: None,
            note: self.note.take(),
        }))
    }

    fn grow(&mut self, by: usize) -> Result<(), Fault> {
        self.bytes_out += by as u64;
        let Caps {
            total,
            ratio_from,
            ratio,
        } = self.caps;
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

    /// The end of the reads: a compressed body must be whole.
    fn finished(&mut self) -> Option<Fault> {
        let unpack = self.unpack.as_mut().filter(|_| self.bytes_in > 0)?;
        unpack.finish().err()?;
        Some(self.broken(
            FaultClass::Interrupted,
            "ended its compressed answer too early",
        ))
    }

    fn broken(&self, class: FaultClass, what: &str) -> Fault {
        Fault::new(class, Phase::Stream, format!("{} {what}", self.host))
    }

    /// Takes a frame; gives nothing for one that is neither bytes nor trailers.
    fn take(&mut self, frame: reqwest::Result<Frame<Bytes>>) -> Result<Option<Chunk>, Fault> {
        let at = now();
        let frame = frame.map_err(|error| fault::of_body(&error.without_url(), &self.host))?;
        match frame.into_data() {
            Ok(bytes) => {
                // What is there already was too little to tell what it is.
                let begun = self.packed.take().map(|(_, begun)| begun);
                let bytes = begun.map_or(bytes.clone(), |begun| [begun, bytes].concat().into());
                self.packed = Some((at, bytes)).filter(|(_, bytes)| !bytes.is_empty());
                self.next_piece().transpose()
            }
            Err(frame) => Ok(frame.into_trailers().ok().map(|trailers| Chunk {
                at,
                bytes: Bytes::new(),
                trailers: Some(trailers),
                note: None,
            })),
        }
    }
}

impl<B> Stream for Incoming<B>
where
    B: Body<Data = Bytes, Error = reqwest::Error>,
{
    type Item = Result<Chunk, Fault>;

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Chunk, Fault>>> {
        if let Some(head) = self.head.take() {
            return Poll::Ready(Some(Ok(Chunk {
                at: now(),
                bytes: Bytes::new(),
                trailers: Some(head),
                note: None,
            })));
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
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, write::GzEncoder};
    use futures_util::{StreamExt as _, stream};
    use http_body_util::StreamBody;

    use super::*;

    fn gzipped(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    async fn read(pieces: Vec<Vec<u8>>, coding: Coding, caps: Caps) -> (Vec<u8>, Option<Fault>) {
        let reads = pieces
            .into_iter()
            .map(|piece| Ok(Frame::data(Bytes::from(piece))));
        let reads = StreamBody::new(stream::iter(reads));
        let mut body = Incoming::new(reads, coding, caps, "host".into());
        let mut all = Vec::new();
        while let Some(chunk) = body.next().await {
            match chunk {
                Ok(chunk) => all.extend(chunk.bytes),
                Err(fault) => {
                    assert!(body.next().await.is_none(), "nothing follows a fault");
                    return (all, Some(fault));
                }
            }
        }
        (all, None)
    }

    #[tokio::test]
    async fn gzip_is_decoded_under_every_split() {
        let text = "data: one\n\ndata: two\n\n".repeat(3);
        let members = [gzipped(text.as_bytes()), gzipped(b"second member")].concat();
        let whole = format!("{text}second member");
        for size in 1..members.len() {
            let pieces = members.chunks(size).map(<[u8]>::to_vec).collect();
            let (got, fault) = read(pieces, Coding::Gzip, Caps::default()).await;
            assert_eq!((got.as_slice(), fault), (whole.as_bytes(), None), "{size}");
        }
    }

    #[tokio::test]
    async fn each_flushed_event_is_there_with_its_own_read() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        let mut sent = 0;
        let mut pieces = Vec::new();
        for event in ["data: a\n\n", "data: b\n\n", "data: c\n\n"] {
            encoder.write_all(event.as_bytes()).unwrap();
            encoder.flush().unwrap();
            let flushed = Bytes::copy_from_slice(&encoder.get_ref()[sent..]);
            pieces.push(Ok(Frame::data(flushed)));
            sent = encoder.get_ref().len();
        }
        let mut body = Incoming::new(
            StreamBody::new(stream::iter(pieces)),
            Coding::Gzip,
            Caps::default(),
            "host".into(),
        );
        for event in ["data: a\n\n", "data: b\n\n", "data: c\n\n"] {
            assert_eq!(body.next().await.unwrap().unwrap().bytes, event);
        }
        let cut = body.next().await.unwrap().unwrap_err();
        assert_eq!(cut.class, FaultClass::Interrupted, "no trailer came");
    }

    #[tokio::test]
    async fn a_bomb_is_stopped_by_its_ratio() {
        // Deflate's best on zeros is about 1,029 to 1. However it is cut into reads, it is stopped.
        let bomb = gzipped(&vec![0; 32 << 20]);
        for size in [1000, bomb.len()] {
            let pieces = bomb.chunks(size).map(<[u8]>::to_vec).collect();
            let (got, fault) = read(pieces, Coding::Gzip, Caps::default()).await;
            assert_eq!(fault.unwrap().class, FaultClass::Protocol);
            assert!(got.len() <= 16 << 20, "{}", got.len());
        }
        let honest = gzipped(&vec![0; 8 << 20]);
        let (got, fault) = read(vec![honest], Coding::Gzip, Caps::default()).await;
        assert_eq!((got.len(), fault), (8 << 20, None));
    }

    #[tokio::test]
    async fn an_endless_body_is_stopped_by_its_size() {
        let caps = Caps {
            total: 10,
            ..Caps::default()
        };
        let (got, fault) = read(vec![vec![b'x'; 4]; 9], Coding::Plain, caps).await;
        assert_eq!(got.len(), 8);
        assert_eq!(fault.unwrap().class, FaultClass::Protocol);
    }

    #[tokio::test]
    async fn broken_compression_is_a_protocol_fault_and_no_bytes_are_none() {
        let mut broken = gzipped(&[7; 999]);
        broken.truncate(10);
        broken.extend([0xff; 40]);
        for (junk, coding) in [
            (broken, Coding::Gzip),
            (b"\x00\x01\x02junk!".to_vec(), Coding::Gzip),
            (
                b"\x78\x9c\xff\xff\xff\xff\xff\xff".to_vec(),
                Coding::Deflate,
            ),
            (b"\x0b\x02\x80hello".to_vec(), Coding::Foreign("br".into())),
        ] {
            let (_, fault) = read(vec![junk], coding.clone(), Caps::default()).await;
            let fault = fault.unwrap();
            assert_eq!(fault.class, FaultClass::Protocol, "{coding:?}: {fault}");
            assert!(fault.message.contains("compressed"), "{fault}");
        }
        for coding in [Coding::Gzip, Coding::Deflate, Coding::Foreign("br".into())] {
            let (got, fault) = read(vec![], coding, Caps::default()).await;
            assert_eq!((got.len(), fault), (0, None));
        }
    }

    #[tokio::test]
    async fn a_header_that_does_not_fit_is_not_believed() {
        let text = "data: one\n\ndata: two\n\n";
        let deflated = |zlib: bool| {
            let level = Compression::best();
            let mut raw = flate2::write::DeflateEncoder::new(Vec::new(), level);
            let mut framed = flate2::write::ZlibEncoder::new(Vec::new(), level);
            raw.write_all(text.as_bytes()).unwrap();
            framed.write_all(text.as_bytes()).unwrap();
            if zlib {
                framed.finish().unwrap()
            } else {
                raw.finish().unwrap()
            }
        };
        for (body, coding) in [
            (text.into(), Coding::Gzip),
            (text.into(), Coding::Deflate),
            (text.into(), Coding::Foreign("br".into())),
            (gzipped(text.as_bytes()), Coding::Plain),
            (gzipped(text.as_bytes()), Coding::Deflate),
            (deflated(true), Coding::Deflate),
            (deflated(false), Coding::Deflate),
        ] {
            for size in [1, 3, body.len()] {
                let pieces = body.chunks(size).map(<[u8]>::to_vec).collect();
                let (got, fault) = read(pieces, coding.clone(), Caps::default()).await;
                assert_eq!(
                    (got.as_slice(), fault),
                    (text.as_bytes(), None),
                    "{coding:?} {size}"
                );
            }
        }
    }
}

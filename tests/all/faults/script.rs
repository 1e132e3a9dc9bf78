//! A server that does as it is told, one act after the other, on a real socket: over HTTP/1.1, over HTTP/2, or
//! below both.

use std::{
    future::poll_fn,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use bytes::Bytes;
use h2::{Reason, SendStream, server::SendResponse};
use http::{HeaderMap, HeaderValue, Response};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional, duplex},
    net::TcpStream,
    sync::{mpsc, oneshot},
};

use super::{
    seen::{ClientReads, Seen},
    voice::Voice,
};
use crate::fault_server::{Server, chunk, gone, read_request, reset, serve};

/// What a server does next.
#[derive(Clone, Debug)]
pub enum Act {
    /// Sends the head of a response: its status and headers. Without a content length the body is chunked.
    Head(u16, Vec<(&'static str, String)>),
    /// Sends a part of the body, as an HTTP chunk of its own.
    Body(Vec<u8>),
    /// Sends bytes as they are, below HTTP.
    Raw(Vec<u8>),
    /// Waits until the client has read the head.
    WhenHeadRead,
    /// Waits until the client has read a part of the body: a reset would overtake it.
    WhenRead,
    /// Ends the body as it should.
    EndBody,
    /// Ends the body with trailers.
    Trailers(Vec<(&'static str, String)>),
    /// Resets the connection: RST.
    Reset,
    /// Closes the connection: FIN.
    Close,
    /// Does nothing until the client leaves.
    Hold,
    /// Sends the same part of the body again and again, one every few milliseconds, until the client leaves.
    Drip(Vec<u8>),
    /// The same, as fast as the client takes it.
    Flood(Vec<u8>),
    /// Resets the stream of HTTP/2 alone.
    ResetStream(Reason),
    /// Ends the connection of HTTP/2 with an error.
    GoAway(Reason),
}

/// How long a drip waits.
const PACE: Duration = Duration::from_millis(5);

/// What a server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    Http1,
    Http2,
    /// No HTTP: acts begin when the first bytes have come.
    Bytes,
    /// No HTTP but its frames: acts begin when a request of HTTP/2 has come.
    Frames,
}

/// A script, and whom it is played to.
#[derive(Clone)]
pub struct Script {
    pub voice: Voice,
    pub over: Over,
    /// Whether the first request is answered well, so that the second finds a warm connection.
    pub warm: bool,
    pub acts: Arc<Vec<Act>>,
    pub client: ClientReads,
    pub seen: Arc<Seen>,
}

impl Script {
    /// Plays it on each connection.
    pub async fn serve(self) -> Server {
        serve(move |stream, _| {
            let script = self.clone();
            async move {
                match script.over {
                    Over::Http1 => script.http1(stream).await,
                    Over::Http2 => script.http2(stream).await,
                    Over::Bytes | Over::Frames => script.bytes(stream).await,
                }
            }
        })
        .await
    }

    /// The acts for the next request: the first may be answered well.
    fn next_acts(&self) -> (bool, Arc<Vec<Act>>) {
        let number = self.seen.requests.fetch_add(1, Ordering::SeqCst);
        if self.warm && number == 0 {
            let answer = self.voice.answer(&["warm"]);
            let acts = vec![head(self.voice), Act::Body(answer), Act::EndBody];
            return (false, Arc::new(acts));
        }
        self.seen.asked.notify_one();
        (true, Arc::clone(&self.acts))
    }

    async fn when_read(&self, has: impl FnMut(&(bool, usize)) -> bool) {
        // A client that has left reads no more.
        let _ = self.client.clone().wait_for(has).await;
    }

    async fn bytes(&self, mut stream: TcpStream) {
        let mut came = Vec::with_capacity(16 << 10);
        while came.is_empty() || self.over == Over::Frames && !has_request(&came) {
            match stream.read_buf(&mut came).await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
        }
        self.seen.note(&came);
        let (_, acts) = self.next_acts();
        self.play_http1(stream, &acts).await;
        self.seen.over.notify_one();
    }

    async fn http1(&self, mut stream: TcpStream) {
        while let Some((head, _)) = read_request(&mut stream).await {
            self.seen.note(head.as_bytes());
            let (is_fault, acts) = self.next_acts();
            let left = self.play_http1(stream, &acts).await;
            if is_fault {
                self.seen.over.notify_one();
            }
            match left {
                Some(still_open) => stream = still_open,
                None => return,
            }
        }
    }

    /// Plays acts over HTTP/1.1; gives the connection back if it is still open.
    async fn play_http1(&self, mut stream: TcpStream, acts: &[Act]) -> Option<TcpStream> {
        let mut is_chunked = true;
        let framed = |bytes: &[u8], is_chunked| {
            if is_chunked {
                chunk(bytes)
            } else {
                bytes.to_vec()
            }
        };
        for act in acts {
            match act {
                Act::Head(status, headers) => {
                    is_chunked = !headers.iter().any(|(name, _)| *name == "content-length");
                    let written = written_head(*status, headers, is_chunked);
                    stream.write_all(written.as_bytes()).await.ok()?;
                }
                Act::Body(bytes) => {
                    stream.write_all(&framed(bytes, is_chunked)).await.ok()?;
                    self.seen.took(bytes.len());
                }
                Act::Raw(bytes) => stream.write_all(bytes).await.ok()?,
                Act::WhenHeadRead => self.when_read(|(head, _)| *head).await,
                Act::WhenRead => self.when_read(|(_, reads)| *reads > 0).await,
                Act::EndBody if is_chunked => stream.write_all(b"0\r\n\r\n").await.ok()?,
                Act::EndBody => {}
                Act::Reset => {
                    reset(stream);
                    return None;
                }
                Act::Close => return None,
                Act::Hold => {
                    let rest = gone(&mut stream).await;
                    self.seen.note(&rest);
                    return None;
                }
                Act::Drip(bytes) | Act::Flood(bytes) => {
                    let is_drip = matches!(act, Act::Drip(_));
                    let piece = framed(bytes, is_chunked);
                    while stream.write_all(&piece).await.is_ok() {
                        self.seen.took(bytes.len());
                        if is_drip {
                            tokio::time::sleep(PACE).await;
                        }
                    }
                    return None;
                }
                Act::Trailers(_) | Act::ResetStream(_) | Act::GoAway(_) => {
                    panic!("{act:?} over HTTP/1.1")
                }
            }
        }
        Some(stream)
    }

    async fn http2(&self, mut stream: TcpStream) {
        // The bytes go through a pipe, so that the socket stays in our hand.
        let (ours, mut theirs) = duplex(64 << 10);
        let (reset_now, has_reset) = oneshot::channel::<()>();
        let piped = tokio::spawn(async move {
            let is_reset = tokio::select! {
                // What ends the pipe is sent behind the order.
                biased;
                Ok(()) = has_reset => true,
                _ = copy_bidirectional(&mut stream, &mut theirs) => false,
            };
            if is_reset {
                reset(stream);
            }
        });
        let Ok(mut connection) = h2::server::handshake(ours).await else {
            return;
        };
        let (order, mut orders) = mpsc::unbounded_channel();
        let mut reset_now = Some(reset_now);
        loop {
            tokio::select! {
                request = connection.accept() => match request {
                    Some(Ok((request, respond))) => {
                        let (script, order) = (self.clone(), order.clone());
                        tokio::spawn(async move { script.stream(request, respond, &order).await });
                    }
                    _ => break,
                },
                Some(act) = orders.recv() => match act {
                    Act::GoAway(reason) => connection.abrupt_shutdown(reason),
                    Act::Reset => {
                        let _ = reset_now.take().map(|reset| reset.send(()));
                        break;
                    }
                    _ => break,
                },
            }
        }
        drop((connection, reset_now));
        let _ = piped.await;
    }

    /// Answers a request of HTTP/2.
    async fn stream(
        &self,
        request: http::Request<h2::RecvStream>,
        mut respond: SendResponse<Bytes>,
        order: &mpsc::UnboundedSender<Act>,
    ) {
        self.seen
            .note(format!("{:?}", request.headers()).as_bytes());
        let mut body = request.into_body();
        while let Some(Ok(data)) = body.data().await {
            let _ = body.flow_control().release_capacity(data.len());
        }
        let (is_fault, acts) = self.next_acts();
        self.play_http2(&mut respond, order, &acts).await;
        if is_fault {
            self.seen.over.notify_one();
        }
    }

    /// Plays acts over HTTP/2; `None` if the client has left before they were over.
    async fn play_http2(
        &self,
        respond: &mut SendResponse<Bytes>,
        order: &mpsc::UnboundedSender<Act>,
        acts: &[Act],
    ) -> Option<()> {
        let mut body: Option<SendStream<Bytes>> = None;
        for act in acts {
            match act {
                Act::Head(status, headers) => {
                    let mut response = Response::builder().status(*status);
                    for (name, value) in headers {
                        response = response.header(*name, value);
                    }
                    body = Some(
                        respond
                            .send_response(response.body(()).unwrap(), false)
                            .ok()?,
                    );
                }
                Act::Body(bytes) => self.send(body.as_mut()?, bytes).await?,
                Act::WhenHeadRead => self.when_read(|(head, _)| *head).await,
                Act::WhenRead => self.when_read(|(_, reads)| *reads > 0).await,
                Act::EndBody if self.voice.is_grpc() => {
                    let status = [("grpc-status", "0".to_owned())];
                    body.as_mut()?.send_trailers(header_map(&status)).ok()?;
                }
                Act::EndBody => body.as_mut()?.send_data(Bytes::new(), true).ok()?,
                Act::Trailers(trailers) => {
                    body.as_mut()?.send_trailers(header_map(trailers)).ok()?;
                }
                Act::ResetStream(reason) => match &mut body {
                    Some(body) => body.send_reset(*reason),
                    None => respond.send_reset(*reason),
                },
                Act::Reset | Act::Close | Act::GoAway(_) => {
                    order.send(act.clone()).ok()?;
                    // Without its end, a stream that is dropped is reset.
                    until_over(body.as_mut(), respond).await;
                }
                Act::Hold => until_over(body.as_mut(), respond).await,
                Act::Drip(bytes) | Act::Flood(bytes) => loop {
                    self.send(body.as_mut()?, bytes).await?;
                    if matches!(act, Act::Drip(_)) {
                        tokio::time::sleep(PACE).await;
                    }
                },
                Act::Raw(_) => panic!("{act:?} over HTTP/2"),
            }
        }
        Some(())
    }

    /// Sends data as the client's window has room for it.
    async fn send(&self, body: &mut SendStream<Bytes>, bytes: &[u8]) -> Option<()> {
        let mut rest = Bytes::copy_from_slice(bytes);
        while !rest.is_empty() {
            body.reserve_capacity(rest.len());
            let room = poll_fn(|cx| body.poll_capacity(cx)).await?.ok()?;
            let part = rest.split_to(room.min(rest.len()));
            self.seen.took(part.len());
            body.send_data(part, false).ok()?;
        }
        Some(())
    }
}

/// Whether a HEADERS frame is among the frames behind the client's preface (RFC 9113 §3.4, §4.1).
fn has_request(came: &[u8]) -> bool {
    let mut rest = came.get(24..).unwrap_or_default();
    while let [a, b, c, kind, ..] = *rest {
        if kind == 1 {
            return true;
        }
        let length = usize::try_from(u32::from_be_bytes([0, a, b, c])).unwrap();
        rest = rest.get(9 + length..).unwrap_or_default();
    }
    false
}

/// Waits until the client has reset a stream, or its connection is over.
async fn until_over(body: Option<&mut SendStream<Bytes>>, respond: &mut SendResponse<Bytes>) {
    let _ = match body {
        Some(body) => poll_fn(|cx| body.poll_reset(cx)).await,
        None => poll_fn(|cx| respond.poll_reset(cx)).await,
    };
}

/// The head of a stream of the dialect.
pub fn head(voice: Voice) -> Act {
    Act::Head(200, vec![("content-type", voice.content_type().to_owned())])
}

fn written_head(status: u16, headers: &[(&'static str, String)], is_chunked: bool) -> String {
    let lines = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"));
    let lines: String = lines.collect();
    let chunked = if is_chunked {
        "transfer-encoding: chunked\r\n"
    } else {
        ""
    };
    format!("HTTP/1.1 {status} Said\r\n{lines}{chunked}\r\n")
}

fn header_map(headers: &[(&'static str, String)]) -> HeaderMap {
    let value = |value: &String| HeaderValue::from_str(value).unwrap();
    let headers = headers.iter();
    headers
        .map(|(name, text)| (http::HeaderName::from_static(name), value(text)))
        .collect()
}

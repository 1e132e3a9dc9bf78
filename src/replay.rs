//! Serves a capture: whatever is asked, its response comes, byte for byte and at its own pace, so that another client can
//! be tested against it.
//!
//! In: a [`Capture`], requests by HTTP/1.1 or HTTP/2. Out: its status, headers, reads and end.

use std::{io, net::SocketAddr, sync::Arc, time::Instant};

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderName, Method, Request, Response, StatusCode, header};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Incoming;
use tokio::{net::TcpStream, task::yield_now};
use url::Url;

use crate::{
    capture::{BodyEnd, Capture, CapturedResponse, Speed},
    clock::{now, wait_until},
    dialect::{DialectId, serve::refusal},
    run::OffsetNs,
    server::{
        self, AllowedNames, MAX_BODY, ReplyBody, Respond, RunningServer, Stop, check_names, full,
        only, whole_body,
    },
};

/// What the connection writes itself, and the coding that was undone.
const NOT_SERVED: [HeaderName; 7] = [
    header::CONNECTION,
    header::TRANSFER_ENCODING,
    header::CONTENT_LENGTH,
    header::TRAILER,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
    header::CONTENT_ENCODING,
];

/// How a capture is served.
#[derive(Clone, Copy, Debug)]
pub struct ReplayOptions {
    /// Where it listens; port 0 picks a free one.
    pub address: SocketAddr,
    /// How fast.
    pub speed: Speed,
    /// What takes a line for each request.
    pub log: Option<fn(&str)>,
}

/// A capture that is being served; dropping it ends that.
#[derive(Debug)]
pub struct ReplayServer {
    server: RunningServer,
}

impl ReplayServer {
    /// Serves a capture.
    ///
    /// # Errors
    /// If it has no response, or the address can't be listened on.
    pub async fn start(capture: Capture, options: ReplayOptions) -> io::Result<Self> {
        if capture.response.is_none() {
            return Err(io::Error::other(
                "the run got no response, so that there is nothing to serve",
            ));
        }
        let responder = ReplayResponder {
            end: capture.body_end(),
            capture: Arc::new(capture),
            options,
        };
        let server = RunningServer::start("replay", options.address, None, || Ok(responder));
        Ok(Self {
            server: server.await?,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.server.address
    }

    /// The base URL that a client of this protocol is given.
    #[must_use]
    pub fn base_url(&self, dialect: DialectId) -> Url {
        let text = format!("http://{}/", self.server.address);
        // An address is a host.
        let root = Url::parse(&text).unwrap_or_else(|_| unreachable!("{text}"));
        let dialect = dialect.dialect();
        match dialect.serve {
            Some(serve) => serve.base_url(&root, "replayed"),
            None => root.join(dialect.base_path).unwrap_or(root),
        }
    }
}

struct ReplayResponder {
    capture: Arc<Capture>,
    end: BodyEnd,
    options: ReplayOptions,
}

impl Respond for ReplayResponder {
    type Connection = TcpStream;
    type Handle = ();
    const NAME: &'static str = "tokenscope-replay";

    fn connection(&self, stream: TcpStream) -> (TcpStream, ()) {
        (stream, ())
    }

    async fn respond(&self, (): (), request: Request<Incoming>) -> io::Result<Response<ReplyBody>> {
        let asked = format!("{} {}", request.method(), request.uri().path());
        let response = self.answer(request).await.or_else(Stop::response);
        if let Ok(response) = &response {
            let status = response.status().as_u16();
            server::log(self.options.log, &format_args!("{asked} {status}"));
        }
        response
    }
}

impl ReplayResponder {
    async fn answer(&self, request: Request<Incoming>) -> Result<Response<ReplyBody>, Stop> {
        check_names(request.uri(), request.headers(), &AllowedNames::default())?;
        only(&Method::POST, request.method())?;
        whole_body(request.into_body(), MAX_BODY).await?;
        let began = now();
        let Some(captured) = &self.capture.response else {
            return Err(refusal(404, "no_response", "The run got no response").into());
        };
        // A client counts from when it has sent its request.
        let from = self.capture.run.stamps.request_sent.unwrap_or(0);
        let replay = Replay {
            capture: Arc::clone(&self.capture),
            end: self.end,
            speed: self.options.speed,
            began,
            from,
            next: 0,
            is_over: false,
        };
        if let Some(at) = self.capture.run.stamps.headers {
            replay.wait_for(at).await;
        }
        // An empty body ends with its head, as gRPC's answers do that have nothing but a status.
        let is_empty =
            captured.reads.is_empty() && captured.trailers.is_empty() && self.end == BodyEnd::Whole;
        let body = if is_empty {
            full(Bytes::new())
        } else {
            replay.body()
        };
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::from_u16(captured.status).unwrap_or_default();
        *response.headers_mut() = headers(captured);
        Ok(response)
    }
}

/// The headers as they came, but for those that the connection writes, and the coding that was undone.
fn headers(captured: &CapturedResponse) -> http::HeaderMap {
    let mut headers = captured.headers.to_map();
    for name in NOT_SERVED {
        headers.remove(name);
    }
    headers
}

/// A response on its way.
struct Replay {
    capture: Arc<Capture>,
    end: BodyEnd,
    speed: Speed,
    began: Instant,
    /// The offset at which the capture's clock stands when the replay begins.
    from: OffsetNs,
    /// The next read.
    next: usize,
    is_over: bool,
}

type ReplyFrame = io::Result<Frame<Bytes>>;

impl Replay {
    fn body(self) -> ReplyBody {
        let frames = stream::unfold(self, |mut replay| async {
            let frame = replay.next().await?;
            Some((frame, replay))
        });
        StreamBody::new(frames).boxed_unsync()
    }

    async fn wait_for(&self, at: OffsetNs) {
        let due = self.speed.due(at, self.from);
        wait_until(self.began.checked_add(due)).await;
    }

    async fn next(&mut self) -> Option<ReplyFrame> {
        let capture = Arc::clone(&self.capture);
        let response = capture.response.as_ref().filter(|_| !self.is_over)?;
        if let Some((read, bytes)) = response.read(self.next) {
            self.next += 1;
            self.wait_for(read.at).await;
            return Some(Ok(Frame::data(response.body.bytes.slice(bytes))));
        }
        self.is_over = true;
        if let Some(at) = capture
            .run
            .stamps
            .closed
            .filter(|_| !response.reads.is_empty())
        {
            self.wait_for(at).await;
        }
        match self.end {
            BodyEnd::Whole if response.trailers.is_empty() => None,
            BodyEnd::Whole => Some(Ok(Frame::trailers(response.trailers.to_map()))),
            BodyEnd::BrokeOff => {
                // What came before is sent first: an error closes the connection at once.
                yield_now().await;
                Some(Err(io::Error::other("the capture broke off here")))
            }
            BodyEnd::Silent => std::future::pending().await,
        }
    }
}

//! Sends a request over a connection, and gives the response with its body.
//!
//! Nothing is sent twice: a request goes out on a second connection only if the first was closed before a byte was
//! written.

use std::{
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method, Request, Response, Uri,
    header::{self, HOST},
    uri::{Authority, PathAndQuery},
};
use http_body::{Body, Frame, SizeHint};
use hyper::{body::Incoming, client::conn::TrySendError};
use url::Url;

use super::{
    AddressTry, ConnectPhases, ConnectionUse, HttpCall, TcpLink, Trace, Upload,
    acknowledged::RequestEnd,
    connection::{Http1, Http2, Identity},
    connector::{BoxError, USER_AGENT},
    fault::SendError,
    outgoing::OutgoingBody,
    pool::{Http2Stream, Lease, Pool},
    socket::Socket,
};
use crate::clock::now;

/// A response, and the connection that it came on.
pub(super) struct SentResponse {
    pub(super) response: Response<ReceivedBody>,
    pub(super) phases: ConnectPhases,
    pub(super) connection: ConnectionUse,
    pub(super) tries: Vec<AddressTry>,
    pub(super) socket: Socket,
    pub(super) request: Arc<RequestEnd>,
}

/// Sends a call.
pub(super) async fn send(
    pool: &Arc<Pool>,
    head: Result<RequestHead, BoxError>,
    body: Upload,
    is_cold: bool,
    trace: &Arc<Trace>,
) -> Result<SentResponse, SendError> {
    let head = head.map_err(SendError::Unsendable)?;
    let mut body = OutgoingBody::new(body, trace.clone());
    loop {
        let lease = pool.lease(trace, is_cold).await;
        let lease = lease.map_err(SendError::Connect)?;
        let identity = lease.identity().clone();
        let connection = identity.used();
        let socket = identity.socket.clone();
        let request_end = body.goes_over(&socket);
        let tcp = TcpLink::new(socket.clone(), Some(request_end.clone()));
        trace.goes_over(connection, tcp);
        let is_reused = connection.uses > 1 || connection.opened < trace.began();
        let request = head.request(&lease, body).map_err(SendError::Unsendable)?;
        let mut failed = match lease.send(request, pool).await {
            Ok(response) => {
                return Ok(SentResponse {
                    response,
                    phases: trace.phases_on(&identity.marks),
                    connection,
                    tries: trace.tries(),
                    socket,
                    request: request_end,
                });
            }
            Err(failed) => failed,
        };
        match failed.take_message() {
            Some(unsent) if is_reused => body = unsent.into_body(),
            _ => return Err(SendError::Exchange(failed.into_error())),
        }
    }
}

/// The head of a request, independent of the connection that it goes over.
pub(super) struct RequestHead {
    method: Method,
    authority: Authority,
    path: PathAndQuery,
    scheme: String,
    pub(super) headers: HeaderMap,
    /// Whether the request line holds the whole URL, for a forwarding proxy.
    is_forwarded: bool,
}

impl RequestHead {
    /// The head of a call.
    ///
    /// # Errors
    /// If its URL can't be used.
    pub(super) fn of(pool: &Pool, call: &HttpCall) -> Result<Self, BoxError> {
        let url = &call.url;
        if !["http", "https"].contains(&url.scheme()) {
            let scheme = url.scheme();
            return Err(format!("{scheme}:// is neither http:// nor https://").into());
        }
        let mut headers = call.headers.clone();
        for (name, value) in [
            (header::ACCEPT, "*/*"),
            // Compression would make tokens arrive in bunches.
            (header::ACCEPT_ENCODING, "identity"),
            (header::USER_AGENT, USER_AGENT),
        ] {
            headers
                .entry(name)
                .or_insert(HeaderValue::from_static(value));
        }
        let forwarder = pool.connector.forwarder(url);
        if let Some(authorization) = forwarder.and_then(|proxy| proxy.authorization()) {
            headers.insert(header::PROXY_AUTHORIZATION, authorization.clone());
        }
        Ok(Self {
            method: call.method.clone(),
            authority: authority(url).parse()?,
            path: path(url).parse()?,
            scheme: url.scheme().to_owned(),
            headers,
            is_forwarded: forwarder.is_some(),
        })
    }

    fn request(
        &self,
        lease: &Lease,
        body: OutgoingBody,
    ) -> Result<Request<OutgoingBody>, BoxError> {
        let mut request = Request::new(body);
        *request.method_mut() = self.method.clone();
        *request.headers_mut() = self.headers.clone();
        let is_own = matches!(lease, Lease::Own(..));
        let mut uri = Uri::builder().path_and_query(self.path.clone());
        if self.is_forwarded || !is_own {
            uri = uri.scheme(&*self.scheme).authority(self.authority.clone());
        }
        *request.uri_mut() = uri.build()?;
        if is_own {
            let host = HeaderValue::from_str(self.authority.as_str())?;
            request.headers_mut().entry(HOST).or_insert(host);
        }
        Ok(request)
    }
}

/// Host and port, without the user and password that a URL may hold.
fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

fn path(url: &Url) -> String {
    match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    }
}

type Failed = TrySendError<Request<OutgoingBody>>;

impl Lease {
    fn identity(&self) -> &Arc<Identity> {
        match self {
            Self::Own(http) => &http.identity,
            Self::Stream(stream) => &stream.http.identity,
        }
    }

    async fn send(
        self,
        request: Request<OutgoingBody>,
        pool: &Arc<Pool>,
    ) -> Result<Response<ReceivedBody>, Box<Failed>> {
        match self {
            Self::Own(mut http) => {
                let mut sent = pin!(http.sender.try_send_request(request));
                let response =
                    std::future::poll_fn(|cx| http.poll_with(cx, |cx| sent.as_mut().poll(cx)));
                let response = response.await?;
                Ok(response.map(|body| ReceivedBody::own(body, http, pool.clone())))
            }
            Self::Stream(stream) => {
                let sent = stream.http.sender.clone().try_send_request(request);
                let unanswered = UnansweredStream::of(&stream.http);
                let response = sent.await;
                unanswered.answered();
                let response = response?;
                Ok(response.map(|body| ReceivedBody::stream(body, stream)))
            }
        }
    }
}

/// A request over HTTP/2 that waits for its answer. If it is given up before a byte came over the connection, the
/// connection is not used for others.
struct UnansweredStream {
    http: Arc<Http2>,
    sent: Instant,
    /// How many reads there were when it was sent; `None` once it is answered.
    reads: Option<u64>,
}

/// A request that is given up sooner says nothing of its connection.
const DOUBTFUL_AFTER: Duration = Duration::from_secs(1);

impl UnansweredStream {
    fn of(http: &Arc<Http2>) -> Self {
        Self {
            sent: now(),
            reads: Some(http.identity.socket.reads()),
            http: Arc::clone(http),
        }
    }

    fn answered(mut self) {
        self.reads = None;
    }
}

impl Drop for UnansweredStream {
    fn drop(&mut self) {
        let waited = now().saturating_duration_since(self.sent);
        if waited >= DOUBTFUL_AFTER && self.reads == Some(self.http.identity.socket.reads()) {
            self.http.doubt();
        }
    }
}

/// The body of a response. Dropping it before its end closes the connection, or resets the stream.
pub(super) struct ReceivedBody {
    body: Incoming,
    over: BodyTransport,
}

/// The connection or stream that a body comes over.
enum BodyTransport {
    Own(Http1, Arc<Pool>),
    /// Given back with the body.
    Stream {
        _stream: Http2Stream,
    },
    /// The body has ended.
    Nothing,
}

impl ReceivedBody {
    fn own(body: Incoming, http: Http1, pool: Arc<Pool>) -> Self {
        let mut received = Self {
            body,
            over: BodyTransport::Own(http, pool),
        };
        if received.body.is_end_stream() {
            received.give_back();
        }
        received
    }

    fn stream(body: Incoming, stream: Http2Stream) -> Self {
        Self {
            body,
            over: BodyTransport::Stream { _stream: stream },
        }
    }

    /// Keeps the connection for another request, if it can take one.
    fn give_back(&mut self) {
        if let BodyTransport::Own(mut http, pool) =
            std::mem::replace(&mut self.over, BodyTransport::Nothing)
            && http.is_idle()
        {
            pool.keep(http);
        }
    }
}

impl Body for ReceivedBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        let Self { body, over } = &mut *self;
        let mut frame = |cx: &mut Context<'_>| Pin::new(&mut *body).poll_frame(cx);
        let frame = match over {
            BodyTransport::Own(http, _) => http.poll_with(cx, frame),
            BodyTransport::Stream { .. } | BodyTransport::Nothing => frame(cx),
        };
        if matches!(frame, Poll::Ready(None | Some(Err(_)))) {
            self.give_back();
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for ReceivedBody {
    /// Reads what has already arrived, so that the connection can be reused after an answer of which only the end was
    /// not read.
    fn drop(&mut self) {
        if let BodyTransport::Own(http, _) = &mut self.over {
            let mut cx = Context::from_waker(Waker::noop());
            let body = &mut self.body;
            let rest = http.poll_with(&mut cx, |cx| Pin::new(&mut *body).poll_frame(cx));
            if matches!(rest, Poll::Ready(None)) {
                self.give_back();
            }
        }
    }
}

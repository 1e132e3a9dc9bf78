//! One call: sent, held to its limits, refused where its head is no answer, or read whole.

use std::{fmt, sync::Arc, time::Instant};

use bytes::BytesMut;
use futures_util::StreamExt as _;
use http::{HeaderMap, StatusCode, Version, header};
use secrecy::SecretString;
use url::Url;

use super::{
    HttpCall, HttpResponse, TcpLink, Trace, Whole,
    body::{Caps, Incoming},
    coding::Coding,
    fault::{self, Peer, SendError},
    limit_text,
    pool::Pool,
    proxy::{Proxy, Via},
    send::{Answer, send},
};
use crate::{
    body::excerpt::capped,
    clock::{deadline, now, wait_until},
    event::{Fault, FaultClass, Phase},
    mask::Mask,
    transport::Timeouts,
    visible::shown_url,
};

/// Most characters of a redirect's target that are shown.
const MAX_TARGET: usize = 500;

/// Largest body that is read whole.
const MAX_WHOLE_BODY: usize = 8 << 20;

/// A call whose way of connecting is there: sending it starts its clock.
pub struct PreparedCall {
    pool: Arc<Pool>,
    peer: Peer,
    /// The password of a proxy that the environment names.
    environment_password: Option<SecretString>,
    call: HttpCall,
}

impl fmt::Debug for PreparedCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.call.fmt(f)
    }
}

impl PreparedCall {
    pub(super) fn new(pool: Arc<Pool>, via: &Via, call: HttpCall) -> Self {
        Self {
            pool,
            peer: Peer::new(&call.url, via.proxy().map(Proxy::name)),
            environment_password: via.environment_password(),
            call,
        }
    }

    /// What covers the secrets that it will be sent with.
    pub(crate) fn mask(&self) -> Mask {
        self.call.mask(self.environment_password.as_ref())
    }

    /// The way of its connection, for people.
    pub(super) fn way(&self) -> String {
        match &self.peer.proxy {
            Some(proxy) => format!("connected through the proxy {proxy}"),
            None => format!("connected to {}", self.peer.host),
        }
    }

    /// Opens connections until `count` calls at once find one.
    pub(super) async fn warm(&self, count: usize) -> Result<(), Fault> {
        let warmed = self.pool.warm(count).await;
        warmed.map_err(|(error, trace)| {
            fault::of_send(&SendError::Connect(error), &self.peer, &trace)
        })
    }

    /// Sends the call and waits for its head; `trace` tells meanwhile how far it is.
    ///
    /// # Errors
    /// As [`Transport::send`](super::Transport::send).
    pub async fn send(self, trace: &Arc<Trace>) -> Result<HttpResponse, Fault> {
        let mask = self.mask();
        let Self {
            pool, peer, call, ..
        } = self;
        let (timeouts, url) = (call.connect.timeouts, call.url.clone());
        let answer = tokio::select! {
            biased;
            answer = send(&pool, call, trace) => {
                answer.map_err(|error| fault::of_send(&error, &peer, trace))?
            }
            fault = out_of_time(trace, timeouts, &peer) => return Err(fault),
        };
        let headers_at = now();
        refuse(
            answer.response.status(),
            answer.response.headers(),
            &url,
            &peer,
            &mask,
        )?;
        Ok(response(answer, headers_at, trace, &peer))
    }

    pub(super) async fn whole(self, trace: &Arc<Trace>) -> Result<Whole, Fault> {
        let total_ms = self.call.connect.timeouts.total_ms;
        let host = self.peer.host.clone();
        let first_token_ms = self.call.connect.timeouts.first_token_ms;
        let reading = async {
            let mut response = self.send(trace).await?;
            let mut body = BytesMut::new();
            let by = response.error_deadline(first_token_ms);
            loop {
                let chunk = tokio::select! {
                    chunk = response.body.next() => chunk,
                    // What came of an error is the answer.
                    () = wait_until(by) => None,
                };
                match chunk {
                    None => break,
                    Some(Err(_)) if by.is_some() => break,
                    Some(chunk) => body.extend_from_slice(&chunk?.bytes),
                }
                if body.len() > MAX_WHOLE_BODY {
                    let message = format!("{host} sent more than 8 MiB");
                    return Err(Fault::new(FaultClass::Protocol, Phase::Stream, message));
                }
            }
            Ok((response.status, response.headers, body.freeze()))
        };
        tokio::select! {
            result = reading => result,
            () = wait_until(deadline(trace.began(), total_ms)) => {
                let message = format!("{host} was not done within {} (total limit)", limit_text(total_ms));
                Err(Fault::new(FaultClass::Timeout, trace.phase(), message))
            }
        }
    }
}

/// The response of an answer whose head was there at `headers_at`.
fn response(answer: Answer, headers_at: Instant, trace: &Trace, peer: &Peer) -> HttpResponse {
    let Answer {
        response,
        phases,
        connection,
        socket,
    } = answer;
    let (head, body) = response.into_parts();
    let connected = phases.tls.or(phases.tcp).map(|span| span.end);
    let sent = (trace.request_sent()).or(connected);
    let coding = Coding::of(&head.headers);
    let body = Incoming::new(body, coding, Caps::default(), peer.host.as_str().into());
    let is_shared = head.version == Version::HTTP_2;
    let body = body
        .with_head(&head.headers)
        .over(socket.clone(), is_shared);
    HttpResponse {
        status: head.status.as_u16(),
        version: format!("{:?}", head.version),
        headers: head.headers,
        phases,
        connection,
        tcp: TcpLink(socket),
        request_sent: sent.unwrap_or(trace.began()).min(headers_at),
        headers_at,
        body: Box::pin(body),
    }
}

/// Heads that are no answer of the endpoint: redirects, which are not followed so that no key goes to
/// another host, and a proxy's own refusal.
fn refuse(
    status: StatusCode,
    headers: &HeaderMap,
    url: &Url,
    peer: &Peer,
    mask: &Mask,
) -> Result<(), Fault> {
    if let (407, false, Some(proxy)) = (status.as_u16(), peer.tls, &peer.proxy) {
        return Err(fault::of_proxy_password(proxy));
    }
    if !status.is_redirection() {
        return Ok(());
    }
    let location = headers.get(header::LOCATION);
    let target = location.and_then(|location| {
        // Covered before it is read: a URL writes some characters in another way.
        let mut location = String::from_utf8_lossy(location.as_bytes()).into_owned();
        mask.text(&mut location);
        url.join(&location).ok()
    });
    let (host, code) = (&peer.host, status.as_u16());
    let message = match target {
        _ if code == 304 => format!(
            "{host} says that nothing was modified (304), which no request asked: a cache between here and there answers in its place"
        ),
        Some(url) => format!(
            "{host} redirects to {} ({code}); redirects are not followed, so that no key goes elsewhere: if that is the right place, set its base URL",
            capped(shown_url(&url).replace("%E2%80%A2", "•"), MAX_TARGET)
        ),
        None => format!("{host} redirects ({code}), and does not say where to: check the base URL"),
    };
    Err(Fault {
        status: Some(status.as_u16()),
        ..Fault::new(FaultClass::Protocol, Phase::Headers, message)
    })
}

/// Waits until connecting, the next step of sending, or waiting for the head has lasted longer than it may. A
/// long upload over a slow link is no fault as long as it goes on.
async fn out_of_time(trace: &Trace, limits: Timeouts, peer: &Peer) -> Fault {
    loop {
        let (sent, own) = (trace.request_sent(), trace.connecting_span());
        let taken = trace.taken();
        let is_connecting = sent.is_none() && own.is_some_and(|(_, end)| end.is_none());
        let (begin, limit_ms) = if is_connecting {
            (own.map(|(begin, _)| begin), limits.connect_ms)
        } else {
            let connected = own.and_then(|(_, end)| end);
            (sent.or(taken).or(connected), limits.first_token_ms)
        };
        let begin = begin.unwrap_or(trace.began());
        tokio::select! {
            () = trace.changed() => {}
            () = wait_until(deadline(begin, limit_ms)) => {
                let (what, limit) = match (is_connecting, sent, taken) {
                    (true, ..) => ("was not connected to", "connect"),
                    (_, None, Some(_)) => ("took no more of the request", "first-token"),
                    _ => ("did not begin to answer", "first-token"),
                };
                let (host, within) = (peer.answering(), limit_text(limit_ms));
                let phase = trace.phase();
                let message = match &peer.proxy {
                    Some(proxy) if is_connecting && !peer.is_reached(trace) => {
                        let did_not = proxy.hung(peer, trace.has_tcp());
                        format!("the proxy {proxy} {did_not} within {within} ({limit} limit)")
                    }
                    _ if phase == Phase::Tls => format!(
                        "{host} {what} within {within} ({limit} limit), the TLS handshake being under way: does it speak https on this port? If not, try http://"
                    ),
                    _ => format!("{host} {what} within {within} ({limit} limit)"),
                };
                return Fault::new(FaultClass::Timeout, phase, message);
            }
        }
    }
}

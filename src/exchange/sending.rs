//! The first half of an exchange: connecting, sending and waiting for the response head, each with its time limit.

use std::{future::Future, pin::Pin, sync::Arc, time::Instant};

use http::{HeaderMap, header};
use url::Url;

use super::{
    Connecting,
    bounded::BoundedDecoder,
    limits,
    reading::Reading,
    retry_after::wait_ms,
    routes::{ExchangeRoute, NewDecoder},
    sent::SentRequest,
};
use crate::{
    body::{ResponseHead, excerpt::capped},
    clock::{deadline, wait_until},
    event::{Fault, FaultClass, Note, Phase},
    mask::Mask,
    transport::{Head, HttpResponse, Peer, Timeouts, Trace, limit_text},
    visible::shown_url,
};

/// Most characters shown of a redirect's target.
const MAX_TARGET: usize = 500;

type Sends = Pin<Box<dyn Future<Output = Result<HttpResponse, Fault>> + Send>>;

/// A request on its way.
pub(super) struct Sending {
    started: Instant,
    limits: Timeouts,
    sends: Sends,
    trace: Arc<Trace>,
    peer: Peer,
    url: Url,
    sent: Arc<SentRequest>,
    decoder: Option<NewDecoder>,
    choices: Option<u64>,
    notes: Vec<Note>,
    /// Whether `Connected` was reported.
    reported_connected: bool,
    /// A head that came before `Connected` was reported.
    head: Option<HttpResponse>,
    /// A head that is not the endpoint's answer.
    refused: Option<Box<Head>>,
}

/// What [`Sending::next`] found.
pub(super) enum Sent {
    Connected(Box<Connecting>),
    Head(Box<HttpResponse>),
}

impl Sending {
    pub(super) fn new(route: ExchangeRoute, started: Instant) -> Self {
        let trace = Trace::new();
        let (peer, url) = (route.call.peer().clone(), route.call.url().clone());
        let (call, its_trace) = (route.call, Arc::clone(&trace));
        Self {
            started,
            limits: route.limits,
            sends: Box::pin(async move { call.send(&its_trace).await }),
            trace,
            peer,
            url,
            sent: route.sent,
            decoder: route.decoder,
            choices: route.choices,
            notes: route.notes,
            reported_connected: false,
            head: None,
            refused: None,
        }
    }

    /// The phase in which a failure would be now.
    pub(super) fn phase(&self) -> Phase {
        self.trace.phase()
    }

    /// Whether it failed because HTTP/2 was refused.
    pub(super) fn without_http2(&self) -> bool {
        self.trace.without_http2()
    }

    /// How far connecting came.
    pub(super) fn connecting(&self) -> Connecting {
        Connecting {
            phases: self.trace.phases(),
            addresses: self.trace.addresses(),
            connection: self.trace.connection(),
            peer: self.peer.connected_text(),
            certificate: self.trace.certificate(),
            request_sent: self.trace.request_sent(),
            request: Some(Arc::clone(&self.sent)),
            refused: None,
        }
    }

    /// How far it came, where it ends here.
    pub(super) fn ended(mut self) -> Connecting {
        Connecting {
            refused: self.refused.take(),
            ..self.connecting()
        }
    }

    /// Waits for the connection, then for the head.
    pub(super) async fn next(&mut self, mask: &Mask) -> Result<Sent, Fault> {
        if let Some(response) = self.head.take() {
            return self.checked(response, mask);
        }
        loop {
            let limit = self.limit();
            let total = deadline(self.started, self.limits.total_ms);
            tokio::select! {
                biased;
                sent = &mut self.sends => {
                    let response = sent?;
                    if self.reported_connected {
                        return self.checked(response, mask);
                    }
                    self.head = Some(response);
                    return Ok(self.connected());
                }
                () = wait_until(limit.at) => return Err(timeout_fault(&limit, &self.peer, &self.trace)),
                () = wait_until(total) => return Err(limits::total_timeout(self.limits, self.phase())),
                () = self.trace.changed() => {
                    if !self.reported_connected && self.trace.is_connected() {
                        return Ok(self.connected());
                    }
                }
            }
        }
    }

    fn connected(&mut self) -> Sent {
        self.reported_connected = true;
        Sent::Connected(Box::new(self.connecting()))
    }

    fn checked(&mut self, response: HttpResponse, mask: &Mask) -> Result<Sent, Fault> {
        if let Err(fault) = refuse(&response.head, &self.peer, &self.url, mask) {
            self.refused = Some(Box::new(response.head));
            return Err(fault);
        }
        Ok(Sent::Head(Box::new(response)))
    }

    /// The head of the response, and the reader of its body.
    pub(super) fn reading(&mut self, response: HttpResponse, mask: &Mask) -> (Head, Reading) {
        let HttpResponse { head, body } = response;
        let decoder = self.decoder.map(|new| {
            mask.build();
            let decoder = new(&decoder_head(head.status, &head.headers, self.choices));
            BoundedDecoder::new(decoder, mask.stream())
        });
        let notes = std::mem::take(&mut self.notes);
        let watch = limits::LimitWatch::new(self.limits, self.started, &head);
        let reading = Reading::new(body, decoder, watch, notes, head.status);
        (head, reading)
    }

    /// The current limit: for connecting, for the next part of the body to be sent, or for the head. A long upload
    /// over a slow link is fine as long as it proceeds.
    fn limit(&self) -> SendLimit {
        let (sent, own) = (self.trace.request_sent(), self.trace.connecting_span());
        let taken = self.trace.taken();
        let is_connecting = sent.is_none() && own.is_some_and(|(_, end)| end.is_none());
        let (begin, limit_ms) = if is_connecting {
            (own.map(|(begin, _)| begin), self.limits.connect_ms)
        } else {
            let connected = own.and_then(|(_, end)| end);
            (sent.or(taken).or(connected), self.limits.first_token_ms)
        };
        let (what, name) = match (is_connecting, sent, taken) {
            (true, ..) => ("was not connected to", "connect"),
            (_, None, Some(_)) => ("took no more of the request", "first-token"),
            _ => ("did not begin to answer", "first-token"),
        };
        SendLimit {
            at: deadline(begin.unwrap_or(self.trace.began()), limit_ms),
            ms: limit_ms,
            is_connecting,
            what,
            name,
        }
    }
}

/// The fault of a limit that ran out.
fn timeout_fault(limit: &SendLimit, peer: &Peer, trace: &Trace) -> Fault {
    let SendLimit { what, name, .. } = limit;
    let (host, within) = (peer.answering(), limit_text(limit.ms));
    let phase = trace.phase();
    let message = match &peer.proxy {
        Some(proxy) if limit.is_connecting && !peer.is_reached(trace) => {
            let did_not = peer.proxy_timeout_text(proxy, trace.has_tcp());
            format!("the proxy {proxy} {did_not} within {within} ({name} limit)")
        }
        _ if phase == Phase::Tls => format!(
            "{host} {what} within {within} ({name} limit), the TLS handshake being under way: does it speak https on this port? If not, try http://"
        ),
        _ => format!("{host} {what} within {within} ({name} limit)"),
    };
    Fault::new(FaultClass::Timeout, phase, message)
}

/// A limit of sending.
struct SendLimit {
    at: Option<Instant>,
    ms: u64,
    is_connecting: bool,
    /// What did not happen in time: follows the host's name in the message.
    what: &'static str,
    name: &'static str,
}

/// Refuses heads that don't come from the endpoint itself: redirects, which are not followed so that no key goes to
/// another host, and a proxy's 407.
fn refuse(head: &Head, peer: &Peer, url: &Url, mask: &Mask) -> Result<(), Fault> {
    if let (407, false, Some(proxy)) = (head.status, peer.tls, &peer.proxy) {
        return Err(proxy.password_fault());
    }
    if !(300..400).contains(&head.status) {
        return Ok(());
    }
    Err(redirect(head.status, &head.headers, &peer.host, url, mask))
}

fn redirect(code: u16, headers: &HeaderMap, host: &str, asked: &Url, mask: &Mask) -> Fault {
    let target = headers.get(header::LOCATION).and_then(|location| {
        // Masked before it is parsed: in a URL some characters are percent-encoded, and a secret would not be
        // recognised.
        let mut location = String::from_utf8_lossy(location.as_bytes()).into_owned();
        mask.text(&mut location);
        asked.join(&location).ok()
    });
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
    Fault {
        status: Some(code),
        ..Fault::new(FaultClass::Protocol, Phase::Headers, message)
    }
}

/// What a decoder must know of a response.
pub(crate) fn decoder_head(status: u16, headers: &HeaderMap, choices: Option<u64>) -> ResponseHead {
    let content_type = headers.get(header::CONTENT_TYPE);
    let content_type = content_type.map(|value| String::from_utf8_lossy(value.as_bytes()).into());
    ResponseHead {
        status,
        // An empty type (none stated) differs from `None` (a body without a response, from a file).
        content_type: Some(content_type.unwrap_or_default()),
        retry_after_ms: wait_ms(status, headers),
        choices,
    }
}

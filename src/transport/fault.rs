//! Turns errors of the transport into faults, with messages that say what to do.
//!
//! In: errors of hyper, rustls and the system, distinguished by their types (never by their texts), and how far the
//! call had come. Out: a [`Fault`].

use std::{error::Error, io};

use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use rustls::{AlertDescription, CertificateError};
use tower_service::Service;

use super::{
    connector::{BoxError, Dial, NoAddress, NoHttp2},
    peer::Peer,
    phases::Trace,
    proxy::ProxyName,
};
use crate::event::{Fault, FaultClass, Phase};

/// hyper-util does not export the names of these two error types.
type TunnelError = <Tunnel<Dial> as Service<http::Uri>>::Error;
type SocksError = <SocksV5<Dial> as Service<http::Uri>>::Error;

/// Why a call got no response head.
#[derive(Debug)]
pub(super) enum SendError {
    /// It can't be written as a request.
    Unsendable(BoxError),
    /// There was no connection for it.
    Connect(BoxError),
    /// The exchange began.
    Exchange(hyper::Error),
}

/// The known types of error found in a chain of causes.
#[derive(Default)]
struct Causes<'a> {
    address: Option<&'a NoAddress>,
    without_http2: Option<&'a NoHttp2>,
    tls: Option<&'a rustls::Error>,
    tunnel: Option<&'a TunnelError>,
    socks: Option<&'a SocksError>,
    hyper: Option<&'a hyper::Error>,
    http2: Option<&'a h2::Error>,
    io: Option<&'a io::Error>,
    /// The innermost error of all.
    root: Option<&'a (dyn Error + 'static)>,
}

impl<'a> Causes<'a> {
    fn of(error: &'a (dyn Error + 'static)) -> Self {
        let mut causes = Self::default();
        let mut next = Some(error);
        while let Some(error) = next {
            causes.root = Some(error);
            causes.address = error.downcast_ref().or(causes.address);
            causes.without_http2 = error.downcast_ref().or(causes.without_http2);
            causes.tls = error.downcast_ref().or(causes.tls);
            causes.tunnel = error.downcast_ref().or(causes.tunnel);
            causes.socks = error.downcast_ref().or(causes.socks);
            causes.hyper = error.downcast_ref().or(causes.hyper);
            causes.http2 = error.downcast_ref().or(causes.http2);
            causes.io = error.downcast_ref().or(causes.io);
            next = inner(error);
        }
        causes
    }

    /// Whether the server, or a proxy before it, refused HTTP/2 by an alert or did not negotiate it.
    fn refuses_http2(&self) -> bool {
        let alert = rustls::Error::AlertReceived(AlertDescription::NoApplicationProtocol);
        self.without_http2.is_some() || self.tls == Some(&alert)
    }

    /// How the server ended the connection or its stream of HTTP/2, to follow its name; `None` if it did something else.
    /// `was_reset` is what the socket knows: what these errors tell may be what came after it.
    fn ending(&self, was_reset: bool) -> Option<String> {
        if let Some((error, reason)) = self.http2.and_then(|error| Some((error, error.reason()?))) {
            let what = match error {
                _ if !error.is_remote() => return None,
                _ if error.is_go_away() => "ended the connection",
                _ => "reset the stream",
            };
            return Some(format!("{what} (HTTP/2 {reason:?})"));
        }
        let io = self.io.or_else(|| self.http2?.get_io());
        let is_reset = match io.map(io::Error::kind) {
            Some(io::ErrorKind::ConnectionReset) => true,
            Some(io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe) => was_reset,
            _ if self.hyper.is_some_and(is_closed) => was_reset,
            _ => return None,
        };
        let what = if is_reset { "reset" } else { "closed" };
        Some(format!("{what} the connection"))
    }

    fn text(&self) -> String {
        self.root.map(ToString::to_string).unwrap_or_default()
    }
}

/// The error inside an error. An `io::Error` hides what it wraps from `source`, and hyper-util's SOCKS
/// error has none.
fn inner<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    if let Some(wrapped) = error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref)
    {
        return Some(wrapped);
    }
    match error.downcast_ref::<SocksError>() {
        Some(SocksError::Inner(connect)) => Some(connect),
        Some(SocksError::Io(error)) => Some(error),
        _ => error.source(),
    }
}

/// The fault of a call that got no response head.
pub(super) fn send_fault(error: &SendError, peer: &Peer, trace: &Trace) -> Fault {
    match error {
        SendError::Unsendable(error) => {
            let message = format!("the request can't be sent: {error}");
            Fault::new(FaultClass::BadRequest, Phase::Prepare, message)
        }
        SendError::Connect(error) => connecting_fault(&Causes::of(&**error), peer, trace),
        SendError::Exchange(error) => {
            let was_reset = (trace.connection().tcp).is_some_and(|tcp| tcp.was_reset());
            exchange_fault(&Causes::of(error), peer, was_reset)
        }
    }
}

fn connecting_fault(causes: &Causes<'_>, peer: &Peer, trace: &Trace) -> Fault {
    if let Some(address) = causes.address {
        return dns_fault(address, peer);
    }
    if causes.refuses_http2() {
        trace.mark_without_http2();
    }
    match &peer.proxy {
        Some(proxy) if !peer.is_reached(trace) => proxy_fault(causes, proxy, peer),
        _ if trace.phase() == Phase::Tls => handshake_fault(causes, &peer.host),
        _ => connect_fault(causes, peer),
    }
}

/// The fault of a body that broke off; `was_reset` is whether its connection was reset.
pub(super) fn body_fault(error: &(dyn Error + 'static), host: &str, was_reset: bool) -> Fault {
    let causes = Causes::of(error);
    let what = match causes.ending(was_reset) {
        Some(ended) => format!("{ended} in the middle of the answer"),
        None => format!("broke off its answer: {}", causes.text()),
    };
    Fault::new(
        FaultClass::Interrupted,
        Phase::Stream,
        format!("{host} {what}"),
    )
}

fn dns_fault(address: &NoAddress, peer: &Peer) -> Fault {
    let name = &address.name;
    let is_proxy = (peer.proxy.as_ref()).is_some_and(|_| *name != peer.name);
    let (class, whose) = if is_proxy {
        (FaultClass::Proxy, "the proxy ")
    } else {
        (FaultClass::Dns, "")
    };
    let message = format!(
        "no address found for {whose}{name} ({}): is the name right, and is this machine online?",
        address.source
    );
    Fault::new(class, Phase::Dns, message)
}

fn connect_fault(causes: &Causes<'_>, peer: &Peer) -> Fault {
    let message = unreachable_text(causes, &peer.first_hop(), "is the server running?");
    Fault::new(FaultClass::Connect, Phase::Connect, message)
}

fn unreachable_text(causes: &Causes<'_>, host: &str, question: &str) -> String {
    match causes.io.map(io::Error::kind) {
        Some(io::ErrorKind::ConnectionRefused) => {
            format!("connection refused by {host}: {question}")
        }
        Some(io::ErrorKind::TimedOut) => format!("{host} did not answer: {question}"),
        Some(io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable) => {
            format!("{host} can't be reached from here: is this machine online?")
        }
        Some(io::ErrorKind::ConnectionReset) => {
            format!("{host} reset the connection at once: {question}")
        }
        _ => format!("no connection to {host}: {}", causes.text()),
    }
}

fn proxy_fault(causes: &Causes<'_>, proxy: &ProxyName, peer: &Peer) -> Fault {
    let host = &peer.host;
    let message = match (causes.tunnel, causes.socks) {
        (Some(TunnelError::ProxyAuthRequired), _) => proxy.password_text(),
        (Some(TunnelError::TunnelUnsuccessful), _) => {
            format!("the proxy {proxy} refused to connect to {host}")
        }
        (Some(TunnelError::TunnelUnexpectedEof), _) => {
            format!("the proxy {proxy} closed the connection when asked for {host}")
        }
        (_, Some(SocksError::V5(error))) => {
            format!("the SOCKS proxy {proxy} refused to connect to {host}: {error}")
        }
        (_, Some(SocksError::Parsing(_))) => {
            format!("{proxy} does not speak SOCKS5: is it an http:// proxy?")
        }
        _ if causes.tls.is_some() => {
            format!("TLS with the proxy {proxy} failed: {}", causes.text())
        }
        _ => unreachable_text(
            causes,
            &format!("the proxy {proxy}"),
            "is the proxy running?",
        ),
    };
    Fault::new(FaultClass::Proxy, Phase::Connect, message)
}

fn handshake_fault(causes: &Causes<'_>, host: &str) -> Fault {
    let message = match causes.tls {
        _ if causes.refuses_http2() => {
            format!("{host} does not offer the HTTP version that this endpoint is set to")
        }
        Some(error) => tls_text(error, host),
        None => match causes.io.map(io::Error::kind) {
            Some(io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset) => format!(
                "{host} closed the connection during the TLS handshake: does it speak https on this port? If not, try http://"
            ),
            _ => format!("TLS with {host} failed: {}", causes.text()),
        },
    };
    Fault::new(FaultClass::Tls, Phase::Tls, message)
}

fn tls_text(error: &rustls::Error, host: &str) -> String {
    match error {
        rustls::Error::InvalidCertificate(error) => certificate_text(error, host),
        rustls::Error::InvalidMessage(_) => {
            format!("{host} does not speak TLS on this port: try http:// instead of https://")
        }
        error => format!("TLS with {host} failed: {error}"),
    }
}

fn certificate_text(error: &CertificateError, host: &str) -> String {
    use CertificateError as E;
    match error {
        E::UnknownIssuer => format!(
            "the certificate of {host} is signed by no authority that this machine trusts; \
             if it is your own, set its PEM file as the endpoint's extra CA"
        ),
        E::Expired | E::ExpiredContext { .. } => {
            format!("the certificate of {host} has expired (or this machine's clock is wrong)")
        }
        E::NotValidYet | E::NotValidYetContext { .. } => {
            format!("the certificate of {host} is not valid yet (or this machine's clock is wrong)")
        }
        E::Other(other) if is_authority(other) => format!(
            "the certificate of {host} is self-signed, as an authority's is, and this machine does not trust it; \
             if it is your own, set its PEM file as the endpoint's extra CA"
        ),
        E::NotValidForName => format!("the certificate is for another host than {host}"),
        E::NotValidForNameContext { presented, .. } => format!(
            "the certificate is for another host than {host}: {}",
            presented.join(", ")
        ),
        error => format!("the certificate of {host} is not accepted: {error}"),
    }
}

/// Whether a server uses the certificate of an authority as its own.
pub(super) fn is_authority(error: &rustls::OtherError) -> bool {
    let webpki = error.0.downcast_ref::<webpki::Error>();
    matches!(webpki, Some(webpki::Error::CaUsedAsEndEntity))
}

/// The fault of a request that was begun: it, or a part of it, may have arrived.
fn exchange_fault(causes: &Causes<'_>, peer: &Peer, was_reset: bool) -> Fault {
    let host = peer.answering();
    if causes.hyper.is_some_and(hyper::Error::is_parse_too_large) {
        let message = format!(
            "the head of what {host} sent is too large: it has too many headers, or too long ones"
        );
        return Fault::new(FaultClass::Protocol, Phase::Headers, message);
    }
    if causes.hyper.is_some_and(hyper::Error::is_parse) {
        let hint = if peer.tls {
            "set another HTTP version for this endpoint, or check its address"
        } else {
            "try https:// instead of http:// (a gRPC server answers gRPC alone)"
        };
        let message = format!("what {host} sent is not HTTP: {hint}");
        return Fault::new(FaultClass::Protocol, Phase::Headers, message);
    }
    if let Some(why) = causes.http2.and_then(not_processed) {
        let message =
            format!("{host} {why}: it can't have been taken, so it is safe to send it again");
        return Fault::new(FaultClass::Reset, Phase::Headers, message);
    }
    let ended = causes
        .ending(was_reset)
        .unwrap_or_else(|| format!("closed the connection ({})", causes.text()));
    // A port that speaks TLS or gRPC often closes the connection on what it does not understand.
    let hint = if peer.tls || causes.http2.is_some() {
        ""
    } else {
        "; if it speaks TLS on this port, try https:// instead of http://"
    };
    let message = format!(
        "{host} {ended} before it answered; the request was not sent again, because it may have been taken{hint}"
    );
    Fault::new(FaultClass::Reset, Phase::Headers, message)
}

/// How a server said that it did not process a request (RFC 9113 §8.7).
fn not_processed(error: &h2::Error) -> Option<&'static str> {
    match error.reason() {
        // Streams that the server has taken go on (RFC 9113 §6.8).
        _ if error.is_go_away() && error.is_remote() => {
            Some("ended the connection before looking at the request (HTTP/2 GOAWAY)")
        }
        Some(h2::Reason::REFUSED_STREAM) => {
            Some("refused the request before looking at it (HTTP/2 REFUSED_STREAM)")
        }
        Some(h2::Reason::HTTP_1_1_REQUIRED) => {
            Some("wants HTTP/1.1: set that for this endpoint (HTTP/2 HTTP_1_1_REQUIRED)")
        }
        _ => None,
    }
}

fn is_closed(error: &hyper::Error) -> bool {
    error.is_incomplete_message() || error.is_closed() || error.is_canceled()
}

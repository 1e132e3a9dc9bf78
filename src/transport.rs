//! The only client socket: sends a request, stamps every read where its bytes come off the socket.
//!
//! In: an [`HttpCall`]. Out: an [`HttpResponse`] whose head, connection phases and reads carry
//! instants. Nothing here knows a dialect.

pub mod sse;

use std::time::Instant;

use bytes::Bytes;
use http::HeaderMap;
use url::Url;

use crate::{endpoint::ConnectOptions, event::Fault};

/// A request ready for the wire.
#[derive(Clone, Debug)]
pub struct HttpCall {
    /// `GET` or `POST`.
    pub method: http::Method,
    /// The final URL.
    pub url: Url,
    /// All headers; secret ones are marked sensitive.
    pub headers: HeaderMap,
    /// The body; empty for `GET`.
    pub body: Bytes,
    /// How to connect.
    pub connect: ConnectOptions,
    /// The proxy's password, where it needs one.
    pub proxy_password: Option<secrecy::SecretString>,
}

/// Begin and end of one phase.
#[derive(Clone, Copy, Debug)]
pub struct PhaseSpan {
    /// When it began.
    pub begin: Instant,
    /// When it ended.
    pub end: Instant,
}

/// The phases of this call's own connection; all blank on a warm one.
#[derive(Clone, Copy, Debug, Default)]
pub struct ConnectPhases {
    /// Whether this call opened its connection.
    pub cold: bool,
    /// Name resolution.
    pub dns: Option<PhaseSpan>,
    /// TCP handshake (the proxy's, where there is one).
    pub tcp: Option<PhaseSpan>,
    /// TLS handshake.
    pub tls: Option<PhaseSpan>,
}

/// Bytes of a response body and when they came off the socket.
#[derive(Clone, Debug)]
pub struct Chunk {
    /// When.
    pub at: Instant,
    /// What, after any content decoding.
    pub bytes: Bytes,
}

/// A response whose body is still coming. Dropping it closes the exchange at once.
pub struct HttpResponse {
    /// HTTP status.
    pub status: u16,
    /// `HTTP/1.1`, `HTTP/2.0`, …
    pub version: String,
    /// Response headers.
    pub headers: HeaderMap,
    /// This call's connection phases.
    pub phases: ConnectPhases,
    /// When the request had been handed to the connection.
    pub request_sent: Instant,
    /// When the head was there.
    pub headers_at: Instant,
    /// The body.
    pub body: std::pin::Pin<Box<dyn futures_util::Stream<Item = Result<Chunk, Fault>> + Send>>,
}

impl std::fmt::Debug for HttpResponse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpResponse")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// Keeps connections between calls. Cheap to clone; clones share the pool.
#[derive(Clone, Debug, Default)]
pub struct Transport {}

impl Transport {
    /// Sends one call and waits for its head, no longer than the connect limit for connecting.
    ///
    /// # Errors
    /// A fault of class `dns`, `connect`, `tls`, `proxy`, `timeout`, `reset` or `protocol`, with the
    /// phase it happened in. Its text holds no query string and no credential.
    pub async fn send(&self, _call: HttpCall) -> Result<HttpResponse, Fault> {
        todo!("transport helper")
    }

    /// Sends one call and reads its whole answer.
    ///
    /// # Errors
    /// As [`Transport::send`].
    pub async fn get(&self, _call: HttpCall) -> Result<(u16, HeaderMap, Bytes), Fault> {
        todo!("transport helper")
    }
}

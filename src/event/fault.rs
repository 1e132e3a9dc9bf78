//! Failures: our class of them and how far the request had come, beside the provider's own words.

use serde::{Deserialize, Serialize};

use super::words;

/// A failure: our class and phase beside the provider's own words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{class} ({phase}): {message}")]
pub struct Fault {
    /// What kind of failure.
    pub class: FaultClass,
    /// How far the request had come.
    pub phase: Phase,
    /// The HTTP status, where there was a response.
    pub status: Option<u16>,
    /// The provider's own error code or type, verbatim.
    pub code: Option<String>,
    /// The provider's message verbatim, or ours; never holds a key.
    pub message: String,
    /// Details that the provider gave beside its message (parameter, metadata, request id, …), as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<String>,
    /// How long the provider asked us to wait, in milliseconds.
    pub retry_after_ms: Option<u64>,
}

impl Fault {
    /// A fault with only a class, a phase and a message.
    pub fn new(class: FaultClass, phase: Phase, message: impl Into<String>) -> Self {
        Self {
            class,
            phase,
            status: None,
            code: None,
            message: message.into(),
            details: None,
            retry_after_ms: None,
        }
    }
}

words! {
    /// What kind of failure ended a run.
    FaultClass {
        /// The host's name could not be resolved.
        Dns = "dns",
        /// No TCP connection.
        Connect = "connect",
        /// The TLS handshake failed, or the certificate is not trusted.
        Tls = "tls",
        /// The proxy refused, or cannot be reached.
        Proxy = "proxy",
        /// 401 or 403: the key is missing, wrong, or not allowed.
        Auth = "auth",
        /// 429: too many requests, or out of quota.
        RateLimited = "rate_limited",
        /// 503, 529 or the provider's own word for it: too busy.
        Overloaded = "overloaded",
        /// 404: no such URL or model.
        NotFound = "not_found",
        /// Another 4xx: the request was not understood.
        BadRequest = "bad_request",
        /// One of our own time limits ran out.
        Timeout = "timeout",
        /// The connection was reset before the answer began.
        Reset = "reset",
        /// The answer broke off before its end.
        Interrupted = "interrupted",
        /// The response does not follow the dialect (HTML, bad JSON, an oversized event).
        Protocol = "protocol",
        /// The provider reported another error of its own.
        Provider = "provider",
        /// The user stopped it.
        Cancelled = "cancelled",
        /// The machine slept while it was under way.
        Suspended = "suspended",
    }
}

impl FaultClass {
    /// Whether the run ended here, and not by a failure of the endpoint or of the way to it.
    #[must_use]
    pub const fn is_no_failure(self) -> bool {
        matches!(self, Self::Cancelled | Self::Suspended)
    }
}

words! {
    /// How far a request had come.
    Phase {
        /// Before any connection (encoding, credentials).
        Prepare = "prepare",
        /// Resolving the name.
        Dns = "dns",
        /// Opening the TCP connection, to the endpoint or its proxy.
        Connect = "connect",
        /// The TLS handshake.
        Tls = "tls",
        /// Sending the request, or waiting for the response head.
        Headers = "headers",
        /// After the head, before the first token.
        FirstToken = "first_token",
        /// After the first token.
        Stream = "stream",
    }
}

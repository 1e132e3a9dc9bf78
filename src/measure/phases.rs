//! The parts of the time until the first token, one after the other.
//!
//! In: the stamps of a run. Out: how long each part took; blank where it did not happen or is not known.

use crate::run::{Span, Stamps, ms};

/// A part of the time until the first token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TtftPhase {
    /// Name resolution.
    Dns,
    /// TCP handshake.
    Tcp,
    /// TLS handshake.
    Tls,
    /// From the request to the first byte of the response's body (TTFB).
    FirstByte,
    /// From there to the first token.
    FirstToken,
}

impl TtftPhase {
    /// All of them, in the order in which they come.
    pub const ALL: [Self; 5] = [
        Self::Dns,
        Self::Tcp,
        Self::Tls,
        Self::FirstByte,
        Self::FirstToken,
    ];

    /// How long it took in a run, in milliseconds; `None` if that is not known, and for the handshakes of a run over a
    /// connection that was open.
    #[must_use]
    pub fn ms(self, stamps: &Stamps) -> Option<f64> {
        let between = |from: Option<u64>, to: Option<u64>| to?.checked_sub(from?).map(ms);
        match self {
            Self::Dns => stamps.dns.map(Span::ms),
            Self::Tcp => stamps.tcp.map(Span::ms),
            Self::Tls => stamps.tls.map(Span::ms),
            Self::FirstByte => between(stamps.request_sent, stamps.first_byte),
            Self::FirstToken => between(stamps.first_byte, stamps.first_token),
        }
    }
}

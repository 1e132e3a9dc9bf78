//! What is known of how a connection was opened: the addresses that were tried, and its TLS session.

use std::{io, net::SocketAddr, sync::Mutex, time::Instant};

use rustls::{ClientConnection, HandshakeKind, ProtocolVersion};
use serde::{Deserialize, Serialize};

use super::phases::lock;
use crate::{clock::now, event::words};

words! {
    /// How connecting to one address ended.
    TryOutcome {
        /// The connection was established.
        Connected = "connected",
        /// The other side refused it.
        Refused = "refused",
        /// No way led there.
        Unreachable = "unreachable",
        /// Nothing answered.
        TimedOut = "timed_out",
        /// It failed in another way.
        Failed = "failed",
        /// It had not ended when another address answered, or when the call was given up.
        Dropped = "dropped",
    }
}

impl TryOutcome {
    fn of(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Self::Refused,
            io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::AddrNotAvailable => Self::Unreachable,
            io::ErrorKind::TimedOut => Self::TimedOut,
            _ => Self::Failed,
        }
    }
}

/// One try to connect to one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressTry {
    /// The address.
    pub address: SocketAddr,
    /// When it began.
    pub begin: Instant,
    /// When it ended; `None` if it was dropped.
    pub end: Option<Instant>,
    /// How it ended.
    pub outcome: TryOutcome,
}

/// The tries of one connection, in the order in which they began.
#[derive(Debug, Default)]
pub(super) struct AddressTries(Mutex<Vec<AddressTry>>);

impl AddressTries {
    /// Records the begin of a try; gives its place.
    pub(super) fn begins(&self, address: SocketAddr) -> usize {
        let mut tries = lock(&self.0);
        tries.push(AddressTry {
            address,
            begin: now(),
            end: None,
            outcome: TryOutcome::Dropped,
        });
        tries.len() - 1
    }

    /// Records how the try at this place ended.
    pub(super) fn ends<T>(&self, place: usize, result: &io::Result<T>) {
        if let Some(one) = lock(&self.0).get_mut(place) {
            one.end = Some(now());
            one.outcome = match result {
                Ok(_) => TryOutcome::Connected,
                Err(error) => TryOutcome::of(error),
            };
        }
    }

    pub(super) fn all(&self) -> Vec<AddressTry> {
        lock(&self.0).clone()
    }
}

words! {
    /// A version of TLS.
    TlsVersion {
        /// TLS 1.2.
        Tls12 = "1.2",
        /// TLS 1.3.
        Tls13 = "1.3",
    }
}

/// What a TLS handshake agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TlsSession {
    /// The version.
    pub version: TlsVersion,
    /// Whether it resumed an earlier session, which saves the server's certificate and its check.
    pub resumed: bool,
}

impl TlsSession {
    /// The session of a connection whose handshake is over.
    pub(super) fn of(connection: &ClientConnection) -> Option<Self> {
        let version = match connection.protocol_version()? {
            ProtocolVersion::TLSv1_2 => TlsVersion::Tls12,
            ProtocolVersion::TLSv1_3 => TlsVersion::Tls13,
            _ => return None,
        };
        Some(Self {
            version,
            resumed: connection.handshake_kind() == Some(HandshakeKind::Resumed),
        })
    }
}

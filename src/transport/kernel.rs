//! What the kernel knows of a connection: when it had the bytes of a read, and how the way there is.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod unsupported;

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

#[cfg(target_os = "linux")]
pub(super) use self::linux::{Receiver, keep_stamping, tcp_info};
#[cfg(not(target_os = "linux"))]
pub(super) use self::unsupported::{Receiver, keep_stamping, tcp_info};

/// One read from a socket.
#[derive(Clone, Copy, Debug)]
pub(super) struct SocketRead {
    /// How many reads there were on this socket, this one included.
    pub(super) number: u64,
    /// When the kernel had the last of its bytes, where it says so.
    pub(super) kernel_at: Option<Instant>,
    /// Whether it held several segments, so that the first of its bytes came earlier.
    pub(super) is_several: bool,
}

/// How a TCP connection does, as far as this side sees: to the server's edge, never behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TcpInfo {
    /// Round-trip time, smoothed.
    pub rtt: Duration,
    /// The shortest round-trip time seen.
    pub min_rtt: Duration,
    /// Segments that this side sent again.
    pub retransmits: u32,
    /// Segments of this side that are taken for lost right now.
    pub lost: u32,
    /// Segments of the other side that came out of order: others before them were lost or overtaken.
    pub out_of_order: u32,
}

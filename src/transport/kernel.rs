//! What the kernel reports of a connection: stamps of what came and of what was acknowledged, and `TCP_INFO`.

#[cfg(target_os = "linux")]
mod busy;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod unsupported;

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

#[cfg(not(target_os = "linux"))]
pub(super) use self::unsupported::{
    Receiver, acknowledgement, busy, clocks, is_unacknowledged, keep_stamping, monotonic,
    out_of_order, segments_in, stamp_acknowledgements, tcp_info, writable,
};
#[cfg(target_os = "linux")]
pub(super) use self::{
    busy::busy,
    linux::{
        Receiver, acknowledgement, clocks, is_unacknowledged, keep_stamping, monotonic,
        out_of_order, segments_in, stamp_acknowledgements, tcp_info, writable,
    },
};

/// A reading of the monotonic clock, and of the wall clock at the same time, in nanoseconds since 1970.
pub(super) type ClockReading = (Instant, i64);

/// One read from a socket.
#[derive(Clone, Copy, Debug)]
pub(super) struct SocketRead {
    /// How many reads there were on this socket, this one included.
    pub(super) number: u64,
    /// How many bytes it had.
    pub(super) bytes: usize,
    /// Whether it surely left nothing to be read.
    pub(super) emptied: bool,
    /// When the kernel received the last of its bytes, or of those before them that came later; `None` without its stamp.
    pub(super) kernel_at: Option<Instant>,
    /// Whether its last segment came before earlier ones, so that it could not be read yet: `kernel_at` is then when the
    /// socket was found readable.
    pub(super) out_of_order: bool,
    /// How long the first of its bytes may have waited before, in nanoseconds; `None` if it is not known.
    pub(super) waited: Option<u32>,
}

/// Statistics of a TCP connection. They cover the way to the server's edge, never what is behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TcpInfo {
    /// Round-trip time, smoothed.
    pub rtt: Duration,
    /// The shortest round-trip time seen.
    pub min_rtt: Duration,
    /// Segments that this side retransmitted.
    pub retransmits: u32,
    /// Segments of this side that are considered lost right now.
    pub lost: u32,
    /// How many segments this side may have under way, unacknowledged; `None` in runs that were stored before it was
    /// kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub congestion_window: Option<u32>,
    /// Segments of the other side that arrived out of order: earlier ones were lost or delayed.
    pub out_of_order: u32,
}

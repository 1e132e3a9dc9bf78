//! Systems without receive stamps and `TCP_INFO` here.

use std::{
    io,
    pin::Pin,
    time::{Duration, Instant},
};

use tokio::{io::ReadBuf, net::TcpStream};

use super::{ClockReading, SocketRead, TcpInfo};
use crate::clock::{now, wall_clock_ns};

/// Reads from a socket.
#[derive(Debug)]
pub(in crate::transport) struct Receiver {
    reads: u64,
}

impl Receiver {
    pub(in crate::transport) fn new(_: &TcpStream) -> Self {
        Self { reads: 0 }
    }

    /// Reads the available bytes.
    pub(in crate::transport) fn receive(
        &mut self,
        tcp: &TcpStream,
        buffer: &mut ReadBuf<'_>,
    ) -> io::Result<SocketRead> {
        let bytes = tcp.try_read_buf(buffer)?;
        self.reads += 1;
        Ok(SocketRead {
            number: self.reads,
            bytes,
            emptied: false,
            kernel_at: None,
            out_of_order: false,
            waited: None,
        })
    }
}

/// Not supported.
pub(in crate::transport) fn tcp_info(_: &TcpStream) -> Option<TcpInfo> {
    None
}

/// Not supported.
pub(in crate::transport) fn segments_in(_: &TcpStream) -> Option<u32> {
    None
}

/// Not supported.
pub(in crate::transport) fn out_of_order(_: &TcpStream) -> u32 {
    0
}

/// Not supported.
pub(in crate::transport) fn busy() -> Option<Duration> {
    None
}

/// Not supported.
pub(in crate::transport) fn keep_stamping() {}

/// Not supported.
pub(in crate::transport) fn is_unacknowledged(_: &TcpStream) -> bool {
    false
}

/// Not supported.
pub(in crate::transport) fn stamp_acknowledgements(_: &TcpStream, _: bool) -> bool {
    false
}

/// Not supported.
pub(in crate::transport) fn acknowledgement(_: &TcpStream) -> Option<(u32, i64)> {
    None
}

/// Both clocks now.
pub(in crate::transport) fn clocks() -> ClockReading {
    (now(), wall_clock_ns())
}

/// Not supported.
pub(in crate::transport) fn monotonic(_: ClockReading, _: i64) -> Option<Instant> {
    None
}

/// Not needed.
pub(in crate::transport) fn writable(
    _: &TcpStream,
) -> io::Result<Pin<Box<dyn Future<Output = io::Result<()>> + Send>>> {
    Ok(Box::pin(std::future::ready(Ok(()))))
}

//! Systems without receive stamps and `TCP_INFO` here.

use std::{io, time::Duration};

use tokio::{io::ReadBuf, net::TcpStream};

use super::{SocketRead, TcpInfo};

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
pub(in crate::transport) fn busy() -> Option<Duration> {
    None
}

/// Not supported.
pub(in crate::transport) fn keep_stamping() {}

//! Stamps of acknowledgements: the kernel puts them into the socket's error queue.
//!
//! A queue that is not empty makes epoll report an error, which tokio takes for the end of writing: from then on it calls
//! the socket writable at all times. So a write that would block waits on a descriptor of its own ([`writable`]).

use std::{
    io,
    os::fd::{AsFd as _, AsRawFd as _, OwnedFd},
    pin::Pin,
    time::Instant,
};

use nix::{
    libc,
    sys::{
        socket::{
            ControlMessageOwned, MsgFlags, TimestampingFlag, recvmsg, setsockopt,
            sockopt::Timestamping,
        },
        time::TimeValLike as _,
    },
};
use tokio::net::TcpStream;

use super::{Clocks, STAMPS};
use crate::transport::kernel::ClockReading;

/// Stamps tell which byte they are of, counted from when this was asked for, and come without the bytes.
const WITH_PLACES: TimestampingFlag = STAMPS
    .union(TimestampingFlag::SOF_TIMESTAMPING_OPT_ID)
    .union(TimestampingFlag::SOF_TIMESTAMPING_OPT_TSONLY);

/// Stamps of when the last byte of a write was acknowledged; nix has no name for it.
const OF_ACKNOWLEDGEMENTS: TimestampingFlag =
    TimestampingFlag::from_bits_retain(libc::SOF_TIMESTAMPING_TX_ACK);

/// Begins to count bytes, before any is written.
pub(super) fn count_from_here(tcp: &TcpStream) {
    if let Err(error) = setsockopt(tcp, Timestamping, &WITH_PLACES) {
        tracing::debug!(%error, "the kernel makes no stamps of acknowledgements");
    }
}

/// Has the kernel stamp the acknowledgements of what is written from here on, or no longer; returns whether it does
/// what is asked.
pub(in crate::transport) fn stamp_acknowledgements(tcp: &TcpStream, is_on: bool) -> bool {
    let flags = if is_on {
        WITH_PLACES | OF_ACKNOWLEDGEMENTS
    } else {
        WITH_PLACES
    };
    setsockopt(tcp, Timestamping, &flags).is_ok()
}

/// Takes the next stamp of an acknowledgement: the place of the byte up to which all is acknowledged, counted from 0, and
/// when, in nanoseconds since 1970.
pub(in crate::transport) fn acknowledgement(tcp: &TcpStream) -> Option<(u32, i64)> {
    let mut control = nix::cmsg_space!([libc::timespec; 3], [u8; 64]);
    loop {
        let flags = MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT;
        let read = recvmsg::<()>(tcp.as_raw_fd(), &mut [], Some(&mut control), flags).ok()?;
        let (mut place, mut stamp_ns) = (None, None);
        for message in read.cmsgs().ok()? {
            match message {
                ControlMessageOwned::ScmTimestampsns(stamps) => {
                    stamp_ns = Some(stamps.system.num_nanoseconds());
                }
                ControlMessageOwned::Ipv4RecvErr(error, _)
                | ControlMessageOwned::Ipv6RecvErr(error, _)
                    if error.ee_origin == libc::SO_EE_ORIGIN_TIMESTAMPING =>
                {
                    place = Some(error.ee_data);
                }
                _ => {}
            }
        }
        if let Some(found) = place.zip(stamp_ns) {
            return Some(found);
        }
    }
}

/// Both clocks now.
pub(in crate::transport) fn clocks() -> ClockReading {
    let Clocks { at, wall_ns } = Clocks::read();
    (at, wall_ns)
}

/// Maps a stamp to the monotonic clock; `None` if the wall clock was set since `before`.
pub(in crate::transport) fn monotonic(
    (at, wall_ns): ClockReading,
    stamp_ns: i64,
) -> Option<Instant> {
    Clocks::read().map(Clocks { at, wall_ns }, stamp_ns)
}

/// Waits until the socket may take bytes again, by epoll anew.
///
/// # Errors
/// If no descriptor is left for it.
pub(in crate::transport) fn writable(
    tcp: &TcpStream,
) -> io::Result<Pin<Box<dyn Future<Output = io::Result<()>> + Send>>> {
    let own: OwnedFd = tcp.as_fd().try_clone_to_owned()?;
    let own = TcpStream::from_std(own.into())?;
    Ok(Box::pin(async move { own.writable().await }))
}

//! Linux: stamps (`SO_TIMESTAMPING`) and `TCP_INFO`.
//!
//! A stamp is made in software when a segment is received, by the wall clock. It is mapped to the monotonic clock by
//! reading both clocks, and ignored if the wall clock was set since the previous read.

mod acknowledgements;

use std::{
    cell::RefCell,
    io::{self, IoSliceMut},
    net::{Ipv4Addr, UdpSocket},
    os::fd::{AsFd, AsRawFd as _},
    sync::LazyLock,
    time::{Duration, Instant},
};

use nix::{
    getsockopt_impl, libc,
    sys::{
        socket::{
            ControlMessageOwned, GetSockOpt as _, MsgFlags, RecvMsg, TimestampingFlag, recvmsg,
            setsockopt, sockopt::Timestamping,
        },
        time::TimeValLike as _,
    },
};
use tokio::{
    io::{Interest, ReadBuf},
    net::TcpStream,
};

pub(in crate::transport) use self::acknowledgements::{
    acknowledgement, clocks, monotonic, stamp_acknowledgements, writable,
};
use super::{SocketRead, TcpInfo};
use crate::clock::{now, wall_clock_ns};

/// Most bytes of a read: bytes that are not read yet keep a stamp of their own.
const MAX_READ: usize = 32 << 10;

thread_local! {
    /// Where reads go first. The buffer that is to have them would have to be cleared for each read, all of it.
    static SCRATCH: RefCell<Vec<u8>> = RefCell::new(vec![0; MAX_READ]);
}

/// Keeps the kernel's receive stamps on for as long as the program runs. The kernel turns them on some time after the
/// first socket asked for them, and off with the last one; without this socket, the first answers would have no
/// stamps.
pub(in crate::transport) fn keep_stamping() {
    static ASKS: LazyLock<io::Result<UdpSocket>> = LazyLock::new(|| {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        ask_for_stamps(&socket);
        Ok(socket)
    });
    if let Err(error) = &*ASKS {
        tracing::debug!(%error, "the kernel is asked for stamps with the first connection only");
    }
}

/// Stamps of what comes.
const STAMPS: TimestampingFlag = TimestampingFlag::SOF_TIMESTAMPING_RX_SOFTWARE
    .union(TimestampingFlag::SOF_TIMESTAMPING_SOFTWARE);

fn ask_for_stamps(socket: &impl AsFd) {
    if let Err(error) = setsockopt(socket, Timestamping, &STAMPS) {
        tracing::debug!(%error, "the kernel makes no receive stamps");
    }
}

/// Reads from a socket, with the kernel's stamps.
#[derive(Debug)]
pub(in crate::transport) struct Receiver {
    reads: u64,
    /// Buffer for the control message with a stamp.
    control: Vec<u8>,
    clocks: Clocks,
}

impl Receiver {
    pub(in crate::transport) fn new(tcp: &TcpStream) -> Self {
        ask_for_stamps(tcp);
        acknowledgements::count_from_here(tcp);
        Self {
            reads: 0,
            control: nix::cmsg_space!([libc::timespec; 3]),
            clocks: Clocks::read(),
        }
    }

    /// Reads the available bytes.
    pub(in crate::transport) fn receive(
        &mut self,
        tcp: &TcpStream,
        buffer: &mut ReadBuf<'_>,
    ) -> io::Result<SocketRead> {
        let room = buffer.remaining().min(MAX_READ);
        let (bytes, stamp_ns) = SCRATCH.with_borrow_mut(|scratch| {
            let (bytes, stamp_ns) = self.receive_into(tcp, &mut scratch[..room])?;
            buffer.put_slice(&scratch[..bytes]);
            io::Result::Ok((bytes, stamp_ns))
        })?;
        self.reads += 1;
        Ok(SocketRead {
            number: self.reads,
            bytes,
            emptied: bytes < room,
            kernel_at: stamp_ns.and_then(|stamp_ns| self.clocks.monotonic(stamp_ns)),
            out_of_order: false,
            waited: None,
        })
    }

    /// Reads the available bytes into a slice; returns how many there were, and their stamp.
    fn receive_into(
        &mut self,
        tcp: &TcpStream,
        room: &mut [u8],
    ) -> io::Result<(usize, Option<i64>)> {
        let most = room.len();
        let mut slices = [IoSliceMut::new(room)];
        let (control, mut short) = (&mut self.control, None);
        let read = tcp.try_io(Interest::READABLE, || {
            let flags = MsgFlags::MSG_DONTWAIT;
            let read = recvmsg::<()>(tcp.as_raw_fd(), &mut slices, Some(control), flags)?;
            let read = (read.bytes, stamp_ns(&read));
            if (1..most).contains(&read.0) {
                // The socket is empty now: tokio waits for it to become readable again, without a read in vain first,
                // as with its own reads.
                short = Some(read);
                return Err(io::ErrorKind::WouldBlock.into());
            }
            Ok(read)
        });
        short.map_or(read, Ok)
    }
}

/// The software stamp of a read, in nanoseconds since 1970.
fn stamp_ns(read: &RecvMsg<'_, '_, ()>) -> Option<i64> {
    read.cmsgs().ok()?.find_map(|message| match message {
        ControlMessageOwned::ScmTimestampsns(stamps) => {
            Some(stamps.system.num_nanoseconds()).filter(|stamp_ns| *stamp_ns > 0)
        }
        _ => None,
    })
}

/// A simultaneous reading of both clocks.
#[derive(Clone, Copy, Debug)]
struct Clocks {
    at: Instant,
    wall_ns: i64,
}

impl Clocks {
    /// Two readings of the monotonic clock around one of the wall clock are this near, unless the thread was
    /// interrupted in between.
    const TOGETHER: Duration = Duration::from_micros(20);

    /// How far the clocks may drift apart between reads, in addition to a thousandth of the time between: a wall
    /// clock that is slewed drifts half as fast.
    const DRIFT_NS: i64 = 500_000;

    fn read() -> Self {
        let mut tries = 0;
        loop {
            let (at, wall_ns) = (now(), wall_clock_ns());
            tries += 1;
            if now().saturating_duration_since(at) < Self::TOGETHER || tries == 5 {
                return Self { at, wall_ns };
            }
        }
    }

    /// Maps a stamp to the monotonic clock; `None` if the wall clock was set since the last time.
    fn monotonic(&mut self, stamp_ns: i64) -> Option<Instant> {
        let before = std::mem::replace(self, Self::read());
        self.map(before, stamp_ns)
    }

    fn map(self, before: Self, stamp_ns: i64) -> Option<Instant> {
        let passed = self.at.saturating_duration_since(before.at);
        let passed_ns = i64::try_from(passed.as_nanos()).unwrap_or(i64::MAX);
        let drift_ns = self
            .wall_ns
            .saturating_sub(before.wall_ns)
            .abs_diff(passed_ns);
        let may_ns = Self::DRIFT_NS
            .saturating_add(passed_ns / 1000)
            .unsigned_abs();
        let ago_ns = u64::try_from(self.wall_ns.saturating_sub(stamp_ns)).ok()?;
        (drift_ns <= may_ns)
            .then(|| self.at.checked_sub(Duration::from_nanos(ago_ns)))
            .flatten()
    }
}

/// `struct tcp_info` of `linux/tcp.h`, in words of four bytes, up to the last that is read here.
const WORDS: usize = OUT_OF_ORDER + 1;
/// Four numbers of a byte each; the first is how often the retransmission timeout was doubled.
const BACKOFF: usize = 1;
const UNACKNOWLEDGED: usize = 6;
const LOST: usize = 8;
const RTT_US: usize = 17;
const CONGESTION_WINDOW: usize = 20;
const RETRANSMITS: usize = 25;
const MIN_RTT_US: usize = 37;
const DATA_SEGMENTS_IN: usize = 38;
const OUT_OF_ORDER: usize = 56;

#[derive(Clone, Copy)]
struct TcpWords;
getsockopt_impl!(
    TcpWords,
    libc::IPPROTO_TCP,
    libc::TCP_INFO,
    [u32; WORDS],
    nix::sys::socket::sockopt::GetStruct<[u32; WORDS]>
);

/// Whether the kernel fills all these words: since 5.4.
static FILLS_ALL: LazyLock<bool> = LazyLock::new(|| {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut numbers = release
        .split(|c: char| !c.is_ascii_digit())
        .map(|number| number.parse::<u32>().unwrap_or_default());
    (numbers.next(), numbers.next()) >= (Some(5), Some(4))
});

fn words(tcp: &TcpStream) -> Option<[u32; WORDS]> {
    FILLS_ALL.then(|| TcpWords.get(tcp).ok()).flatten()
}

/// How many segments with data the socket has received.
pub(in crate::transport) fn segments_in(tcp: &TcpStream) -> Option<u32> {
    Some(words(tcp)?[DATA_SEGMENTS_IN])
}

/// How many segments the socket has received before earlier ones.
pub(in crate::transport) fn out_of_order(tcp: &TcpStream) -> u32 {
    words(tcp).map_or(0, |words| words[OUT_OF_ORDER])
}

/// Whether bytes of this side are unacknowledged although a retransmission timeout ran out.
pub(in crate::transport) fn is_unacknowledged(tcp: &TcpStream) -> bool {
    let backoff = |words: [u32; WORDS]| words[BACKOFF].to_ne_bytes()[0];
    words(tcp).is_some_and(|words| words[UNACKNOWLEDGED] > 0 && backoff(words) > 0)
}

/// How the connection does.
pub(in crate::transport) fn tcp_info(tcp: &TcpStream) -> Option<TcpInfo> {
    let words = words(tcp)?;
    let micros = |word: usize| Duration::from_micros(words[word].into());
    Some(TcpInfo {
        rtt: micros(RTT_US),
        min_rtt: micros(MIN_RTT_US),
        retransmits: words[RETRANSMITS],
        lost: words[LOST],
        congestion_window: Some(words[CONGESTION_WINDOW]),
        out_of_order: words[OUT_OF_ORDER],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_mapped_unless_the_wall_clock_was_set() {
        let at = now();
        let second = Duration::from_secs(1);
        let before = Clocks {
            at,
            wall_ns: 5_000_000_000,
        };
        for (wall_ns, stamp_ns, expected) in [
            (6_000_000_000, 5_990_000_000, Some(990)),
            (6_000_900_000, 5_990_900_000, Some(990)),
            (6_003_000_000, 5_990_000_000, None),
            (9_000_000_000, 8_990_000_000, None),
            (2_000_000_000, 1_990_000_000, None),
            (6_000_000_000, 6_000_000_001, None),
        ] {
            let clocks = Clocks {
                at: at + second,
                wall_ns,
            };
            let expected = expected.map(|ms| at + Duration::from_millis(ms));
            assert_eq!(clocks.map(before, stamp_ns), expected, "{wall_ns}");
        }
    }
}

//! Connects to the first address of a name that answers ("happy eyeballs", RFC 8305).

use std::{io, net::SocketAddr, time::Duration};

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use tokio::{net::TcpStream, time::sleep};

use super::opened::AddressTries;

/// How long to wait for an address before the next is tried in parallel (RFC 8305 §5).
const STAGGER: Duration = Duration::from_millis(250);

/// How long the last address has before the first is tried once more: the system sends a lost SYN again only after a
/// second (RFC 6298 §2), a second connection has its own.
const SECOND_TRY: Duration = Duration::from_millis(500);

/// Tries the addresses one after the other, each beginning when the one before it failed or has not answered for a
/// quarter of a second, and the first of them a second time where none has answered then; the first connection counts.
/// Each try is recorded.
pub(super) async fn connect(
    addresses: Vec<SocketAddr>,
    tries: &AddressTries,
) -> io::Result<TcpStream> {
    let connect_to = |address| async move {
        let place = tries.begins(address);
        let result = TcpStream::connect(address).await;
        tries.ends(place, &result);
        result
    };
    let addresses = interleaved(addresses);
    let mut again = addresses.first().copied();
    let mut rest = addresses.into_iter();
    let mut attempts = FuturesUnordered::new();
    let mut failed = None;
    attempts.extend(rest.next().map(connect_to));
    loop {
        let wait = if rest.len() > 0 { STAGGER } else { SECOND_TRY };
        tokio::select! {
            // A connection that is there counts, even if this task was so long in coming that the time is up, too.
            biased;
            result = attempts.next() => match result {
                Some(Ok(connection)) => return Ok(connection),
                Some(Err(error)) => {
                    failed = Some(telling(failed, error));
                    attempts.extend(rest.next().map(connect_to));
                }
                None => return Err(failed.unwrap_or_else(|| io::ErrorKind::NotFound.into())),
            },
            () = sleep(wait), if again.is_some() => {
                let next = rest.next().or_else(|| again.take());
                attempts.extend(next.map(connect_to));
            }
        }
    }
}

/// The more useful of two errors: that a whole address family is unreachable says the least.
fn telling(before: Option<io::Error>, error: io::Error) -> io::Error {
    let says_little = |error: &io::Error| {
        matches!(
            error.kind(),
            io::ErrorKind::NetworkUnreachable
                | io::ErrorKind::HostUnreachable
                | io::ErrorKind::AddrNotAvailable
        )
    };
    match before {
        Some(before) if says_little(&error) => before,
        _ => error,
    }
}

/// The addresses in the system's order of preference, but with alternating families (RFC 8305 §4).
fn interleaved(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first = addresses.first().map(SocketAddr::is_ipv6);
    let (one, other): (Vec<_>, Vec<_>) = addresses
        .into_iter()
        .partition(|address| Some(address.is_ipv6()) == first);
    let (mut one, mut other) = (one.into_iter(), other.into_iter());
    let mut order = Vec::with_capacity(one.len() + other.len());
    loop {
        let pair = [one.next(), other.next()];
        if pair == [None, None] {
            return order;
        }
        order.extend(pair.into_iter().flatten());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::opened::TryOutcome;
    use tokio::{net::TcpListener, time::Instant};

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn families_take_turns_beginning_with_the_first() {
        for (given, ordered) in [
            (
                &["[::1]:1", "[::2]:1", "1.1.1.1:1"][..],
                &["[::1]:1", "1.1.1.1:1", "[::2]:1"][..],
            ),
            (
                &["1.1.1.1:1", "2.2.2.2:1", "3.3.3.3:1", "[::1]:1"],
                &["1.1.1.1:1", "[::1]:1", "2.2.2.2:1", "3.3.3.3:1"],
            ),
            (&["1.1.1.1:1"], &["1.1.1.1:1"]),
            (&[], &[]),
        ] {
            assert_eq!(interleaved(addresses(given)), addresses(ordered));
        }
    }

    fn outcomes_of(tries: &AddressTries) -> Vec<(SocketAddr, TryOutcome)> {
        let tries = tries.all().into_iter();
        tries.map(|one| (one.address, one.outcome)).collect()
    }

    /// A listener whose queue is full: connecting to it is never answered.
    async fn silent() -> (std::net::TcpListener, Vec<TcpStream>, SocketAddr) {
        let socket =
            socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
        socket.bind(&any.into()).unwrap();
        socket.listen(0).unwrap();
        let listener = std::net::TcpListener::from(socket);
        let address = listener.local_addr().unwrap();
        let mut filling = Vec::new();
        loop {
            let connect = TcpStream::connect(address);
            match tokio::time::timeout(Duration::from_millis(100), connect).await {
                Ok(connection) => filling.push(connection.unwrap()),
                Err(_) => return (listener, filling, address),
            }
        }
    }

    /// Waits until so many connections were tried at the address, going by the system's own list.
    #[cfg(target_os = "linux")]
    async fn attempts_at(address: SocketAddr, count: usize) {
        let tried = || {
            let list = std::fs::read_to_string("/proc/net/tcp").unwrap();
            let to = format!(" 0100007F:{:04X} 02 ", address.port());
            list.lines().filter(|line| line.contains(&to)).count()
        };
        let deadline = Instant::now() + Duration::from_secs(20);
        while tried() < count {
            assert!(Instant::now() < deadline, "{} of {count} attempts", tried());
            sleep(Duration::from_millis(5)).await;
        }
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_lone_address_that_does_not_answer_is_tried_a_second_time() {
        let (_listener, _filling, dead) = silent().await;
        let connecting =
            tokio::spawn(async move { connect(vec![dead], &AddressTries::default()).await });
        attempts_at(dead, 2).await;
        connecting.abort();
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn an_address_that_does_not_answer_costs_a_quarter_of_a_second() {
        let (_listener, _filling, dead) = silent().await;
        let live = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let live = live.local_addr().map(|address| (live, address)).unwrap();
        let began = Instant::now();
        let tries = AddressTries::default();
        let connection = connect(vec![dead, live.1], &tries).await.unwrap();
        assert_eq!(connection.peer_addr().unwrap(), live.1);
        let outcomes = [(dead, TryOutcome::Dropped), (live.1, TryOutcome::Connected)];
        assert_eq!(outcomes_of(&tries), outcomes);
        let [first, second] = tries.all()[..] else {
            panic!("{tries:?}");
        };
        assert!(second.begin >= first.begin + STAGGER);
        assert_eq!((first.end, second.end.is_some()), (None, true));
        assert!(began.elapsed() >= STAGGER);
    }

    #[tokio::test]
    async fn a_refusal_is_followed_at_once_and_told_if_it_is_the_last() {
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let refusing = closed.local_addr().unwrap();
        drop(closed);
        let live = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = live.local_addr().unwrap();
        let tries = AddressTries::default();
        let connection = connect(vec![refusing, address], &tries).await.unwrap();
        assert_eq!(connection.peer_addr().unwrap(), address);
        let refused = (refusing, TryOutcome::Refused);
        let outcomes = [refused, (address, TryOutcome::Connected)];
        assert_eq!(outcomes_of(&tries), outcomes);
        let tries = AddressTries::default();
        let error = connect(vec![refusing], &tries).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        assert_eq!(outcomes_of(&tries)[0], refused);
        assert!(connect(Vec::new(), &AddressTries::default()).await.is_err());
    }
}

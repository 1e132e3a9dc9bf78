//! Whether this machine has a network over which an endpoint could be reached at all.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    time::Duration,
};

use tokio::{net::lookup_host, time::timeout};
use url::Host;

use crate::endpoint::Endpoint;

/// Addresses that belong to nobody (RFC 5737, RFC 3849), but that every route to the internet leads to.
const SOMEWHERE: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
    IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)),
];

/// Longest wait for the address of a name where there is no route to the internet.
const LOOKUP: Duration = Duration::from_secs(2);

/// Whether there is a route to the endpoint. By its address if its URL has one; if it has a name, a route to the internet
/// will do, or else one to the address that the name has here. An endpoint behind a proxy, or on this machine, always
/// has one. Sends nothing to it.
pub async fn is_reachable(endpoint: &Endpoint) -> bool {
    if endpoint.connect.proxy.is_some() {
        return true;
    }
    match endpoint.base_url.host() {
        Some(Host::Ipv4(address)) => has_route(address.into()),
        Some(Host::Ipv6(address)) => has_route(address.into()),
        Some(Host::Domain(name)) if is_of_this_machine(name) => true,
        Some(Host::Domain(name)) => {
            SOMEWHERE.into_iter().any(has_route) || has_route_by_name(name).await
        }
        None => true,
    }
}

/// Whether a name leads to an address with a route, as in a network of its own.
async fn has_route_by_name(name: &str) -> bool {
    let found = timeout(LOOKUP, lookup_host((name, 0))).await;
    let found = found.ok().and_then(Result::ok);
    found.is_some_and(|mut found| found.any(|address| has_route(address.ip())))
}

fn is_of_this_machine(name: &str) -> bool {
    name == "localhost" || name.ends_with(".localhost")
}

/// Whether the system knows a route to an address: connecting a UDP socket looks it up, and sends nothing.
fn has_route(to: IpAddr) -> bool {
    let any: IpAddr = match to {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind(SocketAddr::new(any, 0));
    socket.is_ok_and(|socket| socket.connect(SocketAddr::new(to, 9)).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::DialectId;

    #[tokio::test]
    async fn this_machine_is_always_there() {
        for url in ["http://127.0.0.1:1/v1", "http://localhost:1/v1"] {
            let endpoint = Endpoint::custom("e", url.parse().unwrap(), DialectId::OpenaiChat);
            assert!(is_reachable(&endpoint).await, "{url}");
        }
    }
}

//! Which hosts are this machine itself.

use std::net::IpAddr;

use url::{Host, Url};

/// Whether a URL's host is this machine: it is reached without a proxy, and `http://` is allowed.
#[must_use]
pub fn is_this_machine(url: &Url) -> bool {
    let ip = match url.host() {
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            return name == "localhost" || name.ends_with(".localhost");
        }
        Some(Host::Ipv4(ip)) => IpAddr::V4(ip),
        Some(Host::Ipv6(ip)) => IpAddr::V6(ip).to_canonical(),
        None => return false,
    };
    // Connecting to the unspecified address (`0.0.0.0`) reaches this machine, and servers print that address when
    // they start.
    ip.is_loopback() || ip.is_unspecified()
}

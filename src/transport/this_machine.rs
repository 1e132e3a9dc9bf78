//! Which hosts are this machine.

use std::net::IpAddr;

use url::{Host, Url};

/// Whether a URL's host is this machine: no proxy is asked for it, and it may be reached by `http://`.
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
    // Connecting to the unspecified address reaches this machine, and servers print it at their start.
    ip.is_loopback() || ip.is_unspecified()
}

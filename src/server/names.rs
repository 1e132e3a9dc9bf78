//! Access control: a web page must not use a server of ours, so names other than this machine's own are refused in
//! `Host` (DNS rebinding) and in `Origin`, and no CORS header is ever sent.

use std::net::IpAddr;

use http::{HeaderMap, Uri, header, uri::Authority};

use crate::{dialect::serve::refusal, event::Fault};

/// Refuses a request that names another host, or comes from a page of one. With `any_address` the host may be any IP
/// address.
///
/// # Errors
/// The refusal, with status 403.
pub fn check_names(uri: &Uri, headers: &HeaderMap, any_address: bool) -> Result<(), Fault> {
    let host = match uri.authority() {
        Some(authority) => Some(authority.as_str()),
        None => headers.get(header::HOST).and_then(|h| h.to_str().ok()),
    };
    if !host.is_some_and(|host| is_own_name(host, any_address)) {
        let message = "Host must be this machine's own name, as in 127.0.0.1 or localhost";
        return Err(refusal(403, "forbidden_host", message));
    }
    for origin in headers.get_all(header::ORIGIN) {
        let uri = origin.to_str().ok().and_then(|o| o.parse::<Uri>().ok());
        let authority = uri.as_ref().and_then(Uri::authority);
        if !authority.is_some_and(|a| is_own_name(a.as_str(), any_address)) {
            let message = "Web pages of other hosts may not use this server";
            return Err(refusal(403, "forbidden_origin", message));
        }
    }
    Ok(())
}

/// Whether an authority names this machine: `localhost` or a loopback address. Where other machines
/// are let in, any address will do: rebinding needs a name.
fn is_own_name(authority: &str, any_address: bool) -> bool {
    let Ok(authority) = authority.parse::<Authority>() else {
        return false;
    };
    let host = authority.host();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<IpAddr>() {
        Ok(address) => any_address || address.is_loopback(),
        Err(_) => host.eq_ignore_ascii_case("localhost"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_names_are_our_own_and_addresses_only_when_remote() {
        for (authority, local, remote) in [
            ("127.0.0.1", true, true),
            ("127.8.9.1:99", true, true),
            ("[::1]:80", true, true),
            ("LocalHost:1", true, true),
            ("192.168.0.9:80", false, true),
            ("[2001:db8::1]", false, true),
            ("0.0.0.0", false, true),
            ("example.com", false, false),
            ("localhost.example.com", false, false),
            ("127.0.0.1.nip.io", false, false),
            ("", false, false),
        ] {
            assert_eq!(is_own_name(authority, false), local, "{authority}");
            assert_eq!(
                is_own_name(authority, true),
                remote,
                "{authority} from afar"
            );
        }
    }
}

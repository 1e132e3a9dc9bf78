//! Access control: a web page must not use a server of ours, so names other than this machine's own are refused in
//! `Host` (DNS rebinding) and in `Origin`, and no CORS header is ever sent.

use std::net::IpAddr;

use http::{HeaderMap, Uri, header, uri::Authority};

use crate::{dialect::serve::refusal, event::Fault};

/// By which names a server may be called, besides those of this machine.
#[derive(Clone, Debug, Default)]
pub struct AllowedNames {
    /// Whether any IP address will do, since other machines are let in: rebinding needs a name.
    pub any_address: bool,
    /// Further names of hosts, without ports.
    pub hosts: Vec<String>,
}

/// Refuses a request that names another host, or comes from a page of one.
///
/// # Errors
/// The refusal, with status 403.
pub fn check_names(uri: &Uri, headers: &HeaderMap, allowed: &AllowedNames) -> Result<(), Fault> {
    let host = match uri.authority() {
        Some(authority) => Some(authority.as_str()),
        None => headers.get(header::HOST).and_then(|h| h.to_str().ok()),
    };
    if !host.is_some_and(|host| allowed.has(host)) {
        let message = "Host must be this machine's own name, as in 127.0.0.1 or localhost";
        return Err(refusal(403, "forbidden_host", message));
    }
    for origin in headers.get_all(header::ORIGIN) {
        let uri = origin.to_str().ok().and_then(|o| o.parse::<Uri>().ok());
        let authority = uri.as_ref().and_then(Uri::authority);
        if !authority.is_some_and(|a| allowed.has(a.as_str())) {
            let message = "Web pages of other hosts may not use this server";
            return Err(refusal(403, "forbidden_origin", message));
        }
    }
    Ok(())
}

impl AllowedNames {
    /// Whether an authority names this machine: `localhost`, a loopback address, or another that is allowed.
    fn has(&self, authority: &str) -> bool {
        let Ok(authority) = authority.parse::<Authority>() else {
            return false;
        };
        let host = authority.host();
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let is_named = self
            .hosts
            .iter()
            .any(|name| name.eq_ignore_ascii_case(host));
        match bare.parse::<IpAddr>() {
            Ok(address) => self.any_address || address.is_loopback() || is_named,
            Err(_) => host.eq_ignore_ascii_case("localhost") || is_named,
        }
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
            let own = AllowedNames::default();
            assert_eq!(own.has(authority), local, "{authority}");
            let afar = AllowedNames {
                any_address: true,
                ..AllowedNames::default()
            };
            assert_eq!(afar.has(authority), remote, "{authority} from afar");
        }
        let named = AllowedNames {
            hosts: vec!["gateway.internal".into()],
            ..AllowedNames::default()
        };
        assert!(named.has("Gateway.internal:8081"));
        assert!(!named.has("x.gateway.internal"));
    }
}

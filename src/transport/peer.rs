//! Whom a call talks to.

use url::Url;

use super::{phases::Trace, proxy::ProxyName};

/// Whom a call talks to, for messages.
#[derive(Clone, Debug)]
pub struct Peer {
    /// The endpoint's host and port.
    pub(crate) host: String,
    /// The endpoint's bare host name.
    pub(super) name: String,
    /// Whether it is reached by TLS.
    pub(crate) tls: bool,
    /// The proxy, where there is one.
    pub(crate) proxy: Option<ProxyName>,
}

impl Peer {
    pub(super) fn new(url: &Url, proxy: Option<ProxyName>) -> Self {
        Self {
            host: super::host_port(url),
            name: url.host_str().unwrap_or_default().to_owned(),
            tls: url.scheme() == "https",
            proxy,
        }
    }

    /// Whether the TLS handshake with the host itself has begun, so that a proxy before it has done its part.
    pub(crate) fn is_reached(&self, trace: &Trace) -> bool {
        trace.tls_name().as_deref() == Some(self.name.trim_matches(['[', ']']))
    }

    /// To whom the call is connected, for messages.
    pub(crate) fn connected_text(&self) -> String {
        match &self.proxy {
            Some(proxy) => format!("connected through the proxy {proxy}"),
            None => format!("connected to {}", self.host),
        }
    }

    /// What a proxy did not do in time, for the message of a timeout.
    pub(crate) fn proxy_timeout_text(&self, proxy: &ProxyName, is_connected: bool) -> String {
        let host = &self.host;
        match is_connected {
            true if proxy.is_socks => {
                format!("took the connection, and did not answer the SOCKS request for {host}")
            }
            true if self.tls => {
                format!("took the connection, and did not answer CONNECT {host}")
            }
            _ => format!("did not take the connection to {host}"),
        }
    }

    /// The first hop: the proxy, or the host itself.
    pub(super) fn first_hop(&self) -> String {
        let proxy = self.proxy.as_ref().map(ToString::to_string);
        proxy.unwrap_or_else(|| self.host.clone())
    }

    /// Who answers a request: the host, or a forwarding proxy.
    pub(crate) fn answering(&self) -> String {
        match &self.proxy {
            Some(proxy) if !self.tls => format!("the proxy {proxy}"),
            _ => self.host.clone(),
        }
    }
}

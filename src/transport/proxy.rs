//! Which proxy a call goes through.
//!
//! The endpoint's own proxy wins, for any host. Without one, the environment (`HTTPS_PROXY`,
//! `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`, or the system's own setting) decides as it does for curl,
//! but never for this machine itself.

use std::{fmt, sync::LazyLock, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::HeaderValue;
use hyper_util::client::proxy::matcher::Matcher;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::net::TcpStream;
use url::Url;

use super::fault::Peer;
use crate::{
    event::{Fault, FaultClass, Phase},
    transport::is_this_machine,
};

/// The way to a host.
#[derive(Clone)]
pub(super) enum Via {
    /// Straight.
    Direct,
    /// Through the environment's proxy, with this password.
    Environment(ProxyName, Option<SecretString>),
    /// Through this proxy; the URL holds its user and password.
    Proxy(Url),
}

impl fmt::Debug for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.proxy() {
            None => f.write_str("Direct"),
            Some(proxy) => write!(f, "Via({proxy})"),
        }
    }
}

/// A proxy, as it is named to people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ProxyName {
    /// Its `host:port`.
    address: String,
    is_socks: bool,
}

impl fmt::Display for ProxyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.address)
    }
}

impl ProxyName {
    /// How long a proxy that let the time run out may take to show that it is there.
    const PROBE: Duration = Duration::from_millis(500);

    /// What it did not do, once the time for connecting through it has run out. Nothing tells how far an attempt came
    /// inside the HTTP client, so another connection shows whether the proxy takes any.
    pub(super) async fn hung(&self, peer: &Peer) -> String {
        let host = &peer.host;
        let probe = tokio::time::timeout(Self::PROBE, TcpStream::connect(&self.address)).await;
        match probe {
            Ok(Ok(_)) if self.is_socks => {
                format!("took the connection, and did not answer the SOCKS request for {host}")
            }
            Ok(Ok(_)) if peer.tls => {
                format!("took the connection, and did not answer CONNECT {host}")
            }
            _ => format!("did not take the connection to {host}"),
        }
    }
}

static ENVIRONMENT: LazyLock<Matcher> = LazyLock::new(Matcher::from_system);

impl Via {
    /// The way to `target`, given the endpoint's proxy and its password.
    ///
    /// # Errors
    /// A `proxy` fault in `prepare`, if the proxy is not written as one.
    pub(super) fn new(
        target: &Url,
        proxy: Option<&str>,
        password: Option<&SecretString>,
    ) -> Result<Self, Fault> {
        match proxy.map(str::trim).filter(|proxy| !proxy.is_empty()) {
            Some(proxy) => proxy_url(proxy, password).map(Self::Proxy),
            None => Ok(Self::of_environment(target, &ENVIRONMENT)),
        }
    }

    fn of_environment(target: &Url, environment: &Matcher) -> Self {
        if is_this_machine(target) {
            return Self::Direct;
        }
        let intercept = target.as_str().parse().ok();
        match intercept.and_then(|uri| environment.intercept(&uri)) {
            Some(found) => {
                let authority = found.uri().authority();
                let scheme = found.uri().scheme_str().unwrap_or_default();
                let proxy = ProxyName {
                    address: authority.map(ToString::to_string).unwrap_or_default(),
                    is_socks: scheme.starts_with("socks"),
                };
                // Only the first is set for an HTTP proxy, only the second for SOCKS.
                let basic = found.basic_auth().and_then(password_of);
                let password = basic.or(found.raw_auth().map(|(_, password)| password.to_owned()));
                Self::Environment(proxy, password.map(SecretString::from))
            }
            None => Self::Direct,
        }
    }

    /// The password of the environment's proxy.
    pub(super) fn environment_password(&self) -> Option<SecretString> {
        match self {
            Self::Environment(_, password) => password.clone(),
            Self::Direct | Self::Proxy(_) => None,
        }
    }

    /// The proxy, where there is one.
    pub(super) fn proxy(&self) -> Option<ProxyName> {
        match self {
            Self::Direct => None,
            Self::Environment(proxy, _) => Some(proxy.clone()),
            Self::Proxy(url) => Some(ProxyName {
                address: super::host_port(url),
                is_socks: url.scheme().starts_with("socks"),
            }),
        }
    }
}

/// The password in an `Authorization: Basic …`.
fn password_of(basic: &HeaderValue) -> Option<String> {
    let encoded = basic.to_str().ok()?.split_once(' ')?.1;
    let user = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    Some(user.split_once(':')?.1.to_owned())
}

fn proxy_url(text: &str, password: Option<&SecretString>) -> Result<Url, Fault> {
    // The text may hold a password, so the message does not repeat it.
    let bad = || {
        let message = "the endpoint's proxy is not written as one: use http://host:port, \
                       https://host:port, socks5://host:port or socks5h://host:port";
        Fault::new(FaultClass::Proxy, Phase::Prepare, message)
    };
    let mut url = Url::parse(text).map_err(|_| bad())?;
    let known = ["http", "https", "socks5", "socks5h"].contains(&url.scheme());
    if !known || url.host_str().is_none_or(str::is_empty) {
        return Err(bad());
    }
    if url.scheme().starts_with("socks") && url.port().is_none() {
        url.set_port(Some(1080)).map_err(|()| bad())?;
    }
    if let Some(password) = password {
        url.set_password(Some(password.expose_secret()))
            .map_err(|()| bad())?;
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_is_asked_except_for_loopback() {
        let environment = Matcher::builder()
            .all("http://user:pass@proxy.example:3128")
            .no("inside.example")
            .build();
        for (url, proxied) in [
            ("https://api.example/v1", true),
            ("http://api.example/v1", true),
            ("https://inside.example/v1", false),
            ("http://127.0.0.1:1234/v1", false),
            ("http://localhost:1234/v1", false),
            ("http://llm.localhost/v1", false),
            ("http://[::1]:1234/v1", false),
            ("http://0.0.0.0:1234/v1", false),
            ("http://[::]:1234/v1", false),
            ("http://[::ffff:127.0.0.1]:1234/v1", false),
            ("http://localhost.:1234/v1", false),
            ("http://127.0.0.1.example:1234/v1", true),
        ] {
            let via = Via::of_environment(&Url::parse(url).unwrap(), &environment);
            let expected = proxied.then(|| "proxy.example:3128".to_owned());
            assert_eq!(
                via.proxy().map(|proxy| proxy.to_string()),
                expected,
                "{url}"
            );
            let password = via.environment_password();
            assert_eq!(
                password.is_some_and(|p| p.expose_secret() == "pass"),
                proxied
            );
            assert!(!format!("{via:?}").contains("pass"), "{url}");
        }
    }

    #[test]
    fn proxies_are_checked_and_never_echoed() {
        let target = Url::parse("https://api.example").unwrap();
        for bad in ["ftp://me:hunter2@p:1", "me:hunter2@p:1", "http://"] {
            let fault = Via::new(&target, Some(bad), None).unwrap_err();
            assert_eq!(fault.class, FaultClass::Proxy, "{bad}");
            assert!(!fault.message.contains("hunter2"));
        }
    }

    #[test]
    fn a_password_is_kept_out_of_debug_text() {
        let target = Url::parse("http://127.0.0.1:1").unwrap();
        let password = SecretString::from("p@ss/w:rd");
        let via = Via::new(&target, Some("socks5h://me@proxy"), Some(&password)).unwrap();
        let proxy = via.proxy().unwrap();
        assert_eq!(
            (proxy.to_string().as_str(), proxy.is_socks),
            ("proxy:1080", true)
        );
        assert_eq!(format!("{via:?}"), "Via(proxy:1080)");
        let Via::Proxy(url) = via else { panic!() };
        assert_eq!(url.password(), Some("p%40ss%2Fw%3Ard"));
    }
}

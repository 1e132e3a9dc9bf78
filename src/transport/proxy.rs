//! Which proxy a call goes through.
//!
//! The endpoint's own proxy wins, for any host. Without one, the environment (`HTTPS_PROXY`,
//! `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`, or the system's own setting) decides as it does for curl,
//! but never for this machine itself.

use std::{
    fmt,
    hash::{Hash, Hasher},
    sync::LazyLock,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderValue, Uri};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use crate::{
    event::{Fault, FaultClass, Phase},
    transport::is_this_machine,
};

/// Direct, or through a proxy.
#[derive(Clone, Debug)]
pub(super) enum Via {
    /// Without a proxy.
    Direct,
    /// Through this proxy.
    Proxy(Proxy),
}

/// A proxy, with its user and password.
#[derive(Clone)]
pub(super) struct Proxy {
    found: Intercept,
    /// Whether the environment names it, and not the endpoint.
    is_environments: bool,
}

/// The name of a proxy, for messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyName {
    /// Its `host:port`.
    address: String,
    pub(super) is_socks: bool,
}

impl fmt::Display for ProxyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.address)
    }
}

impl ProxyName {
    /// The fault of a 407, without any password in its text.
    pub(crate) fn password_fault(&self) -> Fault {
        Fault {
            status: Some(407),
            ..Fault::new(FaultClass::Proxy, Phase::Headers, self.password_text())
        }
    }

    pub(super) fn password_text(&self) -> String {
        format!("the proxy {self} wants a user name and password (407), or does not accept these")
    }
}

static ENVIRONMENT: LazyLock<Matcher> = LazyLock::new(Matcher::from_system);

impl Via {
    /// How to reach `target`, given the endpoint's proxy and its password.
    ///
    /// # Errors
    /// A `proxy` fault in phase `prepare`, if the text is not the URL of a proxy.
    pub(super) fn new(
        target: &Url,
        proxy: Option<&str>,
        password: Option<&SecretString>,
    ) -> Result<Self, Fault> {
        match proxy.map(str::trim).filter(|proxy| !proxy.is_empty()) {
            Some(proxy) => Proxy::of_endpoint(proxy, password).map(Self::Proxy),
            None => Ok(Self::of_environment(target, &ENVIRONMENT)),
        }
    }

    fn of_environment(target: &Url, environment: &Matcher) -> Self {
        if is_this_machine(target) {
            return Self::Direct;
        }
        let target: Option<Uri> = target.as_str().parse().ok();
        match target.and_then(|uri| environment.intercept(&uri)) {
            Some(found) => Self::Proxy(Proxy {
                found,
                is_environments: true,
            }),
            None => Self::Direct,
        }
    }

    /// The proxy, where there is one.
    pub(super) fn proxy(&self) -> Option<&Proxy> {
        match self {
            Self::Direct => None,
            Self::Proxy(proxy) => Some(proxy),
        }
    }

    /// The password of the environment's proxy.
    pub(super) fn environment_password(&self) -> Option<SecretString> {
        let proxy = self.proxy().filter(|proxy| proxy.is_environments)?;
        proxy.password().map(SecretString::from)
    }
}

impl Proxy {
    fn of_endpoint(text: &str, password: Option<&SecretString>) -> Result<Self, Fault> {
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
        if let Some(password) = password {
            url.set_password(Some(password.expose_secret()))
                .map_err(|()| bad())?;
        }
        let any = Uri::from_static("http://any/");
        let matcher = Matcher::builder().all(url.as_str()).build();
        Ok(Self {
            found: matcher.intercept(&any).ok_or_else(bad)?,
            is_environments: false,
        })
    }

    fn scheme(&self) -> &str {
        self.found.uri().scheme_str().unwrap_or_default()
    }

    /// Its URI, always with a port.
    pub(super) fn uri(&self) -> Uri {
        let mut parts = self.found.uri().clone().into_parts();
        parts.authority = self.address().parse().ok();
        Uri::from_parts(parts).unwrap_or_else(|_| self.found.uri().clone())
    }

    pub(super) fn name(&self) -> ProxyName {
        ProxyName {
            address: self.address(),
            is_socks: self.is_socks(),
        }
    }

    /// Its host and port.
    fn address(&self) -> String {
        let uri = self.found.uri();
        let default = match self.scheme() {
            "http" => 80,
            "https" => 443,
            _ => 1080,
        };
        let port = uri.port_u16().unwrap_or(default);
        format!("{}:{port}", uri.host().unwrap_or_default())
    }

    /// Whether it speaks HTTP behind TLS.
    pub(super) fn is_tls(&self) -> bool {
        self.scheme() == "https"
    }

    pub(super) fn is_socks(&self) -> bool {
        self.scheme().starts_with("socks")
    }

    /// Whether it speaks version 4 of SOCKS.
    pub(super) fn is_socks4(&self) -> bool {
        self.scheme().starts_with("socks4")
    }

    /// Whether names are resolved here, and not by the proxy.
    pub(super) fn resolves_here(&self) -> bool {
        ["socks4", "socks5"].contains(&self.scheme())
    }

    /// The `Proxy-Authorization` for an HTTP proxy.
    pub(super) fn authorization(&self) -> Option<&HeaderValue> {
        self.found.basic_auth()
    }

    /// User and password for a SOCKS proxy.
    pub(super) fn user(&self) -> Option<(&str, &str)> {
        self.found.raw_auth()
    }

    fn password(&self) -> Option<String> {
        // Only the first is set for an HTTP proxy, only the second for SOCKS.
        let basic = self.authorization().and_then(password_of);
        basic.or(self.user().map(|(_, password)| password.to_owned()))
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.address())
    }
}

/// Equal if address, user and password are.
impl PartialEq for Proxy {
    fn eq(&self, other: &Self) -> bool {
        self.found.uri() == other.found.uri()
            && self.authorization() == other.authorization()
            && self.user() == other.user()
    }
}

impl Eq for Proxy {}

impl Hash for Proxy {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.found.uri().hash(state);
        self.authorization().hash(state);
        self.user().hash(state);
    }
}

/// The password in an `Authorization: Basic …`.
fn password_of(basic: &HeaderValue) -> Option<String> {
    let encoded = basic.to_str().ok()?.split_once(' ')?.1;
    let user = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    Some(user.split_once(':')?.1.to_owned())
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
            assert_eq!(via.proxy().map(Proxy::address), expected, "{url}");
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
        assert_eq!(format!("{via:?}"), "Proxy(proxy:1080)");
        let proxy = via.proxy().unwrap();
        assert_eq!(proxy.user(), Some(("me", "p@ss/w:rd")));
        assert_eq!(proxy.uri(), "socks5h://proxy:1080/");
        assert_eq!(
            via.environment_password().map(|_| ()),
            None,
            "it is the endpoint's"
        );
    }
}

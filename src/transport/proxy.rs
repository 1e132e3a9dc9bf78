//! Which proxy a call goes through.
//!
//! The endpoint's own proxy wins, for any host. Without one, the environment (`HTTPS_PROXY`,
//! `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`, or the system's own setting) decides as it does for curl,
//! but never for this machine itself.

use std::{fmt, sync::LazyLock};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::HeaderValue;
use hyper_util::client::proxy::matcher::Matcher;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use crate::{
    event::{Fault, FaultClass, Phase},
    transport::is_this_machine,
};

/// The way to a host.
#[derive(Clone)]
pub(super) enum Via {
    /// Straight.
    Direct,
    /// Through the environment's proxy, at this `host:port` and with this password.
    Environment(String, Option<SecretString>),
    /// Through this proxy; the URL holds its user and password.
    Proxy(Url),
}

impl fmt::Debug for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address() {
            None => f.write_str("Direct"),
            Some(address) => write!(f, "Via({address})"),
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
                // Only the first is set for an HTTP proxy, only the second for SOCKS.
                let basic = found.basic_auth().and_then(password_of);
                let password = basic.or(found.raw_auth().map(|(_, password)| password.to_owned()));
                Self::Environment(
                    authority.map(ToString::to_string).unwrap_or_default(),
                    password.map(SecretString::from),
                )
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

    /// The proxy's `host:port`, where there is one.
    pub(super) fn address(&self) -> Option<String> {
        match self {
            Self::Direct => None,
            Self::Environment(address, _) => Some(address.clone()),
            Self::Proxy(url) => Some(super::host_port(url)),
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
            assert_eq!(via.address(), expected, "{url}");
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
        assert_eq!(via.address().as_deref(), Some("proxy:1080"));
        assert_eq!(format!("{via:?}"), "Via(proxy:1080)");
        let Via::Proxy(url) = via else { panic!() };
        assert_eq!(url.password(), Some("p%40ss%2Fw%3Ard"));
    }
}

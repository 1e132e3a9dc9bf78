//! Which secrets a call is sent with.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderValue, header};
use secrecy::{ExposeSecret as _, SecretString, zeroize::Zeroizing};
use url::Url;

use super::Mask;
use crate::visible::is_secret_name;

/// Collects the secrets of a call; a [`Mask`] is made of them.
#[derive(Default)]
pub struct Secrets(Vec<Zeroizing<String>>);

impl Secrets {
    /// The values of the sensitive headers.
    pub fn of_headers(&mut self, headers: &HeaderMap) {
        for (name, value) in headers {
            if value.is_sensitive() {
                of_header(name == header::COOKIE, value, &mut self.0);
            }
        }
    }

    /// A URL's password, and the fields of its query that are named as secrets.
    pub fn of_url(&mut self, url: &Url) {
        of_url(url, &mut self.0);
    }

    /// A password, or any other secret.
    pub fn of_secret(&mut self, secret: &SecretString) {
        self.0.push(secret.expose_secret().to_owned().into());
    }

    /// The mask that covers them.
    #[must_use]
    pub fn mask(&self) -> Mask {
        Mask::of_secrets(self.0.iter().map(|secret| secret.as_str()))
    }
}

/// The secrets of a header: all of it, what stands behind the word for its scheme, and a password in it.
fn of_header(is_cookie: bool, value: &HeaderValue, secrets: &mut Vec<Zeroizing<String>>) {
    let text = Zeroizing::new(String::from_utf8_lossy(value.as_bytes()).trim().to_owned());
    let mut keep = |text: &str| secrets.push(text.to_owned().into());
    keep(&text);
    if is_cookie {
        let values = text.split(';').filter_map(|cookie| cookie.split_once('='));
        return values.for_each(|(_, value)| keep(value.trim()));
    }
    let Some((scheme, rest)) = text.split_once(char::is_whitespace) else {
        return;
    };
    let rest = rest.trim();
    keep(rest);
    if scheme.eq_ignore_ascii_case("basic")
        && let Ok(user) = STANDARD.decode(rest)
        && let Some((_, password)) = String::from_utf8_lossy(&user).split_once(':')
    {
        keep(password);
    }
}

fn of_url(url: &Url, secrets: &mut Vec<Zeroizing<String>>) {
    let fields = url.query_pairs().filter(|(name, _)| is_secret_name(name));
    secrets.extend(fields.map(|(_, value)| value.into_owned().into()));
    if let Some(password) = url.password() {
        secrets.push(password.to_owned().into());
        // As it is written before it was escaped.
        let escaped = password.replace('+', "%2B");
        let plain = url::form_urlencoded::parse(escaped.as_bytes()).next();
        secrets.extend(plain.map(|(plain, _)| plain.into_owned().into()));
    }
}

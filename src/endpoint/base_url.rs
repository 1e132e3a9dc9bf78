//! Normalises base URLs as people type and paste them.
//!
//! In: any text. Out: the URL, and a description of every change, to be shown. The rules, in order:
//!
//! 1. white space around it is removed; white space inside it is an error;
//! 2. without a scheme it gets `https://`, or `http://` if the host is this machine;
//! 3. `http://` to any other host is an error unless the endpoint allows it; so are other schemes, and a user name
//!    or password in the URL;
//! 4. the end of a pasted full URL (`/chat/completions`, `/api/tags`, `/models/NAME:generateContent`) and trailing
//!    slashes are removed; a query is kept;
//! 5. without a path, the dialect's default is added (`/v1`, or `/v1beta` for Gemini, also after a gateway's
//!    `/gemini`);
//! 6. a trailing `#` turns rules 4 and 5 off: the URL stays as written.

mod ends;

use url::Url;

use self::ends::without_end;
use super::variables;
use crate::{
    dialect::{DIALECTS, Dialect, DialectId},
    transport::is_this_machine,
};

/// A normalised base URL, and the changes that were made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Normalised {
    /// The URL.
    pub url: Url,
    /// A description of each change; empty if there was none.
    pub changes: Vec<String>,
}

/// A base URL that can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadUrl {
    /// The text is empty.
    #[error("the base URL is empty: write one such as https://host/v1")]
    Empty,
    /// It contains white space or a control character.
    #[error("the base URL contains a space or a control character")]
    WhiteSpace,
    /// It can't be parsed.
    #[error("the base URL can't be read: {0}")]
    Unreadable(String),
    /// It is not `http` or `https`.
    #[error("a base URL starts with https:// or http://, not {0}://")]
    Scheme(String),
    /// It contains a user name or a password, which is not repeated here: it may be a key.
    #[error(
        "a user name or password stands in the base URL: keep the key with `tokenscope keys set` instead"
    )]
    Credentials,
    /// Plain `http` to another machine.
    #[error(
        "http:// to {0} would send the key and the prompt unencrypted: use https://; if the network is your own, allow it with --allow-http, with allow_http = true for an endpoint in the settings, or with LLM_ALLOW_HTTP=1 for LLM_BASE_URL"
    )]
    PlainHttp(String),
}

/// Normalises the base URL of a server of this dialect by the rules above.
///
/// # Errors
/// If it can't be used; the message says what to write instead.
pub fn normalise(text: &str, dialect: DialectId) -> Result<Normalised, BadUrl> {
    read(text, dialect, false)
}

/// Like [`normalise`], for an endpoint that may use `http://` to another machine.
///
/// # Errors
/// If it can't be used; the message says what to write instead.
pub fn normalise_allowing_http(text: &str, dialect: DialectId) -> Result<Normalised, BadUrl> {
    read(text, dialect, true)
}

fn read(text: &str, dialect: DialectId, allow_http: bool) -> Result<Normalised, BadUrl> {
    let mut changes = Vec::new();
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Err(BadUrl::Empty);
    }
    if trimmed.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(BadUrl::WhiteSpace);
    }
    let trimmed = without_quotes(trimmed, &mut changes);
    let as_written = trimmed.strip_suffix('#');
    let text = with_scheme(as_written.unwrap_or(trimmed), &mut changes);
    let mut url = Url::parse(&text).map_err(|e| BadUrl::Unreadable(e.to_string()))?;
    check(&url, allow_http)?;
    if url.fragment().is_some() {
        url.set_fragment(None);
        changes.push("the fragment (after #) is not sent".to_owned());
    }
    if as_written.is_none() {
        let path = base_path(url.path(), dialect, &mut changes);
        url.set_path(&path);
    }
    Ok(Normalised { url, changes })
}

/// The text without the quotes that some shells and `.env` files leave around a value.
fn without_quotes<'a>(text: &'a str, changes: &mut Vec<String>) -> &'a str {
    let bare = variables::unquoted(text);
    if bare != text {
        changes.push("the quotes around it were removed".to_owned());
    }
    bare
}

/// The text, with a scheme added if it has none.
fn with_scheme(text: &str, changes: &mut Vec<String>) -> String {
    let lower = text.to_ascii_lowercase();
    if text.contains("://") || lower.starts_with("http:") || lower.starts_with("https:") {
        return text.to_owned();
    }
    let rest = text.trim_start_matches('/');
    let local = Url::parse(&format!("http://{rest}")).is_ok_and(|url| is_this_machine(&url));
    let scheme = if local { "http" } else { "https" };
    changes.push(format!("{scheme}:// added"));
    format!("{scheme}://{rest}")
}

fn check(url: &Url, allow_http: bool) -> Result<(), BadUrl> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(BadUrl::Scheme(url.scheme().to_owned()));
    }
    let host = url.host_str().unwrap_or_default();
    if host.is_empty() {
        return Err(BadUrl::Unreadable("it has no host".to_owned()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(BadUrl::Credentials);
    }
    if url.scheme() == "http" && !allow_http && !is_this_machine(url) {
        return Err(BadUrl::PlainHttp(host.to_owned()));
    }
    Ok(())
}

/// The base path, to which a dialect appends its own.
fn base_path(written: &str, dialect: DialectId, changes: &mut Vec<String>) -> String {
    let Dialect {
        base_path: default,
        places,
        ..
    } = *dialect.dialect();
    let bare = written.trim_end_matches('/');
    if let Some((before, end, whole)) = without_end(bare) {
        changes.push(format!("{end} removed: it is added automatically"));
        let before = before.trim_end_matches('/');
        return if whole && before.is_empty() {
            default.to_owned()
        } else {
            before.to_owned()
        };
    }
    let is_place = |place: &&str| bare.ends_with(*place);
    if bare.is_empty() || places.iter().any(is_place) {
        changes.push(format!(
            "{default} added; end the URL with # to keep it as written"
        ));
        return format!("{bare}{default}");
    }
    if bare != written {
        changes.push("trailing / removed".to_owned());
    }
    bare.to_owned()
}

/// The text for a settings file: it normalises to this URL in every dialect.
#[must_use]
pub fn written(url: &Url) -> String {
    let text = url.as_str();
    // `#` keeps a URL that some dialect would change.
    let stays = DIALECTS.iter().all(|dialect| {
        normalise_allowing_http(text, dialect.id).is_ok_and(|same| same.url == *url)
    });
    if stays {
        text.to_owned()
    } else {
        format!("{text}#")
    }
}

#[cfg(test)]
mod tests;

//! Base URLs as people type and paste them, made into the one form that requests are built from.
//!
//! In: any text. Out: the URL, and every change that was made to it in words, so that it can be
//! shown. The rules, in order:
//!
//! 1. blanks around it go; a blank inside it is refused;
//! 2. without a scheme it gets `https://`, or `http://` where the host is this machine;
//! 3. `http://` to any other host is refused unless the endpoint allows it, as are other schemes and
//!    a user name or password in the URL;
//! 4. the end of a pasted full URL (`/chat/completions`, `/api/tags`, `/models/NAME:generateContent`) and trailing
//!    slashes go; a query stays;
//! 5. where no path was written at all, the dialect's own is added (`/v1`, or `/v1beta` for Gemini, for which a
//!    gateway's `/gemini` is none either);
//! 6. a trailing `#` switches rules 4 and 5 off: the URL stays as written.

use url::Url;

use super::variables;
use crate::{dialect::DialectId, transport::is_this_machine};

/// A base URL ready for use, and what was changed to make it so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Normalised {
    /// The URL.
    pub url: Url,
    /// Each change in words; empty if it was taken as written.
    pub changes: Vec<String>,
}

/// A base URL that can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadUrl {
    /// Nothing was written.
    #[error("the base URL is empty: write one such as https://host/v1")]
    Empty,
    /// A blank stands in it.
    #[error("a blank stands inside the base URL")]
    Blank,
    /// It can't be read.
    #[error("the base URL can't be read: {0}")]
    Unreadable(String),
    /// It is not `http` or `https`.
    #[error("a base URL begins with https:// or http://, not {0}://")]
    Scheme(String),
    /// A user name or a password stands in it. Not repeated here: it may be a key.
    #[error(
        "a user name or password stands in the base URL: keep the key with `tokenscope keys set` instead"
    )]
    Credentials,
    /// Plain `http` to another machine.
    #[error(
        "http:// to {0} would send the key and the prompt unencrypted: use https://; if the network is your own, allow it with --allow-http, with allow_http = true for an endpoint of the settings, or with LLM_ALLOW_HTTP=1 for LLM_BASE_URL"
    )]
    PlainHttp(String),
}

/// The ends that a pasted full URL may have, which the dialect adds by itself.
const TAILS: &[&str] = &[
    "/chat/completions",
    "/completions",
    "/embeddings",
    "/responses",
    "/messages/count_tokens",
    "/messages",
    "/models",
    "/images/generations",
    "/audio/transcriptions",
    "/audio/speech",
    "/moderations",
    "/rerank",
];

/// The ends of Ollama's own methods, whose base is the server itself.
const OLLAMA_TAILS: &[&str] = &[
    "/api/chat",
    "/api/generate",
    "/api/tags",
    "/api/embeddings",
    "/api/embed",
    "/api/show",
    "/api/ps",
    "/api/version",
];

/// Google's methods, which stand behind a model's name and a colon.
const METHODS: &[&str] = &[
    "generateContent",
    "streamGenerateContent",
    "countTokens",
    "embedContent",
    "batchEmbedContents",
    "predict",
    "rawPredict",
    "streamRawPredict",
];

/// What gateways call the place at which they speak Gemini's dialect, below which its version is to be written.
const GEMINI_PLACES: &[&str] = &[
    "/gemini",
    "/google",
    "/google-ai-studio",
    "/google-gemini",
    "/googleai",
];

/// Normalises a base URL of a server that speaks this dialect, after the rules above.
///
/// # Errors
/// If it can't be used; the text says what to write instead.
pub fn normalise(text: &str, dialect: DialectId) -> Result<Normalised, BadUrl> {
    read(text, dialect, false)
}

/// As [`normalise`], for an endpoint that may use `http://` to another machine.
///
/// # Errors
/// If it can't be used; the text says what to write instead.
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
        return Err(BadUrl::Blank);
    }
    let trimmed = without_quotes(trimmed, &mut changes);
    let as_written = trimmed.strip_suffix('#');
    let text = with_scheme(as_written.unwrap_or(trimmed), &mut changes);
    let mut url = Url::parse(&text).map_err(|e| BadUrl::Unreadable(e.to_string()))?;
    check(&url, allow_http)?;
    if url.fragment().is_some() {
        url.set_fragment(None);
        changes.push("what follows # is not sent".to_owned());
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
        changes.push("the quotes around it were left out".to_owned());
    }
    bare
}

/// The text with a scheme in front, if it had none.
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
        return Err(BadUrl::Unreadable("it names no host".to_owned()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(BadUrl::Credentials);
    }
    if url.scheme() == "http" && !allow_http && !is_this_machine(url) {
        return Err(BadUrl::PlainHttp(host.to_owned()));
    }
    Ok(())
}

/// The path that a dialect can add its own to.
fn base_path(written: &str, dialect: DialectId, changes: &mut Vec<String>) -> String {
    let default = dialect.dialect().base_path;
    let bare = written.trim_end_matches('/');
    if let Some((before, end, whole)) = without_end(bare) {
        changes.push(format!("{end} removed: it is added by itself"));
        let before = before.trim_end_matches('/');
        return if whole && before.is_empty() {
            default.to_owned()
        } else {
            before.to_owned()
        };
    }
    if bare.is_empty() {
        changes.push(format!(
            "{default} added; end the URL with # to keep it as written"
        ));
        return default.to_owned();
    }
    if dialect == DialectId::Gemini && GEMINI_PLACES.iter().any(|place| bare.ends_with(place)) {
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

/// A path without the method that it ends with; the method; and whether that begins at the server's root.
fn without_end(bare: &str) -> Option<(&str, &str, bool)> {
    let tail = |tails: &[&str]| {
        let tail = tails.iter().find(|tail| bare.ends_with(**tail))?;
        Some(bare.split_at(bare.len() - tail.len()))
    };
    if let Some((before, end)) = tail(OLLAMA_TAILS) {
        return Some((before, end, true));
    }
    let method = bare.rsplit_once(':').map_or("", |(_, method)| method);
    if METHODS.contains(&method) {
        let at = bare
            .rfind("/publishers/")
            .or_else(|| bare.rfind("/models/"))?;
        return Some((&bare[..at], &bare[at..], false));
    }
    tail(TAILS).map(|(before, end)| (before, end, false))
}

/// The text that normalises to this very URL, in any dialect: what a settings file holds.
#[must_use]
pub fn written(url: &Url) -> String {
    let text = url.as_str();
    // A URL that dialects complete differently is kept as it is in all of them.
    let stays = [DialectId::OpenaiChat, DialectId::Gemini]
        .into_iter()
        .all(|dialect| normalise_allowing_http(text, dialect).is_ok_and(|same| same.url == *url));
    if stays {
        text.to_owned()
    } else {
        format!("{text}#")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is written, what it becomes, and how the changes are told.
    const WRITTEN: &[(&str, &str, &[&str])] = &[
        (
            "https://api.openai.com/v1",
            "https://api.openai.com/v1",
            &[],
        ),
        (
            "  https://api.openai.com/v1 \n",
            "https://api.openai.com/v1",
            &[],
        ),
        (
            "https://api.openai.com/v1/",
            "https://api.openai.com/v1",
            &["trailing /"],
        ),
        (
            " \"https://api.openai.com/v1\" ",
            "https://api.openai.com/v1",
            &["the quotes"],
        ),
        (
            "'localhost:1/v1'",
            "http://localhost:1/v1",
            &["the quotes", "http:// added"],
        ),
        (
            "[::ffff:127.0.0.1]:1/v1",
            "http://[::ffff:7f00:1]:1/v1",
            &["http:// added"],
        ),
        ("[::]:1/v1", "http://[::]:1/v1", &["http:// added"]),
        (
            "https://api.openai.com",
            "https://api.openai.com/v1",
            &["/v1 added"],
        ),
        (
            "https://api.openai.com/",
            "https://api.openai.com/v1",
            &["/v1 added"],
        ),
        (
            "api.openai.com",
            "https://api.openai.com/v1",
            &["https:// added", "/v1 added"],
        ),
        (
            "HTTPS://API.OpenAI.com/v1",
            "https://api.openai.com/v1",
            &[],
        ),
        ("https:api.openai.com/v1", "https://api.openai.com/v1", &[]),
        (
            "localhost:11434",
            "http://localhost:11434/v1",
            &["http:// added", "/v1 added"],
        ),
        (
            "127.0.0.1:8080/v1",
            "http://127.0.0.1:8080/v1",
            &["http:// added"],
        ),
        ("[::1]:8080/v1", "http://[::1]:8080/v1", &["http:// added"]),
        (
            "0.0.0.0:8000/v1",
            "http://0.0.0.0:8000/v1",
            &["http:// added"],
        ),
        ("http://a.localhost:1/v1", "http://a.localhost:1/v1", &[]),
        (
            "192.168.1.5:8000/v1",
            "https://192.168.1.5:8000/v1",
            &["https:// added"],
        ),
        (
            "https://api.deepseek.com/chat/completions",
            "https://api.deepseek.com/",
            &["/chat/completions removed"],
        ),
        (
            "https://openrouter.ai/api/v1/chat/completions/",
            "https://openrouter.ai/api/v1",
            &["/chat/completions removed"],
        ),
        (
            "https://x.ai/v1/models",
            "https://x.ai/v1",
            &["/models removed"],
        ),
        ("https://x.ai/api/paas/v4", "https://x.ai/api/paas/v4", &[]),
        (
            "https://r.openai.azure.com/openai/deployments/d/chat/completions?api-version=2024-10-21",
            "https://r.openai.azure.com/openai/deployments/d?api-version=2024-10-21",
            &["/chat/completions removed"],
        ),
        ("https://h.example/base#", "https://h.example/base", &[]),
        ("https://h.example/models#", "https://h.example/models", &[]),
        ("https://h.example#", "https://h.example/", &[]),
        (
            "https://h.example/v1#top",
            "https://h.example/v1",
            &["what follows #"],
        ),
        ("https://例え.jp/v1", "https://xn--r8jz45g.jp/v1", &[]),
    ];

    #[test]
    fn what_people_write_becomes_one_form() {
        for (text, url, changes) in WRITTEN {
            let got =
                normalise(text, DialectId::OpenaiChat).unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!(got.url.as_str(), *url, "{text}");
            assert_eq!(
                got.changes.len(),
                changes.len(),
                "{text}: {:?}",
                got.changes
            );
            for (said, expected) in got.changes.iter().zip(*changes) {
                assert!(said.starts_with(expected), "{text}: {said}");
            }
            let again = normalise(&written(&got.url), DialectId::Gemini)
                .expect("what we write can be read");
            assert_eq!(again.url, got.url, "{text} is stable");
        }
    }

    #[test]
    fn a_pasted_url_of_any_method_is_brought_back_to_its_base() {
        use DialectId::{Anthropic, Gemini, Ollama, OpenaiChat, OpenaiResponses};
        const GOOGLE: &str = "https://generativelanguage.googleapis.com/v1beta";
        const VERTEX: &str = "https://l-aiplatform.googleapis.com/v1/projects/p/locations/l";
        for (dialect, text, url) in [
            (
                OpenaiChat,
                "http://localhost:11434/api/generate",
                "http://localhost:11434/v1",
            ),
            (
                OpenaiChat,
                "http://localhost:11434/api/tags/",
                "http://localhost:11434/v1",
            ),
            (
                Ollama,
                "http://localhost:11434/api/chat",
                "http://localhost:11434/v1",
            ),
            (OpenaiChat, "https://h/team/api/tags", "https://h/team"),
            (OpenaiChat, "https://h/v1/completions", "https://h/v1"),
            (
                OpenaiChat,
                "https://h/v1/embeddings?x=1",
                "https://h/v1?x=1",
            ),
            (OpenaiResponses, "https://h/v1/responses", "https://h/v1"),
            (Anthropic, "https://h/v1/messages", "https://h/v1"),
            (
                Gemini,
                &format!("{GOOGLE}/models/gemini-3:generateContent"),
                GOOGLE,
            ),
            (
                Gemini,
                &format!("{GOOGLE}/models/g:streamGenerateContent?alt=sse"),
                &format!("{GOOGLE}?alt=sse"),
            ),
            (
                Gemini,
                &format!("{VERTEX}/publishers/google/models/g:generateContent"),
                VERTEX,
            ),
            (Gemini, "https://h/gemini", "https://h/gemini/v1beta"),
            (Gemini, "https://h/gemini/", "https://h/gemini/v1beta"),
            (
                Gemini,
                "https://h/x/google-ai-studio",
                "https://h/x/google-ai-studio/v1beta",
            ),
            (Gemini, "https://h/gemini/v1beta", "https://h/gemini/v1beta"),
            (Gemini, "https://h/gemini#", "https://h/gemini"),
            (OpenaiChat, "https://h/gemini", "https://h/gemini"),
        ] {
            let got = normalise(text, dialect).unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!(got.url.as_str(), url, "{text}");
            let again = normalise(&written(&got.url), dialect).expect("what we write can be read");
            assert_eq!(again.url, got.url, "{text} is stable");
        }
    }

    #[test]
    fn what_can_not_be_used_is_refused_and_explained() {
        let table: &[(&str, &str)] = &[
            ("", "empty"),
            (" \t", "empty"),
            ("https://a b/v1", "blank"),
            ("https://a/v1\u{7f}", "blank"),
            ("ftp://host/v1", "not ftp://"),
            ("file:///etc/passwd", "not file://"),
            ("https://", "can't be read"),
            ("https://host:99999/v1", "can't be read"),
            ("https://user:hunter2@host/v1", "user name or password"),
            ("https://sk-hunter2@host/v1", "user name or password"),
            ("user:hunter2@host", "user name or password"),
            ("http://api.openai.com/v1", "http:// to api.openai.com"),
            ("http://192.168.1.5:8000/v1", "allow_http = true"),
            (
                "http://127.0.0.1.evil.example/v1",
                "http:// to 127.0.0.1.evil.example",
            ),
            (
                "http://localhost.evil.example/v1",
                "http:// to localhost.evil.example",
            ),
        ];
        for (text, why) in table {
            let error = normalise(text, DialectId::OpenaiChat)
                .expect_err(text)
                .to_string();
            assert!(error.contains(why), "{text}: {error}");
            assert!(!error.contains("hunter2"), "{text}: {error}");
        }
    }

    #[test]
    fn plain_http_to_a_private_network_can_be_allowed() {
        let got =
            normalise_allowing_http("http://192.168.1.5:8000", DialectId::OpenaiChat).unwrap();
        assert_eq!(got.url.as_str(), "http://192.168.1.5:8000/v1");
    }

    #[test]
    fn a_bare_host_gets_the_path_of_its_dialect() {
        for (dialect, path) in [
            (DialectId::OpenaiChat, "/v1"),
            (DialectId::Gemini, "/v1beta"),
        ] {
            let got = normalise("https://h.example", dialect).unwrap();
            assert_eq!(got.url.path(), path);
            let said = format!("{path} added; end the URL with # to keep it as written");
            assert_eq!(got.changes, [said]);
        }
    }
}

//! A secret in every form in which a server may write it back.

use std::{fmt, sync::OnceLock};

use aho_corasick::{AhoCorasick, MatchKind};
use base64::{
    Engine as _,
    engine::general_purpose::{self, GeneralPurpose},
};

/// Shorter values are no secrets, and covering them would tear text apart.
const SHORTEST: usize = 6;

/// What servers on one's own machine tell people to write in place of a key. No secrets, and words that answers hold.
const DUMMIES: &[&str] = &[
    "ollama",
    "lm-studio",
    "lmstudio",
    "llamacpp",
    "llama.cpp",
    "local",
    "localhost",
    "token-abc123",
    "no-key",
    "no-key-required",
    "sk-no-key-required",
    "not-needed",
    "not-used",
    "not-required",
    "unused",
    "nothing",
    "default",
    "simulated",
    "placeholder",
    "anything",
    "secret",
    "password",
    "api-key",
    "apikey",
    "your-api-key",
];

/// All forms of some secrets, found wherever they stand, in whatever case.
#[derive(Default)]
pub(super) struct Forms {
    secrets: Vec<String>,
    /// Made when it is first needed, or [built](Forms::build) before: it takes a tenth of a millisecond.
    built: OnceLock<BuiltForms>,
}

#[derive(Default)]
struct BuiltForms {
    forms: Vec<String>,
    finder: Option<AhoCorasick>,
}

impl fmt::Debug for Forms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Forms({})", self.secrets.len())
    }
}

impl BuiltForms {
    fn of(secrets: &[String]) -> Self {
        let mut forms: Vec<String> = secrets.iter().flat_map(|secret| written(secret)).collect();
        forms.retain(|form| form.len() >= SHORTEST);
        forms.sort_unstable();
        forms.dedup_by(|a, b| a.eq_ignore_ascii_case(b));
        let finder = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::LeftmostLongest)
            .build(&forms);
        Self {
            forms,
            finder: finder.ok(),
        }
    }
}

impl Forms {
    pub(super) fn of<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let secrets = secrets.into_iter().filter(|s| is_secret(s));
        Self {
            secrets: secrets.map(str::to_owned).collect(),
            built: OnceLock::new(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.secrets.is_empty()
    }

    /// Makes what finds them, if there are any.
    pub(super) fn build(&self) {
        if !self.is_empty() {
            self.built();
        }
    }

    fn built(&self) -> &BuiltForms {
        self.built.get_or_init(|| BuiltForms::of(&self.secrets))
    }

    /// Where whole forms stand in a text, in their order.
    pub(super) fn found<'a>(&'a self, text: &'a [u8]) -> impl Iterator<Item = (usize, usize)> + 'a {
        let built = (!self.is_empty()).then(|| self.built());
        let finder = built.and_then(|built| built.finder.as_ref()).into_iter();
        finder.flat_map(move |finder| {
            finder
                .find_iter(text)
                .map(|found| (found.start(), found.end()))
        })
    }

    /// How many bytes at the end of a text are the beginning of a form, and whether they are enough of it to tell it.
    pub(super) fn begun(&self, text: &str) -> (usize, bool) {
        if self.is_empty() {
            return (0, false);
        }
        let begun = self
            .built()
            .forms
            .iter()
            .map(|form| (begun(form, text), form.len()));
        let (longest, whole) = begun.max().unwrap_or_default();
        (longest, longest >= (whole / 2).clamp(4, 12))
    }
}

fn is_secret(text: &str) -> bool {
    text.len() >= SHORTEST && !DUMMIES.iter().any(|dummy| text.eq_ignore_ascii_case(dummy))
}

/// How many bytes at the end of `text` are the beginning of `form`, but not all of it.
fn begun(form: &str, text: &str) -> usize {
    let (form, bytes) = (form.as_bytes(), text.as_bytes());
    let most = form.len().saturating_sub(1).min(bytes.len());
    let fits = |length: &usize| {
        let start = bytes.len() - length;
        text.is_char_boundary(start) && bytes[start..].eq_ignore_ascii_case(&form[..*length])
    };
    (1..=most).rev().find(fits).unwrap_or(0)
}

/// The secret plain, and as URLs, JSON, pages and base64 have it.
fn written(secret: &str) -> Vec<String> {
    let percent: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let json = serde_json::Value::from(secret).to_string();
    let json = json[1..json.len() - 1].to_owned();
    let slashes = json.replace('/', "\\/");
    let go = replaced(
        &json,
        &[
            ("&", "\\u0026"),
            ("<", "\\u003c"),
            (">", "\\u003e"),
            ("=", "\\u003d"),
            ("+", "\\u002b"),
        ],
    );
    let go_few = replaced(
        &json,
        &[("&", "\\u0026"), ("<", "\\u003c"), (">", "\\u003e")],
    );
    let page = replaced(
        secret,
        &[
            ("&", "&amp;"),
            ("<", "&lt;"),
            (">", "&gt;"),
            ("\"", "&quot;"),
            ("'", "&#39;"),
        ],
    );
    let url = url::Url::parse("http://h/").ok().map(|mut url| {
        url.set_path(secret);
        url.path().trim_start_matches('/').to_owned()
    });
    let engines = [
        general_purpose::STANDARD_NO_PAD,
        general_purpose::URL_SAFE_NO_PAD,
    ];
    let base64 = engines.iter().flat_map(|engine| {
        let among = (0..3).map(|before| base64_among(engine, secret, before));
        std::iter::once(engine.encode(secret)).chain(among)
    });
    let spaces = percent.replace('+', "%20");
    [
        secret.to_owned(),
        percent,
        spaces,
        json,
        slashes,
        go,
        go_few,
        page,
    ]
    .into_iter()
    .chain(url)
    .chain(base64)
    .collect()
}

/// What base64 makes of a secret behind so many other bytes, without the characters that hold bits of its neighbours.
fn base64_among(engine: &GeneralPurpose, secret: &str, before: usize) -> String {
    let bytes = [&[0; 3][..before], secret.as_bytes()].concat();
    let whole = bytes.len() * 8 / 6;
    engine.encode(&bytes)[(before * 8).div_ceil(6)..whole].to_owned()
}

fn replaced(text: &str, pairs: &[(&str, &str)]) -> String {
    pairs
        .iter()
        .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

//! Where requests go: endpoints, targets, and the presets of `assets/endpoints.toml`.
//!
//! In: settings, the environment, a preset, a URL typed by hand. Out: an [`Endpoint`] with a normalised base URL, its
//! request headers and its cached list of models.

mod back_off;
pub mod base_url;
pub mod cache;
pub mod headers;
pub mod local_gateway;
mod place;
pub mod preset;
pub mod simulated;
pub mod variables;
pub mod vertex;

pub use self::back_off::BackOff;

use std::{collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use url::Url;

pub use self::place::TargetPlace;
use crate::{
    dialect::DialectId,
    transport::{ConnectOptions, is_this_machine},
};

/// Endpoint and model, written `endpoint/model`. The model's name may contain further slashes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TargetId {
    /// The endpoint's id.
    pub endpoint: String,
    /// The model's name, as the endpoint knows it.
    pub model: String,
}

impl fmt::Display for TargetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.endpoint, self.model)
    }
}

/// A text that is not `endpoint/model`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("“{0}” is not a target: write endpoint/model, as in openai/gpt-4o-mini")]
pub struct BadTarget(pub String);

impl FromStr for TargetId {
    type Err = BadTarget;

    fn from_str(text: &str) -> Result<Self, BadTarget> {
        match text.split_once('/') {
            Some((endpoint, model)) if !endpoint.is_empty() && !model.is_empty() => Ok(Self {
                endpoint: endpoint.to_owned(),
                model: model.to_owned(),
            }),
            _ => Err(BadTarget(text.to_owned())),
        }
    }
}

/// A server of a dialect, and how to reach it. Contains no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Its id: the name in settings, targets and keyring; no slash.
    pub id: String,
    /// Its name for people.
    pub label: String,
    /// The preset that it was made from.
    pub preset: Option<String>,
    /// Its protocol.
    pub dialect: DialectId,
    /// The normalised base URL; the dialect adds its own path.
    pub base_url: Url,
    /// The user's label for how it is reached; may be empty.
    pub route: String,
    /// The region in which it answers, as the user states it; may be empty. See [`Endpoint::region`].
    pub region: String,
    /// How the key is sent.
    pub auth: Auth,
    /// Environment variables that may hold the key, in order.
    pub key_env: Vec<String>,
    /// A command that prints the key, as program and arguments; no shell.
    pub key_command: Vec<String>,
    /// Further request headers. Values may refer to `${ENV}`.
    pub headers: BTreeMap<String, String>,
    /// Models typed by hand, or known without a list.
    pub models: Vec<String>,
    /// How to connect.
    pub connect: ConnectOptions,
    /// Whether `http://` may be used for a host that is not this machine.
    pub allow_http: bool,
    /// Environment variable that holds the proxy's password.
    pub proxy_password_env: Option<String>,
    /// Whether this is the built-in simulator.
    pub simulated: bool,
}

impl Endpoint {
    /// An endpoint with only an id, a normalised base URL and a dialect: the key is sent in the dialect's way, and may
    /// come from `LLM_API_KEY`.
    pub fn custom(id: impl Into<String>, base_url: Url, dialect: DialectId) -> Self {
        let id = id.into();
        Self {
            label: id.clone(),
            id,
            preset: None,
            dialect,
            route: String::new(),
            region: String::new(),
            auth: Auth::at(&base_url, dialect),
            base_url,
            key_env: vec!["LLM_API_KEY".to_owned()],
            key_command: Vec::new(),
            headers: BTreeMap::new(),
            models: Vec::new(),
            connect: ConnectOptions::default(),
            allow_http: false,
            proxy_password_env: None,
            simulated: false,
        }
    }

    /// `scheme://host:port`, always with the port: a key belongs to an origin.
    #[must_use]
    pub fn origin(&self) -> String {
        let url = &self.base_url;
        let host = url.host_str().unwrap_or_default();
        match url.port_or_known_default() {
            Some(port) => format!("{}://{host}:{port}", url.scheme()),
            None => format!("{}://{host}", url.scheme()),
        }
    }

    /// The region in which it answers: as stated, or the location in a base URL of Vertex AI; empty if unknown.
    #[must_use]
    pub fn region(&self) -> &str {
        if !self.region.is_empty() {
            return &self.region;
        }
        let mut segments = self.base_url.path().split('/');
        segments.find(|segment| *segment == "locations");
        segments.next().unwrap_or_default()
    }

    /// Whether it runs on this machine.
    #[must_use]
    pub fn is_local(&self) -> bool {
        is_this_machine(&self.base_url)
    }

    /// Whether a request without a key can't succeed: true for a cloud preset, at any remote host. Any other endpoint
    /// may work without one.
    #[must_use]
    pub fn needs_key(&self) -> bool {
        self.auth != Auth::None
            && !self.is_local()
            && (self.preset.as_deref().and_then(preset::find)).is_some_and(|p| !p.local)
    }

    /// Instructions for setting its key, as the end of a sentence.
    #[must_use]
    pub fn key_hint(&self) -> String {
        let keep = format!("store one with `tokenscope keys set {}`", self.id);
        match self.key_env.as_slice() {
            [] => keep,
            vars => format!("set {}, or {keep}", vars.join(" or ")),
        }
    }
}

/// How a key is put on a request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Auth {
    /// `Authorization: Bearer …`.
    #[default]
    Bearer,
    /// The bare key in a header of this name.
    Header(String),
    /// The bare key in the URL's query, as `key`: Google's servers accept it, and some gateways to them accept nothing
    /// else.
    Query,
    /// No key is sent.
    None,
}

impl Auth {
    /// How the server at a base URL expects the key. Vertex AI uses Gemini's dialect and accepts access tokens; without
    /// a project in its URL (“express mode”) it accepts API keys, as the Gemini API does.
    #[must_use]
    pub fn at(base_url: &Url, dialect: DialectId) -> Self {
        if dialect.dialect().on_google_cloud && base_url.path().contains("/projects/") {
            return Self::Bearer;
        }
        Self::of_dialect(dialect)
    }

    /// How the providers of a dialect expect the key.
    #[must_use]
    pub fn of_dialect(dialect: DialectId) -> Self {
        let header = dialect.dialect().key_header;
        header.map_or(Self::Bearer, |name| Self::Header(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(url: &str) -> Endpoint {
        Endpoint::custom("x", Url::parse(url).unwrap(), DialectId::OpenaiChat)
    }

    #[test]
    fn an_origin_always_has_its_port() {
        for (url, origin) in [
            ("https://api.openai.com/v1", "https://api.openai.com:443"),
            ("http://localhost/v1", "http://localhost:80"),
            ("http://[::1]:8080/v1?x=y", "http://[::1]:8080"),
            (
                "https://API.Example.com:8443",
                "https://api.example.com:8443",
            ),
        ] {
            assert_eq!(endpoint(url).origin(), origin);
        }
    }

    #[test]
    fn google_expects_a_token_if_the_url_has_a_project_and_else_a_key() {
        for (url, bearer) in [
            (
                "https://us-central1-aiplatform.googleapis.com/v1/projects/p/locations/l",
                true,
            ),
            ("http://127.0.0.1:1/v1/projects/p/locations/l", true),
            ("https://aiplatform.googleapis.com/v1", false),
            ("https://generativelanguage.googleapis.com/v1beta", false),
        ] {
            let endpoint = Endpoint::custom("x", Url::parse(url).unwrap(), DialectId::Gemini);
            assert_eq!(endpoint.auth == Auth::Bearer, bearer, "{url}");
        }
    }

    #[test]
    fn only_a_cloud_preset_at_a_remote_host_needs_a_key() {
        let mut e = endpoint("https://api.openai.com/v1");
        assert!(!e.needs_key(), "a custom endpoint may work without one");
        e.preset = Some("openai".into());
        assert!(e.needs_key());
        e.auth = Auth::None;
        assert!(!e.needs_key());
        let mut local = endpoint("http://localhost:8000/v1");
        local.preset = Some("openai".into());
        assert!(!local.needs_key());
        assert!(local.is_local());
    }
}

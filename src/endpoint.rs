//! Where requests go: endpoints, targets, and the presets of `assets/endpoints.toml`.

use std::{collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use url::Url;

use crate::dialect::DialectId;

/// Endpoint and model, written `endpoint/model`. The model's name may hold further slashes.
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

/// A target that was not written `endpoint/model`.
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

/// One place that speaks a dialect, and how to reach it. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Its id: the name in settings, targets and keyring; no slash.
    pub id: String,
    /// Its name for people.
    pub label: String,
    /// The protocol it speaks.
    pub dialect: DialectId,
    /// The normalised base URL; the dialect adds its own path.
    pub base_url: Url,
    /// How it is reached, in the user's own word; may be empty.
    pub route: String,
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
    /// Whether this is the built-in simulator.
    pub simulated: bool,
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
    /// No key is sent.
    None,
}

/// How to connect to an endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct ConnectOptions {
    /// `http://`, `https://`, `socks5://` or `socks5h://` proxy; a user name may stand in it, its
    /// password is a credential of its own and is kept where keys are.
    pub proxy: Option<String>,
    /// A PEM file with further certificate authorities to trust.
    pub ca_file: Option<String>,
    /// Which HTTP versions may be used.
    pub http: HttpVersion,
    /// Time limits.
    pub timeouts: Timeouts,
}

/// Which HTTP versions may be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum HttpVersion {
    /// HTTP/2 where the server offers it by ALPN, else HTTP/1.1.
    #[default]
    #[serde(rename = "auto")]
    Auto,
    /// HTTP/1.1 only.
    #[serde(rename = "1.1")]
    Http1,
    /// HTTP/2 only, without TLS by prior knowledge.
    #[serde(rename = "2")]
    Http2,
}

/// Time limits of a run, in milliseconds; 0 means no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Timeouts {
    /// DNS, TCP and TLS together.
    pub connect_ms: u64,
    /// From the request sent to the first token.
    pub first_token_ms: u64,
    /// Between two reads that carried more than a keep-alive, after the first token.
    pub idle_ms: u64,
    /// The whole run.
    pub total_ms: u64,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect_ms: 10_000,
            first_token_ms: 120_000,
            idle_ms: 60_000,
            total_ms: 1_800_000,
        }
    }
}

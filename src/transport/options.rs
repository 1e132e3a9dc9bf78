//! How to connect: proxy, additional certificate authorities, HTTP version, time limits.

use serde::{Deserialize, Serialize};

/// How to connect to an endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct ConnectOptions {
    /// `http://`, `https://`, `socks5://` or `socks5h://` proxy. It may hold a user name; the password is a
    /// credential of its own, stored with the keys.
    pub proxy: Option<String>,
    /// A PEM file with additional certificate authorities to trust.
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

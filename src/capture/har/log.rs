//! The objects of a HAR file, in the order and with the names of its specification.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::timings::HarTimings;
use crate::capture::Headers;

/// A file of any program: of what others write, only the name of the program is read.
#[derive(Deserialize)]
pub(super) struct AnyHar {
    pub log: AnyLog,
}

#[derive(Deserialize)]
pub(super) struct AnyLog {
    pub creator: Option<AnyCreator>,
    pub entries: Vec<Value>,
}

#[derive(Deserialize)]
pub(super) struct AnyCreator {
    #[serde(default)]
    pub name: String,
}

#[derive(Serialize)]
pub(super) struct HarFile {
    pub log: HarLog,
}

#[derive(Serialize)]
pub(super) struct HarLog {
    pub version: String,
    pub creator: HarCreator,
    pub entries: Vec<HarEntry>,
}

#[derive(Serialize)]
pub(super) struct HarCreator {
    pub name: String,
    pub version: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct HarEntry {
    pub started_date_time: String,
    pub time: f64,
    pub request: HarRequest,
    pub response: HarResponse,
    pub cache: Map<String, Value>,
    pub timings: HarTimings,
    /// The IP address of the other end of the connection: the proxy's, where there is one.
    #[serde(
        default,
        rename = "serverIPAddress",
        skip_serializing_if = "Option::is_none"
    )]
    pub server_ip_address: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    #[serde(
        default,
        rename = "_tokenscope",
        skip_serializing_if = "Option::is_none"
    )]
    pub own: Option<Value>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct HarRequest {
    pub method: String,
    pub url: String,
    pub http_version: String,
    pub cookies: Vec<Value>,
    pub headers: Vec<HarPair>,
    pub query_string: Vec<HarPair>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub post_data: Option<HarPostData>,
    pub headers_size: i64,
    pub body_size: i64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct HarPostData {
    pub mime_type: String,
    #[serde(default)]
    pub text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct HarResponse {
    pub status: u16,
    pub status_text: String,
    pub http_version: String,
    pub cookies: Vec<Value>,
    pub headers: Vec<HarPair>,
    pub content: HarContent,
    #[serde(rename = "redirectURL")]
    pub redirect_url: String,
    pub headers_size: i64,
    pub body_size: i64,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct HarContent {
    pub size: i64,
    pub mime_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct HarPair {
    pub name: String,
    pub value: String,
}

impl HarPair {
    pub(super) fn all(headers: &Headers) -> Vec<Self> {
        let pairs = headers.0.iter().map(|(name, value)| Self {
            name: name.clone(),
            value: value.clone(),
        });
        pairs.collect()
    }

    pub(super) fn headers(pairs: Vec<Self>) -> Headers {
        let pairs = pairs.into_iter().map(|Self { name, value }| (name, value));
        Headers(pairs.collect())
    }
}

//! What the editor needs to know of presets and base URLs, in its own words.

use std::collections::BTreeMap;

use url::Url;

use crate::endpoint::{Endpoint, base_url, preset::Preset};

pub use crate::endpoint::preset::all;

/// The endpoint that a preset makes with these values. Until the URL of a custom one is typed, it
/// stands at a server on this machine.
///
/// # Errors
/// With what is missing or wrong.
pub fn endpoint(preset: &Preset, values: &BTreeMap<String, String>) -> Result<Endpoint, String> {
    preset.endpoint(values).map_err(|why| why.to_string())
}

/// Reads a base URL as people type it; gives it with every change that was made to it.
///
/// # Errors
/// With what is wrong and what to write instead.
pub fn read_url(text: &str, allow_http: bool) -> Result<(Url, Vec<String>), String> {
    let read = if allow_http {
        base_url::normalise_allowing_http(text)
    } else {
        base_url::normalise(text)
    };
    read.map(|n| (n.url, n.changes))
        .map_err(|why| why.to_string())
}

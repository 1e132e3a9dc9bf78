//! What the editor needs of presets and base URLs, with errors as text.

use std::collections::BTreeMap;

use url::Url;

use crate::{
    dialect::DialectId,
    endpoint::{Endpoint, base_url, preset::Preset, vertex},
};

pub use crate::endpoint::preset::all;

/// The variable with the project, in presets for Google Cloud.
const PROJECT: &str = "project";

/// The endpoint that a preset makes from these values. A custom endpoint gets the address of a server on this machine
/// until its URL is typed; a project that can be filled in later may be missing.
///
/// # Errors
/// If a value is missing or wrong.
pub fn endpoint(preset: &Preset, values: &BTreeMap<String, String>) -> Result<Endpoint, String> {
    let mut values = values.clone();
    if project_may_wait(preset) {
        let project = values.entry(PROJECT.to_owned()).or_default();
        if project.trim().is_empty() {
            vertex::NO_PROJECT.clone_into(project);
        }
    }
    preset.endpoint(&values).map_err(|why| why.to_string())
}

/// Whether the editor can fill in the project later, from a service account's file.
pub fn project_may_wait(preset: &Preset) -> bool {
    let has_project = preset.variables.iter().any(|v| v.name == PROJECT);
    has_project && preset.dialect.dialect().on_google_cloud
}

/// Reads a base URL as typed; returns it with a list of the changes made to it.
///
/// # Errors
/// The text says what is wrong and what to write instead.
pub fn read_url(
    text: &str,
    dialect: DialectId,
    allow_http: bool,
) -> Result<(Url, Vec<String>), String> {
    let read = if allow_http {
        base_url::normalise_allowing_http(text, dialect)
    } else {
        base_url::normalise(text, dialect)
    };
    read.map(|n| (n.url, n.changes))
        .map_err(|why| why.to_string())
}

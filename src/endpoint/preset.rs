//! Predefined endpoints: the rows of `assets/endpoints.toml`.
//!
//! In: a preset and the values of its variables. Out: an [`Endpoint`].

use std::{collections::BTreeMap, sync::LazyLock};

use serde::Deserialize;

use super::{
    Auth, Endpoint,
    base_url::{self, BadUrl},
    variables::Environment,
};
use crate::dialect::DialectId;

/// A known provider or server.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preset {
    /// Its id, and that of the endpoint it makes.
    pub id: String,
    /// Its name for people.
    pub label: String,
    /// The base URL, with `{name}` in place of each variable.
    pub base_url: String,
    /// Its protocol.
    #[serde(default = "openai_chat")]
    pub dialect: DialectId,
    /// How the key is sent.
    #[serde(default)]
    pub auth: Auth,
    /// Environment variables that usually hold the key, in order.
    #[serde(default)]
    pub key_env: Vec<String>,
    /// Environment variables that usually name another base URL for that key, in order.
    #[serde(default)]
    pub url_env: Vec<String>,
    /// A command that prints the key.
    #[serde(default)]
    pub key_command: Vec<String>,
    /// Models to offer if the server has no list of models.
    #[serde(default)]
    pub models: Vec<String>,
    /// The URL of its documentation.
    pub docs: String,
    /// One line worth knowing; may be empty.
    #[serde(default)]
    pub note: String,
    /// Whether it runs on this machine or network, and works without a key.
    #[serde(default)]
    pub local: bool,
    /// The variables that have to be filled in.
    #[serde(default)]
    pub variables: Vec<Variable>,
}

/// A part of a preset's base URL that the user fills in.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    /// Its name, as in `{name}`.
    pub name: String,
    /// What to fill in.
    pub hint: String,
    /// The value if nothing is filled in.
    pub default: Option<String>,
    /// Environment variables that usually have its value.
    #[serde(default)]
    pub env: Vec<String>,
}

/// Why a preset and these values give no endpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PresetError {
    /// A variable has no value and no default.
    #[error("{name} is missing: {hint}{}", or_set(.env))]
    Missing {
        /// The variable.
        name: String,
        /// What to fill in.
        hint: String,
        /// Environment variables that may have its value.
        env: Vec<String>,
    },
    /// A value that can't be a part of a URL.
    #[error("{name} may only contain letters, digits, “.”, “-”, “_” and “:”")]
    BadValue {
        /// The variable.
        name: String,
    },
    /// The resulting URL can't be used.
    #[error(transparent)]
    BadUrl(#[from] BadUrl),
}

#[derive(Deserialize)]
struct PresetsFile {
    preset: Vec<Preset>,
}

static PRESETS: LazyLock<Vec<Preset>> = LazyLock::new(|| {
    let text = include_str!("../../assets/endpoints.toml");
    let table: PresetsFile =
        toml_edit::de::from_str(text).expect("a test reads this embedded file");
    table.preset
});

/// All presets, in the order they are offered.
#[must_use]
pub fn all() -> &'static [Preset] {
    &PRESETS
}

/// The preset of this id.
#[must_use]
pub fn find(id: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.id == id)
}

impl Preset {
    /// Its endpoint with these values of the variables.
    ///
    /// # Errors
    /// If a value is missing, or is not valid in a URL.
    pub fn endpoint(&self, values: &BTreeMap<String, String>) -> Result<Endpoint, PresetError> {
        let text = self.fill(|variable| values.get(&variable.name).cloned())?;
        self.at(&text)
    }

    /// Its endpoint with URL and variables from the environment.
    ///
    /// # Errors
    /// If a value is missing, or is not valid in a URL.
    pub fn endpoint_of(&self, environment: &Environment) -> Result<Endpoint, PresetError> {
        match environment.first(&self.url_env) {
            Some((_, url)) => self.at(&url),
            None => self.endpoint_here(environment),
        }
    }

    /// Its endpoint at its own URL with variables from the environment.
    ///
    /// # Errors
    /// If a value is missing, or is not valid in a URL.
    pub fn endpoint_here(&self, environment: &Environment) -> Result<Endpoint, PresetError> {
        self.at(&self.fill(|v| environment.first(&v.env).map(|(_, value)| value))?)
    }

    /// Its endpoint at another base URL.
    fn at(&self, base_url: &str) -> Result<Endpoint, PresetError> {
        let base_url = base_url::normalise(base_url, self.dialect)?.url;
        Ok(Endpoint {
            label: self.label.clone(),
            preset: Some(self.id.clone()),
            auth: self.auth.clone(),
            key_env: self.key_env.clone(),
            key_command: self.key_command.clone(),
            models: self.models.clone(),
            ..Endpoint::custom(&self.id, base_url, self.dialect)
        })
    }

    /// The base URL with a value for each variable: the given one, else its default.
    fn fill(&self, value: impl Fn(&Variable) -> Option<String>) -> Result<String, PresetError> {
        let mut text = self.base_url.clone();
        for variable in &self.variables {
            let given = value(variable).map(|v| v.trim().to_owned());
            let value = (given
                .filter(|v| !v.is_empty())
                .or_else(|| variable.default.clone()))
            .ok_or_else(|| PresetError::Missing {
                name: variable.name.clone(),
                hint: variable.hint.clone(),
                env: variable.env.clone(),
            })?;
            let placeholder = format!("{{{}}}", variable.name);
            // A variable that is the whole URL is normalised as one; a part of a URL must be plain.
            if self.base_url != placeholder && !value.chars().all(is_plain) {
                return Err(PresetError::BadValue {
                    name: variable.name.clone(),
                });
            }
            text = text.replace(&placeholder, &value);
        }
        Ok(text)
    }
}

fn or_set(env: &[String]) -> String {
    match env {
        [] => String::new(),
        names => format!(" (${})", names.join(" or $")),
    }
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':')
}

fn openai_chat() -> DialectId {
    DialectId::OpenaiChat
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        (pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned())))
        .collect()
    }

    #[test]
    fn errors_name_missing_and_invalid_values() {
        let azure = find("azure").unwrap();
        let missing = azure.endpoint(&BTreeMap::new()).unwrap_err().to_string();
        assert!(missing.starts_with("resource is missing"), "{missing}");
        for bad in ["a/b", "evil.example/", "a b", "a?b", "a@b", "a#"] {
            let error = azure.endpoint(&values(&[("resource", bad)])).unwrap_err();
            assert!(
                matches!(error, PresetError::BadValue { .. }),
                "{bad}: {error}"
            );
        }
        let custom = find("custom").unwrap();
        let http = values(&[("base_url", "http://example.com/v1")]);
        assert!(matches!(
            custom.endpoint(&http),
            Err(PresetError::BadUrl(BadUrl::PlainHttp(_)))
        ));
    }

    #[test]
    fn a_variable_may_occur_twice_and_an_empty_one_gets_its_default() {
        let vertex = find("vertex").unwrap();
        let endpoint = vertex
            .endpoint(&values(&[("project", " p-1 "), ("location", "")]))
            .unwrap();
        assert_eq!(
            endpoint.base_url.as_str(),
            "https://us-central1-aiplatform.googleapis.com/v1/projects/p-1/locations/us-central1/endpoints/openapi"
        );
    }

    #[test]
    fn the_environment_names_another_url_or_fills_a_variable() {
        let env = Environment::of([
            ("OPENAI_BASE_URL", "https://proxy.example/openai/v1/"),
            ("AZURE_RESOURCE_NAME", "mine"),
        ]);
        let url = |id| find(id).unwrap().endpoint_of(&env).unwrap().base_url;
        assert_eq!(url("openai").as_str(), "https://proxy.example/openai/v1");
        assert_eq!(
            url("azure").as_str(),
            "https://mine.openai.azure.com/openai/v1"
        );
        assert_eq!(url("groq").as_str(), "https://api.groq.com/openai/v1");
    }
}

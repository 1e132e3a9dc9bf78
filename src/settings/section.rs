//! An `[endpoint.ID]` section: the TOML form of an [`Endpoint`].
//!
//! Missing keys have the preset's value, or else the default.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Deserializer, Serialize, de};
use url::Url;

use crate::{
    dialect::DialectId,
    endpoint::{
        Auth, Endpoint, base_url, headers, local_gateway,
        preset::{self, Preset, PresetError},
        simulated, variables,
    },
    transport::{ConnectOptions, HttpVersion, Timeouts},
    visible::is_secret_name,
};

/// A section as it is written. The order of the fields is their order in a new section.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct EndpointSection {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preset: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dialect: Option<DialectId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_http: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth: Option<Auth>,
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "one_or_many"
    )]
    pub key_env: Option<Vec<String>>,
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "one_or_many"
    )]
    pub key_command: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headers: Option<BTreeMap<String, String>>,
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "one_or_many"
    )]
    pub models: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http: Option<HttpVersion>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeouts: Option<Timeouts>,
}

/// The keys of a section; a test compares them with the fields.
pub(super) const KEYS: &[&str] = &[
    "label",
    "preset",
    "dialect",
    "base_url",
    "allow_http",
    "route",
    "region",
    "auth",
    "key_env",
    "key_command",
    "headers",
    "models",
    "proxy",
    "ca_file",
    "http",
    "timeouts",
];

/// The keys of `timeouts`.
pub(super) const TIMEOUT_KEYS: &[&str] = &["connect_ms", "first_token_ms", "idle_ms", "total_ms"];

/// What is wrong with a section, and its key (empty for the section itself).
pub(super) struct BadSection {
    pub key: &'static str,
    pub message: String,
}

impl BadSection {
    fn at(key: &'static str, message: impl fmt::Display) -> Self {
        let message = message.to_string();
        Self { key, message }
    }
}

impl EndpointSection {
    /// The endpoint that the section describes.
    pub(super) fn endpoint(&self, id: &str) -> Result<Endpoint, BadSection> {
        check_id(id).map_err(|why| BadSection::at("", why))?;
        let preset = self.preset()?;
        let mut endpoint = self.base(id, preset)?;
        if let Some(label) = &self.label {
            endpoint.label.clone_from(label);
        }
        if let Some(auth) = &self.auth {
            check_auth(auth).map_err(|why| BadSection::at("auth", why))?;
            endpoint.auth = auth.clone();
        }
        if let Some(vars) = &self.key_env {
            endpoint.key_env.clone_from(vars);
        }
        if let Some(command) = &self.key_command {
            endpoint.key_command.clone_from(command);
        }
        if let Some(models) = &self.models {
            endpoint.models.clone_from(models);
        }
        for name in self.headers.iter().flatten().map(|(name, _)| name) {
            headers::name_of(name).map_err(|why| BadSection::at("headers", why))?;
        }
        endpoint.headers = self.headers.clone().unwrap_or_default();
        endpoint.route = self.route.clone().unwrap_or_default();
        endpoint.region = self.region.clone().unwrap_or_default();
        self.connect(&mut endpoint)?;
        Ok(endpoint)
    }

    /// The section of an endpoint, with every key.
    pub(super) fn of(endpoint: &Endpoint) -> Self {
        let connect = &endpoint.connect;
        Self {
            label: Some(endpoint.label.clone()),
            preset: endpoint.preset.clone(),
            dialect: Some(endpoint.dialect),
            base_url: Some(base_url::written(&endpoint.base_url)),
            allow_http: Some(endpoint.allow_http),
            route: Some(endpoint.route.clone()),
            region: Some(endpoint.region.clone()),
            auth: Some(endpoint.auth.clone()),
            key_env: Some(endpoint.key_env.clone()),
            key_command: Some(endpoint.key_command.clone()),
            headers: Some(endpoint.headers.clone()),
            models: Some(endpoint.models.clone()),
            proxy: (connect.proxy.as_deref())
                .map(|proxy| joined_proxy(proxy, endpoint.proxy_password_env.as_deref())),
            ca_file: connect.ca_file.clone(),
            http: Some(connect.http),
            timeouts: Some(connect.timeouts),
        }
    }

    /// The section without values that are defaults.
    pub(super) fn without_defaults(self, id: &str) -> Self {
        let bare = Self {
            preset: self.preset.clone(),
            ..Self::default()
        };
        let own_url = bare.endpoint(id).map(|e| base_url::written(&e.base_url));
        let at_this_url = Self {
            base_url: self.base_url.clone(),
            allow_http: Some(true),
            ..bare
        };
        let Ok(default) = at_this_url.endpoint(id).map(|endpoint| Self::of(&endpoint)) else {
            return self;
        };
        Self {
            label: unless_default(self.label, default.label.as_ref()),
            preset: self.preset,
            base_url: unless_default(self.base_url, own_url.as_ref().ok()),
            dialect: unless_default(self.dialect, default.dialect.as_ref()),
            allow_http: unless_default(self.allow_http, Some(&false)),
            route: unless_default(self.route, default.route.as_ref()),
            region: unless_default(self.region, default.region.as_ref()),
            auth: unless_default(self.auth, default.auth.as_ref()),
            key_env: unless_default(self.key_env, default.key_env.as_ref()),
            key_command: unless_default(self.key_command, default.key_command.as_ref()),
            headers: unless_default(self.headers, default.headers.as_ref()),
            models: unless_default(self.models, default.models.as_ref()),
            proxy: unless_default(self.proxy, default.proxy.as_ref()),
            ca_file: unless_default(self.ca_file, default.ca_file.as_ref()),
            http: unless_default(self.http, default.http.as_ref()),
            timeouts: unless_default(self.timeouts, default.timeouts.as_ref()),
        }
    }

    /// Headers that seem to have a secret in plain text.
    pub(super) fn plain_secrets(&self) -> impl Iterator<Item = &str> {
        (self.headers.iter().flatten())
            .filter(|(name, value)| is_secret_name(name) && !variables::has_reference(value))
            .map(|(name, _)| name.as_str())
    }

    fn preset(&self) -> Result<Option<&'static Preset>, BadSection> {
        let Some(name) = &self.preset else {
            return Ok(None);
        };
        preset::find(name).map(Some).ok_or_else(|| {
            let known: Vec<&str> = preset::all().iter().map(|p| p.id.as_str()).collect();
            let known = known.join(", ");
            BadSection::at("preset", format!("no preset “{name}”; known are {known}"))
        })
    }

    /// An endpoint with the preset's values, at the section's or else the preset's base URL.
    fn base(&self, id: &str, preset: Option<&Preset>) -> Result<Endpoint, BadSection> {
        let allow_http = self.allow_http.unwrap_or(false);
        let dialect = self.dialect.or(preset.map(|p| p.dialect));
        let dialect = dialect.unwrap_or(DialectId::OpenaiChat);
        let url = match (&self.base_url, preset) {
            (Some(text), _) => normalised(text, dialect, allow_http)?,
            (None, Some(preset)) => preset_url(preset)?,
            (None, None) => {
                let why = "base_url is missing: write one such as base_url = \"https://host/v1\"";
                return Err(BadSection::at("", why));
            }
        };
        let mut endpoint = Endpoint::custom(id, url, dialect);
        endpoint.allow_http = allow_http;
        endpoint.key_env.clear();
        if let Some(preset) = preset {
            endpoint.preset = Some(preset.id.clone());
            endpoint.label.clone_from(&preset.label);
            endpoint.auth = preset.auth.clone();
            endpoint.key_env.clone_from(&preset.key_env);
            endpoint.key_command.clone_from(&preset.key_command);
            endpoint.models.clone_from(&preset.models);
        }
        Ok(endpoint)
    }

    fn connect(&self, endpoint: &mut Endpoint) -> Result<(), BadSection> {
        if let Some(text) = self.proxy.as_deref().filter(|text| !text.is_empty()) {
            let (proxy, var) = split_proxy(text).map_err(|why| BadSection::at("proxy", why))?;
            endpoint.connect.proxy = Some(proxy);
            endpoint.proxy_password_env = var;
        }
        endpoint.connect = ConnectOptions {
            proxy: endpoint.connect.proxy.take(),
            ca_file: self.ca_file.clone().filter(|file| !file.is_empty()),
            http: self.http.unwrap_or_default(),
            timeouts: self.timeouts.unwrap_or_default(),
        };
        Ok(())
    }
}

fn normalised(text: &str, dialect: DialectId, allow_http: bool) -> Result<Url, BadSection> {
    let read = if allow_http {
        base_url::normalise_allowing_http(text, dialect)
    } else {
        base_url::normalise(text, dialect)
    };
    read.map(|base| base.url)
        .map_err(|why| BadSection::at("base_url", why))
}

fn preset_url(preset: &Preset) -> Result<Url, BadSection> {
    match preset.endpoint(&BTreeMap::new()) {
        Ok(endpoint) => Ok(endpoint.base_url),
        Err(PresetError::Missing { hint, .. }) => Err(BadSection::at(
            "preset",
            format!(
                "this preset needs base_url = \"{}\" with {hint}",
                preset.base_url
            ),
        )),
        Err(why) => Err(BadSection::at("preset", why)),
    }
}

/// The value, unless it is the default.
fn unless_default<T: PartialEq>(value: Option<T>, default: Option<&T>) -> Option<T> {
    value.filter(|value| Some(value) != default)
}

/// Ids are used in targets before a slash, in file names and in keyring entries.
fn check_id(id: &str) -> Result<(), String> {
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    if simulated::is_own(id) {
        return Err(format!(
            "“{id}” is the built-in simulator's id: choose another"
        ));
    }
    if local_gateway::is_own(id) {
        return Err(format!(
            "“{id}” is an id of the desktop's own gateway: choose another"
        ));
    }
    if id.is_empty() || id.starts_with('.') || id.chars().count() > 64 || !id.chars().all(fits) {
        return Err(format!(
            "“{}” can't be an id: use up to 64 letters, digits, “-”, “_” and “.”",
            id.escape_debug()
        ));
    }
    Ok(())
}

fn check_auth(auth: &Auth) -> Result<(), String> {
    match auth {
        Auth::Header(name) => headers::name_of(name).map(drop),
        Auth::Bearer | Auth::Query | Auth::None => Ok(()),
    }
}

/// A proxy URL without its password, and the variable with the password.
fn split_proxy(text: &str) -> Result<(String, Option<String>), String> {
    let mut url = Url::parse(text).map_err(|e| format!("the proxy's URL can't be read: {e}"))?;
    if !matches!(url.scheme(), "http" | "https" | "socks5" | "socks5h") {
        return Err("a proxy starts with http://, https://, socks5:// or socks5h://".to_owned());
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err("the proxy's URL has no host".to_owned());
    }
    let Some(password) = url.password() else {
        return Ok((bare(&url), None));
    };
    // The URL has the braces of `${NAME}` percent-encoded.
    let plain = password.replace("%7B", "{").replace("%7D", "}");
    let Some(variable) = variables::sole_reference(&plain).map(str::to_owned) else {
        return Err("a password is not allowed in this file: write ${NAME} instead, where NAME \
             is an environment variable, or leave it out and store it with `tokenscope keys set ID --proxy`"
            .to_owned());
    };
    url.set_password(None)
        .map_err(|()| "the proxy's URL has no host".to_owned())?;
    Ok((bare(&url), Some(variable)))
}

fn joined_proxy(proxy: &str, password_env: Option<&str>) -> String {
    match (proxy.split_once('@'), password_env) {
        (Some((user, host)), Some(var)) => format!("{user}:${{{var}}}@{host}"),
        _ => proxy.to_owned(),
    }
}

fn bare(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}

/// A list that may be written as a single string.
pub(super) fn one_or_many<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<Vec<String>>, D::Error> {
    struct Visitor;
    impl<'de> de::Visitor<'de> for Visitor {
        type Value = Option<Vec<String>>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string or a list of strings")
        }

        fn visit_str<E: de::Error>(self, one: &str) -> Result<Self::Value, E> {
            Ok(Some(vec![one.to_owned()]))
        }

        fn visit_seq<A: de::SeqAccess<'de>>(self, mut many: A) -> Result<Self::Value, A::Error> {
            let mut list = Vec::new();
            while let Some(one) = many.next_element()? {
                list.push(one);
            }
            Ok(Some(list))
        }
    }
    from.deserialize_any(Visitor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_keys_matches_the_fields() {
        let url = Url::parse("https://a.example/v1").unwrap();
        let mut endpoint = Endpoint::custom("a", url, DialectId::OpenaiChat);
        endpoint.preset = Some("custom".into());
        endpoint.connect.proxy = Some("http://p:1".into());
        endpoint.connect.ca_file = Some("ca.pem".into());
        let written = toml_edit::ser::to_document(&EndpointSection::of(&endpoint)).unwrap();
        let keys: Vec<&str> = written.iter().map(|(key, _)| key).collect();
        assert_eq!(keys, KEYS);
        let timeouts = written["timeouts"].as_table_like().unwrap();
        let keys: Vec<&str> = timeouts.iter().map(|(key, _)| key).collect();
        assert_eq!(keys, TIMEOUT_KEYS);
    }

    #[test]
    fn a_proxys_password_is_not_in_the_file() {
        for (text, proxy, var) in [
            ("http://p.example:3128", "http://p.example:3128", None),
            ("http://u@p.example:3128/", "http://u@p.example:3128", None),
            (
                "socks5h://u:${PW}@p.example:1080",
                "socks5h://u@p.example:1080",
                Some("PW"),
            ),
            (
                "http://u%40d:${PW_2}@p.example",
                "http://u%40d@p.example",
                Some("PW_2"),
            ),
        ] {
            let (got, variable) = split_proxy(text).unwrap();
            assert_eq!((got.as_str(), variable.as_deref()), (proxy, var), "{text}");
            let joined = joined_proxy(&got, variable.as_deref());
            assert_eq!(split_proxy(&joined).unwrap(), (got, variable), "{text}");
        }
        for (text, why) in [
            ("http://u:hunter2@p.example", "is not allowed in this file"),
            ("http://u:x${PW}@p.example", "is not allowed in this file"),
            ("p.example:3128", "starts with"),
            ("ftp://p.example", "starts with"),
            ("http://", "can't be read"),
            ("socks5://", "no host"),
        ] {
            let error = split_proxy(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
            assert!(!error.contains("hunter2"), "{text}: {error}");
        }
    }
}

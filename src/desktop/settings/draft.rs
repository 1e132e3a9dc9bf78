//! An endpoint while it is edited: its fields as text, and what is wrong with them.

use std::collections::BTreeMap;

use http::HeaderName;

use super::{form::lines, presets};
use crate::{
    credential::Account,
    dialect::DialectId,
    endpoint::{Auth, Endpoint, vertex},
    settings::Settings,
    transport::{HttpVersion, Timeouts, is_this_machine},
};

/// The ways to send a key, to choose from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthKind {
    /// `Authorization: Bearer …`.
    Bearer,
    /// A header that the user names.
    Header,
    /// `?key=…` in the URL.
    Query,
    /// No key.
    None,
}

/// The values of the two fields that say how a key is sent.
fn auth_fields(auth: &Auth) -> (AuthKind, String) {
    match auth {
        Auth::Bearer => (AuthKind::Bearer, String::new()),
        Auth::Header(name) => (AuthKind::Header, name.clone()),
        Auth::Query => (AuthKind::Query, String::new()),
        Auth::None => (AuthKind::None, String::new()),
    }
}

/// The fields that can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// The id.
    Id,
    /// The base URL.
    Url,
    /// The header that carries the key.
    AuthHeader,
    /// The proxy.
    Proxy,
    /// The further headers.
    Headers,
    /// The time limits.
    Timeouts,
}

/// What is wrong, by field.
pub type Problems = BTreeMap<Field, String>;

/// The time limits in the order of the editor: the name of each and what it limits.
pub const LIMITS: [(&str, &str); 4] = [
    ("Connect", "DNS, TCP and TLS together"),
    ("First token", "From request sent to the first token"),
    ("Idle", "Between two reads after the first token"),
    ("Total", "The whole run"),
];

/// An endpoint while it is edited.
#[derive(Clone, Debug, PartialEq)]
pub struct EndpointDraft {
    /// Its id in the settings file, unless it is new.
    pub old_id: Option<String>,
    /// The endpoint that the draft began with; keeps the fields that are not edited.
    base: Endpoint,
    pub id: String,
    pub label: String,
    pub dialect: DialectId,
    pub url: String,
    /// Whether `http://` may be used for another machine.
    pub allow_http: bool,
    pub auth: AuthKind,
    pub auth_header: String,
    pub route: String,
    /// One model per line.
    pub models: String,
    pub headers: Vec<(String, String)>,
    pub proxy: String,
    pub ca_file: String,
    pub http: HttpVersion,
    /// In milliseconds, in the order of [`LIMITS`].
    pub limits: [String; 4],
    /// Names of variables, separated by commas or spaces.
    pub key_env: String,
    /// The program and its arguments, one per line.
    pub key_command: String,
}

impl EndpointDraft {
    /// A draft of an endpoint; `is_new` if it is not in the settings file.
    #[must_use]
    pub fn of(endpoint: &Endpoint, is_new: bool) -> Self {
        let Timeouts {
            connect_ms,
            first_token_ms,
            idle_ms,
            total_ms,
        } = endpoint.connect.timeouts;
        let (auth, auth_header) = auth_fields(&endpoint.auth);
        Self {
            old_id: (!is_new).then(|| endpoint.id.clone()),
            base: endpoint.clone(),
            id: endpoint.id.clone(),
            label: endpoint.label.clone(),
            dialect: endpoint.dialect,
            url: endpoint.base_url.to_string(),
            allow_http: endpoint.allow_http,
            auth,
            auth_header,
            route: endpoint.route.clone(),
            models: endpoint.models.join("\n"),
            headers: endpoint.headers.clone().into_iter().collect(),
            proxy: endpoint.connect.proxy.clone().unwrap_or_default(),
            ca_file: endpoint.connect.ca_file.clone().unwrap_or_default(),
            http: endpoint.connect.http,
            limits: [connect_ms, first_token_ms, idle_ms, total_ms].map(|ms| ms.to_string()),
            key_env: endpoint.key_env.join(", "),
            key_command: endpoint.key_command.join("\n"),
        }
    }

    /// The edited endpoint.
    ///
    /// # Errors
    /// The problems by field, if there are any.
    pub fn endpoint(&self, settings: &Settings) -> Result<Endpoint, Problems> {
        let mut problems = Problems::new();
        let mut endpoint = self.base.clone();
        self.id.trim().clone_into(&mut endpoint.id);
        note(&mut problems, Field::Id, self.id_problem(settings));
        endpoint.label = match self.label.trim() {
            "" => endpoint.id.clone(),
            label => label.to_owned(),
        };
        match presets::read_url(&self.url, self.dialect, self.allow_http) {
            Ok((url, _)) => endpoint.base_url = url,
            Err(problem) => note(&mut problems, Field::Url, Some(problem)),
        }
        note(&mut problems, Field::Url, self.project_problem());
        endpoint.dialect = self.dialect;
        endpoint.allow_http = self.allow_http;
        endpoint.auth = self.auth(&mut problems);
        self.route.trim().clone_into(&mut endpoint.route);
        endpoint.models = lines(&self.models);
        endpoint.headers = self.headers(&mut problems);
        endpoint.connect.proxy = some(&self.proxy);
        note(
            &mut problems,
            Field::Proxy,
            endpoint.connect.proxy.as_deref().and_then(proxy_problem),
        );
        endpoint.connect.ca_file = some(&self.ca_file);
        endpoint.connect.http = self.http;
        endpoint.connect.timeouts = self.timeouts(&mut problems);
        let names = self.key_env.split([',', ' ']).map(str::trim);
        endpoint.key_env = names
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect();
        endpoint.key_command = lines(&self.key_command);
        if problems.is_empty() {
            Ok(endpoint)
        } else {
            Err(problems)
        }
    }

    /// Sets the dialect, and how its key is usually sent unless the user has changed that.
    pub fn set_dialect(&mut self, dialect: DialectId) {
        let fields = (self.auth, self.auth_header.clone());
        if fields == auth_fields(&Auth::of_dialect(self.dialect)) {
            (self.auth, self.auth_header) = auth_fields(&Auth::of_dialect(dialect));
        }
        self.dialect = dialect;
    }

    /// Whether a Google account can be its key.
    #[must_use]
    pub fn takes_account(&self) -> bool {
        self.dialect.dialect().on_google_cloud && vertex::is_vertex(&self.url)
    }

    /// Where its access token comes from, if the key command is one of the built-in Google ones.
    #[must_use]
    pub fn sign_in(&self) -> Option<&'static str> {
        match self.key_command.lines().next()?.trim() {
            "google:adc" => Some(
                "Signs in with application default credentials: GOOGLE_APPLICATION_CREDENTIALS, gcloud’s login, or \
                 the metadata server",
            ),
            "google:metadata" => Some("Signs in with the machine’s metadata server"),
            "google:file" => Some("Signs in with the credentials file named under Advanced"),
            _ => None,
        }
    }

    /// Adapts it to a Google account as its key: fills in the account's project if it is missing, sends its tokens as
    /// bearer tokens, and removes the key command, which would come before the keyring.
    pub fn take_account(&mut self, account: &Account) {
        let project = account.project.as_deref();
        if let Some(url) = project.and_then(|project| vertex::with_project(&self.url, project)) {
            self.url = url;
        }
        (self.auth, self.auth_header) = auth_fields(&Auth::Bearer);
        self.key_command.clear();
    }

    /// Where requests will go, and how the base URL was changed.
    ///
    /// # Errors
    /// The text says what is wrong with the base URL.
    pub fn final_url(&self) -> Result<(String, Vec<String>), String> {
        let (url, changes) = presets::read_url(&self.url, self.dialect, self.allow_http)?;
        let model = self.models.lines().next().unwrap_or("model");
        let chat = (self.dialect.dialect().chat_url)(&url, model);
        Ok((chat.to_string(), changes))
    }

    /// Whether the base URL is `http://` to another machine, which has to be allowed.
    #[must_use]
    pub fn is_cleartext(&self) -> bool {
        presets::read_url(&self.url, self.dialect, true)
            .is_ok_and(|(url, _)| url.scheme() == "http" && !is_this_machine(&url))
    }

    fn project_problem(&self) -> Option<String> {
        let lacks = self.takes_account() && vertex::lacks_project(&self.url);
        lacks.then(|| {
            "The project is missing: import a service account, or write the project’s id after /projects/".into()
        })
    }

    fn id_problem(&self, settings: &Settings) -> Option<String> {
        let id = self.id.trim();
        if id.is_empty() {
            return Some("An id is needed, such as openai".into());
        }
        if id
            .chars()
            .any(|c| c == '/' || c.is_whitespace() || c.is_control())
        {
            return Some(
                "No slashes or spaces: the id is the part before the slash in endpoint/model"
                    .into(),
            );
        }
        let taken = settings.endpoint(id).is_some() && self.old_id.as_deref() != Some(id);
        taken.then(|| format!("There is an endpoint {id} already"))
    }

    fn auth(&self, problems: &mut Problems) -> Auth {
        match self.auth {
            AuthKind::Bearer => Auth::Bearer,
            AuthKind::Query => Auth::Query,
            AuthKind::None => Auth::None,
            AuthKind::Header => {
                let name = self.auth_header.trim();
                let bad = HeaderName::try_from(name).err();
                note(
                    problems,
                    Field::AuthHeader,
                    bad.map(|_| "Write a header name, such as x-api-key".into()),
                );
                Auth::Header(name.to_owned())
            }
        }
    }

    fn headers(&self, problems: &mut Problems) -> BTreeMap<String, String> {
        let mut headers = BTreeMap::new();
        for (name, value) in &self.headers {
            let name = name.trim();
            if name.is_empty() && value.is_empty() {
                continue;
            }
            if HeaderName::try_from(name).is_err() {
                note(
                    problems,
                    Field::Headers,
                    Some(format!("“{name}” is not a valid header name")),
                );
            }
            headers.insert(name.to_owned(), value.clone());
        }
        headers
    }

    fn timeouts(&self, problems: &mut Problems) -> Timeouts {
        let mut limit = |index: usize| {
            let (name, _) = LIMITS[index];
            self.limits[index].trim().parse().unwrap_or_else(|_| {
                let text = format!("{name}: write whole milliseconds; 0 means no limit");
                note(problems, Field::Timeouts, Some(text));
                0
            })
        };
        Timeouts {
            connect_ms: limit(0),
            first_token_ms: limit(1),
            idle_ms: limit(2),
            total_ms: limit(3),
        }
    }
}

fn note(problems: &mut Problems, field: Field, problem: Option<String>) {
    if let Some(problem) = problem {
        problems.entry(field).or_insert(problem);
    }
}

fn some(text: &str) -> Option<String> {
    Some(text.trim())
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}

fn proxy_problem(text: &str) -> Option<String> {
    let schemes = ["http", "https", "socks5", "socks5h"];
    match url::Url::parse(text) {
        Ok(url) if !schemes.contains(&url.scheme()) => {
            Some("A proxy begins with http://, https://, socks5:// or socks5h://".into())
        }
        // The message must not repeat the password.
        Ok(url) if url.password().is_some() => {
            Some("No password here: the settings file is plain text".into())
        }
        Ok(url) if url.host_str().is_none_or(str::is_empty) => {
            Some("The proxy’s host is missing".into())
        }
        Ok(_) => None,
        Err(_) => Some("Write it as http://host:port or socks5://host:port".into()),
    }
}

#[cfg(test)]
mod tests;

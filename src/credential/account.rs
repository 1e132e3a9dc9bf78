//! The file of a Google credential: whose it is, or why it is none.
//!
//! In: what stands in the file. Out: an [`Account`], which holds no secret; or one sentence that says what to do, in
//! which nothing of the file is repeated.

use std::{fmt, path::Path};

use secrecy::{SecretString, zeroize::Zeroizing};
use serde_json::Value;
use url::Url;

use crate::input::{self, Why};

/// No such file is longer; more was chosen by mistake.
pub(super) const MAX_FILE: u32 = 64 * 1024;

/// Where a key is made, as the end of a sentence.
const MAKE_ONE: &str = "make a key of type JSON under IAM → Service accounts → Keys";

/// The kinds of credentials that tokens are made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountKind {
    /// `service_account`: signs by its own private key.
    Service,
    /// `authorized_user`: a person who signed in with gcloud.
    User,
    /// `external_account`: another provider's identity, by workload identity federation.
    External,
}

impl AccountKind {
    /// The kind by the name that Google's files give it.
    pub(super) fn of(name: &str) -> Option<Self> {
        match name {
            "service_account" => Some(Self::Service),
            "authorized_user" => Some(Self::User),
            "external_account" => Some(Self::External),
            _ => None,
        }
    }

    /// What the credential can't work without.
    fn needs(self) -> &'static [&'static str] {
        match self {
            Self::Service => &["client_email", "private_key"],
            Self::User => &["client_id", "client_secret", "refresh_token"],
            Self::External => &["audience", "subject_token_type", "token_url"],
        }
    }
}

/// The JSON of a Google credential; `None` if the text is none.
pub(super) fn credential_json(text: &str) -> Option<Value> {
    if !text.trim_start().starts_with('{') {
        return None;
    }
    let json: Value = serde_json::from_str(text).ok()?;
    AccountKind::of(json.get("type")?.as_str()?)?;
    Some(json)
}

/// The JSON of a Google credential as one line, as a key is kept; `None` if the text is none.
#[must_use]
pub fn one_line(text: &str) -> Option<String> {
    credential_json(text).map(|json| json.to_string())
}

/// Whose credential it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// What kind it is.
    pub kind: AccountKind,
    /// Its e-mail address, where the file names one.
    pub email: Option<String>,
    /// The Google Cloud project that it belongs to or is billed to, where the file names one.
    pub project: Option<String>,
}

impl Account {
    /// Reads the JSON of a credential.
    ///
    /// # Errors
    /// In one sentence that says what to do, if it is none that tokens can be made from.
    pub fn read(json: &str) -> Result<Self, String> {
        if json.len() > MAX_FILE as usize {
            return Err(too_long());
        }
        // serde_json's words would quote what it met.
        let json: Value = serde_json::from_str(json).map_err(|_| no_json(json))?;
        let kind = text(&json, "type")
            .and_then(AccountKind::of)
            .ok_or_else(|| another_kind(&json))?;
        let missing = kind.needs().iter().find(|name| text(&json, name).is_none());
        if let Some(missing) = missing {
            return Err(format!("This file lacks its “{missing}”: {MAKE_ONE}"));
        }
        if kind == AccountKind::External && !goes_to_google(&json) {
            // Whoever wrote the file would be sent this machine's own token.
            return Err(
                "This file’s “token_url” is not Google’s: ask whoever gave it to you for a new one"
                    .into(),
            );
        }
        Ok(Self {
            kind,
            email: email(&json),
            project: project(&json),
        })
    }

    /// Reads the file of a credential; gives its JSON as well, as a key is kept. Waits for the disk.
    ///
    /// # Errors
    /// As [`Self::read`], or why the file can't be read.
    pub fn read_file(path: &Path) -> Result<(Self, SecretString), String> {
        let bytes = input::bytes(path, u64::from(MAX_FILE)).map_err(|why| match why.why {
            Why::TooLarge(_) => too_long(),
            _ => why.to_string(),
        })?;
        let bytes = Zeroizing::new(bytes);
        let text = input::text_of(&bytes).map_err(|_| no_text())?;
        let account = Self::read(&text)?;
        let line = one_line(&text).ok_or_else(|| no_json(&text))?;
        Ok((account, line.into()))
    }

    /// Its e-mail address, or what is known instead.
    #[must_use]
    pub fn name(&self) -> &str {
        match (&self.email, self.kind) {
            (Some(email), _) => email,
            (None, AccountKind::Service) => "a service account",
            (None, AccountKind::User) => "a user's credentials",
            (None, AccountKind::External) => "workload identity federation",
        }
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.email, self.kind) {
            (Some(email), AccountKind::Service) => write!(f, "service account {email}")?,
            (Some(email), AccountKind::User) => write!(f, "user {email}")?,
            (Some(email), AccountKind::External) => {
                write!(f, "workload identity federation as {email}")?;
            }
            (None, _) => f.write_str(self.name())?,
        }
        match &self.project {
            Some(project) => write!(f, ", project {project}"),
            None => f.write_str(", no project named"),
        }
    }
}

fn too_long() -> String {
    format!(
        "This file is larger than {} KiB, which no key of Google’s is: {MAKE_ONE}",
        MAX_FILE / 1024
    )
}

fn no_text() -> String {
    format!("This file is no text, perhaps a key of type P12: {MAKE_ONE}")
}

fn no_json(text: &str) -> String {
    if text.trim().is_empty() {
        format!("This file is empty: {MAKE_ONE}")
    } else if text.trim_start().starts_with("-----BEGIN ") {
        format!("This is a key without its account: {MAKE_ONE}")
    } else {
        format!("This is no JSON, or not all of it: {MAKE_ONE}")
    }
}

/// What a JSON is that is no credential of a known kind. Only words of ours: its `type` may hold anything.
fn another_kind(json: &Value) -> String {
    let is_client = |name| json[name].get("client_id").is_some();
    if is_client("installed") || is_client("web") {
        return format!("This is an OAuth client, not a service account: {MAKE_ONE}");
    }
    match text(json, "type") {
        Some("impersonated_service_account") => {
            "This impersonates a service account, which gcloud’s own file can do: leave it where it is, and write \
             google:adc as the endpoint’s key command"
                .into()
        }
        Some(_) => format!("This is a credential of another kind, not a service account: {MAKE_ONE}"),
        None => format!("This is no service account: {MAKE_ONE}"),
    }
}

fn goes_to_google(json: &Value) -> bool {
    let url = text(json, "token_url").and_then(|url| Url::parse(url).ok());
    url.is_some_and(|url| {
        let host = url.host_str().unwrap_or_default();
        url.scheme() == "https" && host.ends_with(".googleapis.com")
    })
}

fn email(json: &Value) -> Option<String> {
    // …/serviceAccounts/EMAIL:generateAccessToken
    let impersonated = || {
        let url = text(json, "service_account_impersonation_url")?;
        let (_, name) = url.rsplit_once("/serviceAccounts/")?;
        name.split(':').next()
    };
    let email = text(json, "client_email")
        .or_else(|| text(json, "account"))
        .or_else(impersonated)?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "@.-_+".contains(c);
    (email.len() <= 254 && email.contains('@') && email.chars().all(plain))
        .then(|| email.to_owned())
}

/// A name that can stand in a URL.
fn project(json: &Value) -> Option<String> {
    let project = text(json, "project_id").or_else(|| text(json, "quota_project_id"))?;
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-_:".contains(c);
    let begins = project.starts_with(|c: char| c.is_ascii_alphanumeric());
    (begins && project.len() <= 100 && project.chars().all(plain)).then(|| project.to_owned())
}

fn text<'a>(json: &'a Value, name: &str) -> Option<&'a str> {
    json.get(name)?
        .as_str()
        .filter(|text| !text.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;
    use serde_json::json;

    use super::*;

    const CANARY: &str = "canary-7f3a91";

    fn service() -> Value {
        json!({
            "type": "service_account", "client_email": "me@p-1.iam.gserviceaccount.com", "project_id": "p-1",
            "private_key": format!("-----BEGIN PRIVATE KEY-----\n{CANARY}\n-----END PRIVATE KEY-----\n"),
        })
    }

    fn user() -> Value {
        json!({
            "type": "authorized_user", "client_id": "id", "client_secret": CANARY, "refresh_token": CANARY,
            "quota_project_id": "billed",
        })
    }

    fn external() -> Value {
        json!({
            "type": "external_account", "audience": "//iam.googleapis.com/x", "subject_token_type": "jwt",
            "token_url": "https://sts.googleapis.com/v1/token",
            "service_account_impersonation_url":
                "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/me@p.iam.gserviceaccount.com:generateAccessToken",
        })
    }

    fn with(mut json: Value, name: &str, value: Value) -> String {
        json[name] = value;
        json.to_string()
    }

    #[test]
    fn a_credential_says_whose_it_is() {
        for (json, shown) in [
            (
                service().to_string(),
                "service account me@p-1.iam.gserviceaccount.com, project p-1",
            ),
            (user().to_string(), "a user's credentials, project billed"),
            (
                with(user(), "account", json!("ada@example.com")),
                "user ada@example.com, project billed",
            ),
            (
                external().to_string(),
                "workload identity federation as me@p.iam.gserviceaccount.com, no project named",
            ),
            (
                with(service(), "project_id", json!("../evil")),
                "service account me@p-1.iam.gserviceaccount.com, no project named",
            ),
            (
                with(service(), "client_email", json!("a b\u{202e}@c")),
                "a service account, project p-1",
            ),
        ] {
            assert_eq!(Account::read(&json).unwrap().to_string(), shown);
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_what_to_do_and_without_the_key() {
        let pem = service()["private_key"].as_str().unwrap().to_owned();
        let whole = service().to_string();
        let client = json!({"client_id": "x.apps.googleusercontent.com", "client_secret": CANARY});
        for (json, why) in [
            (String::new(), "This file is empty: make"),
            (pem, "This is a key without its account: make"),
            (
                whole[..whole.len() - 9].to_owned(),
                "This is no JSON, or not all of it: make",
            ),
            (CANARY.to_owned(), "This is no JSON, or not all of it: make"),
            ("x".repeat(65_537), "This file is larger than 64 KiB"),
            (
                json!([CANARY]).to_string(),
                "This is no service account: make",
            ),
            (
                json!(CANARY).to_string(),
                "This is no service account: make",
            ),
            (
                json!({"private_key": CANARY}).to_string(),
                "This is no service account: make",
            ),
            (
                json!({"installed": client}).to_string(),
                "This is an OAuth client, not a service account: make a key",
            ),
            (
                json!({"web": client}).to_string(),
                "This is an OAuth client",
            ),
            (
                with(service(), "type", json!(CANARY)),
                "This is a credential of another kind",
            ),
            (
                with(service(), "type", json!("impersonated_service_account")),
                "This impersonates a service account",
            ),
            (
                with(service(), "private_key", json!("")),
                "lacks its “private_key”: make",
            ),
            (
                with(service(), "client_email", json!(null)),
                "lacks its “client_email”",
            ),
            (
                with(user(), "refresh_token", json!(7)),
                "lacks its “refresh_token”",
            ),
            (
                with(external(), "token_url", json!(null)),
                "lacks its “token_url”",
            ),
            (
                with(
                    external(),
                    "token_url",
                    json!(format!("https://{CANARY}.example/")),
                ),
                "This file’s “token_url” is not Google’s",
            ),
        ] {
            let said = Account::read(&json).unwrap_err();
            assert!(said.contains(why), "{said}");
            assert!(!said.contains(CANARY) && !said.contains("BEGIN"), "{said}");
        }
    }

    #[test]
    fn a_file_is_read_as_a_key_of_one_line_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("account.json");
        let read = |content: &[u8]| {
            std::fs::write(&path, content).unwrap();
            Account::read_file(&path)
        };
        let pretty = serde_json::to_string_pretty(&service()).unwrap();
        let (account, key) = read(pretty.as_bytes()).unwrap();
        assert_eq!(account.project.as_deref(), Some("p-1"));
        assert_eq!(key.expose_secret(), service().to_string());
        for (content, why) in [
            (&b"0\x82\xff canary-7f3a91"[..], "perhaps a key of type P12"),
            (&vec![b' '; 70_000], "larger than 64 KiB"),
            (b"canary-7f3a91", "This is no JSON"),
        ] {
            let said = read(content).map(drop).unwrap_err();
            assert!(said.contains(why) && !said.contains(CANARY), "{said}");
        }
        let gone = Account::read_file(&folder.path().join("none")).map(drop);
        assert!(gone.unwrap_err().contains("none does not exist"));
    }
}

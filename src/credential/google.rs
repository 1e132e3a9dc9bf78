//! Google's access tokens, made from what the user has: application default credentials, the metadata server, a service
//! account's file or its JSON in the keyring.
//!
//! In: a [`TokenSource`]. Out: a token that is valid now.

#[cfg(not(feature = "google"))]
mod absent;
#[cfg(feature = "google")]
mod library;

use secrecy::{ExposeSecret as _, SecretString};

#[cfg(not(feature = "google"))]
pub(super) use self::absent::Google;
#[cfg(feature = "google")]
pub(super) use self::library::Google;
use super::account::{Account, credential_json};

/// What tokens are made from.
#[derive(Clone)]
pub(super) enum TokenSource {
    /// `GOOGLE_APPLICATION_CREDENTIALS`, gcloud's file, or the metadata server.
    Default,
    /// The metadata server of the machine that this runs on.
    Metadata,
    /// The file of a service account, or of any other credential that has one.
    File(String),
    /// What stands in such a file.
    Json(SecretString),
}

impl TokenSource {
    /// The source that a `key_command` names in place of a program: `google:adc`, `google:metadata`, or
    /// `google:file` with a path.
    pub(super) fn of_command(command: &[String]) -> Option<Self> {
        let words: Vec<&str> = command.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["google:adc"] => Some(Self::Default),
            ["google:metadata"] => Some(Self::Metadata),
            ["google:file", path] => Some(Self::File((*path).to_owned())),
            _ => None,
        }
    }

    /// The source that a key is, if it is the JSON of a credential and no key.
    pub(super) fn of_key(key: &SecretString) -> Option<Self> {
        credential_json(key.expose_secret()).map(|_| Self::Json(key.clone()))
    }

    /// Who it is, for people; never a secret.
    pub(super) fn account(&self) -> String {
        match self {
            Self::Default => "application default credentials".to_owned(),
            Self::Metadata => "the metadata server".to_owned(),
            Self::File(path) => path.clone(),
            Self::Json(json) => Account::read(json.expose_secret()).map_or_else(
                |_| "Google's credentials".to_owned(),
                |account| account.name().to_owned(),
            ),
        }
    }
}

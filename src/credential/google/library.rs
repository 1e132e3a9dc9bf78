//! Tokens by Google's own library.
//!
//! `google-cloud-auth` refreshes each token four minutes before it expires, in a task of its own and once at a time, and
//! keeps a valid one through a refresh that fails; so no request waits but the first, and none goes out with an expired
//! one.

use std::{
    collections::HashMap,
    error::Error,
    hash::{BuildHasher as _, RandomState},
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use google_cloud_auth::{
    credentials::{
        self, AccessTokenCredentials, CacheableResource, CredentialsProvider as _,
        external_account, mds, service_account, user_account,
    },
    errors::CredentialsError,
};
use http::Extensions;
use rustls::crypto::ring;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use tokio::time::timeout;

use super::TokenSource;
use crate::{
    credential::{KeyError, account::MAX_FILE},
    input,
    mask::cover,
};

/// What a token may be used for: Vertex AI asks for this scope.
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
/// Longest wait for the first token.
const LIMIT: Duration = Duration::from_secs(30);
/// Characters of an error that are shown.
const MAX_ERROR: usize = 300;

impl TokenSource {
    /// A file of this path or JSON that is no credential, told by its own words.
    fn json(&self) -> Result<Value, KeyError> {
        let text = match self {
            Self::File(path) => input::text(Path::new(path), u64::from(MAX_FILE))
                .map_err(|why| KeyError::Google(why.to_string()))?,
            Self::Json(json) => json.expose_secret().to_owned(),
            Self::Default | Self::Metadata => return Ok(Value::Null),
        };
        // serde_json's words would quote what it met.
        serde_json::from_str(&text).map_err(|_| {
            let what = "is no JSON: give the file that Google's console downloaded for the account";
            KeyError::Google(format!("{} {what}", self.account()))
        })
    }

    /// Reads files: not for an async thread.
    fn build(&self) -> Result<AccessTokenCredentials, KeyError> {
        // The library signs by the process's provider; another one that is set already serves as well.
        let _ = ring::default_provider().install_default();
        let json = self.json()?;
        let scopes = [SCOPE];
        let built = match (self, json["type"].as_str()) {
            (Self::Default, _) => credentials::Builder::default()
                .with_scopes(scopes)
                .build_access_token_credentials(),
            (Self::Metadata, _) => mds::Builder::default()
                .with_scopes(scopes)
                .build_access_token_credentials(),
            (_, Some("service_account")) => service_account::Builder::new(json)
                .with_access_specifier(service_account::AccessSpecifier::from_scopes(scopes))
                .build_access_token_credentials(),
            (_, Some("authorized_user")) => {
                user_account::Builder::new(json).build_access_token_credentials()
            }
            (_, Some("external_account")) => external_account::Builder::new(json)
                .with_scopes(scopes)
                .build_access_token_credentials(),
            (_, other) => {
                let what = other.unwrap_or("nothing");
                return Err(KeyError::Google(format!(
                    "{} holds {what} where “service_account”, “authorized_user” or “external_account” is wanted",
                    self.account()
                )));
            }
        };
        built.map_err(|why| self.failed(&why))
    }

    /// What went wrong, without the secrets that the source holds.
    fn failed(&self, error: &dyn Error) -> KeyError {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(why) = cause {
            let why_text = why.to_string();
            if !text.contains(&why_text) {
                text = format!("{text}: {why_text}");
            }
            cause = why.source();
        }
        if let Ok(json) = self.json() {
            for field in ["private_key", "refresh_token", "client_secret"] {
                if let Some(secret) = json[field].as_str().filter(|secret| secret.len() > 4) {
                    text = cover(&text, secret);
                }
            }
        }
        let cut = text
            .char_indices()
            .nth(MAX_ERROR)
            .map_or(text.len(), |(at, _)| at);
        KeyError::Google(format!(
            "{} gave no token: {}",
            self.account(),
            &text[..cut]
        ))
    }
}

/// The credentials that tokens come from, one an owner and source.
#[derive(Default)]
pub(in crate::credential) struct Google {
    made: Mutex<HashMap<(String, u64), AccessTokenCredentials>>,
    /// A keyed hash, so that no secret is kept in a key of the map.
    hasher: RandomState,
}

impl Google {
    /// A token that is valid now, and the project that requests with it are counted for, where one is named.
    ///
    /// # Errors
    /// What is wrong with the source, or why Google's server gave none.
    pub(in crate::credential) async fn token(
        &self,
        owner: &str,
        source: &TokenSource,
    ) -> Result<(SecretString, Option<String>), KeyError> {
        let key = (owner.to_owned(), self.hash(source));
        let known = self.lock().get(&key).cloned();
        let credentials = if let Some(known) = known {
            known
        } else {
            let (of, source) = (key.clone(), source.clone());
            let built = tokio::task::spawn_blocking(move || source.build()).await;
            let built = built.map_err(|why| KeyError::Google(why.to_string()))??;
            self.lock().entry(of).or_insert(built).clone()
        };
        let token = timeout(LIMIT, credentials.access_token()).await;
        let failed = match token {
            Ok(Ok(token)) => {
                let quota_project = quota_project(&credentials).await;
                return Ok((token.token.into(), quota_project));
            }
            Ok(Err(why)) => self.gone(&key, source, &why),
            Err(_) => KeyError::Google(format!(
                "{} gave no token within {} s: is Google's token server within reach?",
                source.account(),
                LIMIT.as_secs()
            )),
        };
        Err(failed)
    }

    /// Forgets the credentials of owners that begin so.
    pub(in crate::credential) fn forget(&self, prefix: &str) {
        self.lock()
            .retain(|(owner, _), _| !owner.starts_with(prefix));
    }

    /// A failure that will not pass by itself ends the library's task: the next request begins anew.
    fn gone(&self, key: &(String, u64), source: &TokenSource, why: &CredentialsError) -> KeyError {
        if !why.is_transient() {
            self.lock().remove(key);
        }
        source.failed(why)
    }

    fn hash(&self, source: &TokenSource) -> u64 {
        match source {
            TokenSource::Default => 0,
            TokenSource::Metadata => 1,
            TokenSource::File(path) => self.hasher.hash_one(path),
            TokenSource::Json(json) => self.hasher.hash_one(json.expose_secret()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(String, u64), AccessTokenCredentials>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The project that the library would have requests counted for: the one that a file of `gcloud`'s names, or
/// `GOOGLE_CLOUD_QUOTA_PROJECT`. It is kept beside the token, so that this does not wait.
async fn quota_project(credentials: &AccessTokenCredentials) -> Option<String> {
    let CacheableResource::New { data, .. } = credentials.headers(Extensions::new()).await.ok()?
    else {
        return None;
    };
    let project = data.get("x-goog-user-project")?.to_str().ok()?;
    Some(project.to_owned())
}

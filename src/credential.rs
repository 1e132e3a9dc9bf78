//! Keys: found, kept and forgotten; never on disk in plain text, in a log, an error or argv.
//!
//! In: an [`Endpoint`]. Out: its key as a [`SecretString`], and where it lives. Order: environment
//! variable or `key_command`, then the OS keyring, then memory of this session.

use secrecy::SecretString;

use crate::endpoint::Endpoint;

/// Where a key lives.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "place", rename_all = "snake_case")]
pub enum KeyPlace {
    /// In this environment variable.
    Env {
        /// The variable's name.
        var: String,
    },
    /// A configured command prints it.
    Command {
        /// The program's name.
        program: String,
    },
    /// In the OS keyring.
    Keyring,
    /// In memory until the program ends.
    Memory,
    /// The endpoint needs none.
    NotNeeded,
    /// Nowhere.
    Missing,
}

/// Where an endpoint's key lives, for display.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct KeyStatus {
    /// The endpoint's id.
    pub endpoint: String,
    /// The origin (`scheme://host:port`) that the key belongs to.
    pub origin: String,
    /// Where it was found.
    pub place: KeyPlace,
    /// What is the matter with the keyring or the command, and what to do; `None` if nothing.
    pub problem: Option<String>,
}

/// A key could not be read or kept. The text says what to do and holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// No keyring service runs, or it has no collection.
    #[error("no OS keyring: {0}")]
    NoKeyring(String),
    /// It is locked.
    #[error("the OS keyring is locked: {0}")]
    Locked(String),
    /// It did not answer within five seconds, or is still busy with an earlier call.
    #[error("the OS keyring does not answer: {0}")]
    Hung(String),
    /// `key_command` failed.
    #[error("key_command failed: {0}")]
    Command(String),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

/// Finds and keeps keys. Cheap to clone; clones share the session's memory and the keyring thread.
#[derive(Clone, Debug, Default)]
pub struct Credentials {}

impl Credentials {
    /// The key of an endpoint and where it was found. A key in memory is used even if the keyring fails.
    ///
    /// # Errors
    /// Only if no key was found *and* something failed on the way.
    pub async fn resolve(
        &self,
        _endpoint: &Endpoint,
    ) -> Result<(Option<SecretString>, KeyPlace), KeyError> {
        todo!("endpoints helper")
    }

    /// Keeps a key in the keyring.
    ///
    /// # Errors
    /// The keyring's failure; the key is then kept nowhere.
    pub async fn set_in_keyring(
        &self,
        _endpoint: &Endpoint,
        _key: SecretString,
    ) -> Result<(), KeyError> {
        todo!("endpoints helper")
    }

    /// Keeps a key for this session only.
    pub fn set_in_memory(&self, _endpoint: &Endpoint, _key: SecretString) {
        todo!("endpoints helper")
    }

    /// Forgets a key, in memory and keyring. Environment variables and commands are not ours to change.
    ///
    /// # Errors
    /// The keyring's failure.
    pub async fn forget(&self, _endpoint: &Endpoint) -> Result<(), KeyError> {
        todo!("endpoints helper")
    }

    /// Where a key lives, and what is the matter if something is.
    pub async fn status(&self, _endpoint: &Endpoint) -> KeyStatus {
        todo!("endpoints helper")
    }
}

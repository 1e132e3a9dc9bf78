//! What is told of a key: where it lives, what failed on the way to it, and what to do.

use secrecy::SecretString;

use super::KeyPlace;
use crate::{
    endpoint::Endpoint,
    event::{Fault, FaultClass},
};

/// Which of an endpoint's secrets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyOf {
    /// The endpoint's own key.
    #[default]
    Endpoint,
    /// The password of the proxy that it is reached through.
    Proxy,
}

/// Where an endpoint's key lives, for display.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct KeyStatus {
    /// The endpoint's id.
    pub endpoint: String,
    /// Which of its secrets.
    pub of: KeyOf,
    /// The origin (`scheme://host:port`) that the key belongs to, or the proxy.
    pub origin: String,
    /// Where it was found.
    pub place: KeyPlace,
    /// What is the matter with the keyring or the command, and what to do; `None` if nothing.
    pub problem: Option<String>,
}

/// A key, if there is one.
#[derive(Debug)]
pub struct FoundKey {
    /// The key.
    pub key: Option<SecretString>,
    /// Where it was found.
    pub place: KeyPlace,
    /// What failed before it was found, or was not.
    pub problem: Option<KeyError>,
}

impl FoundKey {
    /// Why there is no key, if something failed.
    #[must_use]
    pub fn lack(&self) -> Option<String> {
        let problem = self.problem.as_ref().filter(|_| self.key.is_none())?;
        Some(format!("no key was sent, since {problem}"))
    }

    /// The fault of a call that was made with it: a server that refuses to answer without a key is told of with the
    /// reason why there was none.
    #[must_use]
    pub fn explained(&self, fault: Fault) -> Fault {
        explained(fault, self.lack().as_deref())
    }
}

/// The fault, with why no key was sent if it is the fault of that.
#[must_use]
pub fn explained(mut fault: Fault, lack: Option<&str>) -> Fault {
    if let (FaultClass::Auth, Some(lack)) = (fault.class, lack) {
        fault.message = format!("{} ({lack})", fault.message);
    }
    fault
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
    #[error("key_command: {0}")]
    Command(String),
    /// Google's credentials gave no token.
    #[error("Google credentials: {0}")]
    Google(String),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

impl KeyError {
    /// Whether an endpoint is not to be asked without a key after this.
    pub(super) fn stops(&self, endpoint: &Endpoint) -> bool {
        match self {
            Self::Command(_) | Self::Google(_) => true,
            Self::Locked(_) | Self::Hung(_) => endpoint.needs_key() || !endpoint.is_local(),
            Self::NoKeyring(_) | Self::Other(_) => endpoint.needs_key(),
        }
    }

    /// Why an endpoint that needs a key has none. A keyring that fails is only one of the ways to give it one.
    #[must_use]
    pub fn at(&self, endpoint: &Endpoint) -> String {
        match self {
            Self::NoKeyring(_) | Self::Locked(_) | Self::Hung(_) => {
                let (label, hint) = (&endpoint.label, endpoint.key_hint());
                if endpoint.needs_key() {
                    format!("{label} needs a key: {hint} ({self})")
                } else {
                    format!(
                        "the key of {label} can't be read: {self}; {hint}, or set auth = \"none\" if it takes none"
                    )
                }
            }
            _ => self.to_string(),
        }
    }
}

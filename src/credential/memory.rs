//! Secrets kept until the program ends.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use secrecy::SecretString;

/// Secrets of this session by their owner.
#[derive(Default)]
pub(super) struct SessionSecrets {
    secrets: Mutex<HashMap<String, SecretString>>,
}

impl SessionSecrets {
    pub(super) fn get(&self, owner: &str) -> Option<SecretString> {
        self.lock().get(owner).cloned()
    }

    pub(super) fn set(&self, owner: String, secret: SecretString) {
        self.lock().insert(owner, secret);
    }

    /// Forgets a secret, and says whether there was one.
    pub(super) fn forget(&self, owner: &str) -> bool {
        self.lock().remove(owner).is_some()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, SecretString>> {
        // A map is whole even if someone panicked while holding it.
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

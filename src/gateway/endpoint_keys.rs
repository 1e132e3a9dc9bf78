//! The endpoints' keys, kept for a moment: a keyring or a command takes longer to ask than a request should wait.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::{
    clock::now,
    credential::{Credentials, RequestKeys, key_owner},
    endpoint::Endpoint,
    event::Fault,
};

/// How long they hold: longer than the time between two looks ahead, and so short that a changed key is soon used.
const HOLD: Duration = Duration::from_mins(1);

/// The keys of endpoints, as they were found last.
pub(super) struct EndpointKeys {
    credentials: Credentials,
    /// By the endpoint's id and origin, and when they were found.
    found: Mutex<HashMap<String, (Instant, Arc<RequestKeys>)>>,
}

impl EndpointKeys {
    pub(super) fn new(credentials: Credentials) -> Self {
        Self {
            credentials,
            found: Mutex::default(),
        }
    }

    /// The keys of an endpoint.
    ///
    /// # Errors
    /// As [`RequestKeys::of`].
    pub(super) async fn of(&self, endpoint: &Endpoint) -> Result<Arc<RequestKeys>, Fault> {
        let known = self.found().get(&key_owner(endpoint)).cloned();
        match known {
            Some((at, keys)) if now().saturating_duration_since(at) < HOLD => Ok(keys),
            _ => self.look_up(endpoint).await,
        }
    }

    /// Looks them up anew.
    ///
    /// # Errors
    /// As [`RequestKeys::of`].
    pub(super) async fn look_up(&self, endpoint: &Endpoint) -> Result<Arc<RequestKeys>, Fault> {
        let keys = Arc::new(RequestKeys::of(&self.credentials, endpoint).await?);
        let found = (now(), Arc::clone(&keys));
        self.found().insert(key_owner(endpoint), found);
        Ok(keys)
    }

    /// The endpoint refused them: they are looked up anew for the next request.
    pub(super) fn refused(&self, endpoint: &Endpoint) {
        self.found().remove(&key_owner(endpoint));
        self.credentials.invalidate(&endpoint.id);
    }

    fn found(&self) -> MutexGuard<'_, HashMap<String, (Instant, Arc<RequestKeys>)>> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use secrecy::{ExposeSecret as _, SecretString};

    use super::*;
    use crate::{dialect::DialectId, endpoint::variables::Environment};

    #[tokio::test]
    async fn a_key_holds_until_it_is_refused_and_only_at_its_origin() {
        let credentials = Credentials::without_keyring(Environment::default());
        let keys = EndpointKeys::new(credentials.clone());
        let at = |url: &str| Endpoint::custom("e", url.parse().unwrap(), DialectId::OpenaiChat);
        let endpoint = at("http://127.0.0.1:1/v1");
        let text = async || {
            let found = keys.of(&endpoint).await.unwrap();
            found.key.as_ref().map(|key| key.expose_secret().to_owned())
        };
        credentials.set_in_memory(&endpoint, SecretString::from("one"));
        assert_eq!(text().await.as_deref(), Some("one"));
        credentials.set_in_memory(&endpoint, SecretString::from("two"));
        assert_eq!(text().await.as_deref(), Some("one"), "it holds");
        keys.refused(&endpoint);
        assert_eq!(text().await.as_deref(), Some("two"));
        let elsewhere = keys.of(&at("http://127.0.0.1:2/v1")).await.unwrap();
        assert!(elsewhere.key.is_none());
    }
}

//! The password of an endpoint's proxy: a secret of its own, kept where keys are.

use secrecy::SecretString;
use url::Url;

use super::{Credentials, KeyError, KeyOf, KeyPlace, KeyStatus, Prompt};
use crate::endpoint::Endpoint;

impl Credentials {
    /// Where the password of an endpoint's proxy lives; `None` if no proxy of it knows a user. Never
    /// makes the keyring ask the user for its password.
    pub async fn proxy_status(&self, endpoint: &Endpoint) -> Option<KeyStatus> {
        let owner = proxy_owner(endpoint)?;
        let found = self
            .find_proxy_password(endpoint, owner, Prompt::Never)
            .await;
        let (place, problem) = match found {
            Ok((_, place)) => (place, None),
            Err(why) => (KeyPlace::Missing, Some(why)),
        };
        Some(KeyStatus {
            endpoint: endpoint.id.clone(),
            of: KeyOf::Proxy,
            origin: endpoint.connect.proxy.clone().unwrap_or_default(),
            place,
            problem: problem.map(|why| why.to_string()),
        })
    }

    /// The password of an endpoint's proxy: from the variable that the proxy's URL names, memory or
    /// keyring. `None` without looking if the proxy's URL has no user name.
    ///
    /// # Errors
    /// The variable is not set, or no password was found and the keyring failed.
    pub async fn resolve_proxy_password(
        &self,
        endpoint: &Endpoint,
    ) -> Result<Option<SecretString>, KeyError> {
        let Some(owner) = proxy_owner(endpoint) else {
            return Ok(None);
        };
        let found = self.find_proxy_password(endpoint, owner, Prompt::Allowed);
        found.await.map(|(password, _)| password)
    }

    async fn find_proxy_password(
        &self,
        endpoint: &Endpoint,
        owner: String,
        prompt: Prompt,
    ) -> Result<(Option<SecretString>, KeyPlace), KeyError> {
        let inner = &self.inner;
        if let Some(var) = &endpoint.proxy_password_env {
            let value = inner.environment.get(var).map(SecretString::from);
            let password = value.ok_or_else(|| unset(var))?;
            return Ok((Some(password), KeyPlace::Env { var: var.clone() }));
        }
        if let Some(password) = inner.memory.get(&owner) {
            return Ok((Some(password), KeyPlace::Memory));
        }
        let password = inner.keyring.call(prompt.ask(owner)).await?;
        let place = password
            .as_ref()
            .map_or(KeyPlace::Missing, |_| KeyPlace::Keyring);
        Ok((password, place))
    }

    /// Keeps the password of an endpoint's proxy in the keyring.
    ///
    /// # Errors
    /// The endpoint has no proxy with a user name, or the keyring's failure.
    pub async fn set_proxy_password(
        &self,
        endpoint: &Endpoint,
        password: SecretString,
    ) -> Result<(), KeyError> {
        self.keep(proxy_owner(endpoint).ok_or_else(no_proxy)?, password)
            .await
    }

    /// Keeps the password of an endpoint's proxy for this session only.
    ///
    /// # Errors
    /// The endpoint has no proxy with a user name.
    pub fn set_proxy_password_in_memory(
        &self,
        endpoint: &Endpoint,
        password: SecretString,
    ) -> Result<(), KeyError> {
        let owner = proxy_owner(endpoint).ok_or_else(no_proxy)?;
        self.inner.memory.set(owner, password);
        Ok(())
    }

    /// Forgets the password of an endpoint's proxy, in memory and keyring.
    ///
    /// # Errors
    /// The endpoint has no proxy with a user name, or the keyring's failure.
    pub async fn forget_proxy_password(&self, endpoint: &Endpoint) -> Result<(), KeyError> {
        self.drop_secret(proxy_owner(endpoint).ok_or_else(no_proxy)?)
            .await
    }
}

/// Whom a proxy's password belongs to: an endpoint behind a proxy that knows its user.
pub(super) fn proxy_owner(endpoint: &Endpoint) -> Option<String> {
    let proxy = Url::parse(endpoint.connect.proxy.as_deref()?).ok()?;
    if proxy.username().is_empty() {
        return None;
    }
    let port = proxy.port_or_known_default().unwrap_or(1080);
    Some(format!(
        "{}@proxy:{}:{port}",
        endpoint.id,
        proxy.host_str()?
    ))
}

fn unset(var: &str) -> KeyError {
    KeyError::Other(format!("the proxy's password: ${{{var}}} is not set"))
}

fn no_proxy() -> KeyError {
    KeyError::Other("this endpoint has no proxy with a user name".to_owned())
}

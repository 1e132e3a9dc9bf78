//! The secrets of one request.

use secrecy::SecretString;

use super::{Credentials, KeyPlace};
use crate::{
    endpoint::Endpoint,
    event::{Fault, FaultClass, Phase},
};

/// The secrets for a request to an endpoint.
pub struct RequestKeys {
    /// The endpoint's key, if it has one.
    pub key: Option<SecretString>,
    /// Where the key was found.
    pub place: KeyPlace,
    /// Why there is no key, if looking it up failed.
    pub no_key_reason: Option<String>,
    /// The proxy's password, if it has one.
    pub proxy_password: Option<SecretString>,
}

impl RequestKeys {
    /// Looks them up.
    ///
    /// # Errors
    /// A fault of class `auth` in phase `prepare`, as for a run.
    pub async fn of(credentials: &Credentials, endpoint: &Endpoint) -> Result<Self, Fault> {
        let found = credentials.key(endpoint).await;
        let found = found.map_err(|why| key_fault(why.at(endpoint)))?;
        let proxy_password = credentials.resolve_proxy_password(endpoint).await;
        Ok(Self {
            no_key_reason: found.lack(),
            key: found.key,
            place: found.place,
            proxy_password: proxy_password.map_err(|why| key_fault(why.to_string()))?,
        })
    }
}

fn key_fault(why: String) -> Fault {
    Fault::new(FaultClass::Auth, Phase::Prepare, why)
}

//! Keychain on macOS, Credential Manager on Windows, through the `keyring` crate.

use keyring::{Entry, Error};
use secrecy::ExposeSecret as _;

use super::SERVICE;
use crate::credential::{
    KeyError,
    keyring::{KeyringResult, Op, Store},
};

/// There is nothing to open: each call finds the system's own store.
pub(in crate::credential) fn open() -> Result<Box<dyn Store>, KeyError> {
    match Entry::store_status() {
        Ok(()) => Ok(Box::new(Native)),
        Err(why) => Err(explain(why)),
    }
}

struct Native;

impl Store for Native {
    fn call(&mut self, op: &Op) -> KeyringResult {
        let entry = |owner: &str| Entry::new(SERVICE, owner).map_err(|why| explain(&why));
        match op {
            Op::Peek { owner } | Op::Get { owner } => match entry(owner)?.get_password() {
                Ok(secret) => Ok(Some(secret.into())),
                Err(Error::NoEntry) => Ok(None),
                Err(why) => Err(explain(&why)),
            },
            Op::Set { owner, secret } => {
                let kept = entry(owner)?.set_password(secret.expose_secret());
                kept.map(|()| None).map_err(|why| explain(&why))
            }
            Op::Forget { owner } => match entry(owner)?.delete_credential() {
                Ok(()) | Err(Error::NoEntry) => Ok(None),
                Err(why) => Err(explain(&why)),
            },
        }
    }
}

/// Our error for the store's. The texts are chosen here, since some of the store's hold the secret.
fn explain(why: &Error) -> KeyError {
    match why {
        Error::NoStorageAccess(_) => {
            KeyError::Locked("unlock it, and allow Tokenscope to use it".to_owned())
        }
        Error::PlatformFailure(why) => KeyError::Other(format!("the OS keyring failed: {why}")),
        Error::TooLong(_, limit) => KeyError::Other(format!(
            "the key is longer than the {limit} characters that the OS keyring takes"
        )),
        Error::NoDefaultStore => KeyError::NoKeyring("this system has none".to_owned()),
        _ => KeyError::Other(
            "the OS keyring holds an entry that can't be read: set the key again".to_owned(),
        ),
    }
}

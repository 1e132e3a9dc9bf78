//! The Secret Service (gnome-keyring, `KWallet`, `KeePassXC`) over D-Bus.
//!
//! Two traps of it are handled here. With no default collection, reading says "no such entry" as if
//! no key had been saved; so an absent entry is only believed once the collection was seen. And
//! reading from a locked collection opens a prompt and blocks until someone answers it; so a peek
//! asks for the collection's `Locked` property first, which never prompts.

use std::sync::Arc;

use keyring_core::{Entry, Error, api::CredentialStoreApi as _};
use secrecy::{ExposeSecret as _, SecretString, zeroize::Zeroize as _};
use zbus::{
    blocking::{Connection, Proxy},
    zvariant::OwnedObjectPath,
};
use zbus_secret_service_keyring_store::Store as SecretService;

use super::SERVICE;
use crate::credential::{
    KeyError,
    keyring::{KeyringResult, Op, Store},
};

/// Names of the Secret Service API, version 0.2 (specifications.freedesktop.org/secret-service).
const BUS_NAME: &str = "org.freedesktop.secrets";
const SERVICE_PATH: &str = "/org/freedesktop/secrets";
const SERVICE_INTERFACE: &str = "org.freedesktop.Secret.Service";
const COLLECTION_INTERFACE: &str = "org.freedesktop.Secret.Collection";

/// Opens a session with the service, starting it if D-Bus knows how.
pub(in crate::credential) fn open() -> Result<Box<dyn Store>, KeyError> {
    let bus = Connection::session().map_err(|why| {
        KeyError::NoKeyring(format!("there is no D-Bus session ({why}); {INSTEAD}"))
    })?;
    let service = SecretService::new().map_err(|why| {
        KeyError::NoKeyring(format!(
            "no Secret Service such as gnome-keyring answers ({why}); {INSTEAD}"
        ))
    })?;
    Ok(Box::new(SecretServiceSession { bus, service }))
}

/// What to do without a keyring.
const INSTEAD: &str = "use an environment variable or key_command instead";

struct SecretServiceSession {
    bus: Connection,
    service: Arc<SecretService>,
}

impl Store for SecretServiceSession {
    fn call(&mut self, op: &Op) -> KeyringResult {
        match op {
            Op::Peek { owner } => {
                self.unlocked()?;
                self.get(owner)
            }
            Op::Get { owner } => self.get(owner),
            Op::Set { owner, secret } => {
                let secret = secret.expose_secret().as_bytes();
                let kept = self.entry(owner)?.set_secret(secret);
                kept.map(|()| None).map_err(|why| self.explain(&why))
            }
            Op::Forget { owner } => match self.entry(owner)?.delete_credential() {
                Ok(()) => Ok(None),
                Err(Error::NoEntry) => self.collection().map(|_| None),
                Err(why) => Err(self.explain(&why)),
            },
        }
    }
}

impl SecretServiceSession {
    fn get(&self, owner: &str) -> KeyringResult {
        match self.entry(owner)?.get_secret() {
            Ok(bytes) => text(bytes).map(Some),
            Err(Error::NoEntry) => self.collection().map(|_| None),
            Err(why) => Err(self.explain(&why)),
        }
    }

    fn entry(&self, owner: &str) -> Result<Entry, KeyError> {
        self.service
            .build(SERVICE, owner, None)
            .map_err(|why| self.explain(&why))
    }

    /// The default collection.
    fn collection(&self) -> Result<OwnedObjectPath, KeyError> {
        let found: OwnedObjectPath = self
            .proxy(SERVICE_PATH, SERVICE_INTERFACE)?
            .call("ReadAlias", &("default",))
            .map_err(|why| dbus(&why))?;
        if found.as_str() == "/" {
            return Err(KeyError::NoKeyring(format!(
                "the Secret Service runs but has no default collection: log in to your desktop once, or create a keyring in your password manager; or {INSTEAD}"
            )));
        }
        Ok(found)
    }

    /// Fails if there is no default collection, or if it is locked. Never prompts.
    fn unlocked(&self) -> Result<(), KeyError> {
        let collection = self.collection()?;
        let locked: bool = self
            .proxy(collection.as_str(), COLLECTION_INTERFACE)?
            .get_property("Locked")
            .map_err(|why| dbus(&why))?;
        if locked { Err(locked_error()) } else { Ok(()) }
    }

    fn proxy<'a>(&self, path: &'a str, interface: &'a str) -> Result<Proxy<'a>, KeyError> {
        Proxy::new(&self.bus, BUS_NAME, path, interface).map_err(|why| dbus(&why))
    }

    /// Our error for the store's. The texts are chosen here, since some of the store's hold the secret.
    fn explain(&self, why: &Error) -> KeyError {
        match why {
            // Said both of a lock that was not opened and of a collection that is not there.
            Error::NoStorageAccess(_) => match self.collection() {
                Err(missing) => missing,
                Ok(_) => locked_error(),
            },
            Error::PlatformFailure(why) => KeyError::Other(format!("the OS keyring failed: {why}")),
            Error::Ambiguous(_) => KeyError::Other(
                "the OS keyring holds several entries for this endpoint: remove all but one in your password manager"
                    .to_owned(),
            ),
            _ => KeyError::Other("the OS keyring holds an entry that can't be read: set the key again".to_owned()),
        }
    }
}

fn locked_error() -> KeyError {
    KeyError::Locked("unlock it in your password manager, or answer its prompt".to_owned())
}

fn dbus(why: &zbus::Error) -> KeyError {
    KeyError::Other(format!("the OS keyring failed: {why}"))
}

/// The secret's bytes as text; bytes that are none are wiped and never shown.
fn text(bytes: Vec<u8>) -> Result<SecretString, KeyError> {
    match String::from_utf8(bytes) {
        Ok(text) => Ok(text.into()),
        Err(why) => {
            why.into_bytes().zeroize();
            let why = "the OS keyring's entry for this endpoint is no text: set the key again";
            Err(KeyError::Other(why.to_owned()))
        }
    }
}

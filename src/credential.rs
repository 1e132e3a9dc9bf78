//! Keys: found, kept and forgotten; never on disk in plain text, in a log, an error or argv.
//!
//! In: an [`Endpoint`]. Out: its key as a [`SecretString`], and where it lives. Order: environment
//! variable, `key_command`, memory of this session, OS keyring. Memory stands before the keyring
//! because a key is only there if the user chose "this session": it is meant to be used instead, and
//! also where the keyring is locked or hangs.
//!
//! A key belongs to an endpoint's id *and* origin (`scheme://host:port`): one whose URL is edited to
//! another origin has no key there until the user gives it one.

mod command;
mod env;
mod keyring;
mod memory;
mod os;

use std::{fmt, sync::Arc};

use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use self::{
    command::Commands,
    keyring::{Keyring, Op},
    memory::Memory,
};
use crate::endpoint::{Auth, Endpoint, variables::Environment};

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

impl fmt::Display for KeyPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env { var } => write!(f, "environment variable {var}"),
            Self::Command { program } => write!(f, "command {program}"),
            Self::Keyring => f.write_str("OS keyring"),
            Self::Memory => f.write_str("this session"),
            Self::NotNeeded => f.write_str("none needed"),
            Self::Missing => f.write_str("none"),
        }
    }
}

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
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

/// Finds and keeps keys. Cheap to clone; clones share the session's memory and the keyring thread.
/// Its futures need a tokio runtime with its drivers on.
#[derive(Clone)]
pub struct Credentials {
    inner: Arc<Inner>,
}

struct Inner {
    environment: Environment,
    commands: Commands,
    memory: Memory,
    keyring: Keyring,
}

impl Default for Credentials {
    fn default() -> Self {
        Self::in_environment(Environment::of_process())
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}

/// Whether the keyring may ask the user for its password.
#[derive(Clone, Copy, PartialEq)]
enum Prompt {
    Allowed,
    Never,
}

impl Prompt {
    fn ask(self, owner: String) -> Op {
        match self {
            Self::Allowed => Op::Get { owner },
            Self::Never => Op::Peek { owner },
        }
    }
}

impl Credentials {
    /// With the OS keyring, in a given environment.
    #[must_use]
    pub fn in_environment(environment: Environment) -> Self {
        Self::with_store(environment, Box::new(os::open))
    }

    /// Without any keyring, in a given environment.
    #[must_use]
    pub fn without_keyring(environment: Environment) -> Self {
        let none = || Err(KeyError::NoKeyring("it is not used here".to_owned()));
        Self::with_store(environment, Box::new(none))
    }

    fn with_store(environment: Environment, open: keyring::Open) -> Self {
        Self {
            inner: Arc::new(Inner {
                environment,
                commands: Commands::default(),
                memory: Memory::default(),
                keyring: Keyring::new(open),
            }),
        }
    }

    /// The key of an endpoint and where it was found. A locked keyring may ask the user to unlock it.
    ///
    /// # Errors
    /// Only if no key was found, something failed on the way, *and* the endpoint
    /// [needs a key](Endpoint::needs_key): a failing keyring does not stop a server that may do
    /// without one.
    pub async fn resolve(
        &self,
        endpoint: &Endpoint,
    ) -> Result<(Option<SecretString>, KeyPlace), KeyError> {
        let (found, problem) = self.find(endpoint, Prompt::Allowed).await;
        match problem {
            Some(why) if found.0.is_none() && endpoint.needs_key() => Err(why),
            _ => Ok(found),
        }
    }

    /// Keeps a key in the keyring, instead of one kept for this session.
    ///
    /// # Errors
    /// The keyring's failure; the key is then kept nowhere.
    pub async fn set_in_keyring(
        &self,
        endpoint: &Endpoint,
        key: SecretString,
    ) -> Result<(), KeyError> {
        self.keep(key_owner(endpoint), key).await
    }

    /// Keeps a key for this session only. It is used instead of one in the keyring.
    pub fn set_in_memory(&self, endpoint: &Endpoint, key: SecretString) {
        self.inner.memory.set(key_owner(endpoint), key);
    }

    /// Forgets a key, in memory and keyring. Environment variables and commands are not ours to change.
    ///
    /// # Errors
    /// The keyring's failure.
    pub async fn forget(&self, endpoint: &Endpoint) -> Result<(), KeyError> {
        self.invalidate(&endpoint.id);
        self.drop_secret(key_owner(endpoint)).await
    }

    /// Where a key lives, and what is the matter if something is. Never makes the keyring ask the
    /// user for its password, and runs no command: one that has not run yet is taken at its word.
    pub async fn status(&self, endpoint: &Endpoint) -> KeyStatus {
        let ((_, place), problem) = self.find(endpoint, Prompt::Never).await;
        KeyStatus {
            endpoint: endpoint.id.clone(),
            of: KeyOf::Endpoint,
            origin: endpoint.origin(),
            place,
            problem: problem.map(|why| why.to_string()),
        }
    }

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

    /// Forgets what the endpoint's `key_command` printed, so that it runs again: call it when the
    /// endpoint refused the key.
    pub fn invalidate(&self, endpoint_id: &str) {
        self.inner.commands.forget(&format!("{endpoint_id}@"));
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

    /// Looks in every place in order: what was found and where, and the first failure on the way.
    async fn find(
        &self,
        endpoint: &Endpoint,
        prompt: Prompt,
    ) -> ((Option<SecretString>, KeyPlace), Option<KeyError>) {
        let inner = &self.inner;
        if endpoint.auth == Auth::None {
            return ((None, KeyPlace::NotNeeded), None);
        }
        if let Some((var, key)) = env::find(&inner.environment, &endpoint.key_env) {
            return ((Some(key), KeyPlace::Env { var }), None);
        }
        let owner = key_owner(endpoint);
        let mut problem = None;
        if let Some(program) = endpoint.key_command.first() {
            let program = program.clone();
            match self
                .ask_command(&owner, &endpoint.key_command, prompt)
                .await
            {
                Ok(key) => return ((key, KeyPlace::Command { program }), None),
                Err(why) => problem = Some(why),
            }
        }
        if let Some(key) = inner.memory.get(&owner) {
            return ((Some(key), KeyPlace::Memory), problem);
        }
        match inner.keyring.call(prompt.ask(owner)).await {
            Ok(Some(key)) => ((Some(key), KeyPlace::Keyring), problem),
            Ok(None) => ((None, KeyPlace::Missing), problem),
            Err(why) => ((None, KeyPlace::Missing), problem.or(Some(why))),
        }
    }

    /// The command's key; `None` if it has not run yet and may not run now.
    async fn ask_command(
        &self,
        owner: &str,
        command: &[String],
        prompt: Prompt,
    ) -> Result<Option<SecretString>, KeyError> {
        let commands = &self.inner.commands;
        match prompt {
            Prompt::Allowed => commands.secret(owner, command).await.map(Some),
            Prompt::Never => commands.last(owner, command).transpose(),
        }
    }

    async fn keep(&self, owner: String, secret: SecretString) -> Result<(), KeyError> {
        if secret.expose_secret().trim().is_empty() {
            return Err(KeyError::Other("an empty key is not kept".to_owned()));
        }
        let set = Op::Set {
            owner: owner.clone(),
            secret,
        };
        self.inner.keyring.call(set).await?;
        self.inner.memory.forget(&owner);
        Ok(())
    }

    async fn drop_secret(&self, owner: String) -> Result<(), KeyError> {
        let in_memory = self.inner.memory.forget(&owner);
        match self.inner.keyring.call(Op::Forget { owner }).await {
            Err(KeyError::NoKeyring(_)) if in_memory => Ok(()),
            forgotten => forgotten.map(drop),
        }
    }
}

/// Whom a key belongs to: an endpoint at an origin.
fn key_owner(endpoint: &Endpoint) -> String {
    format!("{}@{}", endpoint.id, endpoint.origin())
}

/// Whom a proxy's password belongs to: an endpoint behind a proxy that knows its user.
fn proxy_owner(endpoint: &Endpoint) -> Option<String> {
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

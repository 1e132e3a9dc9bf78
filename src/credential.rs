//! Keys: looked up, stored and deleted; never on disk in plain text, in a log, an error or argv.
//!
//! In: an [`Endpoint`]. Out: its key as a [`SecretString`], and where it lives. Order: environment variable,
//! `key_command`, memory of this session, OS keyring. Memory comes before the keyring because a key is only there if
//! the user chose "this session": it is meant to override the keyring, and to work if that is locked or hangs.
//!
//! A key belongs to an endpoint's id *and* origin (`scheme://host:port`): one whose URL is edited to
//! another origin has no key there until the user gives it one.

mod account;
mod command;
mod env;
mod google;
mod keyring;
mod memory;
mod os;
mod place;
mod proxy;
mod rename;
mod request;
mod told;

use std::{fmt, sync::Arc};

use secrecy::{ExposeSecret as _, SecretString};

pub use self::{
    account::{Account, AccountKind, one_line},
    place::KeyPlace,
    request::RequestKeys,
    told::{FoundKey, KeyError, KeyOf, KeyStatus, explained},
};
use self::{
    command::Commands,
    google::{Google, TokenSource},
    keyring::{Keyring, Op},
    memory::SessionSecrets,
};
use crate::endpoint::{Auth, Endpoint, variables::Environment};

/// Finds and keeps keys. Cheap to clone; clones share the session's memory and the keyring thread.
/// Its futures need a tokio runtime with its drivers on.
#[derive(Clone)]
pub struct Credentials {
    inner: Arc<CredentialsInner>,
}

struct CredentialsInner {
    environment: Environment,
    commands: Commands,
    google: Google,
    memory: SessionSecrets,
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

    fn with_store(environment: Environment, open: keyring::OpenKeyring) -> Self {
        Self {
            inner: Arc::new(CredentialsInner {
                environment,
                commands: Commands::default(),
                google: Google::default(),
                memory: SessionSecrets::default(),
                keyring: Keyring::new(open),
            }),
        }
    }

    /// The key of an endpoint and where it was found. A locked keyring may ask the user to unlock it.
    ///
    /// # Errors
    /// As [`Self::key`].
    pub async fn resolve(
        &self,
        endpoint: &Endpoint,
    ) -> Result<(Option<SecretString>, KeyPlace), KeyError> {
        let found = self.key(endpoint).await?;
        Ok((found.key, found.place))
    }

    /// The key of an endpoint, where it was found, and what failed on the way. A locked keyring may ask the user to
    /// unlock it.
    ///
    /// # Errors
    /// If no key was found and something failed on the way that was meant to give one: Google's credentials, a
    /// `key_command`; a keyring that is locked or hangs, unless the server is on this machine, where it may do without
    /// a key; any keyring where the endpoint [needs a key](Endpoint::needs_key).
    pub async fn key(&self, endpoint: &Endpoint) -> Result<FoundKey, KeyError> {
        let ((key, place), problem) = self.find(endpoint, Prompt::Allowed).await;
        match problem {
            // If Google's credentials are configured, no other key is used instead.
            Some(why @ KeyError::Google(_)) => Err(why),
            Some(why) if key.is_none() && why.stops(endpoint) => Err(why),
            problem => Ok(FoundKey {
                key,
                place,
                problem,
            }),
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

    /// The token of the gateway, if the keyring has one.
    ///
    /// # Errors
    /// The keyring's failure.
    pub async fn gateway_token(&self) -> Result<Option<SecretString>, KeyError> {
        let owner = GATEWAY_TOKEN.to_owned();
        self.inner.keyring.call(Op::Get { owner }).await
    }

    /// Keeps the token of the gateway in the keyring.
    ///
    /// # Errors
    /// The keyring's failure; the token is then kept nowhere.
    pub async fn keep_gateway_token(&self, token: SecretString) -> Result<(), KeyError> {
        self.keep(GATEWAY_TOKEN.to_owned(), token).await
    }

    /// The token of agents and of those who drive them, if the keyring has one.
    ///
    /// # Errors
    /// The keyring's failure.
    pub async fn agent_token(&self) -> Result<Option<SecretString>, KeyError> {
        let owner = AGENT_TOKEN.to_owned();
        self.inner.keyring.call(Op::Get { owner }).await
    }

    /// Keeps the token of agents in the keyring.
    ///
    /// # Errors
    /// The keyring's failure; the token is then kept nowhere.
    pub async fn keep_agent_token(&self, token: SecretString) -> Result<(), KeyError> {
        self.keep(AGENT_TOKEN.to_owned(), token).await
    }

    /// Forgets what the endpoint's `key_command` printed, so that it runs again: call it when the
    /// endpoint refused the key.
    pub fn invalidate(&self, endpoint_id: &str) {
        self.inner.commands.forget(&format!("{endpoint_id}@"));
        self.inner.google.forget(&format!("{endpoint_id}@"));
    }

    /// The key of an endpoint, and where it was found. What is found may be a Google credential in place of a
    /// key: then it is a token made from it.
    async fn find(
        &self,
        endpoint: &Endpoint,
        prompt: Prompt,
    ) -> ((Option<SecretString>, KeyPlace), Option<KeyError>) {
        if let Some(source) = TokenSource::of_command(&endpoint.key_command)
            && endpoint.auth != Auth::None
            && env::find(&self.inner.environment, &endpoint.key_env).is_none()
        {
            return self.token(endpoint, &source, prompt).await;
        }
        let (found, problem) = self.look(endpoint, prompt).await;
        match found.0.as_ref().and_then(TokenSource::of_key) {
            Some(source) => self.token(endpoint, &source, prompt).await,
            None => (found, problem),
        }
    }

    /// An access token of Google; with [`Prompt::Never`], only its account.
    async fn token(
        &self,
        endpoint: &Endpoint,
        source: &TokenSource,
        prompt: Prompt,
    ) -> ((Option<SecretString>, KeyPlace), Option<KeyError>) {
        let account = source.account();
        let place = |quota_project| KeyPlace::Google {
            account,
            quota_project,
        };
        if prompt == Prompt::Never {
            return ((None, place(None)), None);
        }
        match self.inner.google.token(&key_owner(endpoint), source).await {
            Ok((token, quota_project)) => ((Some(token), place(quota_project)), None),
            Err(why) => ((None, place(None)), Some(why)),
        }
    }

    /// Tries every place in order; returns the key, its place, and the first failure on the way.
    async fn look(
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

/// Whom the gateway's token belongs to in the keyring; endpoints' names there have an `@`.
const GATEWAY_TOKEN: &str = "gateway-token";

/// The name under which the keyring has the token of agents of the load bench.
const AGENT_TOKEN: &str = "agent-token";

/// Whom a key belongs to: an endpoint at an origin.
pub(crate) fn key_owner(endpoint: &Endpoint) -> String {
    format!("{}@{}", endpoint.id, endpoint.origin())
}

//! The token by which an agent of the load bench knows who drives it. Both sides have the same one.

use std::path::PathBuf;

use secrecy::{ExposeSecret as _, SecretString};

use super::{UsageError, input, note};
use crate::{credential::Credentials, gateway::LocalToken};

/// The environment variable that may hold it.
const VARIABLE: &str = "TOKENSCOPE_AGENT_TOKEN";

/// A shorter one could be guessed.
const LEAST_LETTERS: usize = 16;

/// Largest file of a token, in bytes.
const MAX_FILE: u64 = 4 << 10;

/// Where the token is read from.
#[derive(Debug, clap::Args)]
pub(super) struct AgentTokenArgs {
    /// A file with the token that agents and drivers share [default: that of the environment variable
    /// `TOKENSCOPE_AGENT_TOKEN`, else the keyring's].
    #[arg(long, value_name = "FILE")]
    agent_token_file: Option<PathBuf>,
}

impl AgentTokenArgs {
    /// The token that a driver gives.
    pub(super) async fn of_driver(&self) -> Result<SecretString, UsageError> {
        if let Some(given) = self.given()? {
            return Ok(given);
        }
        let why = match Credentials::default().agent_token().await {
            Ok(Some(kept)) => return Ok(kept),
            Ok(None) => "the keyring has none".to_owned(),
            Err(why) => format!("the keyring can't be read: {why}"),
        };
        Err(UsageError::new(format!(
            "no token for the agents: {why}. Say --agent-token-file, or set {VARIABLE}"
        )))
    }

    /// The token that an agent asks for. One that is made now is told.
    pub(super) async fn of_agent(&self) -> Result<LocalToken, UsageError> {
        if let Some(given) = self.given()? {
            return Ok(LocalToken::of(&given));
        }
        let credentials = Credentials::default();
        let kept = credentials.agent_token().await;
        if let Ok(Some(kept)) = &kept {
            note("benches are taken from whoever gives the agents' token of the keyring");
            return Ok(LocalToken::of(kept));
        }
        let (token, text) = LocalToken::generate();
        let kept = match kept {
            Ok(_) => credentials.keep_agent_token(text.clone()).await,
            Err(why) => Err(why),
        };
        let text = text.expose_secret();
        match kept {
            Ok(()) => note(&format!("the agents' token, kept in the keyring: {text}")),
            Err(why) => note(&format!(
                "the agents' token, shown only now (no keyring keeps it: {why}): {text}"
            )),
        }
        Ok(token)
    }

    fn given(&self) -> Result<Option<SecretString>, UsageError> {
        let (text, from) = match &self.agent_token_file {
            Some(file) => (
                input::text("agent-token-file", file, MAX_FILE)?,
                input::name(file),
            ),
            None => match std::env::var(VARIABLE) {
                Ok(text) => (text, format!("${VARIABLE}")),
                Err(_) => return Ok(None),
            },
        };
        let text = text.trim();
        let is_plain = text.chars().all(|letter| letter.is_ascii_graphic());
        if text.len() < LEAST_LETTERS || !is_plain {
            return Err(UsageError::new(format!(
                "{from} holds no token: it has at least {LEAST_LETTERS} letters and digits, and no spaces"
            )));
        }
        Ok(Some(SecretString::from(text)))
    }
}

//! The token of the gateway, and the keys of its clients.

use std::process::ExitCode;

use secrecy::{ExposeSecret as _, SecretString};

use super::{super::UsageError, print_secret};
use crate::{
    cli::note,
    credential::Credentials,
    gateway::{LocalToken, OwnToken, TokenKept},
    settings::{self, Paths, SettingsEdit, gateway::check_name},
};

/// The token that clients must give, and where it is from.
pub(super) struct GivenToken {
    pub token: LocalToken,
    from: TokenOrigin,
}

enum TokenOrigin {
    /// The caller knows it.
    Environment,
    /// The keyring, or nowhere.
    Own(SecretString, TokenKept),
}

/// The token of this variable, else of the keyring, else a new one.
pub(super) async fn given(
    variable: Option<&str>,
    credentials: &Credentials,
) -> Result<GivenToken, UsageError> {
    if let Some(name) = variable {
        return of_variable(name);
    }
    let OwnToken { token, text, kept } = OwnToken::of_keyring(credentials).await;
    let from = TokenOrigin::Own(text, kept);
    Ok(GivenToken { token, from })
}

fn of_variable(name: &str) -> Result<GivenToken, UsageError> {
    let text = std::env::var(name).unwrap_or_default();
    if text.trim().is_empty() {
        let why =
            format!("${name} holds no token: set it, or leave --token-env out to have one made");
        return Err(UsageError::new(why));
    }
    Ok(GivenToken {
        token: LocalToken::of(&SecretString::from(text.trim())),
        from: TokenOrigin::Environment,
    })
}

impl GivenToken {
    /// What is said of it when the gateway starts.
    pub(super) fn told(&self) -> String {
        match &self.from {
            TokenOrigin::Environment => String::new(),
            TokenOrigin::Own(_, TokenKept::Before) => {
                "\nAPI key for its clients: `tokenscope serve --print-token` prints it.\n"
                    .to_owned()
            }
            TokenOrigin::Own(text, TokenKept::Now) => format!(
                "\nAPI key for its clients, kept in the keyring: {}\n",
                text.expose_secret()
            ),
            TokenOrigin::Own(text, TokenKept::Not(why)) => format!(
                "\nAPI key for its clients, shown only now (no keyring keeps it: {why}): {}\n",
                text.expose_secret()
            ),
        }
    }
}

/// Prints the token that the keyring has.
pub(super) async fn print_kept() -> anyhow::Result<ExitCode> {
    match Credentials::default().gateway_token().await {
        Ok(Some(text)) => {
            print_secret(&text)?;
            Ok(ExitCode::SUCCESS)
        }
        Ok(None) => {
            note(
                "the keyring has no token of the gateway yet: `tokenscope serve` makes one when it starts",
            );
            Ok(ExitCode::FAILURE)
        }
        Err(why) => {
            note(&format!("the keyring can't be read: {why}"));
            Ok(ExitCode::FAILURE)
        }
    }
}

/// Makes a key of this name.
pub(super) fn new_key(paths: &Paths, name: &str) -> anyhow::Result<ExitCode> {
    if name == "token" || check_name(name).is_err() || name.ends_with('*') {
        let why = format!("“{name}” can't be a key's name: choose another, as in laptop or ci");
        return Err(UsageError::new(why).into());
    }
    let (_, text) = LocalToken::generate();
    let edit = SettingsEdit::PutGatewayKey {
        name: name.to_owned(),
        sha256: LocalToken::sha256_text(text.expose_secret()),
    };
    settings::edit(paths, &edit)?;
    print_secret(&text)?;
    note(&format!(
        "the key “{name}” is shown only now; its limits can be set in [gateway.key.{name}] of {}",
        paths.settings.display()
    ));
    Ok(ExitCode::SUCCESS)
}

//! Reads a key, typed at a hidden prompt or piped in: a line of text, or a Google account's file.

use std::{
    io::{self, IsTerminal as _},
    path::Path,
};

use anyhow::Context as _;
use secrecy::{SecretString, zeroize::Zeroizing};

use crate::{
    cli::{UsageError, input, note},
    credential::{Account, one_line},
    endpoint::{Auth, Endpoint, vertex},
    input::text_of,
};

/// Largest key, in bytes; anything larger is a file piped in by mistake.
const MAX_KEY: u64 = 64 * 1024;

/// A key that was typed or piped in.
pub(super) struct Given {
    pub key: SecretString,
    /// The account, if it is a Google credential.
    pub account: Option<Account>,
}

/// Reads a key, and its account.
pub(super) fn read_key(label: &str, base_url: &str) -> anyhow::Result<Given> {
    let typed = read_text(&format!("Key for {label}: "))?;
    let account = Account::read(&typed);
    if let Err(why) = &account
        && typed.trim_start().starts_with('{')
        && vertex::is_vertex(base_url)
    {
        return Err(UsageError::new(format!("{why}; nothing is changed")).into());
    }
    Ok(Given {
        key: secret_of(&typed)?,
        account: account.ok(),
    })
}

/// Settings that must be changed before an endpoint can use the account.
pub(super) fn missing(endpoint: &Endpoint, account: &Account) -> Vec<String> {
    let mut lines = Vec::new();
    let url = endpoint.base_url.as_str();
    if let Some(project) = &account.project {
        let url = vertex::with_project(url, project);
        lines.extend(
            url.map(|url| format!("the base URL has no project yet: write base_url = \"{url}\"")),
        );
    } else if vertex::lacks_project(url) {
        let what = "the base URL has no project yet, and neither does the account: write one into base_url";
        lines.push(what.to_owned());
    }
    if !endpoint.key_command.is_empty() {
        lines.push(
            "key_command takes precedence over the keyring: write key_command = []".to_owned(),
        );
    }
    if endpoint.auth != Auth::Bearer {
        lines.push("an access token is sent as a bearer token: write auth = \"bearer\"".to_owned());
    }
    lines
}

/// Reads a line from a hidden prompt, or all of standard input if it is not a terminal.
pub(super) fn read_text(prompt: &str) -> anyhow::Result<Zeroizing<String>> {
    if io::stdin().is_terminal() {
        let typed = rpassword::prompt_password(prompt).context("the terminal")?;
        return Ok(Zeroizing::new(typed));
    }
    let piped = input::bytes("key", Path::new(input::STDIN), MAX_KEY);
    let piped = Zeroizing::new(piped.map_err(|why| nothing_changed(&why))?);
    let text = text_of(&piped)
        .map_err(|why| nothing_changed(&format!("standard input is not text: {why}")))?;
    Ok(Zeroizing::new(text.into_owned()))
}

fn nothing_changed(why: &dyn std::fmt::Display) -> UsageError {
    UsageError::new(format!("{why}; nothing is changed"))
}

/// The secret in a typed text: a file's JSON in one line, or a line of text.
pub(super) fn secret_of(typed: &str) -> Result<SecretString, UsageError> {
    if let Some(json) = one_line(typed) {
        return Ok(json.into());
    }
    let secret = cleaned(typed)?;
    if secret.contains(char::is_whitespace) {
        note("the key contains white space: check that it was copied correctly");
    }
    Ok(secret.to_owned().into())
}

/// The secret without white space around it.
fn cleaned(typed: &str) -> Result<&str, UsageError> {
    let secret = typed.trim();
    if secret.is_empty() {
        return Err(UsageError::new("no key was given: nothing is changed"));
    }
    if secret.contains(char::is_control) {
        return Err(UsageError::new(
            "a key must be a single line of text: nothing is changed",
        ));
    }
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{credential::AccountKind, dialect::DialectId};

    #[test]
    fn required_settings_of_an_account_are_named() {
        let account = |project: Option<&str>| Account {
            kind: AccountKind::Service,
            email: None,
            project: project.map(str::to_owned),
        };
        let url = "https://eu-aiplatform.googleapis.com/v1/projects/{project}/locations/eu";
        let mut endpoint = Endpoint::custom("mine", url.parse().unwrap(), DialectId::Gemini);
        endpoint.key_command = vec!["google:adc".into()];
        endpoint.auth = Auth::of_dialect(DialectId::Gemini);
        assert_eq!(
            missing(&endpoint, &account(Some("p-1"))),
            [
                "the base URL has no project yet: write base_url = \
                 \"https://eu-aiplatform.googleapis.com/v1/projects/p-1/locations/eu\"",
                "key_command takes precedence over the keyring: write key_command = []",
                "an access token is sent as a bearer token: write auth = \"bearer\"",
            ]
        );
        assert!(missing(&endpoint, &account(None))[0].contains("neither does the account"));
        endpoint.base_url = url.replace("{project}", "p-2").parse().unwrap();
        endpoint.key_command.clear();
        endpoint.auth = Auth::Bearer;
        assert!(missing(&endpoint, &account(Some("p-1"))).is_empty());
    }

    #[test]
    fn white_space_around_a_pasted_key_is_removed() {
        for typed in ["sk-1", " sk-1\r\n", "\n\tsk-1 \n"] {
            assert_eq!(cleaned(typed).unwrap(), "sk-1");
        }
        assert_eq!(cleaned("a b").unwrap(), "a b");
        for typed in ["", " \n", "a\nb", "a\u{0}b"] {
            let error = cleaned(typed).unwrap_err().to_string();
            assert!(error.ends_with("nothing is changed"), "{typed:?}: {error}");
        }
    }
}

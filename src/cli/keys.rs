//! `tokenscope keys`: keeps, lists and forgets API keys.
//!
//! A key is typed at a hidden prompt or piped in, never written as an argument: arguments are seen by
//! every user of the machine and kept in the shell's history.

use std::{
    borrow::Cow,
    io::{self, IsTerminal as _, Read as _, Write},
    process::ExitCode,
    slice,
};

use anyhow::Context as _;
use secrecy::{SecretString, zeroize::Zeroizing};

use super::{UsageError, note};
use crate::{
    credential::{Credentials, KeyOf, KeyPlace, KeyStatus, one_line},
    endpoint::{Auth, Endpoint},
    settings::{self, Paths, Settings, SettingsEdit},
};

/// No key is longer; more is a file piped in by mistake.
const MAX_KEY: u64 = 64 * 1024;

/// Arguments of `tokenscope keys`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    action: Action,

    /// Print JSON.
    #[arg(long, global = true)]
    json: bool,
}

const EXAMPLES: &str = "\
A key is looked for in the endpoint's environment variables, then behind its
key_command, then in the OS keyring. It belongs to the endpoint's id and to
scheme, host and port of its URL.

Exit codes: 0 done; 1 there is no key, or the keyring failed; 2 asked wrongly.

Examples:
  tokenscope keys set openai                 asks for the key, without showing it
  pass show openai | tokenscope keys set openai
  tokenscope keys set vertex-native < account.json   a service account: access tokens are made from it
  tokenscope keys where openai --json";

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Keep a key in the OS keyring; it is read from a hidden prompt, or from standard input.
    Set(Which),
    /// Say for every endpoint where its key lives, and what is the matter.
    List,
    /// Forget a key that is in the OS keyring.
    Forget(Which),
    /// Look an endpoint's key up, and say where it was found.
    Where {
        /// The endpoint's id.
        endpoint: String,
    },
}

#[derive(Debug, clap::Args)]
struct Which {
    /// The endpoint's id; a preset's id adds that endpoint.
    endpoint: String,

    /// The password of the endpoint's proxy instead of its key.
    #[arg(long)]
    proxy: bool,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("no async runtime")?;
    let keys = Keys {
        settings: settings::load(&Paths::of_user()?)?,
        credentials: Credentials::default(),
        json: args.json,
    };
    let done = runtime.block_on(async {
        match &args.action {
            Action::Set(which) => keys.set(which).await,
            Action::List => keys.list().await,
            Action::Forget(which) => keys.forget(which).await,
            Action::Where { endpoint } => keys.find(endpoint).await,
        }
    });
    // Not waited for: a command that still runs must not keep the program from ending.
    runtime.shutdown_background();
    done
}

struct Keys {
    settings: Settings,
    credentials: Credentials,
    json: bool,
}

impl Keys {
    async fn set(&self, which: &Which) -> anyhow::Result<ExitCode> {
        let endpoint = self.endpoint(&which.endpoint)?;
        if which.proxy {
            let password = read_secret(&format!("Password of the proxy of {}: ", endpoint.label))?;
            (self.credentials.set_proxy_password(&endpoint, password)).await?;
            return self
                .say(&endpoint, "the proxy's password is in the OS keyring")
                .await;
        }
        if endpoint.auth == Auth::None {
            let why = format!("{} needs no key: its auth is \"none\"", endpoint.id);
            return Err(UsageError::new(why).into());
        }
        let key = read_secret(&format!("Key for {}: ", endpoint.label))?;
        self.credentials.set_in_keyring(&endpoint, key).await?;
        self.add(&endpoint)?;
        self.say(&endpoint, "the key is in the OS keyring").await
    }

    async fn forget(&self, which: &Which) -> anyhow::Result<ExitCode> {
        let endpoint = self.endpoint(&which.endpoint)?;
        if which.proxy {
            self.credentials.forget_proxy_password(&endpoint).await?;
            return self
                .say(&endpoint, "the proxy's password is forgotten")
                .await;
        }
        self.credentials.forget(&endpoint).await?;
        self.say(&endpoint, "no key is in the OS keyring").await
    }

    /// Looks for real, so a command runs and a keyring may ask for its password.
    async fn find(&self, id: &str) -> anyhow::Result<ExitCode> {
        let endpoint = self.endpoint(id)?;
        // Its failure is a part of the status below.
        let _ = self.credentials.resolve(&endpoint).await;
        let status = self.credentials.status(&endpoint).await;
        self.print_one(&status)?;
        if status.place != KeyPlace::Missing {
            return Ok(ExitCode::SUCCESS);
        }
        note(&format!("no key: {}", endpoint.key_hint()));
        Ok(ExitCode::FAILURE)
    }

    async fn list(&self) -> anyhow::Result<ExitCode> {
        let mut all = Vec::new();
        for endpoint in &self.settings.endpoints {
            all.push(self.credentials.status(endpoint).await);
            all.extend(self.credentials.proxy_status(endpoint).await);
        }
        self.print(&all)?;
        super::warn_of(&self.settings);
        if all.is_empty() {
            note("no endpoint is set up: `tokenscope keys set openai` adds one");
        }
        Ok(ExitCode::SUCCESS)
    }

    fn endpoint(&self, id: &str) -> Result<Endpoint, UsageError> {
        let found = self.settings.endpoint_or_preset(id).map(Cow::into_owned);
        found.ok_or_else(|| super::unknown_endpoint(id, &self.settings))
    }

    /// Adds an endpoint that only its preset knew, so that its key is of use.
    fn add(&self, endpoint: &Endpoint) -> anyhow::Result<()> {
        if self.settings.endpoint(&endpoint.id).is_some() {
            return Ok(());
        }
        let paths = Paths::of_user()?;
        let edit = SettingsEdit::PutEndpoint {
            old_id: None,
            endpoint: Box::new(endpoint.clone()),
        };
        settings::edit(&paths, &edit)?;
        let (id, url, file) = (&endpoint.id, &endpoint.base_url, paths.settings.display());
        note(&format!("added the endpoint {id} ({url}) to {file}"));
        Ok(())
    }

    /// What was done, and what stands in its way.
    async fn say(&self, endpoint: &Endpoint, done: &str) -> anyhow::Result<ExitCode> {
        if self.json {
            let status = self.credentials.status(endpoint).await;
            self.print_one(&status)?;
            return Ok(ExitCode::SUCCESS);
        }
        writeln!(
            io::stdout(),
            "{} ({}): {done}",
            endpoint.id,
            endpoint.origin()
        )?;
        if let KeyPlace::Env { var } = self.credentials.status(endpoint).await.place {
            note(&format!("{var} is set, and is used first"));
        }
        Ok(ExitCode::SUCCESS)
    }

    fn print_one(&self, status: &KeyStatus) -> anyhow::Result<()> {
        if self.json {
            print_json(status)
        } else {
            self.print(slice::from_ref(status))
        }
    }

    fn print(&self, all: &[KeyStatus]) -> anyhow::Result<()> {
        if self.json {
            return print_json(&all);
        }
        let mut out = io::stdout().lock();
        let width = |of: fn(&KeyStatus) -> &str| {
            (all.iter().map(|s| of(s).chars().count()))
                .max()
                .unwrap_or(0)
        };
        let (ids, origins) = (width(|s| &s.endpoint), width(|s| &s.origin));
        for status in all {
            let (id, origin) = (&status.endpoint, &status.origin);
            let what = match status.of {
                KeyOf::Endpoint => "",
                KeyOf::Proxy => "proxy password: ",
            };
            write!(out, "{id:ids$}  {origin:origins$}  {what}{}", status.place)?;
            match &status.problem {
                Some(problem) => writeln!(out, " — {problem}")?,
                None => writeln!(out)?,
            }
        }
        Ok(())
    }
}

fn print_json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, value)?;
    Ok(writeln!(out)?)
}

/// Reads a secret from a hidden prompt, or from standard input if that is no terminal.
fn read_secret(prompt: &str) -> anyhow::Result<SecretString> {
    let typed = Zeroizing::new(if io::stdin().is_terminal() {
        rpassword::prompt_password(prompt).context("the terminal")?
    } else {
        let mut text = String::new();
        let mut limited = io::stdin().lock().take(MAX_KEY);
        // The error would not name the reason well, and must not hold the text.
        if limited.read_to_string(&mut text).is_err() {
            return Err(UsageError::new("standard input is no UTF-8 text").into());
        }
        text
    });
    if let Some(json) = one_line(&typed) {
        return Ok(json.into());
    }
    let secret = cleaned(&typed)?;
    if secret.contains(char::is_whitespace) {
        note("the key holds a blank: check that it was copied right");
    }
    Ok(secret.to_owned().into())
}

/// The secret without the blanks around it.
fn cleaned(typed: &str) -> Result<&str, UsageError> {
    let secret = typed.trim();
    if secret.is_empty() {
        return Err(UsageError::new("no key was given: nothing is changed"));
    }
    if secret.contains(char::is_control) {
        return Err(UsageError::new(
            "a key is a single line of text: nothing is changed",
        ));
    }
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pasted_key_is_freed_of_what_is_around_it() {
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

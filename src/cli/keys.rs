//! `tokenscope keys`: stores, lists and deletes API keys.
//!
//! A key is typed at a hidden prompt or piped in, never an argument: every user of the machine can see arguments, and
//! the shell's history keeps them.

mod given;

use std::{
    borrow::Cow,
    io::{self, IsTerminal as _, Write},
    process::ExitCode,
    slice,
};

use anyhow::Context as _;

use self::given::{Given, missing, read_key, read_text, secret_of};
use super::{UsageError, note, table, terminal::stdout};
use crate::{
    credential::{Credentials, KeyOf, KeyPlace, KeyStatus},
    endpoint::{
        Auth, Endpoint,
        preset::{self, Preset},
    },
    record,
    settings::{self, Paths, Settings, SettingsEdit},
};

/// The preset variable for a Google Cloud project.
const PROJECT: &str = "project";

/// Arguments of `tokenscope keys`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct KeysArgs {
    #[command(subcommand)]
    action: KeysAction,

    /// Print JSON.
    #[arg(long, global = true)]
    json: bool,
}

const EXAMPLES: &str = "\
A key is looked up in the endpoint's environment variables, then with its
key_command, then in the OS keyring. It belongs to the endpoint's id and to
scheme, host and port of its URL.

Exit codes: 0 success; 1 there is no key, or the keyring failed; 2 wrong arguments or input.

Examples:
  tokenscope keys set openai                 asks for the key, without showing it
  pass show openai | tokenscope keys set openai
  tokenscope keys set vertex-native < account.json   a service account, with its project
  tokenscope keys where openai --json";

#[derive(Debug, clap::Subcommand)]
enum KeysAction {
    /// Store a key in the OS keyring; it is read from a hidden prompt, or from standard input.
    Set(Which),
    /// Show for every endpoint where its key is stored, and any problem with it.
    List,
    /// Delete a key from the OS keyring.
    #[command(visible_alias = "delete")]
    Forget(Which),
    /// Look up an endpoint's key, and show where it was found.
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

pub(super) fn run(args: &KeysArgs) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("no async runtime")?;
    let keys = KeysCommand {
        settings: settings::load(&Paths::of_user()?)?,
        credentials: Credentials::default(),
        json: args.json,
    };
    let done = runtime.block_on(async {
        match &args.action {
            KeysAction::Set(which) => keys.set(which).await,
            KeysAction::List => keys.list().await,
            KeysAction::Forget(which) => keys.forget(which).await,
            KeysAction::Where { endpoint } => keys.find(endpoint).await,
        }
    });
    // In the background: a command that is still running must not delay the end of the program.
    runtime.shutdown_background();
    done
}

struct KeysCommand {
    settings: Settings,
    credentials: Credentials,
    json: bool,
}

impl KeysCommand {
    async fn set(&self, which: &Which) -> anyhow::Result<ExitCode> {
        if which.proxy {
            let endpoint = self.endpoint(&which.endpoint)?;
            let password = read_text(&format!("Password of the proxy of {}: ", endpoint.label))?;
            let password = secret_of(&password)?;
            (self.credentials.set_proxy_password(&endpoint, password)).await?;
            return self
                .print_done(&endpoint, "the proxy's password is in the OS keyring")
                .await;
        }
        let (mut endpoint, given) = self.endpoint_and_key(&which.endpoint)?;
        if let Some(account) = &given.account {
            note(&format!("given as the key: {account}"));
            if self.settings.endpoint(&endpoint.id).is_none() {
                // The command would take precedence over the keyring.
                endpoint.key_command.clear();
            }
        }
        let stored = self.credentials.set_in_keyring(&endpoint, given.key);
        stored.await?;
        self.add(&endpoint)?;
        let done = self
            .print_done(&endpoint, "the key is in the OS keyring")
            .await?;
        let file = Paths::of_user()?.settings;
        for line in given.account.iter().flat_map(|of| missing(&endpoint, of)) {
            let (id, file) = (&endpoint.id, file.display());
            note(&format!("{line} below [endpoint.{id}] in {file}"));
        }
        Ok(done)
    }

    /// The endpoint, and the given key. A preset that needs a project gets the account's.
    fn endpoint_and_key(&self, id: &str) -> anyhow::Result<(Endpoint, Given)> {
        let why = match self.endpoint(id) {
            Ok(endpoint) if endpoint.auth == Auth::None => {
                let why = format!("{id} needs no key: its auth is \"none\"");
                return Err(UsageError::new(why).into());
            }
            Ok(endpoint) => {
                let given = read_key(&endpoint.label, endpoint.base_url.as_str())?;
                return Ok((endpoint, given));
            }
            Err(why) => why,
        };
        let needs_project = |preset: &&Preset| preset.variables.iter().any(|v| v.name == PROJECT);
        let Some(preset) = preset::find(id).filter(needs_project) else {
            return Err(why.into());
        };
        if io::stdin().is_terminal() {
            return Err(why.into());
        }
        let given = read_key(&preset.label, &preset.base_url)?;
        let project = given.account.as_ref().and_then(|of| of.project.clone());
        let values = project.map(|project| (PROJECT.to_owned(), project));
        let endpoint = preset.endpoint(&values.into_iter().collect());
        Ok((endpoint.map_err(|_| why)?, given))
    }

    async fn forget(&self, which: &Which) -> anyhow::Result<ExitCode> {
        let endpoint = self.endpoint(&which.endpoint)?;
        if which.proxy {
            self.credentials.forget_proxy_password(&endpoint).await?;
            return self
                .print_done(&endpoint, "the proxy's password is deleted")
                .await;
        }
        self.credentials.forget(&endpoint).await?;
        self.print_done(&endpoint, "no key is in the OS keyring")
            .await
    }

    /// Really looks the key up, so a command runs, and a keyring may ask for its password.
    async fn find(&self, id: &str) -> anyhow::Result<ExitCode> {
        let endpoint = self.endpoint(id)?;
        // A failure is part of the status below.
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

    /// Adds a preset's endpoint to the settings, so that its key is used.
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

    /// Prints what was done, and a note if a variable takes precedence over the key.
    async fn print_done(&self, endpoint: &Endpoint, done: &str) -> anyhow::Result<ExitCode> {
        if self.json {
            let status = self.credentials.status(endpoint).await;
            self.print_one(&status)?;
            return Ok(ExitCode::SUCCESS);
        }
        writeln!(stdout(), "{} ({}): {done}", endpoint.id, endpoint.origin())?;
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
        let rows = all.iter().map(|status| {
            let what = match status.of {
                KeyOf::Endpoint => "",
                KeyOf::Proxy => "proxy password: ",
            };
            let problem = status.problem.as_ref();
            let problem = problem.map_or(String::new(), |why| format!(" — {why}"));
            let place = format!("{what}{}{problem}", status.place);
            [status.endpoint.clone(), status.origin.clone(), place]
        });
        let rows = rows.map(Vec::from).collect();
        write!(stdout(), "{}", table::left(rows))?;
        Ok(())
    }
}

fn print_json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    Ok(record::write_pretty(&mut stdout(), value)?)
}

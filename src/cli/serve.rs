//! `tokenscope serve`: serves the gateway until it is stopped.

use std::{
    fmt::Write as _,
    io::{self, Write as _},
    net::SocketAddr,
    process::ExitCode,
};

use anyhow::Context as _;
use secrecy::{ExposeSecret as _, SecretString};

use super::{
    UsageError,
    serving::{log_to_stderr, stopped},
    terminal::stdout,
    unknown_endpoint, warn_of,
};
use crate::{
    credential::Credentials,
    dialect::DialectId,
    endpoint::simulated,
    gateway::{self, Gateway, GatewayOptions, LocalToken, Route, RouteTable},
    settings::{self, Paths, Settings},
    simulator::{self, Simulator},
};

/// The model of the first try without a key, and what answers for it.
const FIRST_TRY: (&str, DialectId) = ("gemini-3-pro-preview", DialectId::Gemini);

/// Arguments of `tokenscope serve`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes: 0 stopped by Ctrl-C or SIGTERM; 1 could not listen, or the settings are not valid; 2 wrong arguments.

A model is asked for by the name of a route, or as ENDPOINT/MODEL. Its clients give the gateway's token as their API
key; the providers' keys stay where they are.

Examples:
  tokenscope serve --simulator
  tokenscope serve --route gemini-3-pro-preview=gemini-native/gemini-3-pro-preview
  tokenscope serve --route 'claude-*=anthropic/*' --route '*=openai/*' --token-env MY_TOKEN
  LLM_BASE_URL=http://127.0.0.1:8081/v1 LLM_API_KEY=ts-… python3 ask.py")]
pub struct ServeArgs {
    /// Where to listen; only this machine may be let in. Port 0 picks a free one.
    #[arg(long, default_value = "127.0.0.1:8081", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// Which target answers for a model's name: NAME=ENDPOINT/MODEL. A name may end in *, and a model be * (the name
    /// that was asked for). May be repeated; the most specific route is taken.
    #[arg(long = "route", value_name = "ROUTE", value_parser = str::parse::<Route>)]
    routes: Vec<Route>,
    /// Serve the simulator's models, too, among them gemini-3-pro-preview: a first try without a key.
    #[arg(long)]
    simulator: bool,
    /// Environment variable with the token that clients must give; without it a new one is made and printed.
    #[arg(long, value_name = "VAR")]
    token_env: Option<String>,
    /// Log each request to stderr.
    #[arg(short, long)]
    verbose: bool,
}

pub(super) fn run(args: &ServeArgs) -> anyhow::Result<ExitCode> {
    let address = args.listen;
    if !address.ip().is_loopback() {
        let why = format!(
            "{address} is open to other machines, and the gateway has no TLS: use a loopback address"
        );
        return Err(UsageError::new(why).into());
    }
    let (token, made) = token(args.token_env.as_deref())?;
    let settings = settings::load(&Paths::of_user()?)?;
    warn_of(&settings);
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(async {
            let simulator = if args.simulator {
                let started = simulator::start(0).await;
                Some(started.context("the simulator can't be started")?)
            } else {
                None
            };
            let routes = route_table(args, settings, simulator.as_ref())?;
            let options = GatewayOptions {
                address,
                token,
                routes,
                credentials: Credentials::default(),
                log: args.verbose.then_some(log_to_stderr),
            };
            let gateway = (gateway::serve(options).await)
                .with_context(|| format!("can't listen on {address}: try another --listen"))?;
            greet(&gateway, made.as_ref())?;
            stopped().await?;
            Ok(ExitCode::SUCCESS)
        })
}

/// The token of this variable, or a new one with its text.
fn token(variable: Option<&str>) -> Result<(LocalToken, Option<SecretString>), UsageError> {
    let Some(name) = variable else {
        let (token, text) = LocalToken::generate();
        return Ok((token, Some(text)));
    };
    let text = std::env::var(name).unwrap_or_default();
    if text.trim().is_empty() {
        let why =
            format!("${name} holds no token: set it, or leave --token-env out to have one made");
        return Err(UsageError::new(why));
    }
    Ok((LocalToken::of(&SecretString::from(text.trim())), None))
}

/// The routes with their endpoints, and all others that can be asked by their targets' names.
fn route_table(
    args: &ServeArgs,
    settings: Settings,
    simulator: Option<&Simulator>,
) -> Result<RouteTable, UsageError> {
    let mut routes = args.routes.clone();
    let settings = match simulator {
        Some(simulator) => {
            routes.extend(first_try());
            settings.with_simulator(simulator::endpoints(&simulator.base_url()))
        }
        None => settings,
    };
    let mut endpoints = settings.endpoints.clone();
    for route in &routes {
        let id = route.endpoint();
        let endpoint = settings.endpoint_or_preset(id);
        let endpoint = endpoint.ok_or_else(|| unknown_endpoint(id, &settings))?;
        if !endpoints.iter().any(|known| known.id == endpoint.id) {
            endpoints.push(endpoint.into_owned());
        }
    }
    Ok(RouteTable::new(routes, endpoints))
}

fn first_try() -> Option<Route> {
    let (name, dialect) = FIRST_TRY;
    let model = simulator::models().into_iter().next()?;
    format!("{name}={}/{model}", simulated::id_of(dialect))
        .parse()
        .ok()
}

/// Prints its URLs and how to use it. The first line is only the base URL, for scripts.
fn greet(gateway: &Gateway, made: Option<&SecretString>) -> io::Result<()> {
    let bases = gateway.base_urls();
    let first = bases.first().map_or("", |(_, base)| base.as_str());
    let mut text = format!("{first}\n\nBase URL of each protocol:\n");
    for (dialect, base) in &bases {
        // Writing to a string can't fail.
        let _ = writeln!(text, "  {dialect:<18}{base}");
    }
    if let Some(token) = made {
        let token = token.expose_secret();
        let _ = write!(text, "\nAPI key for its clients, shown only now: {token}\n");
    }
    text.push_str("\nCtrl-C stops it.\n");
    let mut out = stdout();
    out.write_all(text.as_bytes())?;
    out.flush()
}

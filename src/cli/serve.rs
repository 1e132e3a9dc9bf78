//! `tokenscope serve`: serves the gateway until it is stopped.

mod audit;
#[cfg(feature = "otlp")]
mod otlp;
mod reload;
mod storage;
mod token;

use std::{
    fmt::Write as _,
    io::{self, Write as _},
    net::SocketAddr,
    path::PathBuf,
    process::ExitCode,
    thread,
    time::Duration,
};

use anyhow::Context as _;
use secrecy::{ExposeSecret as _, SecretString};

use self::reload::Hangups;
use super::{
    UsageError, note,
    serving::{log_to_stderr, stopped},
    terminal::stdout,
    unknown_endpoint, warn_of,
};
use crate::{
    credential::Credentials,
    gateway::{
        self, AuditSink, Gateway, GatewayConfig, GatewayOptions, LocalToken, RouteTable, first_try,
    },
    history::History,
    settings::{
        self, Paths, Settings,
        gateway::{KeptContents, RouteSettings},
    },
    simulator::{self, Simulator},
};

/// Arguments of `tokenscope serve`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes: 0 stopped by Ctrl-C or SIGTERM, once all requests were over; 1 could not listen, or
the settings are not valid; 2 wrong arguments.

A model is asked for by the name of a route, or as ENDPOINT/MODEL. Its clients give the gateway's
token as their API key; the providers' keys stay where they are. Routes and keys of clients stand
in the settings, too (docs/gateway.md); SIGHUP reads them again.

Examples:
  tokenscope serve --simulator
  tokenscope serve --route gemini-3-pro-preview=gemini-native/gemini-3-pro-preview
  tokenscope serve --route 'claude-*=anthropic/*' --route '*=openai/*' --token-env MY_TOKEN
  LLM_BASE_URL=http://127.0.0.1:8081/v1 LLM_API_KEY=$(tokenscope serve --print-token) python3 ask.py")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
pub struct ServeArgs {
    /// Where to listen [default: the settings' address, or 127.0.0.1:8081]. Port 0 picks a free one.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Let other machines in. There is no TLS: do so only in a network that you trust, or behind a proxy with TLS.
    #[arg(long)]
    allow_remote: bool,
    /// A further name of a host by which clients may call it. May be repeated.
    #[arg(long = "host", value_name = "NAME")]
    hosts: Vec<String>,
    /// Which targets answer for a model's name: NAME=ENDPOINT/MODEL, further ones after commas. A name may end in *,
    /// and a model be * (the name that was asked for). May be repeated; the most specific route is taken.
    #[arg(long = "route", value_name = "ROUTE", value_parser = str::parse::<RouteSettings>)]
    routes: Vec<RouteSettings>,
    /// Serve the simulator's models, too, among them gemini-3-pro-preview: a first try without a key.
    #[arg(long)]
    simulator: bool,
    /// Read these settings instead of the user's.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Environment variable with the token that clients must give, instead of the one in the keyring.
    #[arg(long, value_name = "VAR")]
    token_env: Option<String>,
    /// Print the token that the keyring has, and do nothing else.
    #[arg(long, conflicts_with_all = ["simulator", "routes", "token_env"])]
    print_token: bool,
    /// Make a key for a client: its hash goes into the settings, its text is printed once.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["simulator", "routes", "print_token"])]
    new_key: Option<String>,
    /// What the history keeps of what is asked and answered [default: the settings' word, or all].
    #[arg(long, value_name = "WHAT", value_parser = super::one_of(KeptContents::ALL.iter().map(|kept| kept.as_str()), KeptContents::parse))]
    contents: Option<KeptContents>,
    /// Keep nothing of the requests in the history.
    #[arg(long)]
    no_history: bool,
    /// Append a line of JSON for each request to this file: who, route, target, tokens, times, outcome; no contents.
    #[arg(long, value_name = "FILE")]
    audit: Option<PathBuf>,
    /// Send traces and metrics to this OpenTelemetry collector, by OTLP over HTTP.
    #[cfg(feature = "otlp")]
    #[arg(long, value_name = "URL")]
    otlp: Option<url::Url>,
    /// Number of threads [default: one for each core].
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// After the signal to stop, how many seconds requests under way may take.
    #[arg(long, default_value_t = 30, value_name = "SECONDS")]
    grace: u64,
    /// Log each request to stderr.
    #[arg(short, long)]
    verbose: bool,
}

pub(super) fn run(args: &ServeArgs) -> anyhow::Result<ExitCode> {
    let paths = paths(args)?;
    if let Some(name) = &args.new_key {
        return token::new_key(&paths, name);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    if args.print_token {
        return runtime.block_on(token::print_kept());
    }
    runtime.block_on(async {
        // A SIGHUP may come at any time: whoever sends one need not know whether this has started.
        let hangups = Hangups::listen()?;
        let settings = settings::load(&paths)?;
        warn_of(&settings);
        serve(args, &paths, settings, hangups).await
    })
}

/// The files of the settings and the history.
fn paths(args: &ServeArgs) -> anyhow::Result<Paths> {
    let mut paths = Paths::of_user()?;
    if let Some(file) = &args.config {
        paths.settings.clone_from(file);
    }
    Ok(paths)
}

fn address(args: &ServeArgs, settings: &Settings) -> anyhow::Result<SocketAddr> {
    let address = args.listen.or(settings.gateway.listen);
    let address = address.unwrap_or(gateway::LISTEN);
    if !address.ip().is_loopback() && !args.allow_remote {
        let why = format!(
            "{address} is open to other machines, and the gateway has no TLS: use a loopback address, or say \
             --allow-remote in a network that you trust"
        );
        return Err(UsageError::new(why).into());
    }
    Ok(address)
}

async fn serve(
    args: &ServeArgs,
    paths: &Paths,
    settings: Settings,
    hangups: Hangups,
) -> anyhow::Result<ExitCode> {
    let address = address(args, &settings)?;
    let simulator = if args.simulator {
        let started = simulator::start(0).await;
        Some(started.context("the simulator can't be started")?)
    } else {
        None
    };
    let credentials = Credentials::default();
    let given = token::given(args.token_env.as_deref(), &credentials).await?;
    let config_of = |settings| config(args, settings, simulator.as_ref(), &given.token);
    let captures = settings.captures;
    let config = config_of(settings)?;
    let history = (!args.no_history).then(|| History::open(&paths.data));
    if let Some(history) = &history {
        history.limit_captures(captures);
        tokio::spawn(storage::tell(history.watch_storage()));
    }
    let sinks = Sinks::new(args)?;
    let options = GatewayOptions {
        address,
        hosts: args.hosts.clone(),
        threads: args.threads.unwrap_or_else(cores),
        config,
        credentials,
        history: history.clone(),
        log: args.verbose.then_some(log_to_stderr),
        audit: sinks.audit,
    };
    let gateway = (gateway::serve(options).await)
        .with_context(|| format!("can't listen on {address}: try another --listen"))?;
    let stop = stopped()?;
    greet(&gateway, &given)?;
    let read_again = || {
        let settings = settings::load(paths)?;
        warn_of(&settings);
        if let Some(history) = &history {
            history.limit_captures(settings.captures);
        }
        config_of(settings)
    };
    let reload = || match read_again() {
        Ok(config) => gateway.reload(config),
        Err(error) => note(&format!("the settings were not read again: {error:#}")),
    };
    hangups.until(stop, reload).await?;
    end(gateway, history, Duration::from_secs(args.grace)).await?;
    #[cfg(feature = "otlp")]
    if let Some(telemetry) = sinks.telemetry {
        // It waits for the collector.
        tokio::task::spawn_blocking(move || telemetry.end()).await?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What is told of each request that is over.
struct Sinks {
    audit: Option<AuditSink>,
    #[cfg(feature = "otlp")]
    telemetry: Option<otlp::Telemetry>,
}

impl Sinks {
    fn new(args: &ServeArgs) -> anyhow::Result<Self> {
        let file = args.audit.as_deref().map(audit::to_file).transpose()?;
        #[cfg(feature = "otlp")]
        {
            let telemetry = args.otlp.as_ref().map(otlp::Telemetry::to).transpose()?;
            let collector = telemetry.as_ref().map(otlp::Telemetry::sink);
            Ok(Self {
                audit: audit::both(file, collector),
                telemetry,
            })
        }
        #[cfg(not(feature = "otlp"))]
        Ok(Self { audit: file })
    }
}

/// Waits for the requests under way, and for the history.
async fn end(gateway: Gateway, history: Option<History>, grace: Duration) -> anyhow::Result<()> {
    if gateway.in_flight() > 0 {
        note(&format!(
            "waiting for {} requests, {} s at most; stop again to end at once",
            gateway.in_flight(),
            grace.as_secs()
        ));
    }
    tokio::select! {
        () = gateway.drain() => {}
        () = tokio::time::sleep(grace) => note("some requests were not over in time"),
        again = stopped()? => again?,
    }
    if let Some(history) = history
        && let Err(unstored) = history.end().await
    {
        note(&unstored.to_string());
    }
    Ok(())
}

fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// What the settings and the arguments say. A route of the arguments replaces that of the settings with the same name.
fn config(
    args: &ServeArgs,
    settings: Settings,
    simulator: Option<&Simulator>,
    token: &LocalToken,
) -> anyhow::Result<GatewayConfig> {
    let mut routes = args.routes.clone();
    let settings = match simulator {
        Some(simulator) => {
            let model = simulator::models().into_iter().next();
            routes.extend(model.and_then(|model| first_try(model, &settings)));
            settings.with_simulator(simulator::endpoints(&simulator.base_url()))
        }
        None => settings,
    };
    let routes = RouteTable::of_settings(routes, &settings);
    let routes = routes.map_err(|id| unknown_endpoint(&id, &settings))?;
    let mut config = GatewayConfig::of_settings(&settings, routes, token.clone());
    if let Some(contents) = args.contents {
        config.contents = contents;
    }
    Ok(config)
}

/// Prints its URLs and how to use it. The first line is only the base URL, for scripts.
fn greet(gateway: &Gateway, given: &token::GivenToken) -> io::Result<()> {
    let bases = gateway.base_urls();
    let first = bases.first().map_or("", |(_, base)| base.as_str());
    let mut text = format!("{first}\n\nBase URL of each protocol:\n");
    for (dialect, base) in &bases {
        // Writing to a string can't fail.
        let _ = writeln!(text, "  {dialect:<18}{base}");
    }
    text.push_str(&given.told());
    text.push_str("\nCtrl-C stops it.\n");
    let mut out = stdout();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Prints a secret that was asked for, alone in its line.
fn print_secret(secret: &SecretString) -> io::Result<()> {
    let mut out = stdout();
    writeln!(out, "{}", secret.expose_secret())?;
    out.flush()
}

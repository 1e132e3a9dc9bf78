//! `tokenscope simulate`: serves the built-in simulator until it is stopped.

use std::{
    fmt::Write as _,
    io::{self, Write as _},
    net::{IpAddr, Ipv4Addr},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::Context as _;
use url::Url;

use super::{
    UsageError,
    serving::{log_to_stderr, stopped},
    terminal::stdout,
};
use crate::{
    private,
    simulator::{self, SimulatorOptions},
};

/// Arguments of `tokenscope simulate`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes: 0 stopped by Ctrl-C or SIGTERM; 1 could not listen, or not write the CA file; 2 wrong arguments.

Examples:
  tokenscope simulate --port 8090
  tokenscope simulate --port 8443 --tls ca.pem
  tokenscope chat --base-url http://127.0.0.1:8090/v1 -m sim-fast Hello")]
pub struct SimulateArgs {
    /// Port to listen on; 0 picks a free one.
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Address to listen on.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST), value_name = "ADDRESS")]
    host: IpAddr,
    /// Allow access from other machines. There is no password: do so only in a network that you trust.
    #[arg(long)]
    allow_remote: bool,
    /// Changes all schedules. The same seed, model and prompt give the same schedule.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// How many times faster than each model's own pace, 0.01 to 1000.
    #[arg(long, default_value_t = 1.0, value_name = "FACTOR", value_parser = speed)]
    speed: f64,
    /// Serve TLS (HTTP/2 and 1.1), and write the certificate of its own authority to this file, for clients to trust.
    #[arg(long, value_name = "CA_FILE")]
    tls: Option<PathBuf>,
    /// How many seconds an access token of its token endpoint is valid.
    #[arg(long, default_value_t = 3600, value_name = "SECONDS")]
    token_life: u64,
    /// Log each request to stderr.
    #[arg(short, long)]
    verbose: bool,
}

fn speed(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(speed) if (0.01..=1000.0).contains(&speed) => Ok(speed),
        _ => Err("write a number from 0.01 to 1000".into()),
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "every command gets its arguments by value"
)]
pub(super) fn run(args: SimulateArgs) -> anyhow::Result<ExitCode> {
    let host = args.host;
    if !host.is_loopback() && !args.allow_remote {
        let why = format!("{host} is open to other machines: add --allow-remote if you want that");
        return Err(UsageError::new(why).into());
    }
    let options = SimulatorOptions {
        host,
        port: args.port,
        seed: args.seed,
        speed: args.speed,
        tls: args.tls.is_some(),
        token_life: Duration::from_secs(args.token_life),
        log: args.verbose.then_some(log_to_stderr),
    };
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(serve(options, args.tls.as_deref()))
}

async fn serve(options: SimulatorOptions, ca_file: Option<&Path>) -> anyhow::Result<ExitCode> {
    let SimulatorOptions { host, port, .. } = options;
    let simulator = (simulator::serve(options).await)
        .with_context(|| format!("can't listen on {host} port {port}: try another --port"))?;
    if let (Some(file), Some(authority)) = (ca_file, simulator.authority()) {
        private::write(file, authority.as_bytes())
            .with_context(|| format!("can't write {}", file.display()))?;
    }
    let stop = stopped()?;
    greet(&simulator.base_url(), ca_file)?;
    stop.await?;
    drop(simulator);
    Ok(ExitCode::SUCCESS)
}

/// Prints its URLs and how to use it. The first line is only the base URL, for scripts.
fn greet(base_url: &Url, ca_file: Option<&Path>) -> io::Result<()> {
    let names = simulator::models();
    let model = names.first().map_or("", String::as_str);
    let trust =
        |flag: &str| ca_file.map_or(String::new(), |file| format!("{flag} {} ", file.display()));
    let (curl, ours) = (trust("--cacert"), trust("--ca-file"));
    let mut all = String::new();
    for endpoint in simulator::endpoints(base_url) {
        let (dialect, url) = (endpoint.dialect.as_str(), endpoint.base_url.as_str());
        // Writing to a string can't fail.
        let _ = writeln!(all, "  {dialect:<18}{url}");
    }
    let text = format!(
        "{base_url}\n\n\
         All answers are simulated. Ctrl-C stops it. Models: {}\n\n\
         curl -N {curl}{base_url}/chat/completions -H 'content-type: application/json' \\\n  \
           -d '{{\"model\":\"{model}\",\"stream\":true,\"messages\":[{{\"role\":\"user\",\"content\":\"Hello\"}}]}}'\n\
         tokenscope chat {ours}--base-url {base_url} --model {model} Hello\n\n\
         Base URL of each --dialect:\n{all}",
        names.join(" "),
    );
    let mut out = stdout();
    out.write_all(text.as_bytes())?;
    out.flush()
}

//! `tokenscope`: opens the desktop, or runs a command.

use std::process::ExitCode;

use clap::Parser as _;
use tokenscope::cli::{self, Cli};

fn main() -> ExitCode {
    log_to_stderr();
    let result = match Cli::parse().command {
        Some(command) => cli::run(command),
        None => open_desktop(),
    };
    result.unwrap_or_else(|error| {
        say(&error);
        cli::exit_code(&error)
    })
}

#[cfg(feature = "gui")]
fn open_desktop() -> anyhow::Result<ExitCode> {
    tokenscope::desktop::run(tokenscope::settings::Paths::of_user()?)?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(not(feature = "gui"))]
fn open_desktop() -> anyhow::Result<ExitCode> {
    anyhow::bail!("this build has no desktop: try `tokenscope chat`, or see `tokenscope --help`")
}

/// What goes wrong is said in one line.
#[expect(
    clippy::print_stderr,
    reason = "the one place where a command's error is said"
)]
fn say(error: &anyhow::Error) {
    eprintln!("tokenscope: {error:#}");
}

/// Our own log, off unless `TOKENSCOPE_LOG` asks for it; never holds a key or a body.
fn log_to_stderr() {
    let filter = tracing_subscriber::EnvFilter::builder()
        .with_env_var("TOKENSCOPE_LOG")
        .with_default_directive(tracing::level_filters::LevelFilter::ERROR.into())
        .from_env_lossy();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
}

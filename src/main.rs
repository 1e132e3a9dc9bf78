//! `tokenscope`: opens the desktop, or runs a command.

use std::process::ExitCode;

use tokenscope::{cli, transport};

fn main() -> ExitCode {
    log_to_stderr();
    transport::allow_many_sockets();
    let arguments = match cli::parse() {
        Ok(arguments) => arguments,
        Err(code) => return code,
    };
    let result = match arguments.command {
        Some(command) => cli::run(command),
        None => open_desktop(),
    };
    result.unwrap_or_else(|error| {
        cli::report(&error);
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

/// Our own log, off unless `TOKENSCOPE_LOG` asks for it; never contains a key or a body.
fn log_to_stderr() {
    let filter = tracing_subscriber::EnvFilter::builder()
        .with_env_var("TOKENSCOPE_LOG")
        .with_default_directive(tracing::level_filters::LevelFilter::ERROR.into())
        .from_env_lossy();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(cli::stderr)
        .log_internal_errors(false)
        .init();
}

//! `tokenscope`: opens the desktop, or runs a command.

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> anyhow::Result<ExitCode> {
    match tokenscope::cli::Cli::parse().command {
        Some(command) => tokenscope::cli::run(command),
        None => Ok(ExitCode::SUCCESS),
    }
}

//! `tokenscope`: opens the desktop, or runs a command.

use std::process::ExitCode;

use clap::Parser as _;
use tokenscope::cli::{self, Cli};

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Some(command) => cli::run(command),
        None => Ok(ExitCode::SUCCESS),
    };
    result.unwrap_or_else(|error| {
        say(&error);
        cli::exit_code(&error)
    })
}

/// What goes wrong is said in one line.
#[expect(clippy::print_stderr, reason = "the one place where a command's error is said")]
fn say(error: &anyhow::Error) {
    eprintln!("tokenscope: {error:#}");
}

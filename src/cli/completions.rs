//! `tokenscope completions`: prints a completion script.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use clap::CommandFactory as _;
use clap_complete::Shell;

/// Arguments of `tokenscope completions`.
///
/// For example: `tokenscope completions bash > ~/.local/share/bash-completion/completions/tokenscope`
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The shell.
    shell: Shell,
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "each command takes its arguments whole"
)]
pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let mut command = super::Cli::command();
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "tokenscope", &mut script);
    match io::stdout().lock().write_all(&script) {
        // `| head` closes early; that is its right.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(ExitCode::SUCCESS),
    }
}

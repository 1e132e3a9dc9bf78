//! `tokenscope completions`: prints a completion script.

use std::{io::Write as _, process::ExitCode};

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::terminal::stdout;

/// Arguments of `tokenscope completions`.
///
/// For example: `tokenscope completions bash > ~/.local/share/bash-completion/completions/tokenscope`
#[derive(Debug, clap::Args)]
pub struct CompletionsArgs {
    /// The shell.
    shell: Shell,
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "every command gets its arguments by value"
)]
pub(super) fn run(args: CompletionsArgs) -> anyhow::Result<ExitCode> {
    let mut command = super::Cli::command();
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "tokenscope", &mut script);
    stdout().write_all(&script)?;
    Ok(ExitCode::SUCCESS)
}

//! `tokenscope completions`.

use std::process::ExitCode;

/// Arguments of `tokenscope completions`.
#[derive(Debug, clap::Args)]
pub struct Args {}

pub(super) fn run(_args: Args) -> anyhow::Result<ExitCode> {
    todo!("completions")
}

//! `tokenscope simulate`.

use std::process::ExitCode;

/// Arguments of `tokenscope simulate`.
#[derive(Debug, clap::Args)]
pub struct Args {}

pub(super) fn run(_args: Args) -> anyhow::Result<ExitCode> {
    todo!("simulate")
}

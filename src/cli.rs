//! The commands without a window: one file each, one line each in [`Command`].

mod chat;
mod completions;
mod decode;
mod keys;
mod models;
pub mod record;
mod simulate;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Tokenscope: an oscilloscope for LLM APIs.
///
/// With no command it opens the desktop. With one it does the same work without a window.
#[derive(Debug, Parser)]
#[command(name = "tokenscope", version, max_term_width = 100)]
pub struct Cli {
    /// What to do; nothing opens the desktop.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Ask one model, or several side by side, and see the figures.
    Chat(chat::Args),
    /// Say what a captured response body really contains, and what is wrong with it.
    Decode(decode::Args),
    /// Keep, list and forget API keys in the OS keyring.
    Keys(keys::Args),
    /// List the models of an endpoint.
    Models(models::Args),
    /// Serve the built-in simulator.
    Simulate(simulate::Args),
    /// Print a completion script for a shell.
    Completions(completions::Args),
}

/// Runs a command.
///
/// # Errors
/// With one line that says what is wrong and what to do; a command that ended in an ordinary
/// failure (a fault, a refused target) gives an exit code instead.
pub fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Chat(args) => chat::run(args),
        Command::Decode(args) => decode::run(args),
        Command::Keys(args) => keys::run(args),
        Command::Models(args) => models::run(args),
        Command::Simulate(args) => simulate::run(args),
        Command::Completions(args) => completions::run(args),
    }
}

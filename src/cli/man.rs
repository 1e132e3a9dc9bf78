//! `tokenscope man`: prints a manual page.

use std::{io::Write as _, process::ExitCode};

use clap::CommandFactory as _;
use clap_mangen::Man;

use super::{UsageError, terminal::stdout};
use crate::visible::visible_line;

/// Arguments of `tokenscope man`.
///
/// For example: `tokenscope man chat | man -l -`
#[derive(Debug, clap::Args)]
pub struct ManArgs {
    /// The command that the page is about, as in `keys set`; without one, the whole program.
    #[arg(value_name = "COMMAND")]
    commands: Vec<String>,
    /// Print the names of its commands instead, one a line.
    #[arg(long)]
    list: bool,
}

pub(super) fn run(args: &ManArgs) -> anyhow::Result<ExitCode> {
    let page = page_of(&args.commands)?;
    let mut text = Vec::new();
    if args.list {
        for command in shown(&page) {
            writeln!(text, "{command}")?;
        }
    } else {
        Man::new(page).render(&mut text)?;
    }
    stdout().write_all(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// The command of these names, each a command of the one before.
fn page_of(names: &[String]) -> Result<clap::Command, UsageError> {
    // Manuals have no pages about `help`.
    let mut page = super::Cli::command().disable_help_subcommand(true);
    page.build();
    for name in names {
        let found = page.find_subcommand(name).cloned();
        page = found.ok_or_else(|| {
            let known: Vec<&str> = shown(&page).collect();
            let known = match known.as_slice() {
                [] => "it has none".to_owned(),
                known => format!("known are {}", known.join(", ")),
            };
            let (page, name) = (page.get_name(), visible_line(name));
            UsageError::new(format!("{page} has no command “{name}”: {known}"))
        })?;
    }
    Ok(page)
}

fn shown(page: &clap::Command) -> impl Iterator<Item = &str> {
    let commands = page.get_subcommands().filter(|c| !c.is_hide_set());
    commands.map(clap::Command::get_name)
}

//! `tokenscope delete`: deletes runs of the history.

use std::{
    fs,
    io::{self, BufRead as _, IsTerminal as _, Write as _},
    path::Path,
    process::ExitCode,
};

use anyhow::{Context as _, bail};
use jiff::civil::Date;

use super::{UsageError, note, terminal::stderr};
use crate::{
    endpoint::TargetId,
    history::{Deletion, DeletionCount, History, Storage},
    run::RunId,
    settings::Paths,
};

/// Arguments of `tokenscope delete`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct DeleteArgs {
    /// One run, by the number that `export` and `chat --json` give.
    #[arg(long, value_name = "ID", conflicts_with_all = ["day", "before", "target"])]
    run: Option<i64>,

    /// Everything of this day, as 2026-11-30; a day is one of UTC.
    #[arg(long, value_name = "DAY", conflicts_with = "before")]
    day: Option<Date>,

    /// Everything before this day.
    #[arg(long, value_name = "DAY")]
    before: Option<Date>,

    /// Everything of this target, as endpoint/model; with --day or --before only that.
    #[arg(short, long, value_name = "TARGET")]
    target: Option<TargetId>,

    /// Only say how much that would be.
    #[arg(long)]
    dry_run: bool,

    /// Don't ask.
    #[arg(long)]
    yes: bool,
}

const EXAMPLES: &str = "\
Runs go with their texts, captures and findings, probes that were rolled up with the figures of
their hours; so do gaps that lie within the time, and checks of endpoints, unless -t names one of
several targets of its endpoint. Runs under way and conversations stay. The file shrinks.

Exit codes: 0 success; 1 the history can't be written, or the question was answered with no;
2 wrong arguments, or there was nobody to ask.

Examples:
  tokenscope delete --before 2026-01-01 --dry-run
  tokenscope delete -t openai/gpt-5-mini --day 2026-11-30
  tokenscope delete --run 1883214567890123456 --yes";

pub(super) fn run(args: &DeleteArgs) -> anyhow::Result<ExitCode> {
    let deletion = deletion_of(args)?;
    let can_ask = io::stdin().is_terminal();
    if !(args.yes || args.dry_run || can_ask) {
        let why = "standard input is no terminal, so nobody can be asked: say --yes, or --dry-run";
        return Err(UsageError::new(why).into());
    }
    let paths = Paths::of_user()?;
    if !History::is_in(&paths.data) {
        bail!("there is no history in {} yet", paths.data.display());
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("no async runtime")?;
    runtime.block_on(delete(args, deletion, &paths.data))
}

/// What the arguments name.
fn deletion_of(args: &DeleteArgs) -> Result<Deletion, UsageError> {
    if let Some(id) = args.run {
        return Ok(Deletion::run(RunId(id)));
    }
    if args.day.is_none() && args.before.is_none() && args.target.is_none() {
        let why = "say what to delete: --run, --day, --before or --target";
        return Err(UsageError::new(why));
    }
    let from = args.day.map(Deletion::day);
    Ok(Deletion::Days {
        target: args.target.clone(),
        from,
        before: args.before.map(Deletion::day).or(from.map(|day| day + 1)),
    })
}

async fn delete(args: &DeleteArgs, deletion: Deletion, data: &Path) -> anyhow::Result<ExitCode> {
    let history = History::open(data);
    if let Storage::Failing { why } | Storage::ReadOnly { why } = history.storage().await {
        bail!(why);
    }
    let count = history.count(deletion.clone()).await?;
    let (verb, done) = if count.is_empty() {
        ("There is nothing to delete", true)
    } else if args.dry_run {
        ("This would be deleted", true)
    } else {
        ("This will be deleted", false)
    };
    note(&format!("{verb}{}", listed(count)));
    let mut code = ExitCode::SUCCESS;
    if !done && (args.yes || agrees()?) {
        let before = size_of(data);
        let deleted = history.delete(deletion).await?;
        // Free pages are given back when the file is closed.
        let _ = history.end().await;
        let after = size_of(data);
        let shrunk = match (before, after) {
            (Some(before), Some(after)) => {
                format!("; the file had {} and has {}", mb(before), mb(after))
            }
            _ => String::new(),
        };
        note(&format!("Deleted{}{shrunk}", listed(deleted)));
    } else {
        if !done {
            code = ExitCode::FAILURE;
            note("Nothing was deleted");
        }
        let _ = history.end().await;
    }
    Ok(code)
}

/// Asks at the terminal.
fn agrees() -> io::Result<bool> {
    write!(stderr(), "Delete it? [y/N] ")?;
    stderr().flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// The counts that are not zero, after a colon.
fn listed(count: DeletionCount) -> String {
    let parts: Vec<String> = (count.named())
        .map(|(number, noun)| format!("{number} {noun}"))
        .collect();
    if parts.is_empty() {
        String::new()
    } else {
        format!(": {}", parts.join(", "))
    }
}

/// The bytes of the history's file.
fn size_of(data: &Path) -> Option<u64> {
    Some(fs::metadata(data.join("history.db")).ok()?.len())
}

#[expect(clippy::cast_precision_loss, reason = "only shown, with one digit")]
fn mb(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_nothing_is_not_listed() {
        assert_eq!(listed(DeletionCount::default()), "");
        let count = DeletionCount {
            runs: 1,
            gaps: 2,
            ..DeletionCount::default()
        };
        assert_eq!(listed(count), ": 1 run, 2 gaps");
    }
}

//! Comparisons of the history: listed, opened, deleted.

use std::{io::Write as _, process::ExitCode};

use anyhow::{Context as _, bail};
use serde_json::json;

use super::super::{UsageError, note, stored, table, terminal::stdout};
use crate::{
    compare::{CompareState, ComparisonId, ComparisonSummary, SavedComparison},
    history::{History, rfc3339},
    record,
    settings::Paths,
};

/// The word for the latest one.
const LAST: &str = "last";

/// Lists them, the latest first.
pub(super) fn list(paths: &Paths, as_json: bool) -> anyhow::Result<ExitCode> {
    let all = stored::read(paths, async |history| Ok(history.comparisons().await?))?;
    let mut out = stdout();
    if as_json {
        for one in &all {
            record::write_line(&mut out, &line(one))?;
        }
    } else if all.is_empty() {
        note("there is no comparison in the history yet");
    } else {
        let head = ["id", "began", "rounds", "ended", "compared"].map(str::to_owned);
        let rows = all.iter().map(|one| {
            vec![
                one.id.to_string(),
                rfc3339(one.began_unix_ns),
                one.rounds.to_string(),
                ended(one).to_owned(),
                one.arms.join(", "),
            ]
        });
        let rows = std::iter::once(head.to_vec()).chain(rows).collect();
        out.write_all(table::left(rows).as_bytes())?;
    }
    out.end()?;
    Ok(ExitCode::SUCCESS)
}

/// How one ended, in a word.
fn ended(one: &ComparisonSummary) -> &'static str {
    match &one.end {
        Some(end) => end.reason.as_str(),
        None if one.is_running_elsewhere => "runs now",
        None => "cut off",
    }
}

fn line(one: &ComparisonSummary) -> serde_json::Value {
    json!({
        "type": "saved_comparison",
        "id": one.id,
        "targets": one.arms,
        "began_unix_ns": one.began_unix_ns,
        "rounds": one.rounds,
        "stopped": one.end.as_ref().map(|end| end.reason),
        "is_running": one.is_running_elsewhere,
        "ended_unix_ns": one.end.as_ref().map(|end| end.at_unix_ns),
    })
}

/// One with what its pairs say.
///
/// # Errors
/// If there is none of this number.
pub(super) fn opened(paths: &Paths, id: &str) -> anyhow::Result<CompareState> {
    let saved = stored::read(paths, async |history| read(history, id).await)?;
    Ok(CompareState::of_saved(saved))
}

/// Reads one of the history.
///
/// # Errors
/// If there is none of this number.
pub(super) async fn read(history: &History, id: &str) -> anyhow::Result<SavedComparison> {
    let saved = history.comparison(found(history, id).await?).await?;
    saved.with_context(|| format!("there is no comparison {id}"))
}

/// Deletes one; its runs stay.
pub(super) fn delete(paths: &Paths, id: &str) -> anyhow::Result<ExitCode> {
    let had = stored::read(paths, async |history| {
        let id = found(history, id).await?;
        let saved = history.comparison(id).await?;
        if saved
            .as_ref()
            .is_some_and(|saved| saved.is_running_elsewhere)
        {
            bail!("another process runs it");
        }
        history.delete_comparison(id);
        history.flush().await;
        Ok(saved.is_some())
    })?;
    if !had {
        bail!("there is no comparison {id}");
    }
    note("deleted; its runs are still in the history");
    Ok(ExitCode::SUCCESS)
}

async fn found(history: &History, id: &str) -> anyhow::Result<ComparisonId> {
    if id == LAST {
        let all = history.comparisons().await?;
        let last = all.first().map(|one| one.id);
        return last.context("there is no comparison in the history yet");
    }
    let number = id.parse().map(ComparisonId);
    number.map_err(|_| UsageError::new(format!("“{id}” is no number of a comparison")).into())
}

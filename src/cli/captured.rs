//! The capture that a command is given: a run of the history, or a file.

use std::path::Path;

use anyhow::{Context as _, bail};

use super::{UsageError, input, stored};
use crate::{
    capture::{self, Capture},
    history::{History, KeptCapture, RunQuery},
    run::RunId,
    settings::Paths,
};

/// What stands for the run that began last.
const LAST: &str = "last";

/// The capture of a run, given by its id or as `last`, or of a file.
pub(super) fn find(given: &str) -> anyhow::Result<Capture> {
    let path = Path::new(given);
    if given == LAST || (is_id(given) && !path.exists()) {
        return of_run(given);
    }
    let text = input::text("capture", path, capture::MAX_FILE_BYTES)?;
    capture::read(&text)
        .map_err(|why| UsageError::new(format!("{}: {why}", input::name(path))).into())
}

fn is_id(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn of_run(given: &str) -> anyhow::Result<Capture> {
    let paths = Paths::of_user()?;
    stored::read(&paths, async |history| load(history, given).await)
}

async fn load(history: &History, given: &str) -> anyhow::Result<Capture> {
    let id = match given.parse() {
        Ok(id) => RunId(id),
        Err(_) => last(history).await?,
    };
    let kept = history.capture(id).await?;
    if let KeptCapture::Kept(capture) = kept {
        return Ok(*capture);
    }
    match (history.run(id).await?, kept.why_gone()) {
        (None, _) => Err(UsageError::new(format!(
            "the history has no run {}: `tokenscope export` and `chat --json` print their ids",
            id.0
        ))
        .into()),
        (Some(run), _) if !run.state.is_over() => bail!("run {} is not over yet", id.0),
        (Some(_), why) => bail!("run {}: {}", id.0, why.unwrap_or_default()),
    }
}

async fn last(history: &History) -> anyhow::Result<RunId> {
    let query = RunQuery {
        limit: 1,
        ..RunQuery::default()
    };
    let page = history.runs(query).await?;
    let row = page.rows.first();
    row.map(|row| row.id).context("the history has no run yet")
}

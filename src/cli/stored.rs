//! The history, for a command that only reads it.

use anyhow::{Context as _, bail};
use jiff::Timestamp;

use super::note;
use crate::{
    history::{History, Storage},
    settings::Paths,
};

/// Asks the history.
///
/// # Errors
/// If there is none yet, or it can't be read.
pub(super) fn read<T>(
    paths: &Paths,
    ask: impl AsyncFnOnce(&History) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    if !History::is_in(&paths.data) {
        bail!("there is no history in {} yet", paths.data.display());
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("no async runtime")?;
    runtime.block_on(async {
        let history = History::open(&paths.data);
        if let Storage::Failing { why } = history.storage().await {
            bail!(why);
        }
        let answer = ask(&history).await;
        // Nothing was changed that could be lost.
        let _ = history.end().await;
        answer
    })
}

/// Says that probes since a time are missing in a file, as those before `until` were rolled up (both in nanoseconds
/// since 1970; without `since`: all).
pub(super) fn note_rolled_up(until: Option<i64>, since: Option<i64>) {
    if let Some(until) = until.filter(|until| since.is_none_or(|since| since < *until))
        && let Ok(until) = Timestamp::from_nanosecond(until.into())
    {
        note(&format!(
            "Of probes before {until:.0} only the figures of each hour are left; they are not in the file"
        ));
    }
}
